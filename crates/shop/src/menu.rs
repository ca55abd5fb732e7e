//! What is sold.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{
    Limits, Mistakes, Words,
    allergen::{self, ALLERGENS},
    read::{self, Field, Notes, Table, Whole},
};

/// What is sold: categories of items, and the options that items have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    pub(crate) options: Vec<OptionGroup>,
    pub(crate) categories: Vec<Category>,
    /// Category and place in it, by the item's id.
    items: HashMap<String, (usize, usize)>,
    /// Place, by the group's id.
    groups: HashMap<String, usize>,
}

/// Choices of which an item has exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MenuOptions"))]
pub struct OptionGroup {
    /// Unique among the groups.
    pub id: String,
    /// For people.
    pub name: Words,
    /// At least one; the first is what an order has that doesn't say.
    pub choices: Vec<Choice>,
}

/// One of a group's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MenuChoice"))]
pub struct Choice {
    /// Unique within its group.
    pub id: String,
    /// For people.
    pub name: Words,
    /// What it adds to the item's price, in the currency's smallest unit.
    pub price: u64,
    /// What it brings along that people may have to avoid, by id.
    pub allergens: Vec<String>,
}

/// Items that stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MenuCategory"))]
pub struct Category {
    /// Unique among the categories.
    pub id: String,
    /// For people.
    pub name: Words,
    /// At least one.
    pub items: Vec<MenuItem>,
}

/// One thing that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MenuItem {
    /// Unique among all items.
    pub id: String,
    /// For people.
    pub name: Words,
    /// What it is, in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Words>,
    /// In the currency's smallest unit, before options.
    pub price: u64,
    /// Hands-on seconds for one.
    pub seconds: u32,
    /// Its option groups by id, in the order in which they are shown and called.
    pub options: Vec<String>,
    /// What people may have to avoid, by id.
    pub allergens: Vec<String>,
}

/// Whether this has the form of what may be sold out: an item's id, or a choice as `milk/oat`.
pub fn can_be_sold_out(id: &str) -> bool {
    match id.split_once('/') {
        Some((group, choice)) => read::is_id(group) && read::is_id(choice),
        None => read::is_id(id),
    }
}

const SECONDS: Whole<u32> = Whole { range: Limits::SECONDS, more: "" };
const PRICE: Whole<u64> =
    Whole { range: Limits::PRICE, more: " in the currency's smallest unit, as in 550 for 5.50 euros" };

impl MenuItem {
    /// Hands-on seconds for one, where it doesn't say.
    pub const SECONDS: u32 = 30;
}

impl Menu {
    /// The menu in a `menu.toml`, which is called `file` where it is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, Mistakes> {
        read::document(text, file, menu)
    }

    /// The menu of a shop that has none of its own yet. Its prices are in won.
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED, "menu.toml").expect("a test parses it, and it never changes")
    }

    /// All option groups.
    pub fn options(&self) -> &[OptionGroup] {
        &self.options
    }

    /// All categories, as they are shown.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is sold: no menu that was read is.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item with this id.
    pub fn item(&self, id: &str) -> Option<&MenuItem> {
        let (category, place) = self.items.get(id)?;
        self.categories.get(*category)?.items.get(*place)
    }

    /// The option group with this id.
    pub fn option(&self, id: &str) -> Option<&OptionGroup> {
        self.options.get(*self.groups.get(id)?)
    }

    /// What this is called that may be sold out: an item by its id, or a choice as `milk/oat`.
    pub fn name_of(&self, id: &str) -> Option<&Words> {
        match id.split_once('/') {
            Some((group, choice)) => {
                self.option(group)?.choices.iter().find(|c| c.id == choice).map(|c| &c.name)
            }
            None => self.item(id).map(|item| &item.name),
        }
    }
}

const EMBEDDED: &str = include_str!("../defaults/menu.toml");

