//! `Client`: the origin of a request. Only the parts of headers that were written by trusted proxies are used.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

const FORWARDED_FOR: &str = "x-forwarded-for";
const MAX_USER_AGENT: usize = 300;

/// The number of proxies in front of the service; each appends the address of its client to `X-Forwarded-For`.
#[derive(Debug, Clone, Copy)]
pub struct TrustedProxies(pub usize);

/// The client of a request.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: IpAddr,
    /// The `User-Agent`, at most 300 characters; empty if there is none.
    pub user_agent: String,
}

impl Client {
    /// The client of this request.
    pub fn of(req: &HttpRequest) -> Self {
        let proxies = req
            .app_data::<Data<TrustedProxies>>()
            .map_or(0, |trusted| trusted.0);
        let peer = req
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let user_agent = req
            .headers()
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            address: forwarded(req.headers(), proxies)
                .unwrap_or(peer)
                .to_canonical(),
            user_agent: user_agent.chars().take(MAX_USER_AGENT).collect(),
        }
    }

    /// The unit of rate limits: the address, or the /64 network for IPv6, which is commonly assigned to one customer.
    pub fn block(&self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                format!("{}/64", Ipv6Addr::from(network))
            }
        }
    }
}

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(req)))
    }
}

/// The client address seen by the outermost trusted proxy. Entries before it were sent by the client and may be forged.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    // The part sent by the client may be invalid; entries appended by trusted proxies are still used.
    let hops: Vec<String> = headers
        .get_all(FORWARDED_FOR)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|hop| String::from_utf8_lossy(hop).trim().to_owned())
        .collect();
    let outermost = hops.iter().rev().take(proxies).next_back()?;
    let address = outermost.parse::<IpAddr>().ok();
    address.or_else(|| {
        outermost
            .parse::<SocketAddr>()
            .ok()
            .map(|address| address.ip())
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    fn client(forwarded: &[&str], proxies: usize) -> Client {
        let request = forwarded.iter().fold(
            TestRequest::default()
                .app_data(Data::new(TrustedProxies(proxies)))
                .peer_addr("192.0.2.1:4711".parse().unwrap()),
            |request, hops| request.append_header((FORWARDED_FOR, *hops)),
        );
        Client::from_request(&request.to_http_request(), &mut Payload::None)
            .into_inner()
            .unwrap()
    }

    #[test]
    fn a_client_is_believed_only_through_trusted_proxies() {
        for (hops, proxies, address) in [
            (&["203.0.113.9"][..], 0, "192.0.2.1"),
            (&["203.0.113.9"], 1, "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9"], 1, "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
            (&["203.0.113.9:50000"], 1, "203.0.113.9"),
            (&["[2001:db8::1]:443"], 1, "2001:db8::1"),
            (&["::ffff:203.0.113.9"], 1, "203.0.113.9"),
            (&["somebody"], 1, "192.0.2.1"),
            (&[], 1, "192.0.2.1"),
            // Fewer hops than proxies: the request came in through an inner one, and all that is there is ours.
            (&["203.0.113.9"], 2, "203.0.113.9"),
        ] {
            assert_eq!(
                client(hops, proxies).address.to_string(),
                address,
                "{hops:?} {proxies}"
            );
        }
    }

    #[test]
    fn a_header_that_is_no_text_does_not_hide_what_the_proxy_saw() {
        let request = TestRequest::default()
            .app_data(Data::new(TrustedProxies(1)))
            .peer_addr("192.0.2.1:4711".parse().unwrap())
            .append_header((
                FORWARDED_FOR,
                HeaderValue::from_bytes(b"6.6.6.6\xff, 203.0.113.9").unwrap(),
            ));
        let client = Client::of(&request.to_http_request());
        assert_eq!(client.address.to_string(), "203.0.113.9");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        assert_eq!(
            client(&["2001:db8:1:2:aaaa::1"], 1).block(),
            client(&["2001:db8:1:2:bbbb::9"], 1).block()
        );
        assert_ne!(
            client(&["2001:db8:1:2::1"], 1).block(),
            client(&["2001:db8:1:3::1"], 1).block()
        );
        assert_eq!(client(&["203.0.113.9"], 1).block(), "203.0.113.9");
    }
}
