//! Keeps up with the shop's files while the line runs.

use std::{sync::Arc, time::Duration};

use counter::{Due, Watched};
use shop::Shop;
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{Files, Source};

/// How often the files are looked at. A change holds at the second look that finds it.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps up with the shop's files while the line runs.
#[derive(Debug)]
pub(crate) struct KeepUp {
    files: Files,
    shop: watch::Sender<Arc<Shop>>,
    /// The menu's and the shop's.
    watched: Watched<2>,
    /// Which of them were there when the shop was made of them that there is now.
    held: [bool; 2],
    /// What was wrong with them when they were read last.
    wrong: Vec<String>,
}

impl KeepUp {
    /// Reads the files, or says all that is wrong with them, each in a line.
    pub(crate) fn begin(files: Files) -> Result<Self, Vec<String>> {
        // Before they are read: what changes meanwhile is seen.
        let watched = Watched::new([files.menu.path.clone(), files.shop.path.clone()]);
        let shop = watch::Sender::new(Arc::new(files.shop()?));
        Ok(Self { files, shop, held: watched.there(), watched, wrong: Vec::new() })
    }

    /// The shop as it is now, and each time it changes.
    pub(crate) fn shop(&self) -> watch::Receiver<Arc<Shop>> {
        self.shop.subscribe()
    }

    /// What is sold, in a few words.
    pub(crate) fn describe(&self) -> String {
        self.files.describe(&self.shop.borrow())
    }

    /// Keeps up with the files until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // Files may be on a disk that hangs.
            let looking = spawn_blocking(move || {
                tell(self.look());
                self
            });
            tokio::select! {
                () = stop.cancelled() => return,
                looked = looking => match looked {
                    Ok(looked) => self = looked,
                    Err(_) => return tracing::warn!("the shop's files are no longer looked at; restart the line"),
                },
            }
        }
    }

    /// Reads the files if that is due. What is wrong then changes nothing.
    fn look(&mut self) -> Found {
        let Some(due) = self.watched.look() else { return Found::Nothing };
        match self.reread() {
            Ok(shop) => {
                self.held = self.watched.there();
                self.shop.send_if_modified(|held| {
                    let is_other = **held != shop;
                    if is_other {
                        *held = Arc::new(shop);
                    }
                    is_other
                });
                if std::mem::take(&mut self.wrong).is_empty() { Found::Changed } else { Found::RightAgain }
            }
            Err(lines) => {
                self.watched.failed();
                let is_told = due == Due::Again && lines == self.wrong;
                self.wrong.clone_from(&lines);
                if is_told { Found::Nothing } else { Found::Wrong(lines) }
            }
        }
    }

    fn reread(&self) -> Result<Shop, Vec<String>> {
        let Files { menu, shop, .. } = &self.files;
        // The example is for who has no files yet, not for customers of a shop that had some.
        let all = [menu, shop].into_iter().zip(self.held).zip(self.watched.there());
        let gone = all.filter(|((_, held), now)| *held && !now);
        let lines: Vec<_> = gone
            .map(|((Source { path, .. }, _), _)| {
                format!("{} is gone; put it back, or start the line again without it", path.display())
            })
            .collect();
        if lines.is_empty() { self.files.shop() } else { Err(lines) }
    }
}

/// What a look has found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Changed,
    RightAgain,
    Wrong(Vec<String>),
}

