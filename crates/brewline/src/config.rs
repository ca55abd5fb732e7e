//! Settings: a flag, then the environment, then the file, then the default. The first two are the command
//! line's; here the other two join them.

use std::{fs, io, net::SocketAddr, path::Path, time::Duration};

use serde::Deserialize;

use crate::{
    catalog::RETENTION_DAYS,
    cli::{Global, LineArgs, LogFormat, Mode, UpArgs, check_seconds_per_cup},
    log_address::LogAddress,
};

/// The file that is read where none is named.
const FILE: &str = "brewline.toml";

/// What the file may say. A key that is not here is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    log: Option<LogAddress>,
    listen: Option<SocketAddr>,
    mode: Option<Mode>,
    hands: Option<u32>,
    seconds_per_cup: Option<f64>,
    max_open: Option<u32>,
    max_streams: Option<u32>,
    max_streams_per_address: Option<u32>,
    retention_days: Option<u32>,
    quiet: Option<bool>,
    log_format: Option<LogFormat>,
    counter: Option<String>,
}

/// Where the line keeps its log and listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub log: LogAddress,
    pub listen: SocketAddr,
}

/// Everything that `up` needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Up {
    pub line: Line,
    pub mode: Mode,
    pub hands: Option<usize>,
    pub seconds_per_cup: f64,
    pub max_open: usize,
    pub max_streams: usize,
    pub max_streams_per_address: usize,
    pub retention: Duration,
    pub new_staff_token: bool,
    pub accept_loss: bool,
    pub quiet: bool,
}

impl File {
    /// The file that was named, or the one in this directory if there is one.
    pub fn read(global: &Global) -> Result<Self, String> {
        match &global.config {
            Some(path) => Self::at(path).map_err(|e| e.unwrap_or_else(|| missing(path))),
            None => match Self::at(Path::new(FILE)) {
                Err(None) => Ok(Self::default()),
                other => other.map_err(std::option::Option::unwrap_or_default),
            },
        }
    }

    /// `Err(None)`: there is no such file.
    fn at(path: &Path) -> Result<Self, Option<String>> {
        let text = fs::read_to_string(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => None,
            _ => Some(format!("can't read {}: {e}", path.display())),
        })?;
        Self::parse(&text, path).map_err(Some)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            format!("{}:{line}: {}", path.display(), e.message().replace('\n', " "))
        })?;
        file.check().map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(file)
    }

    /// The same ranges as the flags have.
    fn check(&self) -> Result<(), String> {
        let within = |key: &str, value: Option<u32>, low: u32, high: u32| match value {
            Some(n) if n < low || n > high => Err(format!("{key} is {n}; {low} to {high} is allowed")),
            _ => Ok(()),
        };
        within("hands", self.hands, 1, 1_000_000)?;
        within("max_open", self.max_open, 1, u32::MAX)?;
        within("max_streams", self.max_streams, 1, 1_000_000)?;
        within("max_streams_per_address", self.max_streams_per_address, 1, 1_000_000)?;
        within("retention_days", self.retention_days, 2, 3_650)?;
        if let Some(seconds) = self.seconds_per_cup {
            check_seconds_per_cup(seconds).map_err(|why| format!("seconds_per_cup is {seconds}; {why}"))?;
        }
        Ok(())
    }

    /// How diagnostics are written.
    pub fn log_format(&self, global: &Global) -> LogFormat {
        global.log_format.or(self.log_format).unwrap_or(LogFormat::Text)
    }

    /// The counter's address, if something says it.
    pub fn counter(&self, flag: Option<String>) -> Option<String> {
        flag.or_else(|| self.counter.clone())
    }

    /// Where the line keeps its log and listens.
    pub fn line(&self, args: &LineArgs) -> Result<Line, String> {
        let log = match args.log.as_ref().or(self.log.as_ref()) {
            Some(log) => log.clone(),
            None => LogAddress::platform_default()?,
        };
        let listen = args.listen.or(self.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        Ok(Line { log, listen })
    }

    /// Everything that `up` needs to know.
    pub fn up(&self, args: &UpArgs) -> Result<Up, String> {
        let days = args.retention_days.or(self.retention_days).unwrap_or(RETENTION_DAYS);
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Up {
            line: self.line(&args.line)?,
            mode: args.mode.or(self.mode).unwrap_or(Mode::Auto),
            hands: args.hands.or(self.hands).map(count),
            seconds_per_cup: args.seconds_per_cup.or(self.seconds_per_cup).unwrap_or(1.0),
            max_open: args.max_open.or(self.max_open).map_or(2_000_000, count),
            max_streams: args.max_streams.or(self.max_streams).map_or(counter::Options::MAX_STREAMS, count),
            max_streams_per_address: args
                .max_streams_per_address
                .or(self.max_streams_per_address)
                .map_or(counter::Options::MAX_STREAMS_PER_ADDRESS, count),
            retention: Duration::from_secs(u64::from(days) * 24 * 60 * 60),
            new_staff_token: args.new_staff_token,
            accept_loss: args.accept_loss,
            quiet: args.quiet.or(self.quiet).unwrap_or(false),
        })
    }
}

