//! A print shop on `eventlog`: `print-shop DIR JOB PAGES` hands in a job and prints until it is done. Killed and started
//! again it goes on where it was, and the same name is the same job.
#![allow(clippy::print_stdout, reason = "it says what it does")]

#[allow(unreachable_pub, reason = "a test has it as a module, too")]
mod shop;

use std::{
    env,
    error::Error,
    time::{Duration, SystemTime},
};

use eventlog::{Log as _, Record, Start, block_on, local, partition_for};

fn main() -> Result<(), Box<dyn Error>> {
    let [dir, job, pages] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("say a directory, a job's name and its pages: print-shop jobs thesis 80".into());
    };
    // Or, with the feature `kafka`: kafka::KafkaLog::open(kafka::Options::new("localhost:9092", &shop::topics()))?
    let log = local::LocalLog::open(local::Options::new(dir, &shop::topics()))?;
    let mut done = log.follow(&[(shop::DONE, Start::Beginning)])?;
    let partition = partition_for(job.as_bytes(), log.partitions(shop::JOB));
    let record = Record::new(job.clone(), pages.clone());
    let at = block_on(log.publisher().publish(shop::JOB, partition, record, Duration::from_secs(5)))?;
    println!("{job} is in the log at {}-{}@{}", at.topic, at.partition, at.offset);
    let mut printer = shop::Printer::new(&*log)?;
    let is_ours = |key: Option<&[u8]>| key == Some(job.as_bytes());
    while !done.poll(Duration::ZERO)?.entries.iter().any(|entry| is_ours(entry.record.key.as_deref())) {
        printer.step(Duration::from_millis(50), || {
            let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })?;
    }
    println!("{job} is ready");
    Ok(())
}
