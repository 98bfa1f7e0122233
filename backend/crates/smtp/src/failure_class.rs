//! What went wrong in an attempt.

/// The class of a failure, independent of its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// A complete 4xx or 5xx reply.
    Refused,
    /// The step exceeded its time limit.
    Timeout,
    /// The name has no address.
    NotFound,
    /// Connection refused, reset or closed.
    Closed,
    /// An unexpected, malformed or too long reply.
    Protocol,
    /// The TLS handshake failed, but not because of the certificate.
    Tls,
    /// The server uses implicit TLS, but its settings start in clear text.
    ExpectsTls,
    /// The server starts in clear text, but its settings require implicit TLS.
    BeginsInClear,
    /// The certificate of the server is not trusted.
    Certificate,
    /// The server does not offer STARTTLS or an authentication mechanism, although its settings require it.
    NotOffered,
    /// The egress policy does not allow this address or port.
    NotAllowed,
    /// The settings of the server cannot be decrypted or used.
    Unreadable,
    /// The server does not support this mail: nothing was sent.
    Unsendable,
}
