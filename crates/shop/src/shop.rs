//! Menu and settings together, as a counter has them and as a page gets them.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    Category, Menu, OptionGroup, Payment, Settings, Words,
    allergen::{ALLERGENS, Allergen},
    hours::Hours,
};

/// Menu and settings together. They never change: who edits them makes another shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    menu: Menu,
    settings: Settings,
    version: String,
    json: String,
}

impl Shop {
    /// The shop with this menu, run like this.
    pub fn new(menu: Menu, settings: Settings) -> Self {
        let digest = Sha256::digest(json(&menu, &settings, ""));
        let version = digest.iter().take(VERSION_BYTES).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // writing to memory can't fail
            hex
        });
        let json = json(&menu, &settings, &version);
        Self { menu, settings, version, json }
    }

    /// A shop that has said nothing of itself yet.
    pub fn embedded() -> Self {
        Self::new(Menu::embedded(), Settings::embedded())
    }

    /// What is sold.
    pub fn menu(&self) -> &Menu {
        &self.menu
    }

    /// How it works.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// 12 hexadecimal digits that are others when [`Shop::menu_json`] says something else.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All that a page shows of it: the body of `GET /menu`. Ids are those of the files, prices are in the
    /// currency's smallest unit.
    pub fn menu_json(&self) -> &str {
        &self.json
    }
}

const VERSION_BYTES: usize = 6;

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Menu"))]
pub(crate) struct Body<'a> {
    version: &'a str,
    shop: BodyShop<'a>,
    options: &'a [OptionGroup],
    categories: &'a [Category],
    /// Those of the menu, so that a page can name them.
    allergens: Vec<&'static Allergen>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MenuShop"))]
struct BodyShop<'a> {
    name: &'a Words,
    currency: &'a str,
    time_zone: &'a str,
    payment: Payment,
    longest_wait_minutes: u32,
    largest_phone_order_cups: u16,
    last_order_minutes: u32,
    hours: Option<&'a Hours>,
}

fn json(menu: &Menu, settings: &Settings, version: &str) -> String {
    let of_choices = menu.options().iter().flat_map(|group| &group.choices).map(|choice| &choice.allergens);
    let of_items = menu.categories().iter().flat_map(|category| &category.items).map(|item| &item.allergens);
    let used: Vec<_> = of_choices.chain(of_items).flatten().map(String::as_str).collect();
    let body = Body {
        version,
        shop: BodyShop {
            name: &settings.name,
            currency: &settings.currency,
            time_zone: &settings.time_zone,
            payment: settings.payment,
            longest_wait_minutes: settings.longest_wait_minutes,
            largest_phone_order_cups: settings.largest_phone_order_cups,
            last_order_minutes: settings.last_order_minutes,
            hours: settings.hours.as_ref(),
        },
        options: menu.options(),
        categories: menu.categories(),
        allergens: ALLERGENS.iter().filter(|allergen| used.contains(&allergen.id)).collect(),
    };
    serde_json::to_string(&body).expect("writing to memory cannot fail, and every key is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_changes_with_what_a_page_shows_and_only_then() {
        let shop = Shop::embedded();
        let version = |menu, settings| Shop::new(menu, settings).version().to_owned();
        assert_eq!(shop.version(), version(Menu::embedded(), Settings::embedded()));
        assert_eq!(shop.version().len(), 12);
        let other = Settings { payment: Payment::Before, ..Settings::embedded() };
        assert_ne!(shop.version(), version(Menu::embedded(), other));
        assert!(
            shop.menu_json()
                .starts_with(&format!("{{\"version\":\"{}\",\"shop\":{{\"name\":{{\"en\":", shop.version()))
        );
    }

    #[test]
    fn a_page_gets_the_hours_as_the_file_has_them_and_the_names_of_allergens() {
        let settings = "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"Europe/Paris\"\n[hours]\nsun = [\"22:00-02:00\", \"08:00-12:00\"]\n";
        let shop = Shop::new(Menu::embedded(), Settings::parse(settings, "shop.toml").unwrap());
        let json: serde_json::Value = serde_json::from_str(shop.menu_json()).unwrap();
        assert_eq!(json["shop"]["hours"].to_string(), r#"{"sun":["08:00-12:00","22:00-02:00"]}"#);
        assert_eq!(json["allergens"][0].to_string(), r#"{"id":"eggs","name":{"en":"Eggs","ko":"달걀"}}"#);
        assert_eq!(json["categories"][0]["items"][0]["options"].to_string(), r#"["size","temp","milk"]"#);
        assert!(json["categories"][0]["items"][0].get("description").is_none());
        assert_eq!(json["options"][2]["choices"][1]["price"], 500);
    }
}
