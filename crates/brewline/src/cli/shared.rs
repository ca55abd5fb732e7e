//! Flags that several commands take.

use std::{fmt, net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use client::CounterAddress;
use counter::{PublicUrl, TrustedProxies};

use super::{FileParser, NamedFile, Property, PropertyParser};
use crate::{
    collector::{CollectorAddress, Pairs},
    log_address::LogAddress,
    value::{self, said, said_word},
};

/// Where the line keeps its log and listens.
#[derive(Debug, Default, Clone, Args)]
pub struct LineArgs {
    /// Where the log is: local:DIR, ~/ is your home directory, or kafka://HOST:PORT[,HOST:PORT] [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "ADDRESS", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub listen: ListenArgs,

    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// Which Apache Kafka the line shares with others.
#[derive(Debug, Default, Clone, Args)]
pub struct SharedArgs {
    /// Where the log is; one broker that answers is enough [default: kafka://localhost:9092]
    #[arg(long, value_name = "kafka://HOST:PORT[,HOST:PORT]", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// How an Apache Kafka is used.
#[derive(Debug, Default, Clone, Args)]
pub struct KafkaArgs {
    /// What the names of topics, groups and instances begin with, so that several shops share one cluster [default: nothing]
    #[arg(long, value_name = "TEXT", env = "BREWLINE_PREFIX", help_heading = KAFKA, value_parser = said(value::prefix))]
    pub prefix: Option<String>,

    /// A property of librdkafka, for TLS and SASL for example; again for each. BREWLINE_KAFKA_SASL_PASSWORD is sasl.password [default: none]
    #[arg(long, value_name = "KEY=VALUE", help_heading = KAFKA, value_parser = PropertyParser)]
    pub kafka: Vec<Property>,
}

const KAFKA: &str = "Apache Kafka";

/// Where the counter listens.
#[derive(Debug, Default, Clone, Args)]
pub struct ListenArgs {
    /// Where to listen: an IP address and a port, 0.0.0.0:8080 for other machines as well [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "BREWLINE_LISTEN", value_parser = said(value::listen))]
    pub listen: Option<SocketAddr>,
}

/// What everyone on the line must know.
#[derive(Debug, Default, Clone, Args)]
pub struct RunArgs {
    /// Open orders at most, 1 to 4294967295; more are refused until there is room [default: 2000000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_OPEN", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_OPEN.parse(n)))]
    pub max_open: Option<u32>,

    #[command(flatten)]
    pub keep: KeepArgs,
}

/// How the topics are to be.
#[derive(Debug, Default, Clone, Args)]
pub struct KeepArgs {
    /// How long records are kept, 2 to 3650 days [default: 30]
    #[arg(long, value_name = "DAYS", env = "BREWLINE_RETENTION_DAYS", allow_negative_numbers = true, value_parser = said(|n: &str| value::RETENTION_DAYS.parse(n)))]
    pub retention_days: Option<u32>,

    /// How many brokers have each record, 1 to 9; topics with fewer are refused [default: new ones as the cluster likes it, others as they are]
    #[arg(long, value_name = "N", env = "BREWLINE_REPLICATION_FACTOR", help_heading = KAFKA, allow_negative_numbers = true, value_parser = said(|n: &str| value::REPLICATION_FACTOR.parse(n)))]
    pub replication_factor: Option<u16>,
}

/// What a counter takes.
#[derive(Debug, Default, Clone, Args)]
pub struct ServeArgs {
    /// Live streams at most, 1 to 1000000; each open page holds one [default: 20000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_STREAMS.parse(n)))]
    pub max_streams: Option<u32>,

    /// Live streams of one address at most, 1 to 1000000; loopback is not counted [default: 512]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS_PER_ADDRESS", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_STREAMS_PER_ADDRESS.parse(n)))]
    pub max_streams_per_address: Option<u32>,

    /// Orders of one address a minute at most, 1 to 1000000; a whole café is one address, loopback is not counted [default: 120]
    #[arg(long, value_name = "N", env = "BREWLINE_ORDERS_PER_MINUTE", allow_negative_numbers = true, value_parser = said(|n: &str| value::ORDERS_PER_MINUTE.parse(n)))]
    pub orders_per_minute: Option<u32>,

    /// Proxies on other machines that are believed when they name a phone's address in X-Forwarded-For: addresses or networks, 64 at most [default: none; those on this machine always are]
    #[arg(long, value_name = "ADDRESS[/PREFIX][,...]", env = "BREWLINE_TRUSTED_PROXIES", value_parser = said(value::trusted_proxies))]
    pub trusted_proxies: Option<TrustedProxies>,

    /// Where phones find the counter, behind a proxy or with a name: https://NAME [default: this machine's address in its network, if it listens there]
    #[arg(long, value_name = "URL", env = "BREWLINE_PUBLIC_URL", value_parser = said(value::public_url))]
    pub public_url: Option<PublicUrl>,

    /// Speak https with this certificate, PEM, with those that lead to its issuer behind it; read again when it changes [default: plain http]
    #[arg(long, value_name = "FILE", env = "BREWLINE_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM, without a passphrase [default: plain http]
    #[arg(long, value_name = "FILE", env = "BREWLINE_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// Make a new staff token, show it once, and forget the old one
    #[arg(long)]
    pub new_staff_token: bool,

    /// Show a link that signs in one device as a manager, also where some are signed in
    #[arg(long)]
    pub sign_in_link: bool,

    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What the shop sells, and how it works.
#[derive(Debug, Default, Clone, Args)]
pub struct ShopArgs {
    /// What is sold; read again when it changes [default: menu.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_MENU", value_parser = FileParser)]
    pub menu: Option<NamedFile>,

    /// The shop's name, currency, hours and rules; read again when it changes [default: shop.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_SHOP", value_parser = FileParser)]
    pub shop: Option<NamedFile>,
}

/// What a barista takes.
#[derive(Debug, Default, Clone, Args)]
pub struct BrewArgs {
    /// Who makes the drinks [default: auto]
    #[arg(long, env = "BREWLINE_MODE", value_parser = said_word::<Mode>())]
    pub mode: Option<Mode>,

    /// How many drinks make themselves at once, 1 to 1000000; where people make them, promises rest on it [default: no limit]
    #[arg(long, value_name = "N", env = "BREWLINE_HANDS", allow_negative_numbers = true, value_parser = said(|n: &str| value::HANDS.parse(n)))]
    pub hands: Option<u32>,

    /// How long one cup takes, 0 to 3600 seconds, where the order does not say [default: 1]
    #[arg(long, value_name = "SECONDS", env = "BREWLINE_SECONDS_PER_CUP", allow_negative_numbers = true, value_parser = said(|n: &str| value::SECONDS_PER_CUP.parse(n)))]
    pub seconds_per_cup: Option<f64>,

    /// Go on although records that were never read, or the state of orders, are gone from the log
    #[arg(long)]
    pub accept_loss: bool,

    /// A name of its own, with which a barista that is started again goes on at once with what it had [default: a new one each time]
    #[arg(long, value_name = "NAME", env = "BREWLINE_INSTANCE", help_heading = KAFKA, value_parser = said(value::instance))]
    pub instance: Option<String>,
}

/// Whether orders' traces are recorded, and where they go. The variables are OpenTelemetry's.
#[derive(Default, Clone, Args)]
pub struct TraceArgs {
    /// Record traces, and send them to this collector: where it takes OTLP over HTTP, as in http://127.0.0.1:4318 [default: no traces]
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", help_heading = TRACES, value_parser = said(str::parse::<CollectorAddress>))]
    pub otlp_endpoint: Option<CollectorAddress>,

    /// Headers for the collector, a key for example, with %20 for a space; better in the environment than here [default: none]
    #[arg(long, value_name = "NAME=VALUE[,NAME=VALUE]", env = "OTEL_EXPORTER_OTLP_HEADERS", help_heading = TRACES, hide_env_values = true)]
    pub otlp_headers: Option<String>,

    /// How many of the traces that begin here are recorded, 0 to 1; one that came with a request says so itself [default: 1]
    #[arg(long, value_name = "RATIO", env = "OTEL_TRACES_SAMPLER_ARG", help_heading = TRACES, allow_negative_numbers = true, value_parser = said(|n: &str| value::TRACE_RATIO.parse(n)))]
    pub trace_ratio: Option<f64>,

    /// What this process is called in traces [default: brewline, brewline-counter or brewline-barista]
    #[arg(long, value_name = "NAME", env = "OTEL_SERVICE_NAME", help_heading = TRACES, value_parser = said(value::service_name))]
    pub service_name: Option<String>,

    /// What else traces say of this process, as in deployment.environment.name=cafe [default: nothing]
    #[arg(long, value_name = "NAME=VALUE[,NAME=VALUE]", env = "OTEL_RESOURCE_ATTRIBUTES", help_heading = TRACES, value_parser = said(value::resource_attributes))]
    pub resource_attributes: Option<Pairs>,
}

const TRACES: &str = "Traces";

/// Without the headers' values.
impl fmt::Debug for TraceArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceArgs").field("otlp_endpoint", &self.otlp_endpoint).finish_non_exhaustive()
    }
}

/// The counter that is asked where a line that runs has the log.
#[derive(Debug, Default, Clone, Args)]
pub struct AskedArgs {
    /// Ask this counter, and do not look at the log [default: only where a line that runs has the log, that line's counter]
    #[arg(long, value_name = "URL", env = "BREWLINE_COUNTER", value_parser = said(value::counter))]
    pub counter: Option<CounterAddress>,

    /// The staff token of the line, or another manager's token [default: none]
    #[arg(long, value_name = "TOKEN", env = "BREWLINE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Whose certificate is trusted where the counter is https, a PEM file [default: those that the system trusts]
    #[arg(long, value_name = "FILE", env = "BREWLINE_CA")]
    pub ca: Option<PathBuf>,
}

/// Whether each order's way is shown.
#[derive(Debug, Default, Clone, Args)]
pub struct QuietArgs {
    /// Do not show each order's way: true or false, alone it is true [default: false]
    #[arg(short, long, env = "BREWLINE_QUIET", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = said(value::switch))]
    pub quiet: Option<bool>,
}

/// Who makes the drinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Drinks make themselves, for practice
    Auto,
    /// People make them and say so
    Manual,
}
