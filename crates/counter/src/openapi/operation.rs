//! One request: who may ask it, with what, and all that may be answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{parameters::Parameter, schemas::Schemas};
use crate::problem::Code;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const STREAM: &str = "text/event-stream";

/// Who may ask something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The same for everyone: who asks is not looked at.
    Everyone,
    /// Whoever knows an order's id; staff who say so see and may do more.
    Anyone,
    /// Staff.
    Staff,
    /// Everyone, or staff alone: the shop says so.
    AsTheShopSays,
    /// Managers.
    Manager,
}

impl Who {
    fn security(self) -> Value {
        match self {
            Self::Everyone => json!([]),
            Self::Anyone | Self::AsTheShopSays => json!([{}, {"token": []}, {"session": []}]),
            Self::Staff => json!([{"token": ["barista"]}, {"session": ["barista"]}]),
            Self::Manager => json!([{"token": ["manager"]}, {"session": ["manager"]}]),
        }
    }

    fn in_words(self) -> Option<&'static str> {
        match self {
            Self::Everyone => None,
            Self::Anyone => Some(
                "For everyone who knows the order's id; staff say with a token or `Brewline-As` who they are.",
            ),
            Self::AsTheShopSays => Some("For everyone; for staff alone in a shop whose `by_amount` says so."),
            Self::Staff => Some("For staff."),
            Self::Manager => Some("For managers."),
        }
    }
}

/// How a request says who sends it.
pub(super) fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A program's token. The first one is shown once, at the first start of a line, and is a manager's; \
                            a manager makes others with `POST /tokens`. Roles: `barista`, and `manager`, who may do all \
                            that a barista may.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "brewline_session_LINE",
            "description": "The cookie of a device that was signed in with `POST /session`. `LINE` is 16 hexadecimal digits \
                            that tell the line. What changes something by it must come from a page of this counter \
                            (`Sec-Fetch-Site`, or `Origin`).",
        },
    })
}

/// One request.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The codes of the problems that it may be answered with.
    pub(super) problems: BTreeSet<Code>,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    more: Option<&'static str>,
    who: Who,
    parameters: Vec<Parameter>,
    body: Option<Value>,
    answers: BTreeMap<u16, Answer>,
}

#[derive(Debug, Default)]
struct Answer {
    description: String,
    headers: Map<String, Value>,
    /// By media type.
    content: Map<String, Value>,
    /// What can be asked next, with what is in the answer.
    links: Map<String, Value>,
}

impl Operation {
    /// `method` and path as in `GET /shop`; `id` is what generated clients call it.
    pub(super) fn new(
        request: &'static str,
        tag: &'static str,
        id: &'static str,
        who: Who,
        summary: &'static str,
    ) -> Self {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let method = match method {
            "GET" => "get",
            "POST" => "post",
            "PUT" => "put",
            "DELETE" => "delete",
            other => panic!("{other} is no method of ours"),
        };
        let asked = Self {
            method,
            path,
            problems: BTreeSet::new(),
            id,
            tag,
            summary,
            more: None,
            who,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
        };
        let asked = match who {
            Who::Everyone => asked,
            Who::Anyone => asked
                .problems(&[Code::BadField, Code::Unauthorized, Code::SignedOut, Code::Starting])
                .with(Parameter::BrewlineAs),
            Who::Staff | Who::AsTheShopSays => {
                asked.problems(&[Code::Unauthorized, Code::SignedOut, Code::Starting])
            }
            Who::Manager => {
                asked.problems(&[Code::Unauthorized, Code::SignedOut, Code::ManagersOnly, Code::Starting])
            }
        };
        if who != Who::Everyone && method != "get" { asked.problems(&[Code::CrossSite]) } else { asked }
    }

    /// What else there is to say of it.
    pub(super) fn more(mut self, text: &'static str) -> Self {
        self.more = Some(text);
        self
    }

    /// It reads this, and refuses what it can't read.
    pub(super) fn with(mut self, parameter: Parameter) -> Self {
        self.problems.extend(parameter.problems());
        self.names(parameter)
    }

