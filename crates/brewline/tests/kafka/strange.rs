//! What someone else writes into a shop's topics, and commands that look at it.

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use crate::{
    bed::Shop,
    support::{PATIENCE, Process, Said, brewline, run},
};

impl Shop {
    /// A command with this shop's log behind all of its words.
    pub(crate) fn args(&self, args: &[&str]) -> Vec<String> {
        let log = format!("kafka://{}", self.broker);
        let all = [args, &["--log", &log, "--prefix", &self.prefix]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// One that ends by itself, and what it said.
    pub(crate) fn said(&self, args: &[&str]) -> Said {
        run(&self.args(args).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// One that goes on.
    pub(crate) fn start(&self, args: &[&str]) -> Process {
        Process::start(self.words(args))
    }

    pub(crate) fn words(&self, args: &[&str]) -> std::process::Command {
        brewline(&self.args(args).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Someone else's producer.
    pub(crate) fn stranger(&self, properties: &[(&str, &str)]) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.broker).set("linger.ms", "0");
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config.create().unwrap()
    }

    /// A producer that has begun a transaction.
    pub(crate) fn transaction(&self) -> BaseProducer {
        let producer = self.stranger(&[("transactional.id", &self.topic("stranger"))]);
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        producer
    }

    /// Writes bytes, and waits until the broker has them.
    pub(crate) fn write(&self, producer: &BaseProducer, topic: &str, key: &str, value: &[u8]) {
        let name = self.topic(topic);
        let record = BaseRecord::to(&name).partition(0).key(key).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
}

/// An order as the first counter wrote it.
pub(crate) fn order(id: &str, amount: u32) -> Vec<u8> {
    format!(r#"{{"order_id":"{id}","amount":{amount},"status":0}}"#).into_bytes()
}
