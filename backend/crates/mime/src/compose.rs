//! Composes the mails of a message. What all recipients share is encoded once.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::bodies::Bodies;
use super::header::{self, HeaderError};
use super::link_token::LinkTokens;
use super::links::{Link, RunMail, SignedToken, SignedTokens};
use super::render::{Mistake, PlaceholderValues, RenderError, Template, TemplatePart};
use super::transfer::BOUNDARY_START;

/// The content of a message and its settings.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub subject: &'a str,
    /// Empty for a mail in plain text only.
    pub html: &'a str,
    /// If empty, it is made from the HTML.
    pub text: &'a str,
    /// The sender's name; may be empty.
    pub from_name: &'a str,
    pub from_email: &'a str,
    /// The list named in `List-Id`, such as `mailing-7`; `None` for a single mail.
    pub list: Option<&'a str>,
    /// The account the mail is sent for; part of the tokens in its links.
    pub owner_id: i64,
    /// `PUBLIC_URL`, with which links begin. A single mail has example links and no `List-Unsubscribe`.
    pub public_url: &'a str,
    /// `Secrets::message_id`
    pub message_id_key: &'a [u8; 32],
}

/// A recipient of a mail. Both ids are part of the `Message-ID`; runs are numbered from 1, and 0 is a test mail.
#[derive(Debug, Clone, Copy)]
pub struct MailRecipient<'a> {
    pub run_id: i64,
    pub recipient_id: i64,
    pub email: &'a str,
    pub full_name: &'a str,
}

/// A composed mail, before dot-stuffing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// The whole message: ASCII lines of at most 998 characters, each with its CRLF (RFC 5322).
    pub data: Vec<u8>,
}

/// Why a mail cannot be composed. Permanent.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("the message is not a valid template: {}", .0.first().map_or("", |mistake| mistake.message.as_str()))]
    Template(Vec<Mistake>),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// A message prepared for all its recipients.
#[derive(Debug)]
pub struct PreparedMessage {
    template: Template,
    from: String,
    domain: String,
    owner_id: i64,
    stamps: SignedTokens,
    links: Links,
    /// The headers that all mails share.
    head: String,
    subject: Option<String>,
    bodies: Bodies,
    size: usize,
}

/// The links that identify a mail.
#[derive(Debug)]
enum Links {
    /// The `List-Unsubscribe` header and the URLs of the pages, each up to the token of the mail.
    Own {
        one_click: String,
        pages: Pages,
        tokens: LinkTokens,
    },
    /// Example links, the same for every mail.
    Examples(Pages),
}

#[derive(Debug)]
struct Pages {
    unsubscribe: String,
    view: String,
}

impl PreparedMessage {
    /// Encodes what all recipients share.
    pub fn new(content: &Content<'_>) -> Result<Self, ComposeError> {
        let template = Template::parse(content.subject, content.html, content.text)
            .map_err(ComposeError::Template)?;
        let from = header::address(content.from_email)?;
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let public_url = header::link_base(content.public_url)?;
        let stamps = SignedTokens::new(content.message_id_key);
        let boundary = format!("{BOUNDARY_START}{}", stamps.name(content.html.as_bytes()));
        let subject = match &template.subject {
            TemplatePart::Fixed(_) => Some(subject_line(
                &template,
                &PlaceholderValues {
                    email: "",
                    full_name: "",
                    unsubscribe_url: "",
                    view_url: "",
                },
            )?),
            TemplatePart::Filled(..) => None,
        };
        let bodies = Bodies::new(&template, boundary);
        Ok(Self {
            head: shared_headers(content, &from, domain, bodies.boundary())?,
            size: 1280 + 2 * (content.subject.len() + content.html.len() + content.text.len()),
            links: match content.list {
                Some(_) => Links::Own {
                    one_click: format!("List-Unsubscribe: <{public_url}/api/v1/unsubscribe/"),
                    pages: Pages::of(|link| link.with(public_url, "")),
                    tokens: LinkTokens::new(content.message_id_key),
                },
                None => Links::Examples(Pages::of(|link| link.example(public_url))),
            },
            template,
            domain: domain.to_owned(),
            from,
            owner_id: content.owner_id,
            stamps,
            subject,
            bodies,
        })
    }

