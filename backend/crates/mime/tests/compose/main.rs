//! From a message to mails: what a mail program reads is what was written, whatever that was.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that meets something unexpected has failed"
)]

mod links;

use chrono::{DateTime, TimeDelta};
use mail_parser::{Message, MessageParser};
use mime::compose::{ComposeError, Content, Mail, MailRecipient, PreparedMessage};
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];
const SITE: &str = "https://dispatch.example.org";
const HEADERS: &str = "To Subject Date Message-ID List-Unsubscribe From List-Id List-Unsubscribe-Post Precedence \
                       Auto-Submitted MIME-Version Content-Type";

fn content<'a>(subject: &'a str, html: &'a str, text: &'a str) -> Content<'a> {
    Content {
        subject,
        html,
        text,
        from_name: "Рассылки, отдел",
        from_email: "news@пример.рф",
        list: Some("mailing-7"),
        owner_id: 5,
        public_url: SITE,
        message_id_key: &KEY,
    }
}

fn prepare(subject: &str, html: &str, text: &str) -> Result<PreparedMessage, ComposeError> {
    PreparedMessage::new(&content(subject, html, text))
}

fn addressee<'a>(email: &'a str, full_name: &'a str) -> MailRecipient<'a> {
    MailRecipient {
        run_id: 3,
        recipient_id: 14,
        email,
        full_name,
    }
}

fn mail(subject: &str, html: &str, text: &str, full_name: &str) -> Mail {
    prepare(subject, html, text)
        .expect("a mail")
        .mail_for(
            &addressee("ada@example.org", full_name),
            DateTime::UNIX_EPOCH,
        )
        .expect("a mail")
}

fn read(mail: &Mail) -> Message<'_> {
    let mail = mail.data.as_slice();
    assert!(mail.is_ascii() && mail.ends_with(b"\r\n"));
    let text = std::str::from_utf8(mail).expect("a mail");
    assert!(
        text.split("\r\n")
            .all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0']))
    );
    MessageParser::default().parse(mail).expect("a mail")
}

/// The names of a mail's headers, in order.
fn header_names(mail: &Mail) -> Vec<String> {
    let text = std::str::from_utf8(&mail.data).expect("a mail");
    let (head, _) = text.split_once("\r\n\r\n").expect("a mail");
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split(':').next().expect("a mail").to_owned())
        .collect()
}

fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[test]
fn a_mail_names_one_recipient_and_says_what_it_is() {
    let mail = mail("News", "<p>Hi</p>", "Hi", "Ada Lovelace");
    assert_eq!(header_names(&mail).join(" "), HEADERS);
    let message = read(&mail);
    let to = message.to().unwrap().clone().into_list();
    assert_eq!(to.len(), 1);
    assert_eq!(
        (to[0].name(), to[0].address()),
        (Some("Ada Lovelace"), Some("ada@example.org"))
    );
    let from = message.from().unwrap().first().unwrap();
    assert_eq!(
        (from.name(), from.address()),
        (Some("Рассылки, отдел"), Some("news@xn--e1afmkfd.xn--p1ai"))
    );
    let text = String::from_utf8(mail.data.clone()).unwrap();
    for line in [
        "Date: Thu, 01 Jan 1970 00:00:00 +0000",
        "List-Id: <mailing-7.xn--e1afmkfd.xn--p1ai>",
        "Precedence: bulk",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}");
    }
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str(), mail.data.is_ascii()),
        ("news@xn--e1afmkfd.xn--p1ai", "ada@example.org", true)
    );
}

#[test]
fn a_retry_bears_the_same_id_and_every_other_mail_another() {
    let prepared = prepare("News", "", "Hi {{ full_name }}").unwrap();
    let id = |run_id: i64, recipient_id: i64, days: i64| {
        let addressee = MailRecipient {
            run_id,
            recipient_id,
            ..addressee("ada@example.org", "")
        };
        let date = DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let mail = prepared.mail_for(&addressee, date).unwrap();
        read(&mail).message_id().unwrap().to_owned()
    };
    let first = id(3, 14, 0);
    assert!(first.starts_with("3.14.") && first.ends_with(".xn--p1ai"));
    assert_eq!(first, id(3, 14, 1));
    let random = |id: &str| id.split(['.', '@']).nth(2).unwrap().to_owned();
    assert_ne!(random(&first), random(&id(4, 14, 0)));
    assert_ne!(random(&first), random(&id(3, 15, 0)));
}

