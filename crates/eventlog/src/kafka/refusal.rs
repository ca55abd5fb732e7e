//! Whether any of several brokers may let a client in yet.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::{
    address,
    ears::Trouble,
    failure::{Failure, parts},
    stranger::Stranger,
};
use crate::OpenError;

const TRIED: &str = "work";

/// Which of the brokers at `host:port[,host:port]` have refused a client in a way that needs a person.
pub(super) struct Refusals<'a> {
    brokers: &'a str,
    /// How many addresses there are.
    addresses: usize,
    /// By the name of the broker.
    refused: BTreeMap<String, Trouble>,
    /// The last trouble that may heal.
    last: Option<Trouble>,
}

impl<'a> Refusals<'a> {
    pub(super) fn new(brokers: &'a str) -> Self {
        let addresses: BTreeSet<_> = address::each(brokers).collect();
        Self { brokers, addresses: addresses.len(), refused: BTreeMap::new(), last: None }
    }

    /// A broker could not be reached, or does not let the client in.
    pub(super) fn hear(&mut self, trouble: Trouble) {
        let failure = Failure::of_trouble(self.brokers, TRIED, &trouble);
        if failure.is_turned_away() || !failure.heals() {
            self.refused.insert(trouble.broker().to_owned(), trouble);
            return;
        }
        self.refused.remove(trouble.broker());
        // That no broker is up follows from what was said before, and says less.
        if trouble.code != Code::AllBrokersDown || self.last.is_none() {
            self.last = Some(trouble);
        }
    }

    /// Whether no broker is left that may let it in.
    pub(super) fn are_all(&self) -> bool {
        self.refused.len() >= self.addresses.max(1)
    }

    /// Why it was not let in; `asked` is what the last question was answered. What needs a person is said first, and
    /// heals all the same if another broker may come back. `who` looks who is there where nobody speaks Kafka.
    pub(super) fn into_error(
        mut self,
        asked: &KafkaError,
        who: impl FnOnce(&str) -> Option<Stranger>,
    ) -> OpenError {
        let is_final = self.are_all();
        let Some((_, trouble)) = self.refused.pop_last() else {
            let (code, said) = parts(asked);
            let last = self.last.unwrap_or(Trouble { code, said });
            let failure = Failure::of_trouble(self.brokers, TRIED, &last);
            let stranger = if failure.may_be_a_stranger() { who(self.brokers) } else { None };
            return match stranger {
                Some(stranger) => OpenError::Storage(failure.sentence_with(stranger.says())),
                None => failure.open_error(),
            };
        };
        let sentence = Failure::of_trouble(self.brokers, TRIED, &trouble).sentence();
        if is_final { OpenError::NotUsable(sentence) } else { OpenError::Storage(sentence) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: KafkaError = KafkaError::MetadataFetch(Code::BrokerTransportFailure);

    fn heard(brokers: &str, troubles: &[(Code, &str)]) -> OpenError {
        let mut refusals = Refusals::new(brokers);
        for (code, said) in troubles {
            refusals.hear(Trouble::new(*code, said));
        }
        refusals.into_error(&ASKED, |_| None)
    }

    #[test]
    fn one_broker_that_refuses_is_final_and_one_of_two_is_not() {
        let refused = (Code::SSL, "ssl://a:1/bootstrap: SSL handshake failed");
        let away = (Code::BrokerTransportFailure, "ssl://b:1/bootstrap: Connect to b:1 failed");
        assert!(matches!(heard("a:1", &[refused]), OpenError::NotUsable(_)));
        assert!(matches!(heard("a:1,a:1", &[refused, refused]), OpenError::NotUsable(_)));
        for troubles in [&[refused][..], &[refused, refused], &[away, refused], &[refused, away]] {
            let error = heard("a:1,b:1", troubles);
            let OpenError::Storage(said) = error else { panic!("{error:?}") };
            assert!(said.contains("SSL handshake failed"), "what a person can do is said: {said}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_taken_needs_a_person_however_librdkafka_says_it() {
        let said = "sasl_ssl://a:1/bootstrap: error:0A000086:SSL routines::certificate verify failed";
        let refused = (Code::BrokerTransportFailure, said);
        let away = (Code::BrokerTransportFailure, "ssl://b:1/bootstrap: Connect to b:1 failed");
        let OpenError::NotUsable(said) = heard("a:1", &[refused]) else {
            panic!("nothing changes by itself")
        };
        assert!(said.contains("ssl.ca.location"), "{said}");
        let OpenError::Storage(said) = heard("a:1,b:1", &[refused, away]) else {
            panic!("the other may come back")
        };
        assert!(said.contains("ssl.ca.location"), "{said}");
    }

    #[test]
    fn who_is_there_is_asked_only_where_nobody_says_why_no_answer_comes() {
        let said = |code, said: &str| {
            let mut refusals = Refusals::new("a:1");
            refusals.hear(Trouble { code, said: said.to_owned() });
            refusals.into_error(&ASKED, |_| Some(Stranger::Http)).to_string()
        };
        for (code, silence) in [
            (Code::AllBrokersDown, "1/1 brokers are down"),
            (Code::BrokerTransportFailure, ""),
            (Code::BadMessage, "a:1/bootstrap: Invalid response size 1213486160"),
        ] {
            assert!(said(code, silence).contains("a web server answers there"), "{silence}");
        }
        assert!(said(Code::BrokerTransportFailure, "Connection refused").contains("Connection refused"));
    }

    #[test]
    fn all_that_refuse_are_final_and_one_that_no_longer_does_is_not() {
        let refused = |broker| (Code::Authentication, broker);
        let (a, b) = (refused("a:1/bootstrap: no"), refused("b:1/bootstrap: no"));
        assert!(matches!(heard("a:1,b:1", &[a, b]), OpenError::NotUsable(_)));
        let starts = (Code::BrokerTransportFailure, "a:1/bootstrap: Disconnected");
        assert!(matches!(heard("a:1,b:1", &[a, b, starts]), OpenError::Storage(_)));
        assert!(matches!(heard("a:1", &[]), OpenError::Storage(_)));
    }
}
