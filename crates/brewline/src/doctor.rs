//! `brewline doctor`: whether the line can work here, and what to do if not. It only looks: nothing is written, and
//! the log is looked at without being opened, which could change it.

use std::{
    fmt, fs,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use client::CounterAddress;
use counter::{PrinterPatience, PrinterState, printer_state};
use eventlog::{
    OpenError,
    local::{self, Found},
};
use shop::Shop;

use crate::{
    asked::{ANSWER_WITHIN, counter_of_holder},
    banner::{self, absolute},
    catalog::catalog,
    config::{Cluster, Keep, Line, Place},
    foreign, kafka,
    log_address::name_the_flag,
    menu::Files,
    meters::free,
    opened::kafka_options,
};

/// Less free space than this, and the line soon refuses orders; in bytes.
const SPACE_LOW: u64 = 64 * 1024 * 1024;
/// Less free space than this is said, in bytes.
const SPACE_SCARCE: u64 = 1024 * 1024 * 1024;
/// This program did not exist before 2026: a clock that says so is wrong. In seconds since the epoch.
const CLOCK_EARLIEST: u64 = 1_767_225_600;

/// As wide as many a terminal is.
const COLUMNS: usize = 80;

/// How a check went; the text says what was seen, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Good(String),
    Note(String),
    Bad(String),
}

/// Checks everything, and says it on stdout.
pub(crate) fn doctor(line: &Line, files: &Files) -> ExitCode {
    let mut checks = match &line.log {
        Place::Local(dir) => {
            let dir = absolute(dir);
            let found = local::look(&dir);
            let there = at_port(line.listen);
            let listens = counter_of_holder(&dir);
            vec![
                (
                    "port",
                    listening(&found, listens.as_ref()).unwrap_or_else(|| port(line.listen, there, &found)),
                ),
                ("directory", directory(&dir)),
                ("space", space(&dir)),
                ("clock", clock(SystemTime::now(), &dir)),
                ("log", log(found, &dir, there)),
            ]
        }
        Place::Kafka(cluster) => {
            // Whoever holds the port may well work on this cluster.
            let found = Ok(Found::InUse { process: None });
            let there = at_port(line.listen);
            let mut checks = vec![
                ("port", port(line.listen, there, &found)),
                ("clock", clock(SystemTime::now(), Path::new(""))),
            ];
            checks.extend(self::cluster(cluster, &line.keep).into_iter().map(|finding| ("kafka", finding)));
            checks
        }
    };
    let shop = files.shop();
    checks.push(("menu", menu(files, &shop)));
    let of_shop = shop.as_ref().ok().and_then(|shop| shop.settings().printer.as_ref());
    checks.extend(of_shop.map(|at| ("printer", printer(&at.address))));
    let (mut code, mut out) = (ExitCode::SUCCESS, io::stdout());
    for (name, finding) in checks {
        let (mark, text) = match finding {
            Finding::Good(text) => ("ok  ", text),
            Finding::Note(text) => ("note", text),
            Finding::Bad(text) => {
                code = ExitCode::FAILURE;
                ("BAD ", text)
            }
        };
        // Whoever reads it may have gone away; what was found is in the exit code too.
        let _ = writeln!(out, "{}", wrapped(format!("{mark}  {name:<10}"), &text));
    }
    code
}

/// `text` behind `head`, in lines of [`COLUMNS`] that begin below it. A word that is longer, as a path can be, stays
/// whole: it is there to be copied.
fn wrapped(head: String, text: &str) -> String {
    let indent = head.chars().count();
    let (mut lines, mut column) = (head, indent);
    for word in text.split(' ') {
        let width = 1 + word.chars().count();
        if column + width > COLUMNS && column > indent {
            lines.push('\n');
            lines += &" ".repeat(indent);
            column = indent;
        }
        lines += " ";
        lines += word;
        column += width;
    }
    lines
}

/// The first of its mistakes: all of them stand where the command says that is named.
fn menu(files: &Files, shop: &Result<Shop, Vec<String>>) -> Finding {
    match shop {
        Ok(shop) => Finding::Good(files.describe(shop)),
        Err(lines) => {
            let others = lines.len().saturating_sub(1);
            let others = if others > 0 {
                format!("; see all with brewline menu check ({others} more)")
            } else {
                String::new()
            };
            Finding::Bad(lines.first().cloned().unwrap_or_default() + &others)
        }
    }
}

