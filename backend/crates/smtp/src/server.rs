//! The settings of an SMTP server, parsed from a URL such as `smtps://user:password@mail.example.org`.

use std::{fmt, sync::Arc};

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use rustls_platform_verifier::Verifier;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, crypto::aws_lc_rs, pki_types::CertificateDer},
};
use url::{Host, Url};

use crate::egress_policy::EgressPolicy;
use crate::ehlo_name::EhloName;

/// The encryption of a connection; never weaker than configured.
#[derive(Clone)]
pub enum Tls {
    None,
    /// STARTTLS is required: there is no fallback to clear text.
    StartTls(TlsConnector),
    Implicit(TlsConnector),
}

#[derive(Clone)]
pub struct Server {
    /// A name or an IP address (IPv6 without brackets); certificates are checked against it.
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub credentials: Option<Credentials>,
    /// The EHLO name.
    pub ehlo_name: EhloName,
    /// Maximum number of mails on a connection.
    pub mails_per_connection: u32,
    /// Allowed addresses and ports; `None` for all.
    pub egress_policy: Option<Arc<EgressPolicy>>,
}

/// Why the URL of a server is invalid. Does not contain the URL, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("the mail server's URL cannot be read: {0}")]
    Url(#[from] url::ParseError),
    #[error(
        "the mail server's URL must begin with smtp://, smtp+starttls:// or smtps://, not {0}://"
    )]
    Scheme(String),
    #[error("the mail server's URL names no host")]
    Host,
    #[error(
        "the mail server's URL has a parameter that is not known: {0} (known are tls and hello)"
    )]
    Parameter(String),
    #[error(
        "tls={0} does not fit the mail server's URL: smtp:// takes none or required, the others take none of them"
    )]
    TlsMode(String),
    #[error("the mail server's user and password must be given both, and in UTF-8")]
    Credentials,
    #[error(
        "the mail server's password would travel unencrypted: use smtps:// or smtp+starttls://, or say that you accept it with ?tls=none"
    )]
    Unencrypted,
    #[error("no certificate can be verified on this machine: {0}")]
    Trust(#[from] tokio_rustls::rustls::Error),
}

impl Server {
    /// `smtp[s|+starttls]://[user:password@]host[:port][?tls=none|required][&hello=name]`; ports default to 25, 465
    /// and 587, user and password are percent-encoded.
    pub fn parse(url: &str) -> Result<Self, ServerError> {
        Self::parse_trusting(url, &[])
    }

    /// The same, trusting these certificates besides the machine's own.
    pub fn parse_trusting(
        url: &str,
        extra: &[CertificateDer<'static>],
    ) -> Result<Self, ServerError> {
        let url = Url::parse(url)?;
        let options = Options::parse(&url)?;
        let credentials = credentials(&url)?;
        let (tls, port) = match (url.scheme(), options.tls.as_deref()) {
            ("smtp", None) if credentials.is_some() => return Err(ServerError::Unencrypted),
            ("smtp", None | Some("none")) => (Tls::None, 25),
            ("smtp", Some("required")) | ("smtp+starttls", None) => {
                (Tls::StartTls(connector(extra)?), 587)
            }
            ("smtps", None) => (Tls::Implicit(connector(extra)?), 465),
            ("smtp" | "smtp+starttls" | "smtps", Some(mode)) => {
                return Err(ServerError::TlsMode(mode.to_owned()));
            }
            (scheme, _) => return Err(ServerError::Scheme(scheme.to_owned())),
        };
        Ok(Self {
            host: host(&url)?,
            port: url.port().unwrap_or(port),
            tls,
            credentials,
            ehlo_name: options
                .hello
                .map_or_else(EhloName::of_host, EhloName::Fixed),
            mails_per_connection: 1000,
            egress_policy: None,
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field(
                "credentials",
                &self.credentials.as_ref().map(|_| "redacted"),
            )
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::StartTls(_) => "starttls",
            Self::Implicit(_) => "implicit",
        })
    }
}

#[derive(Default)]
struct Options {
    tls: Option<String>,
    hello: Option<String>,
}

impl Options {
    /// Unknown parameters are errors: `tsl=required` must not mean unencrypted.
    fn parse(url: &Url) -> Result<Self, ServerError> {
        let mut options = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "tls" => options.tls = Some(value.into_owned()),
                "hello" if is_hello(&value) => options.hello = Some(value.into_owned()),
                _ => return Err(ServerError::Parameter(name.into_owned())),
            }
        }
        Ok(options)
    }
}

