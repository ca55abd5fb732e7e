//! What a record says, in a few words. Text of others is in it as it came: whoever shows it makes it printable.

use barista::Positions;
use eventlog::Entry;
use order::{Command, DeadLetter, Event, Order, OrderState, ParseError, Stage, parse_versioned, topic};
use serde::{Deserialize, de::IgnoredAny};

use crate::narrate::word;

/// Records of the shop whose keys begin with this hold the line's secret: who reads along on a screen needs none.
const SECRET_PREFIX: &[u8] = b"secret/";

/// A value that is no text of ours is shown up to here, in characters.
const CHARS: usize = 60;

/// Whether a record holds the line's secret, which is shown to nobody.
pub(super) fn is_secret(entry: &Entry) -> bool {
    let key = entry.record.key.as_deref().unwrap_or_default();
    entry.topic == topic::SHOP && key.starts_with(SECRET_PREFIX)
}

/// What a record says.
pub(super) fn says(entry: &Entry) -> String {
    let Some(value) = entry.record.value.as_deref() else { return without_value(entry) };
    let said = match entry.topic {
        topic::RECEIVED => Order::parse(value).ok().map(|order| format!("{} ordered", cups(order.amount))),
        topic::PROCESSED => Order::parse(value).ok().map(|order| ready(entry, &order)),
        topic::COMMAND => Command::parse(value).ok().map(|command| asks(&command)),
        topic::EVENT => versioned(Event::parse(value), value, |event| decided(&event)),
        topic::STATE if entry.record.key.as_deref() == Some(topic::POSITIONS_KEY.as_bytes()) => {
            versioned(Positions::parse(value), value, |positions| read_up_to(&positions))
        }
        topic::STATE => {
            versioned(parse_versioned(value, |state: &OrderState| state.schema), value, |state| {
                stands(&state)
            })
        }
        topic::DLQ => letter(entry),
        topic::SHOP if is_secret(entry) => Some("a claim on the line's secret (not shown)".to_owned()),
        topic::SHOP => serde_json::from_slice::<IgnoredAny>(value).ok().map(|_| shortened(value)),
        _ => Some(shortened(value)),
    };
    said.unwrap_or_else(|| format!("unreadable, {} bytes", value.len()))
}

fn without_value(entry: &Entry) -> String {
    match entry.topic {
        topic::STATE => "forgotten".to_owned(),
        topic::SHOP => "taken back".to_owned(),
        topic::DLQ => letter(entry).unwrap_or_else(|| "no value".to_owned()),
        _ => "unreadable, no value".to_owned(),
    }
}

fn versioned<T>(
    parsed: Result<T, ParseError>,
    value: &[u8],
    say: impl FnOnce(T) -> String,
) -> Option<String> {
    match parsed {
        Ok(record) => Some(say(record)),
        Err(ParseError::Newer(version)) => {
            Some(format!("of a newer program (version {version}), {} bytes", value.len()))
        }
        Err(ParseError::Invalid(_)) => None,
    }
}

fn cups(amount: u16) -> String {
    if amount == 1 { "1 cup".to_owned() } else { format!("{amount} cups") }
}

fn ready(entry: &Entry, order: &Order) -> String {
    let round =
        entry.record.headers.get(order::CloudEvent::ROUND).and_then(|round| str::from_utf8(round).ok());
    let round = round.filter(|round| *round != "1").map(|round| format!(" (round {round})"));
    format!("{} ready: the bell rings{}", cups(order.amount), round.unwrap_or_default())
}

fn asks(command: &Command) -> String {
    format!("{} asks: {}", word(command.by.role), command.action.name())
}

