//! `brewline config check`: all that is wrong with the settings file.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf, absolute},
    process::ExitCode,
};

use crate::{
    cli::{Cli, Command, Global, ServeArgs},
    file::File,
    menu::{COMMAND_LINE, Source},
};

/// Says on stdout that the file is right, or on stderr all that is wrong with it.
pub(super) fn check(named: Option<PathBuf>, global: &Global) -> anyhow::Result<ExitCode> {
    let source = match named {
        Some(path) => Source { path, by: Some(COMMAND_LINE.to_owned()) },
        None => File::source(global),
    };
    let mistakes = match File::of(&source).map_err(anyhow::Error::msg)? {
        Ok(file) if file.path.is_none() => {
            let path = absolute(&source.path).unwrap_or(source.path);
            writeln!(
                io::stdout(),
                "there is no file {}, and none is named: defaults hold; brewline config example prints one to begin with",
                path.display()
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(file) => match beyond(&file) {
            wrong if wrong.is_empty() => {
                let says = match file.places.keys().filter(|key| !key.contains('.')).count() {
                    0 => "it says nothing, and defaults hold".to_owned(),
                    1 => "1 setting".to_owned(),
                    settings => format!("{settings} settings"),
                };
                writeln!(io::stdout(), "{} is right: {says}", source.path.display())?;
                return Ok(ExitCode::SUCCESS);
            }
            wrong => wrong.join("\n"),
        },
        Err(mistakes) => mistakes.to_string(),
    };
    writeln!(io::stderr(), "{mistakes}")?;
    Ok(ExitCode::FAILURE)
}

/// What is wrong although each value may be as it is.
fn beyond(file: &File) -> Vec<String> {
    let place = |key: &str| file.places.get(key).cloned().unwrap_or_default();
    let named = [
        ("menu", &file.menu),
        ("shop", &file.shop),
        ("tls_cert", &file.tls_cert),
        ("tls_key", &file.tls_key),
        ("ca", &file.ca),
    ];
    let missing = named.into_iter().filter_map(|(key, path)| {
        let path: &Path = path.as_deref()?;
        let is_missing = !path.is_file();
        is_missing.then(|| {
            let (place, path) = (place(key), path.display());
            format!("{place}: there is no file {path}, which {key} names; make it, or name another")
        })
    });
    let mut wrong: Vec<_> = missing.collect();
    // The other half may be in the environment, which many a deployment has for paths.
    let said = match Cli::read(["brewline".into(), "up".into()]) {
        Ok(Cli { command: Command::Up(args), .. }) => args.serve,
        _ => ServeArgs::default(),
    };
    if let Some(key) = ["tls_cert", "tls_key"].into_iter().find(|key| file.places.contains_key(*key)) {
        wrong.extend(file.tls(&said).err().map(|why| format!("{}: {why}", place(key))));
    }
    wrong
}
