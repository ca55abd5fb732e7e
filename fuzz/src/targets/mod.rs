//! What is fuzzed: each target takes any bytes, and panics if something is not as it must be.
//!
//! | file | what comes from outside |
//! |---|---|
//! | `orders` | an order, as JSON in a record |
//! | `commands` | a command, as JSON in a record, on an order |
//! | `files` | `menu.toml` and `shop.toml` |
//! | `requests` | what is sent to a counter's port |
//! | `records` | what others write into the topics: what counter, ledger and barista make of it |
//! | `database` | the embedded log's files, and backups, damaged or made up |
//! | `exports` | lines that are imported |
//! | `answers` | what a counter, or whatever is at its address, says to a client |
//!
//! `cargo fuzz` runs them in `fuzz/`, for as long as one likes; the workspace's tests run the same functions over the
//! inputs in `fuzz/seeds` and some variations of each. An input that found something is kept there.

#![allow(unreachable_pub, reason = "programs of another crate use it, and tests include it")]

mod answers;
mod commands;
pub mod database;
mod exports;
mod files;
mod orders;
mod records;
mod requests;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called: its program in `fuzz_targets`, its directory in `seeds`.
    pub name: &'static str,
    /// Tries one input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target { name: "orders", run: orders::run },
    Target { name: "commands", run: commands::run },
    Target { name: "files", run: files::run },
    Target { name: "requests", run: requests::run },
    Target { name: "records", run: records::run },
    Target { name: "database", run: database::run },
    Target { name: "exports", run: exports::run },
    Target { name: "answers", run: answers::run },
];
