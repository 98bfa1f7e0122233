//! From a run's content to its mails. What is the same for all recipients is encoded once; a mail is the rest.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use lettre::message::Mailbox;
use sha2::Sha256;

use super::envelope::Envelope;
use super::header::{self, HeaderError};
use super::plain_text;
use super::render::{Mistake, Part, Person, RenderError, Template};
use super::transfer::{BOUNDARY_START, Kind, append_part};

/// What is sent to every recipient of a run.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub subject: &'a str,
    /// Empty for a mail in plain text only.
    pub html: &'a str,
    /// Empty: made from the HTML.
    pub text: &'a str,
    pub from: &'a Mailbox,
    /// Names the list in `List-Id`, such as `mailing-7`; `None` for a mail that is not to many.
    pub list: Option<&'a str>,
    /// `Secrets::message_id`
    pub message_id_key: &'a [u8; 32],
}

/// Who gets a mail, and in which run: the two ids name the mail in its `Message-ID`.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    pub run_id: i64,
    pub recipient_id: i64,
    pub email: &'a str,
    pub full_name: &'a str,
}

/// A mail as it is handed to an SMTP session, which doubles the dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// The whole message: ASCII lines of at most 998 characters, each with its CRLF (RFC 5322).
    pub data: Vec<u8>,
}

/// Why a mail could not be made. It concerns this recipient only, and trying again changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("the message is not a valid template: {}", .0.first().map_or("", |mistake| mistake.message.as_str()))]
    Template(Vec<Mistake>),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Header(#[from] HeaderError),
}

impl Mail {
    /// What the session announces.
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope::new(&self.from, &self.to, &self.data)
    }
}

/// A run's content, ready to become mails.
#[derive(Debug)]
pub struct Prepared {
    template: Template,
    from: String,
    domain: String,
    id_mac: Hmac<Sha256>,
    boundary: String,
    /// The headers that all mails share, ready to be copied.
    head: String,
    subject: Option<String>,
    text: Option<Vec<u8>>,
    html: Html,
    size: usize,
}

#[derive(Debug)]
enum Html {
    Absent,
    Fixed(Vec<u8>),
    Filled,
}

impl Prepared {
    /// Encodes what is the same for everybody.
    pub fn new(content: &Content<'_>) -> Result<Self, ComposeError> {
        let template = Template::parse(content.subject, content.html, content.text)
            .map_err(ComposeError::Template)?;
        let from = header::address(content.from.email.as_ref())?;
        let domain = from
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain)
            .to_owned();
        let id_mac = Hmac::new_from_slice(content.message_id_key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        let boundary = format!(
            "{BOUNDARY_START}{}",
            hex(&digest(&id_mac, content.html.as_bytes()))
        );
        let subject = match &template.subject {
            Part::Fixed(_) => Some(subject_line(
                &template,
                &Person {
                    email: "",
                    full_name: "",
                },
            )?),
            Part::Filled(_) => None,
        };
        let html = match &template.html {
            Part::Fixed(html) if html.is_empty() => Html::Absent,
            Part::Fixed(html) => Html::Fixed(encoded(Kind::Html, html)),
            Part::Filled(_) => Html::Filled,
        };
        let text = match &template.text {
            Some(Part::Fixed(text)) => Some(encoded(Kind::Plain, text)),
            _ => None,
        };
        let multipart = (!matches!(html, Html::Absent)).then_some(boundary.as_str());
        Ok(Self {
            head: shared_headers(content, &from, &domain, multipart)?,
            size: 1024 + 2 * (content.subject.len() + content.html.len() + content.text.len()),
            template,
            from,
            domain,
            id_mac,
            boundary,
            subject,
            text,
            html,
        })
    }

    /// The mail to one recipient. `date` is when it is made; everything else is the same on every retry.
    pub fn mail_for(
        &self,
        addressee: &Addressee<'_>,
        date: DateTime<Utc>,
    ) -> Result<Mail, ComposeError> {
        let person = Person {
            email: addressee.email,
            full_name: addressee.full_name.trim(),
        };
        let to = header::address(person.email)?;
        let mut head = String::with_capacity(self.size);
        header::mailbox("To", person.full_name, &to, &mut head)?;
        match &self.subject {
            Some(line) => head.push_str(line),
            None => head.push_str(&subject_line(&self.template, &person)?),
        }
        self.date_and_id(addressee, date, &mut head);
        head.push_str(&self.head);
        let mut bytes = head.into_bytes();
        self.bodies(&person, &mut bytes)?;
        Ok(Mail {
            from: self.from.clone(),
            to,
            data: bytes,
        })
    }

