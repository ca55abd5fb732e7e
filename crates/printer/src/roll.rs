//! Lines on paper: how wide, how large, in which bytes.

use encoding_rs::{EUC_KR, EncoderResult, Encoding as Table, WINDOWS_1252};
use shop::{Encoding, Printer};

use crate::{
    picture::{Picture, qr_code},
    words::{Language, Text},
};

/// Lines of one sheet: a note of a thousand lines is no reason to print a metre of it.
const LINES_MAX: usize = 200;
/// Dots of one column of text, of the font that all printers begin with.
const COLUMN_DOTS: usize = 12;
/// How large characters can be, in each direction.
const SIZE_MAX: usize = 8;
/// Rows of a picture that are sent together: cheap printers have little memory.
const BAND_ROWS: usize = 64;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) wide: usize,
    pub(crate) high: usize,
    pub(crate) bold: bool,
    /// White on black.
    pub(crate) inverse: bool,
    pub(crate) centred: bool,
    /// Columns that stay free on the left.
    pub(crate) indent: usize,
}

impl Style {
    pub(crate) const PLAIN: Self =
        Self { wide: 1, high: 1, bold: false, inverse: false, centred: false, indent: 0 };
}

/// A sheet that is being written.
pub(crate) struct Roll {
    bytes: Vec<u8>,
    columns: usize,
    encoding: Encoding,
    lines: usize,
    /// Something was left out: it has no character here.
    is_lossy: bool,
}

impl Roll {
    pub(crate) fn new(printer: &Printer) -> Self {
        // As it was switched on, and saying nothing by itself: what it says then must be an answer.
        let mut bytes = vec![0x1b, b'@', 0x1d, b'a', 0];
        match printer.encoding {
            // Two bytes a character; printers that were not made for Korea know no such mode, and skip it.
            Encoding::Cp949 => bytes.extend([0x1c, b'&']),
            Encoding::Ascii => bytes.extend([0x1c, b'.', 0x1b, b't', 0]),
            Encoding::Windows1252 => bytes.extend([0x1c, b'.', 0x1b, b't', 16]),
        }
        Self {
            bytes,
            columns: usize::from(printer.columns),
            encoding: printer.encoding,
            lines: 0,
            is_lossy: false,
        }
    }

    pub(crate) fn language(&self) -> Language {
        Language::of(self.encoding)
    }

    /// A text, on as many lines as it takes.
    pub(crate) fn text(&mut self, text: &str, style: Style) {
        let room = (self.columns.saturating_sub(style.indent) / style.wide).max(1);
        for line in text.split('\n') {
            let words = self.words(line);
            for line in fill(&words, room) {
                self.line(&line, style);
            }
        }
    }

    /// A text as large as it can be in one line, up to this size.
    pub(crate) fn large(&mut self, text: &str, most: usize) {
        let width = self.words(text).iter().map(Vec::len).sum::<usize>() + text.matches(' ').count();
        let size = (self.columns / width.max(1)).clamp(1, most.min(SIZE_MAX));
        self.text(text, Style { wide: size, high: size, bold: true, centred: true, ..Style::PLAIN });
    }

    /// A line from side to side.
    pub(crate) fn rule(&mut self) {
        self.line(&vec![b'-'; self.columns], Style::PLAIN);
    }

    pub(crate) fn space(&mut self) {
        self.line(&[], Style::PLAIN);
    }

    /// The text as a QR code; false if it does not fit.
    pub(crate) fn qr_code(&mut self, text: &str) -> bool {
        let Some(picture) = qr_code(text, self.columns * COLUMN_DOTS) else { return false };
        self.picture(&picture);
        true
    }

    /// Ends the sheet, and cuts it off.
    pub(crate) fn cut(mut self) -> Vec<u8> {
        let language = self.language();
        let is_cut_short = self.lines > LINES_MAX;
        self.lines = 0;
        for (is_so, text) in [(is_cut_short, Text::TooLong), (self.is_lossy, Text::Unprintable)] {
            if is_so {
                self.text(language.say(text), Style { inverse: true, ..Style::PLAIN });
            }
        }
        // Feeds as far as the knife is from the head, then cuts.
        self.bytes.extend([0x1d, b'V', b'B', 0]);
        self.bytes
    }

