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

/// Whether it turns the direction of the text around it, and is not seen itself. With one in a name, what stands beside
/// it on a screen may read backwards. Source: Unicode, `Bidi_Control`.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what turns its direction. Phones put such characters in by themselves, and nobody sees them: a sender
/// could not do anything about a refusal. Of what joins emojis nothing is lost.
pub fn without_bidi_controls(mut text: String) -> String {
    text.retain(|c| !is_bidi_control(c));
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_around_is_taken_out_and_what_people_write_stays() {
        for (text, is) in [
            ("a\u{202e}b\u{2066}\u{2069}c\u{200e}\u{200f}\u{61c}", "abc"),
            ("\u{202a}\u{202b}\u{202c}\u{202d}\u{2067}\u{2068}", ""),
            ("김하늘 · 얼음 적게", "김하늘 · 얼음 적게"),
            ("👩\u{200d}🍳 ❤\u{fe0f}", "👩\u{200d}🍳 ❤\u{fe0f}"),
            ("שלום עליכם", "שלום עליכם"),
        ] {
            assert_eq!(without_bidi_controls(text.to_owned()), is);
        }
    }
}
