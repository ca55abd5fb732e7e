//! What stands in paths, queries and headers.

use order::{Limits, schema};
use serde_json::{Value, json};

use crate::{http::limits, idempotency, problem::Code};

/// Name, description, schema.
type Said = (&'static str, &'static str, Value);

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// An order's id in the path.
    OrderId,
    /// Cups, in the query.
    Amount,
    /// Where an order stands in the log, in the query.
    Place,
    /// A moment that has passed, in the query.
    Moment,
    /// Which orders, in the query.
    Live,
    /// The same.
    Recent,
    /// The language of a page.
    Language,
    /// What is looked for in the ledger.
    Query,
    /// Which orders of the ledger.
    Filter,
    /// Behind which order.
    After,
    /// How many orders.
    Limit,
    /// In which form a day is wanted.
    Format,
    /// Which day.
    Day,
    /// An item or a choice in the path.
    SoldOutId,
    /// A bar page's name in the path.
    BarName,
    /// A device's id in the path.
    DeviceId,
    /// A token's id in the path.
    TokenId,
    /// Which build the pages are of.
    Hash,
    /// A file below that.
    File,
    /// A request that is not to be done twice.
    IdempotencyKey,
    /// A customer's device.
    BrewlineDevice,
    /// Staff who say that they ask as staff.
    BrewlineAs,
    /// The last event that a client has.
    LastEventId,
    /// A trace that goes on.
    Traceparent,
}

