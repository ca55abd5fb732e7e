//! All that a log has as lines of JSON, and a log from such lines: to look into it with other tools, and to move a line
//! from one kind of log to the other.
//!
//! | file | idea |
//! |---|---|
//! | `lines` | what stands in a line |
//! | `write`, `read` | a log as lines; lines as a log, compared |
//! | `export`, `import` | the commands |
//! | `pieces` | what comes in pieces, read as one |

mod export;
mod import;
mod lines;
mod pieces;
mod read;
mod write;

use std::path::PathBuf;

pub use self::read::{Exported, read};
pub(crate) use self::{
    export::{Export, export},
    import::{Import, import},
};
use crate::{
    cli::{ExportArgs, ImportArgs, LineArgs},
    config::{Line, Place},
    file::File,
};

/// A file, or what the shell connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    File(PathBuf),
    /// `-`
    Pipe,
}

impl From<&PathBuf> for Where {
    fn from(path: &PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Pipe } else { Self::File(path.clone()) }
    }
}

impl File {
    /// All that a log has, as lines.
    pub(crate) fn export(&self, args: &ExportArgs) -> Result<Export, String> {
        let line = LineArgs { log: args.log.clone(), kafka: args.kafka.clone(), ..LineArgs::default() };
        let Line { log, keep, .. } = self.line(&line)?;
        let asked = self.asked(&args.asked, args.log.as_ref());
        Ok(Export { to: (&args.file).into(), log, keep, asked })
    }

    /// A log from lines.
    pub(crate) fn import(&self, args: &ImportArgs) -> Result<Import, String> {
        let line = LineArgs { log: args.log.clone(), kafka: args.kafka.clone(), ..LineArgs::default() };
        let from = (&args.file).into();
        let to = if args.check { None } else { Some(self.line(&line)?.log) };
        if args.again && !matches!(to, Some(Place::Kafka(_))) {
            return Err(
                "--again removes what an import to Kafka left; say --log kafka://HOST:PORT, or leave it out"
                    .to_owned(),
            );
        }
        Ok(Import { from, to, keep: self.keep(&args.keep), again: args.again })
    }
}