    /// It reads this, and takes what it can't read for nothing.
    pub(super) fn names(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    pub(super) fn problems(mut self, codes: &[Code]) -> Self {
        self.problems.extend(codes);
        self
    }

    /// What comes of writing into the log.
    pub(super) fn writes(self) -> Self {
        self.problems(&[Code::NotWritten, Code::OutcomeUnknown, Code::Starting])
    }

    /// What comes of looking at the past.
    pub(super) fn looks_back(self) -> Self {
        self.with(Parameter::Moment).problems(&[Code::Busy, Code::PastGone, Code::HistoryDamaged])
    }

    /// It takes this as JSON.
    pub(super) fn takes(mut self, schema: &Value) -> Self {
        self.body = Some(json!({"required": true, "content": {JSON: {"schema": schema}}}));
        self.reads_body().problems(&[Code::UnsupportedMediaType])
    }

    /// It takes a text.
    pub(super) fn takes_text(mut self, description: &str, schema: &Value) -> Self {
        let content = json!({"text/plain": {"schema": schema}});
        self.body = Some(json!({"required": true, "description": description, "content": content}));
        self.reads_body()
    }

    fn reads_body(self) -> Self {
        self.problems(&[Code::BadJson, Code::BodyTooLarge, Code::RequestTimeout, Code::Busy])
    }

    fn answer(mut self, status: u16, description: impl Into<String>, kind: &str, schema: Value) -> Self {
        let answer = self.answers.entry(status);
        let answer =
            answer.or_insert_with(|| Answer { description: description.into(), ..Answer::default() });
        answer.content.insert(kind.to_owned(), schema);
        self
    }

    /// It is answered with this as JSON.
    pub(super) fn json_answer(self, status: u16, description: &str, schema: &Value) -> Self {
        self.answer(status, description, JSON, json!({"schema": schema}))
    }

    /// It is answered with a text or a file of this type.
    pub(super) fn file(self, status: u16, description: &str, kind: &str) -> Self {
        let is_text = kind.starts_with("text/")
            || kind.contains("svg")
            || kind.contains("openmetrics")
            || kind.contains("jsonl");
        let schema = if is_text { json!({"schema": {"type": "string"}}) } else { json!({}) };
        self.answer(status, description, kind, schema)
    }

    /// It is answered without a body.
    pub(super) fn nothing(mut self, status: u16, description: &str) -> Self {
        let answer = Answer { description: description.to_owned(), ..Answer::default() };
        self.answers.insert(status, answer);
        self
    }

    /// That answer has this header.
    pub(super) fn header(mut self, status: u16, name: &str, description: &str) -> Self {
        let header = json!({"description": description, "schema": {"type": "string"}});
        if let Some(answer) = self.answers.get_mut(&status) {
            answer.headers.insert(name.to_owned(), header);
        }
        self
    }

    /// With that answer this can be asked next: an operation by its id, its parameter in the path or the query, and where in
    /// the answer that stands.
    pub(super) fn leads_to(self, status: u16, next: &str, parameter: &str, pointer: &str) -> Self {
        let parameters = json!({parameter: format!("$response.body#{pointer}")});
        self.link(status, next, json!({"operationId": next, "parameters": parameters}))
    }

    /// The same of one that takes a body.
    pub(super) fn leads_to_body(self, status: u16, next: &str, body: &Value) -> Self {
        self.link(status, next, json!({"operationId": next, "requestBody": body}))
    }

    fn link(mut self, status: u16, next: &str, link: Value) -> Self {
        let answer = self.answers.get_mut(&status).expect("an answer stands before its links");
        answer.links.insert(next.to_owned(), link);
        self
    }

    /// It is answered with a stream of these events: the name of each, when it comes, and what it holds.
    pub(super) fn stream(self, events: &[(&str, &str, Value)]) -> Self {
        let events: Map<String, Value> = events
            .iter()
            .map(|(name, when, schema)| ((*name).to_owned(), json!({"description": when, "schema": schema})))
            .collect();
        let stream = json!({"schema": {"type": "string"}, "x-events": events});
        self.problems(&[Code::TooManyStreams]).answer(
            200,
            "A stream that goes on until either side closes it.",
            STREAM,
            stream,
        )
    }

    /// The operation as the document has it.
    pub(super) fn json(&self, schemas: &mut Schemas) -> Value {
        let mut responses = Map::new();
        for (status, answer) in &self.answers {
            let mut response = json!({"description": answer.description});
            if !answer.headers.is_empty() {
                response["headers"] = answer.headers.clone().into();
            }
            if !answer.content.is_empty() {
                response["content"] = answer.content.clone().into();
            }
            if !answer.links.is_empty() {
                response["links"] = answer.links.clone().into();
            }
            responses.insert(status.to_string(), response);
        }
        for (status, codes) in self.by_status() {
            let refusal = refusal(status, &codes, schemas);
            match responses.get_mut(&status.to_string()) {
                // A status that is an answer of its own, and a refusal as well.
                Some(response) => response["content"][PROBLEM] = refusal["content"][PROBLEM].clone(),
                None => drop(responses.insert(status.to_string(), refusal)),
            }
        }
        let words = [self.who.in_words(), self.more];
        let description: Vec<&str> = words.into_iter().flatten().collect();
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag],
            "security": self.who.security(),
            "responses": responses,
        });
        if !description.is_empty() {
            operation["description"] = description.join(" ").into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.iter().map(|parameter| parameter.json()).collect();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation
    }

    fn by_status(&self) -> BTreeMap<u16, Vec<Code>> {
        let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
        for code in &self.problems {
            by_status.entry(code.status().as_u16()).or_default().push(*code);
        }
        by_status
    }
}

/// All that a request may be refused with by this status.
fn refusal(status: u16, codes: &[Code], schemas: &mut Schemas) -> Value {
    let mut codes = codes.to_vec();
    codes.sort_unstable_by_key(|code| code.name());
    let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
    let titles: Vec<_> = codes.iter().map(|code| format!("`{}`: {}.", code.name(), code.title())).collect();
    let mut refusal = json!({
        "description": titles.join(" "),
        "content": {PROBLEM: {"schema": {
            "allOf": [schemas.problem()],
            "properties": {"code": {"enum": names}, "status": {"const": status}},
        }}},
    });
    let mut headers = Map::new();
    if matches!(status, 429 | 503) {
        let text = "After how many seconds it is worth asking again, where that makes sense.";
        headers.insert(
            "Retry-After".to_owned(),
            json!({"description": text, "schema": {"type": "integer", "minimum": 0}}),
        );
    }
    if status == 401 && codes.contains(&Code::Unauthorized) {
        headers.insert("WWW-Authenticate".to_owned(), json!({"schema": {"type": "string"}}));
    }
    if !headers.is_empty() {
        refusal["headers"] = headers.into();
    }
    refusal
}
