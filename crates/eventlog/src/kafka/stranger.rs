//! Who is at an address where nobody speaks Kafka: librdkafka says no more than that the connection was closed.
//!
//! Asked only after no answer came in time. A broker's port without TLS takes the questions for a request that is too
//! large, and hangs up.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::address;

/// How long each question may take.
const WITHIN: Duration = Duration::from_secs(1);
/// The most addresses of a name that are asked.
const ADDRESSES: usize = 2;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It speaks TLS.
    Tls,
    /// It speaks HTTP.
    Http,
    /// It takes connections, and says nothing that is known here.
    Mute,
}

impl Stranger {
    /// Who is at the first of the brokers, `host:port[,host:port]`, if somebody takes connections there.
    pub(super) fn at(brokers: &str) -> Option<Self> {
        let addresses = address::sockets(address::each(brokers).next()?);
        addresses.into_iter().take(ADDRESSES).find_map(meet)
    }

    /// What it is, and the way out.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Tls => {
                "it wants TLS there; set security.protocol to SSL, or to SASL_SSL if it also wants a user name"
            }
            Self::Http => "a web server answers there, and no Kafka; check host and port",
            Self::Mute => {
                "it takes connections and does not speak with this program; check that the port is Kafka's, and \
                 whether it wants TLS or a user name (security.protocol)"
            }
        }
    }
}

fn meet(at: SocketAddr) -> Option<Stranger> {
    let hello = answer(at, &client_hello())?;
    Some(match hello {
        // A handshake or an alert of TLS, each with the major version.
        [0x15 | 0x16, 0x03, ..] => Stranger::Tls,
        _ if &hello == b"HTTP/"
            || answer(at, b"GET / HTTP/1.0\r\n\r\n").is_some_and(|it| &it == b"HTTP/") =>
        {
            Stranger::Http
        }
        _ => Stranger::Mute,
    })
}

/// The first bytes that come back, zeros where none do. `None`: no connection comes about.
fn answer(at: SocketAddr, question: &[u8]) -> Option<[u8; 5]> {
    let mut stream = TcpStream::connect_timeout(&at, WITHIN).ok()?;
    let mut bytes = [0; 5];
    let asked = stream
        .set_read_timeout(Some(WITHIN))
        .and_then(|()| stream.set_write_timeout(Some(WITHIN)))
        .and_then(|()| stream.write_all(question));
    if asked.is_err() || stream.read_exact(&mut bytes).is_err() {
        return Some([0; 5]);
    }
    Some(bytes)
}

/// The first words of whoever speaks TLS 1.2, with a few ciphers that every server knows: whatever it answers, it
/// answers in TLS. <https://datatracker.ietf.org/doc/html/rfc5246#section-7.4.1.2>
fn client_hello() -> Vec<u8> {
    let mut body = vec![0x03, 0x03];
    // Not random: nothing is to be kept secret.
    body.extend([0x5a; 32]);
    // No session; four ciphers; no compression.
    body.extend([0, 0, 8, 0xc0, 0x2f, 0xc0, 0x30, 0x00, 0x9c, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(body.len()).expect("it is written above");
    let mut hello = vec![0x16, 0x03, 0x01, 0, length + 4, 0x01, 0, 0, length];
    hello.extend(body);
    hello
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Somebody who answers everything with these bytes.
    fn somebody(says: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked);
                let _ = stream.write_all(says);
            }
        });
        at.to_string()
    }

    #[test]
    fn who_is_there_is_known_by_the_first_bytes() {
        for (says, who) in [
            (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Stranger::Http),
            (&[0x15, 0x03, 0x03, 0, 2, 2, 40], Stranger::Tls),
            (&[0x16, 0x03, 0x03, 0, 90], Stranger::Tls),
            (b"220 mail.cafe ESMTP\r\n", Stranger::Mute),
            (b"", Stranger::Mute),
        ] {
            assert_eq!(Stranger::at(&somebody(says)), Some(who), "{says:?}");
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(Stranger::at(&free.to_string()), None, "nobody is there");
    }
}
