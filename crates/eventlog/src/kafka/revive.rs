//! Brokers for a client that has lost all of them.
//!
//! librdkafka 2.12.1 can come to a state in which a client has no broker any more and never gets one again
//! (<https://github.com/confluentinc/librdkafka/issues/5301>): a broker that has just started answers that it knows
//! of topics, but of no broker, itself among them. The client then gives up all of its brokers, also those that it
//! was configured with. That all are down makes it begin with the configured ones again, by a timer that the same
//! answer stops when it has been read to its end (`rd_kafka_handle_Metadata`), if the threads of its brokers were
//! faster: then nothing is left in it that could ask anybody for anything.
//!
//! Nothing tells this from outside, but that such a client says for the last time that all brokers are down. While
//! they are, it repeats that with each round of attempts, of which there is one a second (`reconnect.backoff.max.ms`).
//! So whoever has fallen silent after these words has found a broker or has lost all; both get the configured ones
//! once more, which is what the timer would have done. Whoever has found one forgets them with the next answer.

use std::time::{Duration, Instant};

use rdkafka::client::{Client, ClientContext};

use super::{ears::Ears, native};

/// How long nothing more is heard of brokers that are down, until the client gets them again. Longer than a round of
/// attempts takes, also on a busy machine, and short enough to be back within 10 s of the broker's return.
const SILENCE: Duration = Duration::from_secs(3);

/// How often one client may get them: librdkafka keeps each list that it was ever given. It is one in an outage,
/// more only if many brokers are down and are tried one after the other.
const MOST: u32 = 10_000;

/// Whether a client may have lost all its brokers.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// When it last said that all are down, if it got none since.
    said: Option<Instant>,
    revived: u32,
}

impl Loss {
    /// It says that all brokers are down.
    pub(super) fn hear(&mut self, now: Instant) {
        self.said = Some(now);
    }

    /// Whether it is to get its brokers again; true once for each time that it fell silent.
    fn is_due(&mut self, now: Instant) -> bool {
        let due = self.said.is_some_and(|said| now.saturating_duration_since(said) >= SILENCE);
        if !due {
            return false;
        }
        self.said = None;
        self.revived = self.revived.saturating_add(1);
        self.revived <= MOST
    }
}

/// Gives a client its brokers again if it may have lost all. To be called about once a second, after what it has to
/// say was heard.
pub(super) fn revive<C: ClientContext>(client: &Client<C>, ears: &Ears) {
    if ears.loss().is_due(Instant::now()) {
        tracing::debug!(target: "librdkafka", "it may have lost all brokers, and gets them again");
        native::add_brokers(client, ears.brokers());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_falls_silent_after_all_brokers_were_down_gets_them_once() {
        let (mut loss, begin) = (Loss::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(!loss.is_due(at(100)), "nothing was ever wrong");
        for second in 100..200 {
            loss.hear(at(second));
            assert!(!loss.is_due(at(second + 2)), "it still tries");
        }
        assert!(loss.is_due(at(202)));
        assert!(!loss.is_due(at(300)), "once");
        loss.hear(at(300));
        assert!(loss.is_due(at(303)), "and again when it happens again");
    }

    #[test]
    fn lists_of_brokers_do_not_pile_up_without_a_bound() {
        let (mut loss, mut now, mut count) = (Loss::default(), Instant::now(), 0);
        for _ in 0..MOST * 2 {
            loss.hear(now);
            now += SILENCE;
            count += u32::from(loss.is_due(now));
        }
        assert_eq!(count, MOST);
    }
}