fn menu(notes: &mut Notes, table: &mut Table<'_>) -> Menu {
    let options = options(notes, table);
    let groups: HashMap<_, _> = options.iter().enumerate().map(|(n, group)| (group.id.clone(), n)).collect();
    let categories = categories(notes, table, &groups);
    let items = categories.iter().enumerate().flat_map(|(c, category)| {
        category.items.iter().enumerate().map(move |(n, item)| (item.id.clone(), (c, n)))
    });
    let items = items.collect();
    Menu { options, categories, items, groups }
}

fn options(notes: &mut Notes, table: &mut Table<'_>) -> Vec<OptionGroup> {
    let mut ids = Ids::default();
    let tables = table.tables(notes, "option", Limits::OPTIONS);
    tables
        .into_iter()
        .map(|mut table| {
            let group = OptionGroup {
                id: ids.id(notes, &mut table, "another option"),
                name: table.name(notes),
                choices: choices(notes, &mut table),
            };
            table.end(notes);
            group
        })
        .collect()
}

fn choices(notes: &mut Notes, group: &mut Table<'_>) -> Vec<Choice> {
    let mut ids = Ids::default();
    let tables = group.tables(notes, "choice", Limits::CHOICES);
    if tables.is_empty() && !group.says("choice") {
        notes.wrong(group.at, "option has no choice: add one below a line [[option.choice]]");
    }
    tables
        .into_iter()
        .map(|mut table| {
            let choice = Choice {
                id: ids.id(notes, &mut table, "another choice of this option"),
                name: table.name(notes),
                price: table.number(notes, "price", &PRICE, 0),
                allergens: allergens(notes, &mut table),
            };
            table.end(notes);
            choice
        })
        .collect()
}

fn categories(notes: &mut Notes, table: &mut Table<'_>, groups: &HashMap<String, usize>) -> Vec<Category> {
    let mut ids = Ids::default();
    let mut items = Items { ids: Ids::default(), count: 0, groups };
    let tables = table.tables(notes, "category", Limits::CATEGORIES);
    if tables.is_empty() && !table.says("category") {
        notes.wrong(
            table.at,
            "there is nothing on this menu: add a line [[category]], and below it [[category.item]]",
        );
    }
    tables
        .into_iter()
        .map(|mut table| {
            let category = Category {
                id: ids.id(notes, &mut table, "another category"),
                name: table.name(notes),
                items: items.read(notes, &mut table),
            };
            table.end(notes);
            category
        })
        .collect()
}

/// Items are bounded and unique in all categories together.
struct Items<'a> {
    ids: Ids,
    count: usize,
    groups: &'a HashMap<String, usize>,
}

impl Items<'_> {
    fn read(&mut self, notes: &mut Notes, category: &mut Table<'_>) -> Vec<MenuItem> {
        let tables = category.tables(notes, "item", Limits::ITEMS);
        if tables.is_empty() && !category.says("item") {
            notes.wrong(category.at, "category has no item: add one below a line [[category.item]]");
        }
        tables.into_iter().map(|table| self.item(notes, table)).collect()
    }

    fn item(&mut self, notes: &mut Notes, mut table: Table<'_>) -> MenuItem {
        self.count += 1;
        if self.count == Limits::ITEMS + 1 {
            notes.wrong(
                table.at,
                format_args!("this is one item more than the {} a menu may have", Limits::ITEMS),
            );
        }
        let item = MenuItem {
            id: self.ids.id(notes, &mut table, "another item"),
            name: table.name(notes),
            description: table.description(notes),
            price: table.required_number(notes, "price", &PRICE).unwrap_or_default(),
            seconds: table.number(notes, "seconds", &SECONDS, MenuItem::SECONDS),
            options: self.options(notes, &mut table),
            allergens: allergens(notes, &mut table),
        };
        table.end(notes);
        item
    }

    fn options(&self, notes: &mut Notes, item: &mut Table<'_>) -> Vec<String> {
        let mut seen = HashSet::new();
        let fields = item.texts(notes, "options", Limits::OPTIONS_OF_ITEM);
        let options = fields.into_iter().filter_map(|field| {
            let id = field.text()?;
            if !self.groups.contains_key(id) {
                field.wrong(notes, format_args!("say the id of an [[option]]{}", self.all_groups()));
            } else if !seen.insert(id) {
                field.wrong(notes, "it stands there twice; say it once");
            }
            Some(id.to_owned())
        });
        options.collect()
    }

    /// The few there may be, for whoever has mistaken one.
    fn all_groups(&self) -> String {
        let mut ids: Vec<_> = self.groups.keys().map(String::as_str).collect();
        ids.sort_unstable();
        match ids.as_slice() {
            [] => "; there is none yet".to_owned(),
            ids if ids.len() <= 10 => format!("; there are {}", ids.join(", ")),
            _ => String::new(),
        }
    }
}

