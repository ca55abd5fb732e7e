//! `brewline menu check`

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use shop::Checked;

use super::{COMMAND_LINE, Source};

/// Says on stdout what a file of the shop is, or on stderr all that is wrong with it.
pub(crate) fn check(path: PathBuf) -> anyhow::Result<ExitCode> {
    let source = Source { path, by: Some(COMMAND_LINE.to_owned()) };
    let text = source.read().map_err(anyhow::Error::msg)?.unwrap_or_default();
    let file = source.path.display().to_string();
    match Checked::parse(&text, &file) {
        Ok(checked) => {
            writeln!(io::stdout(), "{file} is right: {checked}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) => {
            writeln!(io::stderr(), "{mistakes}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}
