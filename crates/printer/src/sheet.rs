//! What stands on a ticket and on a slip.

use order::{Code, Item, OrderState};
use shop::{Printer, Words};

use crate::{
    roll::{Roll, Style},
    words::{Language, Text},
};

/// What a ticket and a slip are made of.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The order. Without a pickup code there is nothing to call it by, and its sheets are without one.
    pub order: &'a OrderState,
    /// Its partition, where there are several.
    pub partition: Option<u32>,
    /// When it was taken, on the shop's clock: `08:42`.
    pub time: &'a str,
    /// What the shop is called.
    pub shop: Option<&'a Words>,
    /// Where its pager is, if phones get there.
    pub url: Option<&'a str>,
    /// It may have been printed before.
    pub is_copy: bool,
    /// Whether a choice, as `milk/whole`, is what everyone gets who says nothing: it is not printed.
    pub is_usual: &'a dyn Fn(&str) -> bool,
}

/// An order for the bar: how it is called, and what is to be made.
pub fn ticket(printer: &Printer, sheet: &Sheet<'_>) -> Vec<u8> {
    const BANNER: Style =
        Style { wide: 2, high: 2, bold: true, inverse: true, centred: true, ..Style::PLAIN };
    let mut roll = Roll::new(printer);
    let language = roll.language();
    let order = sheet.order;
    if sheet.is_copy {
        roll.text(language.say(Text::Copy), BANNER);
    }
    if order.is_remake() {
        roll.text(&remake(language, order), Style { wide: 1, ..BANNER });
    }
    code(&mut roll, sheet);
    reference(&mut roll, sheet, false);
    roll.rule();
    let details = order.order.details();
    match details.map(|details| &details.items) {
        Some(items) if !items.is_empty() => items.iter().for_each(|item| line(&mut roll, item, sheet)),
        _ => roll.text(&language.cups(order.order.amount), Style { wide: 2, ..DRINK }),
    }
    if let Some(note) = details.and_then(|details| details.note.as_deref()) {
        roll.rule();
        roll.text(note, NOTE);
    }
    roll.cut()
}

/// A slip for the customer: how the order is called, and the way to its pager.
pub fn slip(printer: &Printer, sheet: &Sheet<'_>) -> Vec<u8> {
    const CENTRED: Style = Style { centred: true, ..Style::PLAIN };
    let mut roll = Roll::new(printer);
    let language = roll.language();
    if sheet.is_copy {
        roll.text(language.say(Text::Copy), Style { bold: true, inverse: true, ..CENTRED });
    }
    if let Some(shop) = sheet.shop {
        roll.text(language.pick(&shop.en, &shop.ko), Style { bold: true, ..CENTRED });
    }
    roll.space();
    code(&mut roll, sheet);
    reference(&mut roll, sheet, true);
    roll.space();
    let is_drawn = sheet.url.is_some_and(|url| roll.qr_code(url));
    let says = if is_drawn { Text::Scan } else { Text::Listen };
    // Guests read either language, whatever the staff's is.
    let languages =
        if language == Language::Ko { &[Language::Ko, Language::En][..] } else { &[Language::En] };
    for language in languages {
        roll.text(language.say(says), CENTRED);
    }
    roll.cut()
}

const DRINK: Style = Style { high: 2, bold: true, ..Style::PLAIN };
/// Allergies and remakes are white on black, as on the bar's screen.
const NOTE: Style = Style { bold: true, inverse: true, ..Style::PLAIN };

/// The pickup code, as large as the paper lets it be, and its word in the other language where that can be printed.
fn code(roll: &mut Roll, sheet: &Sheet<'_>) {
    if sheet.order.code == 0 {
        return;
    }
    let Code { number, words, .. } = Code::of(sheet.order.code);
    let label = Code::label(number, sheet.partition);
    let (en, ko) = (format!("{} {label}", words.en.to_uppercase()), format!("{} {label}", words.ko));
    if roll.language() == Language::Ko {
        roll.large(&ko, 4);
        roll.large(&en, 2);
    } else {
        roll.large(&en, 4);
    }
}

/// The till's number, and when and how the order came.
fn reference(roll: &mut Roll, sheet: &Sheet<'_>, is_centred: bool) {
    let details = sheet.order.order.details();
    if let Some(reference) = details.and_then(|details| details.reference.as_deref()) {
        roll.large(reference, 2);
    }
    let is_till = details.and_then(|details| details.channel) == Some(order::Channel::Till);
    let till = if is_till && !is_centred { roll.language().say(Text::Till) } else { "" };
    roll.text(format!("{} {till}", sheet.time).trim(), Style { centred: true, ..Style::PLAIN });
}

fn line(roll: &mut Roll, item: &Item, sheet: &Sheet<'_>) {
    let language = roll.language();
    let title = item.details().and_then(|details| details.title.as_ref());
    let title = title.map_or(&*item.item, |title| language.pick(&title.en, &title.ko));
    roll.text(&format!("{} x {title}", item.quantity), DRINK);
    let titles = item.details().map_or(&[][..], |details| &details.option_titles);
    for (at, option) in item.options.iter().enumerate().filter(|(_, option)| !(sheet.is_usual)(option)) {
        let title = titles.get(at).map_or(&**option, |title| language.pick(&title.en, &title.ko));
        roll.text(title, Style { high: 2, indent: 4, ..Style::PLAIN });
    }
    if let Some(note) = item.note() {
        roll.text(note, Style { indent: 4, ..NOTE });
    }
}

fn reason(order: &OrderState) -> Option<&str> {
    order.marks.as_deref().and_then(|marks| marks.reason.as_deref())
}

fn remake(language: Language, order: &OrderState) -> String {
    let reason = reason(order);
    let remake = language.say(Text::Remake);
    reason.map_or_else(|| remake.to_owned(), |reason| format!("{remake}: {reason}"))
}
