//! That what is said wins in the right order, and that the help says what holds.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser as _, ValueEnum};

use client::CounterAddress;
use counter::TlsFiles;

use super::*;
use crate::{
    cli::{
        self, AskedArgs, BrewArgs, ClientArgs, Global, KafkaArgs, LineArgs, NamedFile, ServeArgs, SharedArgs,
        ShopArgs, UpArgs,
    },
    file::File,
    log_address::LogAddress,
    menu::Source,
    value::{self, Number, Told},
};

fn parse(text: &str) -> Result<File, String> {
    File::parse(text, Path::new("brewline.toml")).map_err(|mistakes| mistakes.to_string())
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
    assert_eq!((menu, shop), (source("a.toml", Some("--menu")), source("c.toml", Some("brewline.toml:3"))));
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
fn whoever_names_a_log_for_the_bells_is_known_by_name() {
    let cli::Command::Client(mut args) = cli::Cli::try_parse_from(["brewline", "client"]).unwrap().command
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
        assert!(help.ends_with(&format!("[default: {default}]")), "--{flag}: {default} is not in {help:?}");
    }
    let (run, serve, brew) = up(&File::default(), BrewArgs::default());
    assert_eq!(brew.hands, None);
    check(&value::HANDS, "up", "hands", &"no limit");
    check(&value::SECONDS_PER_CUP, "up", "seconds-per-cup", &brew.seconds_per_cup);
    check(&value::MAX_OPEN, "up", "max-open", &run.max_open);
    check(&value::MAX_STREAMS, "up", "max-streams", &serve.max_streams);
    check(&value::MAX_STREAMS_PER_ADDRESS, "up", "max-streams-per-address", &serve.max_streams_per_address);
    check(&value::ORDERS_PER_MINUTE, "up", "orders-per-minute", &serve.orders_per_minute);
    let most = format!(", {} at most [default: none; ", counter::TrustedProxies::MOST);
    assert!(help("up", "trusted-proxies").contains(&most));
    assert_eq!(serve.trusted_proxies, counter::Options::default().trusted_proxies);
    check(&value::RETENTION_DAYS, "up", "retention-days", &(run.keep.retention.as_secs() / 24 / 60 / 60));
    check(&value::TRACE_RATIO, "up", "trace-ratio", &1);
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
        assert!(help.ends_with(&format!("[default: {default}]")), "--{flag}: {default} is not in {help:?}");
    }
    let command = crate::command();
    let about = command.get_arguments().find(|arg| arg.get_long() == Some("log-format")).unwrap().get_help();
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
fn a_counter_of_the_file_is_not_asked_where_a_log_is_said() {
    let file = parse("counter = \"http://cafe:8080\"\n").unwrap();
    let log: LogAddress = "kafka://broker:9092".parse().unwrap();
    let said = AskedArgs { counter: Some("http://other:8080".parse().unwrap()), ..AskedArgs::default() };
    let is_named = |file: &File, args: &AskedArgs, log| file.asked(args, log).is_named;
    assert!(is_named(&file, &AskedArgs::default(), None));
    assert!(!is_named(&file, &AskedArgs::default(), Some(&log)));
    assert!(is_named(&file, &said, Some(&log)), "who says both means the counter");
    assert!(!is_named(&File::default(), &AskedArgs::default(), None));
    // It is asked all the same where a line that runs has the log.
    assert_eq!(file.asked(&AskedArgs::default(), Some(&log)).counter.to_string(), "http://cafe:8080");
}

#[test]
fn traces_are_off_until_a_collector_is_named_and_each_process_has_a_name_of_its_own() {
    let traces = |file: &File, args: &[&str]| {
        let args = [&["brewline"], args].concat();
        let run = match cli::Cli::try_parse_from(args).unwrap().command {
            cli::Command::Up(args) => file.up(&args),
            cli::Command::Counter(args) => file.counter_alone(&args),
            cli::Command::Barista(args) => file.barista_alone(&args),
            other => panic!("{other:?}"),
        };
        run.unwrap().traces
    };
    assert_eq!(traces(&File::default(), &["counter", "--trace-ratio", "0.5"]).collector, None);
    let file = parse("otlp_endpoint = \"http://cafe:4318\"\ntrace_ratio = 0.1\n").unwrap();
    for (command, service) in
        [("up", "brewline"), ("counter", "brewline-counter"), ("barista", "brewline-barista")]
    {
        let traces = traces(&file, &[command]);
        assert_eq!((traces.service.as_str(), &traces.headers), (service, &Headers::default()));
        assert_eq!(traces.collector.unwrap().to_string(), "http://cafe:4318/v1/traces");
        assert!((traces.ratio - 0.1).abs() < f64::EPSILON);
    }
    let said =
        ["up", "--otlp-headers", "key=geheim", "--service-name", "bar", "--resource-attributes", "a=b%20c"];
    let traces = traces(&file, &said);
    assert_eq!(
        (traces.service.as_str(), traces.resource.as_slice()),
        ("bar", &[("a".into(), "b c".into())][..])
    );
    assert!(!format!("{traces:?}").contains("geheim"));
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
