//! A claimed transactional mail: its content, and the mail composed from it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use lettre::message::Mailbox;
use mime::compose::{self, Content, Mail};
use smtp::dkim::Signer;

use super::signing_composer::{SigningComposer, signed};
use crate::accounts::auth::links::{self, LinkKind};
use crate::accounts::invitations;
use crate::accounts::tokens::signed_token::TokenSigner;
use crate::accounts::transactional_mails::composer::{Composer, MailRecipient};
use crate::accounts::transactional_mails::model::{DueMail, MailContent, MailKind};
use crate::accounts::transactional_mails::store;
use crate::content::messages;
use crate::content::messages::model::Message;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::core::owners::Owners;

/// A mail and its content.
pub(super) struct TransactionalJob {
    pub(super) mail: DueMail,
    content: TransactionalContent,
}

enum TransactionalContent {
    Account {
        language: Language,
        content: MailContent,
    },
    Message {
        message: Message,
        full_name: String,
    },
    /// Not sent any more; the reason.
    Obsolete(&'static str),
}

/// Settings for composing mails.
pub(super) struct ComposeSettings {
    pub(super) composer: Composer,
    pub(super) from: Mailbox,
    pub(super) signer: Option<Arc<Signer>>,
    pub(super) public_url: String,
    pub(super) message_id_key: [u8; 32],
}

/// Claims the next mail and reads its content. The token of a link is issued here, a new one for each attempt, so that
/// the queue holds no secret.
pub(super) fn take(
    conn: &mut PgConnection,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> QueryResult<Option<TransactionalJob>> {
    let Some(mail) = store::claim(conn, now, lease)? else {
        return Ok(None);
    };
    let content = match (mail.kind, mail.message_id) {
        (MailKind::Test, Some(message_id)) => test(conn, &mail, message_id)?,
        _ => account_mail(conn, &mail, tokens, now)?,
    };
    Ok(Some(TransactionalJob { mail, content }))
}

fn account_mail(
    conn: &mut PgConnection,
    mail: &DueMail,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
) -> QueryResult<TransactionalContent> {
    if mail.kind == MailKind::Invitation {
        return invitation(conn, mail, tokens, now);
    }
    let user = store::mail_user(conn, mail.user_id)?;
    let mut link = |kind| {
        let token = links::issue(conn, mail.user_id, kind, now);
        token.map(|token| tokens.sign(&token))
    };
    let content = match mail.kind {
        MailKind::Confirm if user.confirmed_at.is_some() => {
            return Ok(TransactionalContent::Obsolete(
                "the address is already confirmed",
            ));
        }
        MailKind::Reset if user.email != mail.to_email => {
            return Ok(TransactionalContent::Obsolete(
                "the account has another address now",
            ));
        }
        MailKind::Confirm => MailContent::Confirm {
            token: link(LinkKind::Confirm)?,
        },
        MailKind::Reset => MailContent::Reset {
            token: link(LinkKind::Reset)?,
        },
        MailKind::ConfirmEmail => MailContent::ConfirmEmail {
            token: link(LinkKind::Email(&mail.to_email))?,
        },
        MailKind::AlreadyRegistered => MailContent::AlreadyRegistered,
        MailKind::PasswordChanged => MailContent::PasswordChanged,
        MailKind::EmailChanged => MailContent::EmailChanged,
        MailKind::Test | MailKind::Invitation => {
            return Ok(TransactionalContent::Obsolete("the mail has no message"));
        }
    };
    Ok(TransactionalContent::Account {
        language: user.language,
        content,
    })
}

fn invitation(
    conn: &mut PgConnection,
    mail: &DueMail,
    tokens: &TokenSigner,
    now: DateTime<Utc>,
) -> QueryResult<TransactionalContent> {
    let issued = invitations::store::issue(conn, &mail.to_email, now)?;
    Ok(issued.map_or(
        TransactionalContent::Obsolete("the invitation was withdrawn or accepted, has expired, or its administrator may no longer invite"),
        |(token, language)| TransactionalContent::Account {
            language,
            content: MailContent::Invitation {
                token: tokens.sign(&token),
            },
        },
    ))
}

fn test(
    conn: &mut PgConnection,
    mail: &DueMail,
    message_id: i64,
) -> QueryResult<TransactionalContent> {
    let of_user = Owners::One(mail.user_id);
    let Some(message) = messages::store::find(conn, of_user, message_id).optional()? else {
        return Ok(TransactionalContent::Obsolete("the message was deleted"));
    };
    let key = EmailAddress::key_of(&mail.to_email);
    let Some(to) = messages::store::test_address(conn, mail.user_id, &key)? else {
        return Ok(TransactionalContent::Obsolete("the recipient was deleted"));
    };
    Ok(TransactionalContent::Message {
        message,
        full_name: to.full_name,
    })
}

impl TransactionalJob {
    /// Composes the mail; the error says why that is impossible.
    pub(super) fn compose(
        &self,
        settings: &ComposeSettings,
        now: DateTime<Utc>,
    ) -> Result<Mail, String> {
        match &self.content {
            TransactionalContent::Obsolete(reason) => Err((*reason).to_owned()),
            TransactionalContent::Account { language, content } => {
                let to = MailRecipient {
                    email: &self.mail.to_email,
                    language: *language,
                    mail_id: self.mail.id,
                };
                let mail = settings.composer.compose(content, &to, now);
                let mail = mail.map_err(|error| error.to_string())?;
                signed(mail, settings.signer.as_deref()).map_err(|error| error.to_string())
            }
            TransactionalContent::Message { message, full_name } => {
                let content = Content {
                    subject: &message.subject,
                    html: &message.html,
                    text: &message.text,
                    from_name: settings.from.name.as_deref().unwrap_or_default(),
                    from_email: settings.from.email.as_ref(),
                    list: None,
                    owner_id: self.mail.user_id,
                    public_url: &settings.public_url,
                    message_id_key: &settings.message_id_key,
                };
                let to = compose::MailRecipient {
                    // Runs count from 1.
                    run_id: 0,
                    recipient_id: self.mail.id,
                    email: &self.mail.to_email,
                    full_name,
                };
                SigningComposer::new(&content, settings.signer.clone())
                    .and_then(|composer| composer.mail_for(&to, now))
                    .map_err(|error| error.to_string())
            }
        }
    }
}
