//! Checks the mail server without sending a mail: name, connection, encryption, authentication, sender address.

use std::time::Duration;

use smtp::connection_test::test_connection;
use smtp::dkim::{Algorithm, is_aligned};
use smtp::failure::{Failure, FailureClass};
use smtp::reply::Stage;
use smtp::timeouts::Timeouts;
use tokio::runtime::Builder;

use super::findings::Findings;
use crate::config::Config;

/// Time-out of each step, so that the step that gets no answer is reported.
const STEP_TIMEOUT: Duration = Duration::from_secs(3);
/// After this time without a greeting, the port is probed for implicit TLS.
const GREETING_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn examine(config: &Config, findings: &Findings) {
    let timeouts = Timeouts {
        connect: STEP_TIMEOUT,
        silence: GREETING_TIMEOUT,
        tls: STEP_TIMEOUT,
        command: STEP_TIMEOUT,
        ..Timeouts::default()
    };
    let (server, from) = (&config.mail.server, config.mail.from.email.to_string());
    let address = format!(
        "{}:{}, encryption {:?}",
        server.host, server.port, server.tls
    );
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return findings.fail(
                "smtp",
                error.to_string(),
                "has the limit of open files been reached?",
            );
        }
    };
    let trial = runtime.block_on(test_connection(server, &timeouts, &from));
    let address = match &trial.ehlo_name {
        Some(ehlo_name) => format!("{address}, EHLO {ehlo_name}"),
        None => address,
    };
    match trial.reply {
        Ok(_answer) => {
            let authenticated = if server.credentials.is_some() {
                "authenticated, "
            } else {
                ""
            };
            findings.ok(
                "smtp",
                format!("{address}: {authenticated}accepts {from} as the sender"),
            );
        }
        Err(failure) => {
            findings.fail("smtp", format!("{address}: {failure}"), advice(&failure));
        }
    }
}

/// Whether receivers will accept the signature of mails sent through the installation's server.
pub(super) fn signature(config: &Config, findings: &Findings) {
    let Some(signer) = &config.mail.signer else {
        return findings.ok("dkim", "DKIM_DOMAIN is not set: mails are not signed here");
    };
    let sender = config.mail.from.email.domain();
    let message = format!(
        "signs for {} with {}",
        signer.domain,
        signer.algorithm().as_str()
    );
    if !is_aligned(&signer.domain, sender) {
        findings.warn(
            "dkim",
            format!("{message}, but mails come from {sender}"),
            "the signature does not count for DMARC: set DKIM_DOMAIN to the domain of MAIL_FROM, or to one above it",
        );
    } else if signer.algorithm() == Algorithm::Ed25519 {
        findings.warn(
            "dkim",
            message,
            "many receivers cannot verify Ed25519 yet: use a 2048-bit RSA key, or a relay that signs with both",
        );
    } else {
        findings.ok("dkim", message);
    }
}

fn advice(failure: &Failure) -> &'static str {
    match (failure.stage, failure.class) {
        (Stage::Connect, FailureClass::Timeout) => {
            "are host and port in SMTP_URL correct, and does a firewall or provider block the connection?"
        }
        (Stage::Connect, _) => {
            "are host and port in SMTP_URL correct, and is the mail server running?"
        }
        (_, FailureClass::ExpectsTls) => "use smtps:// in SMTP_URL, or the port for STARTTLS (587)",
        (_, FailureClass::BeginsInClear) => {
            "use smtp+starttls:// in SMTP_URL, or the port for TLS from the first byte (465)"
        }
        (Stage::Ehlo, FailureClass::Refused) => {
            "it may reject our EHLO name: set SMTP_EHLO_NAME to a name that resolves to this machine"
        }
        (
            Stage::Greeting | Stage::Ehlo,
            FailureClass::Timeout | FailureClass::Protocol | FailureClass::Closed,
        ) => "is this the port of a mail server? One with implicit TLS requires smtps://",
        (Stage::Tls, FailureClass::Certificate) => {
            "use the name that the certificate was issued for, or install its authority on this machine"
        }
        (Stage::Tls, FailureClass::NotOffered) => {
            "the server does not offer STARTTLS: use smtps:// for port 465, or smtp:// without encryption"
        }
        (Stage::Tls, _) => {
            "does this port use implicit TLS (smtps://) or STARTTLS (smtp+starttls://)?"
        }
        (Stage::Auth, FailureClass::NotOffered) => {
            "the server accepts no password on this connection: encrypt it, or omit user and password"
        }
        (Stage::Auth, _) => "are user and password in SMTP_URL correct and percent-encoded?",
        (Stage::Mail, _) => {
            "the server refuses the sender MAIL_FROM: use an address of your account there"
        }
        _ => "see the log of the mail server",
    }
}
