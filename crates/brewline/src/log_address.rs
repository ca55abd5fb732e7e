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
                dir => expanded(dir).map(Self::Local),
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

/// The directory with a leading `~` as the home directory: no shell sees to it after `local:`, nor in a file.
fn expanded(dir: &str) -> Result<PathBuf, String> {
    let Some(rest) = dir.strip_prefix('~') else { return Ok(dir.into()) };
    let below = match rest.strip_prefix('/') {
        Some(below) => below.trim_start_matches('/'),
        None if rest.is_empty() => "",
        None => {
            return Err("only ~/ is known here, for your own home directory; say the whole path".to_owned());
        }
    };
    let home =
        etcetera::home_dir().map_err(|_| "there is no home directory for the ~; say the whole path")?;
    Ok(if below.is_empty() { home } else { home.join(below) })
}

/// What the log says when another directory is a way out, with the flag that names one: the log knows none.
pub(crate) fn name_the_flag(mut sentence: String) -> String {
    if sentence.ends_with("choose another directory") {
        sentence += " with --log local:DIR";
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_the_home_directory() {
        let home = etcetera::home_dir().unwrap();
        for (text, dir) in [
            ("local:~/a/b", home.join("a/b")),
            ("local:~//a", home.join("a")),
            ("local:~/", home.clone()),
            ("local:~", home.clone()),
            ("local:/x/~/y", "/x/~/y".into()),
            ("local:x/~", "x/~".into()),
        ] {
            assert_eq!(text.parse(), Ok(LogAddress::Local(dir)), "{text}");
        }
        assert!("local:~bob/x".parse::<LogAddress>().unwrap_err().contains("the whole path"));
    }

    #[test]
    fn a_way_out_to_another_directory_names_the_flag() {
        let named = name_the_flag("it is broken; choose another directory".to_owned());
        assert_eq!(named, "it is broken; choose another directory with --log local:DIR");
        assert_eq!(name_the_flag("it is full".to_owned()), "it is full");
    }

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
