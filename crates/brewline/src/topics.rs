//! `brewline topics`: makes the topics that are missing, and shows how they are.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use crate::{
    catalog,
    config::Topics,
    kafka::{self, TopicReport},
    opened::kafka_options,
};

/// Makes and shows them; the exit code says whether they can be used.
pub(crate) fn topics(wanted: &Topics) -> anyhow::Result<ExitCode> {
    let mut options = kafka_options(&wanted.cluster, &wanted.keep, &catalog(wanted.keep.retention))?;
    options.partitions = wanted.partitions;
    let before = kafka::topics(&options)?;
    let is_refused = before.iter().any(|topic| topic.judged.is_err());
    let after = if wanted.dry_run || is_refused { before.clone() } else { kafka::make_topics(&options)? };
    // Whoever reads it may have gone away; whether they can be used is in the exit code too.
    let _ = io::stdout().write_all(shown(&before, &after, wanted.dry_run).as_bytes());
    let is_missing = after.iter().any(|topic| topic.partitions.is_none());
    Ok(if is_refused || is_missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One line for each topic, then what there is to say of them.
fn shown(before: &[TopicReport], after: &[TopicReport], is_dry_run: bool) -> String {
    let width = after.iter().map(|topic| topic.name.len()).max().unwrap_or_default().max("topic".len());
    let mut text = format!("{:width$}  partitions  copies\n", "topic");
    let is_refused = after.iter().any(|topic| topic.judged.is_err());
    for (before, after) in before.iter().zip(after) {
        let (partitions, copies) = match after.partitions {
            Some(partitions) => (partitions.to_string(), after.copies.to_string()),
            None => ("missing".to_owned(), "–".to_owned()),
        };
        let done = match (before.partitions, after.partitions) {
            (None, Some(_)) => "made".to_owned(),
            (Some(before), Some(after)) if before < after => "partitions added".to_owned(),
            // Who is refused is told why, not what would be if it were otherwise.
            _ if is_refused || !is_dry_run => String::new(),
            (None, None) => format!("would be made, with {}", partitions_of(after.wanted)),
            (Some(has), _) if has < after.wanted => {
                format!("would get {} more", partitions_of(after.wanted - has))
            }
            _ => String::new(),
        };
        let line = format!("{:width$}  {partitions:<10}  {copies:<6}  {done}", after.name);
        text += line.trim_end();
        text.push('\n');
    }
    for remark in kafka::remarks(after) {
        let mark = if remark.is_refusal { "BAD" } else { "note" };
        let _ = writeln!(text, "\n{mark}: {}: {}", remark.topics, remark.says);
    }
    let is_left = |topic: &TopicReport| topic.partitions.is_none_or(|has| has < topic.wanted);
    if is_refused && after.iter().any(is_left) {
        text += if is_dry_run { "\nnothing would be made\n" } else { "\nnothing was made\n" };
    }
    text
}

fn partitions_of(count: u32) -> String {
    if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, partitions: Option<u32>, judged: kafka::Judged) -> TopicReport {
        TopicReport {
            topic: "order.received",
            name: name.to_owned(),
            partitions,
            wanted: 2,
            copies: 1,
            judged,
        }
    }

    #[test]
    fn what_was_made_what_is_weak_and_what_is_refused_is_said() {
        let weak = || Ok(vec!["one disk; add replicas".to_owned()]);
        let before =
            [topic("a", None, Ok(vec![])), topic("bcd", Some(1), weak()), topic("c", Some(2), weak())];
        let after = [
            topic("a", Some(2), weak()),
            topic("bcd", Some(2), weak()),
            topic("c", Some(2), Err("it is bad; x".into())),
        ];
        let text = shown(&before, &after, false);
        assert_eq!(
            text,
            "topic  partitions  copies\n\
             a      2           1       made\n\
             bcd    2           1       partitions added\n\
             c      2           1\n\
             \nBAD: topic c: it is bad; x\n\
             \nnote: topics a, bcd: one disk; add replicas\n"
        );
        assert!(shown(&before, &before, false).contains("a      missing     –\n"));
    }

    #[test]
    fn a_dry_run_says_what_a_run_would_do() {
        let mut before =
            [topic("a", None, Ok(vec![])), topic("b", Some(1), Ok(vec![])), topic("c", Some(2), Ok(vec![]))];
        assert_eq!(
            shown(&before, &before, true),
            "topic  partitions  copies\n\
             a      missing     –       would be made, with 2 partitions\n\
             b      1           1       would get 1 partition more\n\
             c      2           1\n"
        );
        before[0].judged = Err("it can't be made: x".to_owned());
        let text = shown(&before, &before, true);
        assert!(text.ends_with("\nBAD: topic a: it can't be made: x\n\nnothing would be made\n"), "{text}");
        assert!(!text.contains("would get"), "{text}");
        assert!(shown(&before, &before, false).ends_with("\nnothing was made\n"));
    }
}
