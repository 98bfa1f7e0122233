//! DKIM: what the mail server received is verified as its recipient would, by RFC 6376 read anew: nothing here is taken from
//! the code that signs.

use std::collections::HashMap;

use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::app::TestApp;
use crate::support::smtp_server::{Mail, ScriptedServer};

/// As openssl writes it. Nobody's.
pub(super) const ED25519_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIP9d/Ct0aroJmDVQOyJrx3J9C/Jc1IcF0q1VT7n6LzxR
-----END PRIVATE KEY-----
";

/// What its domain publishes.
const ED25519_PUBLIC: &str = "RbKvt/Gq7GuhDs4XPqoiU4j1OKp3J5IpMfUFxvaL+js=";

/// A private key and what its domain publishes.
fn rsa_key() -> (String, String) {
    let size = rcgen::RsaKeySize::_2048;
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
    (
        key.serialize_pem(),
        STANDARD.encode(key.subject_public_key_info()),
    )
}

/// The headers of a mail in their order, name and raw value, and its body.
fn taken_apart(data: &[u8]) -> (Vec<(String, String)>, String) {
    let text = String::from_utf8(data.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            let (_, value) = headers.last_mut().unwrap();
            value.push_str(line);
        } else {
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (headers, body.to_owned())
}

fn one_space(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c == '\t' { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

fn relaxed_header((name, value): &(String, String)) -> String {
    format!(
        "{}:{}",
        name.trim().to_lowercase(),
        one_space(value).trim_matches(' ')
    )
}

fn relaxed_body(body: &str) -> String {
    let lines: Vec<String> = body
        .split("\r\n")
        .map(|line| one_space(line).trim_end_matches(' ').to_owned())
        .collect();
    let text = lines.join("\r\n");
    let text = text.trim_end_matches("\r\n");
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\r\n")
    }
}

fn tags(value: &str) -> HashMap<String, String> {
    let tags = value.split(';').filter_map(|tag| tag.split_once('='));
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    tags.map(|(name, value)| (bare(name), bare(value)))
        .collect()
}

/// The tags of the signature, if the mail is as it was signed under this published key.
fn verified(data: &[u8], public: &str) -> Result<HashMap<String, String>, &'static str> {
    let (headers, body) = taken_apart(data);
    let (signature, rest) = headers.split_first().unwrap();
    assert_eq!(signature.0, "DKIM-Signature");
    let tags = tags(&signature.1);
    assert_eq!(
        (tags["v"].as_str(), tags["c"].as_str()),
        ("1", "relaxed/relaxed")
    );
    if STANDARD.encode(Sha256::digest(relaxed_body(&body))) != tags["bh"] {
        return Err("the body");
    }
    let mut signed = String::new();
    let mut left: Vec<_> = rest.iter().collect();
    for name in tags["h"].split(':') {
        // From the bottom up, each once (5.4.2).
        if let Some(place) = left
            .iter()
            .rposition(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            signed.push_str(&relaxed_header(left.remove(place)));
            signed.push_str("\r\n");
        }
    }
    let end_of_b = signature.1.find(" b=").unwrap() + 3;
    let unsigned = (signature.0.clone(), signature.1[..end_of_b].to_owned());
    signed.push_str(&relaxed_header(&unsigned));
    let (key, given) = (
        STANDARD.decode(public).unwrap(),
        STANDARD.decode(&tags["b"]).unwrap(),
    );
    let good = match tags["a"].as_str() {
        "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key)
            .verify(signed.as_bytes(), &given),
        "ed25519-sha256" => {
            UnparsedPublicKey::new(&ED25519, &key).verify(&Sha256::digest(&signed), &given)
        }
        other => panic!("{other}"),
    };
    good.map(|()| tags).map_err(|_refused| "the signature")
}

/// What a mailing of this message looks like where it arrives, to two recipients.
fn sent(key: &str, message: &Value) -> Vec<Mail> {
    let (installation, own) = (ScriptedServer::start(), ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    let dkim = json!({"domain": "Sender.Example", "selector": "one", "private_key": key});
    let server = app.own_server(
        &alice,
        &own,
        &json!({"dkim": dkim, "from_name": "Отдел рассылок"}),
    );
    for email in ["ada@example.org", "bob@example.org"] {
        app.post(
            &alice,
            "/recipients",
            &json!({"email": email, "full_name": "Ада,  графиня Лавлейс"}),
        )
        .expect(201);
    }
    let message = app.post(&alice, "/messages", message).id();
    app.mailing(
        &alice,
        &json!({"message_id": message, "smtp_server_id": server}),
    );
    app.tick();
    let mails = own.accepted();
    assert_eq!(mails.len(), 2);
    mails
}

fn messages() -> [Value; 4] {
    let long = "слово ".repeat(500);
    [
        json!({"subject": "News", "text": "Hello\n.\n..\n.dot\n\n  spaces \t here  \n\n\n"}),
        json!({"subject": "Новости для {{ full_name }}", "html": "<p>Привет, {{ full_name }}!</p>", "text": "Привет, {{ full_name }}!"}),
        json!({"subject": long.trim().chars().take(190).collect::<String>(), "html": format!("<p>{long}</p>"), "text": long}),
        json!({"subject": "x", "html": format!("<p>.\n{}</p>\n\n\n", "a".repeat(3000))}),
    ]
}

#[test]
fn whatever_is_sent_is_signed_and_verified_as_it_arrives() {
    let ed25519 = (ED25519_KEY.to_owned(), ED25519_PUBLIC.to_owned());
    for (key, public) in [ed25519, rsa_key()] {
        for message in messages() {
            for mail in sent(&key, &message) {
                let tags = verified(&mail.data, &public).unwrap();
                assert_eq!(
                    (tags["d"].as_str(), tags["s"].as_str()),
                    ("sender.example", "one")
                );
                assert_eq!(
                    tags["h"],
                    "from:to:subject:date:message-id:mime-version:content-type:list-unsubscribe:list-unsubscribe-post"
                );
                let lines = mail.data.split(|byte| *byte == b'\n');
                assert!(lines.map(<[u8]>::len).all(|length| length <= 999));
            }
        }
    }
}

#[test]
fn whatever_is_changed_on_the_way_is_found_out() {
    let key = ED25519_PUBLIC;
    let mail = sent(ED25519_KEY, &messages()[1]).remove(0);
    let text = String::from_utf8(mail.data.clone()).unwrap();
    assert!(verified(text.as_bytes(), key).is_ok());
    // White space is allowed to change.
    let refolded = text.replacen("MIME-Version: 1.0", "mime-version:\r\n \t1.0 ", 1) + "\r\n\r\n";
    assert!(verified(refolded.as_bytes(), key).is_ok());
    for (part, other, found) in [
        ("To: ", "To: Eve ", "the signature"),
        ("One-Click", "Two-Click", "the signature"),
        ("text/plain", "text/other", "the body"),
        ("d=sender.example", "d=other.example", "the signature"),
    ] {
        let changed = text.replacen(part, other, 1);
        assert_ne!(changed, text, "{part}");
        assert_eq!(
            verified(changed.as_bytes(), key).err(),
            Some(found),
            "{part}"
        );
    }
}

#[test]
fn the_installation_signs_what_leaves_through_its_own_server_and_its_letters_too() {
    let path = std::env::temp_dir().join(format!("dispatch-key-{}", rand::random::<u64>()));
    std::fs::write(&path, ED25519_KEY).unwrap();
    let server = ScriptedServer::start();
    let app = TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("DKIM_DOMAIN", "dispatch.localhost"),
        ("DKIM_SELECTOR", "two"),
        ("DKIM_KEY_FILE", path.to_str().unwrap()),
    ]);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    app.mailing(&alice, &json!({}));
    app.tick();
    let sign_up = json!({"email": "new@example.org", "password": "correct horse battery"});
    app.send("POST", "/auth/sign-up", &[], Some(&sign_up))
        .expect(202);
    app.send_account_mails();
    std::fs::remove_file(&path).unwrap();
    let mails = server.accepted();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let tags = verified(&mail.data, ED25519_PUBLIC).unwrap();
        assert_eq!(
            (tags["d"].as_str(), tags["s"].as_str()),
            ("dispatch.localhost", "two")
        );
    }
}

