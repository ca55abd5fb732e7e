//! `brewline doctor`: whether the line can work here, and what to do if not. It only looks: nothing is written, and
//! the log is not opened, which could change it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use rustix::fs::{Access, access};

use crate::{banner::absolute, config::Line, log_address::LogAddress};

/// Less free space than this, and the line soon refuses orders; in bytes.
const SPACE_LOW: u64 = 64 * 1024 * 1024;
/// Less free space than this is said, in bytes.
const SPACE_SCARCE: u64 = 1024 * 1024 * 1024;
/// This program did not exist before 2026: a clock that says so is wrong. In seconds since the epoch.
const CLOCK_EARLIEST: u64 = 1_767_225_600;

/// How a check went; the text says what was seen, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Good(String),
    Note(String),
    Bad(String),
}

/// Checks everything, and says it on stdout.
pub(crate) fn doctor(line: &Line) -> ExitCode {
    let LogAddress::Local(dir) = &line.log;
    let dir = absolute(dir);
    let checks = [
        ("port", port(line.listen)),
        ("directory", directory(&dir)),
        ("space", space(&dir)),
        ("clock", clock(SystemTime::now(), &dir)),
        ("log", log(&dir)),
    ];
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
        let _ = writeln!(out, "{mark}  {name:<10} {text}");
    }
    code
}

fn port(listen: SocketAddr) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => Finding::Good(format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let here = SocketAddr::new(crate::banner::reachable(listen.ip()), listen.port());
            if is_ours(here) {
                Finding::Good(format!("{listen} is held by a brewline that is running"))
            } else {
                Finding::Bad(format!(
                    "{listen} is taken by another program; choose another with --listen ADDRESS:PORT"
                ))
            }
        }
        Err(error) => Finding::Bad(format!(
            "can't listen on {listen} ({error}); choose another with --listen ADDRESS:PORT"
        )),
    }
}

/// Whether a counter of ours answers there.
fn is_ours(counter: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&counter, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4_096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.contains(r#""service":"brewline""#))
}

fn directory(dir: &Path) -> Finding {
    let place = nearest(dir);
    if !place.is_dir() {
        return Finding::Bad(format!(
            "{} is not a directory; choose another with --log local:DIR",
            place.display()
        ));
    }
    match access(&place, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
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
    let free = match rustix::fs::statvfs(&place) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
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

fn log(dir: &Path) -> Finding {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|file| file.file_name());
    let is_ours = |name: &str| name.starts_with("log.") || name.starts_with("tail.");
    if !names.into_iter().any(|name| name.to_str().is_some_and(is_ours)) {
        return Finding::Good("none yet; the first start makes it".to_owned());
    }
    match holder(&dir.join("log.lock")) {
        Ok(Some(holder)) => Finding::Good(format!("in use by {holder}")),
        Ok(None) => Finding::Good(
            "is there, and nobody uses it; the next start checks it, and keeps a copy if its layout is an older one"
                .to_owned(),
        ),
        Err(error) => Finding::Bad(format!(
            "can't tell who uses the log in {} ({error}); make it readable for this user, or choose another with \
             --log local:DIR",
            dir.display()
        )),
    }
}

/// Who has the log: held locked as long as it is open, with the process id in it. Looked at with a shared lock, for
/// a moment: whoever starts in just that moment is told that the log is in use, and can start again.
fn holder(lock: &Path) -> io::Result<Option<String>> {
    let file = match File::open(lock) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let process = io::read_to_string(file)?.trim().parse::<u32>();
            Ok(Some(process.map_or_else(|_| "another process".to_owned(), |id| format!("process {id}"))))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
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
        assert!(matches!(log(&dir.path().join("a")), Finding::Good(_)));
        let file = dir.path().join("file");
        fs::write(&file, b"x").unwrap();
        assert!(matches!(directory(&file), Finding::Bad(text) if text.contains("--log local:DIR")));
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(matches!(port(taken.local_addr().unwrap()), Finding::Bad(text) if text.contains("--listen")));
        assert!(
            matches!(clock(SystemTime::UNIX_EPOCH, dir.path()), Finding::Bad(text) if text.contains("set the clock"))
        );
        let earlier = SystemTime::now() - Duration::from_hours(1);
        assert!(matches!(clock(earlier, dir.path()), Finding::Note(text) if text.contains("later")));
    }
}
