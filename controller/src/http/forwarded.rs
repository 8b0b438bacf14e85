use std::{net::IpAddr, str::FromStr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word on who sends a request is taken. None by default: a header that anybody can
/// set tells nothing (upstream #1971).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text that is no list of addresses and networks.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    /// Addresses and networks in CIDR notation, separated by commas; empty for none.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        let networks = parts.map(|part| {
            let network = part.parse::<IpNet>().ok();
            let address = || part.parse::<IpAddr>().ok().map(IpNet::from);
            let found = network.or_else(address);
            found.ok_or_else(|| NotANetwork(part.to_owned()))
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// Who sent a request that came from `peer`: the peer itself, unless it is one of these. Then the
    /// address that `X-Forwarded-For` ends with, behind those of these proxies: each proxy adds the
    /// one it was asked by, so everything to the left of the first that is not ours is hearsay.
    ///
    /// Where a proxy of ours adds nothing that is an address, the last proxy that is known stands.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        for hop in hops {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = address(hop.trim()) else {
                break;
            };
            client = address;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|it: std::net::SocketAddr| it.ip());
    let address = hop.parse().ok().or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_peer_is_the_client_whatever_it_says() {
        assert_eq!(client("", "10.0.0.1", &["192.0.2.1"]), "10.0.0.1");
        assert_eq!(
            client("10.1.0.0/16", "10.0.0.1", &["192.0.2.1"]),
            "10.0.0.1"
        );
    }

    #[test]
    fn behind_trusted_proxies_the_rightmost_other_address_is_the_client() {
        let ours = "10.0.0.0/8, fd00::/8,192.0.2.9";
        assert_eq!(client(ours, "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        // What stands to the left of it anybody may have written.
        let forged = ["198.51.100.7, 10.0.0.9, 192.0.2.1, 10.0.0.2"];
        assert_eq!(client(ours, "10.0.0.1", &forged), "192.0.2.1");
        // Several headers are one list.
        let lines = ["198.51.100.7", "192.0.2.1", "fd00::1, 192.0.2.9"];
        assert_eq!(client(ours, "10.0.0.1", &lines), "192.0.2.1");
        assert_eq!(client(ours, "10.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(client(ours, "fd00::2", &["[2001:db8::1]:1"]), "2001:db8::1");
    }

    #[test]
    fn an_ipv4_peer_on_an_ipv6_socket_is_the_same_peer() {
        let from = |peer| client("10.0.0.0/8", peer, &["::ffff:192.0.2.1"]);
        assert_eq!(from("::ffff:10.0.0.1"), "192.0.2.1");
        assert_eq!(client("", "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn where_the_header_is_missing_empty_or_nonsense_the_last_known_proxy_is_the_client() {
        for lines in [&[][..], &[""], &["unknown"], &["192.0.2.1, _hidden"]] {
            assert_eq!(client("10.0.0.0/8", "10.0.0.1", lines), "10.0.0.1");
        }
        let through_two = ["192.0.2.1, ?, 10.0.0.2"];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &through_two), "10.0.0.2");
    }

    #[test]
    fn what_is_no_network_is_refused_by_its_text() {
        for bad in ["10.0.0.0/33", "proxy", "10.0.0.1,10.0"] {
            let error = bad.parse::<TrustedProxies>().unwrap_err().to_string();
            assert!(error.contains("is neither an address"), "{error}");
        }
    }
}
