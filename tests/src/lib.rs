//! What the tests that cross crates share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`simulator`] | the real engine and views on a log in memory, by seed |

pub mod simulator;
