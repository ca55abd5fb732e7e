//! Whose word on where a request comes from is taken: that of proxies on this machine, and of those that are named.

use std::{net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};

/// Proxies on other machines that are believed, by address or by network. The default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// What can't be proxies that are believed. The message is what to say instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProxies {
    /// More than [`TrustedProxies::MOST`].
    #[error("say at most {} of them; a network, as in 10.0.0.0/8, holds many", TrustedProxies::MOST)]
    TooMany,
    /// One of them, counted from 1, is no address at all.
    #[error(
        "say the proxies' addresses or networks with commas between them, as in 192.168.1.2,10.0.0.0/8; number {0} is \
         neither"
    )]
    Unreadable(usize),
    /// A network by the address of a machine in it: whoever means the machine would trust all others there.
    #[error("say {network} for all of that network, or {machine} for that machine alone; {machine}/{} says both", network.prefix_len())]
    Both {
        /// All of it.
        network: IpNet,
        /// The one that is named.
        machine: IpAddr,
    },
    /// Too many to be proxies, or nobody's.
    #[error(
        "say the proxies' addresses or networks, and no more than that, at most a /{largest}, as in 10.0.0.0/8: {0} is no network of \
         proxies, and whoever is believed gets around what an address may do",
        largest = TrustedProxies::LARGEST
    )]
    TooLarge(IpNet),
}

impl TrustedProxies {
    /// Addresses and networks at the most: each request may be compared with all of them.
    pub const MOST: usize = 64;
    /// The shortest prefix of a network: that of the largest ones that are private, `10.0.0.0/8` and `fd00::/8` (RFC 1918, RFC 4193).
    pub const LARGEST: u8 = 8;

    /// Whether this one is believed. The address is canonical: none of IPv4 is written as one of IPv6.
    pub(crate) fn include(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = BadProxies;

    /// Reads `192.168.1.2,10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, BadProxies> {
        let all = text.split(',').enumerate().take(Self::MOST + 1);
        let all = all.map(|(n, one)| network(one.trim(), n + 1)).collect::<Result<Vec<_>, _>>()?;
        if all.len() > Self::MOST { Err(BadProxies::TooMany) } else { Ok(Self(all)) }
    }
}

/// One of them, which is number `n`.
fn network(text: &str, n: usize) -> Result<IpNet, BadProxies> {
    let machine = || text.parse::<IpAddr>().map(IpNet::from);
    let said = text.parse::<IpNet>().or_else(|_| machine()).map_err(|_| BadProxies::Unreadable(n))?;
    let (network, machine) = (canonical(said.trunc()), canonical(said).addr());
    // Whoever says 0.0.0.0 means everyone.
    if network.prefix_len() < TrustedProxies::LARGEST || network.addr().is_unspecified() {
        return Err(BadProxies::TooLarge(network));
    }
    if network.addr() == machine { Ok(network) } else { Err(BadProxies::Both { network, machine }) }
}

/// A network of IPv4, also where it is written as one of IPv6: `::ffff:10.0.0.0/104`.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_believed(proxies: &str, address: &str) -> bool {
        proxies.parse::<TrustedProxies>().unwrap().include(address.parse::<IpAddr>().unwrap().to_canonical())
    }

    #[test]
    fn those_who_are_named_are_believed_and_nobody_beside_them() {
        for (proxies, believed, others) in [
            ("192.168.1.2", "192.168.1.2", "192.168.1.3"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.168.1.2, 10.0.0.0/8", "10.1.2.3", "192.168.1.1"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::8"),
            ("fd00:1::/32", "fd00:1:ffff::1", "fd00:2::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
            ("::ffff:192.168.1.2", "192.168.1.2", "192.168.1.3"),
        ] {
            assert!(are_believed(proxies, believed) && !are_believed(proxies, others), "{proxies}");
        }
    }

    #[test]
    fn this_machine_is_believed_whoever_is_named() {
        for proxies in [TrustedProxies::default(), "10.0.0.0/8".parse().unwrap()] {
            for local in ["127.0.0.1", "127.9.9.9", "::1"] {
                assert!(proxies.include(local.parse().unwrap()), "{local}");
            }
            assert!(!proxies.include([192, 168, 1, 7].into()));
        }
    }

    #[test]
    fn what_names_no_proxies_is_refused_with_what_to_say() {
        for (given, says) in [
            ("", "192.168.1.2,10.0.0.0/8; number 1 is neither"),
            ("10.0.0.0/8,", "number 2 is neither"),
            ("10.0.0.1,proxy.example", "number 2 is neither"),
            ("10.0.0.1:80", "number 1 is neither"),
            ("10.0.0.0/33", "number 1 is neither"),
            ("10.0.0.0/255.0.0.0", "number 1 is neither"),
            (
                "10.0.0.5/8",
                "say 10.0.0.0/8 for all of that network, or 10.0.0.5 for that machine alone; 10.0.0.5/8",
            ),
            ("::ffff:10.0.0.5/104", "say 10.0.0.0/8 for all of that network, or 10.0.0.5 for"),
            ("fd00::5/64", "say fd00::/64 for all of that network, or fd00::5 for"),
        ] {
            let error = given.parse::<TrustedProxies>().unwrap_err().to_string();
            assert!(error.contains(says), "{given}: {error}");
        }
    }

    #[test]
    fn everyone_can_not_be_believed() {
        for everyone in [
            "0.0.0.0/0",
            "::/0",
            "0.0.0.0",
            "::",
            "128.0.0.0/1,0.0.0.0/1",
            "1.2.3.4/0",
            "::ffff:0.0.0.0/96",
            "2000::/3",
            "12.0.0.0/7",
        ] {
            let error = everyone.parse::<TrustedProxies>().unwrap_err();
            assert!(matches!(error, BadProxies::TooLarge(_)), "{everyone}: {error}");
        }
        let error = "::/0".parse::<TrustedProxies>().unwrap_err().to_string();
        assert!(error.contains("at most a /8, as in 10.0.0.0/8: ::/0 is no network of proxies"), "{error}");
    }

    #[test]
    fn no_more_are_named_than_each_request_may_be_compared_with() {
        let many = |n: usize| (0..n).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(many(TrustedProxies::MOST).parse::<TrustedProxies>().unwrap().0.len(), 64);
        let error = many(TrustedProxies::MOST + 1).parse::<TrustedProxies>().unwrap_err();
        assert_eq!(error, BadProxies::TooMany);
        assert!(error.to_string().starts_with("say at most 64 of them"), "{error}");
    }
}
