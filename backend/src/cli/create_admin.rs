//! `dispatch create-admin`: makes an administrator, confirmed from the beginning. The first one can come in no other way.

use std::io::{self, BufRead, IsTerminal, Write};

use diesel::{Connection, PgConnection};
use validator::Validate;

use super::{Failure, say};
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::auth::model::SignUp;
use crate::accounts::auth::store;
use crate::accounts::identity::Origin;
use crate::accounts::identity::Role;
use crate::app::Services;
use crate::config::Admin;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;

/// Takes `ADMIN_EMAIL` and `ADMIN_PASSWORD` where both are set, otherwise asks.
pub(super) fn run(services: &Services) -> Result<(), Failure> {
    let admin = match services.config.admin.clone() {
        Some(admin) => admin,
        None => ask()?,
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
    let created = services.db.run_here::<_, Failure>(|conn| {
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
        Some(id) => Ok(say(format_args!(
            "{} is administrator, user {id}",
            new.email
        ))?),
        None => Err(format!(
            "{} is registered already; nothing has been changed",
            new.email
        )
        .into()),
    }
}

fn ask() -> Result<Admin, Failure> {
    if !io::stdin().is_terminal() {
        return Err("there is nobody to ask: set ADMIN_EMAIL and ADMIN_PASSWORD".into());
    }
    let mut email = String::new();
    write!(io::stderr(), "E-mail address: ")?;
    io::stdin().lock().read_line(&mut email)?;
    let password = rpassword::prompt_password("Password, 8 characters or more: ")?;
    if rpassword::prompt_password("The same once more: ")? != password {
        return Err("the two passwords differ".into());
    }
    Ok(Admin { email, password })
}

fn parsed(email: &str) -> Result<EmailAddress, Failure> {
    let parsed = EmailAddress::parse(email);
    parsed.map_err(|mistake| format!("email: {}", mistake.code().replace('_', " ")).into())
}

/// The rules of sign-up. A mistake is named by its code: validator's own text would repeat the password.
fn check(new: &SignUp) -> Result<(), Failure> {
    let Err(errors) = new.validate() else {
        return Ok(());
    };
    let mistakes = errors.field_errors().into_iter().map(|(field, mistakes)| {
        let codes: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.code.replace('_', " "))
            .collect();
        format!("{field}: {}", codes.join(", "))
    });
    Err(mistakes.collect::<Vec<_>>().join("; ").into())
}
