//! One line of an order.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use crate::order::fit;

/// Fields that nobody here knows, in their order, each value as it was written.
pub type Extra = Vec<(Box<str>, Box<RawValue>)>;

/// One line of an order.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name or its id on the menu.
    pub item: String,
    /// How many of it, at least 1.
    pub quantity: u16,
    /// What is different about it; of an order from a menu every choice, as `group/choice`.
    pub options: Vec<String>,
    /// What a menu and the customer say of it. `None` where nothing is said: it costs no memory then.
    pub details: Option<Box<LineDetails>>,
    /// Fields that nobody here knows, and those of [`LineDetails`] where they are of another type, in their order,
    /// each value as it was written.
    pub extra: Extra,
}

/// What may be said of one line beyond what is to be made. On the wire its fields stand in the line itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineDetails {
    /// What the menu called it when it was ordered.
    pub title: Option<Title>,
    /// What the menu called its options, one for each.
    pub option_titles: Vec<Title>,
    /// What one of it cost, options included, in the smallest unit of the order's currency.
    pub unit_price: Option<u64>,
    /// What the customer asks for; may be health data, so it stands only in `order.received` and `order.state`.
    pub note: Option<String>,
}

/// A name in both languages of the line. One with more in it is none of ours: nothing of it must get lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LineTitle"))]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// In English.
    pub en: Box<str>,
    /// In Korean.
    pub ko: Box<str>,
}

impl Item {
    /// What is said of it beyond what is to be made, if anything is.
    pub fn details(&self) -> Option<&LineDetails> {
        self.details.as_deref()
    }

    /// What the customer asks for.
    pub fn note(&self) -> Option<&str> {
        self.details()?.note.as_deref()
    }

    /// The same without its note and without what nobody here knows.
    pub(crate) fn known(&self) -> Self {
        let Self { item, quantity, options, details, extra: _ } = self;
        let details = details.as_ref().map(|known| LineDetails { note: None, ..(**known).clone() });
        Self {
            item: item.clone(),
            quantity: *quantity,
            options: options.clone(),
            details: details.filter(|known| *known != LineDetails::default()).map(Box::new),
            extra: Vec::new(),
        }
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let options = self.options.iter().map(|option| size_of::<String>() + option.len());
        let details = self.details().map_or(0, LineDetails::weight);
        size_of::<Self>() + self.item.len() + options.sum::<usize>() + details + weight(&self.extra)
    }

    fn write<S: Serializer>(&self, to: S, with_note: bool) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("item", &self.item)?;
        map.serialize_entry("quantity", &self.quantity)?;
        if !self.options.is_empty() {
            map.serialize_entry("options", &self.options)?;
        }
        if let Some(details) = self.details() {
            if let Some(title) = &details.title {
                map.serialize_entry("title", title)?;
            }
            if !details.option_titles.is_empty() {
                map.serialize_entry("option_titles", &details.option_titles)?;
            }
            if let Some(price) = details.unit_price {
                map.serialize_entry("unit_price", &price)?;
            }
            if let Some(note) = details.note.as_ref().filter(|_| with_note) {
                map.serialize_entry("note", note)?;
            }
        }
        // A note that is not ours to read is a note all the same.
        for (key, value) in self.extra.iter().filter(|(key, _)| with_note || &**key != "note") {
            map.serialize_entry(&**key, value)?;
        }
        map.end()
    }
}

impl LineDetails {
    fn weight(&self) -> usize {
        let titles = self.title.iter().chain(&self.option_titles);
        let titles = titles.map(|title| size_of::<Title>() + title.en.len() + title.ko.len());
        size_of::<Self>() + titles.sum::<usize>() + self.note.as_ref().map_or(0, String::len)
    }

    /// Takes in a field of a line, and says whether it is one of these. Others use these names too: what is of
    /// another type than ours is passed on like a field that nobody here knows, and the line is as good without it.
    fn read(&mut self, key: &str, value: &RawValue) -> bool {
        match key {
            "title" => fit(&mut self.title, value, |_| true),
            "option_titles" => fit(&mut self.option_titles, value, |_| true),
            "unit_price" => fit(&mut self.unit_price, value, |_| true),
            "note" => fit(&mut self.note, value, |_| true),
            _ => false,
        }
    }
}

/// Lines as they are announced: without their notes.
pub(crate) struct WithoutNotes<'a>(pub(crate) &'a [Item]);

impl Serialize for WithoutNotes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        struct WithoutNote<'a>(&'a Item);

        impl Serialize for WithoutNote<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.write(to, false)
            }
        }

        to.collect_seq(self.0.iter().map(WithoutNote))
    }
}

