//! The topics, as an `AsyncAPI` 3 document: who writes what into which, and who reads it.

use barista::Positions;
use counter::shop_state::{Fact, facts};
use order::{
    CloudEvent, Command, DeadLetter, Event, Order, OrderId, OrderState,
    schema::{for_writing_draft_7, say_plainly, without_null},
    topic,
};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

const ABOUT: &str = "A line of Brewline: counters write orders down, baristas decide what becomes of them, and everyone reads \
    what is in the log. They never call each other. Orders of other programs are as welcome, and so is a barista of someone \
    else: the core is `order.received` and `order.processed`, and `docs/topics.md` says what such a program needs.\n\n\
    With `--prefix seoul.` every topic has `seoul.` before its name. An order lives in the partition where its record of \
    `order.received` landed; all that is written about it goes to the partition of that number in the other topics. \
    `shop.state` has one partition. Baristas read `read_committed`, and write what they decide in one transaction with the \
    position they have reached.";

/// How long records of topics that age are kept unless told otherwise (`--retention-days`), in days.
const RETENTION_DAYS: u64 = 30;

/// A topic.
#[derive(Clone, Copy)]
struct Channel {
    /// In the document.
    name: &'static str,
    topic: &'static str,
    about: &'static str,
    is_compacted: bool,
}

const RECEIVED: Channel = Channel {
    name: "orderReceived",
    topic: topic::RECEIVED,
    about: "Orders as they were placed.",
    is_compacted: false,
};
const PROCESSED: Channel = Channel {
    name: "orderProcessed",
    topic: topic::PROCESSED,
    about: "Orders that became ready, each once for each round.",
    is_compacted: false,
};
const COMMAND: Channel = Channel {
    name: "orderCommand",
    topic: topic::COMMAND,
    about: "What staff and customers ask of an order. Brewline's own.",
    is_compacted: false,
};
const EVENT: Channel = Channel {
    name: "orderEvent",
    topic: topic::EVENT,
    about: "Every decision: the history. Brewline's own.",
    is_compacted: false,
};
const STATE: Channel = Channel {
    name: "orderState",
    topic: topic::STATE,
    about: "The latest state of each order, and how far each partition was read. Brewline's own.",
    is_compacted: true,
};
const DLQ: Channel = Channel {
    name: "orderDlq",
    topic: topic::DLQ,
    about: "What could not be read, as it came, and marks that someone has seen to it.",
    is_compacted: false,
};
const SHOP: Channel = Channel {
    name: "shopState",
    topic: topic::SHOP,
    about: "Facts of the whole shop: the last record of a key wins. Brewline's own; other programs may read the first keys.",
    is_compacted: true,
};

const CHANNELS: [Channel; 7] = [RECEIVED, PROCESSED, COMMAND, EVENT, STATE, DLQ, SHOP];

/// One kind of records.
struct Message {
    name: &'static str,
    channel: Channel,
    summary: &'static str,
    key: Value,
    payload: Value,
    headers: Value,
    content_type: Option<&'static str>,
}

/// The document.
pub(crate) fn document() -> Value {
    let mut generator = for_writing_draft_7("/components/schemas").into_generator();
    let facts = facts(&mut generator);
    let messages = [order_messages(&mut generator), letters(), fact_messages(&facts)];
    let messages: Vec<Message> = messages.into_iter().flatten().collect();
    let mut schemas: Map<String, Value> = generator.take_definitions(true).into_iter().collect();
    schemas.values_mut().for_each(without_null);
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Brewline: the log",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "An Apache Kafka. A line in one process has the same topics in a directory of its own.",
            },
        },
        "channels": channels(&messages),
        "operations": operations(&messages),
        "components": {
            "messages": messages.iter().map(|message| (message.name.to_owned(), message.json())).collect::<Map<_, _>>(),
            "schemas": schemas,
        },
    });
    say_plainly(&mut document);
    document
}

impl Message {
    fn json(&self) -> Value {
        let mut message = json!({
            "name": self.name,
            "summary": self.summary,
            "headers": self.headers,
            "payload": self.payload,
            "bindings": {"kafka": {"key": self.key, "bindingVersion": "0.5.0"}},
        });
        if let Some(kind) = self.content_type {
            message["contentType"] = kind.into();
        }
        message
    }
}

