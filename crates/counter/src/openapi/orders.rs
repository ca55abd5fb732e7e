//! Placing orders, looking at them, and asking something of them.

use order::Order;

use super::{
    operation::{Operation, Who},
    parameters::Parameter as P,
    schemas::Schemas,
};
use crate::{
    http::described::{
        Age, Ask, Beat, Board, CatchingUp, History, Live, NewOrder, NoOrder, OrderHeartbeat, PrintSays,
        Printing, Recent, Times, Waiting,
    },
    printing::Shown as Printer,
    problem::Code as C,
    view::snapshot::Snapshot,
};

pub(super) const TAG: &str = "Orders";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let snapshot = schemas.answer::<Snapshot>();
    [placing(schemas), looking(schemas), asking(schemas, &snapshot), watching(schemas, &snapshot)]
        .into_iter()
        .flatten()
        .collect()
}

impl Operation {
    /// The answer has an order's id, and whoever has that may look at it and ask something of it.
    fn leads_to_order(self, status: u16) -> Self {
        ["showOrder", "followOrder", "commandOrder", "tellOrder", "printOrder"]
            .into_iter()
            .fold(self, |asked, next| asked.leads_to(status, next, "id", "/order_id"))
    }
}

fn placing(schemas: &mut Schemas) -> Vec<Operation> {
    let location = "Where the order is looked at, with its place in the log.";
    let keyed = "The same `Idempotency-Key` with the same request gets the first order, on any counter, after any restart, \
                 as long as the order is remembered.";
    vec![
        Operation::new("POST /order", TAG, "placeCups", Who::AsTheShopSays, "Place an order of so many cups")
            .more(keyed)
            .with(P::Amount)
            .with(P::IdempotencyKey)
            .with(P::Traceparent)
            .json_answer(202, "The order is accepted, and durable.", &schemas.answer::<Order>())
            .header(202, "Location", location)
            .leads_to_order(202)
            .problems(&[
                C::BadJson,
                C::BodyTooLarge,
                C::RequestTimeout,
                C::Busy,
                C::CrossSite,
                C::KeyReused,
                C::QueueFull,
            ])
            .writes(),
        Operation::new(
            "POST /orders",
            TAG,
            "placeOrder",
            Who::Anyone,
            "Place an order, with items from the menu if there is one",
        )
        .more(keyed)
        .with(P::IdempotencyKey)
        .with(P::BrewlineDevice)
        .with(P::Traceparent)
        .takes(&schemas.body::<NewOrder>())
        .json_answer(201, "The order is accepted, and durable.", &schemas.answer::<Order>())
        .header(201, "Location", location)
        .leads_to_order(201)
        .problems(&[
            C::BadAmount,
            C::KeyReused,
            C::UnknownItem,
            C::UnknownOption,
            C::OrderTooLarge,
            C::SoldOut,
            C::PriceChanged,
            C::ShopClosed,
            C::OrderAtTill,
            C::OrderingPaused,
            C::TooManyOrders,
            C::QueueFull,
        ])
        .writes(),
    ]
}

fn looking(schemas: &mut Schemas) -> Vec<Operation> {
    let lists = serde_json::json!({"anyOf": [schemas.answer::<Live>(), schemas.answer::<Recent>()]});
    let board = schemas.answer::<Board>();
    let aged = Schemas::all(&[schemas.answer::<Times>(), board.clone()]);
    vec![
        Operation::new("GET /orders/{id}", TAG, "showOrder", Who::Anyone, "Show an order as it is now")
            .with(P::OrderId)
            .with(P::Place)
            .json_answer(200, "The order.", &schemas.answer::<Snapshot>())
            .json_answer(
                202,
                "The order is in the log, and this counter has not read that far.",
                &schemas.answer::<CatchingUp<'_>>(),
            )
            .problems(&[C::UnknownOrder]),
        Operation::new("GET /orders", TAG, "listOrders", Who::Staff, "List live orders, recent ones, or those of a moment")
            .more("Say one of `live`, `recent` and `at`. At most 1,000 live orders are listed, and 100 recent ones.")
            .with(P::Live)
            .with(P::Recent)
            .looks_back()
            .problems(&[C::ManagersOnly])
            .json_answer(200, "The orders.", &lists),
        Operation::new("GET /orders/{id}/history", TAG, "tellOrder", Who::Staff, "Tell every decision on an order")
            .more("Those of orders that nobody remembers are for managers.")
            .with(P::OrderId)
            .looks_back()
            .problems(&[C::UnknownOrder])
            .json_answer(200, "What the log says of it.", &schemas.answer::<History>()),
        Operation::new("GET /board/codes", TAG, "showBoard", Who::Everyone, "Show the pickup codes by state")
            .looks_back()
            .problems(&[C::Unauthorized, C::SignedOut, C::ManagersOnly, C::Starting])
            .json_answer(
                200,
                "The board; how fresh it is where no moment was asked for.",
                &serde_json::json!({"anyOf": [aged, board]}),
            ),
    ]
}

