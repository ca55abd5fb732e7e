//! redb says of most damage that it is there; on some it panics. Here such a panic becomes an error like any other.
//! One of this crate's own is a bug and stays a panic: nobody is to bring back a copy because of it.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook},
    sync::Once,
};

use super::failure::{Failure, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether the last panic inside was this crate's own.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic on a damaged file. The panic says nothing on stderr: whoever ends because of it does.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            OURS.set(is_ours(panic));
            if !INSIDE.get() || OURS.get() {
                before(panic);
            }
        }));
    });
    let outside = INSIDE.replace(true);
    // What `work` has changed is given up with the database that it was about.
    let done = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outside);
    match done {
        Ok(done) => done,
        Err(panic) if OURS.get() => resume_unwind(panic),
        Err(panic) => Err(Failure::corrupted(format!("its content makes no sense ({})", said(&*panic)))),
    }
}

/// Whether it is the fault of a line in this folder.
fn is_ours(panic: &PanicHookInfo<'_>) -> bool {
    let here = file!().rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder);
    panic.location().is_some_and(|location| location.file().starts_with(here))
}

/// The first line of what a panic says.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("without a reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_elsewhere_becomes_an_error_of_one_line() {
        // Its place is in the standard library.
        let panics = || -> Result<()> { std::panic::panic_any("one\ntwo") };
        let inside = std::panic::catch_unwind(|| contained(panics));
        assert!(inside.is_err(), "panic_any is called here");
        let capacity = usize::MAX;
        let error = contained(|| Ok(Vec::<u64>::with_capacity(capacity).len())).unwrap_err();
        assert!(error.is_lasting());
        assert!(error.to_string().contains("its content makes no sense ("), "{error}");
        contained(|| Ok(())).unwrap();
    }

    #[test]
    fn a_panic_of_our_own_stays_one() {
        let bug = std::panic::catch_unwind(|| contained(|| -> Result<()> { panic!("a bug") }));
        assert_eq!(bug.unwrap_err().downcast_ref(), Some(&"a bug"));
        contained(|| Ok(())).unwrap();
    }
}
