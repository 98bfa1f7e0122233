//! `dispatch create-admin`: creates an administrator with a confirmed address. The only way to create the first one.

use std::io::{self, BufRead, IsTerminal, Write};

use diesel::{Connection, PgConnection};
use validator::Validate;

use super::output::{CommandError, print_line};
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::auth::model::SignUp;
use crate::accounts::auth::store;
use crate::accounts::identity::{Origin, Role};
use crate::accounts::users::settings::AdminSettings;
use crate::app::Services;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;

/// Uses `ADMIN_EMAIL` and `ADMIN_PASSWORD` if both are set, otherwise prompts.
pub(super) fn run(services: &Services) -> Result<(), CommandError> {
    let admin = match services.config.admin.clone() {
        Some(admin) => admin,
        None => prompt()?,
    };
    let new = SignUp {
        email: parsed(&admin.email)?,
        password: admin.password,
        full_name: String::new(),
        language: Language::En,
        time_zone: "UTC".to_owned(),
        invitation: None,
    };
    check(&new)?;
    let hash = services.passwords.hash_here(&new.password)?;
    let now = services.clock.now();
    let created = services.db.run_here::<_, CommandError>(|conn| {
        let create = |conn: &mut PgConnection| {
            let created = store::create_confirmed(conn, &new, &hash, Role::Admin, now)?;
            if let Some(id) = created {
                let event = Origin::service(now)
                    .event(EventKind::RoleChanged)
                    .about(SubjectKind::User, id, new.email.as_str())
                    .with_details(Role::Admin.as_str());
                audit(conn, &event)?;
            }
            Ok::<_, diesel::result::Error>(created)
        };
        Ok(conn.transaction(create)?)
    })?;
    match created {
        Some(id) => Ok(print_line(format_args!(
            "{} is administrator, user {id}",
            new.email
        ))?),
        None => Err(format!("{} is already registered; nothing was changed", new.email).into()),
    }
}

fn prompt() -> Result<AdminSettings, CommandError> {
    if !io::stdin().is_terminal() {
        return Err("stdin is not a terminal: set ADMIN_EMAIL and ADMIN_PASSWORD".into());
    }
    let mut email = String::new();
    write!(io::stderr(), "E-mail address: ")?;
    io::stdin().lock().read_line(&mut email)?;
    let password = rpassword::prompt_password("Password, 8 characters or more: ")?;
    if rpassword::prompt_password("Repeat the password: ")? != password {
        return Err("the two passwords differ".into());
    }
    Ok(AdminSettings { email, password })
}

fn parsed(email: &str) -> Result<EmailAddress, CommandError> {
    let parsed = EmailAddress::parse(email);
    parsed.map_err(|error| format!("email: {}", error.code().replace('_', " ")).into())
}

/// Checks the rules of sign-up. Errors are reported by code: the validator's own text would contain the password.
fn check(new: &SignUp) -> Result<(), CommandError> {
    let Err(errors) = new.validate() else {
        return Ok(());
    };
    let errors = errors.field_errors().into_iter().map(|(field, errors)| {
        let codes: Vec<_> = errors
            .iter()
            .map(|error| error.code.replace('_', " "))
            .collect();
        format!("{field}: {}", codes.join(", "))
    });
    Err(errors.collect::<Vec<_>>().join("; ").into())
}
