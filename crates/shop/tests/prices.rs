//! Prices over any order of any menu.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use proptest::{collection::vec, prelude::*, sample::Index};
use shop::{Menu, Objection, Priced, Wanted, Why};

/// A line: which item, how many, and of some of its groups which choice.
type Line = (Index, u16, Vec<Option<Index>>);

/// The same by ids.
type Chosen = Vec<(String, u16, Vec<String>)>;

fn lines() -> impl Strategy<Value = Vec<Line>> {
    vec((any::<Index>(), 1..=1_000_u16, vec(any::<Option<Index>>(), 3)), 0..8)
}

/// The lines with ids, and what they must cost.
fn chosen(menu: &Menu, lines: &[Line]) -> (Chosen, u64, u32) {
    let items: Vec<_> = menu.categories().iter().flat_map(|category| &category.items).collect();
    let (mut total, mut seconds) = (0, 0);
    let chosen = lines.iter().map(|(item, quantity, choices)| {
        let item = item.get(&items);
        let mut price = item.price;
        let options = item.options.iter().zip(choices).filter_map(|(group, choice)| {
            let choice = choice.as_ref()?.get(&menu.option(group).unwrap().choices);
            price += choice.price;
            Some(format!("{group}/{}", choice.id))
        });
        let options = options.collect();
        total += price * u64::from(*quantity);
        seconds += item.seconds * u32::from(*quantity);
        (item.id.clone(), *quantity, options)
    });
    (chosen.collect(), total, seconds)
}

fn price(menu: &Menu, lines: &Chosen, sold_out: &[String]) -> Result<Priced, Vec<Objection>> {
    let wanted: Vec<_> =
        lines.iter().map(|(item, quantity, options)| Wanted { item, quantity: *quantity, options }).collect();
    menu.price(&wanted, &|id| sold_out.iter().any(|gone| gone == id)).map_err(|objections| objections.0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_total_is_the_sum_of_what_was_chosen_in_whatever_order_it_is_said(lines in lines()) {
        let menu = Menu::embedded();
        let (mut wanted, total, seconds) = chosen(&menu, &lines);
        let priced = price(&menu, &wanted, &[]).unwrap();
        prop_assert_eq!((priced.total, priced.make_seconds), (total, seconds));
        let by_line = priced.lines.iter().map(|line| line.unit_price * u64::from(line.quantity));
        prop_assert_eq!(by_line.sum::<u64>(), total);
        for (_, _, options) in &mut wanted {
            options.reverse();
        }
        prop_assert_eq!(price(&menu, &wanted, &[]), Ok(priced));
    }

    #[test]
    fn lines_are_complete_so_that_priced_again_they_are_the_same(lines in lines()) {
        let menu = Menu::embedded();
        let priced = price(&menu, &chosen(&menu, &lines).0, &[]).unwrap();
        let again: Vec<_> =
            priced.lines.iter().map(|line| (line.item.clone(), line.quantity, line.options.clone())).collect();
        for line in &priced.lines {
            let groups = &menu.item(&line.item).unwrap().options;
            let named: Vec<_> = line.options.iter().map(|option| option.split_once('/').unwrap().0).collect();
            prop_assert_eq!(groups, &named);
            prop_assert_eq!(line.option_titles.len(), line.options.len());
        }
        prop_assert_eq!(price(&menu, &again, &[]), Ok(priced));
    }

    #[test]
    fn what_is_sold_out_is_objected_to_wherever_it_stands_and_nothing_else_is(lines in lines(), gone in any::<Index>()) {
        let menu = Menu::embedded();
        let (wanted, ..) = chosen(&menu, &lines);
        let priced = price(&menu, &wanted, &[]).unwrap();
        let ids = |line: &shop::PricedLine| [std::slice::from_ref(&line.item), &line.options].concat();
        let all: Vec<_> = priced.lines.iter().flat_map(ids).collect();
        prop_assume!(!all.is_empty());
        let gone = gone.get(&all).clone();
        let must: Vec<_> = priced.lines.iter().enumerate()
            .filter(|(_, line)| ids(line).contains(&gone))
            .map(|(line, _)| Objection { line, why: Why::SoldOut(gone.clone()) })
            .collect();
        prop_assert_eq!(price(&menu, &wanted, &[gone]), Err(must));
    }
}

#[test]
fn the_dearest_order_has_a_price_that_every_program_can_hold() {
    let option = "[[option]]\nid = \"N\"\nname = \"O\"\n[[option.choice]]\nid = \"a\"\nname = \"A\"\nprice = 100000000\n";
    let options = (0..20).map(|n| option.replace('N', &format!("o{n}"))).collect::<String>();
    let list = (0..20).map(|n| format!("\"o{n}\"")).collect::<Vec<_>>().join(",");
    let item = format!(
        "[[category.item]]\nid = \"i\"\nname = \"I\"\nprice = 100000000\nseconds = 3600\noptions = [{list}]\n"
    );
    let menu = Menu::parse(&format!("{options}[[category]]\nid = \"c\"\nname = \"C\"\n{item}"), "menu.toml")
        .unwrap();
    let line = Wanted { item: "i", quantity: 1_000, options: &[] as &[&str] };
    let priced = menu.price(&[line; 100], &|_| false).unwrap();
    // Numbers of JSON are exact up to 2^53 in every language.
    assert_eq!((priced.total, priced.make_seconds), (210_000_000_000_000, 360_000_000));
    assert!(priced.total < 1 << 53);
    let far_too_many = Wanted { quantity: u16::MAX, ..line };
    let priced = menu.price(&vec![far_too_many; 10_000], &|_| false).unwrap();
    assert_eq!(priced.make_seconds, u32::MAX, "no sum runs over");
}
