//! Dead letters: what their headers are called, and those of marks that one was seen to.

/// The headers of records of `order.dlq`.
///
/// A dead letter is a record that could not be read, as it came, with its own headers first and these behind them.
/// A log can't take one record back, so who has seen to a letter writes a mark behind it, in the same partition,
/// with the same key and without a value. A mark is told from a letter by having no [`DeadLetter::REASON`]: headers
/// of others may say anything.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter;

impl DeadLetter {
    /// Why it could not be read. The first of ours, and on every letter.
    pub const REASON: &'static str = "dlq_reason";
    /// The topic that it came from.
    pub const TOPIC: &'static str = "dlq_topic";
    /// The partition of that.
    pub const PARTITION: &'static str = "dlq_partition";
    /// The offset in that.
    pub const OFFSET: &'static str = "dlq_offset";
    /// How many bytes the value had; what it has is cut if that is more.
    pub const SIZE: &'static str = "dlq_size";
    /// SHA-256 of the value before it was cut, in hexadecimal digits.
    pub const SHA256: &'static str = "dlq_sha256";
    /// How many bytes its own headers had, where they were left out.
    pub const HEADERS_LEFT_OUT: &'static str = "dlq_headers_left_out";

    /// What was done, of a mark: [`DeadLetter::RETRIED`] or [`DeadLetter::DROPPED`].
    pub const MARK: &'static str = "brewline_dlq";
    /// The offset of the letter, of a mark.
    pub const MARK_OFFSET: &'static str = "brewline_dlq_offset";
    /// It was published once more where it came from.
    pub const RETRIED: &'static str = "retried";
    /// Nothing is to come of it.
    pub const DROPPED: &'static str = "dropped";

    /// Whether a record of `order.dlq` is a mark, by which headers it has.
    pub fn is_mark(has_header: impl Fn(&str) -> bool) -> bool {
        has_header(Self::MARK) && !has_header(Self::REASON)
    }
}
