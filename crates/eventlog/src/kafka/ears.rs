//! What a client of librdkafka says of itself, heard.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::native::has_news;

/// Hears what a client says, and remembers the last thing that was wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Ears(Arc<Mutex<Option<Trouble>>>);

/// Something that a client could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: RDKafkaErrorCode,
    /// In librdkafka's words, which name the broker.
    pub(super) said: String,
}

impl Ears {
    /// What was wrong last, and is forgotten now.
    pub(super) fn take(&self) -> Option<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes in what one of librdkafka's errors says. That all brokers are down says less than why.
    pub(super) fn hear(&self, error: &KafkaError, said: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!(target: "librdkafka", %code, said, "trouble");
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if code != RDKafkaErrorCode::AllBrokersDown || last.is_none() {
            *last = Some(Trouble { code, said: said.to_owned() });
        }
    }

    /// What librdkafka logs is for whoever asks for it: what matters comes as an error, with a way out.
    pub(super) fn note(level: RDKafkaLogLevel, facility: &str, said: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(target: "librdkafka", facility, said);
            }
            RDKafkaLogLevel::Debug => tracing::trace!(target: "librdkafka", facility, said),
            _ => tracing::debug!(target: "librdkafka", facility, said),
        }
    }
}

/// The most that is heard at once.
const MOST: usize = 1_000;

/// Lets a client without a group say what it has to say. It brings no records.
pub(super) fn hear(consumer: &BaseConsumer<Ears>) {
    for _ in 0..MOST {
        if !has_news(consumer.client()) {
            return;
        }
        drop(consumer.poll(Duration::ZERO));
    }
}

impl ClientContext for Ears {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        Self::note(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        self.hear(&error, said);
    }
}

impl ConsumerContext for Ears {}
