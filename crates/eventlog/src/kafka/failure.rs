//! What librdkafka says, as sentences that name the address and say the way out; and which of it heals by itself.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::ears::Trouble;
use crate::OpenError;

/// Something that could not be done on a cluster.
pub(super) struct Failure<'a> {
    /// Where: `host:port[,host:port]`.
    pub(super) brokers: &'a str,
    /// What was tried, as it stands after "cannot": "read topic order.received".
    pub(super) tried: &'a str,
    pub(super) code: Code,
    /// In librdkafka's words, if it has more to say than the code.
    pub(super) said: &'a str,
}

/// How librdkafka ends when it says no more than that nobody answers: how many of how many says nothing to anybody.
const ALL_DOWN: &str = "brokers are down";
/// Behind this a broker names the ways to sign in that it takes. None: there nobody signs in.
const MECHANISMS: &str = "broker's supported mechanisms:";

impl<'a> Failure<'a> {
    /// Of a client that has said why.
    pub(super) fn of_trouble(brokers: &'a str, tried: &'a str, trouble: &'a Trouble) -> Self {
        Self { brokers, tried, code: trouble.code, said: &trouble.said }
    }

    /// Whether trying again may be enough, once the log was opened. What needs a person does not heal.
    ///
    /// That a broker lets nobody in is not among that: with these settings one did. It is one of several, or it is put
    /// right there; librdkafka says it of any of them, and fails whatever was to be sent to that one with the same.
    pub(super) fn heals(&self) -> bool {
        !matches!(
            self.code,
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::InconsistentGroupProtocol
                | Code::InvalidGroupId
                | Code::InvalidSessionTimeout
                | Code::InvalidTransactionTimeout
                | Code::InvalidArgument
                | Code::InvalidConfig
                | Code::InvalidReplicationFactor
                | Code::InvalidPartitions
                | Code::PolicyViolation
                | Code::InvalidTopic
                | Code::UnsupportedVersion
                | Code::UnsupportedFeature
        )
    }

    /// Whether a broker does not let us in with these settings. Before any has, that needs a person.
    pub(super) fn is_turned_away(&self) -> bool {
        matches!(
            self.code,
            Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedSASLMechanism
                | Code::IllegalSASLState
                | Code::SSL
        )
    }

    /// Whether somebody may be there who speaks no Kafka: an answer was none of Kafka's, or none came and nobody said
    /// why.
    pub(super) fn may_be_a_stranger(&self) -> bool {
        let is_silent = matches!(
            self.code,
            Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut
        );
        let is_said = !self.said.is_empty() && !self.said.ends_with(ALL_DOWN);
        self.code == Code::BadMessage || is_silent && !is_said
    }

    pub(super) fn sentence(&self) -> String {
        self.sentence_with(&self.why())
    }

    /// The sentence with another reason and way out.
    pub(super) fn sentence_with(&self, why: &str) -> String {
        let Self { brokers, tried, .. } = self;
        format!("cannot {tried} on Kafka at {brokers}: {why}")
    }

