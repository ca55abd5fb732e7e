//! What a topic must be like: how it is made, and what is said of one that is there.
//!
//! Pure: what the brokers say of a topic comes in, sentences come out. Each follows the topic's name: "it forgets …".

use rdkafka::admin::ConfigResource;

use super::{MESSAGE_MAX_BYTES, options::Options};
use crate::{Cleanup, TopicSpec};

/// What weakens the log's promise, or why the topic can't be used: each one sentence that follows its name.
pub type Judged = Result<Vec<String>, String>;

/// The segments of a compacted topic that we make, in bytes.
const SEGMENT_BYTES: i64 = 16 << 20;
/// Larger segments of one that others made are warned about: about a second of reading.
const SEGMENT_MOST: i64 = 128 << 20;

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) partitions: u32,
    /// Of the partition that has fewest.
    pub(super) replicas: u32,
    /// Whether each has a leader.
    pub(super) led: bool,
}

/// How a topic is made.
pub(super) fn settings(spec: &TopicSpec, options: &Options) -> Vec<(&'static str, String)> {
    // Times come from the log, never from whoever writes.
    let mut settings = vec![("message.timestamp.type", "LogAppendTime".to_owned())];
    match spec.cleanup {
        Cleanup::Delete(age) => {
            settings.push(("cleanup.policy", "delete".to_owned()));
            settings.push(("retention.ms", age.as_millis().to_string()));
            settings.push(("retention.bytes", "-1".to_owned()));
        }
        Cleanup::Compact => {
            settings.push(("cleanup.policy", "compact".to_owned()));
            // The segment that is written to is never compacted, and whoever takes the partition reads it all.
            settings.push(("segment.bytes", SEGMENT_BYTES.to_string()));
            settings.push(("segment.ms", "600000".to_owned()));
            settings.push(("min.cleanable.dirty.ratio", "0.2".to_owned()));
        }
    }
    // With three copies one broker may be away, and what is acknowledged still stands on two.
    if options.replication.is_some_and(|copies| copies >= 3) {
        settings.push(("min.insync.replicas", "2".to_owned()));
    }
    settings
}

/// How a topic is made that an import fills: its times are the records', and nothing of it goes. No line works on the
/// state while it is so.
pub(super) fn filling(spec: &TopicSpec, options: &Options) -> Vec<(&'static str, String)> {
    let mut settings = settings(spec, options);
    // By the times of records of a month it would make a thousand segments.
    settings.retain(|(name, _)| !matches!(*name, "segment.ms" | "retention.ms" | "retention.bytes"));
    for (name, value) in &mut settings {
        match *name {
            "message.timestamp.type" => FILLING[0].1.clone_into(value),
            "cleanup.policy" => FILLING[1].1.clone_into(value),
            _ => {}
        }
    }
    settings.push((FILLING[2].0, FILLING[2].1.to_owned()));
    settings.push(("retention.bytes", "-1".to_owned()));
    settings
}

/// What tells a topic that is being filled.
const FILLING: [(&str, &str); 3] =
    [("message.timestamp.type", "CreateTime"), ("cleanup.policy", "delete"), ("retention.ms", "-1")];

/// Set besides where brokers know it, from Kafka 3.6 on: since 4.0 they refuse what is over an hour ahead, and a log whose
/// clock was wrong once has such times, because its own never falls.
pub(super) const ANY_TIME: (&str, i64) = ("message.timestamp.after.max.ms", i64::MAX);

/// Whether a topic is being filled.
pub(super) fn is_filling(told: &ConfigResource) -> bool {
    FILLING
        .iter()
        .all(|(name, value)| told.get(name).is_some_and(|entry| entry.value.as_deref() == Some(*value)))
}

/// Why a topic can't be used that has more partitions than were asked for. `like`: how many the one has that it is
/// like; if that has no more than were asked for, nobody misses anything.
pub(super) fn too_many(asked: Option<u32>, there: u32, like: Option<u32>) -> Option<String> {
    let (asked, like) = (asked?, like?);
    let partitions =
        |count: u32| if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") };
    (asked < there.min(like)).then(|| {
        format!(
            "it has {}, and {} asked for; Kafka takes none away: ask for at least {like}, or begin anew under \
             another prefix",
            partitions(there),
            if asked == 1 { "1 was".to_owned() } else { format!("{asked} were") },
        )
    })
}

