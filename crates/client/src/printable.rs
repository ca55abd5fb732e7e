//! Text from the other side, as it may be shown on a terminal.

use std::borrow::Cow;

/// Nobody reads more of it than this, in characters.
const CHARS: usize = 400;

/// Text from the other side must not move the cursor or colour the terminal, nor fill it.
pub fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || is_bidi_control(c);
    if text.chars().count() <= CHARS && !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let safe = |c: char| if steers(c) { char::REPLACEMENT_CHARACTER } else { c };
    Cow::Owned(text.chars().take(CHARS).map(safe).collect())
}

/// Whether it turns the direction of the text around it. Source: Unicode, `Bidi_Control`.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_other_side_cant_move_the_cursor() {
        assert_eq!(printable("\u{1b}[2Jhi"), "\u{fffd}[2Jhi");
        assert_eq!(printable("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(printable(&"x".repeat(1_000)).len(), CHARS);
    }
}