fn decided(event: &Event) -> String {
    let what = word(event.kind);
    if let Some(refused) = event.refused {
        return format!("{what} refused: {}", word(refused));
    }
    if event.repeat {
        return format!("{what}, answered before");
    }
    let round = if event.round > 1 { format!(" (round {})", event.round) } else { String::new() };
    match (&event.taken, event.from) {
        (Some(taken), _) if event.to == Stage::Received => format!("taken, {}", cups(taken.amount)),
        (Some(taken), _) => format!("taken → {}, {}", event.to.name(), cups(taken.amount)),
        (None, Some(from)) if from != event.to => {
            let (from, to) = (from.name(), event.to.name());
            // Most are called as where they lead to.
            let what = if what == to { String::new() } else { format!("{what}: ") };
            format!("{what}{from} → {to}{round}")
        }
        _ => format!("{what}{round}"),
    }
}

fn stands(state: &OrderState) -> String {
    let round = if state.round > 1 { format!(", round {}", state.round) } else { String::new() };
    format!("state {}: {}, {}{round}", state.version, state.stage.name(), cups(state.order.amount))
}

fn read_up_to(positions: &Positions) -> String {
    let inputs = positions.inputs.iter().map(|read| {
        let topic = read.topic.strip_prefix("order.").unwrap_or(&read.topic);
        format!("{topic} {}", read.next)
    });
    format!("read up to {}", inputs.collect::<Vec<_>>().join(", "))
}

/// A dead letter, or a mark that one was seen to.
fn letter(entry: &Entry) -> Option<String> {
    let headers = &entry.record.headers;
    let get = |name| headers.get(name).map(String::from_utf8_lossy);
    if let Some(reason) = get(DeadLetter::REASON) {
        let place = |name| get(name).unwrap_or_default();
        let (topic, partition) = (place(DeadLetter::TOPIC), place(DeadLetter::PARTITION));
        return Some(format!("from {topic}-{partition}@{}: {reason}", place(DeadLetter::OFFSET)));
    }
    let mark = get(DeadLetter::MARK)?;
    Some(format!("letter {}/{}: {mark}", entry.partition, get(DeadLetter::MARK_OFFSET).unwrap_or_default()))
}

fn shortened(value: &[u8]) -> String {
    let Ok(text) = str::from_utf8(value) else { return format!("{} bytes", value.len()) };
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], value.len()),
        None => text.to_owned(),
    }
}

/// Whether a record is about this order: by its key, or without one by what it says.
pub(super) fn is_about(entry: &Entry, order: &str) -> bool {
    #[derive(Deserialize)]
    struct About<'a> {
        #[serde(borrow)]
        order_id: std::borrow::Cow<'a, str>,
    }
    match &entry.record.key {
        Some(key) => **key == *order.as_bytes(),
        None => {
            let about =
                entry.record.value.as_deref().and_then(|value| serde_json::from_slice::<About>(value).ok());
            about.is_some_and(|about| about.order_id == order)
        }
    }
}

#[cfg(test)]
mod tests {
    use eventlog::{Headers, Record, Topic};

    use super::*;

