//! Settings: a flag, then the environment, then the file, then the default. The first two are the command
//! line's; here the other two join them.

use std::{collections::BTreeMap, env, ffi::OsString, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use client::CounterAddress;
use counter::{PublicUrl, TlsFiles};
use eventlog::{Start, Topic};
use order::OrderId;

use crate::{
    catalog,
    catalog::RETENTION_DAYS,
    cli::{
        BaristaArgs, BrewArgs, ClientArgs, CounterArgs, Demo, Dlq, DlqArgs, Global, KafkaArgs, KeepArgs,
        LedgerArgs, LineArgs, LogFormat, Mode, NamedFile, RunArgs, RushArgs, ServeArgs, SharedArgs, ShopArgs,
        TopicsArgs, UpArgs, WatchArgs,
    },
    dlq,
    file::File,
    kafka::check_property,
    log_address::LogAddress,
    menu::{Files, Source},
    value::Told,
};

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
    /// It is practice.
    pub demo: Option<Practice>,
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
    /// Whom to ask.
    pub counter: CounterAddress,
    /// It was named, so the log is not looked at.
    pub asks_counter: bool,
    pub token: Option<String>,
    pub ca: Option<PathBuf>,
    /// Milliseconds since 1970; `None`: now.
    pub at: Option<i64>,
    pub follow: bool,
    pub json: bool,
    pub files: Files,
}

/// Variables that begin with this name properties of librdkafka: `BREWLINE_KAFKA_SASL_PASSWORD` is
/// `sasl.password`, so that a secret need not stand in a command line.
const PROPERTY_VARIABLE: &str = "BREWLINE_KAFKA_";

/// What Kubernetes gives to every program beside a service that is called `brewline-kafka`: no properties.
const SERVICE_VARIABLES: [&str; 3] = ["SERVICE_", "PORT", "PORT_"];

/// The properties among these variables. One that is empty is not set.
fn properties_of(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, String> {
    let mut properties = BTreeMap::new();
    for (name, value) in variables {
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PROPERTY_VARIABLE)) else {
            continue;
        };
        let [service, port, ports] = SERVICE_VARIABLES;
        if rest.starts_with(service) || rest == port || rest.starts_with(ports) || value.is_empty() {
            continue;
        }
        let by = || format!("the environment variable {PROPERTY_VARIABLE}{rest}");
        let value =
            value.into_string().map_err(|_| format!("{} is not text (UTF-8); say it as text", by()))?;
        let property = rest.to_lowercase().replace('_', ".");
        check_property(&property, &value).map_err(|why| format!("{}: {why}", by()))?;
        properties.insert(property, value);
    }
    Ok(properties)
}

impl File {
    /// How diagnostics are written.
    pub fn log_format(&self, global: &Global) -> LogFormat {
        global.log_format.or(self.log_format).unwrap_or(LogFormat::Text)
    }

    /// Where the customers look for the counter.
    pub fn counter(&self, flag: Option<CounterAddress>) -> CounterAddress {
        flag.or_else(|| self.counter.clone()).unwrap_or_default()
    }

    /// Whom the customers trust; `None`: whom the system trusts.
    pub fn ca(&self, flag: Option<PathBuf>) -> Option<PathBuf> {
        flag.or_else(|| self.ca.clone())
    }

    /// Where the customers hear the bells, and who says so; `None`: from the counter.
    pub fn bells(&self, args: &ClientArgs) -> Result<Option<Told<Cluster>>, String> {
        let in_file = || {
            let by = self.places.get("log").cloned().unwrap_or_default();
            self.log.clone().map(|value| Told { value, by })
        };
        match args.log.clone().or_else(in_file) {
            Some(Told { value: LogAddress::Kafka(brokers), by }) => {
                Ok(Some(Told { value: self.cluster(&brokers, &args.kafka)?, by }))
            }
            // Only the line's own process reads an embedded log.
            Some(Told { value: LogAddress::Local(_), .. }) | None => Ok(None),
        }
    }

    /// Where the line keeps its log and listens.
    pub fn line(&self, args: &LineArgs) -> Result<Line, String> {
        let log = match args.log.as_ref().or(self.log.as_ref()) {
            Some(log) => log.clone(),
            None => LogAddress::platform_default()?,
        };
        let log = match log {
            LogAddress::Local(dir) => Place::Local(dir),
            LogAddress::Kafka(brokers) => Place::Kafka(self.cluster(&brokers, &args.kafka)?),
        };
        let keep = self.keep(&KeepArgs::default());
        Ok(Line { log, listen: self.listen(args.listen.listen), keep })
    }

