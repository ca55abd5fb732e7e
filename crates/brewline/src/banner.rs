//! What a process of the line says when it has started.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use counter::{Started, TlsFiles, view::Counts};
use order::Stage;

use crate::{
    cli::{Demo, Mode},
    config::{Brew, Place, Practice, Run, Serve},
    door::Door,
    log_address::LogAddress,
    menu::{Files, Source},
    reach,
};

/// Where the counter listens and is looked for if nothing is said.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where everything is, and what to do next. `menu` is what is sold, and `door` leads to the counter, if this process has
/// one; a barista alone may be asked by machines where it is `probed`.
pub(crate) fn print(
    options: &Run,
    menu: Option<&str>,
    door: Option<&Door>,
    probed: Option<SocketAddr>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "brewline {}\n", env!("CARGO_PKG_VERSION"))?;
    match &options.log {
        Place::Local(dir) => writeln!(out, "  log      {}", absolute(dir).display())?,
        Place::Kafka(cluster) => {
            writeln!(out, "  log      kafka://{}", cluster.brokers)?;
            if !cluster.prefix.is_empty() {
                writeln!(out, "  prefix   {}", cluster.prefix)?;
            }
        }
    }
    if let Some(menu) = menu {
        writeln!(out, "  menu     {menu}")?;
    }
    if let Some(door) = door {
        addresses(door, out)?;
    }
    if let Some(probed) = probed {
        for_machines(&url(probed), out)?;
    }
    writeln!(out)?;
    if let Some(demo) = &options.demo {
        writeln!(out, "{}\n", practice(demo))?;
    } else if let Some(brew) = &options.barista {
        match brew.mode {
            Mode::Auto => writeln!(
                out,
                "practice: drinks make themselves, {} s a cup where the menu does not say;\nto open for real:\n\n  {}",
                brew.seconds_per_cup,
                manual_line(options, brew)
            )?,
            Mode::Manual => {
                let url = door.map_or_else(|| "http://COUNTER".to_owned(), Door::own_url);
                writeln!(out, "open: drinks are made by people, who say so at\n\n  {url}/bar")?;
            }
        }
        writeln!(out)?;
    }
    out.flush()
}

/// What those who practise must know.
fn practice(demo: &Practice) -> String {
    let who = match demo.who {
        Demo::Everyone => "customers come by themselves, and the bar makes what they want",
        Demo::Customers => "customers come by themselves, and the bar is yours",
        Demo::Nobody => "customers and bar are yours",
    };
    let log = if demo.dir.is_none() { "; the log is gone at the end" } else { "" };
    format!("practice: nothing here is real{log};\n{who}")
}

fn addresses(door: &Door, out: &mut dyn io::Write) -> io::Result<()> {
    let url = door.own_url();
    door.lines(out)?;
    writeln!(out, "  bar      {url}/bar  where drinks are made")?;
    writeln!(out, "  till     {url}/till  for those without a phone")?;
    writeln!(out, "  board    {url}/board  the codes, for everyone to see")?;
    writeln!(out, "  ledger   {url}/ledger  where every order is")?;
    writeln!(out, "  orders   POST {url}/order?amount=2")?;
    for_machines(&url, out)?;
    door.below(out)
}

fn for_machines(url: &str, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "  health   GET  {url}/readyz")?;
    writeln!(out, "  metrics  GET  {url}/metrics")
}

/// What can be started beside the line, in another terminal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Customers; the bar makes what they want, or it is practice.
    Customers,
    /// A barista, with this line, where the process has none; then customers.
    Barista(String),
    /// Practice on a line of its own: people make the drinks here, and what a made-up customer wants, too.
    Practice,
}

impl Next {
    pub(crate) fn of(options: &Run) -> Self {
        match &options.barista {
            None => Self::Barista(barista_line(&options.log)),
            Some(brew) if brew.mode == Mode::Manual && options.demo.is_none() => Self::Practice,
            Some(_) => Self::Customers,
        }
    }

    fn said(&self, door: &Door) -> String {
        let customers = || {
            let trusting =
                if door.is_tls() { "; with --ca FILE where nobody trusts the certificate" } else { "" };
            format!("ten customers, in another terminal{trusting}:\n\n  {}\n\n", client_line(&door.own_url()))
        };
        match self {
            Self::Customers => customers(),
            Self::Barista(line) => format!("a barista, in another terminal:\n\n  {line}\n\n{}", customers()),
            Self::Practice => format!(
                "to practise, on a line where nothing is real, in another terminal:\n\n  {} up --demo --listen 127.0.0.1:0\n\n",
                program()
            ),
        }
    }
}

