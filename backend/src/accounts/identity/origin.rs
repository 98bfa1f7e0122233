//! Who did something, from where and when, for the audit log.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::web::client::Client;

/// The origin of an action.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// `None` for the service itself and for requests without authentication.
    pub actor_id: Option<i64>,
    /// The network address of the client; `None` for the service itself.
    pub address: Option<IpAddr>,
    pub at: DateTime<Utc>,
}

impl Origin {
    /// An action of the service itself, or of a command on its machine.
    pub fn service(now: DateTime<Utc>) -> Self {
        Self {
            actor_id: None,
            address: None,
            at: now,
        }
    }

    /// An action of this user, through the API.
    pub fn of(user_id: i64, client: &Client, now: DateTime<Utc>) -> Self {
        Self::stranger(client, now).by(user_id)
    }

    /// An action of a client without authentication.
    pub fn stranger(client: &Client, now: DateTime<Utc>) -> Self {
        Self {
            actor_id: None,
            address: Some(client.address),
            at: now,
        }
    }

    /// The same action, performed by this user; for requests that authenticate with their body.
    #[must_use]
    pub fn by(self, user_id: i64) -> Self {
        Self {
            actor_id: Some(user_id),
            ..self
        }
    }
}
