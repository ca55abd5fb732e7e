//! How a shop works.

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use order::Millis;
use serde::Serialize;

use crate::{
    Limits, Mistakes, Printer, Words,
    hours::Hours,
    printer::printer,
    read::{self, Field, Notes, Table, Whole},
};

/// How a shop works.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What it is called.
    pub name: Words,
    /// The currency of all prices, by its three letters (ISO 4217).
    pub currency: String,
    /// Where its clock hangs, by the name in the IANA time zone database.
    pub time_zone: String,
    /// When a phone order is paid.
    pub payment: Payment,
    /// Who may order by an amount alone.
    pub by_amount: ByAmount,
    /// Over this estimated wait ordering pauses by itself, in minutes.
    pub longest_wait_minutes: u32,
    /// Cups of the largest order that a phone may place; staff take larger ones.
    pub largest_phone_order_cups: u16,
    /// How long before closing the last order is taken, in minutes.
    pub last_order_minutes: u32,
    /// When it is open; `None`: always.
    pub hours: Option<Hours>,
    /// Where tickets and slips are printed; `None`: nowhere.
    pub printer: Option<Printer>,
    pub(crate) zone: TimeZone,
}

/// When a phone order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// Before it is made: it waits until staff say that it is paid.
    Before,
    /// When it is fetched.
    After,
}

/// Who may order by an amount alone: nothing of the menu, and no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByAmount {
    /// Whoever reaches the counter, as programs of the core do.
    Anyone,
    /// Staff, and programs with a token.
    Staff,
}

const LONGEST_WAIT_MINUTES: u32 = 30;
const LONGEST_WAIT: Whole<u32> = Whole { range: Limits::LONGEST_WAIT_MINUTES, more: "" };
const LARGEST_PHONE_ORDER_CUPS: u16 = 30;
const LARGEST_PHONE_ORDER: Whole<u16> = Whole { range: Limits::LARGEST_PHONE_ORDER_CUPS, more: "" };
const LAST_ORDER_MINUTES: u32 = 10;
const LAST_ORDER: Whole<u32> = Whole { range: Limits::LAST_ORDER_MINUTES, more: "" };

impl Settings {
    /// The settings in a `shop.toml`, which is called `file` where it is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, Mistakes> {
        read::document(text, file, settings)
    }

    /// What the shop's clock says at this time: `08:42`.
    pub fn clock(&self, at: Millis) -> String {
        let time = Timestamp::from_millisecond(at).unwrap_or_default();
        time.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// The same with its date and how far it is from UTC, as RFC 3339 has it: `2026-11-22T08:42:00.000+09:00`.
    pub fn date_and_clock(&self, at: Millis) -> String {
        let time = Timestamp::from_millisecond(at).unwrap_or_default();
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// The settings of a shop that has none of its own yet.
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED, "shop.toml").expect("a test parses it, and it never changes")
    }
}

const EMBEDDED: &str = include_str!("../defaults/shop.toml");

fn settings(notes: &mut Notes, table: &mut Table<'_>) -> Settings {
    let name = table.name(notes);
    let currency = currency(notes, table);
    let (time_zone, zone) = zone(notes, table);
    let payment = match table.get(notes, "payment") {
        Some(field) => payment(notes, &field),
        None => Payment::After,
    };
    let by_amount = match table.get(notes, "by_amount") {
        Some(field) => by_amount(notes, &field),
        None => ByAmount::Anyone,
    };
    let longest_wait_minutes =
        table.number(notes, "longest_wait_minutes", &LONGEST_WAIT, LONGEST_WAIT_MINUTES);
    let largest_phone_order_cups =
        table.number(notes, "largest_phone_order_cups", &LARGEST_PHONE_ORDER, LARGEST_PHONE_ORDER_CUPS);
    let last_order_minutes = table.number(notes, "last_order_minutes", &LAST_ORDER, LAST_ORDER_MINUTES);
    let hours = table.table(notes, "hours").map(|table| Hours::read(notes, table, last_order_minutes));
    let printer = table.table(notes, "printer").map(|table| printer(notes, table));
    Settings {
        name,
        currency,
        time_zone,
        payment,
        by_amount,
        longest_wait_minutes,
        largest_phone_order_cups,
        last_order_minutes,
        hours,
        printer,
        zone,
    }
}

fn currency(notes: &mut Notes, table: &mut Table<'_>) -> String {
    const SAY: &str = "say the currency's three letters (ISO 4217), as in currency = \"KRW\"";
    let Some(field) = table.require(notes, "currency", SAY) else { return String::new() };
    let is_code = |text: &&str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    match field.text().filter(is_code) {
        Some(code) => code.to_owned(),
        None => {
            field.wrong(notes, SAY);
            String::new()
        }
    }
}

fn zone(notes: &mut Notes, table: &mut Table<'_>) -> (String, TimeZone) {
    const SAY: &str = "say a time zone by its name in the IANA database, as in time_zone = \"Asia/Seoul\"";
    let nowhere = (String::new(), TimeZone::UTC);
    let Some(field) = table.require(notes, "time_zone", SAY) else { return nowhere };
    // The bundled ones, whatever the machine has: the same file means the same everywhere.
    let found = field.text().and_then(|name| TimeZoneDatabase::bundled().get(name).ok());
    let named = found.and_then(|zone| Some((zone.iana_name()?.to_owned(), zone)));
    named.unwrap_or_else(|| {
        field.wrong(notes, SAY);
        nowhere
    })
}

fn payment(notes: &mut Notes, field: &Field<'_>) -> Payment {
    match field.text() {
        Some("before") => Payment::Before,
        Some("after") => Payment::After,
        _ => {
            field.wrong(notes, "say \"before\" or \"after\", when a phone order is paid");
            Payment::After
        }
    }
}

fn by_amount(notes: &mut Notes, field: &Field<'_>) -> ByAmount {
    match field.text() {
        Some("anyone") => ByAmount::Anyone,
        Some("staff") => ByAmount::Staff,
        _ => {
            field.wrong(notes, "say \"anyone\" or \"staff\", who may order by an amount alone");
            ByAmount::Anyone
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::tests::{check_keys, check_row};

    #[test]
    fn the_page_lists_every_key_and_no_other() {
        check_keys(
            "shop.toml",
            &format!("{EMBEDDED}[hours]\nmon = [\"07:30-21:00\"]\n[printer]\naddress = \"a:1\"\n"),
            settings,
        );
    }

    #[test]
    fn the_clock_is_the_shops() {
        let text = "name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"Asia/Seoul\"\n";
        let settings = Settings::parse(text, "shop.toml").unwrap();
        assert_eq!(settings.clock(1_795_363_866_253), "01:11");
        assert_eq!(settings.date_and_clock(1_795_363_866_253), "2026-11-23T01:11:06.253+09:00");
    }

    #[test]
    fn the_page_says_each_range_and_default_as_they_are_enforced() {
        let range = |range: &std::ops::RangeInclusive<u32>| format!("{} to {} |", range.start(), range.end());
        let (longest, last) = (range(&Limits::LONGEST_WAIT_MINUTES), range(&Limits::LAST_ORDER_MINUTES));
        check_row("longest_wait_minutes", &format!("| {LONGEST_WAIT_MINUTES} | {longest}"));
        check_row("last_order_minutes", &format!("| {LAST_ORDER_MINUTES} | {last}"));
        check_row("hours.mon", &format!("at most {}, ", Limits::RANGES_OF_DAY));
        check_row("printer.address", &format!("at most {} characters |", Limits::ADDRESS_BYTES));
        check_row("name.ko", &format!("1 to {} characters |", Limits::NAME_CHARS));
    }
}
