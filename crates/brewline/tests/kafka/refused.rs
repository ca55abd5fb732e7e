//! Wrong addresses, passwords, certificates and missing permissions: one sentence each, with the address, and never a
//! password.

use std::process::{Command, Output};

use crate::{
    bed::{Shop, broker, last_word, place, quiet, until},
    load::root,
    own::Broker,
    strange::order,
    support::{Process, address, brewline, get},
};

/// In none of the outputs of this file.
const PASSWORDS: [&str; 3] = ["brewline-secret", "guest-secret", "wrong-secret"];

fn assert_no_password(said: &str) {
    assert!(PASSWORDS.iter().all(|password| !said.contains(password)), "{said}");
}

/// A user at the port with SASL over TLS.
fn user(at: &str, authority: &str, name: &str, password: &str, args: &[&str]) -> Command {
    let log = format!("kafka://{at}");
    let properties = [
        "security.protocol=SASL_SSL".to_owned(),
        "sasl.mechanism=SCRAM-SHA-256".to_owned(),
        format!("ssl.ca.location={authority}"),
        format!("sasl.username={name}"),
        format!("sasl.password={password}"),
    ];
    let mut command = brewline(&[args, &["--log", &log]].concat());
    command.args(properties.iter().flat_map(|property| ["--kafka", property]));
    command
}

fn secure(port: u16) -> String {
    format!("localhost:{}", port + 2)
}

fn authority(port: u16) -> String {
    let file = root().join(format!("target/kafka/{port}/ca.pem"));
    file.to_str().unwrap().to_owned()
}

/// The port of the broker that is shared.
fn shared() -> u16 {
    broker().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap()
}

/// One sentence on stderr and exit code 1.
fn refusal(said: Output) -> String {
    let text = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_no_password(&text.concat());
    assert_eq!(said.status.code(), Some(1), "{text:?}");
    let sentence = text[1].strip_prefix("brewline: ").unwrap_or_else(|| panic!("{text:?}")).trim_end();
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence.to_owned()
}

const COMMANDS: [&[&str]; 5] = [
    &["counter", "--listen", "127.0.0.1:0"],
    &["barista"],
    &["up", "--listen", "127.0.0.1:0"],
    &["topics"],
    &["client", "--once"],
];

#[test]
fn a_wrong_password_ends_every_command_with_one_sentence_that_names_the_address() {
    let at = secure(shared());
    for command in COMMANDS {
        let said =
            refusal(user(&at, &authority(shared()), "brewline", "wrong-secret", command).output().unwrap());
        assert!(
            said.contains(&at) && said.contains("check sasl.mechanism, sasl.username"),
            "{command:?}: {said}"
        );
    }
}

#[test]
fn a_certificate_of_another_authority_ends_every_command_with_one_sentence_that_names_the_address() {
    let at = secure(shared());
    for command in COMMANDS {
        // The authorities of this system did not sign it.
        let said = refusal(user(&at, "probe", "brewline", "brewline-secret", command).output().unwrap());
        assert!(said.contains(&at) && said.contains("ssl.ca.location"), "{command:?}: {said}");
    }
}

#[test]
fn a_password_is_in_no_line_however_much_is_said() {
    let (at, shop) = (secure(shared()), Shop::new());
    let args = ["up", "--listen", "127.0.0.1:0", "-vv", "--seconds-per-cup", "0", "--prefix", &shop.prefix];
    let mut up = Process::start(user(&at, &authority(shared()), "brewline", "brewline-secret", &args));
    let counter = address(&up.hear(|line| line.starts_with("  health")));
    up.hear(|line| line.contains(" client -c 10"));
    assert_eq!(place(counter, 1, None).unwrap().status, 202);
    up.hear(|line| line.contains("the bell rings"));
    up.signal(rustix::process::Signal::TERM);
    let (status, heard) = up.end();
    assert!(status.success(), "{heard:#?}");
    assert!(heard.iter().any(|line| line.contains(" DEBUG ")), "it said more: {heard:#?}");
    assert_no_password(&heard.join("\n"));
}

#[test]
fn a_session_time_that_the_brokers_do_not_allow_ends_a_barista_with_one_sentence() {
    let shop = Shop::new();
    let said = last_word(Process::start(shop.command("barista", &["--kafka", "session.timeout.ms=10"])));
    assert!(said.contains(&shop.broker) && said.contains("session.timeout.ms"), "{said}");
    assert!(said.contains("6000 to 1800000 ms"), "{said}");
}

#[test]
fn an_address_where_nobody_is_is_said_once_and_tried_until_somebody_is() {
    let _quiet = quiet();
    let port = shared() + 40;
    let log = format!("kafka://127.0.0.1:{port}");
    let commands =
        [&["counter", "--listen", "127.0.0.1:0"][..], &["barista"], &["up", "--listen", "127.0.0.1:0"]];
    let mut processes = commands.map(|args| Process::start(brewline(&[args, &["--log", &log]].concat())));
    for process in &mut processes {
        let said = process.hear(|line| line.contains("trying until it works"));
        assert!(said.contains(&format!("cannot work on Kafka at 127.0.0.1:{port}")), "{said}");
    }
    let _broker = Broker::start(40, false);
    for process in &mut processes {
        process.hear(|line| line.contains("answers now"));
        let said = process.heard.iter().filter(|line| line.contains("cannot work on Kafka")).count();
        assert_eq!(said, 1, "{:#?}", process.heard);
        process.hear(|line| line.starts_with("Ctrl-C stops"));
    }
}

