//! A log that is made of another one's records.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use eventlog::{
    Entry, Record,
    conformance::{STATE, TOPICS},
    kafka::Import,
    transfer::{Contents, Span, Take as _},
};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};

use crate::bed::{BOUND, KafkaBed, broker, everything, keys, until};

const GROUP: &str = "workers";

/// A log with one partition, of whose state every third record was compacted away, up to `end`.
fn with_gaps(end: u64) -> Contents {
    let span = |topic, start, end| Span { topic, partition: 0, start, end, newest: Some(1_000) };
    let others = TOPICS.iter().filter(|spec| spec.name != STATE).map(|spec| span(spec.name, 0, 0));
    Contents { spans: others.chain([span(STATE, 0, end)]).collect(), ..Contents::default() }
}

fn fill(import: &mut Import, contents: &Contents) {
    import.begin(contents).expect("it begins");
    let end = contents.spans.iter().find(|span| span.topic == STATE).expect("the state").end;
    for offset in (0..end).filter(|offset| offset % 3 != 2) {
        let record = Record::new(offset.to_string(), "value");
        let entry = Entry { topic: STATE, partition: 0, offset, timestamp: 1_000, record };
        import.record(entry).expect("it is taken");
    }
}

/// An import that nobody stops.
fn import(bed: &KafkaBed, again: bool) -> Import {
    Import::new(bed.options.clone(), GROUP, again, Arc::new(|| false))
}

fn bed() -> KafkaBed {
    let mut bed = KafkaBed::new();
    bed.options.partitions = None;
    bed
}

#[test]
fn what_comes_after_a_mark_does_not_take_its_place_however_fast_it_comes() {
    let mut bed = bed();
    bed.options.property("linger.ms", "0").expect("a property");
    let contents = with_gaps(300);
    let mut import = import(&bed, false);
    fill(&mut import, &contents);
    assert_eq!(import.finish().expect("it is whole"), 200);
    bed.remove_all();
}

#[test]
fn an_import_that_hung_removes_nothing_of_another_that_was_finished_meanwhile() {
    let bed = bed();
    let mut hangs = import(&bed, false);
    fill(&mut hangs, &with_gaps(3));
    // The second one waits until it is known what stands behind it. The first must be there, else it lands in the topic
    // that the other import makes, which then says, and rightly, that somebody else writes to it.
    let name = format!("{}{STATE}", bed.options.prefix);
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker()).create().expect("a client");
    until("the first record to be written", || {
        client.fetch_watermarks(&name, 0, BOUND).ok().filter(|(_, end)| *end == 1)
    });
    let mut other = import(&bed, true);
    fill(&mut other, &with_gaps(6));
    assert_eq!(other.finish().expect("it is whole"), 4);
    drop(hangs);
    assert_eq!(keys(&everything(&*bed.look(), STATE)), ["0", "1", "3", "4"]);
    bed.remove_all();
}

#[test]
fn an_import_that_is_given_up_removes_what_it_made() {
    let bed = bed();
    let mut first = import(&bed, false);
    fill(&mut first, &with_gaps(3));
    drop(first);
    // Else it would find something there.
    let mut second = import(&bed, false);
    fill(&mut second, &with_gaps(3));
    assert_eq!(second.finish().expect("it is whole"), 2);
    bed.remove_all();
}

#[test]
fn an_import_is_stopped_also_while_it_fills_what_is_missing() {
    let bed = bed();
    let left = Mutex::new(1_000);
    let stop = Arc::new(move || {
        let mut left = left.lock().expect("nobody panics");
        *left -= 1;
        *left == 0
    });
    let mut import = Import::new(bed.options.clone(), GROUP, false, stop);
    let contents = with_gaps(10_000_000);
    import.begin(&contents).expect("it begins");
    let record = Record::new("last", "value");
    let entry = Entry { topic: STATE, partition: 0, offset: 9_999_999, timestamp: 1_000, record };
    let stopped = import.record(entry).expect_err("it is stopped");
    assert!(stopped.to_string().contains("stopped"), "{stopped}");
    drop(import);
    bed.remove_all();
}

#[test]
fn records_of_a_time_that_has_not_come_are_imported() {
    const AHEAD_MS: i64 = 366 * 86_400_000;
    let bed = bed();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let wrong = i64::try_from(now.as_millis()).expect("it is before the year 292,278,994") + AHEAD_MS;
    let mut import = import(&bed, false);
    import.begin(&with_gaps(1)).expect("it begins");
    let entry =
        Entry { topic: STATE, partition: 0, offset: 0, timestamp: wrong, record: Record::new("0", "value") };
    import.record(entry).expect("it is taken");
    assert_eq!(import.finish().expect("it is whole"), 1);
    bed.remove_all();
}
