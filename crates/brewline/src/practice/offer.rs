//! What there is to order: the menu as a counter sends it, without what is sold out.

use ::rush::{Item, Millis, Offer};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
struct Menu {
    options: Vec<Group>,
    categories: Vec<Category>,
}

#[derive(Debug, Deserialize)]
struct Group {
    id: String,
    choices: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Category {
    items: Vec<Sold>,
}

#[derive(Debug, Deserialize)]
struct Sold {
    id: String,
    seconds: u32,
    options: Vec<String>,
}

/// What a `GET /menu` and a `GET /shop` leave to choose from; nothing, where there is no menu.
pub(crate) fn offer(menu: &Value, shop: &Value) -> Offer {
    let Ok(Menu { options, categories }) = Menu::deserialize(menu) else { return Offer::default() };
    let sold_out: Vec<_> =
        shop["sold_out"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let choices = |group: &String| {
        let group = options.iter().find(|known| known.id == *group)?;
        // The first is what one has without asking.
        let ids = group.choices.iter().skip(1).map(|choice| format!("{}/{}", group.id, choice.id));
        Some(ids.filter(|id| !sold_out.contains(&id.as_str())).collect())
    };
    let items = categories.iter().flat_map(|category| &category.items);
    // Whoever does not ask gets the first choice: what that is of can't be had without it.
    let has_default = |item: &&Sold| {
        item.options.iter().all(|id| {
            let group = options.iter().find(|group| group.id == *id);
            let default = group.and_then(|group| group.choices.first().map(|choice| (group, choice)));
            default.is_none_or(|(group, choice)| {
                !sold_out.contains(&format!("{}/{}", group.id, choice.id).as_str())
            })
        })
    };
    let items = items.filter(|item| !sold_out.contains(&item.id.as_str())).filter(has_default);
    let items = items.map(|item| Item {
        id: item.id.clone(),
        making: Millis::from(item.seconds) * 1_000,
        options: item.options.iter().filter_map(choices).collect(),
    });
    Offer { items: items.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shop::Shop;

    use super::*;

    #[test]
    fn what_is_sold_out_is_not_on_offer_nor_what_would_have_it_unasked() {
        let menu: Value = serde_json::from_str(Shop::embedded().menu_json()).unwrap();
        let all = offer(&menu, &json!({"sold_out": []}));
        let latte = all.items.iter().find(|item| item.id == "latte").expect("the example sells it");
        assert!(latte.making > 0 && latte.options.iter().flatten().any(|choice| choice == "milk/oat"));
        let some = offer(&menu, &json!({"sold_out": ["milk/oat", "latte"]}));
        assert_eq!(some.items.len() + 1, all.items.len());
        assert!(!some.items.iter().flat_map(|item| item.options.iter().flatten()).any(|id| id == "milk/oat"));
        let without_milk = offer(&menu, &json!({"sold_out": ["milk/whole"]}));
        assert!(!without_milk.items.iter().any(|item| item.id == "latte"));
        assert_eq!(offer(&json!(null), &json!(null)), Offer::default());
    }
}
