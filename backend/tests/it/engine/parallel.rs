//! Mails are distributed one by one: however small a mailing and however slow its server, no session is idle while
//! another has more than one mail to send, and no owner waits for another's batch.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::smtp_server::ScriptedServer;

/// Long enough that all sessions have started before the first is done.
const SLOW: Duration = Duration::from_millis(150);

/// Number of mails on each connection, in descending order.
fn mails_by_connection(server: &ScriptedServer) -> Vec<usize> {
    let mut mails: HashMap<usize, usize> = HashMap::new();
    for mail in server.accepted() {
        *mails.entry(mail.connection).or_default() += 1;
    }
    let mut counts: Vec<usize> = mails.into_values().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    counts
}

#[test]
fn as_many_sessions_work_at_once_as_there_are_mails() {
    for (recipients, most) in [(1, 1), (20, 1), (30, 2), (40, 2)] {
        let server = ScriptedServer::setup().replying_after(SLOW).start();
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "20")]);
        let alice = app.alice();
        app.recipients(&alice, recipients);
        app.mailing(&alice, &json!({}));
        app.tick();
        let mails = mails_by_connection(&server);
        assert_eq!(
            mails.iter().sum::<usize>(),
            usize::try_from(recipients).unwrap()
        );
        assert!(mails[0] <= most, "of {recipients}: {mails:?}");
    }
}

#[test]
fn a_small_mailing_through_a_users_slow_server_uses_all_of_its_sessions() {
    let installation = ScriptedServer::start();
    let own = ScriptedServer::setup().replying_after(SLOW).start();
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipients(&alice, 12);
    let server = app.own_server(&alice, &own, &json!({"sessions": 12}));
    app.mailing(&alice, &json!({"smtp_server_id": server}));
    app.tick();
    assert_eq!(mails_by_connection(&own), [1; 12]);
}

#[test]
fn one_mail_of_another_owner_does_not_wait_for_a_batch_of_a_slow_server() {
    let server = ScriptedServer::setup().replying_after(SLOW).start();
    let app = TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("SMTP_SESSIONS", "4"),
        ("POLL_INTERVAL_MS", "100"),
    ]);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipients(&alice, 400);
    app.recipient(&bob, "bob@example.org");
    app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("a mail of the large mailing", || {
        (server.taken() > 0).then_some(())
    });
    app.mailing(&bob, &json!({}));
    sending.pass(&app);
    let before = server.taken();
    let after = eventually("the other's mail", || {
        let to_bob = |mail: &crate::support::smtp_server::Mail| mail.to == ["bob@example.org"];
        server.accepted().iter().position(to_bob)
    });
    assert!(after <= before + 20, "{} mails later", after - before);
}