    /// The log that others share. `who` asks.
    pub fn shared(&self, args: &SharedArgs, who: &str) -> Result<Cluster, String> {
        match args.log.as_ref().or(self.log.as_ref()).unwrap_or(&LogAddress::kafka_default()) {
            LogAddress::Kafka(brokers) => self.cluster(brokers, &args.kafka),
            log @ LogAddress::Local(_) => Err(format!(
                "brewline {who} works on a log that others share, and {log} is one process's own; say --log \
                 kafka://HOST:PORT, or start the whole line with brewline up"
            )),
        }
    }

    /// The log that others share, for whoever only looks: `instead` is the way out on an embedded one.
    fn shared_to_look_at(&self, args: &SharedArgs, who: &str, instead: &str) -> Result<Cluster, String> {
        self.shared(args, who).map_err(|_| {
            format!(
                "brewline {who} works on a log that others share, and an embedded one is its process's own; say --log \
                 kafka://HOST:PORT, or {instead}"
            )
        })
    }

    fn cluster(&self, brokers: &str, args: &KafkaArgs) -> Result<Cluster, String> {
        let mut properties = self.kafka.clone().unwrap_or_default();
        properties.extend(properties_of(env::vars_os())?);
        properties.extend(args.kafka.iter().map(|property| (property.key.clone(), property.value.clone())));
        Ok(Cluster {
            brokers: brokers.to_owned(),
            prefix: args.prefix.as_ref().or(self.prefix.as_ref()).cloned().unwrap_or_default(),
            properties,
        })
    }

    pub(crate) fn listen(&self, flag: Option<SocketAddr>) -> SocketAddr {
        flag.or(self.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    fn keep(&self, args: &KeepArgs) -> Keep {
        Keep {
            retention: days(args.retention_days.or(self.retention_days).unwrap_or(RETENTION_DAYS)),
            replication_factor: args.replication_factor.or(self.replication_factor),
        }
    }

    fn max_open(&self, args: &RunArgs) -> usize {
        args.max_open.or(self.max_open).map_or(2_000_000, count)
    }

    fn serve(&self, listen: Option<SocketAddr>, args: &ServeArgs) -> Result<Serve, String> {
        Ok(Serve {
            listen: self.listen(listen),
            max_streams: args.max_streams.or(self.max_streams).map_or(counter::Options::MAX_STREAMS, count),
            max_streams_per_address: args
                .max_streams_per_address
                .or(self.max_streams_per_address)
                .map_or(counter::Options::MAX_STREAMS_PER_ADDRESS, count),
            orders_per_minute: args
                .orders_per_minute
                .or(self.orders_per_minute)
                .unwrap_or(counter::Options::ORDERS_PER_MINUTE),
            new_staff_token: args.new_staff_token,
            sign_in_link: args.sign_in_link,
            files: self.files(&args.shop),
            public_url: args.public_url.as_ref().or(self.public_url.as_ref()).cloned(),
            tls: self.tls(args)?,
        })
    }

    /// Where the shop's files are.
    pub fn files(&self, args: &ShopArgs) -> Files {
        let source = |flag: &Option<NamedFile>, key: &str, path: &Option<PathBuf>, found: &str| {
            let in_file = || Some((path.clone()?, self.places.get(key).cloned()));
            let flag = flag.clone().map(|NamedFile { path, by }| (path, Some(by)));
            let (path, by) = flag.or_else(in_file).unwrap_or_else(|| (found.into(), None));
            Source { path, by }
        };
        Files {
            menu: source(&args.menu, "menu", &self.menu, "menu.toml"),
            shop: source(&args.shop, "shop", &self.shop, "shop.toml"),
            practice: false,
        }
    }

    fn tls(&self, args: &ServeArgs) -> Result<Option<TlsFiles>, String> {
        let cert = args.tls_cert.as_ref().or(self.tls_cert.as_ref()).cloned();
        let key = args.tls_key.as_ref().or(self.tls_key.as_ref()).cloned();
        match (cert, key) {
            (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key })),
            (None, None) => Ok(None),
            (Some(cert), None) => Err(format!(
                "the certificate {} has a private key in another file, or in the same one; name it with --tls-key",
                cert.display()
            )),
            (None, Some(key)) => Err(format!(
                "the private key {} belongs to a certificate; name that with --tls-cert",
                key.display()
            )),
        }
    }