fn asking(schemas: &mut Schemas, snapshot: &serde_json::Value) -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /orders/{id}/commands",
            TAG,
            "commandOrder",
            Who::Anyone,
            "Ask something of an order",
        )
        .more("An `Idempotency-Key` is the command's id: a repeat gets the first answer.")
        .with(P::OrderId)
        .with(P::Place)
        .with(P::IdempotencyKey)
        .with(P::Traceparent)
        .takes(&schemas.body::<Ask>())
        .json_answer(200, "It is done; the order after it.", snapshot)
        .leads_to_order(200)
        .json_answer(202, "Nobody answered in time, but somebody decides.", &schemas.answer::<Waiting<'_>>())
        .problems(&[
            C::UnknownOrder,
            C::NotAllowed,
            C::Changed,
            C::WrongState,
            C::Unpaid,
            C::NotUnpaid,
            C::NoSuchLine,
            C::NoBarista,
            C::KeyReused,
            C::QueueFull,
        ])
        .writes(),
        Operation::new(
            "POST /orders/{id}/print",
            TAG,
            "printOrder",
            Who::Staff,
            "Print a sheet of an order once more",
        )
        .with(P::OrderId)
        .takes(&schemas.body::<PrintSays>())
        .json_answer(202, "It waits to be printed.", &schemas.answer::<Printing>())
        .problems(&[C::UnknownOrder, C::NoPrinter, C::Busy])
        .writes(),
    ]
}

fn watching(schemas: &mut Schemas, snapshot: &serde_json::Value) -> Vec<Operation> {
    let (age, none) = (schemas.answer::<Age>(), schemas.answer::<NoOrder<'_>>());
    let beat = schemas.answer::<OrderHeartbeat>();
    let board = Schemas::all(&[schemas.answer::<Times>(), schemas.answer::<Board>()]);
    let all = Schemas::all(&[age.clone(), schemas.answer::<Beat>()]);
    vec![
        Operation::new("GET /orders/{id}/events", TAG, "followOrder", Who::Anyone, "Follow an order")
            .more("The id of an event is the order's version.")
            .with(P::OrderId)
            .with(P::LastEventId)
            .stream(&[
                ("order", "At first, and whenever it changes.", snapshot.clone()),
                ("heartbeat", "Every 10 s while nothing else happens.", beat.clone()),
                ("waiting", "While the counter has not read the log to its end.", beat),
                ("unknown", "Nobody knows such an order; the stream waits a minute for one.", none.clone()),
                ("forgotten", "It is remembered no longer; the stream ends.", none),
            ]),
        Operation::new("GET /events", TAG, "followOrders", Who::Staff, "Follow all orders")
            .with(P::LastEventId)
            .stream(&[
                (
                    "snapshot",
                    "At first, unless `Last-Event-ID` says what the client has.",
                    schemas.answer::<Live>(),
                ),
                ("order", "Whenever one has changed.", snapshot.clone()),
                ("printer", "Whenever the shop's printer has changed.", schemas.answer::<Printer>()),
                ("heartbeat", "At least every 2 s.", all),
            ]),
        Operation::new(
            "GET /board/events",
            TAG,
            "followBoard",
            Who::Everyone,
            "Follow the pickup codes by state",
        )
        .stream(&[
            ("board", "At first, and whenever it changes.", board),
            ("heartbeat", "At least every 2 s.", age),
        ]),
    ]
}
