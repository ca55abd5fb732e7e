//! Ctrl-C, SIGTERM and a terminal that is closed: once stops cleanly, twice stops at once.

use std::process;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was interrupted twice, as shells have it for SIGINT.
const AT_ONCE: i32 = 130;

/// A token that is cancelled by the first signal. The second one ends the process on the spot.
pub(crate) fn stop_on_signals() -> std::io::Result<CancellationToken> {
    stop_on_signals_and(|| {})
}

/// The same, where something is to be done before the second one ends it: that must not take longer than a second.
pub(crate) fn stop_on_signals_and(
    last: impl FnOnce() + Send + 'static,
) -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let first = stop.clone();
    tokio::spawn(async move {
        signals.first().await;
        first.cancel();
        signals.second().await;
        last();
        process::exit(AT_ONCE);
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed; `None`: whoever started the process wants it to outlive that.
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        // Asked before anything is caught: a signal that is caught is no longer ignored.
        let hangup = if outlives_its_terminal() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    async fn first(&mut self) {
        let hung_up = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hung_up => {}
        }
    }

    /// Not a hangup: one terminal that is closed may say so several times, by the system and by its shell.
    async fn second(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Whether SIGHUP was ignored when the process began, as `nohup` does it.
#[cfg(target_os = "linux")]
fn outlives_its_terminal() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// The mask of ignored signals in `/proc/PID/status` (proc(5)): hexadecimal, SIGHUP is the lowest bit.
#[cfg(target_os = "linux")]
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Elsewhere no file says it.
#[cfg(all(unix, not(target_os = "linux")))]
fn outlives_its_terminal() -> bool {
    survives_a_hangup(process::Command::new("/bin/sh"))
}

/// Whether a shell that is begun as `shell` survives the SIGHUP it sends to itself: what is ignored is inherited, and
/// no shell can take it back (POSIX, "trap"). Where there is no shell there was no `nohup` either.
#[cfg(all(unix, any(test, not(target_os = "linux"))))]
fn survives_a_hangup(mut shell: process::Command) -> bool {
    use process::Stdio;
    shell.args(["-c", "kill -s HUP $$"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn first(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }

    async fn second(&mut self) {
        self.first().await;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::{ignores_hangup, outlives_its_terminal, survives_a_hangup};

    #[test]
    fn an_ignored_hangup_is_the_lowest_bit_of_the_mask() {
        for (mask, is_ignored) in [("0000000000001001", true), ("0000000000001000", false), ("", false)] {
            assert_eq!(
                ignores_hangup(&format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t1\n")),
                is_ignored,
                "{mask}"
            );
        }
        assert!(!ignores_hangup(""));
    }
    #[test]
    fn a_shell_knows_as_the_system_does_whether_a_hangup_is_ignored() {
        // Whoever runs the tests may have begun them with nohup.
        assert_eq!(survives_a_hangup(Command::new("/bin/sh")), outlives_its_terminal());
        let mut nohup = Command::new("nohup");
        nohup.arg("/bin/sh");
        assert!(survives_a_hangup(nohup));
        assert!(!survives_a_hangup(Command::new("/nowhere/sh")));
    }
}
