//! The shop's two files: read at the start, kept up with while the line runs, checked by a command.

mod check;
mod keep_up;

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::PathBuf,
};

use shop::{Limits, Menu, Mistakes, Settings, Shop};

pub(crate) use self::{check::check, keep_up::KeepUp};

/// Who names a file that a command is given to check.
pub(crate) const COMMAND_LINE: &str = "the command line";

/// Where the shop's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub menu: Source,
    pub shop: Source,
    /// It is practice, which uses none of the shop's machines: no printer.
    pub practice: bool,
}

/// Where one of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    /// Who says so; `None`: nobody, and it need not be there.
    pub by: Option<String>,
}

impl Files {
    /// The shop that they describe, or all that is wrong with them, each in a line.
    pub(crate) fn shop(&self) -> Result<Shop, Vec<String>> {
        let menu = self.menu.parsed(Menu::parse);
        let settings = self.shop.parsed(Settings::parse);
        match (menu, settings) {
            (Ok(menu), Ok(settings)) => {
                let mut settings = settings.unwrap_or_else(Settings::embedded);
                if self.practice {
                    settings.printer = None;
                }
                let of_example = Settings::embedded().currency;
                match menu {
                    Some(menu) => Ok(Shop::new(menu, settings)),
                    // Its prices would be a thousand times too high, or too low.
                    None if settings.currency != of_example => Err(vec![format!(
                        "{}: currency is {}, and the example that is sold without a menu of your own has prices in \
                         {of_example}; write {}",
                        self.shop.path.display(),
                        settings.currency,
                        self.menu.path.display()
                    )]),
                    None => Ok(Shop::new(Menu::embedded(), settings)),
                }
            }
            (menu, settings) => Err([menu.err(), settings.err()].into_iter().flatten().flatten().collect()),
        }
    }

    /// What is sold, in a few words.
    pub(crate) fn describe(&self, shop: &Shop) -> String {
        let items = shop.menu().len();
        let path = self.menu.path.display();
        if self.menu.is_there() {
            format!("{items} items of {path}")
        } else {
            format!("an example of {items} items; write {path} for your own")
        }
    }
}

impl Source {
    fn is_there(&self) -> bool {
        self.by.is_some() || self.path.exists()
    }

    /// What is made of it; `None`: it is not there, and need not be.
    fn parsed<T>(&self, parse: fn(&str, &str) -> Result<T, Mistakes>) -> Result<Option<T>, Vec<String>> {
        let Some(text) = self.read().map_err(|why| vec![why])? else { return Ok(None) };
        let parsed = parse(&text, &self.path.display().to_string());
        parsed.map(Some).map_err(|mistakes| mistakes.to_string().lines().map(str::to_owned).collect())
    }

    /// Its text; `None`: it is not there, and need not be.
    pub(crate) fn read(&self) -> Result<Option<String>, String> {
        let shown = self.path.display();
        match self.bytes() {
            // What is too large says so when it is parsed; it may be cut within a character.
            Ok(bytes) if bytes.len() > Limits::FILE_BYTES => {
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Ok(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| format!("{shown} is not text (UTF-8); write it as TOML")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match &self.by {
                Some(by) => {
                    Err(format!("there is no file {shown}, which {by} names; make it, or name another"))
                }
                None => Ok(None),
            },
            Err(error) => Err(format!("can't read {shown} ({error}); make it readable, or name another")),
        }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        // What is no file may give bytes for ever, or none and never end.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(Limits::FILE_BYTES).unwrap_or(u64::MAX);
        File::open(&self.path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
