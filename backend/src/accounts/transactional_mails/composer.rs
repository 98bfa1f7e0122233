//! Composes transactional mails in the language of the user.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use lettre::Message;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use mime::compose::Mail;
use mime::header::{self, HeaderError};
use mime::render::Rendered;
use minijinja::{Environment, context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use super::model::MailContent;
use super::templates::TEMPLATES;
use crate::core::language::Language;

/// Characters escaped in the value of a URL parameter.
const IN_LINK: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// The recipient. Their name is not used, because anyone who signs up could have arbitrary text mailed to any address.
#[derive(Debug, Clone, Copy)]
pub struct MailRecipient<'a> {
    pub email: &'a str,
    pub language: Language,
    /// Determines the `Message-ID`, which is the same for each attempt.
    pub mail_id: i64,
}

/// Why a mail cannot be composed; permanent.
#[derive(Debug, thiserror::Error)]
pub enum MailComposeError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    #[error(transparent)]
    Build(#[from] lettre::error::Error),
}

/// Composes transactional mails.
pub struct Composer {
    templates: Environment<'static>,
    from: Mailbox,
    public_url: String,
    message_id_key: [u8; 32],
}

impl Composer {
    /// Links start with `public_url`, never with data from a request.
    pub fn new(from: Mailbox, public_url: &str, message_id_key: [u8; 32]) -> Self {
        let mut templates = Environment::new();
        for (name, source) in TEMPLATES.iter().copied() {
            templates
                .add_template(name, source)
                .unwrap_or_else(|error| {
                    unreachable!("templates are covered by tests, {name}: {error}")
                });
        }
        Self {
            templates,
            from,
            public_url: public_url.to_owned(),
            message_id_key,
        }
    }

    /// Composes a mail. Text precedes HTML, because mail programs show the last part that they support.
    pub fn compose(
        &self,
        content: &MailContent,
        to: &MailRecipient<'_>,
        date: DateTime<Utc>,
    ) -> Result<Mail, MailComposeError> {
        let words = self.words(content, to)?;
        let (from, to_email) = (
            header::address(self.from.email.as_ref())?,
            header::address(to.email)?,
        );
        let sender = Mailbox::new(self.from.name.clone(), from.parse()?);
        let message = Message::builder()
            .from(sender)
            .to(Mailbox::new(None, to_email.parse()?))
            .subject(words.subject)
            .date(date.into())
            .message_id(Some(self.message_id(to.mail_id, &from)))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(MultiPart::alternative_plain_html(words.text, words.html))?;
        Ok(Mail {
            from,
            to: to_email,
            data: message.formatted(),
        })
    }

    fn words(
        &self,
        content: &MailContent,
        to: &MailRecipient<'_>,
    ) -> Result<Rendered, minijinja::Error> {
        let site = &self.public_url;
        let (kind, link) = match content {
            // In the fragment, so that the token appears in no server log and no referrer.
            MailContent::Confirm { token } => ("confirm", format!("{site}/confirm#token={token}")),
            MailContent::Reset { token } => ("reset", format!("{site}/reset#token={token}")),
            MailContent::ConfirmEmail { token } => {
                ("confirm_email", format!("{site}/confirm#token={token}"))
            }
            MailContent::AlreadyRegistered => ("already_registered", format!("{site}/sign-in")),
            MailContent::PasswordChanged => ("password_changed", format!("{site}/forgot")),
            MailContent::EmailChanged => ("email_changed", format!("{site}/sign-in")),
            MailContent::Invitation { token } => {
                let email = utf8_percent_encode(to.email, IN_LINK);
                (
                    "invitation",
                    format!("{site}/sign-up#invitation={token}&email={email}"),
                )
            }
        };
        let language = to.language.as_str();
        let name = format!("{kind}.{language}");
        let text = self.render(&format!("{name}.txt"), context! { link => &link })?;
        let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
        let link = minijinja::Value::from_safe_string(in_attribute(&link));
        let html = self.render(
            &format!("{name}.html"),
            context! { link, language, subject },
        )?;
        Ok(Rendered {
            subject: subject.to_owned(),
            html,
            text: text.trim_start().to_owned(),
        })
    }

