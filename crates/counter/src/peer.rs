//! Where a request comes from: bounds on streams and orders count by it. It stands in memory only, and in no log.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// What a proxy writes down of whom it asks for. The last hop is its own word, the others may be anyone's.
const FORWARDED: &str = "x-forwarded-for";

/// The other end of the connection, or, where that is a proxy on this machine, whom the proxy says it asks for. Whoever
/// connects from elsewhere is not believed: that could name anyone.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !peer.is_loopback() {
        return peer;
    }
    let last = headers.get_all(FORWARDED).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).and_then(hop).unwrap_or(peer)
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
    use super::*;

    fn of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, value.parse().unwrap());
        }
        address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_by_its_last_word() {
        for (forwarded, is) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
            (&["10.0.0.1", "10.0.0.2,203.0.113.9:4711"], "203.0.113.9"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]:80"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            (&[], "127.0.0.1"),
            (&["unknown"], "127.0.0.1"),
            (&["203.0.113.9,"], "127.0.0.1"),
            (&[""], "127.0.0.1"),
        ] {
            assert_eq!(of("127.0.0.1", forwarded), is, "{forwarded:?}");
            assert_eq!(of("::ffff:127.0.0.1", forwarded), is, "{forwarded:?}");
        }
    }

    #[test]
    fn whoever_connects_from_elsewhere_can_name_nobody_else() {
        assert_eq!(of("192.168.1.7", &["203.0.113.9"]), "192.168.1.7");
        assert_eq!(of("::ffff:192.168.1.7", &["127.0.0.1"]), "192.168.1.7");
    }
}