    fn brew(&self, args: &BrewArgs, quiet: Option<bool>) -> Brew {
        Brew {
            mode: args.mode.or(self.mode).unwrap_or(Mode::Auto),
            hands: args.hands.or(self.hands).map(count),
            seconds_per_cup: args.seconds_per_cup.or(self.seconds_per_cup).unwrap_or(1.0),
            accept_loss: args.accept_loss,
            instance: args.instance.as_ref().or(self.instance.as_ref()).cloned(),
            quiet: quiet.or(self.quiet).unwrap_or(false),
        }
    }

    /// The whole line in one process.
    pub fn up(&self, args: &UpArgs) -> Result<Run, String> {
        if let Some(who) = args.demo {
            return self.practice(args, who);
        }
        let Line { log, listen, .. } = self.line(&args.line)?;
        Ok(Run {
            log,
            keep: self.keep(&args.run.keep),
            max_open: self.max_open(&args.run),
            counter: Some(self.serve(Some(listen), &args.serve)?),
            barista: Some(self.brew(&args.brew, args.quiet.quiet)),
            demo: None,
        })
    }

    /// The same for practice: whatever log the file names is a shop's.
    fn practice(&self, args: &UpArgs, who: Demo) -> Result<Run, String> {
        let dir = match &args.line.log {
            None => None,
            Some(LogAddress::Local(dir)) => Some(dir.clone()),
            Some(log @ LogAddress::Kafka(_)) => {
                return Err(format!(
                    "--demo practises on a throw-away log of its own, and {log} is one that others share; leave out --log and \
                     BREWLINE_LOG"
                ));
            }
        };
        if args.brew.mode == Some(Mode::Auto) {
            return Err(
                "--demo has people who make the drinks; leave out --mode auto and BREWLINE_MODE".to_owned()
            );
        }
        let counter = self.serve(args.line.listen.listen, &args.serve)?;
        Ok(Run {
            log: Place::Local(dir.clone().unwrap_or_default()),
            keep: self.keep(&args.run.keep),
            max_open: self.max_open(&args.run),
            // Those who practise come over plain HTTP.
            counter: Some(Serve {
                tls: None,
                files: Files { practice: true, ..counter.files.clone() },
                ..counter
            }),
            barista: Some(Brew { mode: Mode::Manual, ..self.brew(&args.brew, args.quiet.quiet) }),
            demo: Some(Practice { who, dir }),
        })
    }

    /// A rush.
    pub fn rush(&self, args: &RushArgs) -> Result<Rush, String> {
        let target = match (&args.counter, &args.token) {
            (None, _) => Target::Own { keep: args.keep.clone(), files: self.files(&args.shop) },
            (Some(_), _) if args.faults || args.keep.is_some() => {
                return Err(
                    "a rush kills, and keeps, only what it started itself; leave out --faults and --keep, or --counter"
                        .to_owned(),
                );
            }
            (Some(counter), None) => {
                return Err(format!(
                    "say the staff token of {counter}, which brewline up --demo showed there, with --token"
                ));
            }
            (Some(counter), Some(token)) => Target::Other { counter: counter.clone(), token: token.clone() },
        };
        let RushArgs { customers, minutes, speed, seed, faults, .. } = *args;
        Ok(Rush { customers, minutes, speed, seed, faults, target })
    }

    /// A counter alone.
    pub fn counter_alone(&self, args: &CounterArgs) -> Result<Run, String> {
        Ok(Run {
            log: Place::Kafka(self.shared(&args.log, "counter")?),
            keep: self.keep(&args.run.keep),
            max_open: self.max_open(&args.run),
            counter: Some(self.serve(args.listen.listen, &args.serve)?),
            barista: None,
            demo: None,
        })
    }

    /// A barista alone.
    pub fn barista_alone(&self, args: &BaristaArgs) -> Result<Run, String> {
        Ok(Run {
            log: Place::Kafka(self.shared(&args.log, "barista")?),
            keep: self.keep(&args.run.keep),
            max_open: self.max_open(&args.run),
            counter: None,
            barista: Some(self.brew(&args.brew, args.quiet.quiet)),
            demo: None,
        })
    }

    /// The topics on a cluster.
    pub fn topics(&self, args: &TopicsArgs) -> Result<Topics, String> {
        Ok(Topics {
            cluster: self.shared(&args.log, "topics")?,
            keep: self.keep(&args.keep),
            partitions: args.partitions,
            dry_run: args.dry_run,
        })
    }

