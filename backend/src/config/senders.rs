//! `OWN_SMTP_PORTS`, `OWN_SMTP_NETWORKS`: where mail servers of users may be. `DKIM_…`: what the installation signs with.

use std::fs;
use std::sync::Arc;

use smtp::dkim::{self, Key, Signer};
use smtp::egress_policy::{Network, Reach};
use smtp::ehlo_name::EhloName;

/// Where mail is handed in: relayed, encrypted, submitted, and what many providers offer besides.
const PORTS: &str = "25,465,587,2525";

/// Where users' servers may be, as the settings have it.
pub(super) fn reach(ports: Option<&str>, networks: Option<&str>) -> Result<Reach, Vec<String>> {
    let mut mistakes = Vec::new();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut open = Vec::new();
    for word in words(ports.unwrap_or(PORTS)) {
        match word.parse::<u16>() {
            Ok(port) if port > 0 => open.push(port),
            _ => mistakes.push(format!("OWN_SMTP_PORTS: {word} is no port, 1 to 65535")),
        }
    }
    let mut opened = Vec::new();
    for word in words(networks.unwrap_or_default()) {
        match word.parse::<Network>() {
            Ok(network) => opened.push(network),
            Err(error) => mistakes.push(format!("OWN_SMTP_NETWORKS: {word}: {error}")),
        }
    }
    if mistakes.is_empty() {
        Ok(Reach::new(open, opened))
    } else {
        Err(mistakes)
    }
}

/// The EHLO name, if set.
pub(super) fn ehlo_name(name: Option<&str>) -> Result<Option<EhloName>, Vec<String>> {
    let Some(name) = name else { return Ok(None) };
    match EhloName::parse(name) {
        Some(read) => Ok(Some(read)),
        None => Err(vec![format!(
            "SMTP_EHLO_NAME={name}: a name with its domain, such as mail.example.org, or an address such as [192.0.2.1] or [IPv6:2001:db8::1]"
        )]),
    }
}

/// What the installation's mails are signed with, if they are: its domain, the key's name and its file, all or none.
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
                    format!("{name} is missing: to sign mails all three of DKIM_… are needed")
                })
                .collect());
        }
    };
    let mut mistakes = Vec::new();
    let name = dkim::domain(domain);
    if name.is_none() || dkim::is_place_of_key(domain) {
        mistakes.push(format!("DKIM_DOMAIN={domain}: this is no domain"));
    }
    if !dkim::is_selector(selector) {
        mistakes.push(format!(
            "DKIM_SELECTOR={selector}: a word such as dispatch, without ._domainkey and the domain"
        ));
    }
    // The key itself is never repeated.
    let key = fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|pem| Key::parse(&pem).map_err(|error| error.to_string()));
    match (name, key) {
        (Some(name), Ok(key)) if mistakes.is_empty() => {
            Ok(Some(Arc::new(Signer::new(&name, selector, key))))
        }
        (_, key) => {
            mistakes.extend(
                key.err()
                    .map(|error| format!("DKIM_KEY_FILE={file}: {error}")),
            );
            Err(mistakes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_servers_may_be_at_the_ports_for_mail_and_in_no_closed_network_unless_told_otherwise() {
        let usual = reach(None, None).unwrap();
        assert_eq!(usual.ports().collect::<Vec<_>>(), [25, 465, 587, 2525]);
        assert!(!usual.allows_literal("10.0.0.1"));
        let told = reach(Some("26, 27"), Some("10.0.0.0/8,::1")).unwrap();
        assert!(told.allows_port(27) && !told.allows_port(25));
        assert!(told.allows_literal("10.0.0.1") && !told.allows_literal("127.0.0.1"));
    }

    #[test]
    fn every_mistake_about_users_servers_is_told() {
        let mistakes = reach(Some("25,smtp,0,70000"), Some("10.0.0.0/40, lan")).unwrap_err();
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
    }

    #[test]
    fn the_name_for_mail_servers_has_a_domain_or_is_an_address() {
        assert_eq!(ehlo_name(None), Ok(None));
        let named = ehlo_name(Some("mail.example.org")).unwrap();
        assert_eq!(named, Some(EhloName::Fixed("mail.example.org".to_owned())));
        for wrong in ["localhost", "192.0.2.1", "a b"] {
            let mistakes = ehlo_name(Some(wrong)).unwrap_err();
            assert!(mistakes[0].starts_with("SMTP_EHLO_NAME="), "{mistakes:?}");
        }
    }

    #[test]
    fn a_key_to_sign_with_is_given_whole_or_not_at_all() {
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
