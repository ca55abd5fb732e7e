//! What a printer says of itself.

/// Asks for the cause of being offline, and for paper: two bytes come back at once, whatever waits to be printed. A
/// printer that does not know the question says nothing.
pub const ASK: [u8; 6] = [0x10, 0x04, 2, 0x10, 0x04, 4];

/// Asks for paper behind what was sent: one byte comes back once all before it has been taken to be printed.
pub const CONFIRM: [u8; 3] = [0x1d, b'r', 1];

/// How a printer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It prints.
    Ok,
    /// It waits for paper.
    NoPaper,
    /// It waits until its cover is closed.
    CoverOpen,
    /// It says that something else is wrong with it.
    Error,
}

impl Status {
    /// What the two answers to [`ASK`] say, among all bytes that came since; `None` while they are not there.
    pub fn of(said: &[u8]) -> Option<Self> {
        const COVER_OPEN: u8 = 0x04;
        const STOPPED_BY_PAPER: u8 = 0x20;
        const ERROR: u8 = 0x40;
        const PAPER_END: u8 = 0x60;
        let mut answers = said.iter().copied().filter(|byte| is_answer(*byte));
        let (offline, paper) = (answers.next()?, answers.next()?);
        Some(if offline & COVER_OPEN != 0 {
            Self::CoverOpen
        } else if offline & STOPPED_BY_PAPER != 0 || paper & PAPER_END != 0 {
            Self::NoPaper
        } else if offline & ERROR != 0 {
            Self::Error
        } else {
            Self::Ok
        })
    }
}

/// Bits 1 and 4 are always set in an answer to [`ASK`], bits 0 and 7 never.
fn is_answer(byte: u8) -> bool {
    byte & 0b1001_0011 == 0b0001_0010
}

/// Whether a byte answers [`CONFIRM`]: bits 4 and 7 are never set in it.
pub fn is_confirmation(byte: u8) -> bool {
    byte & 0b1001_0000 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_says_what_it_waits_for() {
        for (answer, is) in [
            (&[0x12, 0x12][..], Some(Status::Ok)),
            (&[0x12, 0x1e], Some(Status::Ok)), // the roll ends soon
            (&[0x12, 0x72], Some(Status::NoPaper)),
            (&[0x32, 0x12], Some(Status::NoPaper)),
            (&[0x16, 0x12], Some(Status::CoverOpen)),
            (&[0x36, 0x72], Some(Status::CoverOpen)),
            (&[0x52, 0x12], Some(Status::Error)),
            (&[0x00, 0x10, 0x12, 0xff, 0x72], Some(Status::NoPaper)), // between what it says by itself
            (&[0x12], None),
            (&[0x00, 0x12], None),
            (&[0x12, 0xff], None),
        ] {
            assert_eq!(Status::of(answer), is, "{answer:x?}");
        }
    }

    #[test]
    fn a_confirmation_is_told_from_an_answer_to_the_other_question() {
        for byte in [0x00, 0x03, 0x0f, 0x60] {
            assert!(is_confirmation(byte), "{byte:x}");
        }
        for byte in [0x12, 0x16, 0x72, 0x80] {
            assert!(!is_confirmation(byte), "{byte:x}");
        }
    }
}
