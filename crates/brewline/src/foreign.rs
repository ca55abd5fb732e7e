//! Whether a directory may be one for a log: the first start is not to mix its files with somebody's own.

use std::path::Path;

use eventlog::local::is_file_of_log;

use crate::practice::stage;

/// The files of a shop, and of a practice. Where one of them is, or one of a log, the directory was meant.
const OURS: [&str; 4] = [stage::FILE, "brewline.toml", "menu.toml", "shop.toml"];
/// What may well stand beside a log: settings, secrets, certificates with their keys, copies.
const BESIDE: [&str; 9] = ["toml", "env", "pem", "crt", "cer", "key", "token", "backup", "jsonl"];
/// What systems leave by themselves, by how the names begin: hidden files, what a file system of its own or a stick begins
/// with, and what network shares keep for themselves.
const SYSTEMS: [&str; 6] = [".", "lost+found", "@", "#", "$", "System Volume Information"];
/// So many are named.
const NAMED: usize = 3;

/// Says so if what is in `dir` is somebody's, and nothing there is a line's.
pub(crate) fn refuse(dir: &Path) -> Result<(), String> {
    // One that can't be listed is refused by the log, if it has to be.
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    // Nobody keeps anything in a socket or a pipe.
    let kept = entries
        .filter(|entry| entry.file_type().is_ok_and(|is| is.is_file() || is.is_dir() || is.is_symlink()));
    let foreign = foreign(kept.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    if foreign.is_empty() {
        return Ok(());
    }
    let more = if foreign.len() > NAMED { " and more" } else { "" };
    let names: Vec<_> = foreign.iter().take(NAMED).map(|name| name.escape_debug().to_string()).collect();
    Err(format!(
        "the directory {dir} has no log, but {names}{more}, which no line has made; choose another one with --log \
         local:DIR, as in local:{inside}, or move away what is there",
        dir = dir.display(),
        names = names.join(", "),
        inside = dir.join("brewline").display()
    ))
}

/// The first names of what is somebody's, one more than are named; none if something is a line's.
fn foreign(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut foreign = Vec::new();
    for name in names {
        if OURS.contains(&&*name) || is_file_of_log(&name) {
            return Vec::new();
        }
        let is_beside = SYSTEMS.iter().any(|systems| name.starts_with(systems))
            || Path::new(&name).extension().is_some_and(|is| BESIDE.iter().any(|beside| is == *beside));
        if !is_beside && foreign.len() <= NAMED {
            foreign.push(name);
        }
    }
    foreign.sort_unstable();
    foreign
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_somebodys_and_stands_there_without_a_line_is_foreign() {
        let of = |names: &[&str]| foreign(names.iter().map(|name| (*name).to_owned()));
        for fine in [
            &[][..],
            &["lost+found", ".nfs0001", ".config"],
            &["@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"],
            &["cafe.toml", "brewline.env", "cert.pem", "cert.key", "line.backup", "line.jsonl"],
            &["notes.txt", "log.redb", "tail-0000000000000001.wal"],
            &["notes.txt", "log.redb.v1"],
            &["notes.txt", "log.lock"],
            &["notes.txt", "restore.part"],
            &["brewline.txt", "practice.json"],
            &["tls", "README.md", "menu.toml"],
        ] {
            assert_eq!(of(fine), [""; 0], "{fine:?}");
        }
        assert_eq!(of(&["photos", "lost+found", "log.txt", "a.toml"]), ["log.txt", "photos"]);
        assert_eq!(of(&["a", "b", "c", "d", "e"]).len(), NAMED + 1);
    }

    #[test]
    fn a_name_is_said_on_one_line_and_no_more_than_three_are() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a\nb", "c", "d", "e", "f"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let why = refuse(dir.path()).unwrap_err();
        assert!(!why.contains('\n') && why.contains(" and more, which no line has made; "), "{why}");
        assert_eq!(refuse(&dir.path().join("missing")), Ok(()));
        assert_eq!(refuse(&dir.path().join("c")), Ok(()), "the log says that it is no directory");
    }
}
