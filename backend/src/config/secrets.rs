//! Secrets, and checks of their strength.

use super::SAMPLE_SECRET;
use super::addresses::database;
use super::settings::Settings;
use super::strength::is_weak;

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

    pub(super) fn app_secret(&mut self, production: bool) -> Option<String> {
        let secret = self.needed(
            "APP_SECRET",
            "at least 32 random characters, e.g. from `openssl rand -base64 32`",
        )?;
        if secret.len() < 32 {
            self.mistakes
                .push("APP_SECRET: at least 32 characters are needed".to_owned());
        } else if production && secret == SAMPLE_SECRET {
            self.mistakes
                .push("APP_SECRET: this is the public sample; generate your own".to_owned());
        } else if production && is_weak(&secret) {
            self.mistakes.push(
                "APP_SECRET: this can be guessed (repeated or common pieces, or too few different characters); use `openssl rand -base64 32`"
                    .to_owned(),
            );
        }
        Some(secret)
    }
}
