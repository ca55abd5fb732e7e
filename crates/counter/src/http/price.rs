//! An order of `POST /orders` as it is written: priced by the menu, if orders are taken at all.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use ::order::{Channel, Details, Item, Limits, LineDetails, Order, OrderId, Role, Title};
use serde_json::json;
use shop::{ByAmount, Objection, Objections, Payment, Priced, PricedLine, Shop, Wanted, Why, Words};

use super::{draft::Draft, order::Ask};
use crate::{
    access,
    app::App,
    clock, offer,
    problem::{Code, Problem},
    rates::Who,
};

/// What an order's record has beside the order as it is priced: key, headers, promise, the hash of what was asked.
const ADDED_BYTES: usize = 1_024;
/// What is said of an objection, in characters: it may name every option of a menu.
const DETAIL_CHARS: usize = 600;

/// An order of `POST /orders`.
pub(super) struct Sale<'a> {
    app: &'a App,
    role: Role,
    who: Who<'a>,
    /// What its sender believes that it costs.
    total: Option<u64>,
    shop: Option<Arc<Shop>>,
    draft: Draft,
}

impl<'a> Sale<'a> {
    pub(super) fn new(app: &'a App, role: Role, who: Who<'a>, draft: Draft) -> Self {
        Self { app, role, who, total: draft.total, shop: app.offer.shop(), draft }
    }
}

impl Ask for Sale<'_> {
    fn asked(&self, id: OrderId) -> Order {
        self.draft.order(id, clock::now())
    }

    fn make(&self, mut order: Order) -> Result<Order, Problem> {
        let Self { app, role, total, shop, .. } = self;
        let sold_out: BTreeSet<Box<str>> = match app.views.look() {
            Some(look) => {
                if *role == Role::Holder {
                    offer::check(&app.offer.ordering(&look, shop.as_deref()), look.now)?;
                }
                // The fold waits while anyone looks, and not for what an order costs.
                look.shop().facts().sold_out().map(Box::from).collect()
            }
            // Without a menu nothing of an order of staff hangs on what the log says, and a view that begins anew does
            // not stop it; whether customers may order does.
            None if shop.is_none() && *role == Role::Staff => BTreeSet::new(),
            None => return Err(Problem::starting()),
        };
        let amount = order.amount;
        let details = order.details.get_or_insert_default();
        details.channel = Some(if *role == Role::Staff { Channel::Till } else { Channel::Phone });
        match shop {
            Some(shop)
                if details.items.is_empty()
                    && *role == Role::Holder
                    && shop.settings().by_amount == ByAmount::Staff =>
            {
                return Err(access::for_staff());
            }
            Some(shop) if !details.items.is_empty() => {
                let priced = priced(shop, &details.items, &sold_out)?;
                agree(*total, &priced, shop)?;
                fill_in(details, priced, shop);
            }
            _ if total.is_some() => {
                let detail = "What an order costs is known where it has items and the counter has a menu; leave it out.";
                return Err(Problem::field("total", detail));
            }
            _ => {}
        }
        if let Some(shop) = shop
            && *role == Role::Holder
        {
            fits_a_phone(amount, shop)?;
        }
        let paid_before = shop.as_ref().is_some_and(|shop| shop.settings().payment == Payment::Before);
        details.unpaid = paid_before && *role == Role::Holder;
        check_size(&order)?;
        Ok(order)
    }

    fn admit(&self) -> Result<(), Problem> {
        self.app.check_room()?;
        if self.role == Role::Staff { Ok(()) } else { self.app.rates.one_more(self.who, Instant::now()) }
    }

    fn promise(&self, order: &mut Order) {
        if self.shop.is_some() && !order.unpaid() {
            let promise = self.app.views.look().and_then(|look| look.first_promise(order));
            order.details.get_or_insert_default().promise = promise;
        }
    }
}

fn priced(shop: &Shop, items: &[Item], sold_out: &BTreeSet<Box<str>>) -> Result<Priced, Problem> {
    let wanted: Vec<_> = items
        .iter()
        .map(|item| Wanted { item: &item.item, quantity: item.quantity, options: &item.options })
        .collect();
    shop.menu().price(&wanted, &|id| sold_out.contains(id)).map_err(|objections| refused(&objections, shop))
}

