//! Where a request comes from: bounds on streams and orders count by it. It stands in memory only, and in no log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// What a proxy writes down of whom it asks for. The last hop is its own word, the others may be anyone's.
const FORWARDED: &str = "x-forwarded-for";

/// Everyone of whom a proxy says something that can't be read: counted, and as one, or a header of any bytes would turn
/// all bounds off.
const UNREADABLE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The other end of the connection, or, where that is a proxy on this machine, whom the proxy says it asks for. Whoever
/// connects from elsewhere is not believed: that could name anyone.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !peer.is_loopback() {
        return peer;
    }
    let Some(forwarded) = headers.get_all(FORWARDED).iter().next_back() else { return peer };
    // What stands before the last hop is the client's own, and may be no text.
    let last = forwarded.as_bytes().rsplit(|byte| *byte == b',').next();
    last.and_then(|last| std::str::from_utf8(last).ok()).and_then(hop).unwrap_or(UNREADABLE)
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
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, HeaderValue::from_bytes(value).unwrap());
        }
        address(peer.parse().unwrap(), &headers).to_string()
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
    }
}