    fn line(&mut self, encoded: &[u8], style: Style) {
        self.lines += 1;
        if self.lines > LINES_MAX {
            return;
        }
        let Style { wide, high, bold, inverse, centred, indent } = style;
        #[expect(clippy::cast_possible_truncation, reason = "1 to 8 each")]
        let size = ((wide.clamp(1, SIZE_MAX) - 1) << 4 | (high.clamp(1, SIZE_MAX) - 1)) as u8;
        self.bytes.extend([0x1b, b'a', u8::from(centred)]);
        self.bytes.extend(std::iter::repeat_n(b' ', indent));
        self.bytes.extend([0x1d, b'!', size, 0x1b, b'E', u8::from(bold), 0x1d, b'B', u8::from(inverse)]);
        self.bytes.extend_from_slice(encoded);
        self.bytes.extend([0x1d, b'!', 0, 0x1b, b'E', 0, 0x1d, b'B', 0, b'\n']);
    }

    fn picture(&mut self, picture: &Picture) {
        self.bytes.extend([0x1b, b'a', 0]);
        for band in picture.dots.chunks(picture.row_bytes * BAND_ROWS) {
            let sizes = [picture.row_bytes, band.len() / picture.row_bytes];
            let sizes = sizes.map(|size| u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes());
            self.bytes.extend([0x1d, b'v', b'0', 0]);
            self.bytes.extend(sizes.concat());
            self.bytes.extend_from_slice(band);
        }
    }

    /// The words of a text as bytes; as many bytes as columns, in each of these encodings. What could be a command becomes
    /// a space, whoever wrote it.
    fn words(&mut self, text: &str) -> Vec<Vec<u8>> {
        let seen = text.chars().filter(|c| !order::is_bidi_control(*c));
        let text: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.split_whitespace().map(|word| self.encoded(word)).collect()
    }

    fn encoded(&mut self, word: &str) -> Vec<u8> {
        let table = match self.encoding {
            Encoding::Ascii => None,
            Encoding::Cp949 => Some(EUC_KR),
            Encoding::Windows1252 => Some(WINDOWS_1252),
        };
        word.chars().flat_map(|c| self.character(c, table)).collect()
    }

    fn character(&mut self, c: char, table: Option<&'static Table>) -> Vec<u8> {
        if c.is_ascii() {
            return vec![c as u8];
        }
        if let Some(bytes) = table.and_then(|table| encode(c, table)) {
            return bytes;
        }
        // What stands on keyboards of phones, and has a plain cousin.
        match c {
            '\u{2018}' | '\u{2019}' => b"'".to_vec(),
            '\u{201c}' | '\u{201d}' => b"\"".to_vec(),
            '\u{2013}' | '\u{2014}' | '\u{2212}' | '\u{b7}' => b"-".to_vec(),
            '\u{2026}' => b"...".to_vec(),
            '\u{d7}' => b"x".to_vec(),
            _ => {
                self.is_lossy = true;
                b"?".to_vec()
            }
        }
    }
}

fn encode(c: char, table: &'static Table) -> Option<Vec<u8>> {
    let (mut text, mut bytes) = ([0; 4], [0; 8]);
    let (result, _, written) =
        table.new_encoder().encode_from_utf8_without_replacement(c.encode_utf8(&mut text), &mut bytes, true);
    // Bytes below the space would be commands. No table has them for a character, and none is believed to.
    let is_whole = result == EncoderResult::InputEmpty && bytes[..written].iter().all(|b| *b >= b' ');
    is_whole.then(|| bytes[..written].to_vec())
}

/// Words on lines of so many columns; a word that is longer is broken.
fn fill(words: &[Vec<u8>], room: usize) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= room => {
                line.push(b' ');
                line.extend_from_slice(word);
            }
            _ => lines.extend(broken(word, room)),
        }
    }
    lines
}

/// A word in pieces, none of them within a character.
fn broken(word: &[u8], room: usize) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let mut at = 0;
    while at < word.len() {
        // Leading bytes of two have their highest bit set; in an encoding of one byte each, every byte stands alone.
        let is_double = word[at] >= 0x81 && word.get(at + 1).is_some();
        let end = at + if is_double { 2 } else { 1 };
        if let Some(piece) = pieces.last_mut() {
            if !piece.is_empty() && piece.len() + end - at > room {
                pieces.push(word[at..end].to_vec());
            } else {
                piece.extend_from_slice(&word[at..end]);
            }
        }
        at = end;
    }
    pieces
}