/// Warnings, or why the topic can't be used: each one sentence.
pub(super) fn verdict(spec: &TopicSpec, options: &Options, found: &Found, told: &ConfigResource) -> Judged {
    let get = |setting| told.get(setting).and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let number = |setting| get(setting).parse::<i64>().ok();
    let policy = get("cleanup.policy");
    match spec.cleanup {
        Cleanup::Delete(_) if policy.contains("compact") => {
            return Err(format!(
                "it is compacted (cleanup.policy={policy}), which removes records that were not read; set \
                 cleanup.policy=delete"
            ));
        }
        Cleanup::Compact if is_filling(told) => {
            return Err("an import fills it, or one that was not finished has left it; wait until that is done, or import \
                        again with --again"
                .to_owned());
        }
        Cleanup::Compact if policy != "compact" => {
            return Err(format!(
                "it forgets by age what must be kept (cleanup.policy={policy}); set cleanup.policy=compact"
            ));
        }
        Cleanup::Delete(_) => {
            let least = i64::try_from(options.kept_at_least.as_millis()).unwrap_or(i64::MAX);
            if let Some(kept) = number("retention.ms").filter(|kept| (0..least).contains(kept)) {
                return Err(format!(
                    "it keeps its records for {kept} ms, the line needs them for {least}; raise retention.ms"
                ));
            }
        }
        Cleanup::Compact => {}
    }
    if let Some(asked) = options.replication.map(u32::from).filter(|asked| found.replicas < *asked) {
        return Err(format!(
            "it has {} of each record, and {asked} were asked for; add replicas or ask for fewer",
            if found.replicas == 1 { "1 copy".to_owned() } else { format!("{} copies", found.replicas) }
        ));
    }
    let in_sync = number("min.insync.replicas").unwrap_or(1);
    if in_sync > i64::from(found.replicas) {
        return Err(format!(
            "it takes no records, because it wants {in_sync} copies in sync and has {}; lower \
             min.insync.replicas or add replicas",
            found.replicas
        ));
    }
    let room = i64::try_from(MESSAGE_MAX_BYTES).unwrap_or(i64::MAX);
    if let Some(limit) = number("max.message.bytes").filter(|limit| *limit < room) {
        return Err(format!(
            "it takes records of at most {limit} bytes, the line needs {room}; raise max.message.bytes"
        ));
    }
    let mut warnings = Vec::new();
    if get("message.timestamp.type") != "LogAppendTime" {
        warnings.push(
            "its times come from whoever writes (message.timestamp.type=CreateTime), and the barista's own time is \
             used instead; set LogAppendTime"
                .to_owned(),
        );
    }
    if found.replicas == 1 {
        warnings.push(
            "one broker alone has its records, so losing that disk loses them; add replicas".to_owned(),
        );
    } else if in_sync == 1 {
        warnings.push(
            "what is acknowledged may stand on one broker alone (min.insync.replicas=1); set it to 2"
                .to_owned(),
        );
    }
    if found.replicas > 1 && get("unclean.leader.election.enable") == "true" {
        warnings.push(
            "a broker that lacks what was acknowledged may become its leader (unclean.leader.election.enable=true); \
             set it to false"
                .to_owned(),
        );
    }
    if spec.cleanup == Cleanup::Compact && number("segment.bytes").is_some_and(|bytes| bytes > SEGMENT_MOST) {
        warnings.push(format!(
            "its newest segment is never compacted, and whoever takes a partition reads all of it first; set \
             segment.bytes={SEGMENT_BYTES}"
        ));
    }
    if matches!(spec.cleanup, Cleanup::Delete(_)) && number("retention.bytes").is_some_and(|bytes| bytes >= 0)
    {
        warnings
            .push("it forgets by size (retention.bytes), however young a record is; set it to -1".to_owned());
    }
    Ok(warnings)
}

