//! Rate limits of sign-in, sign-up and the mails that contain links.

use crate::core::email_address::EmailAddress;
use crate::web::client::Client;
use crate::web::limits::{Limits, Rule, TooMany};

const SIGN_IN_PER_ADDRESS: Rule = Rule {
    name: "sign-in-address",
    max: 10,
    window_s: 60,
};
const SIGN_IN_PER_ACCOUNT: Rule = Rule {
    name: "sign-in-account",
    max: 5,
    window_s: 60,
};
const SIGN_UP_PER_ADDRESS: Rule = Rule {
    name: "sign-up-address",
    max: 5,
    window_s: 3600,
};
const LINKS_PER_ACCOUNT: Rule = Rule {
    name: "link-account",
    max: 3,
    window_s: 3600,
};
const RESETS_PER_ACCOUNT: Rule = Rule {
    name: "forgot-account",
    max: 3,
    window_s: 3600,
};
const EMAIL_CHANGES_PER_USER: Rule = Rule {
    name: "move-user",
    max: 3,
    window_s: 3600,
};
const PASSWORDS_PER_USER: Rule = Rule {
    name: "password-user",
    max: 5,
    window_s: 60,
};

/// Counts requests, and rejects those over a limit. Cheap to clone; clones share the counters.
#[derive(Clone)]
pub struct RateLimits(Limits);

impl RateLimits {
    /// Uses these counters.
    pub fn new(limits: Limits) -> Self {
        Self(limits)
    }

    /// 10 sign-ins a minute from one network address, 5 for one account. Unknown accounts are counted as well, so that the
    /// limit does not reveal whether an account exists.
    pub async fn admit_sign_in(&self, client: &Client, key: &str) -> Result<(), TooMany> {
        self.0.take(SIGN_IN_PER_ADDRESS, &client.block()).await?;
        self.0.take(SIGN_IN_PER_ACCOUNT, key).await
    }

    /// 5 new accounts an hour from one network address.
    pub async fn admit_sign_up(&self, client: &Client) -> Result<(), TooMany> {
        self.0.take(SIGN_UP_PER_ADDRESS, &client.block()).await
    }

    /// 3 links an hour to one e-mail address, regardless of the sender and of whether the address is registered.
    pub async fn admit_link(&self, email: &EmailAddress) -> Result<(), TooMany> {
        self.0.take(LINKS_PER_ACCOUNT, &email.key()).await
    }

    /// 3 links to reset a password an hour to one e-mail address.
    pub async fn admit_reset(&self, email: &EmailAddress) -> Result<(), TooMany> {
        self.0.take(RESETS_PER_ACCOUNT, &email.key()).await
    }

    /// 3 changes of the e-mail address an hour by one user.
    pub async fn admit_email_change(&self, user_id: i64) -> Result<(), TooMany> {
        self.0
            .take(EMAIL_CHANGES_PER_USER, &user_id.to_string())
            .await
    }

    /// 5 password checks a minute by one user.
    pub async fn admit_password(&self, user_id: i64) -> Result<(), TooMany> {
        self.0.take(PASSWORDS_PER_USER, &user_id.to_string()).await
    }
}
