//! A line of its own, by its prefix, for each test on one broker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use eventlog::{
    Log,
    conformance::{Ability, Bed, TOPICS, block_on},
    kafka::{KafkaLog, Options},
};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

/// Where the broker is.
pub(crate) fn broker() -> String {
    std::env::var("BREWLINE_TEST_KAFKA").expect(
        "these tests need a broker: run `scripts/kafka start --port 29092 --secure --java`, then say \
         BREWLINE_TEST_KAFKA=127.0.0.1:29092",
    )
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{:x}-{number}.", std::process::id(), since.as_nanos())
}

pub(crate) fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", broker()).create().expect("a client")
}

/// Topics of one prefix, removed in the end.
pub(crate) struct KafkaBed {
    pub(crate) options: Options,
    log: Option<Arc<KafkaLog>>,
}

impl KafkaBed {
    pub(crate) fn new() -> Self {
        let mut options = Options::new(broker(), TOPICS);
        options.prefix = prefix();
        options.partitions = Some(3);
        // A worker that is not polled is given up as early as the broker allows: 6 s is its
        // group.min.session.timeout.ms.
        for (name, value) in [("session.timeout.ms", "6000"), ("max.poll.interval.ms", "6000")] {
            options.property(name, value).expect("a property");
        }
        Self { options, log: None }
    }

    /// Another process on the same line.
    pub(crate) fn process(&self) -> Arc<KafkaLog> {
        KafkaLog::open(self.options.clone()).expect("the log opens")
    }
}

impl Bed for KafkaBed {
    fn open(&mut self) -> Arc<dyn Log> {
        let log = self.process();
        self.log = Some(log.clone());
        log
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        if let Some(log) = self.log.take() {
            log.close();
        }
        self.open()
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::Share
    }

    fn pass_time(&mut self, by: Duration) {
        // The broker's clock moves by itself.
        std::thread::sleep(by);
    }
}

impl Drop for KafkaBed {
    fn drop(&mut self) {
        if self.log.is_some() {
            let names: Vec<_> =
                TOPICS.iter().map(|topic| format!("{}{}", self.options.prefix, topic.name)).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            // What is left behind disturbs no other test.
            let _ = block_on(admin().delete_topics(&names, &AdminOptions::new()));
        }
    }
}
