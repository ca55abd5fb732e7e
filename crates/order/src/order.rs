//! The order as it travels between programs.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use crate::{
    Item, Limits, Millis, OrderId, Promise,
    item::{self, Extra, WithoutNotes, once, same},
    promise::ExactRange,
};

/// The field in which a counter keeps what it knows a repeat of a request by. It hangs on all that was asked for, notes
/// included, so it stands where they do: in `order.received` and `order.state`.
pub const REQUEST_HASH: &str = "request_hash";

/// An order as the contract writes it: `order_id`, `amount` and `status` first, what is ours after them, and
/// fields that nobody here knows kept to the byte and passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub order_id: OrderId,
    /// Number of cups, 0 to 1,000; 0 is "nothing to brew".
    pub amount: u16,
    /// Whether it is announced.
    pub status: Status,
    /// What the core of the contract does not have. `None` for most foreign orders: they cost no memory for it.
    pub details: Option<Box<Details>>,
}

/// What the core knows of an order's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0 on the wire.
    Received,
    /// 1 on the wire.
    Processed,
}

/// Who gave it to the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderChannel"))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The customer, on a page of the shop or with a program.
    Phone,
    /// The staff, for the customer before them.
    Till,
}

/// What an order may hold beyond the core.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// What is to be made, at most [`Limits::ITEMS`] lines; empty in bell-only mode.
    pub items: Vec<Item>,
    /// Whom to call.
    pub name: Option<String>,
    /// What the customer asks for; may be health data, so it stands only in `order.received` and `order.state`.
    pub note: Option<String>,
    /// A till's ticket number. `ref` on the wire.
    pub reference: Option<String>,
    /// Who gave it to the counter, which writes that.
    pub channel: Option<Channel>,
    /// When the counter took it; information only.
    pub placed_at: Option<Millis>,
    /// How long it takes to make, written by a counter that knows the menu.
    pub make_seconds: Option<u32>,
    /// It waits for payment.
    pub unpaid: bool,
    /// What it cost when it was placed, in the smallest unit of its currency, written by a counter that knows the
    /// menu.
    pub total: Option<u64>,
    /// In which currency: ISO 4217.
    pub currency: Option<Box<str>>,
    /// The version of the menu that it was priced by.
    pub menu: Option<Box<str>>,
    /// When it was first said to be ready.
    pub promise: Option<Promise>,
    /// Fields that nobody here knows, and those above where they are of another type or too many, in their
    /// order, each value as it was written.
    pub extra: Extra,
}

impl Order {
    /// A new order of the core.
    pub fn new(order_id: OrderId, amount: u16) -> Self {
        Self { order_id, amount, status: Status::Received, details: None }
    }

    /// The order in a record's value, or one sentence that says why it is none.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        if json.len() > Limits::RECORD_BYTES {
            return Err(format!("{} bytes, an order has at most {}", json.len(), Limits::RECORD_BYTES));
        }
        serde_json::from_slice(json).map_err(|e| e.to_string())
    }

    /// As JSON, to the byte of the contract.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        serde_json::to_writer(&mut out, self).expect("writing to memory cannot fail, and every key is text");
        out
    }

    /// The order as `order.processed` has it: announced, without its note and those of its lines, and without
    /// [`REQUEST_HASH`].
    pub fn announced(&self) -> Announced<'_> {
        Announced(self)
    }

    /// The details, if it has any.
    pub fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Whether it waits for payment.
    pub fn unpaid(&self) -> bool {
        self.details().is_some_and(|d| d.unpaid)
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.details().map_or(0, |d| d.items.len())
    }

    /// About how many bytes of memory it takes beyond what every order takes: whoever keeps many orders bounds
    /// their sum.
    pub fn weight(&self) -> usize {
        self.details().map_or(0, Details::weight)
    }

    fn write<S: Serializer>(&self, to: S, status: Status, with_note: bool) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("order_id", &self.order_id.as_str())?;
        map.serialize_entry("amount", &self.amount)?;
        map.serialize_entry("status", &(status as u8))?;
        if let Some(d) = self.details() {
            match (d.items.is_empty(), with_note) {
                (true, _) => {}
                (false, true) => map.serialize_entry("items", &d.items)?,
                (false, false) => map.serialize_entry("items", &WithoutNotes(&d.items))?,
            }
            let note = d.note.as_ref().filter(|_| with_note);
            for (key, text) in [("name", d.name.as_ref()), ("note", note), ("ref", d.reference.as_ref())] {
                if let Some(text) = text {
                    map.serialize_entry(key, text)?;
                }
            }
            if let Some(channel) = d.channel {
                map.serialize_entry("channel", &channel)?;
            }
            if let Some(at) = d.placed_at {
                map.serialize_entry("placed_at", &at)?;
            }
            if let Some(seconds) = d.make_seconds {
                map.serialize_entry("make_seconds", &seconds)?;
            }
            if d.unpaid {
                map.serialize_entry("unpaid", &true)?;
            }
            if let Some(total) = d.total {
                map.serialize_entry("total", &total)?;
            }
            for (key, text) in [("currency", &d.currency), ("menu", &d.menu)] {
                if let Some(text) = text {
                    map.serialize_entry(key, text)?;
                }
            }
            if let Some(promise) = d.promise {
                map.serialize_entry("promise", &promise)?;
            }
            // A note that is not ours to read is a note all the same, and so is what can be told only by guessing it.
            let hidden = ["note", REQUEST_HASH];
            for (key, value) in d.extra.iter().filter(|(key, _)| with_note || !hidden.contains(&&**key)) {
                map.serialize_entry(&**key, value)?;
            }
        }
        map.end()
    }
}