    /// Records as they come.
    pub fn watch(&self, args: &WatchArgs) -> Result<Watch, String> {
        let instead =
            "see each order's way where brewline up runs, or follow GET /events there with the staff token";
        let all = || catalog(Duration::ZERO).iter().map(|spec| spec.name).collect();
        let mut topics = if args.topic.is_empty() { all() } else { args.topic.clone() };
        topics.sort_unstable();
        topics.dedup();
        Ok(Watch {
            cluster: self.shared_to_look_at(&args.log, "watch", instead)?,
            topics,
            from: args.from.clone().unwrap_or(Start::End),
            order: args.order.clone(),
            json: args.json,
        })
    }

    /// The ledger: where the log is, and whom to ask if somebody else has it.
    pub fn ledger(&self, args: &LedgerArgs) -> Result<Ledger, String> {
        let counter = args.counter.clone().or_else(|| self.counter.clone());
        let shop = ShopArgs { menu: None, shop: args.shop.clone() };
        Ok(Ledger {
            line: self.line(&args.line)?,
            asks_counter: counter.is_some(),
            counter: counter.unwrap_or_default(),
            token: args.token.clone(),
            ca: self.ca(args.ca.clone()),
            at: args.at,
            follow: args.follow,
            json: args.json,
            files: self.files(&shop),
        })
    }

    /// Dead letters: where they are, and what to do.
    pub fn dlq(&self, args: &DlqArgs) -> Result<(Cluster, dlq::What), String> {
        let (log, what) = match &args.what {
            Dlq::List { log, all } => (log, dlq::What::List { all: *all }),
            Dlq::Show { log, letter } => (log, dlq::What::Show(letter.letter)),
            Dlq::Retry { log, letter, again } => {
                (log, dlq::What::Retry { letter: letter.letter, again: *again })
            }
            Dlq::Drop { log, letter } => (log, dlq::What::Drop(letter.letter)),
        };
        let instead = "see at GET /metrics where brewline up runs how many dead letters there are";
        Ok((self.shared_to_look_at(log, "dlq", instead)?, what))
    }
}

