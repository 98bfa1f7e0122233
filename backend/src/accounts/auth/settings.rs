//! `LIMITS`, `SIGN_UP`: sign-in and sign-up.

use crate::accounts::admission::sign_up_policy::SignUpPolicy;
use crate::accounts::auth::password;
use crate::core::settings::reader::SettingsReader;

#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// `LIMITS`: multiplies the rate limits of sign-in, sign-up, mails and API requests; 0 disables them.
    pub limits: u32,
    /// `SIGN_UP`: who may open an account. Required in production.
    pub sign_up: SignUpPolicy,
    /// Cost of bcrypt as a power of two. Only tests lower it.
    pub password_cost: u32,
}

pub fn read(reader: &mut SettingsReader<'_>, production: bool) -> Option<AuthSettings> {
    let limits = reader.parsed("LIMITS", 1);
    let sign_up = sign_up(reader, production);
    Some(AuthSettings {
        limits: limits?,
        sign_up: sign_up?,
        password_cost: password::COST,
    })
}

fn sign_up(reader: &mut SettingsReader<'_>, production: bool) -> Option<SignUpPolicy> {
    let Some(text) = reader.text("SIGN_UP") else {
        if production {
            reader.error(
                "SIGN_UP is missing: with APP_ENV=production, set who may open an account: open, invited, domains:example.org or closed",
            );
            return None;
        }
        return Some(SignUpPolicy::Open);
    };
    let policy = text.parse();
    reader.check(policy.map_err(|error| format!("SIGN_UP={text}: {error}")))
}
