//! What happens to a server's stored password when the server is changed: it is used only with the host, port,
//! encryption and user name that it was given for. Pure.

use super::fields::SubmittedSecret;
use super::model::{Encryption, SmtpServerRow, UpdateSmtpServer};

/// The effect of a change on the stored password.
#[derive(Debug)]
pub(super) enum PasswordChange<'a> {
    /// It is kept, or there is none.
    Keep,
    Remove,
    Replace(&'a SubmittedSecret),
}

/// Why a change requires another field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MissingCredential {
    #[error("a password requires a user name")]
    NoUsername,
    #[error("a user name requires a password")]
    NoPassword,
    /// The stored password is for another host, port, encryption or user name.
    #[error("the stored password was given for another server or user name")]
    StoredForAnother,
}

/// Where a password is sent, and how.
#[derive(PartialEq, Eq)]
struct Target<'a> {
    host: &'a str,
    port: i32,
    tls: Encryption,
    username: Option<&'a str>,
}

/// The effect of these changes on the password of the stored server; `host` is the new one in its lookup form.
pub(super) fn password_change<'a>(
    current: &SmtpServerRow,
    changes: &'a UpdateSmtpServer,
    host: Option<&str>,
) -> Result<PasswordChange<'a>, MissingCredential> {
    let before = Target {
        host: &current.host,
        port: current.port,
        tls: current.tls,
        username: current.username.as_deref(),
    };
    let after = Target {
        host: host.unwrap_or(&current.host),
        port: changes.port.map_or(current.port, i32::from),
        tls: changes.tls.unwrap_or(current.tls),
        username: match &changes.username {
            Some(username) => username.as_deref(),
            None => current.username.as_deref(),
        },
    };
    match (&changes.password, after.username) {
        (Some(Some(_)), None) => Err(MissingCredential::NoUsername),
        (Some(Some(password)), Some(_)) => Ok(PasswordChange::Replace(password)),
        // Without a user name no password is sent, and none is kept for another server.
        (Some(None), _) | (None, None) => Ok(PasswordChange::Remove),
        (None, Some(_)) if current.password.is_some() && before != after => {
            Err(MissingCredential::StoredForAnother)
        }
        (None, Some(_)) if current.password.is_none() && changes.username.is_some() => {
            Err(MissingCredential::NoPassword)
        }
        (None, Some(_)) => Ok(PasswordChange::Keep),
    }
}