fn count(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::{fmt::Display, path::Path};

    use clap::{Parser as _, ValueEnum};

    use super::*;
    use crate::{
        cli,
        value::{self, Number},
    };

    fn parse(text: &str) -> Result<File, String> {
        File::parse(text, Path::new("brewline.toml"))
    }

    /// What `up` with these flags needs to know, on an embedded log.
    fn up(file: &File, brew: BrewArgs) -> (Run, Serve, Brew) {
        let line = LineArgs { log: Some(LogAddress::Local("/nowhere".into())), ..LineArgs::default() };
        let run = file.up(&UpArgs { line, brew, ..UpArgs::default() }).unwrap();
        let (counter, barista) = (run.counter.clone().unwrap(), run.barista.clone().unwrap());
        (run, counter, barista)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = parse("seconds_per_cup = 2.5\nhands = 2\n").unwrap();
        let (_, _, barista) = up(&file, BrewArgs { hands: Some(3), ..BrewArgs::default() });
        assert_eq!((barista.hands, barista.mode), (Some(3), Mode::Auto));
        assert!((barista.seconds_per_cup - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn who_names_the_files_of_the_shop_is_known_and_without_anyone_they_need_not_be_there() {
        let flag = NamedFile { path: "a.toml".into(), by: "--menu".to_owned() };
        let args = ShopArgs { menu: Some(flag), shop: None };
        let file = parse("hands = 2\nmenu = \"b.toml\"\nshop = \"c.toml\"\n").unwrap();
        let source = |path: &str, by: Option<&str>| Source { path: path.into(), by: by.map(str::to_owned) };
        let Files { menu, shop, .. } = file.files(&args);
        assert_eq!(
            (menu, shop),
            (source("a.toml", Some("--menu")), source("c.toml", Some("brewline.toml:3")))
        );
        let Files { menu, shop, .. } = File::default().files(&ShopArgs::default());
        assert_eq!((menu, shop), (source("menu.toml", None), source("shop.toml", None)));
    }

    #[test]
    fn properties_of_a_flag_win_over_those_of_the_file_one_by_one() {
        let file = parse("prefix = \"a.\"\n[kafka]\nlinger.ms = 1\nsasl.username = \"bob\"\n").unwrap();
        let property = cli::Property { key: "linger.ms".into(), value: "2".into() };
        let kafka = KafkaArgs { prefix: None, kafka: vec![property] };
        let cluster = file.shared(&SharedArgs { log: None, kafka }, "counter").unwrap();
        assert_eq!((&cluster.brokers[..], &cluster.prefix[..]), ("localhost:9092", "a."));
        assert_eq!(
            (&cluster.properties["linger.ms"][..], &cluster.properties["sasl.username"][..]),
            ("2", "bob")
        );
        assert!(!format!("{cluster:?}").contains("bob"), "{cluster:?}");
    }

    #[test]
    fn a_variable_names_a_property_and_those_of_a_service_do_not() {
        let variables = [
            ("BREWLINE_KAFKA_SASL_PASSWORD", "x=y"),
            ("BREWLINE_KAFKA_SSL_CA_LOCATION", ""),
            ("BREWLINE_KAFKA_PORT", "tcp://10.0.0.1:9092"),
            ("BREWLINE_KAFKA_PORT_9092_TCP_ADDR", "10.0.0.1"),
            ("BREWLINE_KAFKA_SERVICE_HOST", "10.0.0.1"),
            ("HOME", "/"),
        ];
        let all = properties_of(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(all, Ok(BTreeMap::from([("sasl.password".to_owned(), "x=y".to_owned())])));
    }

    #[test]
    fn whoever_names_a_log_for_the_bells_is_known_by_name() {
        let cli::Command::Client(mut args) =
            cli::Cli::try_parse_from(["brewline", "client"]).unwrap().command
        else {
            panic!("it is a client");
        };
        let file = parse("\nlog = \"kafka://cafe\"\nprefix = \"seoul.\"\n").unwrap();
        let bells = |file: &File, args: &ClientArgs| {
            file.bells(args).unwrap().map(|told| (told.value.brokers, told.value.prefix, told.by))
        };
        assert_eq!(bells(&File::default(), &args), None);
        let said = |brokers: &str, by: &str| Some((brokers.into(), "seoul.".into(), by.into()));
        assert_eq!(bells(&file, &args), said("cafe:9092", "brewline.toml:2"));
        let told = |log: &str| Some(Told { value: log.parse().unwrap(), by: "--log".to_owned() });
        args.log = told("kafka://bar:9093");
        assert_eq!(bells(&file, &args), said("bar:9093", "--log"));
        args.log = told("local:/nowhere");
        assert_eq!(bells(&file, &args), None);
    }

    #[test]
    fn a_wrong_property_is_blamed_on_its_variable_without_its_value() {
        for (name, says) in [
            ("BREWLINE_KAFKA_SASL_PASSWORT", "there is no Kafka property sasl.passwort"),
            ("BREWLINE_KAFKA_SECURITY_PROTOCOL", "the Kafka property security.protocol can't have"),
            ("BREWLINE_KAFKA_ACKS", "the Kafka property acks is not yours to set"),
        ] {
            let error = properties_of([(name.into(), "geheim".into())].into_iter()).unwrap_err();
            assert!(error.starts_with(&format!("the environment variable {name}: {says}")), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn what_works_on_a_shared_log_says_so_of_an_embedded_one() {
        let log = Some(LogAddress::Local("/var/lib/brewline".into()));
        let args = SharedArgs { log, ..SharedArgs::default() };
        let error = File::default().shared(&args, "counter").unwrap_err();
        assert!(
            error.contains("--log kafka://HOST:PORT") && error.contains("local:/var/lib/brewline"),
            "{error}"
        );
    }

    /// What the help says of a flag.
    fn help(of: &str, flag: &str) -> String {
        let command = crate::command();
        let command = command.find_subcommand(of).unwrap();
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag)).unwrap();
        let about = arg.get_help().unwrap().to_string();
        match arg.get_default_values() {
            [] => about,
            [default, ..] => format!("{about} [default: {}]", default.display()),
        }
    }

    #[test]
    fn the_help_names_each_range_and_default_as_they_are_enforced() {
        fn check<T: Display>(number: &Number<T>, of: &str, flag: &str, default: &dyn Display) {
            let (help, range) = (help(of, flag), &number.range);
            let says = format!("{} to {}", range.start(), range.end());
            assert!(help.contains(&says), "--{flag}: {says:?} is not in {help:?}");
            assert!(
                help.ends_with(&format!("[default: {default}]")),
                "--{flag}: {default} is not in {help:?}"
            );
        }
        let (run, serve, brew) = up(&File::default(), BrewArgs::default());
        assert_eq!(brew.hands, None);
        check(&value::HANDS, "up", "hands", &"no limit");
        check(&value::SECONDS_PER_CUP, "up", "seconds-per-cup", &brew.seconds_per_cup);
        check(&value::MAX_OPEN, "up", "max-open", &run.max_open);
        check(&value::MAX_STREAMS, "up", "max-streams", &serve.max_streams);
        check(
            &value::MAX_STREAMS_PER_ADDRESS,
            "up",
            "max-streams-per-address",
            &serve.max_streams_per_address,
        );
        check(&value::ORDERS_PER_MINUTE, "up", "orders-per-minute", &serve.orders_per_minute);
        check(&value::RETENTION_DAYS, "up", "retention-days", &(run.keep.retention.as_secs() / 24 / 60 / 60));
        check(&value::CUSTOMERS, "client", "customers", &10);
        check(&value::SEED, "client", "seed", &"others each time");
        check(&value::CUSTOMERS, "rush", "customers", &200);
        check(&value::MINUTES, "rush", "minutes", &10);
        check(&value::SPEED, "rush", "speed", &60);
        check(&value::SEED, "rush", "seed", &"another each time");
        for (of, flag, default) in [
            ("up", "listen", serve.listen.to_string()),
            ("counter", "listen", serve.listen.to_string()),
            ("doctor", "listen", serve.listen.to_string()),
            ("up", "mode", word(&brew.mode)),
            ("barista", "mode", word(&brew.mode)),
            ("up", "quiet", brew.quiet.to_string()),
            ("counter", "log", LogAddress::kafka_default().to_string()),
            ("client", "counter", CounterAddress::default().to_string()),
        ] {
            let help = help(of, flag);
            assert!(
                help.ends_with(&format!("[default: {default}]")),
                "--{flag}: {default} is not in {help:?}"
            );
        }
        let command = crate::command();
        let about =
            command.get_arguments().find(|arg| arg.get_long() == Some("log-format")).unwrap().get_help();
        let global = Global { config: None, verbose: 0, log_format: None };
        let default = word(&File::default().log_format(&global));
        assert!(about.unwrap().to_string().ends_with(&format!("[default: {default}]")));
    }

    #[test]
    fn every_flag_that_takes_a_value_names_a_default() {
        let command = crate::command();
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            // What has to be said has none.
            let optional = |arg: &&clap::Arg| arg.get_action().takes_values() && !arg.is_required_set();
            for arg in command.get_arguments().filter(optional) {
                let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let is_named = about.contains("[default: ") || !arg.get_default_values().is_empty();
                assert!(is_named, "{}: {about:?}", arg.get_id());
            }
        }
    }

    fn word(value: &impl ValueEnum) -> String {
        value.to_possible_value().unwrap().get_name().to_owned()
    }

    #[test]
    fn a_flag_or_the_environment_can_take_back_what_the_file_switches_on() {
        let file = parse("quiet = true\n").unwrap();
        for (quiet, is_quiet) in [(None, true), (Some(false), false), (Some(true), true)] {
            assert_eq!(file.brew(&BrewArgs::default(), quiet).quiet, is_quiet);
        }
    }

    #[test]
    fn a_certificate_and_its_key_come_together_from_wherever_they_are_said() {
        let file = parse("tls_cert = \"cert.pem\"\n").unwrap();
        let tls = |tls_key: Option<&str>| {
            file.tls(&ServeArgs { tls_key: tls_key.map(PathBuf::from), ..ServeArgs::default() })
        };
        let files = TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() };
        assert_eq!(tls(Some("key.pem")), Ok(Some(files)));
        assert!(tls(None).unwrap_err().contains("name it with --tls-key"));
        let key = ServeArgs { tls_key: Some("key.pem".into()), ..ServeArgs::default() };
        assert!(File::default().tls(&key).unwrap_err().contains("name that with --tls-cert"));
        assert_eq!(File::default().tls(&ServeArgs::default()), Ok(None));
    }

    #[test]
    fn the_defaults_are_those_of_the_parts() {
        let (run, serve, brew) = up(&File::default(), BrewArgs::default());
        let (counter, barista) = (counter::Options::default(), barista::Options::default());
        assert_eq!((serve.listen, run.max_open), (counter.listen, counter.max_open));
        assert_eq!((brew.hands, run.max_open), (barista.hands, barista.max_open));
        let seconds = Duration::from_millis(order::Rules::default().cup_ms).as_secs_f64();
        assert!((brew.seconds_per_cup - seconds).abs() < f64::EPSILON);
    }
}
