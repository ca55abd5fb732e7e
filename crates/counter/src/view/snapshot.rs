//! An order as JSON: its fields as they were received, and where it is.

use std::num::{NonZeroI64, NonZeroU32};

use order::{Code, Marks, Millis, Mode, Order, OrderState, Presence, Promise, Role, Stage, Status, Words};
use serde::Serialize;

use super::{View, fold::is_made_by_others};
use crate::idempotency::forget_request;

/// Fields of a snapshot that an order must not bring along.
pub(crate) const RESERVED: [&str; 22] = [
    "state",
    "round",
    "version",
    "decided",
    "code",
    "mode",
    "queue",
    "received_at",
    "changed_at",
    "making_at",
    "ready_at",
    "finished_at",
    "due_at",
    "paid",
    "marks",
    "as_of",
    "undecided_ms",
    "no_barista",
    "unpaid",
    "promise",
    "promised",
    "now",
];

/// What is said of an order beside its own fields.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderFacts"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own on the wire")]
struct Facts<'a> {
    state: Stage,
    /// How many times it was begun: 1, one more after each recall.
    round: u32,
    /// Counts every change; 0 before the first decision.
    version: u32,
    /// A barista has decided on it.
    decided: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<PickupCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Queue>,
    /// When it is said to be ready now.
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<Promise>,
    /// When it was first said to be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<Promise>,
    received_at: Millis,
    changed_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    making_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<NonZeroI64>,
    /// It waits for payment.
    unpaid: bool,
    /// It waited for payment, which came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    paid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<ShownMarks<'a>>,
    /// When this view last confirmed that it had read to the end of the log.
    as_of: Millis,
    /// The time of sending, by which `as_of` is to be judged: a phone's own clock may be wrong.
    now: Millis,
    /// How long nobody has decided on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided_ms: Option<Millis>,
    /// Nobody decides on it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_barista: bool,
}

/// A pickup code, and which partition's it is where there are several.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PickupCode {
    number: u32,
    words: Words,
    symbol: &'static str,
    /// The number, with the partition's letter before it where there are several.
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<u32>,
}

impl PickupCode {
    /// The code with this number, of one of so many partitions; 0 is none.
    pub(crate) fn new(number: u32, partition: u32, partitions: u32) -> Option<Self> {
        if number == 0 {
            return None;
        }
        let Code { number, words, symbol } = Code::of(number);
        let partition = (partitions > 1).then_some(partition);
        let label = Code::label(number, partition);
        Some(Self { number, words, symbol, label, partition })
    }
}

/// How many come before it.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderQueue"))]
pub(crate) struct Queue {
    ahead: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

/// What is known of an order beside its state, without what only staff see.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ShownMarks"))]
struct ShownMarks<'a> {
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    ticked: &'a [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rang_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tested_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<Presence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_at: Option<NonZeroI64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff_note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<NonZeroU32>,
}

/// An order as everyone who may see it does: its own fields, and where it is.
#[cfg(feature = "schema")]
pub(crate) struct Snapshot;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Snapshot {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OrderSnapshot".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An order: its own fields, as whoever asks may see them, and where it is.",
            "allOf": [generator.subschema_for::<Order>(), generator.subschema_for::<Facts<'_>>()],
        })
    }
}

impl View {
    /// The order as JSON, as `role` may see it, by what was read up to `as_of`, at `now`, with what is promised now.
    pub(super) fn snapshot(
        &self,
        state: &OrderState,
        role: Role,
        as_of: Millis,
        now: Millis,
        promise: Option<Promise>,
    ) -> Vec<u8> {
        let decided = state.version > 0;
        let facts = Facts {
            state: state.stage,
            round: state.round,
            version: state.version,
            decided,
            code: self.code(state),
            mode: (decided && !is_made_by_others(state)).then_some(state.mode),
            queue: self.queue(state),
            promise,
            promised: state.promised(),
            received_at: state.received_at,
            changed_at: state.changed_at,
            making_at: state.making_at,
            ready_at: state.ready_at,
            finished_at: state.finished_at,
            due_at: state.due_at,
            unpaid: state.awaits_payment(),
            paid: state.paid,
            marks: state.marks.as_deref().map(|marks| shown(marks, state, role)),
            as_of,
            now,
            undecided_ms: (!decided).then(|| now.saturating_sub(state.received_at).max(0)),
            no_barista: state.stage.is_live() && self.nobody_decides(state.at.partition, now),
        };
        let mut json = shown_order(state, role).to_json();
        // Two objects become one: the first loses its closing brace, the second its opening one.
        json.pop();
        let start = json.len();
        serde_json::to_writer(&mut json, &facts)
            .expect("writing to memory cannot fail, and every key is text");
        json[start] = b',';
        json
    }

    /// The pickup code of an order that has one.
    pub(crate) fn code(&self, state: &OrderState) -> Option<PickupCode> {
        PickupCode::new(state.code, state.at.partition, self.partitions())
    }