#[test]
fn both_bodies_arrive_as_they_were_written() {
    let long = format!("{} конец {}", "ж".repeat(1500), "w".repeat(3000));
    let megabyte = "Строка текста, 123 = 456.\n".repeat(1_048_576 / 41);
    for body in [
        "plain",
        "Привет, мир! 😀",
        ".\n..\n.leading dots\n.\r\nMAIL FROM:<x@example.org>\n",
        "--=_not-a-boundary\n--=_\n",
        "=20 =3D =_ =\n= \n tab\t\nspaces   \n\n\nFrom here\n",
        &long,
        &megabyte,
        "no line break at the end",
        "one at the end\n",
    ] {
        for personal in ["", "{{ full_name }}"] {
            let (html, text) = (format!("<p>{personal}{body}"), format!("{personal}{body}"));
            let mail = mail("Тема", &html, &text, "Анна");
            let message = read(&mail);
            let filled = |source: &str| with_crlf(&source.replace("{{ full_name }}", "Анна"));
            assert_eq!(message.body_text(0).unwrap(), filled(&text), "{body:.40}");
            assert_eq!(message.body_html(0).unwrap(), filled(&html), "{body:.40}");
            assert_eq!(
                (message.text_body_count(), message.html_body_count()),
                (1, 1)
            );
        }
    }
}

#[test]
fn a_message_without_html_is_plain_text_and_one_without_text_gets_it_from_the_html() {
    let plain = mail("News", "", "Hi {{ full_name }}", "Ada");
    assert_eq!(read(&plain).body_text(0).unwrap(), "Hi Ada\r\n");
    assert!(!String::from_utf8_lossy(&plain.data).contains("multipart"));
    for html in [
        "<h1>Dear {{ full_name | default(\"friend\", true) }}!</h1><p>See <a href='https://example.org/?e={{ email }}'>this</a>.",
        "<style>&#123;&#123;</style><h1>Dear {{ full_name }}!</h1>{% raw %}{% endraw %}<p>See <a href='https://example.org/?e={{ email }}'>this</a>.",
    ] {
        let derived = mail("News", html, "", "A & B");
        let message = read(&derived);
        assert_eq!(
            message.body_text(0).unwrap(),
            "Dear A & B!\r\n\r\nSee this (https://example.org/?e=ada%40example.org)."
        );
        assert!(message.body_html(0).unwrap().contains("Dear A &amp; B!"));
    }
}

#[test]
fn a_text_alone_ends_as_it_was_written_and_always_with_a_line() {
    for (text, body) in [
        ("Hello", "Hello\r\n"),
        ("Hello\n", "Hello\r\n"),
        ("Hello\r\n", "Hello\r\n"),
        ("Hello\n\n", "Hello\r\n\r\n"),
        ("Hello {{ full_name }}", "Hello=20Ada\r\n"),
        ("Hello {{ full_name }}\n", "Hello=20Ada\r\n"),
        ("Привет", "=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82\r\n"),
        ("Привет\n", "=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82\r\n"),
    ] {
        let mail = mail("News", "", text, "Ada");
        let sent = std::str::from_utf8(&mail.data).unwrap();
        let (_, sent) = sent.split_once("\r\n\r\n").unwrap();
        assert_eq!(sent, body, "{text:?}");
    }
}

#[test]
fn no_header_of_a_long_name_is_longer_than_78_where_it_can_be_folded() {
    let words = "Department of Very Long Names, ".repeat(6);
    let unbroken = "a".repeat(70);
    for name in [
        words.trim(),
        "\"Quoted\" (and) <odd>, ",
        &"Ада Лавлейс, ".repeat(10),
        &unbroken,
    ] {
        let name = name.trim();
        let mail = mail(&words, "<p>Hi</p>", "Hi", name);
        let text = std::str::from_utf8(&mail.data).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in head
            .split("\r\n")
            .filter(|line| !line.starts_with("List-Unsubscribe:"))
        {
            assert!(line.len() <= 78, "{line}");
        }
        let message = read(&mail);
        let to = message.to().unwrap().clone().into_list();
        assert_eq!(to[0].name(), Some(name));
    }
}

