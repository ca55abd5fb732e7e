//! Where a request comes from: bounds on streams and orders count by it. It stands in memory only, and in no log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

use crate::proxies::TrustedProxies;

/// Where proxies write down whom they ask for, each behind those before it: the last hop is the word of who connects, the
/// one before it of whoever that names, and what nobody vouches for may be anyone's.
const FORWARDED: &str = "x-forwarded-for";
/// Hops that are looked at. Nobody has so many proxies.
const HOPS: usize = 32;

/// Everyone of whom a proxy says something that can't be read: counted, and as one, or a header of any bytes would turn
/// all bounds off.
const UNREADABLE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The other end of the connection, or, where that is a proxy that is believed, whom it says it asks for; and so on, for as
/// long as that is one, too. Whoever else connects is not believed: that could name anyone.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let mut known = peer.to_canonical();
    if !proxies.include(known) {
        return known;
    }
    let lines = headers.get_all(FORWARDED).iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for (n, said) in hops.enumerate() {
        // What stands before is not this proxy's word, and may be no text.
        let said = std::str::from_utf8(said).ok().filter(|_| n < HOPS);
        match said.and_then(hop) {
            None if known.is_loopback() => return UNREADABLE,
            None => break,
            // The machine of the one that says it: as known as it was, and another machine's is not ours.
            Some(hop) if hop.is_loopback() => {}
            Some(hop) => {
                known = hop;
                if !proxies.include(known) {
                    break;
                }
            }
        }
    }
    known
}

/// As what a connection is counted, by [`network`]. `None`, too: a proxy that is believed has those of all its phones.
pub(crate) fn of_connection(peer: IpAddr, proxies: &TrustedProxies) -> Option<IpAddr> {
    if proxies.include(peer.to_canonical()) { None } else { network(peer) }
}

