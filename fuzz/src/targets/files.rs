//! `menu.toml` and `shop.toml`, as someone has written them.

use shop::{Menu, Settings, Shop};

/// A file is read, or all that is told of it can be found in it.
pub(super) fn run(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let lines = text.matches('\n').count() + 1;
    let told = |mistakes: &shop::Mistakes| {
        assert!(!mistakes.told().is_empty() && !mistakes.to_string().is_empty());
        for mistake in mistakes.told() {
            assert!((1..=lines).contains(&mistake.line), "{mistake:?}");
            assert!(!mistake.says.is_empty() && !mistake.says.contains('\n'), "{mistake:?}");
        }
    };
    match Menu::parse(text, "menu.toml") {
        Ok(menu) => {
            let shop = Shop::new(menu, Settings::embedded());
            serde_json::from_str::<serde_json::Value>(shop.menu_json()).expect("what phones get is JSON");
        }
        Err(mistakes) => told(&mistakes),
    }
    match Settings::parse(text, "shop.toml") {
        Ok(settings) => {
            settings.clock(0);
            Shop::new(Menu::embedded(), settings);
        }
        Err(mistakes) => told(&mistakes),
    }
}
