//! The barista that everyone writes first: it takes an order, makes it, rings the bell, and lets Kafka remember by itself
//! how far it has read (`enable.auto.commit`, the default of nearly every client). Kafka remembers what was *read*; what
//! was *made* nobody writes down. `docs/labs/1-kill-the-barista.md` kills it and counts what is lost and what rings twice.
//!
//! `naive-barista BROKER SECONDS`: Kafka is told every so many seconds how far it has read.
#![allow(clippy::print_stdout, reason = "it says what it does")]

use std::{env, thread, time::Duration};

use rdkafka::{
    ClientConfig, ClientContext, Message as _, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaResult,
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};

/// Says when Kafka was told how far this barista has read.
struct Told;

impl ClientContext for Told {}

impl ConsumerContext for Told {
    fn commit_callback(&self, result: KafkaResult<()>, read: &TopicPartitionList) {
        let next = read.elements().iter().find_map(|partition| partition.offset().to_raw());
        if let (Ok(()), Some(next)) = (result, next) {
            println!("told Kafka: everything before offset {next} is done");
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(broker), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("say a broker and how many seconds: naive-barista localhost:9092 5".into());
    };
    let prefix = env::var("BREWLINE_PREFIX").unwrap_or_default();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker);
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    let consumer: BaseConsumer<Told> = config
        .set("group.id", format!("{prefix}barista_group"))
        // A name of its own: started again it goes on at once, and 6 s after its end nobody waits for it.
        .set("group.instance.id", format!("{prefix}naive"))
        .set("session.timeout.ms", "6000")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", (seconds.parse::<u64>()? * 1_000).to_string())
        .create_with_context(Told)?;
    consumer.subscribe(&[&format!("{prefix}order.received")])?;
    println!("open");
    loop {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let mut order: serde_json::Value = serde_json::from_slice(message?.payload().unwrap_or_default())?;
        let id = order["order_id"].as_str().unwrap_or_default().to_owned();
        let cups = order["amount"].as_u64().unwrap_or_default();
        println!("{id}: {cups} cups, being made");
        let (producer, topic) = (producer.clone(), format!("{prefix}order.processed"));
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(cups));
            order["status"] = 1.into();
            let sent = producer.send(BaseRecord::to(&topic).key(&id).payload(&order.to_string())).is_ok();
            if sent && producer.flush(Duration::from_mins(1)).is_ok() {
                println!("{id}: ready, the bell rings");
            }
        });
    }
}