fn order_messages(generator: &mut SchemaGenerator) -> Vec<Message> {
    // The meta-schema takes a bare reference for two things at once.
    let id = json!({"allOf": [schema::<OrderId>(generator)]});
    let order = |generator: &mut SchemaGenerator, status: u8| json!({"allOf": [schema::<Order>(generator)], "properties": {"status": {"const": status}}});
    let mut announced = order(generator, 1);
    // They stay in `order.received` and `order.state`.
    for hidden in ["note", order::REQUEST_HASH] {
        announced["properties"][hidden] = false.into();
    }
    let of = |name, channel, summary, payload| Message {
        name,
        channel,
        summary,
        key: id.clone(),
        payload,
        headers: headers(&[], &[]),
        content_type: None,
    };
    let round = (
        CloudEvent::ROUND,
        "^[1-9][0-9]*$",
        "How many times it became ready: 1; 2 after a recall. Without it: 1.",
    );
    vec![
        Message {
            headers: cloud_event(CloudEvent::RECEIVED, &[]),
            ..of("orderReceived", RECEIVED, "An order was placed.", order(generator, 0))
        },
        Message {
            headers: cloud_event(CloudEvent::PROCESSED, &[round]),
            ..of("orderProcessed", PROCESSED, "An order became ready: the bell of a round.", announced)
        },
        Message {
            headers: cloud_event("brewline.order.command", &[]),
            ..of("orderCommand", COMMAND, "Someone asks something of an order.", schema::<Command>(generator))
        },
        of("orderEvent", EVENT, "Something was decided on an order, or refused.", schema::<Event>(generator)),
        of("orderState", STATE, "How an order is now.", schema::<OrderState>(generator)),
        of("orderForgotten", STATE, "An order is remembered no longer.", json!({"type": "null"})),
        Message {
            key: json!({"const": topic::POSITIONS_KEY, "description": "No order's id begins with U+0000."}),
            ..of("positions", STATE, "How far a partition was read.", schema::<Positions>(generator))
        },
    ]
}

fn letters() -> Vec<Message> {
    let number = "^(0|[1-9][0-9]*)$";
    let letter = headers(
        &[
            (DeadLetter::REASON, ".", "Why it could not be read."),
            (
                DeadLetter::TOPIC,
                "^order\\.(received|command)$",
                "The topic that it came from, without a prefix.",
            ),
            (DeadLetter::PARTITION, number, "The partition of that."),
            (DeadLetter::OFFSET, number, "The offset in that."),
            (DeadLetter::SIZE, number, "How many bytes the value had."),
            (
                DeadLetter::SHA256,
                "^([0-9a-f]{64})?$",
                "SHA-256 of the value before it was cut; empty where it had none.",
            ),
        ],
        &[(
            DeadLetter::HEADERS_LEFT_OUT,
            number,
            "How many bytes its own headers had, where they were left out.",
        )],
    );
    let mark = headers(
        &[
            (
                DeadLetter::MARK,
                &format!("^({}|{})$", DeadLetter::RETRIED, DeadLetter::DROPPED),
                "What was done with it.",
            ),
            (DeadLetter::MARK_OFFSET, number, "The offset of the letter, in the same partition."),
        ],
        &[],
    );
    let key = json!({"description": "As it came; it may be any bytes, or missing."});
    vec![
        Message {
            name: "deadLetter",
            channel: DLQ,
            summary: "A record that could not be read, as it came; its value is cut to 256 KiB.",
            key: key.clone(),
            payload: json!({"description": "Any bytes, or none."}),
            headers: letter,
            content_type: Some("application/octet-stream"),
        },
        Message {
            name: "deadLetterMark",
            channel: DLQ,
            summary: "Someone has seen to a dead letter.",
            key,
            payload: json!({"type": "null"}),
            headers: mark,
            content_type: None,
        },
    ]
}

fn fact_messages(facts: &[Fact]) -> Vec<Message> {
    let message = |fact: &Fact| {
        let value = fact.value.clone().to_value();
        Message {
            name: fact.name,
            channel: SHOP,
            summary: fact.says,
            key: json!({"type": "string", "pattern": fact.key}),
            payload: if fact.is_taken_back {
                json!({"oneOf": [value, {"type": "null", "description": "It is so no more."}]})
            } else {
                value
            },
            headers: headers(&[], &[]),
            content_type: None,
        }
    };
    facts.iter().map(message).collect()
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// Headers as texts: their names, what they look like, and what they say. Others may be there as well.
fn headers(required: &[(&str, &str, &str)], optional: &[(&str, &str, &str)]) -> Value {
    let property = |(name, pattern, says): &(&str, &str, &str)| {
        ((*name).to_owned(), json!({"type": "string", "pattern": pattern, "description": says}))
    };
    let properties: Map<String, Value> = required.iter().chain(optional).map(property).collect();
    let mut headers = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        headers["required"] = required.iter().map(|(name, ..)| *name).collect();
    }
    headers
}

