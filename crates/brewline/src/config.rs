//! What each command needs to know: flags, environment, file and defaults, joined.

mod join;
mod properties;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use client::CounterAddress;
use counter::{PublicUrl, TlsFiles, TrustedProxies};
use eventlog::{Start, Topic};
use order::OrderId;

use crate::{
    asked::Asked,
    catalog::RETENTION_DAYS,
    cli::{Demo, Mode},
    collector::{CollectorAddress, Headers, Pairs},
    menu::Files,
};

pub(crate) use self::properties::{properties_of, variable_of};

/// Where the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The embedded log in a directory.
    Local(PathBuf),
    /// The log on Apache Kafka.
    Kafka(Cluster),
}

/// An Apache Kafka, and how it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `host:port[,host:port]`
    pub brokers: String,
    pub prefix: String,
    /// Of librdkafka, passed on. Passwords are among them.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { brokers, prefix, properties } = self;
        let names = properties.keys();
        write!(f, "Cluster({brokers:?}, prefix {prefix:?}, properties {:?})", names.collect::<Vec<_>>())
    }
}

/// How the topics are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub retention: Duration,
    /// How many brokers have each record; `None`: as the cluster likes it.
    pub replication_factor: Option<u16>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { retention: days(RETENTION_DAYS), replication_factor: None }
    }
}

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

/// Where the line keeps its log and listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub log: Place,
    pub listen: SocketAddr,
    /// How the topics are to be, as the file says.
    pub keep: Keep,
}

/// What a counter needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    pub listen: SocketAddr,
    pub max_streams: usize,
    pub max_streams_per_address: usize,
    pub orders_per_minute: u32,
    /// Who else is believed when it names an address.
    pub trusted_proxies: TrustedProxies,
    pub new_staff_token: bool,
    /// Show a link that signs in one device.
    pub sign_in_link: bool,
    pub files: Files,
    /// Where phones find the counter, if that is said.
    pub public_url: Option<PublicUrl>,
    /// `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// What a barista needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Brew {
    pub mode: Mode,
    pub hands: Option<usize>,
    pub seconds_per_cup: f64,
    pub accept_loss: bool,
    pub instance: Option<String>,
    pub quiet: bool,
}

/// A process of the line: a counter, a barista, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub log: Place,
    pub keep: Keep,
    pub max_open: usize,
    pub counter: Option<Serve>,
    pub barista: Option<Brew>,
    /// Where a barista alone is asked by machines.
    pub metrics_listen: Option<SocketAddr>,
    /// It is practice.
    pub demo: Option<Practice>,
    pub traces: Traces,
}

/// How traces are recorded, and where they go.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// `None`: none are recorded.
    pub collector: Option<CollectorAddress>,
    pub headers: Headers,
    /// How many of those that begin here, 0 to 1.
    pub ratio: f64,
    pub service: String,
    /// What else is said of this process.
    pub resource: Pairs,
}

/// A line on which people practise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practice {
    pub who: Demo,
    /// Where its log is; `None`: in a directory that is removed in the end.
    pub dir: Option<PathBuf>,
}

/// What `rush` needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Rush {
    pub customers: u32,
    pub minutes: u32,
    pub speed: u32,
    /// `None`: another one each time.
    pub seed: Option<u64>,
    pub faults: bool,
    pub target: Target,
}

/// Where a rush goes.
#[derive(Clone, PartialEq)]
pub enum Target {
    /// A line that is started for it.
    Own {
        /// `None`: nothing is kept.
        keep: Option<PathBuf>,
        files: Files,
    },
    /// A practice line that runs already.
    Other { counter: CounterAddress, token: String },
}

/// Without the token.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { keep, .. } => write!(f, "Own({keep:?})"),
            Self::Other { counter, .. } => write!(f, "Other({counter})"),
        }
    }
}

/// What `topics` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    pub cluster: Cluster,
    pub keep: Keep,
    pub partitions: Option<u32>,
    pub dry_run: bool,
}

/// What `watch` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub cluster: Cluster,
    pub topics: Vec<Topic>,
    pub from: Start,
    /// `None`: every one.
    pub order: Option<OrderId>,
    pub json: bool,
}

/// What `ledger` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub line: Line,
    pub asked: Asked,
    /// A moment by the shop's clock, as `watch::moment` understands it; `None`: now.
    pub at: Option<String>,
    pub follow: bool,
    pub json: bool,
    pub files: Files,
}
