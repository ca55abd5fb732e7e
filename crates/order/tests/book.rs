//! The orders of one partition: what they hold in memory, and what is said of them.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use order::{
    Action, At, Book, By, Change, Command, CommandId, Mode, Order, OrderId, OrderState, Placed, Promise,
    Refusal, Role, Rules, Stage, UNDO_REASON, Verdict,
};

fn placed(offset: u64) -> Placed {
    let at = At { partition: 0, offset };
    Placed { at, received_at: 0, foreign: false, history_from: 0, traceparent: None }
}

fn take(book: &mut Book, order: Order, offset: u64, rules: &Rules) -> Change {
    match book.take(order, placed(offset), 0, rules, true) {
        Verdict::Changed(change) => change,
        other => panic!("a new order is taken, not {other:?}"),
    }
}

#[test]
fn unknown_fields_of_a_line_stand_in_the_state_and_the_announcement_and_not_in_the_history() {
    let json = r#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","quantity":1,"size":"L"}]}"#;
    let mut book = Book::default();
    let change = take(&mut book, Order::parse(json.as_bytes()).unwrap(), 0, &Rules::default());
    let state = book.get(change.key).unwrap();
    assert!(String::from_utf8(state.to_json()).unwrap().contains(r#""size":"L""#));
    assert_eq!(
        serde_json::to_string(&state.order.announced()).unwrap(),
        json.replace(r#""status":0"#, r#""status":1"#)
    );
    let event = String::from_utf8(change.event.to_json()).unwrap();
    assert!(event.contains("latte") && !event.contains("size"), "{event}");
}

fn command(id: &str, action: Action) -> Command {
    Command {
        command_id: CommandId::new("c").unwrap(),
        order_id: OrderId::new(id).unwrap(),
        action,
        seen: None,
        by: By { role: Role::Staff, device: None },
        order_at: None,
    }
}

#[test]
fn finished_orders_are_remembered_by_their_bytes_too_and_the_oldest_go_first() {
    let rules = Rules { remember_bytes: 50_000, ..Rules::default() };
    let mut book = Book::default();
    for n in 0..10_u64 {
        let json = format!(r#"{{"order_id":"{n}","amount":1,"status":0,"note":"{}"}}"#, "x".repeat(10_000));
        take(&mut book, Order::parse(json.as_bytes()).unwrap(), n, &rules);
    }
    assert!((100_000..110_000).contains(&book.live_bytes()), "{}", book.live_bytes());
    assert_eq!(book.forget(0, &rules), None, "live orders are not forgotten");
    for n in 0..10 {
        book.command(&command(&n.to_string(), Action::Cancel { reason: None }), n + 1, &rules, true);
    }
    assert_eq!(book.live_bytes(), 0);

    let mut restored = Book::default();
    book.iter().for_each(|(_, state)| restored.restore(state.clone()));
    restored.settle(book.last_code());
    for mut book in [book, restored] {
        let forgotten: Vec<_> = std::iter::from_fn(|| book.forget(20, &rules)).collect();
        assert_eq!(forgotten, ["0", "1", "2", "3", "4", "5"].map(|id| OrderId::new(id).unwrap()));
    }
}

#[test]
fn an_order_brought_back_weighs_among_the_live_again() {
    let rules = Rules { cup_ms: 0, ..Rules::default() };
    let mut book = Book::default();
    let json = format!(r#"{{"order_id":"a","amount":1,"status":0,"note":"{}"}}"#, "x".repeat(10_000));
    take(&mut book, Order::parse(json.as_bytes()).unwrap(), 0, &rules);
    let weight = book.live_bytes();
    book.command(&command("a", Action::Collect), 1, &rules, true);
    assert_eq!(book.live_bytes(), 0);
    let recall =
        Command { command_id: CommandId::new("d").unwrap(), ..command("a", Action::Recall { reason: None }) };
    book.command(&recall, 2, &rules, true);
    assert_eq!(book.live_bytes(), weight);
    assert_eq!(book.forget(3, &Rules { remember_bytes: 0, ..rules }), None);
}

#[test]
fn what_takes_no_time_waits_for_no_hand_also_when_it_was_paid_for_later() {
    let mut book = Book::default();
    let json = br#"{"order_id":"a","amount":0,"status":0,"unpaid":true}"#;
    let key = take(&mut book, Order::parse(json).unwrap(), 0, &Rules::default()).key;
    book.command(&command("a", Action::Accept { promise: None }), 1, &Rules::default(), false);
    assert_eq!(book.get(key).unwrap().stage, Stage::Ready);
}

#[test]
fn an_id_that_asked_something_else_is_refused_and_its_first_answer_stays() {
    let mut book = Book::default();
    let order = br#"{"order_id":"a","amount":2,"status":0,"items":[{"item":"x"},{"item":"y"}]}"#;
    let rules = Rules { mode: Mode::Manual, ..Rules::default() };
    let key = take(&mut book, Order::parse(order).unwrap(), 0, &rules).key;
    let mut ask = |action: Action| match book.command(&command("a", action), 1, &rules, true) {
        Verdict::Changed(change) => (change.event.refused, change.event.repeat, change.writes_state),
        other => panic!("the order is known: {other:?}"),
    };
    assert_eq!(ask(Action::Tick { line: 7 }), (Some(Refusal::NoSuchLine), false, true));
    for other in [Action::Tick { line: 1 }, Action::Untick { line: 7 }, Action::Start] {
        assert_eq!(ask(other), (Some(Refusal::IdReused), true, false));
    }
    assert_eq!(ask(Action::Tick { line: 7 }), (Some(Refusal::NoSuchLine), true, false), "the first answer");
    let state = book.get(key).unwrap();
    assert_eq!((state.version, state.stage, state.answers.len()), (1, Stage::Received, 1));
}

#[test]
fn the_reason_of_one_recall_is_not_shown_for_the_next() {
    let (mut book, rules) = (Book::default(), Rules { mode: Mode::Manual, ..Rules::default() });
    let key = take(&mut book, Order::new(OrderId::new("a").unwrap(), 1), 0, &rules).key;
    let reason = |book: &Book| book.get(key).unwrap().marks.as_ref().and_then(|marks| marks.reason.clone());
    let cold = Some("cold".to_owned());
    for (id, action, shown) in [
        ("1", Action::Ready, None),
        ("2", Action::Recall { reason: cold.clone() }, cold.clone()),
        ("3", Action::Ready, cold),
        ("4", Action::Recall { reason: None }, None),
    ] {
        let command = Command { command_id: CommandId::new(id).unwrap(), ..command("a", action) };
        book.command(&command, 1, &rules, true);
        assert_eq!(reason(&book), shown, "after command {id}");
    }
}

#[test]
fn a_call_that_is_taken_back_makes_no_remake_and_ends_none() {
    let (mut book, rules) = (Book::default(), Rules { mode: Mode::Manual, ..Rules::default() });
    let key = take(&mut book, Order::new(OrderId::new("a").unwrap(), 1), 0, &rules).key;
    let undo = || Action::Recall { reason: Some(UNDO_REASON.to_owned()) };
    let cold = Some("cold".to_owned());
    for (id, action, shown) in [
        ("1", Action::Ready, (false, None)),
        ("2", undo(), (false, None)),
        ("3", Action::Ready, (false, None)),
        ("4", Action::Recall { reason: cold.clone() }, (true, cold.clone())),
        ("5", Action::Ready, (true, cold.clone())),
        ("6", undo(), (true, cold.clone())),
        ("7", Action::Ready, (true, cold.clone())),
    ] {
        let command = Command { command_id: CommandId::new(id).unwrap(), ..command("a", action) };
        book.command(&command, 1, &rules, true);
        let state = book.get(key).unwrap();
        let reason = state.marks.as_ref().and_then(|marks| marks.reason.clone());
        assert_eq!((state.is_remake(), reason), shown, "after command {id}");
        assert_eq!(&OrderState::parse(&state.to_json()).unwrap(), state);
    }
}

#[test]
fn an_order_that_is_paid_for_later_keeps_the_promise_it_got_then() {
    let rules = Rules { mode: Mode::Manual, ..Rules::default() };
    let json = br#"{"order_id":"a","amount":1,"status":0,"unpaid":true}"#;
    let mut book = Book::default();
    let key = take(&mut book, Order::parse(json).unwrap(), 0, &rules).key;
    let pay = |id: &str, from| Command {
        command_id: CommandId::new(id).unwrap(),
        ..command("a", Action::Accept { promise: Promise::new(from, from + 1) })
    };
    let promised = |book: &Book| book.get(key).unwrap().promised();
    assert_eq!(promised(&book), None);
    book.command(&pay("1", 5), 1, &rules, true);
    assert_eq!(promised(&book), Promise::new(5, 6));
    book.command(&pay("2", 7), 2, &rules, true);
    assert_eq!(promised(&book), Promise::new(5, 6), "what is refused promises nothing");
    for (id, action) in [("3", Action::Ready), ("4", Action::Recall { reason: None })] {
        let command = Command { command_id: CommandId::new(id).unwrap(), ..command("a", action) };
        book.command(&command, 3, &rules, true);
    }
    assert_eq!(promised(&book), Promise::new(5, 6), "the first one counts, in each round");
    let restored = OrderState::parse(&book.get(key).unwrap().to_json()).unwrap();
    assert_eq!(&restored, book.get(key).unwrap());
}

#[test]
fn the_promise_of_an_order_stays_when_it_is_paid_for() {
    let json = br#"{"order_id":"a","amount":1,"status":0,"unpaid":true,"promise":{"from":1,"to":2}}"#;
    let mut book = Book::default();
    let key = take(&mut book, Order::parse(json).unwrap(), 0, &Rules::default()).key;
    book.command(&command("a", Action::Accept { promise: Promise::new(5, 6) }), 1, &Rules::default(), true);
    assert_eq!(book.get(key).unwrap().promised(), Promise::new(1, 2));
}

#[test]
fn the_note_of_a_line_stands_in_the_state_and_in_no_history() {
    let json = br#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","unit_price":5500,"note":"no nuts"}]}"#;
    let mut book = Book::default();
    let change = take(&mut book, Order::parse(json).unwrap(), 0, &Rules::default());
    assert_eq!(
        serde_json::to_string(&change.event.taken.as_ref().unwrap().items).unwrap(),
        r#"[{"item":"latte","quantity":1,"unit_price":5500}]"#
    );
    assert!(!String::from_utf8(change.event.to_json()).unwrap().contains("nuts"));
    assert!(String::from_utf8(book.get(change.key).unwrap().to_json()).unwrap().contains("no nuts"));
}
