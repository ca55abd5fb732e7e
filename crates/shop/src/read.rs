//! TOML with the place of each value. What is wrong is noted and reading goes on, with a value that nobody uses: all
//! mistakes of a file are told at once.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt::{self, Display},
    ops::RangeInclusive,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Limits, Mistakes, Words};

/// Reads `text` with `read`; what it makes of it counts only if nothing was wrong.
pub(crate) fn document<T>(
    text: &str,
    file: &str,
    read: impl FnOnce(&mut Notes, &mut Table<'_>) -> T,
) -> Result<T, Mistakes> {
    let mut notes = Notes::default();
    let document = toml(text, &mut notes);
    // What could be read beside what is no TOML is guesswork, and so is what would be wrong with it.
    notes.check(text, file)?;
    let mut table = Table::new(String::new(), 0, &document);
    let value = read(&mut notes, &mut table);
    table.end(&mut notes);
    notes.check(text, file)?;
    Ok(value)
}

fn toml<'t>(text: &'t str, notes: &mut Notes) -> DeTable<'t> {
    if text.len() > Limits::FILE_BYTES {
        let most = Limits::FILE_BYTES;
        notes.wrong(
            0,
            format_args!("the file has more than {most} bytes, and no more are read; make it smaller"),
        );
        return DeTable::new();
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<_> =
        errors.iter().map(|error| (error.span().map_or(0, |span| span.start), error.message())).collect();
    errors.sort_by_key(|(at, _)| *at);
    let mut line_end = 0;
    for (at, why) in errors {
        // What follows on the same line follows from the first.
        if at < line_end {
            continue;
        }
        line_end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end + 1);
        let why = why.replace('\n', " ");
        notes.wrong(
            at,
            format_args!("this is not TOML ({why}); lines are like price = 5500 and id = \"latte\""),
        );
    }
    document.into_inner()
}

/// The keys at the top of a text, as far as it can be read.
pub(crate) fn keys(text: &str) -> Vec<String> {
    if text.len() > Limits::FILE_BYTES {
        return Vec::new();
    }
    let (document, _) = DeTable::parse_recoverable(text);
    document.get_ref().keys().map(|key| key.get_ref().to_string()).collect()
}

/// What is wrong so far.
#[derive(Default)]
pub(crate) struct Notes {
    /// Each with its offset.
    told: Vec<(usize, String)>,
    /// Every key that was asked for, with the tables that it is in.
    pub(crate) keys: BTreeSet<String>,
}

impl Notes {
    /// Notes a sentence about what stands `at` this offset.
    pub(crate) fn wrong(&mut self, at: usize, says: impl Display) {
        self.told.push((at, says.to_string()));
    }

    fn check(&mut self, text: &str, file: &str) -> Result<(), Mistakes> {
        Mistakes::of(text, file, std::mem::take(&mut self.told)).map_or(Ok(()), Err)
    }
}

/// A value with its key.
#[derive(Clone)]
pub(crate) struct Field<'t> {
    /// The tables that it is in, and its key.
    pub(crate) path: String,
    /// Where it stands.
    pub(crate) at: usize,
    value: &'t DeValue<'t>,
}

impl Field<'_> {
    /// Notes what is wrong with it, and what to say instead.
    pub(crate) fn wrong(&self, notes: &mut Notes, say: impl Display) {
        notes.wrong(self.at, format_args!("{} is {}: {say}", self.path, shown(self.value)));
    }
}

