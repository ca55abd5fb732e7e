//! Who may do what, at a real counter.

#[path = "../common/mod.rs"]
mod common;

mod codes;
mod rights;
mod sessions;
mod support;