    fn entry(topic: Topic, key: &str, value: Option<&str>, headers: &[(&str, &str)]) -> Entry {
        let headers = Headers::new(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let value = value.map(|value| value.to_owned().into());
        let record = Record { key: Some(key.to_owned().into()), value, headers };
        Entry { topic, partition: 2, offset: 7, timestamp: 0, record }
    }

    fn said(topic: Topic, value: &str) -> String {
        says(&entry(topic, "a", Some(value), &[]))
    }

    #[test]
    fn each_kind_of_record_says_what_it_is_about() {
        let order = r#"{"order_id":"a","amount":3,"status":0}"#;
        assert_eq!(said(topic::RECEIVED, order), "3 cups ordered");
        assert_eq!(said(topic::RECEIVED, &order.replace('3', "1")), "1 cup ordered");
        let announced = order.replace(r#""status":0"#, r#""status":1"#);
        assert_eq!(said(topic::PROCESSED, &announced), "3 cups ready: the bell rings");
        let again = entry(topic::PROCESSED, "a", Some(&announced), &[("round", "2")]);
        assert_eq!(says(&again), "3 cups ready: the bell rings (round 2)");
        let command = r#"{"command_id":"c","order_id":"a","command":"recall","by":{"role":"staff"}}"#;
        assert_eq!(said(topic::COMMAND, command), "staff asks: recall");
        assert_eq!(said(topic::SHOP, r#"{"open":true}"#), r#"{"open":true}"#);
    }

    #[test]
    fn decisions_say_from_where_to_where() {
        let taken = r#""taken":{"at":{"partition":0,"offset":1},"mode":"auto","amount":3}"#;
        for (event, says) in [
            (format!(r#""event":"received","to":"received",{taken}"#), "taken, 3 cups"),
            (format!(r#""event":"received","to":"making",{taken}"#), "taken → making, 3 cups"),
            (r#""event":"ready","from":"making","to":"ready""#.into(), "making → ready"),
            (r#""event":"start","from":"received","to":"making""#.into(), "start: received → making"),
            (r#""event":"acknowledge","from":"ready","to":"ready""#.into(), "acknowledge"),
            (
                r#""event":"recall","from":"making","to":"making","refused":"wrong_state""#.into(),
                "recall refused: wrong state",
            ),
            (
                r#""event":"collect","from":"ready","to":"ready","repeat":true"#.into(),
                "collect, answered before",
            ),
        ] {
            let json = format!(r#"{{"v":1,"order_id":"a","version":1,"round":1,"at":1,{event}}}"#);
            assert_eq!(said(topic::EVENT, &json), says);
        }
    }

    #[test]
    fn positions_and_forgotten_orders_are_told_apart_from_states() {
        let positions = r#"{"v":1,"positions":[{"topic":"order.received","next":12},{"topic":"order.command","next":3}],"last_code":7,"open":1,"mode":"auto"}"#;
        let at = entry(topic::STATE, topic::POSITIONS_KEY, Some(positions), &[]);
        assert_eq!(says(&at), "read up to received 12, command 3");
        assert_eq!(says(&entry(topic::STATE, "a", None, &[])), "forgotten");
        assert_eq!(said(topic::STATE, r#"{"v":99}"#), "of a newer program (version 99), 8 bytes");
    }

    #[test]
    fn what_is_unreadable_is_shown_as_such_with_its_size() {
        for topic in
            [topic::RECEIVED, topic::PROCESSED, topic::COMMAND, topic::EVENT, topic::STATE, topic::SHOP]
        {
            assert_eq!(said(topic, "\u{1b}[2J"), "unreadable, 4 bytes", "{topic}");
        }
        assert_eq!(says(&entry(topic::RECEIVED, "a", None, &[])), "unreadable, no value");
    }

    #[test]
    fn a_dead_letter_says_where_it_came_from_and_a_mark_what_was_done() {
        let headers = [
            ("brewline_dlq", "dropped"),
            ("dlq_reason", "not JSON"),
            ("dlq_topic", "order.received"),
            ("dlq_partition", "2"),
            ("dlq_offset", "5"),
        ];
        let letter = entry(topic::DLQ, "a", Some("?"), &headers);
        assert_eq!(says(&letter), "from order.received-2@5: not JSON", "its own headers make it no mark");
        let mark = entry(topic::DLQ, "a", None, &[("brewline_dlq", "dropped"), ("brewline_dlq_offset", "5")]);
        assert_eq!(says(&mark), "letter 2/5: dropped");
        assert_eq!(said(topic::DLQ, "?"), "unreadable, 1 bytes");
    }

    #[test]
    fn the_lines_secret_is_not_said() {
        let secret = entry(topic::SHOP, "secret/x", Some(r#"{"secret":"abcdef"}"#), &[]);
        assert!(is_secret(&secret) && !says(&secret).contains("abcdef"));
    }

    #[test]
    fn a_record_is_about_an_order_by_its_key_or_by_what_it_says() {
        let value = r#"{"order_id":"a","amount":3,"status":0}"#;
        let mut record = entry(topic::RECEIVED, "a", Some(value), &[]);
        assert!(is_about(&record, "a") && !is_about(&record, "b"));
        record.record.key = None;
        assert!(is_about(&record, "a") && !is_about(&record, "b"));
        record.record.value = None;
        assert!(!is_about(&record, "a"));
    }
}