/// A table, of which every key must be known.
pub(crate) struct Table<'t> {
    path: String,
    /// Where it begins.
    pub(crate) at: usize,
    entries: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    fn new(path: String, at: usize, entries: &'t DeTable<'t>) -> Self {
        Self { path, at, entries, known: Vec::new() }
    }

    fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether it says something by this key, and not an empty list.
    pub(crate) fn says(&self, key: &str) -> bool {
        let value = self.entries.get(key).map(Spanned::get_ref);
        value.is_some_and(|value| !matches!(value, DeValue::Array(list) if list.is_empty()))
    }

    /// The value of this key, if it has one.
    pub(crate) fn get(&mut self, notes: &mut Notes, key: &'static str) -> Option<Field<'t>> {
        self.known.push(key);
        let path = self.path(key);
        notes.keys.insert(path.clone());
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Field { path, at: key.span().start, value: value.get_ref() })
    }

    /// The value of a key that it must have.
    pub(crate) fn require(&mut self, notes: &mut Notes, key: &'static str, say: &str) -> Option<Field<'t>> {
        let field = self.get(notes, key);
        if field.is_none() {
            notes.wrong(self.at, format_args!("{} is missing: {say}", self.path(key)));
        }
        field
    }

    /// Notes every key that nobody asked for.
    pub(crate) fn end(&self, notes: &mut Notes) {
        for key in self.entries.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref())) {
            let name = self.path(&shortened(key.get_ref()).escape_debug().to_string());
            let known = self.known.join(", ");
            notes.wrong(key.span().start, format_args!("there is no {name}; there are {known}"));
        }
    }

    /// An id that it must have.
    pub(crate) fn id(&mut self, notes: &mut Notes) -> Option<(Field<'t>, String)> {
        let say = format!("say 1 to {} of a-z, 0-9 and -, in quotes, as in id = \"latte\"", Limits::ID_CHARS);
        let field = self.require(notes, "id", &say)?;
        match field.value.as_str() {
            Some(id) if is_id(id) => Some((field.clone(), id.to_owned())),
            _ => {
                field.wrong(notes, say);
                None
            }
        }
    }

    /// A text in both languages that it must have.
    pub(crate) fn name(&mut self, notes: &mut Notes) -> Words {
        const SAY: &str = "say it in both languages, as in name = { en = \"Latte\", ko = \"카페라테\" }";
        match self.require(notes, "name", SAY) {
            Some(field) => words(notes, &field, Limits::NAME_CHARS),
            None => Words::default(),
        }
    }

    /// A text in both languages that it may have.
    pub(crate) fn description(&mut self, notes: &mut Notes) -> Option<Words> {
        let field = self.get(notes, "description")?;
        Some(words(notes, &field, Limits::DESCRIPTION_CHARS))
    }

    /// A whole number within a range.
    pub(crate) fn number<N: Number>(
        &mut self,
        notes: &mut Notes,
        key: &'static str,
        range: &Whole<N>,
        default: N,
    ) -> N {
        self.get(notes, key).and_then(|field| number(notes, &field, range)).unwrap_or(default)
    }

    /// A whole number within a range that it must have.
    pub(crate) fn required_number<N: Number>(
        &mut self,
        notes: &mut Notes,
        key: &'static str,
        range: &Whole<N>,
    ) -> Option<N> {
        let field = self.require(notes, key, &range.to_string())?;
        number(notes, &field, range)
    }

    /// Texts in a list.
    pub(crate) fn texts(&mut self, notes: &mut Notes, key: &'static str, max: usize) -> Vec<Field<'t>> {
        self.get(notes, key).map_or_else(Vec::new, |field| field.texts(notes, max))
    }

    /// A table in this one.
    pub(crate) fn table(&mut self, notes: &mut Notes, key: &'static str) -> Option<Table<'t>> {
        let field = self.get(notes, key)?;
        match field.value {
            DeValue::Table(table) => Some(Table::new(field.path, field.at, table)),
            _ => {
                field.wrong(notes, format_args!("say a table, as in [{}]", field.path));
                None
            }
        }
    }

    /// Tables in this one, each headed by `[[path]]`.
    pub(crate) fn tables(&mut self, notes: &mut Notes, key: &'static str, max: usize) -> Vec<Table<'t>> {
        let Some(field) = self.get(notes, key) else { return Vec::new() };
        let say = format!("say each below a line [[{}]]", field.path);
        let DeValue::Array(list) = field.value else {
            field.wrong(notes, say);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for value in list {
            match value.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Table::new(field.path.clone(), value.span().start, table));
                }
                _ => notes.wrong(
                    value.span().start,
                    format_args!("{} has {}: {say}", field.path, shown(value.get_ref())),
                ),
            }
        }
        if let Some(first) = tables.get(max) {
            notes
                .wrong(first.at, format_args!("this is one {} more than the {max} there may be", field.path));
        }
        tables.truncate(max);
        tables
    }
}

impl<'t> Field<'t> {
    /// It as a text.
    pub(crate) fn text(&self) -> Option<&'t str> {
        self.value.as_str()
    }

    /// It as a whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        let number = self.value.as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// It as true or false.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// It as a list of texts.
    pub(crate) fn texts(&self, notes: &mut Notes, max: usize) -> Vec<Field<'t>> {
        let DeValue::Array(list) = self.value else {
            self.wrong(notes, "say a list of texts, as in [\"one\", \"two\"]");
            return Vec::new();
        };
        if list.len() > max {
            notes.wrong(
                self.at,
                format_args!("{} has {} entries; at most {max} are allowed", self.path, list.len()),
            );
        }
        let texts = list.iter().take(max).map(|value: &Spanned<DeValue<'t>>| Field {
            path: self.path.clone(),
            at: value.span().start,
            value: value.get_ref(),
        });
        let (texts, others): (Vec<_>, Vec<_>) = texts.partition(|field| field.text().is_some());
        for other in others {
            other.wrong(notes, "say a text in quotes");
        }
        texts
    }
}

