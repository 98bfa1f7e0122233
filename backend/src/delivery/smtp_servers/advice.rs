//! The result of a connection test, with advice. Pure.

use serde::{Deserialize, Serialize};
use smtp::failure::{Failure, FailureClass};
use smtp::reply::Stage;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::core::text_enum::text_enum;

/// The stage that a test reached.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum TestStage {
    /// Looking the host up.
    Resolve,
    Connect,
    Tls,
    Greeting,
    Ehlo,
    Auth,
    /// Naming the sender.
    #[serde(rename = "sender")]
    #[strum(serialize = "sender")]
    SenderIdentity,
    /// The test succeeded.
    Done,
}

text_enum!(TestStage);

/// What to do about the result of a test.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Advice {
    /// Nothing: mail can be sent.
    Works,
    HostNotFound,
    /// The address is in a network that is not open to servers of users.
    AddressNotAllowed,
    PortNotAllowed,
    /// The connection was refused or closed.
    NoConnection,
    /// It did not respond in time.
    NoAnswer,
    /// It is not a mail server, or uses another encryption than the chosen one.
    NotSmtp,
    /// The port uses implicit TLS: choose `implicit`.
    ImplicitTlsExpected,
    /// The port starts in clear text: choose `starttls`.
    StarttlsExpected,
    StarttlsNotOffered,
    TlsFailed,
    /// Its certificate is not valid for this host, or its issuer is not trusted.
    CertificateNotTrusted,
    /// It refuses the connection.
    Refused,
    AuthNotOffered,
    CredentialsRefused,
    /// The installation's secret has changed: enter them again.
    CredentialsUnreadable,
    SenderRefused,
    /// It defers: try again later.
    TryLater,
}

text_enum!(Advice);

/// The result of a connection test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestResult {
    /// Whether mail can be sent through it.
    pub ok: bool,
    pub stage: TestStage,
    /// The code of the server's last response.
    #[schema(example = 535)]
    pub code: Option<u16>,
    /// The server's last response.
    #[schema(example = "5.7.8 bad credentials")]
    pub response: Option<String>,
    pub advice: Advice,
    /// The EHLO name of the service; `null` if no connection was established.
    #[schema(example = "mail.example.org")]
    pub ehlo_name: Option<String>,
    #[schema(example = 230, minimum = 0)]
    pub duration_ms: u64,
}

/// The stage at which a test failed.
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

/// The advice on a failure.
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
