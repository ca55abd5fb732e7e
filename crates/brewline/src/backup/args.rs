//! What the commands about copies of a log take. The doc comments are the help.

#![allow(clippy::doc_markdown, reason = "doc comments here are the help on a terminal, not Markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "the same: square brackets there are no links")]

use std::path::PathBuf;

use clap::Args;
use client::CounterAddress;

use crate::{
    config::{Line, Place},
    file::File,
    log_address::LogAddress,
    value::{self, said},
};

/// What `backup` takes.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is: local:DIR, ~/ is your home directory [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "local:DIR", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub counter: CounterArgs,
}

/// The counter that is asked where a line that runs has the log.
#[derive(Debug, Default, Clone, Args)]
pub struct CounterArgs {
    /// Ask this counter, and do not look at the log [default: only where a line that runs has the log, http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "BREWLINE_COUNTER", value_parser = said(value::counter))]
    pub counter: Option<CounterAddress>,

    /// A manager's token for the counter [default: none]
    #[arg(long, value_name = "TOKEN", env = "BREWLINE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Whose certificate is trusted where the counter is https, a PEM file [default: those that the system trusts]
    #[arg(long, value_name = "FILE", env = "BREWLINE_CA")]
    pub ca: Option<PathBuf>,
}

/// What `restore` takes.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is to be: local:DIR, a directory that is empty or not there [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "local:DIR", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    /// Only try it: restore beside the file, count the ledger, and remove it again
    #[arg(long)]
    pub check: bool,
}

/// The counter that has a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) counter: CounterAddress,
    /// It was named, so the log is not looked at.
    pub(crate) is_named: bool,
    pub(crate) token: Option<String>,
    pub(crate) ca: Option<PathBuf>,
}

impl File {
    /// The counter that is asked.
    pub(crate) fn asked(&self, args: &CounterArgs) -> Asked {
        let counter = args.counter.clone().or_else(|| self.counter.clone());
        Asked {
            is_named: args.counter.is_some(),
            counter: counter.unwrap_or_default(),
            token: args.token.clone(),
            ca: self.ca(args.ca.clone()),
        }
    }

    /// The directory of an embedded log. `who` asks; `instead` is what to do on a cluster.
    pub(crate) fn directory(
        &self,
        log: Option<&LogAddress>,
        who: &str,
        instead: &str,
    ) -> Result<PathBuf, String> {
        let args = crate::cli::LineArgs { log: log.cloned(), ..crate::cli::LineArgs::default() };
        let Line { log, .. } = self.line(&args)?;
        match log {
            Place::Local(dir) => Ok(dir),
            Place::Kafka(cluster) => Err(format!(
                "brewline {who} works on an embedded log, and kafka://{} is a cluster's; {instead}",
                cluster.brokers
            )),
        }
    }
}