    /// How many come before an order that is not made yet.
    pub(crate) fn queue(&self, state: &OrderState) -> Option<Queue> {
        state.stage.is_open().then(|| {
            let ahead = self.ahead(state);
            Queue { ahead: ahead.ahead, more: ahead.more }
        })
    }
}

/// The order's own fields. Whoever guessed the id of a foreign order learns nothing of whose it is.
fn shown_order(state: &OrderState, role: Role) -> Order {
    let mut order = state.order.clone();
    let rang = matches!(state.stage, Stage::Ready | Stage::Collected | Stage::Uncollected);
    order.status = if rang { Status::Processed } else { Status::Received };
    forget_request(&mut order);
    if let Some(details) = &mut order.details {
        details.unpaid = false;
        details.promise = None;
        details.extra.retain(|(key, _)| !RESERVED.contains(&&**key));
        if is_strangers(state, role) {
            details.name = None;
            details.note = None;
            details.reference = None;
            details.extra.clear();
            for item in &mut details.items {
                item.extra.clear();
                if let Some(says) = &mut item.details {
                    says.note = None;
                }
            }
        }
    }
    order
}

/// Whether whoever looks may have guessed the id.
fn is_strangers(state: &OrderState, role: Role) -> bool {
    state.foreign && role != Role::Staff
}

fn shown<'a>(marks: &'a Marks, state: &OrderState, role: Role) -> ShownMarks<'a> {
    ShownMarks {
        ticked: &marks.ticked,
        acknowledged_at: marks.acknowledged_at,
        missing_at: marks.missing_at,
        rang_at: marks.rang_at,
        tested_at: marks.tested_at,
        presence: marks.presence,
        presence_at: marks.presence_at,
        staff_note: marks.staff_note.as_deref().filter(|_| role == Role::Staff),
        reason: marks.reason.as_deref().filter(|_| !is_strangers(state, role)),
        taken_back: NonZeroU32::new(marks.taken_back),
    }
}

#[cfg(test)]
mod tests {
    use order::{At, Placed};

    use super::*;

    fn shown_to(role: Role, foreign: bool) -> serde_json::Value {
        let json = r#"{"order_id":"a","amount":1,"status":0,"name":"Kim","note":"no nuts","ref":"T-1","phone":"010","promise":9,
            "items":[{"item":"latte","note":"no nuts","for":"Kim"},{"item":"tea","note":["no nuts"]}]}"#;
        let order = Order::parse(json.as_bytes()).unwrap();
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at: 1, foreign, history_from: 0, traceparent: None };
        let mut state = OrderState::undecided(order, placed, Mode::Manual);
        state.marks = Some(Box::new(Marks { reason: Some("allergic".to_owned()), ..Marks::default() }));
        serde_json::from_slice(&View::default().snapshot(&state, role, 1, 1, None)).unwrap()
    }

    #[test]
    fn whoever_guessed_the_id_of_a_foreign_order_learns_nothing_of_whose_it_is() {
        let told = |shown: &serde_json::Value| {
            let fields = ["name", "note", "ref", "phone"].map(|field| shown.get(field).is_some());
            let lines = ["no nuts", "Kim"].map(|text| shown["items"].to_string().contains(text));
            (
                fields.iter().filter(|told| **told).count(),
                lines.iter().filter(|told| **told).count(),
                shown["marks"].get("reason").is_some(),
            )
        };
        assert_eq!(told(&shown_to(Role::Holder, true)), (0, 0, false));
        assert_eq!(told(&shown_to(Role::Staff, true)), (4, 2, true));
        assert_eq!(told(&shown_to(Role::Holder, false)), (4, 2, true));
    }

    #[test]
    fn the_first_promise_is_shown_as_such_and_not_as_the_current_one() {
        let shown = |placed: &str, paid: Option<Promise>| {
            let json = format!(r#"{{"order_id":"a","amount":1,"status":0{placed}}}"#);
            let at = At { partition: 0, offset: 0 };
            let placed = Placed { at, received_at: 1, foreign: false, history_from: 0, traceparent: None };
            let order = Order::parse(json.as_bytes()).unwrap();
            let mut state = OrderState::undecided(order, placed, Mode::Manual);
            state.marks = Some(Box::new(Marks { promise: paid, ..Marks::default() }));
            let snapshot = View::default().snapshot(&state, Role::Holder, 1, 1, None);
            let shown: serde_json::Value = serde_json::from_slice(&snapshot).unwrap();
            assert!(shown.get("promise").is_none(), "{shown}");
            shown["promised"]["from"].as_i64()
        };
        assert_eq!(shown("", None), None);
        assert_eq!(shown(r#","promise":{"from":5,"to":6}"#, Promise::new(7, 8)), Some(5));
        assert_eq!(shown(r#","unpaid":true"#, Promise::new(7, 8)), Some(7));
    }

    #[test]
    fn nobody_can_bring_along_a_promise_of_the_line() {
        assert!(shown_to(Role::Staff, true).get("promise").is_none());
    }
}