/// About how many bytes of memory unknown fields take.
pub(crate) fn weight(extra: &Extra) -> usize {
    extra.iter().map(|(name, value)| 2 * size_of::<Box<str>>() + name.len() + value.get().len()).sum()
}

/// Whether unknown fields are the same, compared as they were written.
pub(crate) fn same(some: &Extra, others: &Extra) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(a, b)| (&a.0, a.1.get()) == (&b.0, b.1.get()))
}

/// Equal when every field is, unknown ones compared as they were written.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (&self.item, self.quantity, &self.options) == (&other.item, other.quantity, &other.options)
            && self.details == other.details
            && same(&self.extra, &other.extra)
    }
}

impl Eq for Item {}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to, true)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of an order: an object with item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let (mut item, mut quantity, mut options) = (None, None, None);
        let (mut details, mut extra) = (LineDetails::default(), Vec::new());
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "item" => once(&mut item, "item", map.next_value()?)?,
                "quantity" => once(&mut quantity, "quantity", map.next_value()?)?,
                "options" => once(&mut options, "options", map.next_value()?)?,
                _ => {
                    let value: Box<RawValue> = map.next_value()?;
                    if !details.read(&key, &value) {
                        extra.push((key.into(), value));
                    }
                }
            }
        }
        Ok(Item {
            item: item.ok_or_else(|| de::Error::missing_field("item"))?,
            quantity: quantity.unwrap_or(1),
            options: options.unwrap_or_default(),
            details: (details != LineDetails::default()).then(|| Box::new(details)),
            extra,
        })
    }
}

/// Puts a value where none was before.
pub(crate) fn once<T, E: de::Error>(slot: &mut Option<T>, field: &'static str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() { Err(E::duplicate_field(field)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_of_a_line_pass_through_as_they_were_written() {
        let json = r#"{"item":"latte","quantity":2,"options":["oat"],"size":"L","x":{"y":[1.50]}}"#;
        let item: Item = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&item).unwrap(), json);
        assert_eq!(item.extra.len(), 2);
        assert_ne!(item, item.known());
    }

    #[test]
    fn what_a_menu_says_of_a_line_reads_back_and_costs_nothing_where_it_says_nothing() {
        let json = concat!(
            r#"{"item":"latte","quantity":2,"options":["milk/oat"],"title":{"en":"Latte","ko":"카페라테"},"#,
            r#""option_titles":[{"en":"Oat","ko":"오트"}],"unit_price":6000,"note":"no nuts","size":"L"}"#
        );
        let item: Item = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&item).unwrap(), json);
        assert_eq!((item.note(), item.extra.len()), (Some("no nuts"), 1));
        assert_eq!(item.details().unwrap().unit_price, Some(6_000));
        let plain: Item = serde_json::from_str(r#"{"item":"latte","note":null}"#).unwrap();
        assert_eq!(plain.details, None);
    }

    #[test]
    fn a_field_of_another_type_than_ours_is_passed_on_and_the_line_is_as_good_without_it() {
        for more in [
            r#""title":"Latte""#,
            r#""title":{"en":"Latte"}"#,
            r#""title":{"en":"Latte","ko":"라테","ja":"ラテ"}"#,
            r#""option_titles":["Oat"]"#,
            r#""option_titles":[{"en":"Oat","ko":"오트","code":7}]"#,
            r#""unit_price":-1"#,
            r#""unit_price":5.5"#,
            r#""note":["no nuts"]"#,
        ] {
            let json = format!(r#"{{"item":"latte","quantity":1,{more}}}"#);
            let item: Item = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&item).unwrap(), json);
            assert_eq!((item.details(), item.extra.len()), (None, 1), "{json}");
        }
    }

    #[test]
    fn the_history_knows_a_line_without_its_note() {
        let item: Item =
            serde_json::from_str(r#"{"item":"a","unit_price":1,"note":"no nuts","x":1}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&item.known()).unwrap(),
            r#"{"item":"a","quantity":1,"unit_price":1}"#
        );
        let item: Item = serde_json::from_str(r#"{"item":"a","note":"no nuts"}"#).unwrap();
        assert_eq!(item.known().details, None);
    }

    #[test]
    fn a_line_is_an_object_that_says_what_it_is() {
        for (json, says) in [
            (r#"["latte",2,[]]"#, "a line of an order"),
            (r#""latte""#, "a line of an order"),
            (r#"{"quantity":1}"#, "item"),
            (r#"{"item":"latte","quantity":100000}"#, "100000"),
            (r#"{"item":"a","item":"b"}"#, "duplicate"),
        ] {
            let error = serde_json::from_str::<Item>(json).unwrap_err().to_string();
            assert!(error.contains(says), "{json}: {error}");
        }
    }
}
