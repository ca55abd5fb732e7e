//! What is removed under the line: positions, records, topics.

use std::time::Duration;

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};
use rustix::process::Signal;

use crate::{
    bed::{Shop, block_on, last_word},
    support::{PATIENCE, Process},
};

const QUICK: [&str; 3] = ["-v", "--seconds-per-cup", "0"];

impl Shop {
    /// Removes what stands before `offset`, as retention does.
    fn remove_before(&self, topic: &str, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic(topic), 0, Offset::Offset(offset)).unwrap();
        let removed = block_on(self.admin().delete_records(&list, &AdminOptions::new())).unwrap();
        removed.elements().iter().for_each(|place| place.error().unwrap());
    }

    fn delete_topic(&self, topic: &str) {
        let deleted = block_on(self.admin().delete_topics(&[&self.topic(topic)], &AdminOptions::new()));
        assert!(deleted.unwrap().iter().all(Result::is_ok));
    }

    /// A topic that was deleted a moment ago may be there for a moment longer.
    fn make_topic(&self, topic: &str) {
        let name = self.topic(topic);
        let new = NewTopic::new(&name, 1, TopicReplication::Fixed(1))
            .set("message.timestamp.type", "LogAppendTime");
        let until = std::time::Instant::now() + PATIENCE;
        while block_on(self.admin().create_topics([&new], &AdminOptions::new())).unwrap()[0].is_err() {
            assert!(std::time::Instant::now() < until, "{name} is not made");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn group(&self) -> String {
        format!("{}barista_group", self.prefix)
    }

    /// Moves the group's position of the orders, as an admin's tool does while nobody works.
    fn move_group_to(&self, offset: i64) {
        let consumer: BaseConsumer = rdkafka::ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", self.group())
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic("order.received"), 0, Offset::Offset(offset)).unwrap();
        consumer.commit(&list, CommitMode::Sync).unwrap();
    }

    /// Orders of one cup, as someone else's counter writes them.
    fn orders(&self, ids: &[&str]) {
        for id in ids {
            self.publish("order.received", 0, id, &format!(r#"{{"order_id":"{id}","amount":1,"status":0}}"#));
        }
    }

    /// Each of these was called once, and nothing else.
    fn assert_called_once(&self, ids: &[&str]) {
        let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        let bells = self.wait_for_bells(&ids);
        assert!(bells.len() == ids.len() && bells.values().all(|bells| *bells == 1), "{ids:?}: {bells:?}");
    }
}

fn stop(process: Process) {
    process.signal(Signal::TERM);
    let (status, heard) = process.end();
    assert!(status.success(), "{heard:#?}");
}

#[test]
fn where_the_groups_positions_are_gone_or_moved_each_order_is_made_once_all_the_same() {
    let shop = Shop::new();
    let barista = shop.barista(&QUICK);
    shop.orders(&["before-1", "before-2"]);
    shop.assert_called_once(&["before-1", "before-2"]);
    stop(barista);
    shop.orders(&["between-1"]);
    let deleted = block_on(shop.admin().delete_groups(&[&shop.group()], &AdminOptions::new()));
    assert!(deleted.unwrap().iter().all(Result::is_ok));
    let barista = shop.barista(&QUICK);
    shop.orders(&["after-1"]);
    shop.assert_called_once(&["before-1", "before-2", "between-1", "after-1"]);
    stop(barista);
    for (offset, id) in [(0, "back"), (5, "forth")] {
        shop.orders(&[&format!("between-{id}")]);
        shop.move_group_to(offset);
        let mut barista = shop.barista(&QUICK);
        barista.hear(|line| line.contains("the group's position is another than the state's"));
        shop.orders(&[&format!("after-{id}")]);
        shop.wait_for_bells(&[format!("between-{id}"), format!("after-{id}")]);
        stop(barista);
    }
    shop.assert_called_once(&[
        "before-1",
        "before-2",
        "between-1",
        "after-1",
        "between-back",
        "after-back",
        "between-forth",
        "after-forth",
    ]);
}

#[test]
fn records_that_were_removed_unread_stop_a_barista_with_their_number_until_the_loss_is_accepted() {
    let shop = Shop::new();
    let barista = shop.barista(&QUICK);
    shop.orders(&["made"]);
    shop.assert_called_once(&["made"]);
    stop(barista);
    shop.orders(&["lost-1", "lost-2", "lost-3", "kept"]);
    shop.remove_before("order.received", 4);
    for _ in 0..2 {
        let said = last_word(shop.barista(&QUICK));
        assert!(said.contains("3 records of order.received-0 were removed before they were read"), "{said}");
        assert!(said.contains("(offsets 1 to 3)") && said.contains("--accept-loss"), "{said}");
    }
    assert_eq!(shop.bells().len(), 1, "nothing is made before the loss is accepted");
    let barista = shop.barista(&[&QUICK[..], &["--accept-loss"]].concat());
    shop.assert_called_once(&["made", "kept"]);
    stop(barista);
    // It was accepted, and that is remembered.
    let _barista = shop.barista(&QUICK);
    shop.orders(&["after"]);
    shop.assert_called_once(&["made", "kept", "after"]);
}

#[test]
fn a_state_that_was_deleted_stops_a_barista_until_the_loss_is_accepted_and_nothing_is_made_twice() {
    let shop = Shop::new();
    let barista = shop.barista(&QUICK);
    shop.orders(&["made-1", "made-2"]);
    shop.assert_called_once(&["made-1", "made-2"]);
    stop(barista);
    shop.orders(&["waits"]);
    shop.delete_topic("order.state");
    for _ in 0..2 {
        let said = last_word(shop.barista(&QUICK));
        assert!(said.contains("order.state-0 is empty"), "{said}");
        assert!(said.contains("read up to offset 2") && said.contains("--accept-loss"), "{said}");
    }
    assert_eq!(shop.bells().len(), 2, "nothing is made before the loss is accepted");
    let barista = shop.barista(&[&QUICK[..], &["--accept-loss"]].concat());
    shop.assert_called_once(&["made-1", "made-2", "waits"]);
    stop(barista);
    // It was accepted, and that is remembered.
    let _barista = shop.barista(&QUICK);
    shop.orders(&["after"]);
    shop.assert_called_once(&["made-1", "made-2", "waits", "after"]);
}

#[test]
fn records_that_are_removed_before_a_running_barista_reads_them_stop_it_with_their_number() {
    let shop = Shop::new();
    // Nothing that it has asked for waits at the broker for what comes next.
    let barista = shop.barista(&[&QUICK[..], &["--kafka", "fetch.wait.max.ms=0"]].concat());
    shop.orders(&["made"]);
    shop.assert_called_once(&["made"]);
    // It is somewhere else while they come and go.
    barista.signal(Signal::STOP);
    shop.orders(&["lost-1", "lost-2", "kept"]);
    shop.remove_before("order.received", 3);
    barista.signal(Signal::CONT);
    let said = last_word(barista);
    assert!(said.contains("2 records of order.received-0") && said.contains("--accept-loss"), "{said}");
    let _barista = shop.barista(&[&QUICK[..], &["--accept-loss"]].concat());
    shop.assert_called_once(&["made", "kept"]);
}

#[test]
fn a_topic_of_orders_that_was_made_anew_is_another_log_and_a_barista_says_so() {
    let shop = Shop::new();
    let barista = shop.barista(&QUICK);
    shop.orders(&["made-1", "made-2"]);
    shop.assert_called_once(&["made-1", "made-2"]);
    stop(barista);
    shop.delete_topic("order.received");
    shop.make_topic("order.received");
    let said = last_word(shop.barista(&QUICK));
    assert!(said.contains("order.received-0 is not the log this line was working on"), "{said}");
    // As many as before: only what they are tells.
    shop.orders(&["new-1", "new-2", "new-3"]);
    let said = last_word(shop.barista(&QUICK));
    assert!(said.contains("another record than the one last read now stands at 1"), "{said}");
}

#[test]
fn a_topic_of_orders_that_is_made_anew_under_a_running_barista_is_another_log_and_it_says_so() {
    let shop = Shop::new();
    let mut barista = shop.barista(&QUICK);
    shop.orders(&["made-1", "made-2"]);
    shop.assert_called_once(&["made-1", "made-2"]);
    shop.delete_topic("order.received");
    barista.hear(|line| line.contains("order.received") && line.contains("it is not there any more"));
    shop.make_topic("order.received");
    // More than before: it must not go on behind them.
    shop.orders(&["new-1", "new-2", "new-3", "new-4"]);
    let said = last_word(barista);
    assert!(said.contains("order.received-0 is not the log this line was working on"), "{said}");
}

#[test]
fn a_topic_of_orders_that_is_made_anew_in_a_moment_is_another_log_too() {
    let shop = Shop::new();
    let barista = shop.barista(&QUICK);
    shop.orders(&["made-1", "made-2"]);
    shop.assert_called_once(&["made-1", "made-2"]);
    shop.delete_topic("order.received");
    shop.make_topic("order.received");
    shop.orders(&["new-1", "new-2", "new-3", "new-4"]);
    let said = last_word(barista);
    assert!(said.contains("order.received-0 is not the log this line was working on"), "{said}");
}
