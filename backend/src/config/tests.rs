//! Settings as they are written, and what is said of those that are wrong.

use super::*;

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::read(|name| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

const NEEDED: [(&str, &str); 3] = [
    ("DATABASE_URL", "postgres://x@localhost/x"),
    ("APP_SECRET", SAMPLE_SECRET),
    ("SMTP_URL", "smtp://localhost:25"),
];

#[test]
fn the_three_needed_settings_are_enough() {
    let config = read(&NEEDED).unwrap();
    assert_eq!(config.http.public_url, "http://127.0.0.1:8000");
    assert_eq!(config.engine.sessions, 8);
}

#[test]
fn the_address_of_the_site_can_stand_in_a_mail() {
    let site = |text: &str| {
        let mut settings = NEEDED.to_vec();
        settings.push(("PUBLIC_URL", text));
        read(&settings).map(|config| config.http.public_url)
    };
    for (text, kept) in [
        (
            "https://dispatch.example.org/",
            "https://dispatch.example.org",
        ),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://example.org/mail/", "https://example.org/mail"),
        ("https://пример.рф", "https://xn--e1afmkfd.xn--p1ai"),
        (
            "https://example.org/a b<c>",
            "https://example.org/a%20b%3Cc%3E",
        ),
    ] {
        assert_eq!(site(text).unwrap(), kept);
    }
    for text in [
        "dispatch.example.org",
        "ftp://example.org",
        "https://",
        "https://example.org/?page=1",
        "https://example.org/#page",
    ] {
        assert!(site(text).is_err(), "{text}");
    }
}

#[test]
fn origins_are_named_one_by_one() {
    let origins = |text: &str| {
        let mut settings = NEEDED.to_vec();
        settings.push(("CORS_ORIGINS", text));
        read(&settings).map(|config| config.http.cors_origins)
    };
    assert!(read(&NEEDED).unwrap().http.cors_origins.is_empty());
    assert_eq!(
        origins("https://app.example.org, http://localhost:5173/,https://Пример.рф").unwrap(),
        [
            "https://app.example.org",
            "http://localhost:5173",
            "https://xn--e1afmkfd.xn--p1ai"
        ]
    );
    for text in [
        "*",
        "null",
        "app.example.org",
        "https://example.org/path",
        "ftp://example.org",
    ] {
        let mistakes = origins(text).unwrap_err().0;
        assert!(mistakes[0].contains(text), "{mistakes:?}");
    }
}

#[test]
fn every_mistake_is_named_at_once() {
    let errors = read(&[
        ("BIND", "here"),
        ("DB_POOL_SIZE", "many"),
        ("SMTP_SESSIONS", "0"),
        ("APP_SECRET", "short"),
    ])
    .unwrap_err()
    .0;
    for name in [
        "BIND",
        "DB_POOL_SIZE",
        "SMTP_SESSIONS",
        "APP_SECRET",
        "DATABASE_URL",
        "SMTP_URL",
    ] {
        assert!(
            errors.iter().any(|error| error.starts_with(name)),
            "{name} is not named in {errors:?}"
        );
    }
}

#[test]
fn the_journal_of_events_reaches_back_a_year_or_as_far_as_one_likes() {
    let kept = |days: &str| {
        let mut settings = NEEDED.to_vec();
        settings.push(("EVENTS_KEPT_DAYS", days));
        read(&settings).map(|config| config.audit_log_retention.num_days())
    };
    assert_eq!((kept("").unwrap(), kept("30").unwrap()), (365, 30));
    for days in ["0", "-1", "36501", "9223372036854775807", "a year"] {
        let complaint = kept(days).unwrap_err().to_string();
        assert!(complaint.contains("EVENTS_KEPT_DAYS"), "{complaint}");
    }
}

#[test]
fn the_sample_secret_is_refused_in_production() {
    let mut settings = NEEDED.to_vec();
    settings.push(("APP_ENV", "production"));
    assert!(
        read(&settings)
            .unwrap_err()
            .to_string()
            .contains("public sample")
    );
}

#[test]
fn no_secret_shows_in_a_debug_print() {
    let printed = format!(
        "{:?}",
        read(&[
            NEEDED[1],
            ("DATABASE_URL", "postgres://x:canary@localhost/x"),
            ("SMTP_URL", "smtp://u:canary@localhost:25?tls=none"),
            ("REDIS_URL", "redis://:canary@localhost:6379"),
            ("ADMIN_EMAIL", "ada@example.org"),
            ("ADMIN_PASSWORD", "canary")
        ])
        .unwrap()
    );
    assert!(
        !printed.contains("canary") && !printed.contains(SAMPLE_SECRET),
        "{printed}"
    );
}
