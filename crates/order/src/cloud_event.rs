//! CloudEvents attributes, as headers in binary mode.

use jiff::Timestamp;

use crate::Millis;

/// The attributes of one record. Source: CloudEvents 1.0, Kafka protocol binding, binary content mode.
#[derive(Debug, Clone, Copy)]
pub struct CloudEvent<'a> {
    /// Unique for its source: `ce_id`.
    pub id: &'a str,
    /// What happened: `ce_type`.
    pub kind: &'a str,
    /// Who says so: `ce_source`.
    pub source: &'a str,
    /// When: `ce_time`.
    pub time: &'a str,
}

impl CloudEvent<'_> {
    /// What an order that was placed is called.
    pub const RECEIVED: &'static str = "brewline.order.received";
    /// What an order that became ready is called.
    pub const PROCESSED: &'static str = "brewline.order.processed";
    /// Sources of ours begin with this; an order whose record says otherwise is foreign.
    pub const SOURCE_PREFIX: &'static str = "/brewline/";
    /// The header that names the source.
    pub const SOURCE: &'static str = "ce_source";
    /// The header of `order.processed` that names the round.
    pub const ROUND: &'static str = "round";

    /// Names and values of the headers.
    pub fn headers(&self) -> [(&str, &[u8]); 5] {
        [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.as_bytes()),
            ("ce_type", self.kind.as_bytes()),
            (Self::SOURCE, self.source.as_bytes()),
            ("ce_time", self.time.as_bytes()),
        ]
    }
}

/// A time as RFC 3339 in UTC with milliseconds; one outside the years -9999 to 9999 as the nearest inside.
pub fn rfc3339(at: Millis) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_000_000_123), "2026-11-18T11:06:40.123Z");
        assert!(rfc3339(i64::MAX).starts_with("9999-12-30"));
        assert!(rfc3339(i64::MIN).starts_with("-009999-01-02"));
    }
}
