//! What a client of librdkafka says of itself, heard.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    native::has_news,
    options::Options,
    revive::{Loss, revive},
    shared::lock,
};

/// Hears what a client says, and remembers what was wrong.
#[derive(Debug, Clone)]
pub(super) struct Ears(Arc<Heard>);

#[derive(Debug)]
struct Heard {
    /// What the client was configured with.
    brokers: String,
    /// What was wrong, the last [`TROUBLES`].
    troubles: Mutex<VecDeque<Trouble>>,
    loss: Mutex<Loss>,
}

/// What is remembered of it, at most.
const TROUBLES: usize = 100;

/// Something that a client could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: RDKafkaErrorCode,
    /// In librdkafka's words, which name the broker.
    pub(super) said: String,
}

impl Ears {
    /// For a client that is made with these options.
    pub(super) fn new(options: &Options) -> Self {
        let (troubles, loss) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Heard { brokers: options.brokers.clone(), troubles, loss }))
    }

    /// Where its brokers are, as it was told.
    pub(super) fn brokers(&self) -> &str {
        &self.0.brokers
    }

    /// Whether it may have lost them all.
    pub(super) fn loss(&self) -> MutexGuard<'_, Loss> {
        lock(&self.0.loss)
    }

    /// What was wrong last, and is forgotten now.
    pub(super) fn take(&self) -> Option<Trouble> {
        lock(&self.0.troubles).drain(..).next_back()
    }

    /// All that was wrong, the last at the end, and is forgotten now.
    pub(super) fn take_all(&self) -> Vec<Trouble> {
        lock(&self.0.troubles).drain(..).collect()
    }

    /// Takes in what one of librdkafka's errors says. That all brokers are down says less than why.
    pub(super) fn hear(&self, error: &KafkaError, said: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!(target: "librdkafka", %code, said, "trouble");
        let all_are_down = code == RDKafkaErrorCode::AllBrokersDown;
        if all_are_down {
            self.loss().hear(Instant::now());
        }
        let mut troubles = lock(&self.0.troubles);
        if !all_are_down || troubles.is_empty() {
            troubles.push_back(Trouble::new(code, said));
        }
        if troubles.len() > TROUBLES {
            troubles.pop_front();
        }
    }

    /// What librdkafka logs is for whoever asks for it: what matters comes as an error, with a way out.
    pub(super) fn note(level: RDKafkaLogLevel, facility: &str, said: &str) {
        match level {
            // A fatal error of a client also ends its session, with a sentence of ours.
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical
                if facility != "FATAL" =>
            {
                tracing::warn!(target: "librdkafka", facility, said);
            }
            RDKafkaLogLevel::Debug => tracing::trace!(target: "librdkafka", facility, said),
            _ => tracing::debug!(target: "librdkafka", facility, said),
        }
    }
}

impl Trouble {
    /// What librdkafka says. A certificate that is not taken is a matter of TLS for it only at the second step of the
    /// handshake; at the first, where a busy machine may still be, it is a connection that broke
    /// (`rd_kafka_transport_ssl_connect`; 2.12.1).
    pub(super) fn new(code: RDKafkaErrorCode, said: &str) -> Self {
        let is_mistrusted = said.contains("certificate verify failed");
        let code = match code {
            RDKafkaErrorCode::BrokerTransportFailure if is_mistrusted => RDKafkaErrorCode::SSL,
            code => code,
        };
        Self { code, said: said.to_owned() }
    }

    /// The broker that it is about, as librdkafka calls it; it begins with that.
    pub(super) fn broker(&self) -> &str {
        self.said.split(": ").next().unwrap_or_default()
    }
}

/// The most that is heard at once.
pub(super) const MOST: usize = 1_000;

/// Lets a client without a group say what it has to say. It brings no records.
pub(super) fn hear(consumer: &BaseConsumer<Ears>) {
    for _ in 0..MOST {
        if !has_news(consumer.client()) {
            break;
        }
        drop(consumer.poll(Duration::ZERO));
    }
    revive(consumer.client(), consumer.context());
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
