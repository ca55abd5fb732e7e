//! The counter that is asked for what the log of a line that runs has.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use client::{Api, CounterAddress, Limits, Patience, Request};
use eventlog::local::{self, Found};

use crate::{cli::AskedArgs, file::File, log_address::LogAddress};

/// A counter that works answers at once; so long is waited where only who it is is asked. The image gives its whole health
/// check 3 s.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The counter, and how it lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub counter: CounterAddress,
    /// It was named, so the log is not looked at; or the line that has the log says where it listens.
    pub is_named: bool,
    /// A manager's.
    pub token: Option<String>,
    pub ca: Option<PathBuf>,
}

impl File {
    /// The counter that is asked. `log` was said by flag or variable: the file's counter, which is for customers, too, does
    /// not keep it from being looked at.
    pub(crate) fn asked(&self, args: &AskedArgs, log: Option<&LogAddress>) -> Asked {
        let counter = args.counter.clone().or_else(|| self.counter.clone());
        Asked {
            is_named: args.counter.is_some() || (counter.is_some() && log.is_none()),
            counter: counter.unwrap_or_default(),
            token: args.token.clone(),
            ca: self.ca(args.ca.clone()),
        }
    }
}

/// The counter of the process that has the log in `dir`, if one has it and says where it listens.
pub(crate) fn counter_of_holder(dir: &Path) -> Option<CounterAddress> {
    local::holder_address(dir)?.parse().ok()
}

/// The process that has the log in `dir`. A log that nobody has would be read as a whole by the look.
pub(crate) fn process_of_holder(dir: &Path) -> Option<u32> {
    match local::is_in_use(dir).ok()?.then(|| local::look(dir))?.ok()? {
        Found::InUse { process } => process,
        _ => None,
    }
}

impl Asked {
    /// The same where a process has the log in `dir`: unless a counter was named, that one's is asked, if it says where
    /// it listens. The directory is this user's alone, and so is what stands in it.
    pub(crate) fn of_holder(&self, dir: &Path) -> Self {
        match counter_of_holder(dir) {
            Some(counter) if !self.is_named => Self { counter, is_named: true, ..self.clone() },
            _ => self.clone(),
        }
    }

    /// How it is asked; fails without a token that could be one.
    pub(crate) async fn api(&self, limits: Limits) -> anyhow::Result<Api> {
        let Some(token) = &self.token else {
            if self.is_named {
                self.is_there().await?;
                bail!(
                    "the counter at {} tells managers alone: say the staff token, or another manager's token, with --token \
                     or in BREWLINE_TOKEN",
                    self.counter
                );
            }
            bail!(
                "the line that has the log must be asked: say its staff token, or another manager's token, with --token or \
                 in BREWLINE_TOKEN, and with --counter where that line listens, if not at {}",
                self.counter
            );
        };
        let api = Api::new(self.counter.clone(), self.ca.as_deref(), limits)?;
        api.with_token(token).context("--token: no token looks like that; say it as it was shown")
    }

    /// Fails where no counter is: a token would be no way out.
    async fn is_there(&self) -> anyhow::Result<()> {
        let defaults = Limits::default();
        let order = Patience { attempt: ANSWER_WITHIN, ..defaults.order };
        let api = Api::new(self.counter.clone(), self.ca.as_deref(), Limits { order, ..defaults })?;
        // What only a counter has, and refuses in a few words.
        let reply = api.once(&Request::get("/ledger")).await;
        let reply = reply.map_err(|silence| anyhow!(silence.of(&self.counter)))?;
        if reply.is_no_counters() {
            bail!(reply.refusal(&self.counter));
        }
        Ok(())
    }
}
