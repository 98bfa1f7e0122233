//! `dispatch doctor` as an operator meets it: everything in order, then one planted fault after another.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::process::{Ended, Folder};
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// Where an examination lasts five seconds at most, a busy machine is given some more for the rest.
const SOON: Duration = Duration::from_secs(15);

/// What is said of this, and what to do.
#[derive(Debug)]
struct Told {
    state: String,
    words: String,
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn told(report: &Value, check: &str) -> Told {
    let checks = report["checks"].as_array().unwrap();
    let of_it: Vec<_> = checks
        .iter()
        .filter(|finding| finding["check"] == check)
        .collect();
    let [finding] = of_it.as_slice() else {
        panic!("{check} should be told of once: {report:#}");
    };
    Told {
        state: finding["state"].as_str().unwrap().to_owned(),
        words: format!("{} {}", finding["message"], finding["advice"]),
    }
}

/// Everything but this is as it would be without it.
#[track_caller]
fn assert_only(report: &Value, check: &str, state: &str, words: &str) {
    let told = told(report, check);
    assert!(
        told.state == state && told.words.contains(words),
        "{told:?}"
    );
    for finding in report["checks"].as_array().unwrap() {
        let is_fine = finding["state"] != "fail" || finding["check"] == check;
        assert!(is_fine, "{finding}");
    }
    assert_eq!(report["ok"], state != "fail");
}

/// An installation in which all is well, as long as nothing is planted.
struct Installation {
    app: TestApp,
    server: ScriptedServer,
    folder: Folder,
}

impl Installation {
    fn sound() -> Self {
        let server = ScriptedServer::start();
        Self {
            app: TestApp::sending_through(&server),
            server,
            folder: Folder::new(),
        }
    }

    fn journal(&self) -> PathBuf {
        self.folder.0.join("journal")
    }

    fn doctor(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
        let journal = self.journal().display().to_string();
        let own = [("JOURNAL_DIR", journal.as_str())];
        let began = Instant::now();
        let command = [&["doctor"], arguments].concat();
        let ended = self.app.command(&command, &[&own, settings].concat());
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        ended
    }

    /// The report, with the planted settings.
    fn report(&self, settings: &[(&str, &str)]) -> Value {
        let ended = self.doctor(&["--json"], settings);
        let report = report(&ended);
        let code = i32::from(report["ok"] != true);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        report
    }
}

#[test]
fn a_valid_installation_passes_all_checks_and_no_mail_is_sent() {
    let sound = Installation::sound();
    let ended = sound.doctor(&[], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for line in [
        "ok    settings",
        "ok    database    PostgreSQL 1",
        "ok    rights",
        "ok    migrations  all applied",
        "ok    clock",
        "ok    time-zones  IANA 20",
        "ok    connections",
        "ok    redis       REDIS_URL is not set",
        "ok    smtp        127.0.0.1:",
        "ok    keys",
        "ok    public-url  http://127.0.0.1:8000",
        "    journal     ",
        "ok    frontend",
        "    files       ",
    ] {
        assert!(ended.out.contains(line), "{line}: {}", ended.out);
    }
    assert!(!ended.out.contains("FAIL"), "{}", ended.out);
    assert!(sound.server.accepted().is_empty());
    let commands = sound.server.commands();
    assert!(
        commands
            .iter()
            .any(|said| said.starts_with("MAIL FROM:<no-reply@"))
    );
    assert!(!commands.iter().any(|said| said.starts_with("RCPT")));
    let left = std::fs::read_dir(sound.journal()).unwrap().count();
    assert_eq!(left, 0, "nothing stays in the journal's folder");
}

#[test]
fn the_ehlo_name_is_reported_and_the_right_encryption_is_suggested() {
    let sound = Installation::sound();
    let report = sound.report(&[("SMTP_EHLO_NAME", "mail.example.org")]);
    let smtp = told(&report, "smtp");
    assert!(smtp.words.contains("EHLO mail.example.org"), "{smtp:?}");
    let implicit = ScriptedServer::setup().implicit_tls().start();
    let url = format!("smtp://127.0.0.1:{}", implicit.port());
    assert_only(
        &sound.report(&[("SMTP_URL", &url)]),
        "smtp",
        "fail",
        "smtps://",
    );
    let url = format!("smtps://127.0.0.1:{}", sound.server.port());
    let report = sound.report(&[("SMTP_URL", &url)]);
    assert_only(&report, "smtp", "fail", "smtp+starttls://");
}

#[test]
fn a_signature_that_receivers_ignore_is_warned_of() {
    let sound = Installation::sound();
    assert_eq!(told(&sound.report(&[]), "dkim").state, "ok");
    let file = sound.folder.0.join("key.pem");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    std::fs::write(&file, key.serialize_pem()).unwrap();
    for (domain, words) in [
        ("other.example", "does not count for DMARC"),
        ("dispatch.localhost", "many receivers cannot verify Ed25519"),
    ] {
        let settings = [
            ("MAIL_FROM", "no-reply@dispatch.localhost"),
            ("DKIM_DOMAIN", domain),
            ("DKIM_SELECTOR", "one"),
            ("DKIM_KEY_FILE", file.to_str().unwrap()),
        ];
        assert_only(&sound.report(&settings), "dkim", "warn", words);
    }
}

#[test]
fn invalid_settings_are_reported_as_failed_checks() {
    let sound = Installation::sound();
    let report = sound.report(&[("BIND", "here"), ("SMTP_SESSIONS", "0")]);
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "{report:#}");
    assert!(checks.iter().all(|finding| finding["state"] == "fail"));
}

#[test]
fn an_unavailable_database_does_not_prevent_other_checks() {
    let sound = Installation::sound();
    let nobody = "postgres://dispatch:canary@127.0.0.1:9/x";
    let report = sound.report(&[("DATABASE_URL", nobody)]);
    assert_only(&report, "database", "fail", "cannot connect");
    assert_eq!(told(&report, "smtp").state, "ok");
    assert!(!report.to_string().contains("canary"), "{report:#}");
}

#[test]
fn a_server_that_accepts_connections_but_says_nothing_fails_after_five_seconds() {
    let sound = Installation::sound();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let database = format!("postgres://dispatch:canary@{address}/x");
    let smtp = format!("smtp://{address}");
    let redis = format!("redis://:canary@{address}");
    let report = sound.report(&[
        ("DATABASE_URL", &database),
        ("SMTP_URL", &smtp),
        ("REDIS_URL", &redis),
    ]);
    for check in ["database", "smtp", "redis"] {
        assert_eq!(told(&report, check).state, "fail", "{report:#}");
    }
    assert!(
        told(&report, "database")
            .words
            .contains("no answer within 5 s")
    );
    assert!(
        told(&report, "smtp").words.contains("greeting"),
        "{report:#}"
    );
    assert_eq!(told(&report, "keys").state, "ok");
    assert!(!report.to_string().contains("canary"), "{report:#}");
}

#[test]
fn pending_migrations_and_those_of_a_newer_release_are_named() {
    let sound = Installation::sound();
    let mut sql = sound.app.sql();
    sql.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    assert_only(&sound.report(&[]), "migrations", "warn", "29990101000000");
    sql.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT min(version) FROM __diesel_schema_migrations)")
        .unwrap();
    assert_only(
        &sound.report(&[]),
        "migrations",
        "fail",
        "run `dispatch migrate`",
    );
}

