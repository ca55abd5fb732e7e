//! An address as a QR code on a terminal: two modules in each character, with its quiet zone.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{Ansi256Color, Style};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use terminal_size::{Width, terminal_size_of};

/// Black on white, whatever the terminal's own colours are: these two of its 256 are no theme's.
const BLACK_ON_WHITE: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi256(BLACK)))
    .bg_color(Some(anstyle::Color::Ansi256(WHITE)));
const BLACK: Ansi256Color = Ansi256Color(16);
const WHITE: Ansi256Color = Ansi256Color(231);
/// It stands below the addresses.
const INDENT: usize = 2;

/// The code for stdout, if that is a terminal with colours that is wide enough.
pub(crate) fn for_stdout(text: &str) -> Option<String> {
    let out = io::stdout();
    let has_colours = out.is_terminal() && AutoStream::choice(&out) != ColorChoice::Never;
    // Half a block is no ASCII.
    let is_utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .is_none_or(|locale| is_utf8(&locale));
    let (Width(columns), _) = (has_colours && is_utf8).then(|| terminal_size_of(&out)).flatten()?;
    drawn(text, usize::from(columns))
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8")
}

/// The code, if it fits into so many columns.
fn drawn(text: &str, columns: usize) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let blocks = code.render::<Dense1x2>().quiet_zone(true).build();
    let width = blocks.lines().next()?.chars().count();
    let line = |line: &str| format!("{:INDENT$}{BLACK_ON_WHITE}{line}{BLACK_ON_WHITE:#}\n", "");
    (width + INDENT <= columns).then(|| blocks.lines().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a phone reads in it.
    fn read(drawn: &str) -> String {
        const MODULE: usize = 4;
        let rows: Vec<Vec<bool>> = drawn
            .lines()
            .flat_map(|line| {
                let line = line.strip_prefix("  \u{1b}[38;5;16m\u{1b}[48;5;231m").expect("black on white");
                let line = line.strip_suffix("\u{1b}[0m").expect("and no longer than the line");
                let halves = |top: char| line.chars().map(|c| c == top || c == '█').collect();
                [halves('▀'), halves('▄')]
            })
            .collect();
        let (width, height) = (rows[0].len() * MODULE, rows.len() * MODULE);
        let dark = |x: usize, y: usize| if rows[y / MODULE][x / MODULE] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, dark);
        let grids = image.detect_grids();
        grids.first().expect("a code").decode().expect("it can be read").1
    }

    #[test]
    fn what_is_drawn_is_read_again_and_only_drawn_where_it_fits() {
        for text in [
            "http://192.168.1.5:8080",
            "https://cafe.example",
            &format!("https://{}.example", "x".repeat(150)),
        ] {
            let code = drawn(text, 500).unwrap();
            assert_eq!(read(&code), text);
            let width = code.lines().next().unwrap().chars().filter(|c| " ▀▄█".contains(*c)).count();
            assert!(drawn(text, width).is_some());
            assert_eq!(drawn(text, width - 1), None);
        }
        assert!(
            drawn("http://192.168.178.255:65535", 40).is_some(),
            "an address of a network fits into 40 columns"
        );
    }

    #[test]
    fn a_locale_says_whether_it_is_utf_8() {
        assert!(is_utf8("ko_KR.UTF-8") && is_utf8("C.utf8"));
        assert!(!is_utf8("C") && !is_utf8("POSIX") && !is_utf8("ko_KR.eucKR"));
    }
}
