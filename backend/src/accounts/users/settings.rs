//! `ADMIN_EMAIL`, `ADMIN_PASSWORD`, `DEMO_PASSWORD`: accounts created from the command line.

use std::fmt;

use crate::core::settings::reader::SettingsReader;

/// The administrator that `dispatch create-admin` creates.
#[derive(Clone)]
pub struct AdminSettings {
    pub email: String,
    pub password: String,
}

/// The password of demo accounts.
#[derive(Clone)]
pub struct DemoPassword(pub String);

impl fmt::Debug for AdminSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSettings(…)")
    }
}

impl fmt::Debug for DemoPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DemoPassword(…)")
    }
}

pub fn read_admin(reader: &mut SettingsReader<'_>) -> Option<AdminSettings> {
    let email = reader.text("ADMIN_EMAIL");
    let has_password =
        reader.text("ADMIN_PASSWORD").is_some() || reader.text("ADMIN_PASSWORD_FILE").is_some();
    let password = reader.secret("ADMIN_PASSWORD");
    match (email, has_password) {
        (Some(email), true) => Some(AdminSettings {
            email,
            password: password?,
        }),
        (None, false) => None,
        (email, _) => {
            let (set, unset) = if email.is_some() {
                ("ADMIN_EMAIL", "ADMIN_PASSWORD")
            } else {
                ("ADMIN_PASSWORD", "ADMIN_EMAIL")
            };
            reader.error(format!("{set} is set without {unset}: set both or neither"));
            None
        }
    }
}

/// Refused in production, where no account may have a password stored in the configuration.
pub fn read_demo_password(
    reader: &mut SettingsReader<'_>,
    production: bool,
) -> Option<DemoPassword> {
    let password = reader.text("DEMO_PASSWORD")?;
    if production {
        reader.error("DEMO_PASSWORD: not allowed with APP_ENV=production");
    }
    Some(DemoPassword(password))
}
