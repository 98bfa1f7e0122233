//! What went wrong in an attempt.

/// What went wrong, before looking at what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// A complete 4xx or 5xx reply.
    Refused,
    /// The step was not finished in its time.
    Timeout,
    /// The name has no address.
    NotFound,
    /// Connection refused, reset or closed.
    Closed,
    /// 3xx or garbage where 2xx is due, over-long or unasked-for replies.
    Protocol,
    /// The TLS handshake failed for another reason than the certificate.
    Tls,
    /// The server uses implicit TLS, but its settings start in clear text.
    ExpectsTls,
    /// The server starts in clear text, but its settings require implicit TLS.
    BeginsInClear,
    /// The server's certificate is not to be trusted.
    Certificate,
    /// The server does not offer what its settings demand: STARTTLS or a way to authenticate.
    NotOffered,
    /// It leads where servers of users may not be.
    NotAllowed,
    /// What is known of the server cannot be read, or used.
    Unreadable,
    /// This mail cannot be handed to this server: nothing was sent.
    Unsendable,
}
