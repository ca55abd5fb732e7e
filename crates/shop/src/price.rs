//! What someone wants, and what that is and costs.

use std::fmt;

use crate::{Menu, MenuItem, OptionGroup, Words, menu::Choice};

/// A line that someone wants. `S` is whatever holds a text.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a, S> {
    /// An item's id.
    pub item: &'a str,
    /// How many of it.
    pub quantity: u16,
    /// Choices as `milk/oat`. A group that is not named means its first choice.
    pub options: &'a [S],
}

/// What was wanted, as the menu has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// As many as were wanted, in their order.
    pub lines: Vec<PricedLine>,
    /// What it costs, in the currency's smallest unit.
    pub total: u64,
    /// Hands-on seconds for all of it.
    pub make_seconds: u32,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedLine {
    /// The item's id.
    pub item: String,
    /// How many of it.
    pub quantity: u16,
    /// A choice of each of the item's groups as `milk/oat`, in the order of the menu.
    pub options: Vec<String>,
    /// What the item is called.
    pub title: Words,
    /// What each of `options` is called.
    pub option_titles: Vec<Words>,
    /// What one costs, options included, in the currency's smallest unit.
    pub unit_price: u64,
    /// Hands-on seconds for one.
    pub seconds: u32,
}

/// Why what was wanted can't be had: the first thing that can't be, or else all that is sold out. At least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct Objections(pub Vec<Objection>);

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The line, from 0.
    pub line: usize,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a line can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No item has this id.
    UnknownItem(String),
    /// The item has no such option; the field of the line is its `option`-th, from 0.
    UnknownOption {
        /// The place among the line's options.
        option: usize,
        /// What stands there.
        wanted: String,
        /// What may stand there: all choices of the item.
        known: Vec<String>,
    },
    /// Two choices of one group.
    TwoChoices {
        /// The place of the second among the line's options.
        option: usize,
        /// The group's id.
        group: String,
    },
    /// It is sold out: an item's id, or a choice as `milk/oat`.
    SoldOut(String),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.why {
            Why::UnknownItem(item) => {
                write!(
                    f,
                    "Line {line}: there is no {item:?} on the menu; say the id of an item that GET /menu has."
                )
            }
            Why::UnknownOption { wanted, known, .. } if known.is_empty() => {
                write!(f, "Line {line}: this item has no options, and {wanted:?} was said; leave it out.")
            }
            Why::UnknownOption { wanted, known, .. } => {
                write!(f, "Line {line}: this item has no option {wanted:?}; say one of {}.", known.join(", "))
            }
            Why::TwoChoices { group, .. } => {
                write!(f, "Line {line}: {group} was chosen twice; say one choice of it.")
            }
            Why::SoldOut(id) => write!(f, "Line {line}: {id} is sold out; take it out or choose another."),
        }
    }
}

