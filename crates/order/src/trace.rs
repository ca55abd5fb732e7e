//! W3C Trace Context: which trace a request or record is part of.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in a trace, as `traceparent` names it. Source: W3C Trace Context 1, section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole story.
    pub trace: NonZeroU128,
    /// The span in it that caused this.
    pub span: NonZeroU64,
    flags: u8,
}

impl TraceContext {
    /// The header, of requests and of records. In records it is not CloudEvents' `ce_traceparent`: tools that follow
    /// traces through Apache Kafka look for this one.
    pub const HEADER: &'static str = "traceparent";

    /// Version, trace, span and flags, in hexadecimal digits and with dashes between them.
    const TEXT: usize = 55;
    const SAMPLED: u8 = 1;

    /// A place in a trace that is recorded, or in one that is not.
    pub fn new(trace: NonZeroU128, span: NonZeroU64, is_sampled: bool) -> Self {
        Self { trace, span, flags: if is_sampled { Self::SAMPLED } else { 0 } }
    }

    /// What stands in the header, if it is one. Later versions may have more behind what this one has.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(Self::TEXT)?;
        let is_dash = |at: usize| known[at] == b'-';
        if !(is_dash(2) && is_dash(35) && is_dash(52)) {
            return None;
        }
        let version = hex(&known[..2])?;
        let fits = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more[0] == b'-',
        };
        if !fits {
            return None;
        }
        let flags = u8::try_from(hex(&known[53..])?).ok()?;
        Some(Self {
            trace: NonZeroU128::new(hex(&known[3..35])?)?,
            span: NonZeroU64::new(u64::try_from(hex(&known[36..52])?).ok()?)?,
            // What the other flags of a later version say is not known here.
            flags: if version == 0 { flags } else { flags & Self::SAMPLED },
        })
    }

    /// Another place in the same trace.
    #[must_use]
    pub fn at(self, span: NonZeroU64) -> Self {
        Self { span, ..self }
    }

    /// Whether someone records this trace.
    pub fn is_sampled(self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// As the header has it.
    pub fn text(self) -> TraceText {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], self.trace.get());
        write_hex(&mut text[36..52], self.span.get().into());
        write_hex(&mut text[53..], self.flags.into());
        TraceText(text)
    }
}

/// A header's value.
#[derive(Debug, Clone, Copy)]
pub struct TraceText([u8; TraceContext::TEXT]);

impl TraceText {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Only the digits that the standard allows: lower case.
fn hex(text: &[u8]) -> Option<u128> {
    text.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

fn write_hex(text: &mut [u8], mut number: u128) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.text().as_bytes()))
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(self.text().as_bytes()))
    }
}

/// What is no trace context reads as none: a trace that is lost must not lose an order.
pub(crate) fn or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    let text: Option<std::borrow::Cow<'_, str>> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| TraceContext::parse(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_context_is_written_as_it_was_read() {
        for text in [TEXT, "00-00000000000000000000000000000001-0000000000000001-00"] {
            assert_eq!(TraceContext::parse(text.as_bytes()).unwrap().to_string(), text);
        }
        let context = TraceContext::parse(TEXT.as_bytes()).unwrap();
        assert!(context.is_sampled());
        assert_eq!(context.trace.get(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(context.span.get(), 0xb7ad_6b71_6920_3331);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for text in [format!("cc{}", &TEXT[2..]), format!("cc{}-what-comes", &TEXT[2..])] {
            assert_eq!(TraceContext::parse(text.as_bytes()).unwrap().to_string(), TEXT);
        }
    }

    #[test]
    fn what_is_no_trace_context_is_none() {
        for bad in [
            "",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.00",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
        ] {
            assert_eq!(TraceContext::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
