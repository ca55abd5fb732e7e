//! `brewline client`.

use std::{
    io::{ErrorKind, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
};

use client::{ClientError, CounterAddress, Options, Output, Verdict};

use crate::{bells, cli::ClientArgs, config::Cluster, signals::stop_on_signals, value::Told};

/// Lets the customers in, and says by the exit code whether any of them was refused or not served.
pub(crate) async fn client(
    args: &ClientArgs,
    counter: CounterAddress,
    ca: Option<PathBuf>,
    bells: Option<Told<Cluster>>,
) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let announcements = match bells {
        Some(told) => Some(bells::hear(&told, &stop).await?),
        None => None,
    };
    let output = if args.json { Output::Json } else { Output::for_this_terminal() };
    let options = Options {
        counter,
        ca,
        customers: args.customers,
        once: args.once,
        seed: args.seed,
        announcements,
        output,
        ..Options::default()
    };
    let mut reporter = client::reporter(output, stdout(), stderr());
    match client::run(options, stop, reporter.as_mut()).await {
        Ok(summary) => Ok(match summary.verdict() {
            // Whoever stops before the last bell asked for it.
            // Whoever waits for the last bell did not hear it.
            Verdict::Stopped if args.once => ExitCode::FAILURE,
            Verdict::AllReady | Verdict::Stopped => ExitCode::SUCCESS,
            Verdict::Failed => ExitCode::FAILURE,
        }),
        // Whoever listened has heard enough: `brewline client | head`.
        Err(ClientError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}
