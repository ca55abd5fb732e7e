//! Three brokers that are one cluster, as a real one has several.

use std::time::{Duration, Instant};

use crate::{
    bed::{Shop, quiet},
    broker::Line,
    own::Cluster,
};

/// In sync on two of three: losing one broker loses nothing.
const TOPICS: [&str; 4] = ["--partitions", "6", "--replication-factor", "3"];

/// So long one of three may be missed: the others take a broker for dead after 9 s (broker.session.timeout.ms), and
/// clients have to find out who leads now. The rest is for a busy machine.
const MISSED_FOR: Duration = Duration::from_secs(45);

#[test]
fn when_one_of_three_brokers_is_killed_orders_go_on_and_none_is_lost_or_announced_twice() {
    let _quiet = quiet();
    let cluster = Cluster::start(60);
    let line = Line::start(Shop::at(cluster.address()), &TOPICS);
    // Each is the first for something else: for the group, for its transactions, for some of the partitions.
    for place in 0..cluster.ports.len() {
        cluster.kill(place);
        let killed = Instant::now();
        let (orders, made) = line.wait_until_it_works(killed);
        // As many as come in a second, of every kind of customer, in every partition.
        line.customers.more(80);
        let all = killed.elapsed();
        eprintln!(
            "broker {place}: orders accepted {orders:?} and made {made:?} after its end, 80 more {all:?}"
        );
        assert!(made < MISSED_FOR && all < MISSED_FOR, "while broker {place} is away: {made:?}, {all:?}");
        cluster.start_again();
    }
    line.end();
}