    /// Why, and the way out.
    pub(super) fn why(&self) -> String {
        let Self { code, said, .. } = self;
        let said = if said.ends_with(ALL_DOWN) { "" } else { short(said) };
        let (why, way_out) = match code {
            Code::InvalidArgument if said.contains("SASL mechanism GSSAPI") => (
                "GSSAPI (Kerberos), which is meant where no sasl.mechanism is set, is not built in"
                    .to_owned(),
                "set sasl.mechanism to what the broker takes: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
            ),
            Code::InvalidArgument => (
                if said.is_empty() { code.to_string() } else { said.to_owned() },
                "correct the Kafka properties",
            ),
            Code::Authentication if said.trim_end().ends_with(MECHANISMS) => (
                "it takes no user names there".to_owned(),
                "set security.protocol to PLAINTEXT or SSL, or check the port",
            ),
            Code::Authentication if said.contains(MECHANISMS) => {
                (format!("it does not take this way to sign in ({said})"), "check sasl.mechanism")
            }
            Code::BrokerTransportFailure | Code::SSL if hangs_up_on_tls(self.said) => (
                format!("it takes no TLS there ({said})"),
                "check security.protocol, and that the port is the one for TLS",
            ),
            Code::Authentication | Code::SaslAuthenticationFailed => (
                format!("it refuses the user name or the password ({said})"),
                "check sasl.mechanism, sasl.username and sasl.password",
            ),
            Code::UnsupportedSASLMechanism | Code::IllegalSASLState => {
                (format!("it does not take this way to sign in ({said})"), "check sasl.mechanism")
            }
            Code::SSL => (
                format!("no encrypted connection comes about ({said})"),
                "check security.protocol, and the authority of its certificate in ssl.ca.location",
            ),
            Code::Resolve => {
                (format!("the name is not known ({said})"), "check the address, or wait until it is known")
            }
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::WaitingForCoordinator => (
                if said.is_empty() {
                    "it does not answer".to_owned()
                } else {
                    format!("it does not answer ({said})")
                },
                "check that it is running there, and whether it wants TLS or a user name (security.protocol)",
            ),
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed => {
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                (format!("this user may not do that ({code:?}{said})"), "give it the permission there")
            }
            Code::InconsistentGroupProtocol => (
                "the group has members that are none of ours".to_owned(),
                "stop them first, or work under another --prefix: one group holds one kind of barista",
            ),
            Code::UnsupportedFeature | Code::UnsupportedVersion => (
                format!("who answers there does not serve programs like this one ({code})"),
                "check that the port is one for clients, and no controller's, and that it is Kafka 2.5 or newer",
            ),
            Code::InvalidReplicationFactor => (
                if said.is_empty() { code.to_string() } else { said.to_owned() },
                "ask for no more copies than it has brokers, or add brokers",
            ),
            Code::InvalidSessionTimeout => (
                format!("the session time is none that it allows (session.timeout.ms, {said})"),
                "set it to one of those, or leave it out",
            ),
            Code::InvalidTransactionTimeout => (
                "it allows no transaction to be open as long as ours may be (transaction.max.timeout.ms)"
                    .to_owned(),
                "set that to 6000 or more there",
            ),
            Code::GroupMaxSizeReached => (
                "the group has as many members as it may have (group.max.size)".to_owned(),
                "stop one that is not needed, or raise that there",
            ),
            Code::InvalidGroupId => ("it takes no group of that name".to_owned(), "choose another --prefix"),
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => (
                "it is not there any more".to_owned(),
                "make it again, or start the program anew, which does it",
            ),
            code => (
                if said.is_empty() { code.to_string() } else { format!("{code}: {said}") },
                "see what the broker itself says",
            ),
        };
        format!("{why}; {way_out}")
    }

    pub(super) fn open_error(&self) -> OpenError {
        let sentence = self.sentence();
        if self.heals() { OpenError::Storage(sentence) } else { OpenError::NotUsable(sentence) }
    }
}

/// The code of an error, and what it says beyond the code. Never a property's value.
pub(super) fn parts(error: &KafkaError) -> (Code, String) {
    match error {
        KafkaError::Transaction(error) => (error.code(), error.string()),
        KafkaError::ClientCreation(said) => (Code::InvalidArgument, said.clone()),
        KafkaError::AdminOpCreation(said) | KafkaError::Subscription(said) => (Code::Fail, said.clone()),
        KafkaError::ClientConfig(_, _, name, _) => (Code::InvalidArgument, format!("the property {name}")),
        error => (error.rdkafka_error_code().unwrap_or(Code::Fail), String::new()),
    }
}

