//! Readers, who are authenticated by the token in a link of their mail.

use lettre::message::Mailbox;
use mime::header;
use mime::link_token::{LinkTarget, LinkTokens};

use super::store::MailSender;
use crate::core::compute::{Bounds, Compute};
use crate::web::client::Client;
use crate::web::error::ApiError;
use crate::web::limits::{Limits, Rule};
use crate::web::site::PublicUrl;

/// A mail is rendered again for each request.
pub const LETTERS: Rule = Rule {
    name: "letter-address",
    max: 120,
    window_s: 60,
};

/// Concurrent requests for the same mail render it separately.
const WRITING: Bounds = Bounds {
    threads: 2,
    waiting: 64,
    waiting_in_all: 128,
};

/// What handlers of readers' requests share.
#[derive(Clone)]
pub struct Readers {
    tokens: LinkTokens,
    limits: Limits,
    pub public_url: PublicUrl,
    pub writing: Compute,
    /// As the installation's mails say in `From`.
    sender: String,
}

impl Readers {
    /// The readers of mails from `sender`, whose links are signed with this key.
    pub fn new(key: &[u8; 32], limits: Limits, public_url: PublicUrl, sender: &Mailbox) -> Self {
        Self {
            tokens: LinkTokens::new(key),
            limits,
            public_url,
            writing: Compute::new("letters", WRITING),
            sender: sender.to_string(),
        }
    }

    /// Counts one who follows a link: before the token is looked at, or it could be guessed.
    pub async fn admit(&self, client: &Client, rule: Rule) -> Result<(), ApiError> {
        Ok(self.limits.take(rule, &client.block()).await?)
    }

    /// What a link with this token refers to.
    pub fn target(&self, token: &str) -> Result<LinkTarget, ApiError> {
        self.tokens.read(token).ok_or_else(ApiError::not_found)
    }

    /// The sender as its mails name it in `From`.
    pub fn named(&self, sender: MailSender) -> String {
        let MailSender::Own { email, name } = sender else {
            return self.sender.clone();
        };
        let address = header::address(&email).ok().and_then(|it| it.parse().ok());
        match address {
            Some(address) => Mailbox::new(name, address).to_string(),
            None => email,
        }
    }
}
