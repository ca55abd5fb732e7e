//! Processes that are killed and paused at random moments.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;

use crate::{
    bed::{SHORT_SESSION, Shop, id, place, quiet, setting},
    load::{Customers, Told, wait_for_ready},
};

/// More kills than these are not tried, to meet a barista within a transaction.
const KILLS_MAX: u32 = 60;

/// What happens is decided by a seed; what comes of it also by the machine.
fn chance() -> StdRng {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = setting("BREWLINE_SEED").unwrap_or(now);
    eprintln!("BREWLINE_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

#[test]
fn baristas_are_killed_at_random_moments_and_each_order_is_announced_once() {
    let _quiet = quiet();
    let mut chance = chance();
    let kills = u32::try_from(setting("BREWLINE_KILLS").unwrap_or(5)).unwrap();
    let shop = Shop::with_partitions(4);
    let counter = shop.counter(&[]);
    // One with a name is back as soon as it starts again; whoever has none is missed for its session time first.
    let start = |name: Option<&str>| {
        let instance = name.map(|name| ["--instance", name]);
        let mut args = vec!["-v", "--seconds-per-cup", "0.2"];
        args.extend(SHORT_SESSION.iter().chain(instance.iter().flatten()));
        shop.barista(&args)
    };
    let names = [Some("one"), Some("two"), None];
    let mut baristas = names.map(start);
    let (mut killed, mut cut, mut received) = (0, 0, 0);
    let mut told = Told::default();
    while cut == 0 && killed < KILLS_MAX {
        let customers = Customers::new();
        let customers = customers.without_keys(counter.at, 113).without_keys(counter.at, 112);
        let customers = customers.of_no_cup(&shop, 4, 75);
        for _ in 0..kills {
            let victim = chance.random_range(0..names.len());
            baristas[victim].hear(|line| line.contains("partition taken"));
            for _ in 0..chance.random_range(1..100) {
                baristas[victim].hear(|line| line.contains("the bell rings"));
            }
            thread::park_timeout(Duration::from_micros(chance.random_range(0..20_000)));
            baristas[victim] = {
                baristas[victim].signal(Signal::KILL);
                start(names[victim])
            };
            killed += 1;
        }
        told = told.and(customers.end());
        shop.assert_as_told(&told);
        (received, cut) = shop.assert_announced_once();
    }
    eprintln!("{received} orders, {killed} kills, {cut} announcements taken back");
    assert!(cut > 0, "{killed} kills met no transaction that announced something");
    wait_for_ready(counter.at, received);
}

#[test]
fn a_barista_that_was_paused_while_another_took_over_announces_nothing_and_works_on() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let brew = [&["-v", "--seconds-per-cup", "2"], &SHORT_SESSION[..]].concat();
    let mut zombie = shop.barista(&brew);
    zombie.hear(|line| line.contains("partition taken"));
    let orders: Vec<_> = (0..20).map(|_| counter.order(1)).collect();
    counter.wait_for_state(&orders[19], "making");
    zombie.signal(Signal::STOP);
    let paused = Instant::now();
    let mut other = shop.barista(&brew);
    other.hear(|line| line.contains("partition taken"));
    eprintln!("taken over after {:?}", paused.elapsed());
    shop.wait_for_bells(&orders);
    // It wakes up with all of them due.
    zombie.signal(Signal::CONT);
    zombie.hear(|line| line.contains("partition handed on") || line.contains("the session ended"));
    shop.assert_announced_once();
    let alone = counter.order(1);
    counter.wait_for_state(&alone, "ready");
    other.signal(Signal::TERM);
    assert!(other.end().0.success());
    zombie.hear(|line| line.contains("partition taken"));
    let after = counter.order(1);
    counter.wait_for_state(&after, "ready");
    assert_eq!(shop.assert_announced_once().0, 22);
}

#[test]
fn what_a_killed_counter_accepted_is_in_the_log_and_a_repeated_key_makes_no_second_order() {
    let mut chance = chance();
    let shop = Shop::with_partitions(2);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let mut counter = shop.counter(&[]);
    let at = counter.at;
    let customers = (0..4).fold(Customers::new(), |more, n| more.with_keys(at, 50, &n.to_string()));
    for _ in 0..3 {
        customers.more(chance.random_range(20..100));
        thread::park_timeout(Duration::from_micros(chance.random_range(0..20_000)));
        counter.process.signal(Signal::KILL);
        drop(counter);
        counter = shop.counter_at(at, &[]);
    }
    customers.more(20);
    let told = customers.end();
    assert!(told.unanswered > 0, "nobody met a counter that was killed");
    shop.assert_as_told(&told);
    for (key, ids) in &told.by_key {
        let again = place(at, 2, Some(key)).unwrap();
        assert_eq!((again.status, ids.contains(&id(&again))), (202, true), "{key}: {again:?}");
    }
    let (received, _) = shop.assert_announced_once();
    assert_eq!(received, u64::try_from(told.by_key.len()).unwrap());
    wait_for_ready(at, received);
}
