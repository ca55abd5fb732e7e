//! A worker as a process of its own, for a test that pauses it: joins, says "ready", and commits one record for each
//! line that it reads.
//!
//! ```text
//! kafka_worker BROKER PREFIX PARTITIONS
//! ```

use std::{
    error::Error,
    io::{BufRead as _, Write as _},
    time::Duration,
};

use eventlog::{
    Log as _, Polled, Position, Record, Transaction, WorkSpec,
    conformance::{COMMAND, INPUT, OUTPUT, STATE, TOPICS},
    kafka::{KafkaLog, Options},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [broker, prefix, partitions] = &arguments[..] else {
        return Err("say BROKER PREFIX PARTITIONS".into());
    };
    let mut options = Options::new(broker, TOPICS);
    options.prefix.clone_from(prefix);
    let partitions: usize = partitions.parse()?;
    let log = KafkaLog::open(options)?;
    let spec = WorkSpec {
        inputs: vec![INPUT, COMMAND],
        state: STATE,
        outputs: vec![OUTPUT],
        group: "tests".to_owned(),
        instance: None,
    };
    let mut work = log.work(&spec)?;
    let mut earliest = Vec::new();
    while earliest.len() < partitions {
        if let Polled::Assigned(assigned) = work.poll(Duration::from_secs(1))? {
            let from: Vec<_> = assigned.inputs.iter().map(|range| (range.topic, range.earliest)).collect();
            work.start(assigned.partition, &from)?;
            earliest.push(from);
        }
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    for line in std::io::stdin().lock().lines() {
        let record = Record::new(line?, "");
        let position = Position { topic: INPUT, partition: 0, offset: earliest[0][0].1 };
        let transaction = Transaction { records: vec![(OUTPUT, 0, record)], positions: vec![position] };
        writeln!(out, "{:?}", work.commit(transaction).map(drop))?;
    }
    Ok(())
}