/// A broker with a user who may do something.
struct Guarded {
    broker: Broker,
}

impl Guarded {
    fn start() -> Self {
        let guarded = Self { broker: Broker::start(30, true) };
        let everything = ["--topic", "shop-", "--group", "shop-", "--transactional-id", "shop-"];
        guarded.rule(
            &[&["--add", "--allow-principal", "User:guest", "--operation", "All"], &everything[..]].concat(),
            true,
        );
        guarded
    }

    /// Kafka's own tool says who may do what.
    fn rule(&self, args: &[&str], prefixed: bool) {
        let libs = root().join("target/kafka/libs/*");
        let mut tool = Command::new("java");
        tool.arg("-cp").arg(libs).args(["org.apache.kafka.tools.AclCommand", "--bootstrap-server"]);
        tool.arg(self.broker.address()).args(args);
        tool.args(["--resource-pattern-type", if prefixed { "prefixed" } else { "literal" }]);
        let said = tool.output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    fn guest(&self, prefix: &str, args: &[&str]) -> Command {
        let (at, authority) = (secure(self.broker.port), authority(self.broker.port));
        user(&at, &authority, "guest", "guest-secret", &[args, &["--prefix", prefix]].concat())
    }

    /// A shop in which the guest may do everything but this.
    fn without(&self, operation: &str, what: &str, name: &str) -> Shop {
        let shop = Shop::at(self.broker.address());
        let name = format!("{}{name}", shop.prefix);
        let said = self.guest(&shop.prefix, &["topics"]).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let denied = ["--add", "--deny-principal", "User:guest", "--operation", operation, what, &name];
        self.rule(&denied, what == "--transactional-id");
        shop
    }

    /// The guest may do it again.
    fn give_back(&self, shop: &Shop, operation: &str, what: &str, name: &str) {
        let (name, force) = (format!("{}{name}", shop.prefix), ["--remove", "--force"]);
        let denied = ["--deny-principal", "User:guest", "--operation", operation, what, &name];
        self.rule(&[&force[..], &denied].concat(), what == "--transactional-id");
    }
}

#[test]
fn a_missing_permission_is_one_sentence_that_names_the_address_and_what_is_refused() {
    let _quiet = quiet();
    let guarded = Guarded::start();
    let at = secure(guarded.broker.port);
    for command in &COMMANDS[..3] {
        let said = refusal(guarded.guest("nobody-", command).output().unwrap());
        assert!(said.contains(&at) && said.contains("topic nobody-order.received"), "{command:?}: {said}");
        assert!(said.ends_with("give it the permission there"), "{said}");
    }
    for (operation, what, name, args) in [
        ("Read", "--topic", "order.received", &[][..]),
        ("Write", "--topic", "order.processed", &[]),
        ("Read", "--group", "barista_group", &[]),
        ("Write", "--transactional-id", "barista_group", &[]),
        // One with a name also writes down that it is its own.
        ("Read", "--group", "barista_group-one", &["--instance", "one"]),
    ] {
        let shop = guarded.without(operation, what, name);
        shop.write(&shop.stranger(&[]), "order.received", "order", &order("order", 1));
        let barista = guarded.guest(&shop.prefix, &[&["barista", "--seconds-per-cup", "0"], args].concat());
        let said = last_word(Process::start(barista));
        assert!(
            said.contains(&at) && said.ends_with("give it the permission there"),
            "{operation} {name}: {said}"
        );
        assert!(said.contains(&format!("{}{name}", shop.prefix)), "{operation} {name}: {said}");
    }
    // A counter goes on: it shows what it has, and says what it can't do.
    let shop = guarded.without("Write", "--topic", "order.received");
    let mut counter = Process::start(guarded.guest(&shop.prefix, COMMANDS[0]));
    let listens = address(&counter.hear(|line| line.starts_with("  health")));
    counter.hear(|line| line.starts_with("Ctrl-C stops"));
    let answer = place(listens, 1, None).unwrap();
    assert_eq!((answer.status, &answer.json()["code"]), (503, &"not_written".into()), "{answer:?}");
    let said = counter.hear(|line| line.contains("the log takes no records"));
    assert!(said.contains(&shop.topic("order.received")) && said.contains(&at), "{said}");
    assert_eq!(get(listens, "/livez").unwrap().status, 200);
    guarded.give_back(&shop, "Write", "--topic", "order.received");
    until("an order to be accepted", || place(listens, 1, None).ok().filter(|answer| answer.status == 202));
    counter.hear(|line| line.contains("the log takes records again"));
}
