//! Where phones find the counter: what stands on the table card, and behind its QR code.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use http::Uri;

/// The longest, in bytes: a longer one makes a QR code that phones read badly.
const BYTES: usize = 200;

/// What to say where it is no address at all.
const LIKE: &str = "say what phones open, as in https://cafe.example or http://192.168.1.5:8080";

/// An address that phones open: `https://cafe.example`, `http://192.168.1.5:8080`. It has no path and no slash at the
/// end: the pages stand at the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    /// Without brackets around an IPv6 address.
    host: String,
    is_secure: bool,
}

/// An address that can't be where phones find a counter. The message is what to say instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPublicUrl(String);

/// Who reaches an address, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Phones in the shop's own network.
    Network,
    /// Every phone.
    Everywhere,
}

impl PublicUrl {
    /// What listens there, as it is without a name.
    pub fn of(address: SocketAddr, is_secure: bool) -> Self {
        let (scheme, default) = if is_secure { ("https", 443) } else { ("http", 80) };
        let host = address.ip().to_string();
        let shown = if address.is_ipv6() { format!("[{host}]") } else { host.clone() };
        let port = if address.port() == default { String::new() } else { format!(":{}", address.port()) };
        Self { text: format!("{scheme}://{shown}{port}"), host, is_secure }
    }

    /// As it is opened.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name or the IP address in it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is https: only then may a page keep the screen on, and show notifications.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whether it is https on its usual port, by a name that is known everywhere, and so belongs to someone.
    pub fn is_own_name_by_https(&self) -> bool {
        let is_name = self.host.parse::<IpAddr>().is_err();
        // A port of its own may be one of several services of a name.
        let has_port = !self.text.ends_with(&self.host);
        self.is_secure && is_name && !has_port && self.reach() == Reach::Everywhere
    }

    /// Who reaches it.
    pub fn reach(&self) -> Reach {
        let is_of_network = match self.host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            // 100.64/10 is what networks that are laid over others give, as Tailscale does: RFC 6598.
            Ok(IpAddr::V4(ip)) => {
                ip.is_private()
                    || ip.is_link_local()
                    || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
            }
            Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
            Err(_) => is_local_name(&self.host),
        };
        if is_of_network { Reach::Network } else { Reach::Everywhere }
    }
}

