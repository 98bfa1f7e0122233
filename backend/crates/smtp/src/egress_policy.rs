//! Which addresses and ports SMTP servers of users may have: no private networks, unless the operator allows them. The
//! address that is connected to is checked, not an earlier lookup. Does not apply to the installation's own server. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The ports and networks allowed for servers of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressPolicy {
    ports: Vec<u16>,
    /// Private networks that are allowed.
    opened: Vec<Network>,
}

impl EgressPolicy {
    /// Allows these ports, in public networks and in these.
    pub fn new(ports: Vec<u16>, opened: Vec<Network>) -> Self {
        Self { ports, opened }
    }

    /// The ports.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.iter().copied()
    }

    /// Whether this port is allowed.
    pub fn allows_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// Whether this address is allowed.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.opened.iter().any(|network| network.contains(address)) || is_public(address)
    }

    /// Whether this host is allowed, as far as known without a lookup.
    pub fn allows_literal(&self, host: &str) -> bool {
        let name = host.trim_end_matches('.');
        let of_this_machine = name == "localhost" || name.ends_with(".localhost");
        match host.parse::<IpAddr>() {
            Ok(address) => self.allows(address),
            Err(_) if of_this_machine => {
                self.allows(Ipv4Addr::LOCALHOST.into()) || self.allows(Ipv6Addr::LOCALHOST.into())
            }
            Err(_) => true,
        }
    }
}

/// A network such as `10.0.0.0/8`; a bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// The text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network such as 10.0.0.0/8 or fd00::/8")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_unread| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_unread| NoNetwork)?,
            None => most,
        };
        if prefix > most {
            return Err(NoNetwork);
        }
        Ok(Self { address, prefix })
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, prefix: u32) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::new(a, b, c, 0)),
            prefix,
        }
    }

    const fn v6(a: u16, b: u16, c: u16, prefix: u32) -> Self {
        Self {
            address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)),
            prefix,
        }
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differs = network.to_bits() ^ address.to_bits();
                differs.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differs = network.to_bits() ^ address.to_bits();
                differs.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

/// Not routed on the Internet (registry of special-purpose addresses, RFC 6890 and later).
const CLOSED_V4: [Network; 15] = [
    Network::v4(0, 0, 0, 8),
    Network::v4(10, 0, 0, 8),
    // Behind a provider's address translation.
    Network::v4(100, 64, 0, 10),
    Network::v4(127, 0, 0, 8),
    // Link-local; metadata services of clouds.
    Network::v4(169, 254, 0, 16),
    Network::v4(172, 16, 0, 12),
    Network::v4(192, 0, 0, 24),
    Network::v4(192, 0, 2, 24),
    Network::v4(192, 88, 99, 24),
    Network::v4(192, 168, 0, 16),
    Network::v4(198, 18, 0, 15),
    Network::v4(198, 51, 100, 24),
    Network::v4(203, 0, 113, 24),
    // Multicast, reserved, broadcast.
    Network::v4(224, 0, 0, 4),
    Network::v4(240, 0, 0, 4),
];

/// Special ranges within `ROUTED_V6`: Teredo and others, documentation.
const CLOSED_V6: [Network; 3] = [
    Network::v6(0x2001, 0, 0, 23),
    Network::v6(0x2001, 0xdb8, 0, 32),
    Network::v6(0x3fff, 0, 0, 20),
];
const ROUTED_V6: Network = Network::v6(0x2000, 0, 0, 3);
/// IPv4 addresses embedded in IPv6: NAT64 and 6to4.
const NAT64: Network = Network::v6(0x64, 0xff9b, 0, 96);
const SIX_TO_FOUR: Network = Network::v6(0x2002, 0, 0, 16);

fn is_public(address: IpAddr) -> bool {
    let closed = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
    let IpAddr::V6(new) = address else {
        return !closed(&CLOSED_V4);
    };
    let embedded = |[high, low]: [u16; 2]| {
        let [first, second] = high.to_be_bytes();
        let [third, fourth] = low.to_be_bytes();
        is_public(Ipv4Addr::new(first, second, third, fourth).into())
    };
    if NAT64.contains(address) {
        let [.., high, low] = new.segments();
        return embedded([high, low]);
    }
    if SIX_TO_FOUR.contains(address) {
        let [_, high, low, ..] = new.segments();
        return embedded([high, low]);
    }
    ROUTED_V6.contains(address) && !closed(&CLOSED_V6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(opened: &[&str]) -> EgressPolicy {
        let opened = opened.iter().map(|text| text.parse().unwrap()).collect();
        EgressPolicy::new(vec![25, 587], opened)
    }

    #[test]
    fn no_way_leads_into_a_network_that_only_this_machine_sees() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:101::1",
            "2001:0:7f00:1::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!reach(&[]).allows(address.parse().unwrap()), "{address}");
            assert!(!reach(&[]).allows_literal(address), "{address}");
        }
        for name in ["localhost", "localhost.", "mail.localhost"] {
            assert!(!reach(&[]).allows_literal(name), "{name}");
            assert!(reach(&["127.0.0.0/8"]).allows_literal(name), "{name}");
        }
    }

    #[test]
    fn public_addresses_are_reached_in_every_spelling() {
        for address in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2a00:1450::1",
            "2001:4860::8888",
            "2606::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(reach(&[]).allows(address.parse().unwrap()), "{address}");
        }
        assert!(reach(&[]).allows_literal("mail.example.org"));
    }

    #[test]
    fn what_the_operator_opens_is_open_and_its_neighbour_is_not() {
        let opened = reach(&["10.1.0.0/16", "192.168.0.7", "fd00:7::/32"]);
        for (address, open) in [
            ("10.1.255.1", true),
            ("::ffff:10.1.255.1", true),
            ("10.2.0.1", false),
            ("192.168.0.7", true),
            ("192.168.0.8", false),
            ("fd00:7::1", true),
            ("fd00:8::1", false),
        ] {
            assert_eq!(opened.allows(address.parse().unwrap()), open, "{address}");
        }
        let all = reach(&["0.0.0.0/0", "::/0"]);
        assert!(all.allows("127.0.0.1".parse().unwrap()) && all.allows("fe80::1".parse().unwrap()));
        assert!(opened.allows_port(587) && !opened.allows_port(22));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "example.org/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }
}
