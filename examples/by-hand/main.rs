//! Writes into the topics and reads them by hand, as a program of someone else might. For the lessons in `docs/labs`.
//!
//! ```text
//! by-hand BROKER write TOPIC            each line of stdin becomes a record, its order's id the key
//! by-hand BROKER read TOPIC ISOLATION   says each order, with read_committed or read_uncommitted, until Ctrl-C
//! by-hand BROKER ring ORDER             rings for an order in a transaction, and never ends the transaction
//! by-hand BROKER settle                 comes back under the same name, which takes back what it left open
//! ```
#![allow(clippy::print_stdout, reason = "it says what it does")]

use std::{env, error::Error, io, thread, time::Duration};

use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let prefix = env::var("BREWLINE_PREFIX").unwrap_or_default();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", *arguments.first().unwrap_or(&"localhost:9092"));
    match arguments.get(1..).unwrap_or_default() {
        ["write", topic] => write(&config, &format!("{prefix}{topic}")),
        ["read", topic, isolation] => read(&mut config, &format!("{prefix}{topic}"), isolation),
        ["ring", order] => ring(&mut config, &prefix, order),
        ["settle"] => transactional(&mut config, &prefix).map(drop),
        _ => Err("say write TOPIC, read TOPIC ISOLATION, ring ORDER or settle after the broker".into()),
    }
}

fn write(config: &ClientConfig, topic: &str) -> Result<(), Box<dyn Error>> {
    let producer: BaseProducer = config.create()?;
    for line in io::stdin().lines() {
        let line = line?;
        // Whatever it is, it is written: that is what a counter without checks does.
        let order: Value = serde_json::from_str(&line).unwrap_or_default();
        let key = order["order_id"].as_str().unwrap_or_default();
        producer.send(BaseRecord::to(topic).key(key).payload(&line)).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(PATIENCE)?)
}

fn read(config: &mut ClientConfig, topic: &str, isolation: &str) -> Result<(), Box<dyn Error>> {
    // Not to commit what was read: whoever comes again hears everything again.
    config.set("group.id", "by-hand").set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.set("isolation.level", isolation).create()?;
    let partitions = consumer.fetch_metadata(Some(topic), PATIENCE)?.topics()[0].partitions().len();
    let mut all = rdkafka::TopicPartitionList::new();
    all.add_partition_range(topic, 0, i32::try_from(partitions)? - 1);
    all.set_all_offsets(rdkafka::Offset::Beginning)?;
    consumer.assign(&all)?;
    println!("listening, {isolation}");
    loop {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let order: Value = serde_json::from_slice(message?.payload().unwrap_or_default())?;
        println!("{}, {} cups", order["order_id"].as_str().unwrap_or_default(), order["amount"]);
    }
}

fn ring(config: &mut ClientConfig, prefix: &str, order: &str) -> Result<(), Box<dyn Error>> {
    let producer = transactional(config, prefix)?;
    producer.begin_transaction()?;
    let bell = json!({"order_id": order, "amount": 1, "status": 1}).to_string();
    let topic = format!("{prefix}order.processed");
    producer.send(BaseRecord::to(&topic).key(order).payload(&bell)).map_err(|(error, _)| error)?;
    producer.flush(PATIENCE)?;
    println!("{order}: the bell rings; the transaction is open");
    loop {
        thread::park();
    }
}

/// A producer that has shut out the one before it of the same name, and taken back what that left open.
fn transactional(config: &mut ClientConfig, prefix: &str) -> Result<BaseProducer, Box<dyn Error>> {
    let producer: BaseProducer = config.set("transactional.id", format!("{prefix}by-hand")).create()?;
    producer.init_transactions(PATIENCE)?;
    Ok(producer)
}
