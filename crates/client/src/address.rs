//! The counter's address: parsed once, so that every request after that is made of a valid one.

use std::{fmt, str::FromStr};

use http::Uri;

/// Where a counter listens: `http://host[:port][/prefix]`, or the same with https. The scheme may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterAddress {
    /// Without brackets around an IPv6 address: what a resolver takes.
    host: String,
    port: u16,
    /// Scheme, authority and path, without a slash at the end: paths of the contract are put after it.
    base: String,
}

/// An address that can't be a counter's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no address of a counter: {reason}; write it like http://127.0.0.1:8080")]
pub struct BadAddress {
    /// As it was given.
    pub given: String,
    /// What is wrong with it.
    pub reason: String,
}

impl CounterAddress {
    /// Host name or IP address, and port.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Whether it is https.
    pub fn is_secure(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// The same host and port over plain HTTP: there a counter with TLS, too, says at `/livez` that it lives, to those
    /// who don't trust its certificate.
    #[must_use]
    pub fn in_plain_http(&self) -> Self {
        let (host, port) = self.host_and_port();
        let host_in_url = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Self { host: host.to_owned(), port, base: format!("http://{host_in_url}:{port}") }
    }

    /// The URI of `path`, which begins with a slash and may carry a query.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl Default for CounterAddress {
    /// Where a counter listens unless it is told otherwise.
    fn default() -> Self {
        Self { host: "127.0.0.1".into(), port: 8080, base: "http://127.0.0.1:8080".into() }
    }
}

impl fmt::Display for CounterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl FromStr for CounterAddress {
    type Err = BadAddress;

    fn from_str(given: &str) -> Result<Self, BadAddress> {
        let bad = |reason: &str| BadAddress { given: given.to_owned(), reason: reason.to_owned() };
        let text = given.trim();
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let uri: Uri = full.parse().map_err(|_| bad("it can't be read as a URL"))?;

        let (scheme, default) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(bad("the scheme is not http or https")),
        };
        let authority = uri.authority().ok_or_else(|| bad("the host is missing"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a counter takes no user name or password"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad("the host is missing"));
        }
        let rest = &authority.as_str()[authority.host().len()..];
        let port = match rest.strip_prefix(':') {
            None => default,
            Some(digits) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => port,
                _ => return Err(bad("the port is not a number from 1 to 65535")),
            },
        };
        if uri.query().is_some() {
            return Err(bad("it has a query"));
        }
        let prefix = uri.path().trim_end_matches('/');
        Ok(Self { host: host.to_owned(), port, base: format!("{scheme}://{authority}{prefix}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_scheme_and_keep_a_path() {
        let address: CounterAddress = "cafe.lan:9000/north/".parse().unwrap();
        assert_eq!(address.at("/order?amount=1"), "http://cafe.lan:9000/north/order?amount=1");
        assert_eq!(address.host_and_port(), ("cafe.lan", 9000));

        let secure: CounterAddress = "https://cafe.example".parse().unwrap();
        assert_eq!(
            (secure.at("/order"), secure.host_and_port()),
            ("https://cafe.example/order".into(), ("cafe.example", 443))
        );
        assert!(secure.is_secure() && !address.is_secure());

        assert_eq!(secure.in_plain_http().to_string(), "http://cafe.example:443");

        let six: CounterAddress = "https://[::1]:8080".parse().unwrap();
        assert_eq!(six.host_and_port(), ("::1", 8080));
        assert_eq!(six.in_plain_http().to_string(), "http://[::1]:8080");
        assert_eq!("http://127.0.0.1:8080/".parse(), Ok(CounterAddress::default()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (given, reason) in [
            ("ftp://cafe.example", "not http or https"),
            ("http://me@cafe.example", "user name"),
            ("http://cafe.example/?a=1", "query"),
            ("http://cafe.example:99999", "port"),
            ("http://cafe.example:0", "port"),
            ("", "empty"),
            ("two words", "as a URL"),
            ("http://cafe.example:port", "port"),
        ] {
            let message = given.parse::<CounterAddress>().unwrap_err().to_string();
            assert!(message.contains(reason) && message.contains("write it like"), "{given}: {message}");
        }
    }
}