/// Whether what is owed on paper comes out. Orders are taken without it.
fn printer(address: &str) -> Finding {
    let patience = PrinterPatience::default();
    match crate::block_on(printer_state(address, &patience)) {
        Ok(PrinterState::Ok) => Finding::Good(format!("{address} prints")),
        Ok(PrinterState::NoPaper) => Finding::Note(format!(
            "{address} has no paper; put in a roll, and what waits comes out by itself"
        )),
        Ok(PrinterState::CoverOpen) => Finding::Note(format!("the cover of {address} is open; close it")),
        Ok(PrinterState::Offline) => Finding::Bad(format!(
            "{address} can't be reached, or says that something is wrong with it; look whether it is on and in the \
             network, or correct address under [printer] in shop.toml"
        )),
        Err(error) => Finding::Note(format!("can't look at {address} ({error})")),
    }
}

/// Where the line that has the log listens, if it says so: it may have been told otherwise than whoever asks now.
/// `None`: that says nothing.
fn listening(log: &Result<Found, OpenError>, listens: Option<&CounterAddress>) -> Option<Finding> {
    let (Ok(Found::InUse { process: Some(user) }), Some(at)) = (log, listens) else { return None };
    match answering(at) {
        Some(there) if there.process == *user => Some(there.runs(at)),
        // Over https it may only not be trusted from here.
        _ if at.is_secure() => None,
        Some(There { process: other, .. }) => Some(Finding::Bad(format!(
            "process {user} has the log and says that it listens at {at}, but process {other} answers there, a brewline \
             with another log; stop one of them and start it anew with another --listen ADDRESS:PORT"
        ))),
        None => Some(Finding::Bad(format!(
            "process {user} has the log, is to answer at {at}, and does not within {ANSWER_WITHIN:?}; if it has just been \
             started, look again, or else look what it says, or stop it and start the line anew"
        ))),
    }
}

/// A brewline that answers somewhere.
#[derive(Debug, Clone, Copy)]
struct There {
    process: u32,
    /// The files of its log were removed, or moved elsewhere, while it had them open.
    has_lost_its_log: bool,
}

fn at_port(listen: SocketAddr) -> Option<There> {
    answering(&banner::url(listen).parse().ok()?)
}

/// The brewline that answers there, if it is one of ours.
fn answering(counter: &CounterAddress) -> Option<There> {
    let process = crate::block_on(client::process(counter.clone(), ANSWER_WITHIN)).ok()??;
    let trouble = crate::block_on(client::log_trouble(counter.clone(), ANSWER_WITHIN)).ok()?;
    Some(There { process, has_lost_its_log: trouble.as_deref() == Some("removed") })
}

impl There {
    /// It is the one that is meant, or may be.
    fn runs(self, at: impl fmt::Display) -> Finding {
        let Self { process, has_lost_its_log } = self;
        if !has_lost_its_log {
            return Finding::Good(format!("{at} is held by a brewline that is running, process {process}"));
        }
        Finding::Bad(format!(
            "{at} is held by a brewline that takes no orders, process {process}: the files of its log were moved or removed \
             while it ran; move them back, and it goes on, or stop it and start it anew with --log local:DIR where they \
             are now; if they are gone, restore a backup"
        ))
    }
}

fn port(listen: SocketAddr, there: Option<There>, log: &Result<Found, OpenError>) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => Finding::Good(format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => held(listen, there, log),
        Err(error) => Finding::Bad(format!(
            "can't listen on {listen} ({error}); choose another with --listen ADDRESS:PORT"
        )),
    }
}

/// A port that is taken, by `there` if it is a brewline: with this log, with another one, or nobody can say.
fn held(listen: SocketAddr, there: Option<There>, log: &Result<Found, OpenError>) -> Finding {
    let Some(there) = there else {
        return Finding::Bad(format!(
            "{listen} is taken by another program; choose another with --listen ADDRESS:PORT"
        ));
    };
    let process = there.process;
    match log {
        Ok(Found::InUse { process: Some(user) }) if *user == process => there.runs(listen),
        // Which log it had nobody can say any more.
        _ if there.has_lost_its_log => there.runs(listen),
        Ok(
            Found::InUse { process: Some(_) } | Found::Nothing | Found::Sound { .. } | Found::Older { .. },
        ) => Finding::Bad(format!(
            "{listen} is held by a brewline with another log, process {process}; if that one is meant, say where its log \
             is with --log local:DIR, or else choose another port with --listen ADDRESS:PORT"
        )),
        // It may be that one's log: of another user, who lets nobody look into it, or without a name for its holder.
        Ok(Found::InUse { process: None }) | Err(_) => {
            Finding::Note(format!("{listen} is held by a brewline that is running, process {process}"))
        }
    }
}

