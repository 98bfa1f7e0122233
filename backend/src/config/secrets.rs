//! What must stay secret, whom it stands for, and how seriously it is taken.

use super::Admin;
use super::addresses::database;
use super::settings::Settings;

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    pub(super) fn database_url(&mut self) -> Option<String> {
        let url = self.needed("DATABASE_URL", "postgres://user:password@host/database");
        let file = "DATABASE_PASSWORD_FILE";
        let password = self
            .text(file)
            .map(|path| self.content(file, &path).ok_or(()));
        // A file that cannot be read has been complained of.
        let password = password.transpose().ok()?;
        database(&url?, password.as_deref())
            .map_err(|mistake| self.mistakes.push(mistake))
            .ok()
    }

    pub(super) fn production(&mut self) -> bool {
        match self.text("APP_ENV").as_deref() {
            None | Some("development") => false,
            Some("production") => true,
            Some(other) => {
                self.mistakes
                    .push(format!("APP_ENV={other}: development or production"));
                false
            }
        }
    }

    pub(super) fn app_secret(&mut self) -> Option<String> {
        let secret = self.needed(
            "APP_SECRET",
            "at least 32 random characters, e.g. from `openssl rand -base64 32`",
        )?;
        if secret.len() < 32 {
            self.mistakes
                .push("APP_SECRET: at least 32 characters are needed".to_owned());
        }
        Some(secret)
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
}
