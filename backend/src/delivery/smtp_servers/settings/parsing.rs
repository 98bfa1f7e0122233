//! Parses `MAIL_FROM`, `SMTP_EHLO_NAME`, `OWN_SMTP_PORTS`, `OWN_SMTP_NETWORKS` and `DKIM_…`.

use std::fs;
use std::sync::Arc;

use lettre::address::AddressError;
use lettre::message::Mailbox;
use smtp::dkim::{self, DkimKey, Signer};
use smtp::egress_policy::{EgressPolicy, Network};
use smtp::ehlo_name::EhloName;

use crate::core::email_address::EmailAddress;

/// Default of `OWN_SMTP_PORTS`: relay, implicit TLS, submission, and the alternative of many providers.
const DEFAULT_PORTS: &str = "25,465,587,2525";

/// Name and normalized address of the sender.
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

/// The networks and ports where users' servers may be.
pub(super) fn reach(
    ports: Option<&str>,
    networks: Option<&str>,
) -> Result<EgressPolicy, Vec<String>> {
    let mut errors = Vec::new();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut open = Vec::new();
    for word in words(ports.unwrap_or(DEFAULT_PORTS)) {
        match word.parse::<u16>() {
            Ok(port) if port > 0 => open.push(port),
            _ => errors.push(format!("OWN_SMTP_PORTS: {word} is not a port, 1 to 65535")),
        }
    }
    let mut opened = Vec::new();
    for word in words(networks.unwrap_or_default()) {
        match word.parse::<Network>() {
            Ok(network) => opened.push(network),
            Err(error) => errors.push(format!("OWN_SMTP_NETWORKS: {word}: {error}")),
        }
    }
    if errors.is_empty() {
        Ok(EgressPolicy::new(open, opened))
    } else {
        Err(errors)
    }
}

/// The EHLO name, if set.
pub(super) fn ehlo_name(name: Option<&str>) -> Result<Option<EhloName>, Vec<String>> {
    let Some(name) = name else { return Ok(None) };
    match EhloName::parse(name) {
        Some(read) => Ok(Some(read)),
        None => Err(vec![format!(
            "SMTP_EHLO_NAME={name}: must be a name with a domain, such as mail.example.org, or an address such as [192.0.2.1] or [IPv6:2001:db8::1]"
        )]),
    }
}

/// The DKIM signer of the installation's mails: domain, selector and key file must all be set, or none.
pub(super) fn signer(
    domain: Option<&str>,
    selector: Option<&str>,
    file: Option<&str>,
) -> Result<Option<Arc<Signer>>, Vec<String>> {
    let (domain, selector, file) = match (domain, selector, file) {
        (None, None, None) => return Ok(None),
        (Some(domain), Some(selector), Some(file)) => (domain, selector, file),
        given => {
            let missing = [
                ("DKIM_DOMAIN", given.0.is_none()),
                ("DKIM_SELECTOR", given.1.is_none()),
                ("DKIM_KEY_FILE", given.2.is_none()),
            ];
            let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
            return Err(missing
                .map(|(name, _)| {
                    format!("{name} is missing: signing requires all three of DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE")
                })
                .collect());
        }
    };
    let mut errors = Vec::new();
    let name = dkim::domain(domain);
    if name.is_none() || dkim::is_place_of_key(domain) {
        errors.push(format!("DKIM_DOMAIN={domain}: not a domain"));
    }
    if !dkim::is_selector(selector) {
        errors.push(format!(
            "DKIM_SELECTOR={selector}: must be a name such as dispatch, without ._domainkey and the domain"
        ));
    }
    // The key itself is never repeated.
    let key = fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|pem| DkimKey::parse(&pem).map_err(|error| error.to_string()));
    match (name, key) {
        (Some(name), Ok(key)) if errors.is_empty() => {
            Ok(Some(Arc::new(Signer::new(&name, selector, key))))
        }
        (_, key) => {
            errors.extend(
                key.err()
                    .map(|error| format!("DKIM_KEY_FILE={file}: {error}")),
            );
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_users_servers_may_use_mail_ports_and_no_private_network() {
        let usual = reach(None, None).unwrap();
        assert_eq!(usual.ports().collect::<Vec<_>>(), [25, 465, 587, 2525]);
        assert!(!usual.allows_literal("10.0.0.1"));
        let told = reach(Some("26, 27"), Some("10.0.0.0/8,::1")).unwrap();
        assert!(told.allows_port(27) && !told.allows_port(25));
        assert!(told.allows_literal("10.0.0.1") && !told.allows_literal("127.0.0.1"));
    }

    #[test]
    fn all_errors_about_users_servers_are_reported() {
        let errors = reach(Some("25,smtp,0,70000"), Some("10.0.0.0/40, lan")).unwrap_err();
        assert_eq!(errors.len(), 5, "{errors:?}");
    }

    #[test]
    fn an_ehlo_name_has_a_domain_or_is_an_address() {
        assert_eq!(ehlo_name(None), Ok(None));
        let named = ehlo_name(Some("mail.example.org")).unwrap();
        assert_eq!(named, Some(EhloName::Fixed("mail.example.org".to_owned())));
        for wrong in ["localhost", "192.0.2.1", "a b"] {
            let errors = ehlo_name(Some(wrong)).unwrap_err();
            assert!(errors[0].starts_with("SMTP_EHLO_NAME="), "{errors:?}");
        }
    }

    #[test]
    fn a_signer_is_complete_or_absent() {
        assert!(matches!(signer(None, None, None), Ok(None)));
        let missing = signer(Some("example.org"), None, None).unwrap_err();
        assert_eq!(missing.len(), 2, "{missing:?}");
        let file = std::env::temp_dir().join("dispatch-no-such-key");
        let wrong = signer(Some("a b"), Some("a b"), file.to_str()).unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(
            wrong
                .iter()
                .any(|mistake| mistake.starts_with("DKIM_KEY_FILE="))
        );
    }
}