/// What is known once the log has been read. The staff token is shown when it is made, and never again; so is the link
/// that signs in a device. A closed `out` is no reason to stop the line.
pub(crate) fn ready(
    started: &Started,
    door: &Door,
    counts: Counts,
    next: &Next,
    quiet: bool,
    out: &mut dyn io::Write,
) {
    let token = started
        .staff_token
        .as_ref()
        .map(|token| format!("staff token, shown only now (Authorization: Bearer TOKEN):\n\n  {token}\n\n"));
    let sign_in = started.sign_in_code.as_ref().map(|code| {
        let link = format!("{}/sign-in#{code}", door.for_devices());
        format!("sign in one device of the shop, within a day:\n\n  {link}\n\n")
    });
    let open = open(counts).map(|open| format!("{open}\n\n")).unwrap_or_default();
    let text = format!(
        "{}{}{open}{}{}",
        token.unwrap_or_default(),
        sign_in.unwrap_or_default(),
        next.said(door),
        stops(quiet)
    );
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// What a barista alone says when it begins to work.
pub(crate) fn at_work(quiet: bool, out: &mut dyn io::Write) {
    let _ = writeln!(out, "{}", stops(quiet)).and_then(|()| out.flush());
}

fn stops(quiet: bool) -> String {
    let way = if quiet { "" } else { " Each order's way:\n" };
    format!("Ctrl-C stops, a second one at once; nothing is lost.{way}")
}

/// What an earlier run left to do; `None`: nothing.
fn open(counts: Counts) -> Option<String> {
    let [received, making, ready] =
        [counts.undecided + counts.of(Stage::Received), counts.of(Stage::Making), counts.of(Stage::Ready)];
    (received + making + ready > 0)
        .then(|| format!("open from before: {received} received, {making} making, {ready} ready"))
}

/// The line that opens this log, at this place, for people.
fn manual_line(options: &Run, brew: &Brew) -> String {
    let command = if options.counter.is_some() { "up" } else { "barista" };
    let instance = brew.instance.as_ref().map(|name| format!(" --instance {name}")).unwrap_or_default();
    let listen = options.counter.as_ref().map(|serve| serve.listen).filter(|listen| *listen != DEFAULT);
    let listen = listen.map(|listen| format!(" --listen {listen}")).unwrap_or_default();
    let files = options.counter.as_ref().map(|serve| file_flags(&serve.files)).unwrap_or_default();
    let door = options.counter.as_ref().map(door_flags).unwrap_or_default();
    format!("{} {command} --mode manual{}{instance}{listen}{door}{files}", program(), log_flags(&options.log))
}

/// The shop's files that are named, wherever that was said: another terminal may stand elsewhere.
fn file_flags(files: &Files) -> String {
    let flag = |flag: &str, Source { path, by }: &Source| match by {
        Some(_) => format!(" {flag} {}", quoted(&absolute(path))),
        None => String::new(),
    };
    flag("--menu", &files.menu) + &flag("--shop", &files.shop)
}

/// How phones get in, if that must be said.
fn door_flags(serve: &Serve) -> String {
    let url = serve.public_url.as_ref().map(|url| format!(" --public-url {url}")).unwrap_or_default();
    let tls = serve.tls.as_ref().map(|TlsFiles { cert, key }| {
        format!(" --tls-cert {} --tls-key {}", quoted(&absolute(cert)), quoted(&absolute(key)))
    });
    url + &tls.unwrap_or_default()
}

/// The line that starts a barista on this log.
fn barista_line(log: &Place) -> String {
    format!("{} barista{}", program(), log_flags(log))
}

/// What names this log to another process, if it must be named.
fn log_flags(log: &Place) -> String {
    match log {
        Place::Local(dir) if LogAddress::platform_default() == Ok(LogAddress::Local(dir.clone())) => {
            String::new()
        }
        Place::Local(dir) => {
            format!(" --log {}", quoted(Path::new(&format!("local:{}", absolute(dir).display()))))
        }
        Place::Kafka(cluster) => {
            let prefix = match &cluster.prefix[..] {
                "" => String::new(),
                prefix => format!(" --prefix {prefix}"),
            };
            // Properties may be secrets.
            let properties = if cluster.properties.is_empty() { "" } else { " --kafka …" };
            format!(" --log kafka://{}{prefix}{properties}", cluster.brokers)
        }
    }
}

fn program() -> String {
    env::current_exe().map_or_else(|_| "brewline".to_owned(), |path| quoted(&path))
}

/// A line that works as it is in another terminal: the real program, the real port.
fn client_line(url: &str) -> String {
    let program = program();
    let address = if url == self::url(DEFAULT) { String::new() } else { format!(" --counter {url}") };
    format!("{program} client -c 10{address}")
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// An address that can be opened on this machine.
pub(crate) fn url(listen: SocketAddr) -> String {
    format!("http://{}", reach::from_here(listen))
}

/// The directory the log is in, made absolute.
pub(crate) fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{BaristaArgs, BrewArgs, LineArgs, ListenArgs, UpArgs},
        file::File,
        reach::Others,
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
        for (mode, demo) in [(Mode::Auto, None), (Mode::Manual, None), (Mode::Manual, Some(Demo::Everyone))] {
            let log = LogAddress::Local("/home/somebody/.local/share/brewline".into());
            let listen = Some(SocketAddr::from(([0, 0, 0, 0], 65_535)));
            let line = LineArgs { log: Some(log), listen: ListenArgs { listen }, ..LineArgs::default() };
            let brew = BrewArgs { mode: Some(mode), ..BrewArgs::default() };
            let args = UpArgs { line, brew, demo, ..UpArgs::default() };
            let up = File::default().up(&args).unwrap();
            let mut out = Vec::new();
            let lan = SocketAddr::from(([192, 168, 178, 255], 65_535));
            let door = Door::at(lan, Others::At(lan), None, false);
            let menu = Some("an example of 500 items; write menu.toml for your own");
            print(&up, menu, Some(&door), None, &mut out).unwrap();
            let token = Some("ab".repeat(32));
            let counts = Counts { undecided: 1_000_000, ..Counts::default() };
            let started = Started { address: lan, staff_token: token, sign_in_code: Some("ab".repeat(16)) };
            ready(&started, &door, counts, &Next::of(&up), false, &mut out);
            let text = String::from_utf8(out).unwrap();
            let to_paste = [" up --mode ", " up --demo ", " client -c "];
            let (to_paste, text): (Vec<_>, Vec<_>) =
                text.lines().partition(|line| to_paste.iter().any(|part| line.contains(part)));
            assert!(!to_paste.is_empty() && text.iter().all(|line| line.chars().count() <= 80), "{text:#?}");
        }
    }

    #[test]
    fn made_up_customers_are_offered_where_nobody_makes_their_drinks_by_hand() {
        let next = |mode, demo| {
            let brew = BrewArgs { mode, ..BrewArgs::default() };
            Next::of(&File::default().up(&UpArgs { brew, demo, ..UpArgs::default() }).unwrap())
        };
        assert_eq!(next(None, None), Next::Customers);
        assert_eq!(next(Some(Mode::Manual), None), Next::Practice);
        assert_eq!(next(Some(Mode::Manual), Some(Demo::Nobody)), Next::Customers);
    }

    #[test]
    fn a_barista_alone_says_where_its_log_is_and_no_address() {
        let barista = File::default().barista_alone(&BaristaArgs::default()).unwrap();
        let mut out = Vec::new();
        print(&barista, None, None, None, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("  log      kafka://localhost:9092\n") && !text.contains("http://"), "{text}");
        assert!(text.contains(" barista --mode manual --log kafka://localhost:9092\n"), "{text}");
        let mut out = Vec::new();
        print(&barista, None, None, Some(([0, 0, 0, 0], 9464).into()), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("  health   GET  http://127.0.0.1:9464/readyz\n"), "{text}");
    }

    #[test]
    fn a_line_to_paste_sells_the_same_menu() {
        let source = |path: &str, by: Option<&str>| Source { path: path.into(), by: by.map(str::to_owned) };
        let files = Files {
            menu: source("/cafe/our menu.toml", Some("--menu")),
            shop: source("shop.toml", None),
            practice: false,
        };
        assert_eq!(file_flags(&files), " --menu '/cafe/our menu.toml'");
    }

    #[test]
    fn a_line_to_paste_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(quoted(Path::new("/a/brewline")), "/a/brewline");
        assert_eq!(quoted(Path::new("/my app/it's")), r"'/my app/it'\''s'");
        assert_eq!(url(([0, 0, 0, 0], 80).into()), "http://127.0.0.1:80");
    }
}
