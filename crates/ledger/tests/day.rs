//! A day as people look at it: what was done, and what needs someone.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use common::{Step, Story};
use ledger::{Day, Says, Why};
use order::{Action, Mode};

fn day(story: &Story) -> Day {
    let mut day = Day::default();
    for entry in &story.entries {
        day.observe(entry, &Says::of(entry));
    }
    day
}

fn placed(id: u8, amount: u16) -> Step {
    Step::Place { id, amount, unpaid: false }
}

fn tapped(id: u8, action: Action) -> Step {
    Step::Command { id, action, staff: true }
}

fn recalled(reason: &str) -> Step {
    tapped(0, Action::Recall { reason: Some(reason.to_owned()) })
}

#[test]
fn a_remake_that_nobody_touches_needs_someone_and_a_call_that_was_taken_back_does_not() {
    const LONG: Step = Step::Wait(3 * 60_000);
    let ready = || tapped(0, Action::Ready);
    let noted = tapped(0, Action::Note { text: "Mug".to_owned() });
    for (steps, remake_waits) in [
        (vec![ready(), recalled("Spilled"), LONG], true),
        (vec![ready(), recalled("undo"), LONG], false),
        (vec![ready(), recalled("undo"), ready(), recalled("Spilled"), LONG], true),
        (vec![ready(), recalled("Spilled"), ready(), recalled("undo"), LONG], false),
        (vec![ready(), recalled("Spilled"), noted, LONG], false),
    ] {
        let steps: Vec<_> = std::iter::once(placed(0, 1)).chain(steps).collect();
        let story = Story::told(Mode::Manual, &steps);
        let day = day(&story);
        let needs: Vec<_> = day.needs(story.now).iter().map(|need| need.why).collect();
        assert_eq!(needs == [Why::RemakeWaits], remake_waits, "{needs:?} after {steps:?}");
    }
}

#[test]
fn drinks_are_those_that_were_not_cancelled() {
    let cancel = |id| tapped(id, Action::Cancel { reason: None });
    let steps = [placed(0, 1), placed(1, 3), placed(2, 2), tapped(2, Action::Ready), cancel(1), cancel(2)];
    let tally = day(&Story::told(Mode::Manual, &steps)).tally();
    assert_eq!((tally.orders, tally.cancelled, tally.drinks), (3, 2, 1));
}
