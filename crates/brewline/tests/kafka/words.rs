//! What is said to whoever begins on a cluster: topics that are weak, refused or to be made, wrong properties, addresses
//! where no Kafka is, and where the bells are heard.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
};

use rustix::process::Signal;

use crate::{
    bed::Shop,
    support::{Process, Said, brewline, run},
};

/// The one sentence of a command that could not be.
fn sentence(said: &Said) -> &str {
    assert_eq!((said.code, &said.stdout[..]), (Some(1), ""), "{said:?}");
    let sentence = said.stderr.strip_prefix("brewline: ").unwrap_or_else(|| panic!("{said:?}")).trim_end();
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence
}

#[test]
fn topics_with_one_copy_are_warned_of_at_the_first_start_as_at_the_second() {
    let shop = Shop::new();
    for _ in 0..2 {
        let counter = shop.counter(&[]);
        counter.process.signal(Signal::TERM);
        let (_, heard) = counter.process.end();
        let weak = |line: &&String| line.contains("one broker alone has its records");
        let said: Vec<_> = heard.iter().filter(weak).collect();
        let [said] = said[..] else { panic!("{heard:#?}") };
        assert!(said.contains("every topic: "), "{said}");
    }
    // It says so once, too, and not on stderr beside it.
    let other = Shop::new();
    let said = other.said(&["topics"]);
    assert_eq!((said.stdout.matches("one broker alone").count(), &said.stderr[..]), (1, ""), "{said:?}");
}

#[test]
fn fewer_partitions_than_there_are_is_one_sentence_and_changes_nothing() {
    let shop = Shop::with_partitions(3);
    for args in [&["topics", "--partitions", "2"][..], &["topics", "--partitions", "2", "--dry-run"]] {
        let said = shop.said(args);
        assert_eq!(said.code, Some(1), "{said:?}");
        let bad: Vec<_> = said.stdout.lines().filter(|line| line.starts_with("BAD: ")).collect();
        let [bad] = bad[..] else { panic!("{said:?}") };
        assert!(bad.contains(&format!("every topic but {}", shop.topic("shop.state"))), "{bad}");
        assert!(bad.contains("it has 3 partitions, and 2 were asked for; Kafka takes none away"), "{bad}");
    }
    assert_eq!(shop.said(&["topics", "--partitions", "3"]).code, Some(0));
}

#[test]
fn a_dry_run_says_what_a_run_would_do_and_does_nothing() {
    let shop = Shop::new();
    let dry = |args: &[&str]| shop.said(&[&["topics", "--dry-run"], args].concat());
    let said = dry(&["--partitions", "2"]);
    assert_eq!(said.stdout.matches("would be made, with 2 partitions").count(), 6, "{said:?}");
    assert_eq!(said.stdout.matches("would be made, with 1 partition\n").count(), 1, "{said:?}");
    let refused = dry(&["--replication-factor", "3"]);
    for said in [&refused, &shop.said(&["topics", "--replication-factor", "3"])] {
        assert_eq!((said.code, said.stdout.matches("BAD: ").count()), (Some(1), 1), "{said:?}");
        assert!(said.stdout.contains("the cluster has 1 broker, and 3 copies were asked for"), "{said:?}");
    }
    let counter = shop.command("counter", &["--listen", "127.0.0.1:0", "--replication-factor", "3"]);
    let heard = crate::bed::last_word(Process::start(counter));
    assert!(heard.contains("the cluster has 1 broker, and 3 copies were asked for"), "{heard}");
    assert_eq!(dry(&[]).stdout.matches("missing").count(), 7, "nothing was made");
    assert_eq!(shop.said(&["topics"]).code, Some(0));
    let said = dry(&["--partitions", "4"]);
    assert_eq!(said.stdout.matches("would get 3 partitions more").count(), 6, "{said:?}");
    assert_eq!(dry(&[]).stdout.matches("would").count(), 0);
}

