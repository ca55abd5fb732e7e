//! What `up` says when it has started.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use counter::{Started, view::Counts};
use order::Stage;

use crate::{cli::Mode, config::Up, log_address::LogAddress, reach::Others};

/// Where the counter listens and is looked for if nothing is said.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where everything is, and what to do next.
pub(crate) fn print(
    options: &Up,
    counter: SocketAddr,
    others: Others,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let LogAddress::Local(dir) = &options.line.log;
    let url = url(counter);
    writeln!(out, "brewline {}\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  log      {}", absolute(dir).display())?;
    writeln!(out, "  orders   POST {url}/order?amount=2")?;
    writeln!(out, "  one      GET  {url}/orders/ID")?;
    writeln!(out, "  live     GET  {url}/orders/ID/events")?;
    writeln!(out, "  board    GET  {url}/board/events")?;
    writeln!(out, "  health   GET  {url}/readyz")?;
    writeln!(out, "  metrics  GET  {url}/metrics")?;
    match others {
        Others::Nobody => {}
        Others::At(address) => writeln!(out, "  others   http://{address}, from other machines")?,
        Others::Somewhere => {
            writeln!(out, "  others   port {}, at this machine's name or address", counter.port())?;
        }
    }
    if others != Others::Nobody {
        writeln!(out, "\nwarning: whoever is on this network can order, and can read along (plain HTTP)")?;
    }
    writeln!(out)?;
    match options.mode {
        Mode::Auto => writeln!(
            out,
            "practice: drinks make themselves, {} s a cup; to open for real:\n\n  {}",
            options.seconds_per_cup,
            manual_line(options)
        )?,
        Mode::Manual => {
            writeln!(out, "open: drinks are made by people, who say so at\n\n  {url}/orders/ID/commands")?;
        }
    }
    writeln!(out)?;
    out.flush()
}

/// What is known once the log has been read. The staff token is shown when it is made, and never again. A
/// closed `out` is no reason to stop the line.
pub(crate) fn ready(started: &Started, counts: Counts, quiet: bool, out: &mut dyn io::Write) {
    let token = started
        .staff_token
        .as_ref()
        .map(|token| format!("staff token, shown only now (Authorization: Bearer TOKEN):\n\n  {token}\n\n"));
    let open = open(counts).map(|open| format!("{open}\n\n")).unwrap_or_default();
    let customers = client_line(started.address);
    let way = if quiet { "" } else { " Each order's way:\n" };
    let text = format!(
        "{}{open}ten customers, in another terminal:\n\n  {customers}\n\nCtrl-C stops, a second one at once; nothing is lost.{way}",
        token.unwrap_or_default()
    );
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// What an earlier run left to do; `None`: nothing.
fn open(counts: Counts) -> Option<String> {
    let [received, making, ready] =
        [counts.undecided + counts.of(Stage::Received), counts.of(Stage::Making), counts.of(Stage::Ready)];
    (received + making + ready > 0)
        .then(|| format!("open from before: {received} received, {making} making, {ready} ready"))
}

/// The line that opens this log, at this place, for people.
fn manual_line(options: &Up) -> String {
    let LogAddress::Local(dir) = &options.line.log;
    let is_default = LogAddress::platform_default().ok().as_ref() == Some(&options.line.log);
    let log = if is_default {
        String::new()
    } else {
        format!(" --log {}", quoted(Path::new(&format!("local:{}", absolute(dir).display()))))
    };
    let listen = options.line.listen;
    let listen = if listen == DEFAULT { String::new() } else { format!(" --listen {listen}") };
    format!("{} up --mode manual{log}{listen}", program())
}

fn program() -> String {
    env::current_exe().map_or_else(|_| "brewline".to_owned(), |path| quoted(&path))
}

/// A line that works as it is in another terminal: the real program, the real port.
fn client_line(counter: SocketAddr) -> String {
    let program = program();
    let address = if counter == DEFAULT { String::new() } else { format!(" --counter {}", url(counter)) };
    format!("{program} client -c 10{address}")
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// An address that can be opened on this machine.
pub(crate) fn url(listen: SocketAddr) -> String {
    format!("http://{}", SocketAddr::new(reachable(listen.ip()), listen.port()))
}

/// Where this machine reaches what listens on `ip`.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The directory the log is in, made absolute.
pub(crate) fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{LineArgs, UpArgs},
        file::File,
    };

    #[test]
    fn what_is_open_is_counted_and_nothing_is_said_of_nothing() {
        let mut counts = Counts::default();
        counts.stages[Stage::Collected as usize] = 9;
        assert_eq!(open(counts), None);
        counts.undecided = 1;
        counts.stages[Stage::Received as usize] = 1;
        counts.stages[Stage::Ready as usize] = 3;
        assert_eq!(open(counts).unwrap(), "open from before: 2 received, 0 making, 3 ready");
    }

    #[test]
    fn what_is_said_fits_into_80_columns_but_for_lines_to_paste() {
        for mode in [Mode::Auto, Mode::Manual] {
            let log = LogAddress::Local("/home/somebody/.local/share/brewline".into());
            let listen = Some(SocketAddr::from(([0, 0, 0, 0], 65_535)));
            let args =
                UpArgs { line: LineArgs { log: Some(log), listen }, mode: Some(mode), ..UpArgs::default() };
            let up = File::default().up(&args).unwrap();
            let mut out = Vec::new();
            let lan = SocketAddr::from(([192, 168, 178, 255], 65_535));
            print(&up, lan, Others::At(lan), &mut out).unwrap();
            let token = Some("ab".repeat(32));
            let counts = Counts { undecided: 1_000_000, ..Counts::default() };
            ready(&Started { address: lan, staff_token: token }, counts, false, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (to_paste, text): (Vec<_>, Vec<_>) =
                text.lines().partition(|line| line.contains(" up --mode ") || line.contains(" client -c "));
            assert!(!to_paste.is_empty() && text.iter().all(|line| line.chars().count() <= 80), "{text:#?}");
        }
    }

    #[test]
    fn who_else_can_order_is_said_with_an_address_and_a_warning() {
        let line = LineArgs { log: Some(LogAddress::Local("/nowhere".into())), ..LineArgs::default() };
        let up = File::default().up(&UpArgs { line, ..UpArgs::default() }).unwrap();
        let said = |others| {
            let mut out = Vec::new();
            print(&up, ([0, 0, 0, 0], 80).into(), others, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let lan = said(Others::At(([192, 168, 1, 5], 80).into()));
        assert!(lan.contains("http://192.168.1.5:80") && lan.contains("http://127.0.0.1:80"), "{lan}");
        assert!(said(Others::Somewhere).contains("port 80"));
        for (others, is_warned) in
            [(lan, true), (said(Others::Somewhere), true), (said(Others::Nobody), false)]
        {
            assert_eq!(
                others.contains("\nwarning: whoever is on this network can order"),
                is_warned,
                "{others}"
            );
        }
    }

    #[test]
    fn a_line_to_paste_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(quoted(Path::new("/a/brewline")), "/a/brewline");
        assert_eq!(quoted(Path::new("/my app/it's")), r"'/my app/it'\''s'");
        assert_eq!(url(([0, 0, 0, 0], 80).into()), "http://127.0.0.1:80");
    }
}
