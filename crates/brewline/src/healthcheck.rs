//! `brewline healthcheck`: whether the counter of this machine answers. For containers, where there is nothing else
//! that could ask.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use client::CounterAddress;

use crate::{
    asked::counter_of_holder,
    banner,
    cli::{HealthcheckArgs, LineArgs},
    config::{Line, Place},
    file::File,
};

/// A counter that works answers at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

impl File {
    /// Where it is asked, one after the other: at the address that was said; else where the line that has the log says
    /// that it listens, and where a line would listen that is started now.
    pub(crate) fn health(&self, args: &HealthcheckArgs) -> Vec<String> {
        let mut urls = Vec::new();
        if args.listen.is_none() {
            let line = LineArgs { log: args.log.clone(), ..LineArgs::default() };
            // Where nobody can tell which log it is, as in a container without a home, there is the address.
            if let Ok(Line { log: Place::Local(dir), .. }) = self.line(&line) {
                urls.extend(counter_of_holder(&dir).map(|counter| counter.to_string()));
            }
        }
        // Over TLS, too, a counter says in plain HTTP that it lives.
        urls.push(banner::url(self.listen(args.listen)));
        urls.dedup();
        urls
    }
}

/// Says which process answers for the counter. That it lives is what counts, and not that it takes orders: whoever starts
/// anew what is ill must not do so because a disk is full or a barista is away.
pub(crate) async fn healthcheck(urls: Vec<String>) -> anyhow::Result<ExitCode> {
    for url in &urls {
        let counter: CounterAddress = url.parse().with_context(|| format!("can't ask at {url}"))?;
        if let Some(process) = client::process(counter, ANSWER_WITHIN).await {
            // Whoever asks may only want the exit code.
            let _ = writeln!(io::stdout(), "the counter at {url} answers: process {process}");
            return Ok(ExitCode::SUCCESS);
        }
    }
    bail!(
        "no counter answers at {} within {ANSWER_WITHIN:?}; if it listens elsewhere, say where with --listen ADDRESS:PORT",
        urls.join(" or ")
    )
}
