//! Text from the other side, as it may be shown on a terminal.

use std::borrow::Cow;

/// Nobody reads more of it than this, in characters.
const CHARS: usize = 400;

/// Text from the other side must not move the cursor or colour the terminal, nor fill it.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().count() <= CHARS && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    Cow::Owned(text.chars().take(CHARS).map(safe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_other_side_cant_move_the_cursor() {
        assert_eq!(printable("\u{1b}[2Jhi"), "\u{fffd}[2Jhi");
        assert_eq!(printable(&"x".repeat(1_000)).len(), CHARS);
    }
}