fn tell(found: Found) {
    match found {
        Found::Nothing => {}
        Found::Changed => tracing::info!("the shop's files have changed, and hold"),
        Found::RightAgain => tracing::warn!("the shop's files are right again, and hold"),
        Found::Wrong(lines) => {
            for line in lines {
                tracing::warn!("{line}");
            }
            tracing::warn!("menu and shop stay as they were until this is corrected");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    const MENU: &str =
        "[[category]]\nid = \"c\"\nname = \"C\"\n[[category.item]]\nid = \"i\"\nname = \"I\"\nprice = 1\n";

    fn files(dir: &Path) -> Files {
        let source = |name| Source { path: dir.join(name), by: None };
        Files { menu: source("menu.toml"), shop: source("shop.toml"), practice: false }
    }

    fn price(keep_up: &KeepUp) -> u64 {
        keep_up.shop().borrow().menu().item("i").unwrap().price
    }

    /// The second look at a change reads it.
    fn settle(keep_up: &mut KeepUp) -> Found {
        assert_eq!(keep_up.look(), Found::Nothing, "it may still be written");
        keep_up.look()
    }

    #[test]
    fn a_change_holds_when_it_is_done_and_a_mistake_is_told_once_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let menu = dir.path().join("menu.toml");
        fs::write(&menu, MENU).unwrap();
        let mut keep_up = KeepUp::begin(files(dir.path())).unwrap();
        assert_eq!([keep_up.look(), keep_up.look()], [Found::Nothing, Found::Nothing]);

        fs::write(&menu, MENU.replace("price = 1", "price = 22")).unwrap();
        assert_eq!(keep_up.look(), Found::Nothing);
        fs::write(&menu, MENU.replace("price = 1", "price = 333")).unwrap();
        assert_eq!(settle(&mut keep_up), Found::Changed);
        assert_eq!(price(&keep_up), 333);

        fs::write(&menu, MENU.replace("price = 1", "price = -1")).unwrap();
        let Found::Wrong(lines) = settle(&mut keep_up) else { panic!("it is wrong") };
        assert!(lines[0].contains("menu.toml:7: category.item.price is -1: say"), "{lines:?}");
        assert_eq!([keep_up.look(), keep_up.look()], [Found::Nothing, Found::Nothing], "told once");
        assert_eq!(price(&keep_up), 333);

        fs::write(&menu, MENU).unwrap();
        assert_eq!(settle(&mut keep_up), Found::RightAgain);
        assert_eq!(price(&keep_up), 1);
    }

    #[test]
    fn a_file_that_is_put_in_the_place_of_another_is_read_though_it_is_as_old_and_as_large() {
        let dir = tempfile::tempdir().unwrap();
        let [menu, next] = ["menu.toml", "next.toml"].map(|name| dir.path().join(name));
        fs::write(&menu, MENU).unwrap();
        fs::write(&next, MENU.replace("price = 1", "price = 2")).unwrap();
        let data = fs::metadata(&menu).unwrap();
        fs::File::options().write(true).open(&next).unwrap().set_modified(data.modified().unwrap()).unwrap();
        let mut keep_up = KeepUp::begin(files(dir.path())).unwrap();
        fs::rename(&next, &menu).unwrap();
        assert_eq!(settle(&mut keep_up), Found::Changed);
        assert_eq!(price(&keep_up), 2);
    }

    #[test]
    fn what_could_not_be_read_holds_as_soon_as_it_can_though_nothing_has_changed() {
        let (bad, good) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [unread, read] = [&bad, &good].map(|dir| dir.path().join("menu.toml"));
        fs::write(&unread, MENU).unwrap();
        fs::write(&read, MENU.replace("price = 1", "price = 2")).unwrap();
        let mut keep_up = KeepUp::begin(files(bad.path())).unwrap();
        fs::write(&unread, "no menu").unwrap();
        assert!(matches!(settle(&mut keep_up), Found::Wrong(_)));
        assert_eq!([keep_up.look(), keep_up.look()], [Found::Nothing, Found::Nothing], "told once");
        // The file that is looked at stays as it is; what is read of it is right now.
        keep_up.files = files(good.path());
        assert_eq!((keep_up.look(), price(&keep_up)), (Found::RightAgain, 2));
    }

    #[test]
    fn whoever_has_a_menu_never_sells_the_example_and_whoever_has_none_may_write_one() {
        let dir = tempfile::tempdir().unwrap();
        let menu = dir.path().join("menu.toml");
        let mut keep_up = KeepUp::begin(files(dir.path())).unwrap();
        assert!(keep_up.describe().starts_with("an example of 13 items; write "), "{}", keep_up.describe());
        fs::write(&menu, MENU).unwrap();
        assert_eq!(settle(&mut keep_up), Found::Changed);
        assert!(keep_up.describe().starts_with("1 items of "), "{}", keep_up.describe());

        fs::remove_file(&menu).unwrap();
        let Found::Wrong(lines) = settle(&mut keep_up) else { panic!("it is gone") };
        assert!(
            lines[0].ends_with("menu.toml is gone; put it back, or start the line again without it"),
            "{lines:?}"
        );
        assert_eq!(price(&keep_up), 1);
        fs::write(&menu, MENU).unwrap();
        assert_eq!(settle(&mut keep_up), Found::RightAgain);
    }

    #[test]
    fn who_waits_for_changes_is_woken_by_those_that_change_something() {
        let dir = tempfile::tempdir().unwrap();
        let menu = dir.path().join("menu.toml");
        fs::write(&menu, MENU).unwrap();
        let mut keep_up = KeepUp::begin(files(dir.path())).unwrap();
        let mut shop = keep_up.shop();
        shop.mark_unchanged();
        fs::write(&menu, format!("# ours\n{MENU}")).unwrap();
        assert_eq!(settle(&mut keep_up), Found::Changed);
        assert!(!shop.has_changed().unwrap());
        fs::write(&menu, MENU.replace("price = 1", "price = 2")).unwrap();
        assert_eq!(settle(&mut keep_up), Found::Changed);
        assert!(shop.has_changed().unwrap());
    }

    #[test]
    fn the_example_is_not_sold_in_another_currency() {
        let dir = tempfile::tempdir().unwrap();
        let shop = "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"Europe/Paris\"\n";
        fs::write(dir.path().join("shop.toml"), shop).unwrap();
        let lines = KeepUp::begin(files(dir.path())).unwrap_err();
        assert!(
            lines[0].contains("shop.toml: currency is EUR, and the example") && lines[0].contains("write "),
            "{lines:?}"
        );
        fs::write(dir.path().join("menu.toml"), MENU).unwrap();
        assert!(KeepUp::begin(files(dir.path())).is_ok());
    }

    #[test]
    fn who_practises_prints_nothing_on_the_shops_printer() {
        let dir = tempfile::tempdir().unwrap();
        let settings = "name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"Asia/Seoul\"\n[printer]\naddress = \"10.0.0.9:9100\"\n";
        fs::write(dir.path().join("shop.toml"), settings).unwrap();
        let has_printer = |practice| {
            let keep_up = KeepUp::begin(Files { practice, ..files(dir.path()) }).unwrap();
            keep_up.shop().borrow().settings().printer.is_some()
        };
        assert!(has_printer(false) && !has_printer(true));
    }
}
