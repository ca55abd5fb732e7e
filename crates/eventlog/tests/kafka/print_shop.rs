//! The example of another line turns here with the same code.

use std::time::{Duration, Instant};

use eventlog::{
    Log as _, Record, Start, block_on,
    kafka::{KafkaLog, Options},
};

use crate::bed::{BOUND, broker, prefix};

#[allow(unreachable_pub, reason = "the example has it as a module, too")]
#[path = "../../../../examples/print-shop/shop.rs"]
mod shop;

#[test]
fn a_print_shop_on_kafka_prints_a_job_once_over_a_restart() {
    let mut options = Options::new(broker(), &shop::topics());
    options.prefix = prefix();
    let log = KafkaLog::open(options).expect("the log opens");
    let job = |name: &'static str| {
        let published = log.publisher().publish(shop::JOB, 0, Record::new(name, "1"), BOUND);
        block_on(published).expect("it is written");
    };
    let mut done = log.follow(&[(shop::DONE, Start::Beginning)]).expect("it follows");
    let began = Instant::now();
    let now = || 1_000_000 + i64::try_from(began.elapsed().as_millis()).expect("a short test");
    let mut heard = Vec::new();
    // The second printer begins with what the first one left, and is handed the first job once more.
    for (again, last) in [("one", "one"), ("one", "two")] {
        job(again);
        job(last);
        let mut printer = shop::Printer::new(&*log).expect("it works");
        while heard.last().is_none_or(|name| name != last) {
            assert!(began.elapsed() < BOUND, "{heard:?}");
            printer.step(Duration::from_millis(50), now).expect("the session lasts");
            let entries = done.poll(Duration::ZERO).expect("it follows").entries;
            heard.extend(entries.into_iter().filter_map(|entry| entry.record.key));
        }
    }
    assert_eq!(heard, ["one", "two"]);
}