#[test]
fn any_name_reaches_the_mail_program_whole() {
    let long = "Очень длинное имя ".repeat(11);
    for name in [
        "Ada",
        "Lovelace, Ada",
        "Ada \"Countess\" Lovelace \\ King",
        "Анна Петрова",
        "😀 Emoji 👩‍👩‍👧‍👦",
        "=?utf-8?q?fake?=",
        "a@b <c@example.org>",
        "(comment) name;",
        "x  two  spaces",
        &"w".repeat(200),
        &"word ".repeat(39),
        &long,
    ] {
        let mail = mail("{{ full_name }}", "", "x", name);
        let message = read(&mail);
        let to = message.to().unwrap().clone().into_list();
        assert_eq!(to.len(), 1, "{name}");
        assert_eq!(to[0].address(), Some("ada@example.org"), "{name}");
        assert_eq!(to[0].name(), Some(name.trim()), "{name}");
        assert_eq!(message.subject(), Some(name.trim()), "{name}");
    }
}

#[test]
fn an_address_in_any_domain_is_written_in_ascii() {
    let prepared = prepare("News", "", "{{ email }}").unwrap();
    let mail = prepared
        .mail_for(
            &addressee("Ada@Почта.Пример.РФ", "Ада"),
            DateTime::UNIX_EPOCH,
        )
        .unwrap();
    let ascii = "Ada@xn--80a1acny.xn--e1afmkfd.xn--p1ai";
    assert_eq!(mail.to, ascii);
    let message = read(&mail);
    assert_eq!(
        message.to().unwrap().first().unwrap().address(),
        Some(ascii)
    );
    assert_eq!(message.body_text(0).unwrap(), "Ada@Почта.Пример.РФ\r\n");
}

#[test]
fn what_would_break_out_of_its_header_is_refused() {
    let prepared = prepare("Hi {{ full_name }}", "", "x").unwrap();
    for name in [
        "Ada\r\nBcc: x@example.org",
        "A\nB",
        "A\rB",
        "A\0B",
        "A\u{85}B",
        "A\u{b}B",
    ] {
        let refused = prepared.mail_for(&addressee("ada@example.org", name), DateTime::UNIX_EPOCH);
        assert!(refused.is_err(), "{name:?}");
    }
    for email in [
        "ada@example.org\r\nBcc: x@example.org",
        "ada",
        "",
        "a da@example.org",
        "ada@exa>mple.org",
    ] {
        let refused = prepared.mail_for(&addressee(email, "Ada"), DateTime::UNIX_EPOCH);
        assert!(matches!(refused, Err(ComposeError::Header(_))), "{email:?}");
    }
    assert!(matches!(
        prepare("Hi\r\nBcc: x@example.org", "", "x"),
        Err(ComposeError::Template(_))
    ));
    assert!(matches!(
        prepare("Hi {{ naem }}", "", "x"),
        Err(ComposeError::Template(_))
    ));
}

#[test]
fn one_preparation_may_serve_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<PreparedMessage>();
}

proptest! {
    #[test]
    fn any_input_yields_exactly_the_expected_headers(subject: String, name: String, text: String) {
        let Ok(prepared) = prepare(&format!("{subject} {{{{ full_name }}}}"), "", &text) else {
            return Ok(());
        };
        let Ok(mail) = prepared.mail_for(&addressee("ada@example.org", &name), DateTime::UNIX_EPOCH) else {
            return Ok(());
        };
        prop_assert_eq!(header_names(&mail).join(" "), format!("{HEADERS} Content-Transfer-Encoding"));
        prop_assert_eq!(read(&mail).to().unwrap().clone().into_list().len(), 1);
    }

    #[test]
    fn a_mail_program_reads_the_name_that_was_written(name in "[!-~а-яёЁ😀]([ -~а-я]{0,60}[!-~а-я])?") {
        let mail = mail("{{ full_name }}", "", "x", &name);
        let message = read(&mail);
        let to = message.to().unwrap().clone().into_list();
        prop_assert_eq!(to.len(), 1);
        prop_assert_eq!(to.first().and_then(|to| to.name()), Some(name.as_str()));
        prop_assert_eq!(message.subject(), Some(name.as_str()));
    }
}