/// An order as `order.processed` has it.
#[derive(Debug)]
pub struct Announced<'a>(&'a Order);

impl Serialize for Announced<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to, Status::Processed, false)
    }
}

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to, self.status, true)
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(OrderVisitor)
    }
}

struct OrderVisitor;

impl<'de> Visitor<'de> for OrderVisitor {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order: an object with order_id, amount and status")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Order, A::Error> {
        let (mut order_id, mut amount, mut status) = (None, None, None);
        let mut details = Details::default();
        let mut has_details = false;
        while let Some(key) = map.next_key::<Field>()? {
            match key {
                Field::OrderId => once(&mut order_id, "order_id", map.next_value()?)?,
                Field::Amount => once(&mut amount, "amount", map.next_value::<Amount>()?)?,
                Field::Status => once(&mut status, "status", map.next_value::<Status>()?)?,
                Field::Other(key) => {
                    has_details = true;
                    details.read(key, &mut map)?;
                }
            }
        }
        Ok(Order {
            order_id: order_id.ok_or_else(|| de::Error::missing_field("order_id"))?,
            amount: amount.ok_or_else(|| de::Error::missing_field("amount"))?.0,
            status: status.ok_or_else(|| de::Error::missing_field("status"))?,
            details: has_details.then(|| Box::new(details)),
        })
    }
}

/// A field's name; those of the core cost no memory.
enum Field {
    OrderId,
    Amount,
    Status,
    Other(Box<str>),
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct FieldVisitor;

        impl Visitor<'_> for FieldVisitor {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                Ok(match name {
                    "order_id" => Field::OrderId,
                    "amount" => Field::Amount,
                    "status" => Field::Status,
                    other => Field::Other(other.into()),
                })
            }
        }

        from.deserialize_identifier(FieldVisitor)
    }
}

impl Details {
    fn weight(&self) -> usize {
        let texts = [&self.name, &self.note, &self.reference].into_iter().flatten().map(String::len);
        let short = [&self.currency, &self.menu].into_iter().flatten().map(|text| text.len());
        let items = self.items.iter().map(Item::weight);
        let parts = texts.chain(short).chain(items).sum::<usize>();
        size_of::<Self>() + parts + item::weight(&self.extra)
    }

    /// Takes in a field that the core does not have. Others use these names too: what is of another type than
    /// ours is passed on like a field that nobody here knows, and the core is as good without it.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: Box<str>, map: &mut A) -> Result<(), A::Error> {
        let value: &RawValue = map.next_value()?;
        let fits = match &*key {
            "items" => fit(&mut self.items, value, |items| items.len() <= Limits::ITEMS),
            "name" => fit(&mut self.name, value, |_| true),
            "note" => fit(&mut self.note, value, |_| true),
            "ref" => fit(&mut self.reference, value, |_| true),
            "channel" => fit(&mut self.channel, value, |_| true),
            "placed_at" => fit(&mut self.placed_at, value, |_| true),
            "make_seconds" => fit(&mut self.make_seconds, value, |_| true),
            "unpaid" => fit(&mut self.unpaid, value, |_| true),
            "total" => fit(&mut self.total, value, |_| true),
            "currency" => fit(&mut self.currency, value, |_| true),
            "menu" => fit(&mut self.menu, value, |_| true),
            "promise" => {
                let mut range: Option<ExactRange> = None;
                let fits = fit(&mut range, value, |range| {
                    range.as_ref().is_none_or(|range| range.promise().is_some())
                });
                if fits {
                    self.promise = range.and_then(|range| range.promise());
                }
                fits
            }
            _ => false,
        };
        if !fits {
            self.extra.push((key, value.to_owned()));
        }
        Ok(())
    }
}

