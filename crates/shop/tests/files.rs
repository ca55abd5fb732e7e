//! What the two files may say, and what is said of one that is wrong.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::fmt::Write as _;

use proptest::prelude::*;
use shop::{Limits, Menu, Payment, Settings, Shop};

/// All that is wrong with a menu, a line each.
fn menu(text: &str) -> Vec<String> {
    told(Menu::parse(text, "menu.toml").map(|_| ()))
}

fn settings(text: &str) -> Vec<String> {
    told(Settings::parse(text, "shop.toml").map(|_| ()))
}

fn told(read: Result<(), shop::Mistakes>) -> Vec<String> {
    read.err().map_or_else(Vec::new, |mistakes| mistakes.to_string().lines().map(str::to_owned).collect())
}

const SHOP: &str = "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"Europe/Paris\"\n";

#[test]
fn a_menu_may_be_as_small_as_this() {
    let text = "[[category]]\nid = \"c\"\nname = \"C\"\n[[category.item]]\nid = \"i\"\nname = \"Espresso\"\nprice = 0\n";
    let menu = Menu::parse(text, "menu.toml").unwrap();
    let item = menu.item("i").unwrap();
    assert_eq!(
        (&item.name.en[..], &item.name.ko[..], item.price, item.seconds),
        ("Espresso", "Espresso", 0, 30)
    );
    assert!(
        Menu::parse(&format!("\u{feff}{}", text.replace('\n', "\r\n")), "menu.toml").is_ok(),
        "as Windows writes"
    );
}

#[test]
fn settings_that_are_not_said_are_as_the_page_says() {
    let settings = Settings::parse(SHOP, "shop.toml").unwrap();
    assert_eq!(
        (settings.payment, settings.longest_wait_minutes, settings.last_order_minutes, settings.hours),
        (Payment::After, 30, 10, None)
    );
    assert_eq!(settings.largest_phone_order_cups, 30);
}

#[test]
fn every_mistake_of_a_menu_is_told_with_its_line_its_field_and_the_way_out() {
    let text = r#"
[[option]]
id = "milk"
name = { en = "Milk" }
[[option.choice]]
id = "Whole milk"
name = { en = "Whole", ko = "일반", de = "Voll" }
price = -1

[[option]]
id = "milk"
name = "Milk"
[[option.choice]]
id = "a"
name = "A"
allergens = ["mlik"]
[[option.choice]]
id = "a"
name = ["A"]

[[category]]
name = { en = " ", ko = "a\nb" }

[[category]]
id = "coffee"
name = "Coffee"
[[category.item]]
id = "latte"
name = "Latte"
price = "5500"
seconds = 3601
options = ["milk", "milk", "size", 7]
colour = "brown"
[[category.item]]
id = "latte"
name = "Latte"
"#;
    let says = [
        r#"4: option.name.ko is missing: say it in both languages, { en = "…", ko = "…" }"#,
        r#"6: option.choice.id is "Whole milk": say 1 to 40 of a-z, 0-9 and -, in quotes, as in id = "latte""#,
        "7: there is no option.choice.name.de; there are en, ko",
        "8: option.choice.price is -1: say a whole number from 0 to 100000000 in the currency's smallest unit, as in 550 for 5.50 euros",
        r#"11: option.id is "milk": another option has it already; say one of its own"#,
        r#"16: option.choice.allergens is "mlik": say one of almonds, barley, "#,
        r#"18: option.choice.id is "a": another choice of this option has it already; say one of its own"#,
        r#"19: option.choice.name is a list: say { en = "…", ko = "…" }, or one text in quotes for both"#,
        "21: category.id is missing: say 1 to 40 of a-z, 0-9 and -",
        "21: category has no item: add one below a line [[category.item]]",
        r#"22: category.name.en is " ": say a text of 1 to 80 characters"#,
        r#"22: category.name.ko is "a\nb": say it in one line"#,
        r#"30: category.item.price is "5500": say a whole number from 0 to 100000000 in the currency's smallest unit, as in 550 for 5.50 euros, without quotes"#,
        "31: category.item.seconds is 3601: say a whole number from 0 to 3600",
        r#"32: category.item.options is "milk": it stands there twice; say it once"#,
        r#"32: category.item.options is "size": say the id of an [[option]]; there are milk"#,
        "32: category.item.options is 7: say a text in quotes",
        "33: there is no category.item.colour; there are id, name, description, price, seconds, options, allergens",
        r#"35: category.item.id is "latte": another item has it already; say one of its own"#,
        "34: category.item.price is missing: say a whole number",
    ];
    let mut said = menu(text);
    said.sort_by_key(|line| says.iter().position(|says| line.starts_with(&format!("menu.toml:{says}"))));
    assert_eq!(said.len(), says.len(), "{said:#?}");
    for (said, says) in said.iter().zip(says) {
        assert!(said.starts_with(&format!("menu.toml:{says}")), "{said}\nis not {says}");
    }
}