fn directory(dir: &Path) -> Finding {
    let place = nearest(dir);
    if !place.is_dir() {
        return Finding::Bad(format!(
            "{} is not a directory; choose another with --log local:DIR",
            place.display()
        ));
    }
    match access(&place) {
        Ok(()) if place == dir => Finding::Good(format!("{} can be written to", dir.display())),
        Ok(()) => Finding::Good(format!("{} will be made", dir.display())),
        Err(error) => Finding::Bad(format!(
            "{} can't be written to ({error}); choose another with --log local:DIR, or change who owns it",
            place.display()
        )),
    }
}

fn space(dir: &Path) -> Finding {
    let place = nearest(dir);
    let free = match free(&place) {
        Ok(free) => free,
        Err(error) => {
            return Finding::Note(format!("can't tell how much is free at {} ({error})", place.display()));
        }
    };
    let text = format!("{} MiB free at {}", free / 1024 / 1024, place.display());
    match free {
        0..SPACE_LOW => Finding::Bad(format!("{text}; orders are refused when it is full: make room")),
        SPACE_LOW..SPACE_SCARCE => Finding::Note(format!("{text}; a million orders take about 1 GiB")),
        _ => Finding::Good(text),
    }
}

/// Whether files can be made there.
#[cfg(unix)]
fn access(place: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(place, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Elsewhere only a try says it, and whoever only looks makes no file.
#[cfg(not(unix))]
fn access(place: &Path) -> io::Result<()> {
    fs::read_dir(place).map(drop)
}

fn clock(now: SystemTime, dir: &Path) -> Finding {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let text = order::rfc3339(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
    if seconds < CLOCK_EARLIEST {
        return Finding::Bad(format!("it is {text} by this machine; set the clock"));
    }
    // What was written in the future was written by a clock that was set back since.
    let newest = fs::read_dir(dir).into_iter().flatten().flatten();
    let newest = newest.filter_map(|file| file.metadata().ok()?.modified().ok()).max();
    match newest.and_then(|written| written.duration_since(now).ok()) {
        Some(ahead) if ahead > Duration::from_mins(1) => Finding::Note(format!(
            "it is {text} by this machine, but the log was written {} s later than that; if the clock is wrong, set it",
            ahead.as_secs()
        )),
        _ => Finding::Good(text),
    }
}

/// `there` is at the port of the line.
fn log(found: Result<Found, OpenError>, dir: &Path, there: Option<There>) -> Finding {
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    match found {
        Ok(Found::Nothing) if there.is_some_and(|there| there.has_lost_its_log) => Finding::Note(
            "none here; a start now would begin an empty one, and that of the line that runs was moved or removed"
                .to_owned(),
        ),
        Ok(Found::Nothing) => match foreign::refuse(dir) {
            Ok(()) => Finding::Good("none yet; the first start makes it".to_owned()),
            Err(why) => Finding::Bad(why),
        },
        Ok(Found::Sound { bytes }) => {
            Finding::Good(format!("is sound, {} MiB, and nobody uses it", mib(bytes)))
        }
        Ok(Found::Older { bytes }) => Finding::Note(format!(
            "is sound, {} MiB, in an older layout; the next start changes it, and keeps a copy of the old file",
            mib(bytes)
        )),
        Ok(Found::InUse { process: Some(process) }) => Finding::Good(format!("in use by process {process}")),
        Ok(Found::InUse { process: None }) => Finding::Good("in use by another process".to_owned()),
        Err(error) => Finding::Bad(name_the_flag(error.to_string())),
    }
}

/// Whether the cluster answers, and how its topics are.
fn cluster(cluster: &Cluster, keep: &Keep) -> Vec<Finding> {
    let looked =
        kafka_options(cluster, keep, &catalog(keep.retention)).and_then(|options| kafka::topics(&options));
    let topics = match looked {
        Ok(topics) => topics,
        Err(error) => return vec![Finding::Bad(error.to_string())],
    };
    let missing = topics.iter().filter(|topic| topic.partitions.is_none()).count();
    let answers = format!("{} answers", cluster.brokers);
    let mut findings = vec![Finding::Good(match missing {
        0 => format!("{answers}, and has every topic"),
        all if all == topics.len() => format!("{answers}, and has no topics yet; the first start makes them"),
        some => format!("{answers}; {some} topics are missing, the next start makes them"),
    })];
    findings.extend(kafka::remarks(&topics).into_iter().map(|remark| {
        let text = format!("{}: {}", remark.topics, remark.says);
        if remark.is_refusal { Finding::Bad(text) } else { Finding::Note(text) }
    }));
    findings
}

/// The directory, or what there is of the way to it.
fn nearest(dir: &Path) -> PathBuf {
    dir.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_place_is_found_good_and_each_bad_one_says_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            matches!(directory(&dir.path().join("a/b")), Finding::Good(text) if text.contains("will be made"))
        );
        assert!(matches!(log(local::look(&dir.path().join("a")), dir.path(), None), Finding::Good(_)));
        let file = dir.path().join("file");
        fs::write(&file, b"x").unwrap();
        for dir in [&file, &file.join("below")] {
            assert!(matches!(directory(dir), Finding::Bad(text) if text.contains("--log local:DIR")));
            assert!(matches!(log(local::look(&file), dir, None), Finding::Bad(_)));
        }
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(
            matches!(port(taken.local_addr().unwrap(), None, &Ok(Found::Nothing)), Finding::Bad(text) if text.contains("--listen"))
        );
        assert!(
            matches!(clock(SystemTime::UNIX_EPOCH, dir.path()), Finding::Bad(text) if text.contains("set the clock"))
        );
        let earlier = SystemTime::now() - Duration::from_hours(1);
        assert!(matches!(clock(earlier, dir.path()), Finding::Note(text) if text.contains("later")));
    }
    #[test]
    fn a_brewline_on_the_port_is_said_to_have_another_log_only_where_that_is_known() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let there = |has_lost_its_log| Some(There { process: 7, has_lost_its_log });
        let of = |log| held(listen, there(false), &log);
        assert!(matches!(of(Ok(Found::InUse { process: Some(7) })), Finding::Good(_)));
        for log in [
            Found::InUse { process: Some(8) },
            Found::Nothing,
            Found::Sound { bytes: 1 },
            Found::Older { bytes: 1 },
        ] {
            let finding = of(Ok(log));
            assert!(
                matches!(&finding, Finding::Bad(text) if text.contains("another log")),
                "{log:?}: {finding:?}"
            );
            let finding = held(listen, there(true), &Ok(log));
            assert!(
                matches!(&finding, Finding::Bad(text) if text.contains("moved or removed") && !text.contains("another log")),
                "{log:?}: {finding:?}"
            );
        }
        let unknown = [Ok(Found::InUse { process: None }), Err(OpenError::InUse("no access".to_owned()))];
        for log in unknown {
            let finding = of(log);
            assert!(
                matches!(&finding, Finding::Note(text) if text.ends_with("is running, process 7")),
                "{finding:?}"
            );
        }
    }
    #[test]
    fn what_is_said_fits_into_80_columns_but_for_words_that_are_longer() {
        let path = format!("/{}", "x".repeat(90));
        let text = format!(
            "{path} can't be written to (no); choose another with --log local:DIR, or ask who owns it"
        );
        let said = wrapped("BAD   directory ".to_owned(), &text);
        let lines: Vec<_> = said.lines().collect();
        assert!(lines.len() > 2 && lines[0].ends_with(&path), "{said}");
        assert!(
            lines[1..].iter().all(|line| line.len() <= COLUMNS && line.starts_with(&" ".repeat(17))),
            "{said}"
        );
        assert_eq!(said.split_whitespace().skip(2).collect::<Vec<_>>().join(" "), text);
        assert_eq!(wrapped("ok    port      ".to_owned(), "127.0.0.1:80 is free").lines().count(), 1);
        let just = "x".repeat(COLUMNS - 20);
        assert_eq!(wrapped("ok    port      ".to_owned(), &format!("{just} yz")).chars().count(), COLUMNS);
        assert_eq!(wrapped("ok    port      ".to_owned(), &format!("{just} xyz")).lines().count(), 2);
    }
}
