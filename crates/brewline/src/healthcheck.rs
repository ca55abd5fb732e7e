//! `brewline healthcheck`: whether the counter of this machine answers. For containers, where there is nothing else
//! that could ask.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;

use crate::banner;

/// A counter that works answers at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Says which process answers for a counter that listens there. That it lives is what counts, and not that it takes
/// orders: whoever starts anew what is ill must not do so because a disk is full or a barista is away.
pub(crate) async fn healthcheck(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    // Over TLS, too, a counter says in plain HTTP that it lives.
    let url = banner::url(listen);
    let counter = url.parse().with_context(|| format!("can't ask at {url}"))?;
    let process = client::process(counter, ANSWER_WITHIN).await;
    let process = process.with_context(|| format!("no counter answers at {url} within {ANSWER_WITHIN:?}"))?;
    // Whoever asks may only want the exit code.
    let _ = writeln!(io::stdout(), "the counter at {url} answers: process {process}");
    Ok(ExitCode::SUCCESS)
}
