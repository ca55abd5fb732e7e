//! What a request is answered when it can't be done: RFC 9457, with a code that never changes its meaning.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use order::BadText;
use serde::Serialize;
use serde_json::Value;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// Why a request was not done. Stable: programs may rely on the names. `docs/errors.md` explains each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            /// What it means, in a few words that are the same each time.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    /// `amount` is missing, no whole number, or out of range.
    BadAmount = "bad_amount", BAD_REQUEST, "The amount is not a number of cups";
    /// A field is not what it may be.
    BadField = "bad_field", BAD_REQUEST, "A field can't be used as it is";
    /// The body is no JSON object.
    BadJson = "bad_json", BAD_REQUEST, "The body is not usable JSON";
    /// `Idempotency-Key` is no key.
    BadKey = "bad_key", BAD_REQUEST, "The Idempotency-Key can't be used as it is";
    /// What stands in the path is no order id.
    BadId = "bad_id", BAD_REQUEST, "That is no order id";
    /// The order has no such line.
    NoSuchLine = "no_such_line", BAD_REQUEST, "The order has no such line";
    /// The token is wrong, or there is neither a token nor a session.
    Unauthorized = "unauthorized", UNAUTHORIZED, "This is for staff";
    /// The session is over.
    SignedOut = "signed_out", UNAUTHORIZED, "The device is signed out";
    /// Only a manager may ask this.
    ManagersOnly = "managers_only", FORBIDDEN, "This is for managers";
    /// A page of another site asked.
    CrossSite = "cross_site", FORBIDDEN, "Another site sent this";
    /// There is no such code.
    WrongCode = "wrong_code", FORBIDDEN, "The code is wrong";
    /// Wrong codes came before, and the wait after them is not over.
    TooManyCodes = "too_many_codes", TOO_MANY_REQUESTS, "Codes are tried too fast";
    /// A device was signed in with it before.
    CodeUsed = "code_used", GONE, "The code was used before";
    /// It was good for a while.
    CodeExpired = "code_expired", GONE, "The code is too old";
    /// The sender may not ask this.
    NotAllowed = "not_allowed", FORBIDDEN, "The sender may not ask this";
    /// There is nothing at this path.
    NotFound = "not_found", NOT_FOUND, "There is nothing here";
    /// Nobody knows this order.
    UnknownOrder = "unknown_order", NOT_FOUND, "Nobody knows this order";
    /// This path does not do that.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Wrong method";
    /// The body did not come in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// The order is no longer as the sender saw it.
    Changed = "changed", CONFLICT, "The order has changed since";
    /// An order in this state can't do this.
    WrongState = "wrong_state", CONFLICT, "The order's state does not allow it";
    /// It waits for payment.
    Unpaid = "unpaid", CONFLICT, "The order waits for payment";
    /// It does not wait for payment.
    NotUnpaid = "not_unpaid", CONFLICT, "The order does not wait for payment";
    /// No barista of ours decides here.
    NoBarista = "no_barista", CONFLICT, "Nobody decides at the moment";
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is no JSON by its own word.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    /// Phones can't reach this counter.
    NoPublicAddress = "no_public_address", CONFLICT, "Phones can't reach this counter";
    /// Others keep the log, and make copies of it.
    NoBackup = "no_backup", CONFLICT, "The log is not this counter's to back up";
    /// The shop has no printer.
    NoPrinter = "no_printer", CONFLICT, "This counter has no printer";
    /// The key stands for another request.
    KeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for something else";
    /// No item of the menu has this id.
    UnknownItem = "unknown_item", UNPROCESSABLE_ENTITY, "There is no such item on the menu";
    /// The item has no such option.
    UnknownOption = "unknown_option", UNPROCESSABLE_ENTITY, "The item has no such option";
    /// Something that was ordered is sold out.
    SoldOut = "sold_out", CONFLICT, "Something is sold out";
    /// It costs something else than the sender says.
    PriceChanged = "price_changed", CONFLICT, "The price is another one now";
    /// It has more cups than the shop takes from a phone at once.
    OrderTooLarge = "order_too_large", UNPROCESSABLE_ENTITY, "The order is too large for a phone";
    /// Customers are to come back in a while.
    OrderingPaused = "ordering_paused", SERVICE_UNAVAILABLE, "Ordering is paused";
    /// The shop is closed, or about to.
    ShopClosed = "shop_closed", CONFLICT, "The shop is closed";
    /// Nobody looks at orders of customers.
    OrderAtTill = "order_at_till", CONFLICT, "Orders are taken at the till";
    /// Too many streams are open, in all or from one address.
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "Too many streams are open";
    /// Too many orders came from one device or one address.
    TooManyOrders = "too_many_orders", TOO_MANY_REQUESTS, "Too many orders came from there";
    /// Too many of these run already.
    Busy = "busy", SERVICE_UNAVAILABLE, "Too many of these run already";
    /// Plain HTTP on a port with TLS.
    HttpsOnly = "https_only", BAD_REQUEST, "This port speaks https";
    /// The view has not caught up with the log, or can't read it.
    Starting = "starting", SERVICE_UNAVAILABLE, "The counter is still reading the log";
    /// Too many orders are open.
    QueueFull = "queue_full", SERVICE_UNAVAILABLE, "Too many orders are open";
    /// The log did not take it; nothing was written.
    NotWritten = "not_written", SERVICE_UNAVAILABLE, "The log did not take it";
    /// The log may have taken it.
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, "Nobody knows whether the log took it";
    /// The log does not reach back so far.
    PastGone = "past_gone", GONE, "The log does not reach back so far";
    /// What the log has of an order's past is damaged.
    HistoryDamaged = "history_damaged", INTERNAL_SERVER_ERROR, "The order's history is damaged";
}

