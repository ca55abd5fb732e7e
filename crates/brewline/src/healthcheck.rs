//! `brewline healthcheck`: whether the counter of this machine answers. For containers, where there is nothing else
//! that could ask.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use client::CounterAddress;

use crate::{
    asked::{ANSWER_WITHIN, counter_of_holder, process_of_holder},
    banner,
    cli::{HealthcheckArgs, LineArgs},
    config::{Line, Place},
    file::File,
};

/// Where it is asked, and who has to answer.
#[derive(Debug)]
pub(crate) struct Asked {
    at: Vec<String>,
    /// The process that has the log, if that is known: no other line's counter says that this one is well.
    holder: Option<u32>,
}

impl File {
    /// It is asked at the address that was said; else where the line that has the log says that it listens, and where
    /// nobody says so, where a line would listen that is started now.
    pub(crate) fn health(&self, args: &HealthcheckArgs) -> Asked {
        let here = banner::url(self.listen(args.listen));
        let line = LineArgs { log: args.log.clone(), ..LineArgs::default() };
        let dir = match self.line(&line) {
            Ok(Line { log: Place::Local(dir), .. }) if args.listen.is_none() => dir,
            // Also where nobody can tell which log it is, as in a container without a home.
            _ => return Asked { at: vec![here], holder: None },
        };
        let at = match counter_of_holder(&dir) {
            // That may be its name for phones, which need not lead to it from here.
            Some(counter) if counter.is_secure() => vec![counter.in_plain_http().to_string(), here],
            Some(counter) => vec![counter.to_string()],
            None => vec![here],
        };
        Asked { at, holder: process_of_holder(&dir) }
    }
}

/// Says which process answers for the counter. That it lives is what counts, and not that it takes orders: whoever starts
/// anew what is ill must not do so because a disk is full or a barista is away.
pub(crate) async fn healthcheck(Asked { at, holder }: Asked) -> anyhow::Result<ExitCode> {
    let mut others = None;
    for (url, process) in answers(&at).await? {
        if holder.is_none_or(|holder| holder == process) {
            // Whoever asks may only want the exit code.
            let _ = writeln!(io::stdout(), "the counter at {url} answers: process {process}");
            return Ok(ExitCode::SUCCESS);
        }
        others = Some(format!("another line's counter answers at {url}, process {process}"));
    }
    let none = || format!("no counter answers at {} within {ANSWER_WITHIN:?}", at.join(" or "));
    match holder {
        Some(holder) => bail!(
            "{}; process {holder} has the log: look what it says, or stop it and start the line anew",
            others.unwrap_or_else(none)
        ),
        None => bail!("{}; if it listens elsewhere, say where with --listen ADDRESS:PORT", none()),
    }
}

/// Who answers, and where. All are asked at once: whoever runs this gives it no more time than one answer takes.
async fn answers(at: &[String]) -> anyhow::Result<Vec<(&str, u32)>> {
    let mut asked = Vec::new();
    for url in at {
        let counter: CounterAddress = url.parse().with_context(|| format!("can't ask at {url}"))?;
        asked.push((&url[..], tokio::spawn(client::process(counter, ANSWER_WITHIN))));
    }
    let mut answers = Vec::new();
    for (url, process) in asked {
        answers.extend(process.await?.map(|process| (url, process)));
    }
    Ok(answers)
}
