//! What people may have to avoid: a fixed list, so that a slip of the pen is found before someone relies on it, and
//! everyone can be told in their language. It covers what the European Union (Regulation 1169/2011, Annex II) and
//! Korea (labelling standards of the Ministry of Food and Drug Safety) name, and the single nuts and grains.

use serde::Serialize;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Allergen {
    /// As files and orders have it.
    pub id: &'static str,
    /// As people are told.
    pub name: order::Words,
}

const fn allergen(id: &'static str, en: &'static str, ko: &'static str) -> Allergen {
    Allergen { id, name: order::Words { en, ko } }
}

/// All of them, by id.
pub const ALLERGENS: [Allergen; 40] = [
    allergen("almonds", "Almonds", "아몬드"),
    allergen("barley", "Barley", "보리"),
    allergen("beef", "Beef", "쇠고기"),
    allergen("buckwheat", "Buckwheat", "메밀"),
    allergen("cashews", "Cashews", "캐슈너트"),
    allergen("celery", "Celery", "셀러리"),
    allergen("chicken", "Chicken", "닭고기"),
    allergen("coconut", "Coconut", "코코넛"),
    allergen("crab", "Crab", "게"),
    allergen("crustaceans", "Crustaceans", "갑각류"),
    allergen("eggs", "Eggs", "달걀"),
    allergen("fish", "Fish", "생선"),
    allergen("gluten", "Gluten", "글루텐"),
    allergen("hazelnuts", "Hazelnuts", "헤이즐넛"),
    allergen("lupin", "Lupin", "루핀"),
    allergen("macadamias", "Macadamias", "마카다미아"),
    allergen("mackerel", "Mackerel", "고등어"),
    allergen("milk", "Milk", "우유"),
    allergen("molluscs", "Molluscs", "연체동물"),
    allergen("mustard", "Mustard", "겨자"),
    allergen("nuts", "Nuts", "견과류"),
    allergen("oats", "Oats", "귀리"),
    allergen("peach", "Peach", "복숭아"),
    allergen("peanuts", "Peanuts", "땅콩"),
    allergen("pecans", "Pecans", "피칸"),
    allergen("pine-nuts", "Pine nuts", "잣"),
    allergen("pistachios", "Pistachios", "피스타치오"),
    allergen("pork", "Pork", "돼지고기"),
    allergen("rye", "Rye", "호밀"),
    allergen("sesame", "Sesame", "참깨"),
    allergen("shellfish", "Shellfish", "조개류"),
    allergen("shrimp", "Shrimp", "새우"),
    allergen("soy", "Soy", "대두"),
    allergen("spelt", "Spelt", "스펠트밀"),
    allergen("squid", "Squid", "오징어"),
    allergen("sulphites", "Sulphites", "아황산류"),
    allergen("sunflower-seeds", "Sunflower seeds", "해바라기씨"),
    allergen("tomato", "Tomato", "토마토"),
    allergen("walnuts", "Walnuts", "호두"),
    allergen("wheat", "Wheat", "밀"),
];

/// The allergen with this id.
pub(crate) fn find(id: &str) -> Option<&'static Allergen> {
    ALLERGENS.binary_search_by(|allergen| allergen.id.cmp(id)).ok().map(|n| &ALLERGENS[n])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allergen_is_found_by_its_id() {
        for allergen in &ALLERGENS {
            assert_eq!(find(allergen.id), Some(allergen));
        }
        assert_eq!(find("mlik"), None);
    }
}