#[test]
fn a_wrong_property_is_blamed_on_who_says_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("brewline.toml");
    fs::write(&file, "log = \"kafka://localhost:1\"\n\n[kafka]\nlinger.ms = 1\nsasl.passwort = \"geheim\"\n")
        .unwrap();
    let output = brewline(&["topics"]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("brewline: brewline.toml:5: there is no Kafka property sasl.passwort"),
        "{said}"
    );
    let variable = "BREWLINE_KAFKA_SECURITY_PROTOCOL";
    let output = brewline(&["topics"]).env(variable, "geheim").output().unwrap();
    let in_variable = String::from_utf8(output.stderr).unwrap();
    let begins =
        format!("brewline: the environment variable {variable}: the Kafka property security.protocol");
    assert!(in_variable.starts_with(&begins), "{in_variable}");
    let by_flag = run(&["topics", "--kafka", "acks=geheim"]).stderr;
    assert!(by_flag.contains("--kafka: the Kafka property acks is not yours to set"), "{by_flag}");
    assert!(![said, in_variable, by_flag].concat().contains("geheim"));
}

#[test]
fn an_address_where_no_kafka_speaks_says_who_is_there_instead() {
    // A web server.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let log = format!("kafka://{at}");
    let said = run(&["topics", "--log", &log]);
    let web = sentence(&said);
    assert!(web.contains(&at.to_string()) && web.contains("a web server answers there"), "{web}");
    // The port for TLS and passwords.
    let shop = Shop::new();
    let (host, port) = shop.broker.rsplit_once(':').unwrap();
    let secure = format!("{host}:{}", port.parse::<u16>().unwrap() + 2);
    let log = format!("kafka://{secure}");
    let said = run(&["topics", "--log", &log]);
    let plain = sentence(&said);
    assert!(
        plain.contains(&secure) && plain.contains("it wants TLS there; set security.protocol"),
        "{plain}"
    );
    let said = run(&["topics", "--log", &log, "--kafka", "security.protocol=SASL_SSL"]);
    let unset = sentence(&said);
    assert!(unset.contains("set sasl.mechanism to what the broker takes: PLAIN"), "{unset}");
    // And the one without.
    let log = format!("kafka://{}", shop.broker);
    let said = run(&["topics", "--log", &log, "--kafka", "security.protocol=SSL"]);
    let tls = sentence(&said);
    assert!(tls.contains("it takes no TLS there"), "{tls}");
    // Nor does somebody who hangs up before anything is said.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs_up = format!("kafka://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let said = run(&["topics", "--log", &hangs_up, "--kafka", "security.protocol=SSL"]);
    let tls = sentence(&said);
    assert!(tls.contains("it takes no TLS there"), "{tls}");
    let user =
        ["sasl.mechanism=PLAIN", "sasl.username=a", "sasl.password=b", "security.protocol=SASL_PLAINTEXT"];
    let user: Vec<_> = user.iter().flat_map(|property| ["--kafka", property]).collect();
    let said = run(&[&["topics", "--log", &log], &user[..]].concat());
    let nobody = sentence(&said);
    assert!(nobody.contains("it takes no user names there; set security.protocol"), "{nobody}");
}

#[test]
fn a_client_whose_log_the_environment_names_says_where_it_hears_the_bells() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let at = format!("http://{}", counter.at);
    let client = |prefix: &str| {
        let mut client = brewline(&["client", "-c", "1", "--once", "--counter", &at]);
        client.env("BREWLINE_LOG", format!("kafka://{}", shop.broker)).env("BREWLINE_PREFIX", prefix);
        client
    };
    let output = client(&shop.prefix).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let place = format!(
        "{} on Kafka at {}, as the environment variable BREWLINE_LOG",
        shop.topic("order.processed"),
        shop.broker
    );
    assert!(said.contains(&place), "{said}");
    // Whoever listens at the wrong place is told before the wait.
    let mut astray = Process::start(client("nobody-"));
    astray.hear(|line| line.contains("nobody-order.processed on Kafka") && line.contains("not there yet"));
    astray.hear(|line| line.starts_with("Order accepted"));
    astray.signal(Signal::INT);
    assert_eq!(astray.end().0.code(), Some(1));
}
