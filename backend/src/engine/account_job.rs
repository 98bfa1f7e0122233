//! An account mail that has been claimed: what it says, and the mail made of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use lettre::message::Mailbox;

use crate::account_mails::model::{DueMail, Kind};
use crate::account_mails::store;
use crate::auth::links::{self, Purpose};
use crate::auth::signed_token::TokenSigner;
use crate::email_address::EmailAddress;
use crate::invitations;
use crate::language::Language;
use crate::mail::account::{Addressee, Letter, Letters};
use crate::mail::compose::{self, Content, Mail, Prepared};
use crate::mail::dkim::Signer;
use crate::messages;
use crate::messages::model::Message;
use crate::owners::Owners;

/// A mail with all that is needed to write it.
pub(super) struct Job {
    pub(super) mail: DueMail,
    words: Words,
}

enum Words {
    Letter {
        language: Language,
        letter: Letter,
    },
    Message {
        message: Message,
        full_name: String,
    },
    /// Sent, it would mean nothing any more.
    Pointless(&'static str),
}

/// What mails are written with.
pub(super) struct Desk {
    pub(super) letters: Letters,
    pub(super) from: Mailbox,
    pub(super) signer: Option<Arc<Signer>>,
    pub(super) public_url: String,
    pub(super) message_id_key: [u8; 32],
}

/// Claims the next mail and collects what it says. A link's token is made here, anew for each attempt: the queue holds
/// no secret.
pub(super) fn take(
    conn: &mut PgConnection,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> QueryResult<Option<Job>> {
    let Some(mail) = store::claim(conn, now, lease)? else {
        return Ok(None);
    };
    let words = match (mail.kind, mail.message_id) {
        (Kind::Test, Some(message_id)) => test(conn, &mail, message_id)?,
        _ => letter(conn, &mail, tokens, now)?,
    };
    Ok(Some(Job { mail, words }))
}

fn letter(
    conn: &mut PgConnection,
    mail: &DueMail,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
) -> QueryResult<Words> {
    if mail.kind == Kind::Invitation {
        return invitation(conn, mail, tokens, now);
    }
    let user = store::addressee(conn, mail.user_id)?;
    let mut link = |purpose, email| {
        let token = links::issue(conn, mail.user_id, (purpose, email), now);
        token.map(|token| tokens.sign(&token))
    };
    let letter = match mail.kind {
        Kind::Confirm if user.confirmed_at.is_some() => {
            return Ok(Words::Pointless("the address has been confirmed meanwhile"));
        }
        Kind::Reset if user.email != mail.to_email => {
            return Ok(Words::Pointless("the account has another address now"));
        }
        Kind::Confirm => Letter::Confirm {
            token: link(Purpose::Confirm, None)?,
        },
        Kind::Reset => Letter::Reset {
            token: link(Purpose::Reset, None)?,
        },
        Kind::ConfirmEmail => Letter::ConfirmEmail {
            token: link(Purpose::Email, Some(&mail.to_email))?,
        },
        Kind::AlreadyRegistered => Letter::AlreadyRegistered,
        Kind::PasswordChanged => Letter::PasswordChanged,
        Kind::EmailChanged => Letter::EmailChanged,
        Kind::Test | Kind::Invitation => return Ok(Words::Pointless("it names no message")),
    };
    Ok(Words::Letter {
        language: user.language,
        letter,
    })
}

fn invitation(
    conn: &mut PgConnection,
    mail: &DueMail,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
) -> QueryResult<Words> {
    let issued = invitations::store::issue(conn, &mail.to_email, now)?;
    Ok(issued.map_or(
        Words::Pointless("the invitation was withdrawn or accepted, or has expired"),
        |(token, language)| Words::Letter {
            language,
            letter: Letter::Invitation {
                token: tokens.sign(&token),
            },
        },
    ))
}

fn test(conn: &mut PgConnection, mail: &DueMail, message_id: i64) -> QueryResult<Words> {
    let of_user = Owners::One(mail.user_id);
    let Some(message) = messages::store::find(conn, of_user, message_id).optional()? else {
        return Ok(Words::Pointless("the message has been deleted meanwhile"));
    };
    let key = EmailAddress::key_of(&mail.to_email);
    let Some(to) = messages::store::test_address(conn, mail.user_id, &key)? else {
        return Ok(Words::Pointless("the recipient has been deleted meanwhile"));
    };
    Ok(Words::Message {
        message,
        full_name: to.full_name,
    })
}

impl Job {
    /// The finished mail, or why there will never be one.
    pub(super) fn write(&self, desk: &Desk, now: DateTime<Utc>) -> Result<Mail, String> {
        match &self.words {
            Words::Pointless(reason) => Err((*reason).to_owned()),
            Words::Letter { language, letter } => {
                let to = Addressee {
                    email: &self.mail.to_email,
                    language: *language,
                    mail_id: self.mail.id,
                };
                let mail = desk.letters.write(letter, &to, now);
                mail.map_err(|error| error.to_string())?
                    .signed(desk.signer.as_deref())
                    .map_err(|error| error.to_string())
            }
            Words::Message { message, full_name } => {
                let content = Content {
                    subject: &message.subject,
                    html: &message.html,
                    text: &message.text,
                    from: &desk.from,
                    signer: desk.signer.as_ref(),
                    list: None,
                    owner_id: self.mail.user_id,
                    public_url: &desk.public_url,
                    message_id_key: &desk.message_id_key,
                };
                let to = compose::Addressee {
                    // Runs count from 1.
                    run_id: 0,
                    recipient_id: self.mail.id,
                    email: &self.mail.to_email,
                    full_name,
                };
                Prepared::new(&content)
                    .and_then(|prepared| prepared.mail_for(&to, now))
                    .map_err(|error| error.to_string())
            }
        }
    }
}
