//! A command, as JSON in a record of `order.command`.

use order::{
    At, Command, Context, Event, Input, Mode, Order, OrderState, Placed, Rules, Stage, apply, decide,
};

/// What is read is written again as the same; whatever it asks of an order in whatever state, what comes of it is a state
/// and an event that can be read again.
pub(super) fn run(json: &[u8]) {
    let command = match Command::parse(json) {
        Ok(command) => command,
        Err(why) => return assert!(!why.is_empty(), "a refusal says why"),
    };
    let written = command.to_json();
    let again = Command::parse(&written).unwrap_or_else(|why| panic!("{why}: {command:?}"));
    assert_eq!(again, command);
    let rules = Rules::default();
    for stage in Stage::ALL {
        for mode in [Mode::Auto, Mode::Manual] {
            let mut state = OrderState { stage, version: 1, code: 1, ..undecided(&command, mode) };
            let context =
                Context { now: 1_000_000, rules: &rules, hands_free: true, keeps_code: true, next_code: 7 };
            let Some(event) = decide(&state, Input::Command(&command), &context) else { continue };
            apply(&mut state, &event);
            // A remark stands in no event, so it is what is written that is the same.
            let read = Event::parse(&event.to_json()).unwrap_or_else(|why| panic!("{why}: {event:?}"));
            assert_eq!(read.to_json(), event.to_json());
            let read = OrderState::parse(&state.to_json()).unwrap_or_else(|why| panic!("{why}: {state:?}"));
            assert_eq!(read, state);
        }
    }
}

fn undecided(command: &Command, mode: Mode) -> OrderState {
    let at = At { partition: 0, offset: 0 };
    let placed = Placed { at, received_at: 1_000, foreign: false, history_from: 0, traceparent: None };
    OrderState::undecided(Order::new(command.order_id.clone(), 2), placed, mode)
}
