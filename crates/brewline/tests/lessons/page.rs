//! A page of lessons as what is to be typed, where, and what is to be seen.

/// A command of a `console` block, and what the page shows below it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its line in the page, from 1.
    pub(crate) line: usize,
    /// Which terminal: the word before `$`, nothing for the first one.
    pub(crate) terminal: String,
    pub(crate) typed: Typed,
    /// Line by line; `…` is anything within a line, and alone any number of lines.
    pub(crate) shown: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Command(String),
    /// `^C`: what runs there is interrupted.
    Interrupt,
    /// `…`: what runs there goes on.
    Nothing,
}

impl Step {
    /// Whether the command goes on while the page does: the last line shown is `…`.
    pub(crate) fn runs_on(&self) -> bool {
        self.shown.last().is_some_and(|line| line == ELISION)
    }
}

pub(crate) const ELISION: &str = "…";

/// The steps of all `console` blocks of a page, in order.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut block = Block::Text;
    for (line, text) in (1..).zip(page.lines()) {
        match block {
            Block::Text if text == "```console" => block = Block::Console { begun: false },
            Block::Text if text.starts_with("```") => block = Block::Other,
            Block::Text => assert!(
                !text.trim_start().starts_with("```"),
                "line {line}: a block begins at the start of its line, or it would not be run"
            ),
            _ if text == "```" => block = Block::Text,
            Block::Other => {}
            Block::Console { begun } => {
                if let Some((terminal, typed)) = prompt(text) {
                    block = Block::Console { begun: true };
                    let typed = match typed {
                        "^C" => Typed::Interrupt,
                        ELISION => Typed::Nothing,
                        command => Typed::Command(command.to_owned()),
                    };
                    steps.push(Step { line, terminal: terminal.to_owned(), typed, shown: Vec::new() });
                    continue;
                }
                assert!(begun, "line {line}: a console block begins with `$ command`, not with {text:?}");
                let step = steps.last_mut().expect("the block has begun with a step");
                match (&mut step.typed, text.strip_prefix("> ")) {
                    (Typed::Command(command), Some(more)) if step.shown.is_empty() => {
                        command.push('\n');
                        command.push_str(more);
                    }
                    _ => step.shown.push(text.to_owned()),
                }
            }
        }
    }
    assert!(matches!(block, Block::Text), "the last block has no end");
    steps
}

#[derive(Clone, Copy)]
enum Block {
    Text,
    /// Of another kind: it is for reading.
    Other,
    Console {
        begun: bool,
    },
}

/// `name$ command`: the terminal, and what is typed there.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (terminal, typed) = line.split_once("$ ")?;
    terminal.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).then_some((terminal, typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_it_is_written() {
        let page = "Text with `$ this`.\n\n```console\n$ one\nshown\n…\nbar$ two &&\n> three\nbar$ …\nmore\nbar$ ^C\n```\n\n```sh\n$ no\n```\n";
        let step = |line, terminal: &str, typed, shown: &[&str]| Step {
            line,
            terminal: terminal.to_owned(),
            typed,
            shown: shown.iter().map(|line| (*line).to_owned()).collect(),
        };
        let command = |text: &str| Typed::Command(text.to_owned());
        let expected = [
            step(4, "", command("one"), &["shown", "…"]),
            step(7, "bar", command("two &&\nthree"), &[]),
            step(9, "bar", Typed::Nothing, &["more"]),
            step(11, "bar", Typed::Interrupt, &[]),
        ];
        assert_eq!(steps(page), expected);
        assert!(steps(page)[0].runs_on() && !steps(page)[1].runs_on());
    }

    #[test]
    #[should_panic(expected = "line 2: a console block begins with `$ command`")]
    fn a_block_that_shows_something_before_a_command_is_a_mistake() {
        steps("```console\nhello\n```\n");
    }
}