#[test]
fn every_mistake_of_a_shop_is_told_with_its_line_its_field_and_the_way_out() {
    let text = r#"name = 7
currency = "won"
time_zone = "Seoul"
payment = "never"
longest_wait_minutes = 0
largest_phone_order_cups = 1001
last_order_minutes = 5.0
holidays = []
[hours]
mon = ["7:30-21:00", "07:00-07:00", "24:00-02:00", "10:60-11:00", "23:00-24:01", "22:00-02:00", "23:30-23:45"]
tue = "09:00-10:00"
wed = ["10:00-10:10"]
monday = []
"#;
    let hours = r#"say from when to when, as in "07:30-21:00", "22:00-02:00" or "00:00-24:00""#;
    let bad = |time: &str| format!("shop.toml:10: hours.mon is {time:?}: {hours}");
    assert_eq!(
        settings(text),
        [
            r#"shop.toml:1: name is 7: say { en = "…", ko = "…" }, or one text in quotes for both"#.to_owned(),
            r#"shop.toml:2: currency is "won": say the currency's three letters (ISO 4217), as in currency = "KRW""#.to_owned(),
            r#"shop.toml:3: time_zone is "Seoul": say a time zone by its name in the IANA database, as in time_zone = "Asia/Seoul""#.to_owned(),
            r#"shop.toml:4: payment is "never": say "before" or "after", when a phone order is paid"#.to_owned(),
            "shop.toml:5: longest_wait_minutes is 0: say a whole number from 1 to 1440".to_owned(),
            "shop.toml:6: largest_phone_order_cups is 1001: say a whole number from 1 to 1000".to_owned(),
            "shop.toml:7: last_order_minutes is 5.0: say a whole number from 0 to 240".to_owned(),
            "shop.toml:8: there is no holidays; there are name, currency, time_zone, payment, by_amount, longest_wait_minutes, \
             largest_phone_order_cups, last_order_minutes, hours, printer".to_owned(),
            bad("7:30-21:00"),
            bad("07:00-07:00"),
            bad("24:00-02:00"),
            bad("10:60-11:00"),
            bad("23:00-24:01"),
            r#"shop.toml:10: hours.mon is "23:30-23:45": it overlaps with another one of this day; make them one"#.to_owned(),
            r#"shop.toml:11: hours.tue is "09:00-10:00": say a list of texts, as in ["one", "two"]"#.to_owned(),
            "shop.toml:12: hours.wed is \"10:00-10:10\": no order could be taken then, since the last one is 10 minutes \
             before closing; make it longer, or last_order_minutes smaller".to_owned(),
            "shop.toml:13: there is no hours.monday; there are mon, tue, wed, thu, fri, sat, sun".to_owned(),
        ]
    );
    let never = settings(&format!("{SHOP}[hours]\nmon = []\n"));
    assert!(
        never[0].starts_with("shop.toml:4: hours never opens the shop: say a day, as in mon ="),
        "{never:?}"
    );
    let missing = settings("");
    assert_eq!(missing.len(), 3, "name, currency and time zone have no default: {missing:?}");
}

#[test]
fn what_is_no_toml_is_told_once_a_line_and_nothing_else_is() {
    let said = menu("[[category]]\nid = \nname = \"x\n[[category.item]\nprice = = 5\ncolour = 1\n");
    let lines: Vec<_> = said.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["menu.toml:2", "menu.toml:3", "menu.toml:4", "menu.toml:5"]);
    assert!(said.iter().all(|line| line.contains("this is not TOML (")), "{said:?}");
}

#[test]
fn what_steers_a_terminal_is_shown_as_it_was_written() {
    assert_eq!(
        settings(&format!("{SHOP}\"a\\n\\u001b[2J\" = 1\npayment = \"\\u001b[2J\"\n")),
        [
            r"shop.toml:4: there is no a\n\u{1b}[2J; there are name, currency, time_zone, payment, by_amount, longest_wait_minutes, largest_phone_order_cups, last_order_minutes, hours, printer",
            r#"shop.toml:5: payment is "\u{1b}[2J": say "before" or "after", when a phone order is paid"#,
        ]
    );
}

#[test]
fn an_empty_menu_and_a_table_of_the_wrong_kind_are_told() {
    let empty =
        "menu.toml:1: there is nothing on this menu: add a line [[category]], and below it [[category.item]]";
    assert_eq!(menu(""), [empty]);
    assert_eq!(menu("category = []"), [empty]);
    assert_eq!(
        menu("[category]\nid = \"x\"\n"),
        ["menu.toml:1: category is a table: say each below a line [[category]]"]
    );
    assert_eq!(menu("category = [1]"), ["menu.toml:1: category has 1: say each below a line [[category]]"]);
    assert_eq!(
        settings(&format!("{SHOP}hours = 1")),
        ["shop.toml:4: hours is 1: say a table, as in [hours]"]
    );
}

