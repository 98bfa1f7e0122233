//! Settings as an operator gets them wrong: every mistake is told at once, and no secret is.

use diesel::connection::SimpleConnection;

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::process::{Folder, dispatch, dispatch_in};

const SECRET: &str = "a secret that only the tests know of";

/// What is complained of: the names before the first `:`, `=` or space of each line.
fn named(complaint: &str) -> Vec<&str> {
    let lines = complaint
        .lines()
        .filter_map(|line| line.strip_prefix("  - "));
    lines
        .map(|line| line.split([':', '=', ' ', ',']).next().unwrap())
        .collect()
}

#[test]
fn all_errors_are_reported_at_once_without_secrets() {
    let wrong = [
        ("APP_ENV", "prod"),
        ("APP_SECRET", "canary"),
        ("DATABASE_URL", "mysql://dispatch:canary@localhost/x"),
        ("SMTP_URL", "smtp://me:canary@localhost?tls=perhaps"),
        ("REDIS_URL", "http://:canary@localhost"),
        ("BIND", "localhost"),
        ("METRICS_BIND", "9100"),
        ("PUBLIC_URL", "https://me:canary@example.org"),
        ("TRUSTED_PROXIES", "-1"),
        ("CORS_ORIGINS", "*"),
        ("FRONTEND_DIR", "/nowhere"),
        ("MAIL_FROM", "nobody"),
        ("DB_POOL_SIZE", "0"),
        ("SMTP_SESSIONS", "257"),
        ("SMTP_SESSIONS_IN_ALL", "many"),
        ("SMTP_RATE", "1/s"),
        ("SMTP_HOURLY", "-1"),
        ("POLL_INTERVAL_MS", "1"),
        ("LIMITS", "none"),
        ("SIGN_UP", "friends"),
        ("QUOTA_RECIPIENTS", "1e3"),
        ("QUOTA_MAILS_A_DAY", "-1"),
        ("EVENTS_KEPT_DAYS", "0"),
        ("CACHE", "disk"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://canary@collector"),
        ("RUST_LOG", "info,dispatch=loud"),
        ("ADMIN_PASSWORD", "canary"),
    ];
    let refused = dispatch(&["serve"], &wrong);
    assert_eq!(refused.code, Some(1));
    let complained = named(&refused.err);
    for (name, _) in wrong {
        let times = complained.iter().filter(|other| **other == name).count();
        assert_eq!(times, 1, "{name}: {}", refused.err);
    }
    assert!(!refused.err.contains("canary"), "{}", refused.err);
}

#[test]
fn missing_settings_are_reported_with_an_example() {
    let refused = dispatch(&["engine"], &[]);
    assert_eq!(refused.code, Some(1));
    for example in [
        "DATABASE_URL is missing: postgres://user:password@host/database",
        "APP_SECRET is missing: at least 32 random characters",
        "SMTP_URL is missing: smtp://[user:password@]host:port",
    ] {
        assert!(refused.err.contains(example), "{}", refused.err);
    }
}

#[test]
fn settings_unfit_for_production_are_refused_there() {
    let settings = [
        ("APP_ENV", "production"),
        ("APP_SECRET", "sample-secret-for-development-only"),
        ("DATABASE_URL", "postgres://x@localhost/x"),
        ("SMTP_URL", "smtp://localhost"),
        ("DEMO_PASSWORD", "canary"),
    ];
    let refused = dispatch(&["serve"], &settings);
    let names = ["APP_SECRET", "SIGN_UP", "DEMO_PASSWORD"];
    assert_eq!(named(&refused.err), names, "{}", refused.err);
    for secret in ["sample-secret", "canary"] {
        assert!(!refused.err.contains(secret), "{}", refused.err);
    }
}

#[test]
fn a_weak_secret_is_refused_in_production_and_not_printed() {
    for secret in ["a".repeat(34), "canary".repeat(6)] {
        let settings = [
            ("APP_ENV", "production"),
            ("SIGN_UP", "closed"),
            ("APP_SECRET", secret.as_str()),
            ("DATABASE_URL", "postgres://x@localhost/x"),
            ("SMTP_URL", "smtp://localhost"),
        ];
        for command in ["serve", "engine", "migrate", "doctor", "create-admin"] {
            let refused = dispatch(&[command], &settings);
            let told = format!("{}{}", refused.out, refused.err);
            assert_eq!(refused.code, Some(1), "{command}: {told}");
            assert!(told.contains("APP_SECRET: this can be guessed"), "{told}");
            assert!(
                told.contains("openssl rand") && !told.contains(&secret),
                "{told}"
            );
        }
    }
}

#[test]
fn production_requires_a_sign_up_policy() {
    let needed = [
        ("APP_ENV", "production"),
        ("APP_SECRET", SECRET),
        ("DATABASE_URL", "postgres://x@localhost/x"),
        ("SMTP_URL", "smtp://localhost"),
    ];
    let refused = dispatch(&["serve"], &needed).err;
    assert_eq!(named(&refused), ["SIGN_UP"], "{refused}");
    for choice in ["open", "invited", "domains:", "closed"] {
        assert!(refused.contains(choice), "{refused}");
    }
    for wrong in ["everybody", "domains:", "domains:example", "Open"] {
        let settings = [&needed[..], &[("SIGN_UP", wrong)]].concat();
        let refused = dispatch(&["serve"], &settings).err;
        assert!(refused.contains(&format!("SIGN_UP={wrong}: ")), "{refused}");
    }
}

#[test]
fn contradicting_settings_are_reported() {
    let folder = Folder::new();
    let file = folder.file("secret", "canary");
    let mut settings = vec![
        ("BIND", "127.0.0.1:8000"),
        ("METRICS_BIND", "127.0.0.1:8000"),
        ("CACHE", "redis"),
        ("ADMIN_EMAIL", "root@example.org"),
        ("DATABASE_URL", "postgres://x:canary@localhost/x"),
        ("DATABASE_PASSWORD_FILE", &file),
        ("APP_SECRET", SECRET),
        ("APP_SECRET_FILE", &file),
        ("SMTP_URL", "smtp://localhost"),
        ("SMTP_URL_FILE", &file),
    ];
    let told = dispatch(&["serve"], &settings).err;
    for pair in [
        "METRICS_BIND: the same as BIND",
        "CACHE=redis: REDIS_URL is not set",
        "ADMIN_EMAIL is set without ADMIN_PASSWORD",
        "DATABASE_PASSWORD_FILE is set, and DATABASE_URL has a password too",
        "APP_SECRET and APP_SECRET_FILE are both set",
        "SMTP_URL and SMTP_URL_FILE are both set",
    ] {
        assert!(told.contains(pair), "{pair}: {told}");
    }
    assert_eq!(named(&told).len(), 6, "{told}");
    assert!(!told.contains("canary"), "{told}");
    settings.retain(|(name, _)| !name.starts_with("DATABASE"));
    settings.push(("DATABASE_URL_FILE", "/nowhere/url"));
    let told = dispatch(&["serve"], &settings).err;
    assert!(
        told.contains("DATABASE_URL_FILE=/nowhere/url: No such file")
            && !told.contains("DATABASE_URL is missing"),
        "{told}"
    );
}

#[test]
fn secrets_can_be_read_from_files() {
    let app = TestApp::start();
    let folder = Folder::new();
    let file = |name: &str, content: &str| folder.file(name, content);
    // What is in a password breaks no address.
    let role = format!("role_{:x}", rand::random::<u32>());
    app.sql()
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'p@ss:w/rd?'"
        ))
        .unwrap();
    let (_, place) = app.services.config.database.url.rsplit_once('@').unwrap();
    let settings = [
        (
            "DATABASE_URL_FILE",
            file("database", &format!("postgres://{role}@{place}\n")),
        ),
        ("DATABASE_PASSWORD_FILE", file("password", "p@ss:w/rd?\r\n")),
        ("APP_SECRET_FILE", file("secret", SECRET)),
        ("SMTP_URL_FILE", file("smtp", "smtp://127.0.0.1:9\n")),
        ("REDIS_URL_FILE", file("redis", "redis://127.0.0.1:9\n")),
        ("ADMIN_EMAIL", "root@example.org".to_owned()),
        (
            "ADMIN_PASSWORD_FILE",
            file("admin", &format!("{PASSWORD}\n")),
        ),
    ];
    let settings = settings
        .each_ref()
        .map(|(name, path)| (*name, path.as_str()));
    let made = dispatch(&["create-admin"], &settings);
    app.sql()
        .batch_execute(&format!("DROP ROLE {role}"))
        .unwrap();
    assert!(made.ok, "{made:?}");

    for (content, complaint) in [
        ("\n", "the file is empty"),
        (&"x".repeat(70_000), "longer than"),
    ] {
        folder.file("secret", content);
        let told = dispatch(&["create-admin"], &settings).err;
        assert!(
            told.contains("APP_SECRET_FILE=") && told.contains(complaint),
            "{told}"
        );
        assert_eq!(named(&told).len(), 1, "{told}");
    }
}

#[test]
fn an_invalid_line_of_env_is_reported_with_all_other_errors() {
    let folder = Folder::new();
    folder.file(
        ".env",
        "# mine\nSMTP_URL=smtp://localhost\nMAIL_FROM=Ann canary <ann@example.org>\nBIND=here\n",
    );
    let told = dispatch_in(&folder.0, &["serve"], &[("BIND", "there")]).err;
    assert!(
        told.contains(".env, line 3 (MAIL_FROM): cannot be read"),
        "{told}"
    );
    assert!(told.contains("BIND=there"), "{told}");
    assert!(
        told.contains("APP_SECRET is missing") && !told.contains("SMTP_URL is"),
        "{told}"
    );
    assert!(!told.contains("canary"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_value_that_is_not_utf8_is_reported() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    let ended = Command::new(env!("CARGO_BIN_EXE_dispatch"))
        .arg("serve")
        .env_clear()
        .env("MAIL_FROM", OsStr::from_bytes(b"caf\xe9 <a@example.org>"))
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(
        told.contains("MAIL_FROM: the value is not valid UTF-8"),
        "{told}"
    );
}
