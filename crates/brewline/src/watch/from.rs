//! Where to begin: what `--from` takes.

use eventlog::Start;
use jiff::{Span, Timestamp, Zoned, civil};

/// The start in `text`, as it is meant at `now`: `beginning`, `end`, a time of today or with its date, as clocks
/// show it here, one with its zone, or how long ago.
pub fn start(text: &str, now: &Zoned) -> Result<Start, String> {
    let at = match text {
        "beginning" => return Ok(Start::Beginning),
        "end" => return Ok(Start::End),
        text => time(text, now).ok_or_else(|| {
            "say beginning, end, a time as in 14:30 or 2026-11-23T14:30, or how long ago as in 10m".to_owned()
        })?,
    };
    if at > now.timestamp() {
        return Err("this is in the future; say end for what comes from now on".to_owned());
    }
    Ok(Start::Time(at.as_millisecond()))
}

/// Whether `text` says a moment, which is one only by a clock: a text that `moment` understands.
pub fn said_moment(text: &str) -> Result<String, String> {
    time(text, &Zoned::now()).map_or_else(|| Err(MOMENT.to_owned()), |_| Ok(text.to_owned()))
}

const MOMENT: &str = "say a time as in 14:30 or 2026-11-23T14:30, or how long ago as in 10m";

/// The moment in `text`, in the same words, in milliseconds since 1970; it has passed.
pub fn moment(text: &str, now: &Zoned) -> Result<i64, String> {
    let at = time(text, now).ok_or(MOMENT)?;
    if at > now.timestamp() { Err("this is in the future".to_owned()) } else { Ok(at.as_millisecond()) }
}

fn time(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return Some(at.to_zoned(now.time_zone().clone()).ok()?.timestamp());
    }
    // With minutes: a number alone is no time.
    if let Some(Ok(time)) = text.contains(':').then(|| text.parse::<civil::Time>()) {
        let today = now.date().to_datetime(time).to_zoned(now.time_zone().clone()).ok()?;
        // At ten past midnight, 23:50 is ten to.
        let is_over = today.timestamp() <= now.timestamp();
        let at = if is_over { today } else { today.checked_sub(Span::new().days(1)).ok()? };
        return Some(at.timestamp());
    }
    let ago: Span = text.parse().ok()?;
    Some(now.checked_sub(ago).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_meant_as_clocks_show_it_here() {
        let now: Zoned = "2026-11-23T10:00:00+09:00[Asia/Seoul]".parse().unwrap();
        for (text, expected) in [
            ("09:30", "2026-11-23T00:30:00Z"),
            ("09:30:15", "2026-11-23T00:30:15Z"),
            ("23:50", "2026-11-22T14:50:00Z"),
            ("2026-11-20", "2026-11-19T15:00:00Z"),
            ("2026-11-20T12:00", "2026-11-20T03:00:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
            ("10m", "2026-11-23T00:50:00Z"),
            ("1h 30m", "2026-11-22T23:30:00Z"),
            ("2 days", "2026-11-21T01:00:00Z"),
        ] {
            let at: Timestamp = expected.parse().unwrap();
            assert_eq!(start(text, &now), Ok(Start::Time(at.as_millisecond())), "{text}");
        }
        assert_eq!(start("beginning", &now), Ok(Start::Beginning));
        assert_eq!(start("end", &now), Ok(Start::End));
    }

    #[test]
    fn what_is_no_time_or_not_yet_is_refused_with_what_is_allowed() {
        let now: Zoned = "2026-11-23T10:00:00+09:00[Asia/Seoul]".parse().unwrap();
        for text in ["", "now", "25:00", "2026-13-01", "10", "yesterday"] {
            assert!(start(text, &now).unwrap_err().contains("14:30"), "{text}");
        }
        for text in ["2026-11-24", "-10m", "2030-01-01T00:00:00Z"] {
            assert!(start(text, &now).unwrap_err().contains("future"), "{text}");
        }
    }
}
