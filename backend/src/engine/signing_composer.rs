//! Composes the mails of a message and signs them with the sender's DKIM key.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use mime::compose::{ComposeError, Content, Mail, MailRecipient, PreparedMessage};
use smtp::dkim::{BodyHash, NotSigned, Signer};
use smtp::envelope::Envelope;

/// A message prepared for all its recipients, and the key that signs the mails.
pub(super) struct SigningComposer {
    prepared: PreparedMessage,
    signer: Option<Arc<Signer>>,
    /// The hash of a body that is the same for all recipients.
    body_hash: OnceLock<BodyHash>,
}

/// Why a mail cannot be composed or signed. Permanent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignedMailError {
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error(transparent)]
    Signature(#[from] NotSigned),
}

impl SigningComposer {
    pub(super) fn new(
        content: &Content<'_>,
        signer: Option<Arc<Signer>>,
    ) -> Result<Self, SignedMailError> {
        Ok(Self {
            prepared: PreparedMessage::new(content)?,
            signer,
            body_hash: OnceLock::new(),
        })
    }

    /// The mail to one recipient; `date` is the only part that differs between attempts.
    pub(super) fn mail_for(
        &self,
        recipient: &MailRecipient<'_>,
        date: DateTime<Utc>,
    ) -> Result<Mail, SignedMailError> {
        let mail = self.prepared.mail_for(recipient, date)?;
        let Some(key) = &self.signer else {
            return Ok(mail);
        };
        let shared = self.prepared.has_shared_body().then_some(&self.body_hash);
        let signed = key.signed(&mail.data, |body| match shared {
            Some(hash) => *hash.get_or_init(|| BodyHash::of(body)),
            None => BodyHash::of(body),
        })?;
        Ok(Mail {
            data: signed,
            ..mail
        })
    }
}

/// Signs a mail, if there is a key.
pub(super) fn signed(mail: Mail, signer: Option<&Signer>) -> Result<Mail, NotSigned> {
    let Some(signer) = signer else {
        return Ok(mail);
    };
    let data = signer.signed(&mail.data, BodyHash::of)?;
    Ok(Mail { data, ..mail })
}

/// The SMTP envelope of a mail.
pub(super) fn envelope(mail: &Mail) -> Envelope<'_> {
    Envelope::new(&mail.from, &mail.to, &mail.data)
}