#[test]
fn a_signature_that_receivers_will_not_go_by_is_warned_of_whichever_was_changed_last() {
    let server = ScriptedServer::start();
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&server]);
    let alice = app.alice();
    let id = app.own_server(&alice, &server, &json!({"from_email": "news@example.org"}));
    let path = format!("/smtp-servers/{id}");
    let with = |fields: &Value| {
        let changed = app.patch(&alice, &path, fields).expect(200);
        let read = app.get(&alice, &path).expect(200);
        assert_eq!(changed["warnings"], read["warnings"]);
        changed["warnings"].clone()
    };
    let dkim = |domain: &str, key: &str| json!({"dkim": {"domain": domain, "selector": "one", "private_key": key}});
    let (rsa, _) = rsa_key();
    assert_eq!(with(&json!({})), json!([]));
    assert_eq!(with(&dkim("example.org", &rsa)), json!([]));
    assert_eq!(with(&dkim("mail.example.org", &rsa)), json!([]));
    assert_eq!(
        with(&dkim("example.com", &rsa)),
        json!(["dkim_not_aligned"])
    );
    assert_eq!(with(&json!({"from_email": "news@example.com"})), json!([]));
    assert_eq!(
        with(&json!({"from_email": "news@example.net"})),
        json!(["dkim_not_aligned"])
    );
    assert_eq!(
        with(&dkim("example.com", ED25519_KEY)),
        json!(["dkim_not_aligned", "dkim_ed25519_alone"])
    );
    assert_eq!(
        with(
            &json!({"from_email": "news@example.com", "dkim": {"domain": "example.com", "selector": "two"}})
        ),
        json!(["dkim_ed25519_alone"])
    );
    assert_eq!(with(&json!({"dkim": null})), json!([]));
}

