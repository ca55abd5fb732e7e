//! `brewline topics`: makes the topics that are missing, and shows how they are.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use eventlog::kafka::{self, TopicReport};

use crate::{catalog, config::Topics, opened::kafka_options};

/// Makes and shows them; the exit code says whether they can be used.
pub(crate) fn topics(wanted: &Topics) -> anyhow::Result<ExitCode> {
    let mut options = kafka_options(&wanted.cluster, &wanted.keep, &catalog(wanted.keep.retention))?;
    options.partitions = wanted.partitions;
    let before = kafka::topics(&options)?;
    let is_refused = before.iter().any(|topic| topic.judged.is_err());
    let after = if wanted.dry_run || is_refused {
        before.clone()
    } else {
        kafka::make_topics(&options)?;
        kafka::topics(&options)?
    };
    // Whoever reads it may have gone away; whether they can be used is in the exit code too.
    let _ = io::stdout().write_all(shown(&before, &after).as_bytes());
    let is_missing = after.iter().any(|topic| topic.partitions.is_none());
    Ok(if is_refused || is_missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One line for each topic, then what there is to say of them.
fn shown(before: &[TopicReport], after: &[TopicReport]) -> String {
    let width = after.iter().map(|topic| topic.name.len()).max().unwrap_or_default().max("topic".len());
    let mut text = format!("{:width$}  partitions  copies\n", "topic");
    for (before, after) in before.iter().zip(after) {
        let (partitions, copies) = match after.partitions {
            Some(partitions) => (partitions.to_string(), after.copies.to_string()),
            None => ("missing".to_owned(), "–".to_owned()),
        };
        let done = match (before.partitions, after.partitions) {
            (None, Some(_)) => "  made",
            (Some(before), Some(after)) if before < after => "  partitions added",
            _ => "",
        };
        let line = format!("{:width$}  {partitions:<10}  {copies:<6}{done}", after.name);
        text += line.trim_end();
        text.push('\n');
    }
    // What holds for several topics is said once, with their names.
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for topic in after {
        for warning in topic.judged.iter().flatten() {
            match said.iter_mut().find(|(what, _)| what == warning) {
                Some((_, names)) => names.push(&topic.name),
                None => said.push((warning.clone(), vec![&topic.name])),
            }
        }
    }
    for (warning, names) in said {
        let names = if names.len() == after.len() { "all".to_owned() } else { names.join(", ") };
        let _ = writeln!(text, "\nnote: {names}: {warning}");
    }
    for refused in after.iter().filter_map(|topic| topic.judged.as_ref().err()) {
        let _ = writeln!(text, "\nBAD: {refused}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, partitions: Option<u32>, judged: kafka::Judged) -> TopicReport {
        TopicReport { topic: "order.received", name: name.to_owned(), partitions, copies: 1, judged }
    }

    #[test]
    fn what_was_made_what_is_weak_and_what_is_refused_is_said() {
        let weak = || Ok(vec!["one disk; add replicas".to_owned()]);
        let before =
            [topic("a", None, Ok(vec![])), topic("bcd", Some(1), weak()), topic("c", Some(2), weak())];
        let after = [
            topic("a", Some(2), weak()),
            topic("bcd", Some(2), weak()),
            topic("c", Some(2), Err("c is bad; x".into())),
        ];
        let text = shown(&before, &after);
        assert_eq!(
            text,
            "topic  partitions  copies\n\
             a      2           1       made\n\
             bcd    2           1       partitions added\n\
             c      2           1\n\
             \nnote: a, bcd: one disk; add replicas\n\
             \nBAD: c is bad; x\n"
        );
        assert!(shown(&before, &before).contains("a      missing     –\n"));
    }
}
