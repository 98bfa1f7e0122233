//! The mail server, as far as one gets without sending a mail: its name, the connection, encryption, signing in, the sender.

use std::time::Duration;

use smtp::connection_test::try_sender;
use smtp::dkim::{Algorithm, is_aligned};
use smtp::reply::Stage;
use smtp::server::Timeouts;
use smtp::verdict::{Failure, Fault};
use tokio::runtime::Builder;

use super::Findings;
use crate::config::Config;

/// For each step: the first that is not answered is to be named in time.
const PATIENCE: Duration = Duration::from_secs(3);
/// After this long without a greeting, the port is probed for implicit TLS.
const SILENCE: Duration = Duration::from_secs(1);

pub(super) fn examine(config: &Config, findings: &Findings) {
    let timeouts = Timeouts {
        connect: PATIENCE,
        silence: SILENCE,
        tls: PATIENCE,
        command: PATIENCE,
        ..Timeouts::default()
    };
    let (server, from) = (&config.mail.server, config.mail.from.email.to_string());
    let place = format!(
        "{}:{}, encryption {:?}",
        server.host, server.port, server.tls
    );
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return findings.fail("smtp", error.to_string(), "is the machine out of files?");
        }
    };
    let trial = runtime.block_on(try_sender(server, &timeouts, &from));
    let place = match &trial.ehlo_name {
        Some(ehlo_name) => format!("{place}, EHLO {ehlo_name}"),
        None => place,
    };
    match trial.answer {
        Ok(_answer) => {
            let signed_in = if server.credentials.is_some() {
                "took our credentials and "
            } else {
                ""
            };
            findings.ok(
                "smtp",
                format!("{place}: {signed_in}accepts {from} as the sender"),
            );
        }
        Err(failure) => {
            findings.fail("smtp", format!("{place}: {failure}"), advice(&failure));
        }
    }
}

/// Whether receivers will accept the signature of mails sent through the installation's server.
pub(super) fn signature(config: &Config, findings: &Findings) {
    let Some(signer) = &config.mail.signer else {
        return findings.ok("dkim", "DKIM_… are not set: mails are not signed here");
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
    match (failure.stage, failure.fault) {
        (Stage::Connect, Fault::Timeout) => {
            "are host and port in SMTP_URL right, and does no firewall or provider swallow the way to them?"
        }
        (Stage::Connect, _) => {
            "are host and port in SMTP_URL right, and is the mail server running?"
        }
        (_, Fault::ExpectsTls) => {
            "begin SMTP_URL with smtps://, or use the port for STARTTLS (587)"
        }
        (_, Fault::BeginsInClear) => {
            "begin SMTP_URL with smtp+starttls://, or use the port for TLS from the first byte (465)"
        }
        (Stage::Ehlo, Fault::Refused) => {
            "it may reject our EHLO name: set SMTP_EHLO_NAME to a name that resolves to this machine"
        }
        (Stage::Greeting | Stage::Ehlo, Fault::Timeout | Fault::Protocol | Fault::Closed) => {
            "is that the port of a mail server? One that expects encryption from the beginning wants smtps://"
        }
        (Stage::Tls, Fault::Certificate) => {
            "use the name that the certificate was issued for, or add its authority to this machine's"
        }
        (Stage::Tls, Fault::NotOffered) => {
            "it has no STARTTLS there: smtps:// for port 465, smtp:// without encryption"
        }
        (Stage::Tls, _) => {
            "does that port speak TLS from the beginning (smtps://) or after STARTTLS (smtp+starttls://)?"
        }
        (Stage::Auth, Fault::NotOffered) => {
            "it takes no password on that connection: encrypt it, or leave user and password out"
        }
        (Stage::Auth, _) => "are user and password in SMTP_URL right, and percent-encoded?",
        (Stage::Mail, _) => "it will not send for MAIL_FROM: use an address that it knows as yours",
        _ => "its own log may say more",
    }
}