impl Parameter {
    /// With which problems a bad one is answered.
    pub(super) fn problems(self) -> &'static [Code] {
        match self {
            Self::OrderId => &[Code::BadId],
            Self::Amount => &[Code::BadAmount],
            Self::IdempotencyKey => &[Code::BadKey],
            Self::Place
            | Self::Moment
            | Self::Live
            | Self::Recent
            | Self::Query
            | Self::Filter
            | Self::After
            | Self::Limit
            | Self::Format
            | Self::Day
            | Self::SoldOutId
            | Self::BarName
            | Self::BrewlineAs => &[Code::BadField],
            Self::Language
            | Self::DeviceId
            | Self::TokenId
            | Self::Hash
            | Self::File
            | Self::BrewlineDevice
            | Self::LastEventId
            | Self::Traceparent => &[],
        }
    }

    /// As an operation names it.
    pub(super) fn json(self) -> Value {
        json!({"$ref": format!("#/components/parameters/{self:?}")})
    }

    fn described(self) -> Value {
        let said = [("path", self.in_path()), ("query", self.in_query()), ("header", self.in_header())];
        let said = said.into_iter().find_map(|(place, said)| Some((place, said?)));
        let (place, (name, description, schema)) = said.expect("each stands in one of them");
        let is_required = place == "path" || matches!(self, Self::Amount | Self::Format);
        let mut parameter = json!({
            "in": place,
            "name": name,
            "description": description,
            "required": is_required,
            "schema": schema,
        });
        if matches!(self, Self::Live | Self::Recent) {
            parameter["allowEmptyValue"] = true.into();
        }
        parameter
    }

    /// What stands in paths: name, description, schema.
    fn in_path(self) -> Option<Said> {
        Some(match self {
            Self::OrderId => (
                "id",
                "The order's id.",
                json!({"type": "string", "minLength": 1, "maxLength": Limits::ID_BYTES, "pattern": schema::ORDER_ID}),
            ),
            Self::SoldOutId => (
                "id",
                "The id of an item, or of a choice as `milk/oat`. Its slash may stand there as it is, or as `%2F`.",
                json!({"type": "string", "pattern": shop::schema::sold_out_id()}),
            ),
            Self::BarName => (
                "name",
                "What the bar page is called.",
                json!({"type": "string", "minLength": 1, "maxLength": Limits::DEVICE_CHARS, "pattern": schema::TEXT}),
            ),
            Self::DeviceId => ("id", "The device's id.", json!({"type": "string", "minLength": 1})),
            Self::TokenId => ("id", "The token's id.", json!({"type": "string", "minLength": 1})),
            Self::Hash => (
                "hash",
                "Which build; a page names the one that it is of.",
                json!({"type": "string", "minLength": 1}),
            ),
            Self::File => ("path", "The file.", json!({"type": "string", "minLength": 1})),
            _ => return None,
        })
    }

    /// The same of queries.
    fn in_query(self) -> Option<Said> {
        Some(match self {
            Self::Amount => (
                "amount",
                "Number of cups.",
                json!({"type": "integer", "minimum": 1, "maximum": Limits::AMOUNT}),
            ),
            Self::Place => (
                "at",
                "Where the order stands in the log, PARTITION.OFFSET, as its `Location` has it: a counter that has not read \
                 that far says so, and does not say that there is no such order.",
                json!({"type": "string", "pattern": "^(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,17})$"}),
            ),
            Self::Moment => (
                "at",
                "As it was at this moment, in milliseconds since 1970; for managers.",
                json!({"type": "integer", "format": "int64", "minimum": 0}),
            ),
            Self::Live => ("live", "All live orders.", json!({"const": ""})),
            Self::Recent => ("recent", "Those that were ready or finished last.", json!({"const": ""})),
            Self::Language => (
                "lang",
                "The language, `en` or `ko`, instead of the one that `Accept-Language` likes most; another one is as good as none.",
                json!({"examples": ["en", "ko"]}),
            ),
            Self::Query => (
                "q",
                "Each word must stand in the names of drinks and options, the pickup code, the ticket number, the state or \
                 the id.",
                json!({"type": "string", "maxLength": limits::QUERY_CHARS}),
            ),
            Self::Filter => (
                "filter",
                "Only these.",
                json!({"enum": ["all", "open", "late", "remade", "cancelled"], "default": "all"}),
            ),
            Self::After => {
                ("after", "Those behind this one: `next` of the page before.", json!({"type": "string"}))
            }
            Self::Limit => (
                "limit",
                "At most so many.",
                json!({"type": "integer", "minimum": 1, "maximum": limits::LIMIT, "default": limits::LIMIT}),
            ),
            Self::Format => ("format", "In which form.", json!({"enum": ["csv", "jsonl"]})),
            Self::Day => (
                "day",
                "Which business day, by its local date; without it today.",
                json!({"type": "string", "format": "date"}),
            ),
            _ => return None,
        })
    }

    /// The same of headers.
    fn in_header(self) -> Option<Said> {
        Some(match self {
            Self::IdempotencyKey => (
                "Idempotency-Key",
                "The same request with the same key is done once.",
                json!({
                    "type": "string",
                    "minLength": idempotency::KEY_CHARS.start(),
                    "maxLength": idempotency::KEY_CHARS.end(),
                    "pattern": "^[!-~]+$",
                }),
            ),
            Self::BrewlineDevice => (
                "Brewline-Device",
                "What the page calls the device that it is on; orders are counted by it.",
                json!({"type": "string"}),
            ),
            Self::BrewlineAs => (
                "Brewline-As",
                "With `staff` the cookie of a session counts here, where guests ask, too.",
                json!({"enum": ["staff"]}),
            ),
            Self::LastEventId => (
                "Last-Event-ID",
                "The last event that the client has. One that nobody gave is as good as none.",
                json!({"type": "string"}),
            ),
            Self::Traceparent => (
                "traceparent",
                "W3C trace context, which goes along with what is written. One that is none is left out.",
                json!({"type": "string"}),
            ),
            _ => return None,
        })
    }

    const ALL: [Self; 24] = [
        Self::OrderId,
        Self::Amount,
        Self::Place,
        Self::Moment,
        Self::Live,
        Self::Recent,
        Self::Language,
        Self::Query,
        Self::Filter,
        Self::After,
        Self::Limit,
        Self::Format,
        Self::Day,
        Self::SoldOutId,
        Self::BarName,
        Self::DeviceId,
        Self::TokenId,
        Self::Hash,
        Self::File,
        Self::IdempotencyKey,
        Self::BrewlineDevice,
        Self::BrewlineAs,
        Self::LastEventId,
        Self::Traceparent,
    ];
}

/// All of them, by their names.
pub(super) fn components() -> Value {
    Parameter::ALL
        .iter()
        .map(|parameter| (format!("{parameter:?}"), parameter.described()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