/// An order alone may be a longer wait than ordering pauses for; how large it may be without staff is the shop's word.
fn fits_a_phone(amount: u16, shop: &Shop) -> Result<(), Problem> {
    let max = shop.settings().largest_phone_order_cups;
    if amount <= max {
        return Ok(());
    }
    let detail = format!(
        "The order has {amount} cups, and the shop takes at most {max} from a phone at once; ask staff for more."
    );
    Err(Problem::new(Code::OrderTooLarge, detail).with("max_cups", max))
}

/// Refuses what would be too large to be written, before it is counted and has a place in the line.
fn check_size(order: &Order) -> Result<(), Problem> {
    const MAX: usize = Limits::RECORD_BYTES - ADDED_BYTES;
    let size = order.to_json().len();
    if size <= MAX {
        return Ok(());
    }
    let detail = format!(
        "With all that is written of its lines the order has {size} bytes, and at most {MAX} can be written; order \
         fewer lines at once, or say less of them."
    );
    Err(Problem::new(Code::BodyTooLarge, detail).with("max_bytes", MAX))
}

/// The worst of what is wrong: what can't be, before what is only not there today.
fn refused(Objections(objections): &Objections, shop: &Shop) -> Problem {
    let problem = |objection: &Objection| match &objection.why {
        Why::UnknownItem(_) => Some((Code::UnknownItem, "item".to_owned())),
        Why::UnknownOption { option, .. } => Some((Code::UnknownOption, format!("options[{option}]"))),
        Why::TwoChoices { option, .. } => Some((Code::BadField, format!("options[{option}]"))),
        Why::SoldOut(_) => None,
    };
    let wrong = objections.iter().find_map(|objection| Some((objection, problem(objection)?)));
    if let Some((objection, (code, field))) = wrong {
        let field = format!("items[{}].{field}", objection.line);
        return Problem::new(code, shortened(&objection.to_string()))
            .with("field", field)
            .with("menu", shop.version());
    }
    let sold_out: BTreeSet<_> = objections
        .iter()
        .filter_map(|objection| if let Why::SoldOut(id) = &objection.why { Some(id.as_str()) } else { None })
        .collect();
    let sold_out: Vec<_> = sold_out.into_iter().collect();
    let detail = format!("Sold out: {}; take it out or choose another.", sold_out.join(", "));
    Problem::new(Code::SoldOut, shortened(&detail)).with("sold_out", sold_out)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(DETAIL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Nobody pays more, or less, than what they saw.
fn agree(total: Option<u64>, priced: &Priced, shop: &Shop) -> Result<(), Problem> {
    let Some(said) = total.filter(|said| *said != priced.total) else { return Ok(()) };
    let now = priced.total;
    let lines: Vec<_> =
        priced.lines.iter().map(|line| json!({"item": line.item, "unit_price": line.unit_price})).collect();
    let detail = format!("The order costs {now} now, not {said}; show the new prices and ask again.");
    Err(Problem::new(Code::PriceChanged, detail)
        .with("total", now)
        .with("currency", shop.settings().currency.as_str())
        .with("menu", shop.version())
        .with("lines", lines))
}

fn fill_in(details: &mut Details, priced: Priced, shop: &Shop) {
    details.total = Some(priced.total);
    details.currency = Some(shop.settings().currency.as_str().into());
    details.menu = Some(shop.version().into());
    details.make_seconds = Some(priced.make_seconds);
    for (item, line) in details.items.iter_mut().zip(priced.lines) {
        fill_in_line(item, line);
    }
}

fn fill_in_line(item: &mut Item, line: PricedLine) {
    let title = |words: Words| Title { en: words.en.into(), ko: words.ko.into() };
    let note = item.note().map(str::to_owned);
    item.options = line.options;
    item.details = Some(Box::new(LineDetails {
        title: Some(title(line.title)),
        option_titles: line.option_titles.into_iter().map(title).collect(),
        unit_price: Some(line.unit_price),
        note,
    }));
}