/// Reads `value` into `field`, where `null` is the same as nothing; false if it can't be or must not be.
pub(crate) fn fit<T: DeserializeOwned + Default>(
    field: &mut T,
    value: &RawValue,
    may_be: fn(&T) -> bool,
) -> bool {
    match serde_json::from_str::<Option<T>>(value.get()).map(Option::unwrap_or_default) {
        Ok(value) if may_be(&value) => {
            *field = value;
            true
        }
        _ => false,
    }
}

struct Amount(u16);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let amount = u64::deserialize(from)?;
        match u16::try_from(amount) {
            Ok(amount) if amount <= Limits::AMOUNT => Ok(Self(amount)),
            _ => {
                Err(de::Error::custom(format_args!("amount {amount}, an order has 0 to {}", Limits::AMOUNT)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            0 => Ok(Self::Received),
            1 => Ok(Self::Processed),
            other => Err(de::Error::custom(format_args!("status {other}, an order has 0 or 1"))),
        }
    }
}

/// Equal when every field is, unknown ones compared as they were written.
impl PartialEq for Details {
    fn eq(&self, other: &Self) -> bool {
        let known = |d: &Self| (d.placed_at, d.make_seconds, d.unpaid, d.total, d.promise);
        known(self) == known(other)
            && (&self.currency, &self.menu) == (&other.currency, &other.menu)
            && (self.channel, &self.items) == (other.channel, &other.items)
            && (&self.name, &self.note, &self.reference) == (&other.name, &other.note, &other.reference)
            && same(&self.extra, &other.extra)
    }
}

impl Eq for Details {}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: &str = r#"{"order_id":"3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11","amount":3,"status":0}"#;

    #[test]
    fn the_core_is_written_to_the_byte_of_the_contract() {
        let order = Order::new(OrderId::new("3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11").unwrap(), 3);
        assert_eq!(String::from_utf8(order.to_json()).unwrap(), RECEIVED);
        assert_eq!(
            serde_json::to_string(&order.announced()).unwrap(),
            RECEIVED.replace(r#""status":0"#, r#""status":1"#)
        );
        assert_eq!(Order::parse(RECEIVED.as_bytes()).unwrap(), order);
    }

    #[test]
    fn unknown_fields_pass_through_as_they_were_written() {
        let json = r#"{"order_id":"a","amount":0,"status":0,"name":"Kim","big":123456789012345678901234567890,"deep":{"x":[1.50,null]}}"#;
        let order = Order::parse(json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(order.to_json()).unwrap(), json);
    }

    #[test]
    fn a_field_of_another_type_than_ours_is_passed_on_and_breaks_nothing() {
        let lines = |count| format!("[{}]", vec![r#"{"item":"a","quantity":1}"#; count].join(","));
        for more in [
            r#""placed_at":"2026-11-22T10:00:00Z""#,
            r#""placed_at":1.5e12"#,
            r#""name":{"first":"Kim"}"#,
            r#""note":["no nuts"]"#,
            r#""ref":7"#,
            r#""channel":"web""#,
            r#""make_seconds":-1"#,
            r#""unpaid":"no""#,
            r#""total":"5,500""#,
            r#""currency":410"#,
            r#""menu":{"coffee":[]}"#,
            r#""promise":1795363866253"#,
            r#""promise":{"from":2,"to":1}"#,
            r#""promise":{"from":1,"to":2,"p":0.9}"#,
            r#""items":["latte",7]"#,
            r#""items":[["latte",2,[]]]"#,
            r#""items":[{"item":"latte","quantity":100000}]"#,
            &format!(r#""items":{}"#, lines(Limits::ITEMS + 1)),
        ] {
            let json = RECEIVED.replace('}', &format!(",{more}}}"));
            let order = Order::parse(json.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(order.to_json()).unwrap(), json);
            assert_eq!(
                order.details,
                Some(Box::new(Details {
                    extra: order.details().unwrap().extra.clone(),
                    ..Details::default()
                })),
                "{json}"
            );
        }
        let most = RECEIVED.replace('}', &format!(r#","items":{}}}"#, lines(Limits::ITEMS)));
        assert_eq!(Order::parse(most.as_bytes()).unwrap().lines(), Limits::ITEMS);
    }

    #[test]
    fn an_order_weighs_what_it_brings_along() {
        let weight = |json: &str| Order::parse(json.as_bytes()).unwrap().weight();
        assert_eq!(weight(RECEIVED), 0);
        let long = "x".repeat(10_000);
        for more in [
            format!(r#""note":"{long}""#),
            format!(r#""extra":"{long}""#),
            format!(r#""items":[{{"item":"{long}"}}]"#),
            format!(r#""items":[{{"item":"a","options":["{long}"]}}]"#),
            format!(r#""items":[{{"item":"a","size":"{long}"}}]"#),
            format!(r#""items":[{{"item":"a","note":"{long}"}}]"#),
            format!(r#""items":[{{"item":"a","title":{{"en":"{long}","ko":""}}}}]"#),
            format!(r#""items":[{{"item":"a","option_titles":[{{"en":"","ko":"{long}"}}]}}]"#),
            format!(r#""menu":"{long}""#),
            format!(r#""name":["{long}"]"#),
        ] {
            let weight = weight(&RECEIVED.replace('}', &format!(",{more}}}")));
            assert!((10_000..11_000).contains(&weight), "{weight}");
        }
    }

    #[test]
    fn a_note_is_not_announced() {
        for note in [r#""no nuts""#, r#"{"allergies":["nuts"]}"#] {
            let json = format!(r#"{{"order_id":"a","amount":1,"status":0,"note":{note},"x":1}}"#);
            let order = Order::parse(json.as_bytes()).unwrap();
            assert_eq!(
                serde_json::to_string(&order.announced()).unwrap(),
                r#"{"order_id":"a","amount":1,"status":1,"x":1}"#
            );
        }
    }

    #[test]
    fn what_a_note_could_be_guessed_by_is_not_announced() {
        let json = r#"{"order_id":"a","amount":1,"status":0,"request_hash":"0123456789abcdef","x":1}"#;
        let order = Order::parse(json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(order.to_json()).unwrap(), json, "what is kept has it");
        assert_eq!(
            serde_json::to_string(&order.announced()).unwrap(),
            r#"{"order_id":"a","amount":1,"status":1,"x":1}"#
        );
    }

    #[test]
    fn the_note_of_a_line_is_not_announced() {
        for note in [r#""no nuts""#, r#"{"allergies":["nuts"]}"#] {
            let line =
                |note: &str| format!(r#"{{"item":"latte","quantity":1,"unit_price":5500{note},"x":1}}"#);
            let json = |status, line| {
                format!(r#"{{"order_id":"a","amount":1,"status":{status},"items":[{line}],"total":5500}}"#)
            };
            let written = json(0, line(&format!(r#","note":{note}"#)));
            let order = Order::parse(written.as_bytes()).unwrap();
            let kept = Order::parse(&order.to_json()).unwrap();
            assert_eq!(kept, order, "what is kept has the note");
            assert!(String::from_utf8(order.to_json()).unwrap().contains("nuts"));
            assert_eq!(serde_json::to_string(&order.announced()).unwrap(), json(1, line("")));
        }
    }

    #[test]
    fn an_order_keeps_the_prices_and_the_promise_it_was_placed_with() {
        let json = concat!(
            r#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","quantity":1,"unit_price":5500}],"#,
            r#""ref":"A-17","channel":"till","make_seconds":45,"unpaid":true,"total":5500,"currency":"KRW","menu":"0123456789ab","#,
            r#""promise":{"from":1795363866253,"to":1795363986253}}"#
        );
        let order = Order::parse(json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(order.to_json()).unwrap(), json);
        let details = order.details().unwrap();
        assert_eq!((details.total, details.currency.as_deref()), (Some(5_500), Some("KRW")));
        assert_eq!((details.reference.as_deref(), details.channel), (Some("A-17"), Some(Channel::Till)));
        assert_eq!(details.promise, Promise::new(1_795_363_866_253, 1_795_363_986_253));
        assert_eq!(details.extra.len(), 0);
    }

    #[test]
    fn what_is_no_order_is_refused_with_a_sentence() {
        for (json, says) in [
            ("", "EOF"),
            ("nonsense", "expected"),
            ("[]", "an order"),
            ("{}", "order_id"),
            (r#"{"order_id":"a","amount":1}"#, "status"),
            (r#"{"order_id":"a","amount":1001,"status":0}"#, "0 to 1000"),
            (r#"{"order_id":"a","amount":-1,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":1.5,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":3.0,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":3e0,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":123456789012345678901234567890,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":"3","status":0}"#, "invalid"),
            (r#"{"order_id":"a","amount":1,"status":2}"#, "0 or 1"),
            (r#"{"order_id":"","amount":1,"status":0}"#, "empty"),
            (r#"{"order_id":7,"amount":1,"status":0}"#, "invalid"),
            (r#"{"order_id":"a","order_id":"b","amount":1,"status":0}"#, "duplicate"),
        ] {
            let error = Order::parse(json.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{json}: {error}");
        }
        let long = format!(r#"{{"order_id":"{}","amount":1,"status":0}}"#, "x".repeat(200_000));
        assert!(Order::parse(long.as_bytes()).unwrap_err().contains("bytes"));
    }
}
