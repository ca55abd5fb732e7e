//! Tickets and slips, read back by a printer that knows no command but those that every printer knows.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use order::{At, Marks, Mode, Order, OrderState, Placed};
use printer::{Sheet, slip, ticket};
use proptest::prelude::*;
use shop::{Encoding, Printer, Tickets, Words};

/// What came out of a printer.
#[derive(Debug, Default)]
struct Paper {
    lines: Vec<Line>,
    /// Pictures, below each other.
    dots: Vec<Vec<bool>>,
    cuts: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    text: String,
    wide: usize,
    high: usize,
    inverse: bool,
}

/// Prints; panics at what is neither text nor a known command, and at a line that is wider than the paper.
fn print(bytes: &[u8], printer: &Printer) -> Paper {
    let mut paper = Paper::default();
    let (mut line, mut raw, mut columns) = (Line::default(), Vec::new(), 0);
    let (mut wide, mut high, mut inverse) = (1, 1, false);
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        rest = match rest {
            [0x1b, b'@', rest @ ..]
            | [0x1c, b'&' | b'.', rest @ ..]
            | [0x1d, b'a', 0, rest @ ..]
            | [0x1b, b'a' | b'E', 0 | 1, rest @ ..]
            | [0x1b, b't', 0 | 16, rest @ ..] => rest,
            [0x1d, b'!', size, rest @ ..] => {
                (wide, high) = (usize::from(size >> 4) + 1, usize::from(size & 15) + 1);
                rest
            }
            [0x1d, b'B', is @ (0 | 1), rest @ ..] => {
                inverse = *is == 1;
                rest
            }
            [0x1d, b'V', b'B', 0, rest @ ..] => {
                paper.cuts += 1;
                rest
            }
            [0x1d, b'v', b'0', 0, wl, wh, hl, hh, rest @ ..] => {
                let (row, rows) = (
                    usize::from(u16::from_le_bytes([*wl, *wh])),
                    usize::from(u16::from_le_bytes([*hl, *hh])),
                );
                assert!(
                    row * 8 <= usize::from(printer.columns) * 12,
                    "a picture as wide as the paper at most"
                );
                let (dots, rest) = rest.split_at(row * rows);
                for row in dots.chunks(row) {
                    paper.dots.push(
                        row.iter()
                            .flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0))
                            .collect(),
                    );
                }
                rest
            }
            [b'\n', rest @ ..] => {
                assert!(columns <= usize::from(printer.columns), "{line:?} is {columns} columns wide");
                let text = match printer.encoding {
                    Encoding::Cp949 => encoding_rs::EUC_KR.decode(&raw).0.into_owned(),
                    _ => encoding_rs::WINDOWS_1252.decode(&raw).0.into_owned(),
                };
                paper.lines.push(Line { text, ..line });
                (line, raw, columns) = (Line::default(), Vec::new(), 0);
                rest
            }
            [_, rest @ ..] => {
                assert!(first >= b' ', "a command that nobody knows: {first:#x}");
                raw.push(first);
                columns += wide;
                line = Line { text: String::new(), wide, high, inverse };
                rest
            }
            [] => unreachable!("it is not empty"),
        };
    }
    assert!(raw.is_empty(), "the last line ends");
    paper
}

fn printer(encoding: Encoding, columns: u8) -> Printer {
    Printer { address: "a:1".to_owned(), tickets: Tickets::All, slips: true, encoding, columns }
}

fn state(json: &str, code: u32) -> OrderState {
    let order = Order::parse(json.as_bytes()).unwrap();
    let at = At { partition: 0, offset: 0 };
    let placed = Placed { at, received_at: 1, foreign: false, history_from: 0, traceparent: None };
    OrderState { code, ..OrderState::undecided(order, placed, Mode::Manual) }
}