    /// The mail to one recipient. Only `date` differs between attempts.
    pub fn mail_for(
        &self,
        addressee: &MailRecipient<'_>,
        date: DateTime<Utc>,
    ) -> Result<Mail, ComposeError> {
        let stamp = self.stamps.of(RunMail {
            run_id: addressee.run_id,
            recipient_id: addressee.recipient_id,
        });
        let token = match &self.links {
            Links::Own { tokens, .. } => tokens.issue(&stamp, self.owner_id, addressee.email),
            Links::Examples(_) => String::new(),
        };
        let person = PlaceholderValues {
            email: addressee.email,
            full_name: addressee.full_name.trim(),
            unsubscribe_url: &self.link(Link::Unsubscribe, &token),
            view_url: &self.link(Link::View, &token),
        };
        let to = header::address(person.email)?;
        let mut head = String::with_capacity(self.size);
        header::mailbox("To", person.full_name, &to, &mut head)?;
        match &self.subject {
            Some(line) => head.push_str(line),
            None => head.push_str(&subject_line(&self.template, &person)?),
        }
        self.append_own_headers(&stamp, &token, date, &mut head);
        head.push_str(&self.head);
        let mut bytes = head.into_bytes();
        self.bodies.append(&self.template, &person, &mut bytes)?;
        Ok(Mail {
            from: self.from.clone(),
            to,
            data: bytes,
        })
    }

    /// Whether the body is the same for all recipients.
    pub fn has_shared_body(&self) -> bool {
        self.bodies.are_fixed()
    }

    /// Empty for a message that does not contain this link, to save time.
    fn link(&self, link: Link, token: &str) -> Cow<'_, str> {
        if !self.template.shows(link) {
            return Cow::Borrowed("");
        }
        match &self.links {
            Links::Own { pages, .. } => Cow::Owned([pages.get(link), token].concat()),
            Links::Examples(pages) => Cow::Borrowed(pages.get(link)),
        }
    }

    /// Appends the headers that differ between mails.
    fn append_own_headers(
        &self,
        stamp: &SignedToken,
        token: &str,
        date: DateTime<Utc>,
        out: &mut String,
    ) {
        let (id, domain) = (stamp.id(), &self.domain);
        header::date(date, out);
        // Writing to a String cannot fail.
        let _ = write!(out, "Message-ID: <{id}@{domain}>\r\n");
        if let Links::Own { one_click, .. } = &self.links {
            for part in [one_click, token, ">\r\n"] {
                out.push_str(part);
            }
        }
    }
}

impl Pages {
    fn of(link: impl Fn(Link) -> String) -> Self {
        Self {
            unsubscribe: link(Link::Unsubscribe),
            view: link(Link::View),
        }
    }

    fn get(&self, link: Link) -> &str {
        match link {
            Link::Unsubscribe => &self.unsubscribe,
            Link::View => &self.view,
        }
    }
}

fn shared_headers(
    content: &Content<'_>,
    from: &str,
    domain: &str,
    boundary: Option<&str>,
) -> Result<String, ComposeError> {
    let mut head = String::new();
    header::mailbox("From", content.from_name.trim(), from, &mut head)?;
    if let Some(list) = content.list {
        header::unstructured("List-Id", &format!("<{list}.{domain}>"), &mut head)?;
        // Link scanners do not send this form, so they do not unsubscribe anyone (RFC 8058).
        head.push_str("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n");
    }
    head.push_str("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    if let Some(boundary) = boundary {
        head.push_str("Content-Type: multipart/alternative;\r\n boundary=\"");
        head.push_str(boundary);
        head.push_str("\"\r\n\r\n");
    }
    Ok(head)
}

fn subject_line(
    template: &Template,
    person: &PlaceholderValues<'_>,
) -> Result<String, ComposeError> {
    let mut line = String::new();
    header::unstructured("Subject", &template.fill_subject(person)?, &mut line)?;
    Ok(line)
}
