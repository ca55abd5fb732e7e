//! Which other machines reach what listens on an address, and how.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Who else reaches a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// Nobody: it listens on this machine alone.
    Nobody,
    /// Other machines, at this address.
    At(SocketAddr),
    /// Other machines, at an address that this machine could not find out.
    Somewhere,
}

/// Who else reaches what listens on `listen`.
pub(crate) fn from_elsewhere(listen: SocketAddr) -> Others {
    others(listen, outgoing)
}

/// Where this machine itself reaches what listens on `listen`.
pub(crate) fn from_here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// `outgoing` gives this machine's address on the way to another one.
fn others(listen: SocketAddr, outgoing: impl Fn(IpAddr) -> Option<IpAddr>) -> Others {
    let v4 = || outgoing(SOMEBODY_V4.into());
    let ip = match listen.ip() {
        ip if ip.to_canonical().is_loopback() => return Others::Nobody,
        ip if !ip.is_unspecified() => Some(ip),
        IpAddr::V4(_) => v4(),
        // Such a socket takes IPv4 as well, which is what people can type.
        IpAddr::V6(_) => v4().or_else(|| outgoing(SOMEBODY_V6.into())),
    };
    ip.map_or(Others::Somewhere, |ip| Others::At(SocketAddr::new(ip, listen.port())))
}

/// Addresses that belong to nobody, for documentation (RFC 5737 and RFC 3849): on the way to them is whatever leads
/// out of this machine.
const SOMEBODY_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SOMEBODY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// This machine's address on the way to `somebody`: connecting a UDP socket looks up the route and sends nothing.
fn outgoing(somebody: IpAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if somebody.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((somebody, 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Others {
        let lan = |somebody: IpAddr| {
            Some(if somebody.is_ipv4() { "192.168.1.5" } else { "fd00::5" }.parse().unwrap())
        };
        others(text.parse().unwrap(), lan)
    }

    #[test]
    fn only_what_listens_on_loopback_is_out_of_reach() {
        for local in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(at(local), Others::Nobody, "{local}");
        }
        for (listen, reached) in [
            ("0.0.0.0:80", "192.168.1.5:80"),
            ("[::]:80", "192.168.1.5:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("[fd00::7]:80", "[fd00::7]:80"),
        ] {
            assert_eq!(at(listen), Others::At(reached.parse().unwrap()), "{listen}");
        }
    }

    #[test]
    fn a_machine_without_a_way_out_is_reached_somewhere() {
        assert_eq!(others("0.0.0.0:80".parse().unwrap(), |_| None), Others::Somewhere);
        let only_v6 = |somebody: IpAddr| somebody.is_ipv6().then(|| "fd00::5".parse().unwrap());
        assert_eq!(others("[::]:80".parse().unwrap(), only_v6), Others::At("[fd00::5]:80".parse().unwrap()));
    }
}