const LATTE: &str = r#"{"order_id":"a","amount":3,"status":0,"items":[
    {"item":"latte","quantity":2,"options":["size/large","milk/whole"],"title":{"en":"Latte","ko":"카페라테"},
     "option_titles":[{"en":"Large","ko":"라지"},{"en":"Whole","ko":"일반"}],"note":"no nuts"},
    {"item":"tea","quantity":1}],"ref":"A-17","channel":"till","note":"cream on the side"}"#;

fn sheet<'a>(order: &'a OrderState, shop: &'a Words) -> Sheet<'a> {
    Sheet {
        order,
        partition: None,
        time: "08:42",
        shop: Some(shop),
        url: Some("https://cafe.example/o/4704f504-d30d-4071-b254-87725d02afb9"),
        is_copy: false,
        is_usual: &|choice| choice == "milk/whole",
    }
}

fn words() -> Words {
    Words { en: "Onharu Coffee".to_owned(), ko: "온하루 커피".to_owned() }
}

fn texts(paper: &Paper) -> Vec<String> {
    paper.lines.iter().map(|line| line.text.clone()).filter(|text| !text.is_empty()).collect()
}

#[test]
fn a_ticket_says_how_the_order_is_called_and_what_is_to_be_made() {
    let (order, shop, printer) = (state(LATTE, 27), words(), printer(Encoding::Ascii, 42));
    let paper = print(&ticket(&printer, &sheet(&order, &shop)), &printer);
    let rule = "-".repeat(42);
    assert_eq!(
        texts(&paper),
        [
            "MANGO 27",
            "A-17",
            "08:42 Till",
            &rule,
            "2 x Latte",
            "    Large",
            "    no nuts",
            "1 x tea",
            &rule,
            "cream on the side"
        ]
    );
    assert_eq!((paper.lines[0].wide, paper.lines[0].high), (4, 4), "the code is read from afar");
    let inverse: Vec<_> =
        paper.lines.iter().filter(|line| line.inverse).map(|line| line.text.trim()).collect();
    assert_eq!(inverse, ["no nuts", "cream on the side"], "what someone may be allergic to stands out");
    assert_eq!((paper.cuts, paper.dots.len()), (1, 0));
}

#[test]
fn a_printer_in_korea_speaks_korean_and_has_the_code_in_both_languages() {
    let (order, shop, printer) = (state(LATTE, 27), words(), printer(Encoding::Cp949, 32));
    let paper = print(&ticket(&printer, &sheet(&order, &shop)), &printer);
    let says = texts(&paper);
    assert_eq!(says[..2], ["망고 27", "MANGO 27"]);
    assert!(says.contains(&"2 x 카페라테".to_owned()) && says.contains(&"    라지".to_owned()), "{says:?}");
}