#[test]
fn missing_privileges_are_named() {
    let sound = Installation::sound();
    let role = format!("reader_{:x}", rand::random::<u32>());
    let mut sql = sound.app.sql();
    sql.batch_execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'canary'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    ))
    .unwrap();
    let url = &sound.app.services.config.database.url;
    let (_, behind) = url.split_once('@').unwrap();
    let url = format!("postgres://{role}:canary@{behind}");
    let report = sound.report(&[("DATABASE_URL", &url)]);
    sql.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .unwrap();
    assert_only(
        &report,
        "rights",
        "fail",
        "cannot be read and written: account_mails",
    );
    assert!(!report.to_string().contains("canary"), "{report:#}");
}

#[test]
fn an_unsuitable_encoding_fails_with_advice() {
    let sound = Installation::sound();
    let name = format!("ascii_{:x}", rand::random::<u32>());
    let mut sql = sound.app.sql();
    let made = format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    sql.batch_execute(&made).unwrap();
    let (base, _) = sound
        .app
        .services
        .config
        .database
        .url
        .rsplit_once('/')
        .unwrap();
    let report = sound.report(&[("DATABASE_URL", &format!("{base}/{name}"))]);
    sql.batch_execute(&format!("DROP DATABASE {name}")).unwrap();
    let told = told(&report, "database");
    assert!(
        told.state == "fail" && told.words.contains("ENCODING 'UTF8'"),
        "{told:?}"
    );
}

#[test]
fn a_pool_larger_than_max_connections_fails() {
    let sound = Installation::sound();
    let report = sound.report(&[("DB_POOL_SIZE", "1000")]);
    assert_only(&report, "connections", "fail", "lower DB_POOL_SIZE");
}

#[test]
fn an_unavailable_redis_fails_only_its_own_check() {
    let sound = Installation::sound();
    let report = sound.report(&[("REDIS_URL", "redis://:canary@127.0.0.1:9")]);
    assert_only(&report, "redis", "fail", "unusable");
    assert!(!report.to_string().contains("canary"), "{report:#}");
}