/// Names that only a network of its own knows: RFC 6762, RFC 8375, and what routers make up.
fn is_local_name(name: &str) -> bool {
    const LOCAL: &[&str] = &["local", "lan", "home", "internal", "localdomain", "home.arpa"];
    !name.contains('.')
        || LOCAL.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, BadPublicUrl> {
        let bad = |why: &str| Err(BadPublicUrl(why.to_owned()));
        if text.len() > BYTES {
            return bad(
                "say a shorter address, of at most 200 bytes: a longer one makes a QR code that phones read badly",
            );
        }
        let Ok(uri) = text.parse::<Uri>() else { return bad(LIKE) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return bad(LIKE) };
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return bad("say an address that begins with https:// or http://"),
        };
        if authority.as_str().contains('@') {
            return bad("leave out the user name and password: everyone reads what stands on a table card");
        }
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return bad(
                "leave out what stands behind the host and port: the pages stand at the root of a name of their own",
            );
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = &authority.as_str()[authority.host().len()..];
        let port: Option<u16> = match port.strip_prefix(':') {
            None => None,
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 => Some(port),
                _ => return bad("say a port from 1 to 65535, or leave it out"),
            },
        };
        if host.is_empty() || host.contains(['[', ']']) {
            return bad(LIKE);
        }
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        let is_loopback = ip.is_some_and(|ip| ip.is_loopback());
        if is_loopback || host == "localhost" || host.ends_with(".localhost") {
            return bad("say an address that phones reach: this one is each phone itself");
        }
        if ip.is_some_and(|ip| ip.is_unspecified()) {
            return bad("say an address that phones reach: this one is nobody's, and only --listen takes it");
        }
        let shown = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { text: format!("{scheme}://{shown}{port}"), host, is_secure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_a_bare_path_and_shown_without() {
        for (given, shown) in [
            ("https://cafe.example", "https://cafe.example"),
            ("https://Cafe.Example/", "https://cafe.example"),
            ("http://192.168.1.5:8080", "http://192.168.1.5:8080"),
            ("https://[2001:db8::5]:8443/", "https://[2001:db8::5]:8443"),
            ("http://brewline.local", "http://brewline.local"),
        ] {
            assert_eq!(given.parse::<PublicUrl>().unwrap().as_str(), shown, "{given}");
        }
    }

    #[test]
    fn what_phones_could_not_open_is_refused_with_what_to_say() {
        let long = format!("https://{}.example", "x".repeat(200));
        for (given, says) in [
            ("", "as in https://cafe.example"),
            ("cafe.example", "as in https://cafe.example"),
            ("https://", "as in https://cafe.example"),
            ("https://카페.example", "as in https://cafe.example"),
            ("https://two words", "as in https://cafe.example"),
            ("ftp://cafe.example", "begins with https:// or http://"),
            ("https://me:secret@cafe.example", "user name and password"),
            ("https://cafe.example/shop", "at the root"),
            ("https://cafe.example/?a=b", "at the root"),
            ("https://cafe.example/#a", "at the root"),
            ("https://cafe.example:0", "port from 1"),
            ("https://cafe.example:99999", "port from 1"),
            ("http://localhost:8080", "each phone itself"),
            ("http://127.0.0.1:8080", "each phone itself"),
            ("http://[::1]:8080", "each phone itself"),
            ("http://[::ffff:127.0.0.1]", "each phone itself"),
            ("http://0.0.0.0:8080", "--listen"),
            (&long, "shorter"),
        ] {
            let error = given.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(error.contains(says), "{given}: {error}");
        }
    }

    #[test]
    fn an_address_tells_who_reaches_it() {
        let reach = |host: &str| format!("http://{host}").parse::<PublicUrl>().unwrap().reach();
        for host in [
            "192.168.1.5",
            "10.0.0.7:80",
            "172.31.0.1",
            "100.101.0.1",
            "169.254.1.1",
            "[fd00::5]",
            "[fe80::5]",
        ] {
            assert_eq!(reach(host), Reach::Network, "{host}");
        }
        for host in ["brewline", "brewline.local", "till.lan", "bar.home.arpa:8080"] {
            assert_eq!(reach(host), Reach::Network, "{host}");
        }
        for host in ["cafe.example", "203.0.113.9", "100.128.0.1", "[2001:db8::5]", "local.example", "mylan"]
        {
            let is_everywhere = host != "mylan";
            assert_eq!(reach(host) == Reach::Everywhere, is_everywhere, "{host}");
        }
    }

    #[test]
    fn a_name_of_its_own_has_no_port_and_is_known_outside_of_the_network() {
        let is_own = |url: &str| url.parse::<PublicUrl>().unwrap().is_own_name_by_https();
        assert!(is_own("https://Cafe.example/"));
        for other in [
            "http://cafe.example",
            "https://cafe.example:8443",
            "https://brewline.local",
            "https://brewline",
            "https://192.168.1.5",
            "https://203.0.113.9",
            "https://[2001:db8::5]",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn an_address_without_a_name_leaves_out_the_port_that_goes_without_saying() {
        let of = |address: &str, is_secure| PublicUrl::of(address.parse().unwrap(), is_secure);
        assert_eq!(of("192.168.1.5:8080", false).as_str(), "http://192.168.1.5:8080");
        assert_eq!(of("192.168.1.5:80", false).as_str(), "http://192.168.1.5");
        assert_eq!(of("[fd00::5]:443", true).as_str(), "https://[fd00::5]");
        assert_eq!(of("[fd00::5]:80", true), "https://[fd00::5]:80".parse().unwrap());
    }
}
