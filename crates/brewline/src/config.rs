//! Settings: a flag, then the environment, then the file, then the default. The first two are the command
//! line's; here the other two join them.

use std::{net::SocketAddr, time::Duration};

use client::CounterAddress;

use crate::{
    catalog::RETENTION_DAYS,
    cli::{Global, LineArgs, LogFormat, Mode, UpArgs},
    file::File,
    log_address::LogAddress,
};

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
    /// How diagnostics are written.
    pub fn log_format(&self, global: &Global) -> LogFormat {
        global.log_format.or(self.log_format).unwrap_or(LogFormat::Text)
    }

    /// Where the customers look for the counter.
    pub fn counter(&self, flag: Option<CounterAddress>) -> CounterAddress {
        flag.or_else(|| self.counter.clone()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use std::{fmt::Display, path::Path};

    use clap::ValueEnum;

    use super::*;
    use crate::value::{self, Number};

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

    /// What the help says of a flag.
    fn help(of: &str, flag: &str) -> String {
        let command = crate::command();
        let command = command.find_subcommand(of).unwrap();
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag)).unwrap();
        let about = arg.get_help().unwrap().to_string();
        match arg.get_default_values() {
            [] => about,
            [default, ..] => format!("{about} [default: {}]", default.display()),
        }
    }

    #[test]
    fn the_help_names_each_range_and_default_as_they_are_enforced() {
        fn check<T: Display>(number: &Number<T>, of: &str, flag: &str, default: &dyn Display) {
            let (help, range) = (help(of, flag), &number.range);
            let says = format!("{} to {}", range.start(), range.end());
            assert!(help.contains(&says), "--{flag}: {says:?} is not in {help:?}");
            assert!(
                help.ends_with(&format!("[default: {default}]")),
                "--{flag}: {default} is not in {help:?}"
            );
        }
        let line = LineArgs { log: Some(LogAddress::Local("/nowhere".into())), ..LineArgs::default() };
        let up = File::default().up(&UpArgs { line, ..UpArgs::default() }).unwrap();
        assert_eq!(up.hands, None);
        check(&value::HANDS, "up", "hands", &"no limit");
        check(&value::SECONDS_PER_CUP, "up", "seconds-per-cup", &up.seconds_per_cup);
        check(&value::MAX_OPEN, "up", "max-open", &up.max_open);
        check(&value::MAX_STREAMS, "up", "max-streams", &up.max_streams);
        check(&value::MAX_STREAMS_PER_ADDRESS, "up", "max-streams-per-address", &up.max_streams_per_address);
        check(&value::RETENTION_DAYS, "up", "retention-days", &(up.retention.as_secs() / 24 / 60 / 60));
        check(&value::CUSTOMERS, "client", "customers", &10);
        check(&value::SEED, "client", "seed", &"others each time");
        for (of, flag, default) in [
            ("up", "listen", up.line.listen.to_string()),
            ("doctor", "listen", up.line.listen.to_string()),
            ("up", "mode", word(&up.mode)),
            ("up", "quiet", up.quiet.to_string()),
            ("client", "counter", CounterAddress::default().to_string()),
        ] {
            let help = help(of, flag);
            assert!(
                help.ends_with(&format!("[default: {default}]")),
                "--{flag}: {default} is not in {help:?}"
            );
        }
        let command = crate::command();
        let about =
            command.get_arguments().find(|arg| arg.get_long() == Some("log-format")).unwrap().get_help();
        let global = Global { config: None, verbose: 0, log_format: None };
        let default = word(&File::default().log_format(&global));
        assert!(about.unwrap().to_string().ends_with(&format!("[default: {default}]")));
    }

    #[test]
    fn every_flag_that_takes_a_value_names_a_default() {
        let command = crate::command();
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let is_named = about.contains("[default: ") || !arg.get_default_values().is_empty();
                assert!(is_named, "{}: {about:?}", arg.get_id());
            }
        }
    }

    fn word(value: &impl ValueEnum) -> String {
        value.to_possible_value().unwrap().get_name().to_owned()
    }

    #[test]
    fn a_flag_or_the_environment_can_take_back_what_the_file_switches_on() {
        let file = parse("quiet = true\n").unwrap();
        for (quiet, is_quiet) in [(None, true), (Some(false), false), (Some(true), true)] {
            assert_eq!(file.up(&UpArgs { quiet, ..UpArgs::default() }).unwrap().quiet, is_quiet);
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
}
