//! Which log to work on: `local:DIR`.

use std::{fmt, path::PathBuf, str::FromStr};

use etcetera::BaseStrategy as _;

/// Which log to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogAddress {
    /// The embedded log in a directory.
    Local(PathBuf),
}

impl LogAddress {
    /// The platform's data directory for brewline.
    pub fn platform_default() -> Result<Self, String> {
        let base = etcetera::choose_base_strategy()
            .map_err(|_| "there is no home directory to keep the log in; say where with --log local:DIR")?;
        Ok(Self::Local(base.data_dir().join("brewline")))
    }
}

impl fmt::Display for LogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Local(dir) = self;
        write!(f, "local:{}", dir.display())
    }
}

impl FromStr for LogAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(dir) = text.strip_prefix("local:") {
            return match dir {
                "" => Err("say the directory as well, as in local:/var/lib/brewline".to_owned()),
                dir => Ok(Self::Local(dir.into())),
            };
        }
        if text.starts_with("kafka:") {
            return Err("this version keeps its log in a directory only; say local:DIR".to_owned());
        }
        if ["error", "warn", "info", "debug", "trace"].contains(&text) {
            return Err("this names the log to work on, as in local:DIR; for more diagnostics say --verbose"
                .to_owned());
        }
        Err("say local:DIR, as in local:/var/lib/brewline".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_directory_and_anything_else_says_the_way_out() {
        assert_eq!("local:/x y".parse(), Ok(LogAddress::Local("/x y".into())));
        for (text, says) in [
            ("local:", "say the directory"),
            ("debug", "--verbose"),
            ("kafka://localhost:9092", "local:DIR"),
            ("/var/lib/brewline", "local:DIR"),
        ] {
            let error = text.parse::<LogAddress>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
