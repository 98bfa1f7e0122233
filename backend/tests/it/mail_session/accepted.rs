//! What is accepted, and that it arrives as it was written.

use super::{
    At, BODY, Disposition, Outcome, Reason, Rule, ScriptedServer, Stage, assert_verdict, patient,
    run, say, send, send_one, session, to,
};

#[test]
fn a_mail_arrives_as_it_was_written_and_its_reply_is_kept() {
    let server = ScriptedServer::start();
    let reply = run(send_one(&server.server(), &patient(), BODY)).unwrap();
    assert_eq!(
        (reply.code, reply.enhanced.as_deref(), reply.text.as_str()),
        (250, Some("2.0.0"), "2.0.0 queued")
    );
    let mail = server.accepted().pop().unwrap();
    assert_eq!(
        (mail.from.as_str(), mail.to),
        ("news@example.org", vec!["bob@example.org".to_owned()])
    );
    assert_eq!(mail.data, BODY);
}

#[test]
fn a_body_cannot_end_its_mail_and_begin_another() {
    let server = ScriptedServer::start();
    let body = b"a\n.\nMAIL FROM:<evil@example.org>\r.\r\nb\r\n.\r\nc";
    run(send_one(&server.server(), &patient(), body)).unwrap();
    let mails = server.accepted();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        mails[0].data,
        b"a\r\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\nb\r\n.\r\nc\r\n"
    );
}

#[test]
fn each_mail_gets_its_own_answer_with_the_next_envelope_behind_it_or_not() {
    for setup in [
        ScriptedServer::setup(),
        ScriptedServer::setup().without("PIPELINING"),
        ScriptedServer::setup().trickling(),
    ] {
        let server = setup
            .start()
            .on("no@example.org", Rule::refuse(550, "5.1.1 no such user"));
        let server = server.on(
            "dot@example.org",
            Rule::say(At::Dot, "554 5.6.0 bad content\r\n"),
        );
        let people = [
            "a@example.org",
            "no@example.org",
            "dot@example.org",
            "no@example.org",
            "b@example.org",
        ];
        let outcomes: Vec<_> = run(async {
            let mut session = session(&server).await;
            let mut outcomes = Vec::new();
            for (number, person) in people.iter().enumerate() {
                let next = people.get(number + 1).map(|next| to(next));
                let outcome = match session.open(&to(person)).await {
                    Ok(()) => session.transmit(BODY, next.as_ref()).await,
                    Err(failure) => Err(failure),
                };
                outcomes.push(outcome.map_err(|failure| failure.stage));
            }
            session.quit().await;
            outcomes
                .into_iter()
                .map(|outcome| outcome.map(|reply| reply.code))
                .collect()
        });
        assert_eq!(
            outcomes,
            [
                Ok(250),
                Err(Stage::Rcpt),
                Err(Stage::Dot),
                Err(Stage::Rcpt),
                Ok(250)
            ]
        );
        let recipients: Vec<_> = server
            .accepted()
            .into_iter()
            .flat_map(|mail| mail.to)
            .collect();
        assert_eq!(recipients, ["a@example.org", "b@example.org"]);
        assert_eq!(
            (
                server.connections(),
                server.commands().last().map(String::as_str)
            ),
            (1, Some("QUIT"))
        );
    }
}

#[test]
fn only_25x_to_the_dot_is_accepted() {
    for answer in [
        "354 go on\r\n",
        "220 hello\r\n",
        "200 fine\r\n",
        "299 fine\r\n",
        "334 \r\n",
        "hello\r\n",
        "250-\r\n550 no\r\n",
        "2500 ok\r\n",
        "250ok\r\n",
    ] {
        assert_verdict(
            At::Dot,
            say(answer),
            Stage::Dot,
            Outcome::Uncertain,
            Reason::Uncertain,
        );
    }
    let server = ScriptedServer::start().on("*", Rule::say(At::Dot, "250-first\r\n250\r\n"));
    assert_eq!(
        run(send_one(&server.server(), &patient(), BODY))
            .unwrap()
            .text,
        "first "
    );
}

#[test]
fn parameters_are_used_and_what_the_server_cannot_take_is_rejected_without_a_word_to_it() {
    let address = "почта@example.org";
    let able = ScriptedServer::start();
    run(async { session(&able).await.open(&to(address)).await }).unwrap();
    assert!(able.commands().contains(&format!(
        "MAIL FROM:<news@example.org> SMTPUTF8 SIZE={}",
        BODY.len()
    )));

    let unable = ScriptedServer::setup().without("SMTPUTF8").start();
    run(async {
        let mut session = session(&unable).await;
        let failure = session.open(&to(address)).await.unwrap_err();
        assert_eq!(
            failure.disposition(),
            Disposition {
                outcome: Outcome::Rejected,
                reason: Reason::Unsendable
            }
        );
        assert_eq!(unable.commands().len(), 1, "EHLO only");
        assert_eq!(
            send(&mut session, "bob@example.org").await.unwrap().code,
            250
        );
    });
}