/// A whole number within a range.
pub(crate) struct Whole<N> {
    pub(crate) range: RangeInclusive<N>,
    /// What to know beside its range.
    pub(crate) more: &'static str,
}

impl<N: Display> fmt::Display for Whole<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { range, more } = self;
        write!(f, "say a whole number from {} to {}{more}", range.start(), range.end())
    }
}

pub(crate) trait Number: PartialOrd + Display + TryFrom<u64> {}

impl<N: PartialOrd + Display + TryFrom<u64>> Number for N {}

fn number<N: Number>(notes: &mut Notes, field: &Field<'_>, whole: &Whole<N>) -> Option<N> {
    let integer = field.value.as_integer();
    let number = integer.and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
    let number = number.and_then(|n| N::try_from(n).ok()).filter(|n| whole.range.contains(n));
    if number.is_none() {
        let quotes = if field.text().is_some() { ", without quotes" } else { "" };
        field.wrong(notes, format_args!("{whole}{quotes}"));
    }
    number
}

/// A text in both languages: a table of two, or one text for both.
fn words(notes: &mut Notes, field: &Field<'_>, max: usize) -> Words {
    let DeValue::Table(entries) = field.value else {
        let Some(text) = field.text() else {
            field.wrong(notes, "say { en = \"…\", ko = \"…\" }, or one text in quotes for both");
            return Words::default();
        };
        check_text(notes, field, text, max);
        return Words { en: text.to_owned(), ko: text.to_owned() };
    };
    let mut table = Table::new(field.path.clone(), field.at, entries);
    let mut text = |key| {
        let field = table.require(notes, key, "say it in both languages, { en = \"…\", ko = \"…\" }");
        let Some(field) = field else { return String::new() };
        match field.text() {
            Some(text) => check_text(notes, &field, text, max),
            None => field.wrong(notes, "say a text in quotes"),
        }
        field.text().unwrap_or_default().to_owned()
    };
    let words = Words { en: text("en"), ko: text("ko") };
    table.end(notes);
    words
}

fn check_text(notes: &mut Notes, field: &Field<'_>, text: &str, max: usize) {
    if text.trim().is_empty() {
        field.wrong(notes, format_args!("say a text of 1 to {max} characters"));
    } else if text.contains('\n') {
        field.wrong(notes, "say it in one line");
    } else if let Err(why) = order::check_text(text, max) {
        notes.wrong(field.at, format_args!("{} {why}", field.path));
    }
}

/// Whether this may be an id: it stands in addresses and in records.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=Limits::ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn shown(value: &DeValue<'_>) -> Cow<'static, str> {
    match value {
        DeValue::String(text) => format!("{:?}", shortened(text)).into(),
        DeValue::Integer(n) => shortened(&n.to_string()).into(),
        DeValue::Float(n) => shortened(&n.to_string()).into(),
        DeValue::Boolean(is) => is.to_string().into(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

fn shortened(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Compares the keys that `read` asks for in a text that has them all with those that `docs/menu.md` lists for
    /// the file.
    pub(crate) fn check_keys<T>(file: &str, text: &str, read: fn(&mut Notes, &mut Table<'_>) -> T) {
        let keys = document(text, file, |notes, table| {
            read(notes, table);
            notes.keys.clone()
        });
        let page = include_str!("../../../docs/menu.md");
        let section = page.split("\n## ").find(|section| section.starts_with(file)).unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        assert_eq!(keys.unwrap(), rows.map(|(key, _)| key.to_owned()).collect());
    }

    /// What `docs/menu.md` says of a key.
    pub(crate) fn check_row(key: &str, says: &str) {
        let page = include_str!("../../../docs/menu.md");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap();
        assert!(row.contains(says), "{says:?} is not in {row:?}");
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let text = " ".repeat(Limits::FILE_BYTES + 1);
        let says = document(&text, "menu.toml", |_, _| ()).unwrap_err().to_string();
        assert_eq!(
            says,
            "menu.toml:1: the file has more than 1048576 bytes, and no more are read; make it smaller"
        );
        assert!(document(&text[1..], "menu.toml", |_, _| ()).is_ok());
    }
}