/// Ids that are taken.
#[derive(Default)]
struct Ids(HashSet<String>);

impl Ids {
    fn id(&mut self, notes: &mut Notes, table: &mut Table<'_>, whose: &str) -> String {
        let Some((field, id)) = table.id(notes) else { return String::new() };
        if !self.0.insert(id.clone()) {
            field.wrong(notes, format_args!("{whose} has it already; say one of its own"));
        }
        id
    }
}

fn allergens(notes: &mut Notes, table: &mut Table<'_>) -> Vec<String> {
    let fields = table.texts(notes, "allergens", Limits::ALLERGENS);
    fields.iter().filter_map(|field| known_allergen(notes, field)).collect()
}

fn known_allergen(notes: &mut Notes, field: &Field<'_>) -> Option<String> {
    let id = field.text()?;
    if allergen::find(id).is_none() {
        let known: Vec<_> = ALLERGENS.iter().map(|allergen| allergen.id).collect();
        field.wrong(
            notes,
            format_args!("say one of {}; anything else belongs into description", known.join(", ")),
        );
    }
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::tests::{check_keys, check_row};

    #[test]
    fn the_page_lists_every_key_and_no_other() {
        check_keys("menu.toml", EMBEDDED, menu);
    }

    #[test]
    fn the_page_says_each_range_and_default_as_they_are_enforced() {
        let range = |range: &std::ops::RangeInclusive<u64>| format!("{} to {}", range.start(), range.end());
        let seconds = format!("{} to {} |", Limits::SECONDS.start(), Limits::SECONDS.end());
        for (key, says) in [
            ("option", format!("at most {} |", Limits::OPTIONS)),
            ("option.id", format!("1 to {} of ", Limits::ID_CHARS)),
            ("option.name.en", format!("1 to {} characters |", Limits::NAME_CHARS)),
            ("option.choice", format!("1 to {} in a group |", Limits::CHOICES)),
            ("option.choice.price", format!("| 0 | {} ", range(&Limits::PRICE))),
            ("option.choice.allergens", format!("at most {} of ", Limits::ALLERGENS)),
            ("category", format!("1 to {} |", Limits::CATEGORIES)),
            ("category.item", format!("at most {} in all |", Limits::ITEMS)),
            ("category.item.description.ko", format!("1 to {} characters |", Limits::DESCRIPTION_CHARS)),
            ("category.item.price", range(&Limits::PRICE)),
            ("category.item.seconds", format!("| {} | {seconds}", MenuItem::SECONDS)),
            ("category.item.options", format!("at most {} |", Limits::OPTIONS_OF_ITEM)),
        ] {
            check_row(key, &says);
        }
    }

    #[test]
    fn the_page_lists_every_allergen() {
        let page = include_str!("../../../docs/menu.md").replace('\n', " ");
        let all: Vec<_> = ALLERGENS.iter().map(|allergen| allergen.id).collect();
        assert!(page.contains(&format!(" {}.", all.join(", "))), "{all:?}");
    }

    #[test]
    fn what_may_be_sold_out_is_known_by_its_id() {
        let menu = Menu::embedded();
        let name = |id| menu.name_of(id).map(|words| &words.en[..]);
        assert_eq!((name("cold-brew"), name("milk/oat")), (Some("Cold brew"), Some("Oat")));
        assert_eq!([name("milk"), name("milk/tea"), name("oat"), name("")], [None; 4]);
        assert_eq!((menu.len(), menu.categories().len(), menu.is_empty()), (13, 4, false));
    }
}