fn is_hello(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn host(url: &Url) -> Result<String, ServerError> {
    let name = percent_decode_str(url.host_str().unwrap_or_default()).decode_utf8_lossy();
    match Host::parse(&name)? {
        Host::Domain(name) => Ok(name),
        Host::Ipv4(address) => Ok(address.to_string()),
        Host::Ipv6(address) => Ok(address.to_string()),
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, ServerError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.is_empty() && !text.contains('\0')).then(|| text.into_owned())
    };
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user = decoded(url.username()).ok_or(ServerError::Credentials)?;
    let password = url
        .password()
        .and_then(decoded)
        .ok_or(ServerError::Credentials)?;
    Ok(Some(Credentials::new(user, password)))
}

pub(crate) fn connector(extra: &[CertificateDer<'static>]) -> Result<TlsConnector, ServerError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // the name of the API for a verifier of one's own; this one is the platform's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(url: &str) -> Server {
        Server::parse(url).unwrap()
    }

    #[test]
    fn each_scheme_has_its_port_and_its_encryption() {
        let root = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .unwrap()
            .cert
            .der()
            .clone();
        for (url, port, tls) in [
            ("smtp://mail.example.org", 25, "none"),
            ("smtp://mail.example.org:1025?tls=none", 1025, "none"),
            ("smtp://mail.example.org?tls=required", 587, "starttls"),
            ("smtp+starttls://mail.example.org", 587, "starttls"),
            ("smtps://mail.example.org", 465, "implicit"),
        ] {
            let server = Server::parse_trusting(url, std::slice::from_ref(&root)).unwrap();
            assert_eq!(
                (
                    server.host.as_str(),
                    server.port,
                    format!("{:?}", server.tls).as_str()
                ),
                ("mail.example.org", port, tls),
                "{url}"
            );
        }
    }

    #[test]
    fn an_address_is_a_host_too() {
        assert_eq!(plain("smtp://[::1]:1025").host, "::1");
        assert_eq!(plain("smtp://127.0.0.1").host, "127.0.0.1");
    }

    #[test]
    fn a_name_in_another_alphabet_is_looked_up_in_its_ascii_form() {
        assert_eq!(plain("smtp://почта.рф").host, "xn--80a1acny.xn--p1ai");
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let server = plain("smtp://me%40example.org:p%3Aw%2F%20%25@localhost?tls=none");
        assert_eq!(
            server.credentials,
            Some(Credentials::new(
                "me@example.org".to_owned(),
                "p:w/ %".to_owned()
            ))
        );
        assert!(
            !format!("{server:?}").contains("example.org")
                && !format!("{server:?}").contains("p:w")
        );
    }

    #[test]
    fn a_password_does_not_travel_unencrypted_unless_that_is_said() {
        assert!(matches!(
            Server::parse("smtp://me:secret@localhost"),
            Err(ServerError::Unencrypted)
        ));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_the_password() {
        for url in [
            "",
            "mail.example.org:25",
            "http://localhost",
            "smtp://",
            "smtp://localhost?tsl=required",
            "smtp://localhost?tls=maybe",
            "smtps://localhost?tls=none",
            "smtp+starttls://me:secret@localhost?tls=none",
            "smtp://me@localhost?tls=none",
            "smtp://me:%FFsecret@localhost?tls=none",
            "smtp://:secret@localhost?tls=none",
            "smtp://localhost?hello=a%0D%0Ab",
            "smtp://me:secret@localhost:99999",
        ] {
            let error = Server::parse(url).expect_err(url);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
