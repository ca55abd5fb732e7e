//! Three brokers that are one cluster, as a real one has several.

use std::time::Instant;

use crate::{
    bed::{Shop, quiet},
    broker::Line,
    own::Cluster,
};

/// In sync on two of three: losing one broker loses nothing.
const TOPICS: [&str; 4] = ["--partitions", "6", "--replication-factor", "3"];

#[test]
fn when_one_of_three_brokers_is_killed_orders_go_on_and_none_is_lost_or_announced_twice() {
    let _quiet = quiet();
    let cluster = Cluster::start(60);
    let line = Line::start(Shop::at(cluster.address()), &TOPICS);
    // Each is the first for something else: for the group, for its transactions, for some of the partitions.
    for place in 0..cluster.ports.len() {
        let accepted = line.customers.told().accepted.len();
        cluster.kill(place);
        let killed = Instant::now();
        let (orders, made) = line.wait_until_it_works(killed);
        let meanwhile = line.customers.told().accepted.len() - accepted;
        eprintln!(
            "broker {place}: orders accepted {orders:?} and made {made:?} after its end, {meanwhile} meanwhile"
        );
        line.customers.more(50);
        cluster.start_again();
    }
    line.end();
}
