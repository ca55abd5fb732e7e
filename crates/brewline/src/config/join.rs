//! Settings: a flag, then the environment, then the file, then the default. The first two are the command
//! line's; here the other two join them.

use std::{env, net::SocketAddr, path::PathBuf, time::Duration};

use client::CounterAddress;
use counter::TlsFiles;
use eventlog::Start;

use super::{
    Brew, Cluster, Keep, Ledger, Line, Place, Practice, Run, Rush, Serve, Target, Topics, Traces, Watch,
    days, properties::properties_of,
};
use crate::{
    catalog,
    catalog::RETENTION_DAYS,
    cli::{
        BaristaArgs, BrewArgs, ClientArgs, CounterArgs, Demo, Dlq, DlqArgs, Global, KafkaArgs, KeepArgs,
        LedgerArgs, LineArgs, LogFormat, Mode, NamedFile, RunArgs, RushArgs, ServeArgs, SharedArgs, ShopArgs,
        TopicsArgs, TraceArgs, UpArgs, WatchArgs,
    },
    collector::Headers,
    dlq,
    file::File,
    log_address::LogAddress,
    menu::{Files, Source},
    value::Told,
};

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

    pub(crate) fn keep(&self, args: &KeepArgs) -> Keep {
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
            trusted_proxies: args
                .trusted_proxies
                .as_ref()
                .or(self.trusted_proxies.as_ref())
                .cloned()
                .unwrap_or_default(),
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

    pub(crate) fn tls(&self, args: &ServeArgs) -> Result<Option<TlsFiles>, String> {
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

    pub(super) fn brew(&self, args: &BrewArgs, quiet: Option<bool>) -> Brew {
        Brew {
            mode: args.mode.or(self.mode).unwrap_or(Mode::Auto),
            hands: args.hands.or(self.hands).map(count),
            seconds_per_cup: args.seconds_per_cup.or(self.seconds_per_cup).unwrap_or(1.0),
            accept_loss: args.accept_loss,
            instance: args.instance.as_ref().or(self.instance.as_ref()).cloned(),
            quiet: quiet.or(self.quiet).unwrap_or(false),
        }
    }

    /// Whether traces are recorded. `service`: what the process is called, if nobody says it.
    fn traces(&self, args: &TraceArgs, service: &str) -> Result<Traces, String> {
        let headers = Headers::parse(args.otlp_headers.as_deref().unwrap_or_default())
            .map_err(|why| format!("--otlp-headers or OTEL_EXPORTER_OTLP_HEADERS: {why}"))?;
        let service_name = args.service_name.as_ref().or(self.service_name.as_ref());
        let resource = args.resource_attributes.as_ref().or(self.resource_attributes.as_ref());
        Ok(Traces {
            collector: args.otlp_endpoint.as_ref().or(self.otlp_endpoint.as_ref()).cloned(),
            headers,
            ratio: args.trace_ratio.or(self.trace_ratio).unwrap_or(1.0),
            service: service_name.cloned().unwrap_or_else(|| service.to_owned()),
            resource: resource.cloned().unwrap_or_default(),
        })
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
            metrics_listen: None,
            demo: None,
            traces: self.traces(&args.traces, "brewline")?,
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
            metrics_listen: None,
            demo: Some(Practice { who, dir }),
            traces: self.traces(&args.traces, "brewline")?,
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
            metrics_listen: None,
            demo: None,
            traces: self.traces(&args.traces, "brewline-counter")?,
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
            metrics_listen: args.metrics_listen.or(self.metrics_listen),
            demo: None,
            traces: self.traces(&args.traces, "brewline-barista")?,
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
        let shop = ShopArgs { menu: None, shop: args.shop.clone() };
        Ok(Ledger {
            line: self.line(&args.line)?,
            asked: self.asked(&args.asked, args.line.log.as_ref()),
            at: args.at.clone(),
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