#[test]
fn a_place_in_the_dns_is_neither_selector_nor_domain() {
    let app = TestApp::start();
    let alice = app.alice();
    let add = |domain: &str, selector: &str| {
        let dkim = json!({"domain": domain, "selector": selector, "private_key": ED25519_KEY});
        app.post(
            &alice,
            "/smtp-servers",
            &json!({"name": "Own", "host": "mail.example.org", "port": 587, "tls": "starttls",
            "from_email": "news@example.org", "dkim": dkim}),
        )
    };
    for selector in [
        "one._domainkey",
        "one._DOMAINKEY",
        "one._domainkey.example.org",
        "_domainkey",
    ] {
        add("example.org", selector).expect_invalid("dkim.selector", "invalid_selector");
    }
    add("one._domainkey.example.org", "one").expect_invalid("dkim.domain", "invalid_host");
    add("example.org", "one").expect(201);
}

#[test]
fn no_line_of_a_signature_is_longer_than_78_characters() {
    let domain = format!(
        "{}.example.org",
        "long-name.".repeat(6).trim_end_matches('.')
    );
    let server = ScriptedServer::start();
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&server]);
    let alice = app.alice();
    let (key, public) = rsa_key();
    let dkim = json!({"domain": domain, "selector": "a-selector-that-is-not-short.2026-11", "private_key": key});
    let id = app.own_server(&alice, &server, &json!({"dkim": dkim}));
    app.recipient(&alice, "ada@example.org");
    app.mailing(&alice, &json!({"smtp_server_id": id}));
    app.tick();
    let mail = server.accepted().remove(0);
    assert_eq!(verified(&mail.data, &public).unwrap()["d"], domain);
    let text = String::from_utf8(mail.data).unwrap();
    let begin = text.find("DKIM-Signature").unwrap();
    let mut lines = text[begin..].split("\r\n");
    let signature = [lines.next().unwrap()]
        .into_iter()
        .chain(lines.take_while(|line| line.starts_with(' ')));
    for line in signature {
        assert!(line.len() <= 78, "{line}");
    }
}
