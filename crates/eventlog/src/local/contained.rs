//! redb says of most damage that it is there; on some it panics. Here a panic becomes an error like any other.
//!
//! Nothing is used again after it: damage ends the log.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use super::failure::{Failure, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic on a damaged file. The panic says nothing on stderr: whoever ends because of it does.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !INSIDE.get() {
                before(panic);
            }
        }));
    });
    let outside = INSIDE.replace(true);
    // What `work` has changed is given up with the database that it was about.
    let done = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outside);
    done.unwrap_or_else(|panic| {
        Err(Failure::corrupted(format!("its content makes no sense ({})", said(&*panic))))
    })
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
    fn a_panic_becomes_an_error_of_one_line() {
        let panics = || -> Result<()> { panic!("one\ntwo {}", 3) };
        let error = contained(panics).unwrap_err();
        assert!(error.is_lasting());
        assert!(error.to_string().ends_with("its content makes no sense (one)"), "{error}");
        contained(|| Ok(())).unwrap();
    }
}