#[test]
fn a_bell_without_items_says_how_many_cups() {
    let bell = state(r#"{"order_id":"a","amount":2,"status":0,"channel":"till"}"#, 3);
    let (shop, printer) = (words(), printer(Encoding::Ascii, 32));
    let says = texts(&print(&ticket(&printer, &sheet(&bell, &shop)), &printer));
    assert!(says.contains(&"2 cups".to_owned()), "{says:?}");
}

#[test]
fn a_copy_and_a_remake_are_told_at_once() {
    let mut order = state(LATTE, 27);
    order.round = 2;
    order.marks = Some(Box::new(Marks { reason: Some("wrong milk".to_owned()), ..Marks::default() }));
    let (shop, printer) = (words(), printer(Encoding::Ascii, 42));
    let copy = Sheet { is_copy: true, ..sheet(&order, &shop) };
    let paper = print(&ticket(&printer, &copy), &printer);
    assert_eq!(texts(&paper)[..2], ["COPY", "REMAKE: wrong milk"]);
    assert!(paper.lines[0].inverse && paper.lines[1].inverse);
    let paper = print(&slip(&printer, &copy), &printer);
    assert_eq!(texts(&paper)[0], "COPY");
}

#[test]
fn a_call_that_was_taken_back_is_no_remake() {
    let mut order = state(LATTE, 27);
    order.round = 2;
    order.marks = Some(Box::new(Marks { taken_back: 1, ..Marks::default() }));
    let (shop, printer) = (words(), printer(Encoding::Ascii, 42));
    let says = texts(&print(&ticket(&printer, &sheet(&order, &shop)), &printer));
    assert_eq!(says[0], "MANGO 27");
}

#[test]
fn a_phone_reads_the_pager_s_address_off_every_width_of_slip() {
    let (order, shop) = (state(LATTE, 27), words());
    for columns in [32, 42, 48] {
        let printer = printer(Encoding::Ascii, columns);
        let sheet = sheet(&order, &shop);
        let paper = print(&slip(&printer, &sheet), &printer);
        let (width, height) = (paper.dots[0].len(), paper.dots.len());
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height + 80, |x, y| {
            let is_black = y.checked_sub(40).and_then(|y| paper.dots.get(y)).is_some_and(|row| row[x]);
            if is_black { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(Some(grids[0].decode().unwrap().1.as_str()), sheet.url, "{columns} columns");
        assert_eq!(texts(&paper)[..2], ["Onharu Coffee", "MANGO 27"]);
    }
}

#[test]
fn a_slip_without_an_address_says_to_listen() {
    let (order, shop, printer) = (state(LATTE, 27), words(), printer(Encoding::Cp949, 32));
    let paper = print(&slip(&printer, &Sheet { url: None, ..sheet(&order, &shop) }), &printer);
    assert!(paper.dots.is_empty());
    let says = texts(&paper).join(" ");
    assert!(says.contains("불러 드려요") && says.contains("We call this code"), "{says}");
}

#[test]
fn what_can_not_be_printed_is_not_passed_over_in_silence() {
    let order = state(r#"{"order_id":"a","amount":1,"status":0,"note":"견과류 알레르기"}"#, 1);
    let (shop, printer) = (words(), printer(Encoding::Ascii, 42));
    let says = texts(&print(&ticket(&printer, &sheet(&order, &shop)), &printer));
    assert_eq!(says.last().unwrap(), "? can't be printed: see the bar's screen.");
    let korean = printer_korean();
    let says = texts(&print(&ticket(&korean, &sheet(&order, &shop)), &korean));
    assert_eq!(says.last().unwrap(), "견과류 알레르기");
}

fn printer_korean() -> Printer {
    printer(Encoding::Cp949, 42)
}

#[test]
fn a_note_of_a_thousand_lines_does_not_empty_the_roll() {
    let note = "a\\n".repeat(1_000);
    let order = state(&format!(r#"{{"order_id":"a","amount":1,"status":0,"note":"{note}"}}"#), 1);
    let (shop, printer) = (words(), printer(Encoding::Ascii, 42));
    let paper = print(&ticket(&printer, &sheet(&order, &shop)), &printer);
    assert!(paper.lines.len() <= 201, "{}", paper.lines.len());
    assert_eq!(paper.lines.last().unwrap().text, "More on the bar's screen.");
}

proptest! {
    /// The notes of foreign orders are not checked by any counter of ours: nothing in them may open a drawer.
    #[test]
    fn nothing_that_someone_wrote_becomes_a_command_or_leaves_the_paper(
        note in "(\\PC|\\p{Cc}|[가-힣]){0,300}", reference in "(\\PC|\\p{Cc}){0,40}",
        encoding in prop::sample::select(vec![Encoding::Ascii, Encoding::Cp949, Encoding::Windows1252]),
        columns in prop::sample::select(vec![32_u8, 42, 48]),
    ) {
        let json = serde_json::json!({
            "order_id": "a", "amount": 1, "status": 0, "note": note, "ref": reference,
            "items": [{"item": note, "options": [reference], "note": note}],
        });
        let (order, shop, printer) = (state(&json.to_string(), 99), words(), printer(encoding, columns));
        let sheet = sheet(&order, &shop);
        print(&ticket(&printer, &sheet), &printer);
        print(&slip(&printer, &sheet), &printer);
    }
}