#[test]
fn an_unreachable_mail_server_is_distinguished_from_one_that_refuses() {
    let sound = Installation::sound();
    let away = sound.report(&[("SMTP_URL", "smtp://127.0.0.1:9")]);
    assert_only(&away, "smtp", "fail", "is the mail server running?");
    let unknown = sound.report(&[("SMTP_URL", "smtp://mail.invalid")]);
    assert_only(&unknown, "smtp", "fail", "mail.invalid:25");
    let plain = format!("smtp+starttls://{}", &sound.server.url()["smtp://".len()..]);
    let plain = sound.report(&[("SMTP_URL", plain.split('?').next().unwrap())]);
    assert_only(&plain, "smtp", "fail", "does not offer STARTTLS");
    sound.server.add(
        "*",
        Rule::say(At::Mail, b"550 5.7.1 not your domain\r\n"),
        None,
    );
    let refused = sound.report(&[]);
    assert_only(&refused, "smtp", "fail", "550 5.7.1 not your domain");
    assert!(
        told(&refused, "smtp")
            .words
            .contains("the server refuses the sender MAIL_FROM")
    );
}

#[test]
fn a_refused_password_is_reported_without_being_printed() {
    let server = ScriptedServer::setup()
        .offering("AUTH PLAIN")
        .knowing("me", "secret")
        .start();
    let sound = Installation {
        app: TestApp::sending_through(&server),
        server,
        folder: Folder::new(),
    };
    let right = sound.server.url();
    assert_eq!(
        told(&sound.report(&[("SMTP_URL", &right)]), "smtp").state,
        "ok"
    );
    let wrong = right.replace("secret", "canary");
    let report = sound.report(&[("SMTP_URL", &wrong)]);
    assert_only(
        &report,
        "smtp",
        "fail",
        "are user and password in SMTP_URL correct",
    );
    assert!(!report.to_string().contains("canary"), "{report:#}");
}

#[test]
fn an_untrusted_certificate_is_reported() {
    let server = ScriptedServer::setup().implicit_tls().start();
    let sound = Installation {
        app: TestApp::start(),
        server,
        folder: Folder::new(),
    };
    let port = sound.server.server().port;
    let report = sound.report(&[("SMTP_URL", &format!("smtps://localhost:{port}"))]);
    assert_only(&report, "smtp", "fail", "the certificate was issued for");
}

#[test]
fn sample_keys_and_unsuitable_public_urls_are_reported() {
    let sound = Installation::sound();
    let sample = ("APP_SECRET", "sample-secret-for-development-only");
    assert_only(&sound.report(&[sample]), "keys", "warn", "openssl rand");
    let plain = [
        ("APP_ENV", "production"),
        ("SIGN_UP", "invited"),
        ("PUBLIC_URL", "http://dispatch.example.org"),
    ];
    assert_only(
        &sound.report(&plain),
        "public-url",
        "fail",
        "is not encrypted",
    );
    let path = ("PUBLIC_URL", "https://example.org/mail");
    assert_only(&sound.report(&[path]), "public-url", "warn", "has a path");
}

#[test]
fn open_sign_up_without_quotas_is_warned_of() {
    let sound = Installation::sound();
    let own = [
        ("APP_ENV", "production"),
        ("PUBLIC_URL", "https://dispatch.example.org"),
        ("SIGN_UP", "open"),
        ("QUOTA_RECIPIENTS", "0"),
    ];
    let report = sound.report(&own);
    assert_only(&report, "sign-up", "warn", "set SIGN_UP to invited");
    assert_only(&report, "quotas", "warn", "QUOTA_RECIPIENTS");
    let report = sound.report(&[own[0], own[1], ("SIGN_UP", "domains:Example.org")]);
    assert_only(&report, "sign-up", "ok", "example.org");
    assert_only(&report, "quotas", "ok", "10000");
}

#[test]
fn an_unwritable_journal_fails_and_one_in_memory_is_warned_of() {
    let sound = Installation::sound();
    let file = sound.folder.file("no-folder", "");
    let report = sound.report(&[("JOURNAL_DIR", &format!("{file}/journal"))]);
    assert_only(&report, "journal", "fail", "must be a writable directory");
    let in_memory = format!("/dev/shm/dispatch-doctor-{:x}", rand::random::<u32>());
    let report = sound.report(&[("JOURNAL_DIR", &in_memory)]);
    std::fs::remove_dir_all(&in_memory).unwrap();
    assert_only(&report, "journal", "warn", "put JOURNAL_DIR on a disk");
}

#[test]
fn an_incomplete_frontend_is_warned_of() {
    let sound = Installation::sound();
    sound.folder.file("index.html", "<!doctype html>");
    let folder = sound.folder.0.display().to_string();
    let report = sound.report(&[("FRONTEND_DIR", &folder)]);
    assert_only(&report, "frontend", "warn", "npm run build");
}
