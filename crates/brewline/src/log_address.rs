//! Which log to work on: `local:DIR` or `kafka://HOST:PORT`.

use std::{fmt, path::PathBuf, str::FromStr};

use etcetera::BaseStrategy as _;

/// Which log to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogAddress {
    /// The embedded log in a directory.
    Local(PathBuf),
    /// The log on Apache Kafka, at `host:port[,host:port]`. One that answers is enough.
    Kafka(String),
}

/// Where a broker listens if nothing else is said.
const KAFKA_PORT: u16 = 9092;

impl LogAddress {
    /// The platform's data directory for brewline.
    pub fn platform_default() -> Result<Self, String> {
        let base = etcetera::choose_base_strategy()
            .map_err(|_| "there is no home directory to keep the log in; say where with --log local:DIR")?;
        Ok(Self::Local(base.data_dir().join("brewline")))
    }

    /// An Apache Kafka on this machine.
    pub fn kafka_default() -> Self {
        Self::Kafka(format!("localhost:{KAFKA_PORT}"))
    }
}

impl fmt::Display for LogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(dir) => write!(f, "local:{}", dir.display()),
            Self::Kafka(brokers) => write!(f, "kafka://{brokers}"),
        }
    }
}

impl FromStr for LogAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(dir) = text.strip_prefix("local:") {
            return match dir {
                "" => Err("say the directory as well, as in local:/var/lib/brewline".to_owned()),
                dir => expanded(dir).map(Self::Local),
            };
        }
        if let Some(brokers) = text.strip_prefix("kafka://") {
            return brokers_of(brokers).map(Self::Kafka);
        }
        if ["error", "warn", "info", "debug", "trace"].contains(&text) {
            return Err("this names the log to work on, as in local:DIR; for more diagnostics say --verbose"
                .to_owned());
        }
        Err("say local:DIR, as in local:/var/lib/brewline, or kafka://HOST:PORT, as in kafka://localhost:9092"
            .to_owned())
    }
}

/// The brokers as the client library takes them: each with its port.
fn brokers_of(text: &str) -> Result<String, String> {
    let brokers = text.strip_suffix('/').unwrap_or(text);
    if brokers.contains('@') {
        return Err(
            "a user's name and password do not belong here; say sasl.username and sasl.password as Kafka \
                    properties"
                .to_owned(),
        );
    }
    let brokers = brokers.split(',').map(|broker| {
        let (host, port) = match broker.rsplit_once(':') {
            // The colons of a bare IPv6 address are none before a port.
            Some((host, port)) if !broker.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port > 0)?)
            }
            _ => (broker, KAFKA_PORT),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_ip6 = |c: char| c.is_ascii_hexdigit() || ":.".contains(c);
        let is_named = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(ip) => !ip.is_empty() && ip.chars().all(is_ip6),
            None => !host.is_empty() && host.chars().all(is_host),
        };
        is_named.then(|| format!("{host}:{port}"))
    });
    brokers.collect::<Option<Vec<_>>>().map(|brokers| brokers.join(",")).ok_or_else(|| {
        "say hosts and ports, as in kafka://localhost:9092 or kafka://one:9092,two:9092".to_owned()
    })
}

/// The path with a leading `~` as the home directory: no shell sees to it after `local:`, nor in a file.
pub(crate) fn expanded(dir: &str) -> Result<PathBuf, String> {
    let Some(rest) = dir.strip_prefix('~') else { return Ok(dir.into()) };
    let below = match rest.strip_prefix('/') {
        Some(below) => below.trim_start_matches('/'),
        None if rest.is_empty() => "",
        None => {
            return Err("only ~/ is known here, for your own home directory; say the whole path".to_owned());
        }
    };
    let home =
        etcetera::home_dir().map_err(|_| "there is no home directory for the ~; say the whole path")?;
    Ok(if below.is_empty() { home } else { home.join(below) })
}

/// What the log says when another directory is a way out, with the flag that names one: the log knows none.
pub(crate) fn name_the_flag(mut sentence: String) -> String {
    if sentence.ends_with("choose another directory") {
        sentence += " with --log local:DIR";
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_the_home_directory() {
        let home = etcetera::home_dir().unwrap();
        for (text, dir) in [
            ("local:~/a/b", home.join("a/b")),
            ("local:~//a", home.join("a")),
            ("local:~/", home.clone()),
            ("local:~", home.clone()),
            ("local:/x/~/y", "/x/~/y".into()),
            ("local:x/~", "x/~".into()),
        ] {
            assert_eq!(text.parse(), Ok(LogAddress::Local(dir)), "{text}");
        }
        assert!("local:~bob/x".parse::<LogAddress>().unwrap_err().contains("the whole path"));
    }

    #[test]
    fn a_way_out_to_another_directory_names_the_flag() {
        let named = name_the_flag("it is broken; choose another directory".to_owned());
        assert_eq!(named, "it is broken; choose another directory with --log local:DIR");
        assert_eq!(name_the_flag("it is full".to_owned()), "it is full");
    }

    #[test]
    fn an_address_names_a_directory_and_anything_else_says_the_way_out() {
        assert_eq!("local:/x y".parse(), Ok(LogAddress::Local("/x y".into())));
        for (text, brokers) in [
            ("kafka://localhost:9092", "localhost:9092"),
            ("kafka://cafe", "cafe:9092"),
            ("kafka://one:9092,two.cafe:9093/", "one:9092,two.cafe:9093"),
            ("kafka://[::1]:9094,[::1]", "[::1]:9094,[::1]:9092"),
        ] {
            let address: LogAddress = text.parse().unwrap();
            assert_eq!(address, LogAddress::Kafka(brokers.to_owned()), "{text}");
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        for (text, says) in [
            ("local:", "say the directory"),
            ("debug", "--verbose"),
            ("kafka:localhost", "kafka://"),
            ("kafka://", "hosts and ports"),
            ("kafka://a:b", "hosts and ports"),
            ("kafka://a:0", "hosts and ports"),
            ("kafka://a:9092,,b:9092", "hosts and ports"),
            ("kafka://::1:9092", "hosts and ports"),
            ("kafka://bob:pw@cafe:9092", "sasl.password"),
            ("/var/lib/brewline", "local:DIR"),
        ] {
            let error = text.parse::<LogAddress>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
