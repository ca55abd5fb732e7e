//! The topics of the contract.

/// Orders as they were placed, by counters. Key: order id.
pub const RECEIVED: &str = "order.received";
/// Orders that became ready, once for each round, by baristas. Key: order id.
pub const PROCESSED: &str = "order.processed";
/// What staff and customers ask of an order, by counters. Key: order id.
pub const COMMAND: &str = "order.command";
/// Every decision: the history, by baristas. Key: order id.
pub const EVENT: &str = "order.event";
/// The latest state of each order and the positions read so far, by baristas. Compacted. Key: order id or
/// [`POSITIONS_KEY`].
pub const STATE: &str = "order.state";
/// What could not be read, as it came, by baristas.
pub const DLQ: &str = "order.dlq";
/// Facts of the whole shop, by counters and baristas. Compacted, one partition. Key: setting.
pub const SHOP: &str = "shop.state";

/// The key in [`STATE`] under which a partition's positions stand. No order id can be it: those don't
/// begin with a zero character.
pub const POSITIONS_KEY: &str = "\0positions";
