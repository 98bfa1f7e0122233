//! The name given to mail servers in EHLO and HELO (RFC 5321, 2.3.5 and 4.1.3): a fully qualified domain name, or an
//! address literal if this host has none.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lettre::transport::smtp::extension::ClientId;

use super::dkim::domain;

/// The EHLO name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EhloName {
    /// A fixed name.
    Fixed(String),
    /// The local address of the connection, as a literal.
    OwnAddress,
}

impl EhloName {
    /// Parses a name with a dot in it, or a literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inside = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match inside {
            Some(inside) => address(inside).map(literal),
            None => fully_qualified(text),
        }
        .map(Self::Fixed)
    }

    /// This host's fully qualified name if it has one, else its address as seen by the server.
    pub fn of_host() -> Self {
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        public_name(&host_name(), &hosts).map_or(Self::OwnAddress, Self::Fixed)
    }

    /// The name to use on a connection with this local address.
    pub fn at(&self, own: IpAddr) -> String {
        match self {
            Self::Fixed(name) => name.clone(),
            Self::OwnAddress => literal(own),
        }
    }
}

/// The host name of this machine, with or without a domain.
pub fn host_name() -> String {
    match ClientId::default() {
        ClientId::Domain(name) => name,
        other => other.to_string(),
    }
}

fn address(inside: &str) -> Option<IpAddr> {
    let tag = inside.get(..5);
    if tag.is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:")) {
        let address: Ipv6Addr = inside.get(5..)?.parse().ok()?;
        Some(address.into())
    } else {
        let address: Ipv4Addr = inside.parse().ok()?;
        Some(address.into())
    }
}

fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// In ASCII, with at least two labels, the last of which is not numeric.
fn fully_qualified(text: &str) -> Option<String> {
    let name = domain(text.strip_suffix('.').unwrap_or(text))?;
    let of_host =
        |label: &str| !label.starts_with('-') && !label.ends_with('-') && !label.contains('_');
    let (_, top) = name.rsplit_once('.')?;
    let fits = name.split('.').all(of_host) && !top.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(name)
}

/// The host's fully qualified name: its own name, or the one in its hosts file (as `hostname --fqdn` finds it). Names
/// valid only on a local network do not count.
fn public_name(host: &str, hosts: &str) -> Option<String> {
    let listed = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter(|line| line.split_whitespace().skip(1).any(|name| name == host))
        .flat_map(|line| line.split_whitespace().skip(1));
    let names = [host].into_iter().chain(listed);
    names.filter_map(fully_qualified).find(|name| {
        let top = name.rsplit('.').next().unwrap_or_default();
        ![
            "localdomain",
            "localhost",
            "local",
            "internal",
            "lan",
            "home",
            "arpa",
        ]
        .contains(&top)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fully_qualified_or_a_literal() {
        for (text, said) in [
            ("mail.example.org", "mail.example.org"),
            (" Mail.Example.ORG. ", "mail.example.org"),
            ("почта.рф", "xn--80a1acny.xn--p1ai"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
            ("[ipv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(
                EhloName::parse(text),
                Some(EhloName::Fixed(said.to_owned())),
                "{text}"
            );
        }
        for text in [
            "",
            "localhost",
            "192.0.2.1",
            "2001:db8::1",
            "[2001:db8::1]",
            "[192.0.2.1",
            "[IPv6:192.0.2.1]",
            "[mail.example.org]",
            "a b.example.org",
            "mail_1.example.org",
            "-a.example.org",
            "a..example.org",
            "mail.example.org\r\nMAIL",
            &format!("{}.example.org", "a".repeat(64)),
        ] {
            assert_eq!(EhloName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_said_as_a_literal() {
        for (own, said) in [
            ("192.0.2.1", "[192.0.2.1]"),
            ("::ffff:192.0.2.1", "[192.0.2.1]"),
            ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(EhloName::OwnAddress.at(own.parse().unwrap()), said);
        }
    }

    #[test]
    fn the_hosts_name_is_the_one_with_a_domain_that_others_know() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 mail.example.org mail # ours\n";
        for (host, hosts, name) in [
            ("mail.example.org", "", Some("mail.example.org")),
            ("mail", hosts, Some("mail.example.org")),
            ("other", hosts, None),
            ("mail", "", None),
            ("mail.local", "", None),
            (
                "localhost",
                "127.0.0.1 localhost.localdomain localhost",
                None,
            ),
        ] {
            assert_eq!(public_name(host, hosts).as_deref(), name, "{host}");
        }
    }
}