impl Menu {
    /// What was wanted, with its prices, or why it can't be had. `sold_out` says so of an item's id or of a choice as
    /// `milk/oat`.
    pub fn price<S: AsRef<str>>(
        &self,
        wanted: &[Wanted<'_, S>],
        sold_out: &dyn Fn(&str) -> bool,
    ) -> Result<Priced, Objections> {
        let mut objections = Vec::new();
        let mut priced = Priced { lines: Vec::with_capacity(wanted.len()), total: 0, make_seconds: 0 };
        for (line, wanted) in wanted.iter().enumerate() {
            // One is enough to refuse it: each more would cost as much, and who wrote it may have written thousands.
            let never = |why| Objections(vec![Objection { line, why }]);
            let item =
                self.item(wanted.item).ok_or_else(|| never(Why::UnknownItem(wanted.item.to_owned())))?;
            let mut gone = |id: String| objections.push(Objection { line, why: Why::SoldOut(id) });
            let line = self.price_line(item, wanted, sold_out, &mut gone).map_err(never)?;
            let quantity = wanted.quantity;
            priced.total = priced.total.saturating_add(line.unit_price.saturating_mul(quantity.into()));
            let seconds = line.seconds.saturating_mul(quantity.into());
            priced.make_seconds = priced.make_seconds.saturating_add(seconds);
            priced.lines.push(line);
        }
        if objections.is_empty() { Ok(priced) } else { Err(Objections(objections)) }
    }

    fn price_line<S: AsRef<str>>(
        &self,
        item: &MenuItem,
        wanted: &Wanted<'_, S>,
        sold_out: &dyn Fn(&str) -> bool,
        gone: &mut dyn FnMut(String),
    ) -> Result<PricedLine, Why> {
        let groups: Vec<_> = item.options.iter().filter_map(|id| self.option(id)).collect();
        let mut chosen: Vec<Option<&Choice>> = vec![None; groups.len()];
        for (option, text) in wanted.options.iter().enumerate() {
            let text = text.as_ref();
            let Some((group, choice)) = find(&groups, text) else {
                let known =
                    groups.iter().flat_map(|group| group.choices.iter().map(|choice| id(group, choice)));
                return Err(Why::UnknownOption { option, wanted: text.to_owned(), known: known.collect() });
            };
            if chosen[group].replace(choice).is_some() {
                return Err(Why::TwoChoices { option, group: groups[group].id.clone() });
            }
        }
        let mut line = PricedLine {
            item: item.id.clone(),
            quantity: wanted.quantity,
            options: Vec::with_capacity(groups.len()),
            title: item.name.clone(),
            option_titles: Vec::with_capacity(groups.len()),
            unit_price: item.price,
            seconds: item.seconds,
        };
        let mut check = |id: &str| {
            if sold_out(id) {
                gone(id.to_owned());
            }
        };
        check(&item.id);
        for (group, chosen) in groups.into_iter().zip(chosen) {
            let Some(choice) = chosen.or_else(|| group.choices.first()) else { continue };
            let id = id(group, choice);
            check(&id);
            line.options.push(id);
            line.option_titles.push(choice.name.clone());
            line.unit_price = line.unit_price.saturating_add(choice.price);
        }
        Ok(line)
    }
}

fn id(group: &OptionGroup, choice: &Choice) -> String {
    format!("{}/{}", group.id, choice.id)
}

/// The choice that is called `group/choice`, and the place of its group.
fn find<'m>(groups: &[&'m OptionGroup], text: &str) -> Option<(usize, &'m Choice)> {
    let (group, choice) = text.split_once('/')?;
    let place = groups.iter().position(|known| known.id == group)?;
    let choice = groups[place].choices.iter().find(|known| known.id == choice)?;
    Some((place, choice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(item: &'a str, quantity: u16, options: &'a [&'a str]) -> Wanted<'a, &'a str> {
        Wanted { item, quantity, options }
    }

    #[test]
    fn two_oat_lattes_and_an_americano_cost_16500_won() {
        let lines = [wanted("latte", 2, &["milk/oat", "temp/iced"]), wanted("americano", 1, &[])];
        let priced = Menu::embedded().price(&lines, &|_| false).unwrap();
        assert_eq!((priced.total, priced.make_seconds), (16_500, 120));
        let [latte, americano] = &priced.lines[..] else { panic!("two lines") };
        assert_eq!(
            latte.options,
            ["size/regular", "temp/iced", "milk/oat"],
            "all groups, in the menu's order"
        );
        assert_eq!((latte.unit_price, latte.quantity, latte.seconds), (6_000, 2, 45));
        let titles: Vec<_> = latte.option_titles.iter().map(|words| &words.ko[..]).collect();
        assert_eq!((&latte.title.ko[..], &titles[..]), ("카페라테", &["레귤러", "차갑게", "오트"][..]));
        assert_eq!(
            (americano.unit_price, &americano.options[..]),
            (4_500, &["temp/hot", "size/regular"].map(String::from)[..])
        );
    }

    fn said(lines: &[Wanted<'_, &str>]) -> Vec<String> {
        let gone = ["cold-brew", "milk/oat"];
        let objections = Menu::embedded().price(lines, &|id| gone.contains(&id)).unwrap_err();
        objections.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_that_is_sold_out_is_named_at_once_with_its_line() {
        let lines = [
            wanted("cold-brew", 1, &[]),
            wanted("flat-white", 1, &["milk/oat"]),
            wanted("flat-white", 1, &[]),
        ];
        let oat = "Line 1: milk/oat is sold out; take it out or choose another.";
        assert_eq!(said(&lines), ["Line 0: cold-brew is sold out; take it out or choose another.", oat]);
    }

    #[test]
    fn what_can_not_be_is_named_alone_and_before_what_is_sold_out() {
        let known = "size/regular, size/large, temp/hot, temp/iced, milk/whole, milk/oat, milk/lactose-free";
        for (line, says) in [
            (
                wanted("late", 1, &[]),
                "there is no \"late\" on the menu; say the id of an item that GET /menu has.",
            ),
            (
                wanted("latte", 1, &["milk/almond", "oat"]),
                &format!("this item has no option \"milk/almond\"; say one of {known}."),
            ),
            (
                wanted("latte", 1, &["size/large", "size/regular"]),
                "size was chosen twice; say one choice of it.",
            ),
            (
                wanted("salt-bread", 1, &["milk/oat"]),
                "this item has no options, and \"milk/oat\" was said; leave it out.",
            ),
        ] {
            let lines = [wanted("cold-brew", 1, &[]), line, wanted("later", 1, &[])];
            assert_eq!(said(&lines), [format!("Line 1: {says}")]);
        }
    }

    #[test]
    fn a_default_that_is_sold_out_is_not_had_by_keeping_silent() {
        let objections =
            Menu::embedded().price(&[wanted("latte", 1, &[])], &|id| id == "milk/whole").unwrap_err();
        assert_eq!(objections.0, [Objection { line: 0, why: Why::SoldOut("milk/whole".to_owned()) }]);
    }
}
