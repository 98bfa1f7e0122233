//! `SIGN_UP`, `LIMITS`, `QUOTA_…`, `ADMIN_…`, `DEMO_PASSWORD`: who may open an account, and how much each may use.

use super::settings::Settings;
use super::{Admin, AuthSettings, DemoPassword};
use crate::accounts::admission::sign_up_policy::SignUpPolicy;
use crate::accounts::auth::password;
use crate::accounts::quotas::model::{Quota, Quotas};

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    pub(super) fn auth(&mut self, production: bool) -> Option<AuthSettings> {
        let (limits, sign_up) = (self.parsed("LIMITS", 1), self.sign_up(production));
        Some(AuthSettings {
            limits: limits?,
            sign_up: sign_up?,
            password_cost: password::COST,
        })
    }

    fn sign_up(&mut self, production: bool) -> Option<SignUpPolicy> {
        let Some(text) = self.text("SIGN_UP") else {
            if production {
                self.mistakes.push(
                    "SIGN_UP is missing: with APP_ENV=production, set who may open an account: open, invited, domains:example.org or closed"
                        .to_owned(),
                );
                return None;
            }
            return Some(SignUpPolicy::Open);
        };
        text.parse()
            .map_err(|error| self.mistakes.push(format!("SIGN_UP={text}: {error}")))
            .ok()
    }

    pub(super) fn quotas(&mut self) -> Quotas {
        Quotas {
            recipients: self.quota("QUOTA_RECIPIENTS"),
            mails_a_day: self.quota("QUOTA_MAILS_A_DAY"),
        }
    }

    /// `None` if unset, or if an error was recorded.
    fn quota(&mut self, name: &str) -> Option<Quota> {
        self.text(name)?;
        let most: u32 = self.parsed(name, 0)?;
        Some(Quota::of(most.into()))
    }

    pub(super) fn admin(&mut self) -> Option<Admin> {
        let mistakes = self.mistakes.len();
        match (self.text("ADMIN_EMAIL"), self.secret("ADMIN_PASSWORD")) {
            (Some(email), Some(password)) => Some(Admin { email, password }),
            (None, None) => None,
            (email, _) if self.mistakes.len() == mistakes => {
                let (set, unset) = if email.is_some() {
                    ("ADMIN_EMAIL", "ADMIN_PASSWORD")
                } else {
                    ("ADMIN_PASSWORD", "ADMIN_EMAIL")
                };
                self.mistakes
                    .push(format!("{set} is set without {unset}: both or neither"));
                None
            }
            _ => None,
        }
    }

    /// In production no account may have a password that is stored in the configuration.
    pub(super) fn demo_password(&mut self, production: bool) -> Option<DemoPassword> {
        let password = self.text("DEMO_PASSWORD")?;
        if production {
            self.mistakes
                .push("DEMO_PASSWORD: not with APP_ENV=production".to_owned());
        }
        Some(DemoPassword(password))
    }
}
