//! SASL/SCRAM over TLS, and what is said when it, or the address, is wrong. `scripts/kafka start --secure` makes the
//! listener, two ports above the plain one.

use std::{path::PathBuf, time::Instant};

use eventlog::{
    Log as _, OpenError, Polled, Position, Record, Start, Transaction,
    conformance::{INPUT, OUTPUT, TOPICS},
    kafka::{KafkaLog, Options},
};

use crate::bed::{KafkaBed, WAIT, broker, everything, keys, publish, spec, start_all, take_all, until};

fn port() -> u16 {
    let broker = broker();
    broker.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("host:port")
}

fn secure_address() -> String {
    format!("localhost:{}", port() + 2)
}

/// The authority that `scripts/kafka` has made for this broker.
fn authority() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join(format!("target/kafka/{}/ca.pem", port()));
    assert!(file.exists(), "{} is missing: start the broker with --secure", file.display());
    file.to_str().expect("a path that is text").to_owned()
}

fn set(options: &mut Options, properties: &[(&str, &str)]) {
    for (name, value) in properties {
        options.property(name, value).expect("a property");
    }
}

fn sign_in(options: &mut Options, password: &str, authority: &str) {
    set(
        options,
        &[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            ("sasl.username", "brewline"),
            ("sasl.password", password),
            ("ssl.ca.location", authority),
        ],
    );
}

/// Why it does not open; and that it says so within the time that is waited for a first answer.
fn refusal(options: Options) -> OpenError {
    let began = Instant::now();
    let error = KafkaLog::open(options).expect_err("it can't be opened");
    assert!(began.elapsed().as_secs() < 15, "{error} came late");
    let said = error.to_string();
    assert!(!said.contains('\n') && !said.contains("geheim"), "{said}");
    error
}

#[test]
fn a_line_works_over_tls_with_a_password() {
    let mut bed = KafkaBed::new();
    bed.options.brokers = secure_address();
    sign_in(&mut bed.options, "brewline-secret", &authority());
    let log = eventlog::conformance::Bed::open(&mut bed);
    publish(&*log, INPUT, 0, "cup");
    assert_eq!(keys(&everything(&*log, INPUT)), ["cup"]);
    let mut work = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *work);
}

#[test]
fn a_wrong_password_is_one_sentence_that_needs_a_person() {
    let mut options = Options::new(secure_address(), TOPICS);
    sign_in(&mut options, "geheim", &authority());
    let error = refusal(options);
    let OpenError::NotUsable(said) = error else { panic!("{error:?}") };
    assert!(said.contains(&secure_address()) && said.contains("sasl.password"), "{said}");
}

#[test]
fn a_certificate_that_is_not_trusted_is_one_sentence_that_needs_a_person() {
    let mut options = Options::new(secure_address(), TOPICS);
    // Another authority's certificate: the one of this system, whatever it holds.
    sign_in(&mut options, "brewline-secret", "probe");
    let error = refusal(options);
    let OpenError::NotUsable(said) = error else { panic!("{error:?}") };
    assert!(said.contains(&secure_address()) && said.contains("ssl.ca.location"), "{said}");
}

#[test]
fn a_plain_client_at_an_encrypted_port_is_told_in_one_sentence() {
    let said = refusal(Options::new(secure_address(), TOPICS)).to_string();
    assert!(said.contains(&secure_address()) && said.contains("security.protocol"), "{said}");
}

#[test]
fn a_wrong_address_is_one_sentence_that_may_heal() {
    // Reserved, so nobody listens there.
    let error = refusal(Options::new("127.0.0.1:1", TOPICS));
    let OpenError::Storage(said) = error else { panic!("{error:?}") };
    assert!(said.contains("127.0.0.1:1") && said.contains("refused"), "{said}");
}

#[test]
fn a_host_that_is_not_known_is_one_sentence_that_may_heal() {
    // A name that is never given: RFC 6761.
    let error = refusal(Options::new("cafe.invalid:9092", TOPICS));
    let OpenError::Storage(said) = error else { panic!("{error:?}") };
    assert!(said.contains("cafe.invalid:9092") && said.contains("name is not known"), "{said}");
}

#[test]
fn one_address_that_refuses_does_no_harm_beside_one_that_works_or_may_work_later() {
    // The same place by names that its certificate does not have.
    let [refuses, refuses_too] = ["127.1", "127.0.1"].map(|host| format!("{host}:{}", port() + 2));
    let mut bed = KafkaBed::new();
    sign_in(&mut bed.options, "brewline-secret", &authority());
    bed.options.brokers = format!("{refuses},{refuses_too},{}", secure_address());
    // More than once, for any of them may be asked first.
    let mut keys_so_far = Vec::new();
    for round in 0..5 {
        let log = bed.process();
        let mut follower = log.follow(&[(OUTPUT, Start::Beginning)]).expect("it can be followed");
        let mut work = log.work(&spec(None)).expect("it can be joined");
        let (assigned, _) = take_all(&*log, &mut *work);
        start_all(&mut *work, &assigned);
        let key = round.to_string();
        let position = publish(&*log, INPUT, 0, &key);
        until("the session to read it", || match work.poll(WAIT).expect("the session goes on") {
            Polled::Records(entries) => keys(&entries).contains(&key).then_some(()),
            _ => None,
        });
        let records = vec![(OUTPUT, 0, Record::new(key.clone(), ""))];
        let positions = vec![Position { offset: position.offset + 1, ..position }];
        work.commit(Transaction { records, positions }).expect("it is committed");
        keys_so_far.push(key);
        let mut seen = Vec::new();
        until("the follower to see it", || {
            seen.extend(keys(&follower.poll(WAIT).expect("the follower goes on").entries));
            (seen.len() == keys_so_far.len()).then_some(())
        });
        assert_eq!(seen, keys_so_far);
    }
    let mut options = bed.options.clone();
    options.brokers = format!("{refuses},127.0.0.1:1");
    let error = refusal(options.clone());
    let OpenError::Storage(said) = error else { panic!("the other one may come back: {error:?}") };
    assert!(said.contains("ssl.ca.location"), "{said}");
    options.brokers = format!("{refuses},{refuses_too}");
    let error = refusal(options);
    let OpenError::NotUsable(_) = error else { panic!("both need a person: {error:?}") };
}

#[test]
fn a_log_shows_no_secret() {
    let mut bed = KafkaBed::new();
    bed.options.brokers = secure_address();
    sign_in(&mut bed.options, "brewline-secret", &authority());
    let log = bed.process();
    let shown = format!("{log:?}");
    assert!(shown.contains("sasl.password") && !shown.contains("brewline-secret"), "{shown}");
}
