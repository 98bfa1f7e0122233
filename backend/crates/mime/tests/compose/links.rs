//! The links that name a mail to us, as they stand in mails.

use chrono::{DateTime, TimeDelta};
use mime::compose::{ComposeError, Content, Mail, MailRecipient, PreparedMessage};
use mime::link_token::{LinkTarget, LinkTokens, Subscriber};
use mime::links::RunMail;

use super::{KEY, SITE, addressee, content, header_names, prepare, read};

/// A test of the message with this text.
fn test(text: &str) -> Mail {
    let content = Content {
        list: None,
        ..content("Hi {{ full_name }}", "", text)
    };
    let to = MailRecipient {
        run_id: 0,
        recipient_id: 5,
        ..addressee("ada@example.org", "Ada")
    };
    let prepared = PreparedMessage::new(&content).unwrap();
    prepared.mail_for(&to, DateTime::UNIX_EPOCH).unwrap()
}

#[test]
fn a_test_looks_like_the_real_thing_but_its_links_are_examples() {
    let mail = test("{{ unsubscribe_url }} {{ view_url }}");
    let message = read(&mail);
    assert_eq!(message.subject(), Some("Hi Ada"));
    assert!(message.message_id().unwrap().starts_with("0.5."));
    assert_eq!(
        message.body_text(0).unwrap().trim_end(),
        format!("{SITE}/unsubscribe#example {SITE}/letter#example")
    );
    let names = header_names(&mail);
    assert!(
        !names.iter().any(|name| name.starts_with("List-")),
        "{names:?}"
    );
}

#[test]
fn all_links_of_a_mail_name_it_to_us_and_no_other_mail_has_the_same() {
    let html =
        "<a href=\"{{ unsubscribe_url }}\">no more</a> <a href=\"{{ view_url }}\">in a browser</a>";
    let text = "{{ unsubscribe_url }}\n{{ view_url }}";
    let prepared = prepare("{{ unsubscribe_url }}", html, text).unwrap();
    let token = |recipient_id: i64, days: i64| {
        let addressee = MailRecipient {
            recipient_id,
            ..addressee("ada@example.org", "")
        };
        let date = DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let mail = prepared.mail_for(&addressee, date).unwrap();
        let message = read(&mail);
        let link = message.subject().unwrap().to_owned();
        let token = link.strip_prefix(&format!("{SITE}/unsubscribe#")).unwrap();
        let view = format!("{SITE}/letter#{token}");
        let text = message.body_text(0).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), [&link, &view]);
        let html = message.body_html(0).unwrap();
        for link in [&link, &view] {
            assert!(html.contains(&format!("\"{link}\"")), "{html}");
        }
        let headers = format!(
            "\r\nList-Unsubscribe: <{SITE}/api/v1/unsubscribe/{token}>\r\n|\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        );
        let text = String::from_utf8(mail.data.clone()).unwrap();
        assert!(headers.split('|').all(|line| text.contains(line)), "{text}");
        token.to_owned()
    };
    let first = token(14, 0);
    assert_eq!(first, token(14, 1), "a retry bears the same");
    assert_ne!(first, token(15, 0));
    let mail = RunMail {
        run_id: 3,
        recipient_id: 14,
    };
    let subscriber = Some(Subscriber {
        owner_id: 5,
        email: "ada@example.org".to_owned(),
    });
    let named = LinkTokens::new(&KEY).read(&first);
    assert_eq!(named, Some(LinkTarget { mail, subscriber }));
}

#[test]
fn a_site_whose_address_would_break_a_header_sends_nothing() {
    let long = format!("https://{}.example.org", "a".repeat(600));
    for public_url in [
        "https://x.example\r\nBcc: x@example.org",
        "https://x.example/ y",
        "https://x.example>",
        "https://пример.рф",
        &long,
    ] {
        let content = Content {
            public_url,
            ..content("x", "", "x")
        };
        assert!(
            matches!(PreparedMessage::new(&content), Err(ComposeError::Header(_))),
            "{public_url}"
        );
    }
}
