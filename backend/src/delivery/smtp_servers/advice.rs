//! What a test of a mail server found: how far it came, and what to do about it. Pure.

use serde::Serialize;
use smtp::failure::{Failure, FailureClass};
use smtp::reply::Stage;
use utoipa::ToSchema;

use crate::core::named::named;

named! {
    /// How far a test came.
    pub enum TestStage {
        /// Looking the host up.
        Resolve = "resolve",
        Connect = "connect",
        Tls = "tls",
        Greeting = "greeting",
        Ehlo = "ehlo",
        Auth = "auth",
        /// Naming the sender.
        SenderIdentity = "sender",
        /// All went well.
        Done = "done",
    }
}

named! {
    /// What to do about what a test found.
    pub enum Advice {
        /// Nothing: mail can be sent.
        Works = "works",
        HostNotFound = "host_not_found",
        /// It leads into a network that is not open to users' servers.
        AddressNotAllowed = "address_not_allowed",
        PortNotAllowed = "port_not_allowed",
        /// Nobody listens there, or it hung up.
        NoConnection = "no_connection",
        /// It did not answer in time.
        NoAnswer = "no_answer",
        /// What answers is no mail server, or speaks in another encryption than was chosen.
        NotSmtp = "not_smtp",
        /// The port uses implicit TLS: choose `implicit`.
        ImplicitTlsExpected = "implicit_tls_expected",
        /// The port starts in clear text: choose `starttls`.
        StarttlsExpected = "starttls_expected",
        StarttlsNotOffered = "starttls_not_offered",
        TlsFailed = "tls_failed",
        /// Its certificate is not valid for this host, or nobody known vouches for it.
        CertificateNotTrusted = "certificate_not_trusted",
        /// It wants nothing to do with us now.
        Refused = "refused",
        AuthNotOffered = "auth_not_offered",
        CredentialsRefused = "credentials_refused",
        /// The installation's secret has changed: enter them again.
        CredentialsUnreadable = "credentials_unreadable",
        SenderRefused = "sender_refused",
        /// It puts it off: try again later.
        TryLater = "try_later",
    }
}

/// What a test of a mail server found.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestResult {
    /// Whether mail can be sent through it.
    pub ok: bool,
    pub stage: TestStage,
    /// Of the server's last answer.
    #[schema(example = 535)]
    pub code: Option<u16>,
    /// The server's last answer.
    #[schema(example = "5.7.8 bad credentials")]
    pub response: Option<String>,
    pub advice: Advice,
    /// The EHLO name of the service; `null` if no connection was established.
    #[schema(example = "mail.example.org")]
    pub ehlo_name: Option<String>,
    #[schema(example = 230, minimum = 0)]
    pub duration_ms: u64,
}

/// How far the test came that ended like this.
pub fn stage_of(failure: &Failure) -> TestStage {
    match (failure.stage, failure.class) {
        (Stage::Connect, FailureClass::NotFound | FailureClass::NotAllowed) => TestStage::Resolve,
        (Stage::Connect, _) => TestStage::Connect,
        (Stage::Tls, _) => TestStage::Tls,
        (Stage::Greeting, _) => TestStage::Greeting,
        (Stage::Ehlo, _) => TestStage::Ehlo,
        (Stage::Auth, _) => TestStage::Auth,
        _ => TestStage::SenderIdentity,
    }
}

/// What to do about it.
pub fn advice_on(failure: &Failure) -> Advice {
    let is_later = failure.reply.as_ref().is_some_and(|reply| reply.code < 500);
    match (failure.class, failure.stage) {
        (FailureClass::NotFound, _) => Advice::HostNotFound,
        (FailureClass::NotAllowed, _) => Advice::AddressNotAllowed,
        (FailureClass::Unreadable, _) => Advice::CredentialsUnreadable,
        (FailureClass::Certificate, _) => Advice::CertificateNotTrusted,
        (FailureClass::NotOffered, Stage::Tls) => Advice::StarttlsNotOffered,
        (FailureClass::NotOffered, _) => Advice::AuthNotOffered,
        (FailureClass::ExpectsTls, _) => Advice::ImplicitTlsExpected,
        (FailureClass::BeginsInClear, _) => Advice::StarttlsExpected,
        (FailureClass::Tls, _) => Advice::TlsFailed,
        (FailureClass::Protocol, _) => Advice::NotSmtp,
        (FailureClass::Timeout, _) => Advice::NoAnswer,
        (FailureClass::Closed, _) => Advice::NoConnection,
        (FailureClass::Refused | FailureClass::Unsendable, _) if is_later => Advice::TryLater,
        (FailureClass::Refused, Stage::Auth) => Advice::CredentialsRefused,
        (FailureClass::Refused, Stage::Mail) | (FailureClass::Unsendable, _) => {
            Advice::SenderRefused
        }
        (FailureClass::Refused, _) => Advice::Refused,
    }
}
