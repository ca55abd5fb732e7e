//! Bounds on what an order may hold.

/// Bounds on what an order may hold. Our counter refuses what is over one of them. In an order of someone else
/// only id, amount and size of the record are reasons to refuse it, and more lines than [`Limits::ITEMS`] are
/// passed on unread; its texts may be as long as its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits;

impl Limits {
    /// Cups in one order.
    pub const AMOUNT: u16 = 1_000;
    /// Bytes of an order id or a command id.
    pub const ID_BYTES: usize = 128;
    /// A record larger than this is dead-lettered, in bytes: well below what every broker takes, so that what
    /// is derived from it fits too.
    pub const RECORD_BYTES: usize = 64 * 1024;
    /// What is kept of a dead letter, in bytes.
    pub const DEAD_LETTER_BYTES: usize = 256 * 1024;
    /// Lines of one order.
    pub const ITEMS: usize = 100;
    /// Characters of an item's name.
    pub const ITEM_CHARS: usize = 80;
    /// Characters of a customer's name.
    pub const NAME_CHARS: usize = 80;
    /// Characters of a note.
    pub const NOTE_CHARS: usize = 500;
    /// Characters of a note on one line.
    pub const LINE_NOTE_CHARS: usize = 200;
    /// Characters of a till's ticket number.
    pub const REF_CHARS: usize = 32;
    /// Characters of a reason.
    pub const REASON_CHARS: usize = 200;
    /// Characters of a device's name.
    pub const DEVICE_CHARS: usize = 80;
    /// Command ids remembered by an order, with their outcomes.
    pub const ANSWERS: usize = 32;
}

/// Why a text may not stand on screens and printers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It has more characters than are allowed.
    #[error("has {has} characters; at most {max} are allowed")]
    TooLong {
        /// How many it has.
        has: usize,
        /// How many it may have.
        max: usize,
    },
    /// It holds what steers screens and printers.
    #[error("holds control characters")]
    Control,
}

/// Texts stand on screens and printers: they are short and hold nothing that steers those.
pub fn check_text(text: &str, max: usize) -> Result<(), BadText> {
    let has = text.chars().count();
    if has > max {
        Err(BadText::TooLong { has, max })
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        Err(BadText::Control)
    } else {
        Ok(())
    }
}
