//! Addresses of sites and senders in the configuration.

use lettre::address::AddressError;
use lettre::message::Mailbox;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::core::email_address::EmailAddress;

/// An origin as browsers write it. There is no `*`: the API is opened to pages that somebody has thought of.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()))
        .map(|url| (url.origin().ascii_serialization(), url));
    match url {
        Some((origin, url)) if url.as_str().trim_end_matches('/') == origin => Ok(origin),
        _ => Err(format!(
            "CORS_ORIGINS: {text} is no origin such as https://app.example.org"
        )),
    }
}

/// Where the site is, as links to it begin: in ASCII, whatever the domain, because they stand in headers of mails, too.
pub(super) fn site(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match () {
        () if !["http", "https"].contains(&url.scheme()) => {
            Err("it must begin with http:// or https://".to_owned())
        }
        () if !url.username().is_empty() || url.password().is_some() => {
            Err("no user and no password in it".to_owned())
        }
        () if url.query().is_some() || url.fragment().is_some() || url.as_str().len() > 500 => {
            Err("only the address of the site, such as https://dispatch.example.org".to_owned())
        }
        () => Ok(url.as_str().trim_end_matches('/').to_owned()),
    }
}

/// A name and an address to send from, the address in canonical form.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let Mailbox { name, email } = text
        .parse()
        .map_err(|error: AddressError| error.to_string())?;
    let email = EmailAddress::parse(email.as_ref()).map_err(|error| error.to_string())?;
    let email = email
        .to_smtp()
        .parse()
        .map_err(|error: AddressError| error.to_string())?;
    Ok(Mailbox::new(name, email))
}

/// A database's address without what changes when a password does.
pub(super) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, hosts)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{hosts}{behind}")
        }
        None => url.to_owned(),
    }
}

/// Where the database is. The address is not repeated: it may hold a password.
pub(super) fn database(url: &str, password: Option<&str>) -> Result<String, String> {
    let Some((scheme @ ("postgres" | "postgresql"), rest)) = url.split_once("://") else {
        return Err("DATABASE_URL: it must begin with postgres://".to_owned());
    };
    let Some(password) = password else {
        return Ok(url.to_owned());
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => Err(
            "DATABASE_PASSWORD_FILE is set, and DATABASE_URL has a password too: only one of them can be meant"
                .to_owned(),
        ),
        Some((user, hosts)) if !user.is_empty() => {
            let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
            Ok(format!("{scheme}://{user}:{password}@{hosts}{behind}"))
        }
        _ => Err(
            "DATABASE_PASSWORD_FILE is set, and DATABASE_URL names no user: postgres://user@host/database"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_its_password_still_tells_databases_apart() {
        for (url, without) in [
            ("postgres://u:p@w@h:5/d", "postgres://u@h:5/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://h/d?a=b@c", "postgres://h/d?a=b@c"),
            ("postgres://u:p@h/d?options=x", "postgres://u@h/d?options=x"),
        ] {
            assert_eq!(without_password(url), without);
        }
    }
}
