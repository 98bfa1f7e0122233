//! The time limits of an SMTP session.

use std::time::Duration;

use crate::reply::Stage;

/// Time limits; the defaults follow RFC 5321, 4.5.3.2 where possible.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For resolving the name, and for each address tried.
    pub connect: Duration,
    /// After this long without any data the port is probed for implicit TLS.
    pub silence: Duration,
    pub tls: Duration,
    /// Greeting, EHLO, AUTH, MAIL, RCPT: each reply.
    pub command: Duration,
    pub data: Duration,
    /// A body may take a second per 500 bytes, but at least this long …
    pub body_least: Duration,
    /// … and at most this long.
    pub body_most: Duration,
    /// With less, a slow server would receive the mail twice.
    pub dot: Duration,
    pub quit: Duration,
    /// Maximum age of a connection.
    pub lifetime: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(20),
            tls: Duration::from_secs(30),
            command: Duration::from_mins(1),
            data: Duration::from_mins(2),
            body_least: Duration::from_mins(1),
            body_most: Duration::from_mins(5),
            dot: Duration::from_mins(10),
            quit: Duration::from_secs(2),
            lifetime: Duration::from_mins(5),
        }
    }
}

impl Timeouts {
    /// How long to wait for the reply to what was said at this stage.
    pub fn reply(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Data => self.data,
            Stage::Dot => self.dot,
            _ => self.command,
        }
    }

    pub fn body(&self, bytes: usize) -> Duration {
        let seconds = u64::try_from(bytes / 500).unwrap_or(u64::MAX);
        Duration::from_secs(seconds)
            .max(self.body_least)
            .min(self.body_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_second_for_each_500_bytes_between_one_minute_and_five() {
        let timeouts = Timeouts::default();
        assert_eq!(
            [2_000, 50_000, 10_000_000].map(|bytes| timeouts.body(bytes).as_secs()),
            [60, 100, 300]
        );
    }
}
