//! Keeps what changes nothing from crowding the screen: anybody can send a hundred commands that are refused, and
//! the bells must stay visible between them.

use order::{Event, Kind, Millis, OrderId, Refusal, Role};

/// Lines in a minute that nothing came of. The others are told as a number.
const LINES_MAX: usize = 10;

const MINUTE_MS: Millis = 60_000;

/// What was shown in this minute, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Chatter {
    /// Bounded by [`LINES_MAX`].
    shown: Vec<(OrderId, Kind, Option<Refusal>)>,
    folded: u32,
    /// When this minute began; `None`: with the next word.
    began: Option<Millis>,
}

impl Chatter {
    /// Whether nothing came of `event`: a refusal, or a sign that a customer gives.
    pub(crate) fn is_chatter(event: &Event) -> bool {
        let by_customer = event.by.as_ref().is_some_and(|by| by.role == Role::Holder);
        event.refused.is_some() || by_customer && event.from == Some(event.to)
    }

    /// Whether to show `event`: once a minute for the same word on the same order, and not more than there is room
    /// for.
    pub(crate) fn show(&mut self, event: &Event, now: Millis) -> bool {
        self.began.get_or_insert(now);
        let word = (event.order_id.clone(), event.kind, event.refused);
        let is_shown = self.shown.len() < LINES_MAX && !self.shown.contains(&word);
        if is_shown {
            self.shown.push(word);
        } else {
            self.folded = self.folded.saturating_add(1);
        }
        is_shown
    }

    /// Ends the minute if it is over: how many were not shown in it, if any.
    pub(crate) fn minute(&mut self, now: Millis) -> Option<u32> {
        // A clock that was set back ends it, too: else it could last for years.
        self.began.filter(|began| !(0..MINUTE_MS).contains(&now.saturating_sub(*began)))?;
        let folded = std::mem::take(self).folded;
        (folded > 0).then_some(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(id: &str, kind: &str) -> Event {
        let json = format!(
            r#"{{"v":1,"order_id":"{id}","version":3,"round":1,"event":"{kind}","from":"ready","to":"ready","at":1,
                "refused":"not_allowed","by":{{"role":"holder"}}}}"#
        );
        Event::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn the_same_refusal_is_shown_once_a_minute_and_counted_after_it() {
        let mut chatter = Chatter::default();
        assert!(chatter.show(&refused("a", "recall"), 0));
        assert!(!chatter.show(&refused("a", "recall"), 1));
        assert!(chatter.show(&refused("a", "ready"), 2));
        assert!(chatter.show(&refused("b", "recall"), 3));
        assert!(!chatter.show(&refused("b", "recall"), 59_999));
        assert_eq!(chatter.minute(59_999), None);
        assert_eq!(chatter.minute(60_000), Some(2));
        assert_eq!(chatter.minute(600_000), None, "nothing came since");
        assert!(chatter.show(&refused("a", "recall"), 600_000));
        assert_eq!(chatter.minute(1), None, "the clock was set back, and nothing was folded");
        assert!(chatter.show(&refused("a", "recall"), 1));
    }

    #[test]
    fn a_crowd_of_refusals_has_a_few_lines_and_no_more_memory() {
        let mut chatter = Chatter::default();
        let shown = (0..1_000).filter(|n| chatter.show(&refused(&format!("o{n}"), "recall"), 0)).count();
        assert_eq!((shown, chatter.shown.len()), (LINES_MAX, LINES_MAX));
        assert_eq!(chatter.minute(60_000), Some(990));
    }

    #[test]
    fn what_moves_an_order_or_comes_from_staff_is_no_chatter() {
        let event = |more: &str| {
            let json = format!(
                r#"{{"v":1,"order_id":"a","version":3,"round":1,"event":"tick","from":"making","at":1,{more}}}"#
            );
            Chatter::is_chatter(&Event::parse(json.as_bytes()).unwrap())
        };
        assert!(event(r#""to":"making","by":{"role":"holder"}"#));
        assert!(event(r#""to":"making","by":{"role":"staff"},"refused":"wrong_state""#));
        assert!(!event(r#""to":"making","by":{"role":"staff"}"#));
        assert!(!event(r#""to":"collected","by":{"role":"holder"}"#));
        assert!(!event(r#""to":"ready""#));
    }
}
