//! Keeps up with the shop's files while the line runs.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration};

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
    /// How the files were when they were read last, whatever came of it.
    read: Looks,
    /// How they were when the shop was made of them that there is now.
    held: Looks,
    /// How they were at the last look.
    seen: Looks,
    /// Whether there was something wrong with them then.
    is_wrong: bool,
}

/// How the files look from outside: menu and shop.
type Looks = [Option<Look>; 2];

/// How a file looks from outside. An editor may put another file in the place of one, as old and as large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl KeepUp {
    /// Reads the files, or says all that is wrong with them, each in a line.
    pub(crate) fn begin(files: Files) -> Result<Self, Vec<String>> {
        // Before they are read: what changes meanwhile is seen.
        let read = looks(&files);
        let shop = watch::Sender::new(Arc::new(files.shop()?));
        Ok(Self { files, shop, read, held: read, seen: read, is_wrong: false })
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

    /// Reads the files if they have changed and are done changing. What is wrong then changes nothing.
    fn look(&mut self) -> Found {
        let now = looks(&self.files);
        let is_settled = std::mem::replace(&mut self.seen, now) == now;
        if now == self.read || !is_settled {
            return Found::Nothing;
        }
        self.read = now;
        match self.reread() {
            Ok(shop) => {
                self.held = now;
                self.shop.send_if_modified(|held| {
                    let is_other = **held != shop;
                    if is_other {
                        *held = Arc::new(shop);
                    }
                    is_other
                });
                if std::mem::take(&mut self.is_wrong) { Found::RightAgain } else { Found::Changed }
            }
            Err(lines) => {
                self.is_wrong = true;
                Found::Wrong(lines)
            }
        }
    }

    fn reread(&self) -> Result<Shop, Vec<String>> {
        let Files { menu, shop } = &self.files;
        // The example is for who has no files yet, not for customers of a shop that had some.
        let all = [menu, shop].into_iter().zip(self.held).zip(self.read);
        let gone = all.filter(|((_, held), now)| held.is_some() && now.is_none());
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

fn looks(files: &Files) -> Looks {
    [&files.menu, &files.shop].map(|Source { path, .. }| look(path))
}

/// `None`: it is not there.
fn look(path: &Path) -> Option<Look> {
    let data = fs::metadata(path).ok()?;
    Some(Look { inode: data.ino(), bytes: data.len(), changed: (data.mtime(), data.mtime_nsec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MENU: &str =
        "[[category]]\nid = \"c\"\nname = \"C\"\n[[category.item]]\nid = \"i\"\nname = \"I\"\nprice = 1\n";

    fn files(dir: &Path) -> Files {
        let source = |name| Source { path: dir.join(name), by: None };
        Files { menu: source("menu.toml"), shop: source("shop.toml") }
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
}
