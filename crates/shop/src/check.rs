//! A file of the shop, whichever of the two it is.

use std::fmt;

use crate::{Menu, Mistakes, Payment, Settings, read};

/// A file of the shop, whichever of the two it is. Shown in one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// A `menu.toml`.
    Menu(Menu),
    /// A `shop.toml`.
    Settings(Settings),
}

impl Checked {
    /// What this text is, by what it says and, where it says nothing, by the name of its file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Mistakes> {
        let keys = read::keys(text);
        let is_menu = keys.iter().any(|key| key == "category" || key == "option");
        if is_menu || keys.is_empty() && !file.contains("shop") {
            Menu::parse(text, file).map(Self::Menu)
        } else {
            Settings::parse(text, file).map(Self::Settings)
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Menu(menu) => {
                let (items, categories) = (menu.len(), menu.categories().len());
                write!(f, "a menu: items {items}, categories {categories}, options {}", menu.options().len())
            }
            Self::Settings(settings) => {
                let open = if settings.hours.is_some() { "open by the hours" } else { "always open" };
                let paid = match settings.payment {
                    Payment::Before => "before",
                    Payment::After => "after",
                };
                let (name, currency, zone) = (&settings.name.en, &settings.currency, &settings.time_zone);
                write!(f, "a shop: {name}, {currency}, {zone}, {open}, payment {paid}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_what_it_says_and_an_empty_one_by_its_name() {
        let said = |text, file| match Checked::parse(text, file) {
            Ok(checked) => checked.to_string(),
            Err(mistakes) => mistakes.to_string(),
        };
        let (menu, shop) = (include_str!("../defaults/menu.toml"), include_str!("../defaults/shop.toml"));
        assert_eq!(said(menu, "shop.toml"), "a menu: items 13, categories 4, options 4");
        assert_eq!(said(shop, "x"), "a shop: Onharu Coffee, KRW, Asia/Seoul, always open, payment after");
        assert!(said("hours = 1\n= 2\n", "x").contains("x:2: this is not TOML"));
        assert!(said("", "menu.toml").contains("nothing on this menu"));
        assert!(said("", "my-shop.toml").contains("currency is missing"));
    }
}