fn missing(path: &Path) -> String {
    format!("there is no file {}; --config names the settings file", path.display())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn parse(text: &str) -> Result<File, String> {
        File::parse(text, Path::new("brewline.toml"))
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = parse("seconds_per_cup = 2.5\nhands = 2\n").unwrap();
        let args = UpArgs { hands: Some(3), ..UpArgs::default() };
        let up = file.up(&args).unwrap();
        assert_eq!((up.hands, up.mode), (Some(3), Mode::Auto));
        assert!((up.seconds_per_cup - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn the_help_names_the_defaults_that_count() {
        let up = File::default().up(&UpArgs::default()).unwrap();
        let help = <crate::cli::Cli as clap::CommandFactory>::command()
            .find_subcommand_mut("up")
            .unwrap()
            .render_long_help()
            .to_string();
        for (flag, default) in
            [("max-streams", up.max_streams), ("max-streams-per-address", up.max_streams_per_address)]
        {
            let about = help.split_once(&format!("--{flag} <N>")).unwrap().1;
            let said = about.split_once("[default: ").unwrap().1.split_once(']').unwrap().0;
            assert_eq!(said, default.to_string(), "--{flag}");
        }
    }

    #[test]
    fn a_flag_or_the_environment_can_take_back_what_the_file_switches_on() {
        let file = parse("quiet = true\n").unwrap();
        for (quiet, is_quiet) in [(None, true), (Some(false), false), (Some(true), true)] {
            assert_eq!(file.up(&UpArgs { quiet, ..UpArgs::default() }).unwrap().quiet, is_quiet);
        }
    }

    #[test]
    fn the_file_allows_what_the_flags_allow() {
        for key in [
            "hands",
            "max_open",
            "max_streams",
            "max_streams_per_address",
            "retention_days",
            "seconds_per_cup",
        ] {
            for n in [0, 1, 2, 3_600, 3_601, 3_650, 3_651, 1_000_000, 1_000_001, u32::MAX] {
                let flag = format!("--{}={n}", key.replace('_', "-"));
                let by_flag = Cli::try_parse_from(["brewline", "up", &flag]);
                let by_file =
                    parse(&format!("{key} = {n}{}\n", if key == "seconds_per_cup" { ".0" } else { "" }));
                assert_eq!(by_file.is_ok(), by_flag.is_ok(), "{flag}: {by_file:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_parts() {
        let line = LineArgs { log: Some(LogAddress::Local("/nowhere".into())), ..LineArgs::default() };
        let up = File::default().up(&UpArgs { line, ..UpArgs::default() }).unwrap();
        let (counter, barista) = (counter::Options::default(), barista::Options::default());
        assert_eq!((up.line.listen, up.max_open), (counter.listen, counter.max_open));
        assert_eq!((up.hands, up.max_open), (barista.hands, barista.max_open));
        let seconds = Duration::from_millis(order::Rules::default().cup_ms).as_secs_f64();
        assert!((up.seconds_per_cup - seconds).abs() < f64::EPSILON);
    }

    #[test]
    fn an_unknown_key_or_a_wrong_value_is_one_sentence_with_its_place() {
        for (text, says) in [
            ("mode = \"auto\"\nhandz = 2\n", "brewline.toml:2: unknown field `handz`"),
            ("hands = 0\n", "1 to 1000000"),
            ("seconds_per_cup = -1\n", "0 to 3600"),
            ("log = \"debug\"\n", "--verbose"),
            ("mode = \n", "brewline.toml:1:"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says) && !error.contains('\n'), "{text:?}: {error}");
        }
    }
}
