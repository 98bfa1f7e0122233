//! The representation of an SMTP server in the API.

use super::dkim::{Dkim, warnings};
use super::model::{SmtpServer, SmtpServerRow};
use super::session_limits::SmtpSessionLimit;

impl SmtpServerRow {
    /// The representation for the owner, without password and key.
    pub fn shown(self, mailings_count: i64, session_limit: Option<SmtpSessionLimit>) -> SmtpServer {
        let warnings = warnings(&self);
        let dkim = self.dkim_domain.zip(self.dkim_selector);
        SmtpServer {
            id: self.id,
            name: self.name,
            host: self.host,
            port: self.port,
            tls: self.tls,
            username: self.username,
            has_password: self.password.is_some(),
            from_email: self.from_email,
            from_name: self.from_name,
            rate_per_second: self.rate_per_second,
            rate_per_hour: self.rate_per_hour,
            sessions: self.sessions,
            session_limit,
            ehlo_name: self.ehlo_name,
            dkim: dkim.map(|(domain, selector)| Dkim {
                domain,
                selector,
                has_key: self.dkim_key.is_some(),
            }),
            warnings,
            mailings_count,
            checked_at: self.checked_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
