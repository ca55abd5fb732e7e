//! Apache Kafka, for the commands that use it. Built without it, `brewline` has the same commands and flags, and whoever
//! asks for a Kafka is told in one sentence that this program has none.

#[cfg(feature = "kafka")]
pub(crate) use eventlog::kafka::*;

#[cfg(not(feature = "kafka"))]
pub(crate) use self::absent::*;

// With Kafka it is there for its own test alone.
#[cfg(any(test, not(feature = "kafka")))]
#[cfg_attr(feature = "kafka", allow(dead_code, reason = "the same"))]
mod absent;