/// Why a request was not done, with what the caller needs to go on.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem; `detail` is one sentence for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), members: Vec::new(), headers: Vec::new() }
    }

    /// With a member beside the ones that all have.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With the time after which it is worth asking again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// A field that is not what it may be.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::new(Code::BadField, detail).with("field", field)
    }

    /// A field whose text may not stand on screens and printers.
    pub fn text(field: &str, why: BadText) -> Self {
        let problem = Self::field(field, format!("{field} {why}."));
        match why {
            BadText::TooLong { max, .. } => problem.with("range", format!("0..{max}")),
            BadText::Control => problem,
        }
    }

    /// The view was cut off from the log, and can't say what is not in it.
    pub fn cut_off() -> Self {
        Self::new(
            Code::Starting,
            "This counter can't read the log to its end at the moment, so it does not know whether there is such an \
             order; ask again in a second.",
        )
        .retry_after(1)
    }

    /// The view is not as young as a request that may be a repeat.
    pub fn behind() -> Self {
        Self::new(
            Code::Starting,
            "This counter has not read the log as far as this request yet, so it can't say whether the order was \
             placed before; ask again with the same Idempotency-Key.",
        )
        .retry_after(1)
    }

    /// The view has not caught up with the log.
    pub fn starting() -> Self {
        Self::new(Code::Starting, "This counter has not read the log to its end yet; ask again in a second.")
            .retry_after(1)
    }
}

#[derive(Serialize)]
struct Shape<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

/// A refusal (RFC 9457). Which of the members after `code` it has hangs on that.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "it is written member by member, and described as a whole")]
pub(crate) struct Described {
    /// The code as a URN.
    #[schemars(pattern("^urn:brewline:problem:[a-z_]+$"))]
    r#type: String,
    /// What the code means, in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// One sentence for people; it may change.
    detail: String,
    /// Stable: programs may rely on it.
    #[schemars(pattern("^[a-z_]+$"))]
    code: String,
    #[serde(flatten)]
    members: Members,
}

/// What a caller needs to go on.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it is written member by member, and described as a whole")]
struct Members {
    /// Which field, parameter or header it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What it may be: `1..1000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    /// The order that it is about, or that may exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<order::OrderId>,
    /// The command that may exist: say it as `Idempotency-Key` to hear what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<order::CommandId>,
    /// By what was read up to this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<order::Millis>,
    /// The state of the order as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<order::Stage>,
    /// Its round.
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
    /// The order as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::view::snapshot::Snapshot>")]
    order: Option<()>,
    /// The version of the menu that this counter has.
    #[serde(skip_serializing_if = "Option::is_none")]
    menu: Option<String>,
    /// What is sold out: items, and choices as `milk/oat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_out: Option<Vec<String>>,
    /// What the order costs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// In which currency: ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// What one of each line costs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<PricedLine>>,
    /// What is told to customers: see `GET /shop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering: Option<shop::ordering::State>,
    /// Why: of what the shop says as `GET /shop` has it, of what the log says a word that stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When the shop opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<order::Millis>,
    /// When ordering goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    reopens_at: Option<order::Millis>,
    /// Since when the log has everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_from: Option<order::Millis>,
    /// On which port the counter listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The bound that was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    /// How many bytes are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    /// How many orders may be open.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_open: Option<u64>,
    /// How many bytes open orders may have together.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_open_bytes: Option<u64>,
    /// Whose orders were too many: `address` or `device`.
    #[serde(skip_serializing_if = "Option::is_none")]
    whose: Option<String>,
}

/// What one of a line costs.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it is written as a value, and described here")]
struct PricedLine {
    item: String,
    unit_price: u64,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { code, detail, members, headers } = self;
        let shape = Shape {
            kind: format!("urn:brewline:problem:{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: &detail,
            code: code.name(),
        };
        let mut json = serde_json::to_value(shape).expect("text and a number");
        if let Value::Object(object) = &mut json {
            object.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let mut response = Response::new(Body::from(json.to_string()));
        *response.status_mut() = code.status();
        let into = response.headers_mut();
        into.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        into.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        into.extend(headers);
        // The server counts refusals by it.
        response.extensions_mut().insert(code);
        response
    }
}
