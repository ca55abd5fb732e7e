//! The line on a real Apache Kafka, as its users start it: processes of the real binary.
//!
//! They need a broker: `scripts/kafka start --port 29092 --secure --java`, and its address in
//! `BREWLINE_TEST_KAFKA`. `scripts/test` sees to both.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod bed;
mod broker;
mod chaos;
mod cluster;
#[path = "../collector/mod.rs"]
mod collector;
mod contract;
#[path = "../described/mod.rs"]
mod described;
mod dlq;
mod gone;
mod ledger;
mod load;
mod moved;
mod own;
mod page;
mod peers;
mod poison;
mod probes;
mod refused;
mod scale;
mod strange;
#[path = "../support/mod.rs"]
mod support;
mod traces;
mod versions;
mod watch;
mod words;
