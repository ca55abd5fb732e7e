//! A day as people look at it: what was done, and what needs someone.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use common::{Step, Story};
use ledger::{Day, Says, Why};
use order::{Action, Mode, Presence};

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
fn a_remake_that_nobody_works_on_needs_someone_and_a_call_that_was_taken_back_does_not() {
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
fn what_a_phone_does_is_no_work_on_its_order() {
    let phone = |presence| Step::Command { id: 0, action: Action::Presence { presence }, staff: false };
    let [opened, hidden] = [phone(Presence::Listening), phone(Presence::Hidden)];
    let remake = vec![placed(0, 1), tapped(0, Action::Ready), recalled("Spilled")];
    for (steps, ms, why) in
        [(remake, 2 * 60_000, Why::RemakeWaits), (vec![placed(0, 1)], 5 * 60_000, Why::Stuck)]
    {
        let touched = Story::told(Mode::Manual, &steps).now;
        let looks = [Step::Wait(ms - 1_000), opened.clone(), hidden.clone(), Step::Wait(1_000)];
        let story = Story::told(Mode::Manual, &[steps, looks.to_vec()].concat());
        let day = day(&story);
        let needs: Vec<_> = day.needs(story.now).iter().map(|need| (need.why, need.since)).collect();
        assert!(needs.len() == 1 && needs[0].0 == why && needs[0].1 <= touched, "{needs:?}, {touched}");
    }
}

#[test]
fn drinks_are_those_that_were_not_cancelled() {
    let cancel = |id| tapped(id, Action::Cancel { reason: None });
    let steps = [placed(0, 1), placed(1, 3), placed(2, 2), tapped(2, Action::Ready), cancel(1), cancel(2)];
    let tally = day(&Story::told(Mode::Manual, &steps)).tally();
    assert_eq!((tally.orders, tally.cancelled, tally.drinks), (3, 2, 1));
}
