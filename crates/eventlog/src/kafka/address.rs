//! Where brokers are, as librdkafka takes it: `host:port[,host:port]`, each with or without a protocol before it and a
//! port behind it.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// Where a broker is that has no port.
const KAFKA_PORT: u16 = 9092;

/// Each of the brokers.
pub(super) fn each(brokers: &str) -> impl Iterator<Item = &str> {
    brokers.split(',').map(str::trim).filter(|broker| !broker.is_empty())
}

/// The addresses of one, none if its name is not known. To find that out may take as long as the system likes.
pub(super) fn sockets(broker: &str) -> Vec<SocketAddr> {
    let broker = broker.rsplit_once("://").map_or(broker, |(_, broker)| broker);
    let found = broker.to_socket_addrs().or_else(|_| {
        let host = broker.trim_start_matches('[').trim_end_matches(']');
        (host, KAFKA_PORT).to_socket_addrs()
    });
    found.map(Iterator::collect).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_where_librdkafka_looks_for_it() {
        for (broker, at) in [
            ("127.0.0.1:9093", "127.0.0.1:9093"),
            ("127.0.0.1", "127.0.0.1:9092"),
            ("[::1]:9093", "[::1]:9093"),
            ("[::1]", "[::1]:9092"),
            ("SASL_SSL://127.0.0.1:9094", "127.0.0.1:9094"),
        ] {
            assert_eq!(sockets(broker), [at.parse().unwrap()], "{broker}");
        }
    }

    #[test]
    fn spaces_and_commas_too_many_name_no_broker() {
        assert_eq!(each(" one:1, ,two:2,").collect::<Vec<_>>(), ["one:1", "two:2"]);
        assert_eq!(each("").count(), 0);
    }
}
