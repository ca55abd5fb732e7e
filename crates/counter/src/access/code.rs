//! Codes that sign in one device: eight digits that someone types within ten minutes, or the end of a link, which is
//! longer because it may lie around for a day.

use hmac::Mac;

use super::session::key;
use crate::view::to_hex;

/// How long digits are good.
pub(crate) const CODE_MS: order::Millis = 10 * 60 * 1_000;
/// How long a link is.
pub(crate) const LINK_MS: order::Millis = 24 * 60 * 60 * 1_000;

const DIGITS: usize = 8;
const CODES: u32 = 10_u32.pow(8);
/// Hexadecimal digits of a link: nobody guesses 128 bits.
const LINK_CHARS: usize = 32;

/// A code as it is compared: without what people write between its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    /// Eight random digits.
    pub(crate) fn digits() -> Result<Self, getrandom::Error> {
        // The largest multiple of all codes that fits: each is as likely as any other.
        let fair = u32::MAX - u32::MAX % CODES;
        loop {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes)?;
            let drawn = u32::from_le_bytes(bytes);
            if drawn < fair {
                return Ok(Self(format!("{:0DIGITS$}", drawn % CODES)));
            }
        }
    }

    /// The end of a link.
    pub(crate) fn link() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; LINK_CHARS / 2];
        getrandom::fill(&mut bytes)?;
        Ok(Self(to_hex(&bytes)))
    }

    /// What someone typed or followed; `None`: that is no code.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(LINK_CHARS + 1).collect();
        let text = text.to_ascii_lowercase();
        let is_digits = text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        let is_link = text.len() == LINK_CHARS && text.bytes().all(|b| b.is_ascii_hexdigit());
        (is_digits || is_link).then_some(Self(text))
    }

    /// As it is shown: `4821 7730`.
    pub(crate) fn shown(&self) -> String {
        match self.0.split_at_checked(DIGITS / 2) {
            Some((first, second)) if self.0.len() == DIGITS => format!("{first} {second}"),
            _ => self.0.clone(),
        }
    }

    /// What the log has of it: with the line's secret, so that nobody finds eight digits by trying.
    pub(crate) fn hash(&self, secret: &[u8; 32]) -> [u8; 32] {
        key(secret, "sign-in code").chain_update(&self.0).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_its_digits_are_written() {
        for text in ["48217730", "4821 7730", " 4821-7730\n", "4 8 2 1 7 7 3 0"] {
            assert_eq!(Code::read(text).unwrap().shown(), "4821 7730", "{text:?}");
        }
        for text in
            ["", "4821773", "482177301", "4821773x", "４８２１７７３０", &"9".repeat(10_000), &"g".repeat(32)]
        {
            assert_eq!(Code::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for code in [Code::digits().unwrap(), Code::link().unwrap()] {
            assert_eq!(Code::read(&code.shown()), Some(code));
        }
        assert_eq!(Code::digits().unwrap().shown().len(), 9);
        assert_eq!(Code::link().unwrap().shown().len(), 32);
    }

    #[test]
    fn its_hash_hangs_on_the_line() {
        let code = Code::read("48217730").unwrap();
        assert_eq!(code.hash(&[1; 32]), code.hash(&[1; 32]));
        assert_ne!(code.hash(&[1; 32]), code.hash(&[2; 32]));
    }
}
