//! One line of an order.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

/// Fields that nobody here knows, in their order, each value as it was written.
pub type Extra = Vec<(Box<str>, Box<RawValue>)>;

/// One line of an order.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name or its id on the menu.
    pub item: String,
    /// How many of it, at least 1.
    pub quantity: u16,
    /// What is different about it.
    pub options: Vec<String>,
    /// Fields that nobody here knows, in their order, each value as it was written.
    pub extra: Extra,
}

impl Item {
    /// The same without what nobody here knows.
    pub(crate) fn known(&self) -> Self {
        let Self { item, quantity, options, extra: _ } = self;
        Self { item: item.clone(), quantity: *quantity, options: options.clone(), extra: Vec::new() }
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let options = self.options.iter().map(|option| size_of::<String>() + option.len());
        size_of::<Self>() + self.item.len() + options.sum::<usize>() + weight(&self.extra)
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
            && same(&self.extra, &other.extra)
    }
}

impl Eq for Item {}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("item", &self.item)?;
        map.serialize_entry("quantity", &self.quantity)?;
        if !self.options.is_empty() {
            map.serialize_entry("options", &self.options)?;
        }
        for (key, value) in &self.extra {
            map.serialize_entry(&**key, value)?;
        }
        map.end()
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
        let (mut item, mut quantity, mut options, mut extra) = (None, None, None, Vec::new());
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "item" => once(&mut item, "item", map.next_value()?)?,
                "quantity" => once(&mut quantity, "quantity", map.next_value()?)?,
                "options" => once(&mut options, "options", map.next_value()?)?,
                _ => extra.push((key.into(), map.next_value()?)),
            }
        }
        Ok(Item {
            item: item.ok_or_else(|| de::Error::missing_field("item"))?,
            quantity: quantity.unwrap_or(1),
            options: options.unwrap_or_default(),
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