#[test]
fn there_is_a_bound_on_everything() {
    let items = |from: usize, count: usize| {
        (from..from + count).fold(String::new(), |mut text, n| {
            write!(text, "[[category.item]]\nid = \"i{n}\"\nname = \"I\"\nprice = 1\n").unwrap();
            text
        })
    };
    let category = |n: usize, items: &str| format!("[[category]]\nid = \"c{n}\"\nname = \"C\"\n{items}");
    let categories = |count: usize| (0..count).map(|n| category(n, &items(n, 1))).collect::<String>();
    let group = |n: usize, choices: usize| {
        let choices = (0..choices).map(|c| format!("[[option.choice]]\nid = \"o{c}\"\nname = \"O\"\n"));
        format!("[[option]]\nid = \"g{n}\"\nname = \"G\"\n{}", choices.collect::<String>())
    };
    let groups = |count: usize| (0..count).map(|n| group(n, 1)).collect::<String>() + &categories(1);
    let of_item = |count: usize| {
        let list = (0..count).map(|n| format!("\"g{n}\"")).collect::<Vec<_>>().join(",");
        groups(Limits::OPTIONS) + &format!("options = [{list}]\n")
    };
    let allergens = |count: usize| {
        let list = shop::ALLERGENS.iter().take(count).map(|a| format!("{:?}", a.id)).collect::<Vec<_>>();
        categories(1) + &format!("allergens = [{}]\n", list.join(","))
    };
    let name =
        |chars: usize| category(0, &items(0, 1)).replace("\"I\"", &format!("{:?}", "가".repeat(chars)));
    let id = |chars: usize| category(0, &items(0, 1)).replace("i0", &"i".repeat(chars));
    let two = |items_of_second: usize| category(0, &items(0, 1)) + &category(1, &items(1, items_of_second));
    let description = |chars: usize| categories(1) + &format!("description = {:?}\n", "d".repeat(chars));
    let price = |n: u64| categories(1).replace("price = 1", &format!("price = {n}"));
    for (what, at_most, one_more) in [
        (
            "items of a category",
            category(0, &items(0, Limits::ITEMS)),
            category(0, &items(0, Limits::ITEMS + 1)),
        ),
        ("items", two(Limits::ITEMS - 1), two(Limits::ITEMS)),
        ("categories", categories(Limits::CATEGORIES), categories(Limits::CATEGORIES + 1)),
        ("options", groups(Limits::OPTIONS), groups(Limits::OPTIONS + 1)),
        (
            "choices",
            group(0, Limits::CHOICES) + &categories(1),
            group(0, Limits::CHOICES + 1) + &categories(1),
        ),
        ("options of an item", of_item(Limits::OPTIONS_OF_ITEM), of_item(Limits::OPTIONS_OF_ITEM + 1)),
        ("allergens", allergens(Limits::ALLERGENS), allergens(Limits::ALLERGENS + 1)),
        ("a name", name(Limits::NAME_CHARS), name(Limits::NAME_CHARS + 1)),
        ("an id", id(Limits::ID_CHARS), id(Limits::ID_CHARS + 1)),
        ("a description", description(Limits::DESCRIPTION_CHARS), description(Limits::DESCRIPTION_CHARS + 1)),
        ("a price", price(*Limits::PRICE.end()), price(*Limits::PRICE.end() + 1)),
    ] {
        assert_eq!(menu(&at_most), [""; 0], "{what}");
        assert_eq!(menu(&one_more).len(), 1, "{what}: {:?}", menu(&one_more));
    }
}

#[test]
fn of_a_thousand_mistakes_the_first_are_told_and_the_others_counted() {
    let text: Vec<_> = (0..1_000).map(|n| format!("x{n} = 1")).collect();
    let text = text.join("\n");
    let said = menu(&text);
    assert_eq!(said.len(), Limits::MISTAKES + 1);
    assert_eq!(said.last().unwrap(), "menu.toml: and 981 more; correct these first");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A slip of the pen anywhere in a good file.
    #[test]
    fn whatever_a_file_holds_it_is_read_or_told_in_a_few_sentences_about_lines_that_it_has(
        at in 0.0..1.0_f64, gone in 0_usize..40, instead in "[\\[\\]{}=\",.#a-z0-9\n가 -]{0,8}", which in 0_usize..2,
    ) {
        let good = [include_str!("../defaults/menu.toml"), include_str!("../defaults/shop.toml")][which];
        let mut chars: Vec<char> = good.chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a short text")]
        let from = (at * chars.len() as f64) as usize;
        let to = (from + gone).min(chars.len());
        chars.splice(from..to, instead.chars());
        let text: String = chars.into_iter().collect();
        let mistakes = match which {
            0 => Menu::parse(&text, "f").map(|menu| drop(Shop::new(menu, Settings::embedded()))).err(),
            _ => Settings::parse(&text, "f").map(|settings| drop(Shop::new(Menu::embedded(), settings))).err(),
        };
        if let Some(mistakes) = mistakes {
            let told = mistakes.told();
            prop_assert!((1..=Limits::MISTAKES).contains(&told.len()));
            for mistake in told {
                prop_assert!((1..=text.lines().count() + 1).contains(&mistake.line));
                prop_assert!(!mistake.says.contains('\n') && mistake.says.len() < 1_000, "{}", mistake.says);
            }
        }
    }
}
