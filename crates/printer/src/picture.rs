//! A QR code as dots. Drawn here and sent as a picture: not every printer draws codes, and all print pictures.

use qrcode::{Color, EcLevel, QrCode};

/// Dots of one module at most: larger ones only take paper.
const MODULE_DOTS: usize = 7;
/// White modules around a code. Source: ISO/IEC 18004, 6.3.8.
const QUIET: usize = 4;

/// Rows of dots, eight of them in a byte, the leftmost in its highest bit; black is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Bytes of a row.
    pub(crate) row_bytes: usize,
    pub(crate) rows: usize,
    pub(crate) dots: Vec<u8>,
}

/// The text as a QR code in the middle of paper so many dots wide; nothing if it does not fit on it.
pub(crate) fn qr_code(text: &str, paper_dots: usize) -> Option<Picture> {
    // A slip is crumpled in a hand, not lying on tables: the level below the table card's, and larger dots for it.
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (side, colors) = (code.width(), code.to_colors());
    let module = (paper_dots / (side + 2 * QUIET)).min(MODULE_DOTS);
    if module < 2 {
        return None;
    }
    let row_bytes = paper_dots.div_ceil(8);
    let left = (paper_dots - side * module) / 2;
    let mut dots = Vec::with_capacity(row_bytes * side * module);
    for line in colors.chunks(side) {
        let mut row = vec![0_u8; row_bytes];
        for (column, _) in line.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
            for dot in left + column * module..left + (column + 1) * module {
                row[dot / 8] |= 0x80 >> (dot % 8);
            }
        }
        (0..module).for_each(|_| dots.extend_from_slice(&row));
    }
    Some(Picture { row_bytes, rows: side * module, dots })
}