    fn render(&self, name: &str, values: minijinja::Value) -> Result<String, minijinja::Error> {
        self.templates.get_template(name)?.render(values)
    }

    fn message_id(&self, mail_id: i64, from: &str) -> String {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&self.message_id_key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        mac.update(b"account-mail");
        mac.update(&mail_id.to_be_bytes());
        let random = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let domain = from
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        format!("<account.{mail_id}.{random}@{domain}>")
    }
}

/// Escapes only what HTML requires. minijinja would also escape every slash, which spam filters associate with hidden links.
fn in_attribute(link: &str) -> String {
    let link = link.replace('&', "&amp;").replace('"', "&quot;");
    link.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn composer() -> Composer {
        Composer::new(
            "Dispatch <no-reply@пример.рф>".parse().unwrap(),
            "https://dispatch.example.org",
            [7; 32],
        )
    }

    fn compose(
        content: &MailContent,
        email: &str,
        language: Language,
    ) -> Result<Mail, MailComposeError> {
        let to = MailRecipient {
            email,
            language,
            mail_id: 3,
        };
        composer().compose(content, &to, DateTime::UNIX_EPOCH)
    }

    fn token() -> String {
        "a-b_c".to_owned()
    }

    #[test]
    fn every_mail_exists_in_every_language_with_its_link_in_both_parts() {
        for (content, link) in [
            (
                MailContent::Confirm { token: token() },
                "confirm#token=a-b_c",
            ),
            (
                MailContent::ConfirmEmail { token: token() },
                "confirm#token=a-b_c",
            ),
            (MailContent::Reset { token: token() }, "reset#token=a-b_c"),
            (MailContent::PasswordChanged, "forgot"),
            (MailContent::EmailChanged, "sign-in"),
            (MailContent::AlreadyRegistered, "sign-in"),
            (
                MailContent::Invitation { token: token() },
                "sign-up#invitation=a-b_c&email=ada%40example.org",
            ),
        ] {
            let link = format!("https://dispatch.example.org/{link}");
            for language in Language::ALL {
                let mail = compose(&content, "ada@example.org", *language).unwrap();
                let mail = MessageParser::default().parse(&mail.data).unwrap();
                let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
                assert!(!mail.subject().unwrap().is_empty() && !text.contains("Subject"));
                assert!(text.lines().any(|line| line == link), "{text}");
                let escaped = link.replace('&', "&amp;");
                assert!(html.contains(&format!("href=\"{escaped}\"")), "{html}");
                assert!(html.contains(&format!("lang=\"{}\"", language.as_str())));
                assert!(!html.contains("src=") && !html.contains("{%"), "{html}");
            }
        }
    }

    #[test]
    fn a_mail_is_marked_as_automatic_and_keeps_its_message_id() {
        let mail = compose(
            &MailContent::AlreadyRegistered,
            "ada@example.org",
            Language::En,
        )
        .unwrap();
        let data = String::from_utf8(mail.data).unwrap();
        for header in [
            "From: Dispatch <no-reply@xn--e1afmkfd.xn--p1ai>\r\n",
            "To: ada@example.org\r\n",
            "Subject: You already have an account\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(data.contains(header), "{header}{data}");
        }
        let id = |data: &str| {
            data.lines()
                .find(|line| line.starts_with("Message-ID: <account.3."))
                .map(ToOwned::to_owned)
        };
        let again = compose(
            &MailContent::Confirm { token: token() },
            "bob@example.org",
            Language::Ru,
        )
        .unwrap();
        assert!(id(&data).is_some());
        assert_eq!(id(&data), id(&String::from_utf8(again.data).unwrap()));
        assert!(data.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn an_address_that_cannot_be_mailed_is_an_error() {
        for email in ["no-domain", "a@b\r\nBcc: c@example.org", "ада@example.org"] {
            assert!(
                compose(&MailContent::AlreadyRegistered, email, Language::En).is_err(),
                "{email}"
            );
        }
    }
}