#[cfg(test)]
pub(super) mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use rdkafka::admin::{ConfigEntry, ConfigSource, OwnedResourceSpecifier};

    use super::*;
    use crate::Partitions;

    pub(in super::super) const OLD: TopicSpec = TopicSpec {
        name: "old",
        cleanup: Cleanup::Delete(Duration::from_hours(720)),
        partitions: Partitions::Like("old"),
    };
    pub(in super::super) const STATE: TopicSpec =
        TopicSpec { name: "state", cleanup: Cleanup::Compact, partitions: Partitions::Like("old") };

    /// What is said of a topic that is as we make it, but for these settings.
    fn said(spec: &TopicSpec, replicas: u32, changed: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut options = Options::new("cafe:9092", &[OLD, STATE]);
        options.kept_at_least = Duration::from_hours(24);
        options.replication = (replicas == 2).then_some(2);
        let mut all: BTreeMap<String, String> =
            settings(spec, &options).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.insert("max.message.bytes".to_owned(), "1048588".to_owned());
        all.insert("min.insync.replicas".to_owned(), "2".to_owned());
        all.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let entry = |(name, value)| ConfigEntry {
            name,
            value: Some(value),
            source: ConfigSource::DynamicTopic,
            is_read_only: false,
            is_default: false,
            is_sensitive: false,
        };
        let told = ConfigResource {
            specifier: OwnedResourceSpecifier::Topic(spec.name.to_owned()),
            entries: all.into_iter().map(entry).collect(),
        };
        verdict(spec, &options, &Found { partitions: 1, replicas, led: true }, &told)
    }

    #[test]
    fn a_topic_as_we_make_it_has_nothing_said_of_it() {
        assert_eq!(said(&OLD, 2, &[]), Ok(vec![]));
        assert_eq!(said(&STATE, 3, &[]), Ok(vec![]));
    }

    #[test]
    fn a_state_that_an_import_fills_is_nobodys_to_work_on() {
        let options = Options::new("cafe:9092", &[OLD, STATE]);
        let filling: Vec<_> = filling(&STATE, &options);
        let changed: Vec<_> = filling.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let why = said(&STATE, 2, &changed).unwrap_err();
        assert!(why.starts_with("an import fills it"), "{why}");
        assert!(changed.iter().all(|(name, _)| *name != "segment.ms"), "{changed:?}");
    }

    #[test]
    fn what_would_lose_records_is_refused_in_one_sentence_with_the_way_out() {
        for (spec, changed, way_out) in [
            (OLD, ("cleanup.policy", "compact"), "set cleanup.policy=delete"),
            (OLD, ("cleanup.policy", "compact,delete"), "set cleanup.policy=delete"),
            (STATE, ("cleanup.policy", "delete"), "set cleanup.policy=compact"),
            (STATE, ("cleanup.policy", "compact,delete"), "set cleanup.policy=compact"),
            (OLD, ("retention.ms", "3600000"), "raise retention.ms"),
            (OLD, ("min.insync.replicas", "3"), "lower min.insync.replicas"),
            (OLD, ("max.message.bytes", "65536"), "raise max.message.bytes"),
        ] {
            let error = said(&spec, 2, &[changed]).unwrap_err();
            assert!(error.contains(way_out) && error.starts_with("it "), "{changed:?}: {error}");
        }
        // Kept for ever is long enough.
        assert_eq!(said(&OLD, 2, &[("retention.ms", "-1")]), Ok(vec![]));
    }

    #[test]
    fn what_weakens_the_promise_is_warned_of() {
        for (replicas, changed, says) in [
            (2, ("message.timestamp.type", "CreateTime"), "set LogAppendTime"),
            (2, ("min.insync.replicas", "1"), "set it to 2"),
            (1, ("min.insync.replicas", "1"), "add replicas"),
            (2, ("retention.bytes", "1000"), "set it to -1"),
            (2, ("unclean.leader.election.enable", "true"), "set it to false"),
        ] {
            let warnings = said(&OLD, replicas, &[changed]).unwrap();
            assert!(matches!(&warnings[..], [one] if one.contains(says)), "{changed:?}: {warnings:?}");
        }
        let warnings = said(&STATE, 2, &[("segment.bytes", "1073741824")]).unwrap();
        assert!(matches!(&warnings[..], [one] if one.contains("segment.bytes=16777216")), "{warnings:?}");
    }

    #[test]
    fn fewer_partitions_than_there_are_can_only_be_refused() {
        let why = too_many(Some(3), 6, Some(6)).unwrap();
        assert!(why.starts_with("it has 6 partitions, and 3 were asked for; Kafka takes none away"), "{why}");
        assert!(why.contains("at least 6"), "{why}");
        for (asked, there, like) in [(6, 6, 6), (7, 6, 6), (3, 6, 3), (3, 3, 6)] {
            assert_eq!(too_many(Some(asked), there, Some(like)), None, "{asked} {there} {like}");
        }
        assert_eq!((too_many(None, 6, Some(6)), too_many(Some(1), 6, None)), (None, None));
    }
}