    fn date_and_id(&self, addressee: &Addressee<'_>, date: DateTime<Utc>, out: &mut String) {
        let (run, recipient) = (addressee.run_id, addressee.recipient_id);
        let mut ids = [0; 16];
        let (first, second) = ids.split_at_mut(8);
        first.copy_from_slice(&run.to_be_bytes());
        second.copy_from_slice(&recipient.to_be_bytes());
        let random = hex(&digest(&self.id_mac, &ids));
        let date = date.format("%a, %d %b %Y %H:%M:%S +0000");
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "Date: {date}\r\nMessage-ID: <{run}.{recipient}.{random}@{}>\r\n",
            self.domain
        );
    }

    /// The plain text alone, or both bodies as alternatives, the better one last (RFC 2046, 5.1.4).
    fn bodies(&self, person: &Person<'_>, out: &mut Vec<u8>) -> Result<(), ComposeError> {
        let html = match &self.html {
            Html::Absent => {
                self.append_text(person, "", out)?;
                out.extend_from_slice(b"\r\n");
                return Ok(());
            }
            Html::Fixed(_) => Cow::Borrowed(""),
            Html::Filled => self.template.fill(&self.template.html, person)?,
        };
        let delimit = |out: &mut Vec<u8>, end: &[u8]| {
            out.extend_from_slice(b"--");
            out.extend_from_slice(self.boundary.as_bytes());
            out.extend_from_slice(end);
        };
        delimit(out, b"\r\n");
        self.append_text(person, &html, out)?;
        out.extend_from_slice(b"\r\n");
        delimit(out, b"\r\n");
        match &self.html {
            Html::Fixed(part) => out.extend_from_slice(part),
            _ => append_part(Kind::Html, &html, out),
        }
        out.extend_from_slice(b"\r\n");
        delimit(out, b"--\r\n");
        Ok(())
    }

    fn append_text(
        &self,
        person: &Person<'_>,
        html: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), ComposeError> {
        match (&self.text, &self.template.text) {
            (Some(part), _) => out.extend_from_slice(part),
            (None, Some(part)) => append_part(Kind::Plain, &self.template.fill(part, person)?, out),
            (None, None) => append_part(Kind::Plain, &plain_text::of_html(html), out),
        }
        Ok(())
    }
}

/// A message tried out: as a run would send it to this person. `mail_id` tells one test from another.
pub fn test_mail(
    content: &Content<'_>,
    mail_id: i64,
    person: &Person<'_>,
    date: DateTime<Utc>,
) -> Result<Mail, ComposeError> {
    let addressee = Addressee {
        // Runs count from 1.
        run_id: 0,
        recipient_id: mail_id,
        email: person.email,
        full_name: person.full_name,
    };
    Prepared::new(content)?.mail_for(&addressee, date)
}

fn shared_headers(
    content: &Content<'_>,
    from: &str,
    domain: &str,
    boundary: Option<&str>,
) -> Result<String, ComposeError> {
    let mut head = String::new();
    header::mailbox(
        "From",
        content.from.name.as_deref().unwrap_or("").trim(),
        from,
        &mut head,
    )?;
    if let Some(list) = content.list {
        header::unstructured("List-Id", &format!("<{list}.{domain}>"), &mut head)?;
        head.push_str("Precedence: bulk\r\n");
    }
    head.push_str("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    if let Some(boundary) = boundary {
        head.push_str("Content-Type: multipart/alternative;\r\n boundary=\"");
        head.push_str(boundary);
        head.push_str("\"\r\n\r\n");
    }
    Ok(head)
}

fn subject_line(template: &Template, person: &Person<'_>) -> Result<String, ComposeError> {
    let mut line = String::new();
    header::unstructured("Subject", &template.fill_subject(person)?, &mut line)?;
    Ok(line)
}

fn encoded(kind: Kind, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    append_part(kind, text, &mut out);
    out
}

fn digest(mac: &Hmac<Sha256>, bytes: &[u8]) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// The first 80 bits, enough to be guessed by nobody.
fn hex(digest: &[u8; 32]) -> String {
    digest
        .iter()
        .take(10)
        .fold(String::with_capacity(20), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