/// What is counted as one address: of IPv6 the network, because each device there has as many addresses as it likes.
/// `None`: who is on this machine may do as they like.
pub(crate) fn network(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(address.into()),
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(peer: &str, forwarded: &[&[u8]]) -> String {
        behind(&TrustedProxies::default(), peer, forwarded)
    }

    fn behind(proxies: &TrustedProxies, peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, HeaderValue::from_bytes(value).unwrap());
        }
        address(peer.parse().unwrap(), &headers, proxies).to_string()
    }

    fn proxies() -> TrustedProxies {
        "10.0.0.0/8,fd00::/64".parse().unwrap()
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_by_its_last_word() {
        for (forwarded, is) in [
            (&[&b"203.0.113.9"[..]][..], "203.0.113.9"),
            (&[b"10.0.0.1, 203.0.113.9"], "203.0.113.9"),
            (&[b"10.0.0.1", b"10.0.0.2,203.0.113.9:4711"], "203.0.113.9"),
            (&[b"2001:db8::7"], "2001:db8::7"),
            (&[b"[2001:db8::7]:80"], "2001:db8::7"),
            (&[b"[2001:db8::7]"], "2001:db8::7"),
            (&[b"::ffff:203.0.113.9"], "203.0.113.9"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(of("127.0.0.1", forwarded), is, "{forwarded:?}");
            assert_eq!(of("::ffff:127.0.0.1", forwarded), is, "{forwarded:?}");
        }
    }

    #[test]
    fn nobody_passes_for_this_machine_by_what_can_not_be_read() {
        for (forwarded, is) in [
            (&[&b"\xff, 203.0.113.9"[..]][..], "203.0.113.9"),
            (&[b"\xff", b"203.0.113.9"], "203.0.113.9"),
            (&[b"\xff"], "0.0.0.0"),
            (&[b"203.0.113.9, \xff"], "0.0.0.0"),
            (&[b"unknown"], "0.0.0.0"),
            (&[b"203.0.113.9,"], "0.0.0.0"),
            (&[b""], "0.0.0.0"),
        ] {
            assert_eq!(of("127.0.0.1", forwarded), is, "{forwarded:?}");
        }
    }

    #[test]
    fn whoever_connects_from_elsewhere_can_name_nobody_else() {
        assert_eq!(of("192.168.1.7", &[b"203.0.113.9"]), "192.168.1.7");
        assert_eq!(of("::ffff:192.168.1.7", &[b"127.0.0.1"]), "192.168.1.7");
        assert_eq!(behind(&proxies(), "192.168.1.7", &[b"203.0.113.9, 10.0.0.1"]), "192.168.1.7");
        assert_eq!(behind(&proxies(), "fd00:0:0:1::7", &[b"203.0.113.9"]), "fd00:0:0:1::7");
    }

    #[test]
    fn the_client_is_the_last_who_is_no_proxy_that_is_believed() {
        for (forwarded, is) in [
            (&[&b"203.0.113.9"[..]][..], "203.0.113.9"),
            // What it says of itself, it says to the proxy.
            (&[b"198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            (&[b"10.0.0.2, 203.0.113.9"], "203.0.113.9"),
            // One proxy behind the other.
            (&[b"198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (&[b"198.51.100.1", b"203.0.113.9", b"10.0.0.3,10.0.0.2:4711"], "203.0.113.9"),
            (&[b"203.0.113.9, [fd00::2]:80, ::ffff:10.0.0.2"], "203.0.113.9"),
            (&[b"::ffff:203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (&[b"2001:db8::7, 10.0.0.2"], "2001:db8::7"),
            // Beside a proxy on its own machine.
            (&[b"203.0.113.9, 127.0.0.1"], "203.0.113.9"),
            // Asked by nobody else, or by another machine in its network.
            (&[], "10.0.0.1"),
            (&[b"10.0.0.7"], "10.0.0.7"),
            (&[b"10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        ] {
            for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
                assert_eq!(behind(&proxies(), peer, forwarded), is, "{forwarded:?}");
            }
        }
        let chain = &[&b"203.0.113.9, 10.0.0.2"[..]][..];
        assert_eq!(behind(&proxies(), "fd00::9", chain), "203.0.113.9");
        assert_eq!(behind(&proxies(), "127.0.0.1", chain), "203.0.113.9");
        assert_eq!(of("127.0.0.1", chain), "10.0.0.2", "it is not named");
        assert_eq!(of("127.0.0.1", &[b"203.0.113.9, ::1"]), "203.0.113.9", "two on this machine");
    }

    #[test]
    fn what_can_not_be_read_ends_at_the_last_who_is_known() {
        for (forwarded, is) in [
            (&[&b"\xff"[..]][..], "10.0.0.1"),
            (&[b""], "10.0.0.1"),
            (&[b"203.0.113.9, unknown"], "10.0.0.1"),
            (&[b"203.0.113.9,, 10.0.0.2"], "10.0.0.2"),
            (&[b"203.0.113.9", b"_hidden, 10.0.0.2"], "10.0.0.2"),
            (&[b"unknown, 127.0.0.1"], "10.0.0.1"),
            // Only whom a proxy names is read.
            (&[b"\xff, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ] {
            assert_eq!(behind(&proxies(), "10.0.0.1", forwarded), is, "{forwarded:?}");
        }
        assert_eq!(behind(&proxies(), "127.0.0.1", &[b"unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(behind(&proxies(), "127.0.0.1", &[b"unknown, ::1"]), "0.0.0.0");
    }

    #[test]
    fn nobody_behind_a_proxy_elsewhere_passes_for_this_machine() {
        for forwarded in [&b"127.0.0.1"[..], b"::1", b"127.0.0.1, 127.0.0.1", b"::ffff:127.0.0.1"] {
            assert_eq!(behind(&proxies(), "10.0.0.1", &[forwarded]), "10.0.0.1", "{forwarded:?}");
        }
        assert_eq!(behind(&proxies(), "127.0.0.1", &[b"127.0.0.1, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn of_a_chain_without_an_end_so_much_is_looked_at_and_nobody_gets_around_bounds_by_it() {
        let chain = |last: usize, proxy: &str| format!("203.0.113.9{}", format!(",{proxy}").repeat(last));
        let at = |peer: &str, chain: &str| behind(&proxies(), peer, &[chain.as_bytes()]);
        assert_eq!(at("10.0.0.1", &chain(HOPS - 1, "10.0.0.2")), "203.0.113.9");
        assert_eq!(at("10.0.0.1", &chain(HOPS, "10.0.0.2")), "10.0.0.2");
        assert_eq!(at("127.0.0.1", &chain(HOPS, "127.0.0.1")), "0.0.0.0");
    }

    #[test]
    fn connections_are_counted_by_address_but_those_of_proxies_that_are_believed() {
        let counted = |peer: &str| of_connection(peer.parse().unwrap(), &proxies()).map(|ip| ip.to_string());
        for peer in ["127.0.0.1", "::1", "10.0.0.1", "::ffff:10.0.0.1", "fd00::9"] {
            assert_eq!(counted(peer), None, "{peer}");
        }
        assert_eq!(counted("::ffff:192.168.1.7").as_deref(), Some("192.168.1.7"));
        assert_eq!(counted("2001:db8::7").as_deref(), Some("2001:db8::"));
    }
}