/// `CloudEvents` in binary mode, which records of other programs may lack.
fn cloud_event(kind: &str, more: &[(&str, &str, &str)]) -> Value {
    let kind = format!("^{}$", kind.replace('.', "\\."));
    let time = "^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";
    let of_all = [
        ("ce_specversion", "^1\\.0$", "The version of CloudEvents."),
        ("ce_id", ".", "Unique for its source."),
        ("ce_type", &*kind, "What happened."),
        (CloudEvent::SOURCE, "^/", "Who says so: ours begin with `/brewline/`."),
        ("ce_time", time, "When, in UTC."),
        ("traceparent", ".", "W3C trace context, if it came with one."),
    ];
    headers(&[], &[&of_all[..], more].concat())
}

fn channels(messages: &[Message]) -> Value {
    let channel = |channel: Channel| {
        let messages = messages.iter().filter(|message| message.channel.name == channel.name);
        let messages: Map<String, Value> = messages
            .map(|message| {
                let reference = format!("#/components/messages/{}", message.name);
                (message.name.to_owned(), json!({"$ref": reference}))
            })
            .collect();
        let mut settings =
            json!({"cleanup.policy": [if channel.is_compacted { "compact" } else { "delete" }]});
        if !channel.is_compacted {
            settings["retention.ms"] = (RETENTION_DAYS * 24 * 60 * 60 * 1_000).into();
        }
        let mut kafka =
            json!({"topic": channel.topic, "topicConfiguration": settings, "bindingVersion": "0.5.0"});
        if channel.topic == topic::SHOP {
            kafka["partitions"] = 1.into();
        }
        let json = json!({
            "address": channel.topic,
            "description": channel.about,
            "messages": messages,
            "bindings": {"kafka": kafka},
        });
        (channel.name.to_owned(), json)
    };
    CHANNELS.into_iter().map(channel).collect::<Map<_, _>>().into()
}

/// Who writes what, and who reads it.
fn operations(messages: &[Message]) -> Value {
    let names = |channel: Channel, wanted: &dyn Fn(&str) -> bool| -> Value {
        let of_channel =
            messages.iter().filter(|message| message.channel.name == channel.name && wanted(message.name));
        let reference = |message: &Message| json!({"$ref": format!("#/channels/{}/messages/{}", channel.name, message.name)});
        of_channel.map(reference).collect()
    };
    let operation =
        |action: &str, who: &str, channel: Channel, summary: &str, wanted: &dyn Fn(&str) -> bool| {
            json!({
                "action": action,
                "channel": {"$ref": format!("#/channels/{}", channel.name)},
                "summary": summary,
                "tags": [{"name": who}],
                "messages": names(channel, wanted),
            })
        };
    let all = |_: &str| true;
    let is_baristas = |name: &str| name == "baristaIntroduced";
    let mut operations = json!({
        "placeOrder": operation("send", "counter", RECEIVED, "Write an order down: it is accepted once it is durable.", &all),
        "askCommand": operation("send", "counter", COMMAND, "Ask something of an order, for staff or a customer.", &all),
        "sayOfShop": operation("send", "counter", SHOP, "Say what is so of the shop, and who may do what.", &|name| !is_baristas(name)),
        "seeToLetter": operation("send", "operator", DLQ, "Mark a dead letter as seen to, with `brewline dlq`.", &|name| name == "deadLetterMark"),
        "takeOrder": operation("receive", "barista", RECEIVED, "Take orders; the partitions are shared out in a group.", &all),
        "takeCommand": operation("receive", "barista", COMMAND, "Take commands of the partitions whose orders it takes.", &all),
        "restoreState": operation("receive", "barista", STATE, "Read the state of a partition before anything else.", &all),
        "decide": operation("send", "barista", EVENT, "Say what was decided.", &all),
        "keepState": operation("send", "barista", STATE, "Keep the state after it, and how far was read.", &all),
        "ringBell": operation("send", "barista", PROCESSED, "Announce an order that became ready.", &all),
        "putAside": operation("send", "barista", DLQ, "Put aside what can't be read.", &|name| name == "deadLetter"),
        "introduce": operation("send", "barista", SHOP, "Say how it works.", &is_baristas),
    });
    operations["takeOrder"]["bindings"] = json!({"kafka": {"groupId": {"type": "string", "const": "barista_group"}, "bindingVersion": "0.5.0"}});
    for channel in CHANNELS {
        let name = format!("follow{}{}", channel.name[..1].to_uppercase(), &channel.name[1..]);
        let summary = "Follow everything that is committed, in no group.";
        operations[name] = operation("receive", "counter", channel, summary, &all);
    }
    operations
}