/// Whether somebody hung up on the first words of TLS. librdkafka says what it takes that for only if it was at the
/// second step of the handshake by then; on a busy machine it may still be at the first.
fn hangs_up_on_tls(said: &str) -> bool {
    said.contains("a PLAINTEXT broker listener")
        || said.contains("Disconnected: ") && said.contains("in state SSL_HANDSHAKE")
}

/// What librdkafka adds for its own sake is left out, and a bound kept.
fn short(said: &str) -> &str {
    let said = said.split(" (after ").next().unwrap_or(said).trim();
    let said = said.split(" (install ").next().unwrap_or(said);
    match said.char_indices().nth(300) {
        Some((at, _)) => &said[..at],
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_address_and_what_was_tried() {
        for code in [Code::Resolve, Code::SSL, Code::BrokerTransportFailure, Code::NotController] {
            let failure = Failure { brokers: "cafe:9092", tried: "read topic t", code, said: "what it said" };
            let sentence = failure.sentence();
            assert!(sentence.starts_with("cannot read topic t on Kafka at cafe:9092: "), "{sentence}");
            assert!(sentence.contains("what it said") && sentence.contains("; "), "{sentence}");
        }
    }

    #[test]
    fn what_librdkafka_says_is_blamed_on_what_is_wrong() {
        let handshake = "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state: \
                         broker's supported mechanisms: ";
        let scram = format!("{handshake}SCRAM-SHA-256,SCRAM-SHA-512");
        let gssapi =
            "No provider for SASL mechanism GSSAPI: recompile librdkafka with libsasl2 or openssl support.";
        let tls = "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?";
        let early = "Disconnected: SSL connection closed by peer (after 2ms in state SSL_HANDSHAKE)";
        let later = "Disconnected: SSL connection closed by peer (after 9000ms in state UP)";
        for (code, said, says) in [
            (Code::BrokerTransportFailure, early, "it takes no TLS there"),
            (Code::BrokerTransportFailure, later, "it does not answer"),
            (Code::InvalidArgument, gssapi, "set sasl.mechanism to what the broker takes: PLAIN"),
            (
                Code::InvalidArgument,
                "sasl.username must be set",
                ": sasl.username must be set; correct the Kafka",
            ),
            (Code::Authentication, handshake, "it takes no user names there; set security.protocol"),
            (Code::Authentication, &scram, "check sasl.mechanism"),
            (
                Code::Authentication,
                "Authentication failed",
                "check sasl.mechanism, sasl.username and sasl.password",
            ),
            (Code::BrokerTransportFailure, tls, "it takes no TLS there"),
            (
                Code::InvalidReplicationFactor,
                "1 broker, 3 copies",
                "1 broker, 3 copies; ask for no more copies",
            ),
        ] {
            let sentence = Failure { brokers: "cafe:9092", tried: "work", code, said }.sentence();
            assert!(sentence.contains(says), "{sentence}");
            assert!(!sentence.contains("InvalidArgument"), "{sentence}");
        }
    }

    #[test]
    fn what_needs_a_person_does_not_heal() {
        let heals = |code| Failure { brokers: "", tried: "", code, said: "" }.heals();
        assert!(!heals(Code::GroupAuthorizationFailed) && !heals(Code::TopicAuthorizationFailed));
        assert!(!heals(Code::InvalidSessionTimeout) && !heals(Code::InvalidTransactionTimeout));
        assert!(heals(Code::BrokerTransportFailure) && heals(Code::Resolve) && heals(Code::NotCoordinator));
    }

    #[test]
    fn a_broker_that_turns_away_who_was_let_in_may_do_so_no_longer() {
        for code in [Code::Authentication, Code::SaslAuthenticationFailed, Code::SSL] {
            let failure = Failure { brokers: "", tried: "", code, said: "" };
            assert!(failure.heals() && failure.is_turned_away(), "{code}");
        }
        assert!(!Failure { brokers: "", tried: "", code: Code::Resolve, said: "" }.is_turned_away());
    }
}
