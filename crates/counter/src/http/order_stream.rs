//! `GET /orders/{id}/events`: one order as it goes on its way.

use std::{sync::Arc, time::Duration};

use ::order::{Millis, OrderId, Promise, Role, Stage};
use axum::{Extension, extract::State, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use traces::Tracer;

use super::{Client, Id, sse};
use crate::{
    access::{Caller, Credential},
    app::App,
    clock,
    problem::Problem,
    seats::Seat,
    steps::Ringing,
    view::{Queue, Views, Watching},
};

/// How long a stream waits for an order that nobody knows: someone may be about to place it.
const UNKNOWN: Duration = Duration::from_mins(1);
/// How soon a stream looks again for an order that was not there.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// `GET /orders/{id}/events`
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Extension(Client(client)): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = Credential::of_anyone(&Method::GET, &headers)?;
    who.caller_once_known(&app)?;
    let seat = app.seats.take(client)?;
    let pager = Pager {
        watching: app.views.watch(id),
        who,
        talk: Talk {
            told: sse::last_event_id(&headers).and_then(|id| id.parse().ok()),
            was_there: false,
            said_waiting: false,
            said_unknown: false,
            over: false,
            rung: None,
            ringing: None,
            began: clock::now(),
        },
        unknown_until: Instant::now() + UNKNOWN,
        heartbeat: Instant::now() + app.settings.heartbeat,
        greeted: false,
        app,
        _seat: seat,
    };
    Ok(sse::stream(stream::unfold(pager, |mut pager| async {
        let event = pager.next().await?;
        Some((event, pager))
    })))
}

/// One open stream.
struct Pager {
    app: Arc<App>,
    who: Credential,
    watching: Watching,
    talk: Talk,
    unknown_until: Instant,
    heartbeat: Instant,
    greeted: bool,
    _seat: Seat,
}

/// What has been said so far.
#[expect(clippy::struct_excessive_bools, reason = "each is said once, whatever the others are")]
struct Talk {
    /// The version that the client has.
    told: Option<u32>,
    was_there: bool,
    said_waiting: bool,
    said_unknown: bool,
    over: bool,
    /// The round in which it was said that the order is ready.
    rung: Option<u32>,
    /// That was said just now.
    ringing: Option<Ringing>,
    began: Millis,
}

/// What a stream says while nothing happens.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderHeartbeat"))]
pub(crate) struct Heartbeat {
    as_of: Millis,
    /// The time of sending.
    now: Millis,
    /// The view has caught up.
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Queue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<Promise>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided_ms: Option<Millis>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_barista: bool,
}

impl Pager {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(sse::retry());
        }
        // Who asks for more has taken what was said last.
        if let Some(ringing) = self.talk.ringing.take() {
            ringing.done(&self.app.tracer);
        }
        while !self.talk.over && !self.app.closing.is_cancelled() {
            let changed = self.watching.changed();
            tokio::pin!(changed);
            // Listening begins before looking, so that nothing falls in between.
            changed.as_mut().enable();
            // Whoever is signed out meanwhile, or has no token any more, is told so when they come back.
            let role = self.who.caller_once_known(&self.app).ok()?.as_ref().map(Caller::role);
            if let Some(event) = self.talk.look(&self.app.views, &self.app.tracer, self.watching.id(), role) {
                return Some(event);
            }
            let wake = if self.talk.is_in_the_dark() {
                self.heartbeat.min(Instant::now() + LOOK_AGAIN)
            } else {
                self.heartbeat
            };
            tokio::select! {
                () = changed => {}
                () = self.app.closing.cancelled() => return None,
                () = sleep_until(wake) => {
                    let now = Instant::now();
                    if self.talk.is_about_nothing() && now >= self.unknown_until {
                        return None;
                    }
                    if now >= self.heartbeat {
                        self.heartbeat = now + self.app.settings.heartbeat;
                        return Some(heartbeat(&self.app.views, self.watching.id()));
                    }
                }
            }
        }
        None
    }
}

impl Talk {
    /// What there is to say of the order now that the client does not know yet. `role`: as whom it follows, once that is
    /// known.
    fn look(&mut self, views: &Views, tracer: &Tracer, id: &OrderId, role: Option<Role>) -> Option<Bytes> {
        let (Some(look), Some(role)) = (views.look(), role) else {
            return (!std::mem::replace(&mut self.said_waiting, true))
                .then(|| heartbeat_as("waiting", views, id));
        };
        let Some(state) = look.get(id.as_str()) else {
            if self.was_there {
                self.over = true;
                return Some(sse::event("forgotten", None, &about(id, look.as_of, look.now)));
            }
            // Only a view that has read to the end since the client asked can say that there is none. In the same
            // millisecond either may have come first.
            if self.said_unknown || look.as_of <= self.began {
                return None;
            }
            self.said_unknown = true;
            return Some(sse::event("unknown", None, &about(id, look.as_of, look.now)));
        };
        self.was_there = true;
        if self.told == Some(state.version) {
            return None;
        }
        self.told = Some(state.version);
        if state.stage == Stage::Ready && self.rung.replace(state.round) != Some(state.round) {
            self.ringing = Ringing::begin(tracer, state);
        }
        let snapshot = look.snapshot(state, role);
        Some(sse::event("order", Some(&state.version.to_string()), &snapshot))
    }

    /// The client was told that nobody knows the order, and still nobody does.
    fn is_about_nothing(&self) -> bool {
        self.said_unknown && !self.was_there
    }

    /// Nothing will wake this stream: whether the order is there follows from the view's age.
    fn is_in_the_dark(&self) -> bool {
        !self.was_there && !self.said_unknown
    }
}

/// Which order a stream can say no more of.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NoOrder"))]
pub(crate) struct About<'a> {
    order_id: &'a str,
    as_of: Millis,
    now: Millis,
}

fn about(id: &OrderId, as_of: Millis, now: Millis) -> Vec<u8> {
    serde_json::to_vec(&About { order_id: id.as_str(), as_of, now }).expect("a text and numbers")
}

fn heartbeat(views: &Views, id: &OrderId) -> Bytes {
    heartbeat_as("heartbeat", views, id)
}

fn heartbeat_as(name: &str, views: &Views, id: &OrderId) -> Bytes {
    let look = views.look_anyway();
    let ready = views.is_caught_up();
    let state = look.get(id.as_str()).filter(|_| ready);
    let undecided = state.filter(|state| state.version == 0);
    let heartbeat = Heartbeat {
        as_of: look.as_of,
        now: look.now,
        ready,
        version: state.map(|state| state.version),
        queue: state.and_then(|state| look.queue(state)),
        promise: state.and_then(|state| look.promise(state)),
        undecided_ms: undecided.map(|state| look.now.saturating_sub(state.received_at).max(0)),
        no_barista: state.is_some_and(|s| s.stage.is_live() && look.nobody_decides(s.at.partition, look.now)),
    };
    sse::event(name, None, &serde_json::to_vec(&heartbeat).expect("numbers"))
}

#[cfg(test)]
mod tests {
    use ::order::{Order, topic};
    use eventlog::{Entry, Record};

    use super::*;
    use crate::view::Changes;

    fn talk(began: Millis) -> Talk {
        Talk {
            told: None,
            was_there: false,
            said_waiting: false,
            said_unknown: false,
            over: false,
            rung: None,
            ringing: None,
            began,
        }
    }

    #[test]
    fn an_order_that_came_late_is_no_longer_about_nothing() {
        let (views, id) = (Views::new("boot".to_owned()), OrderId::new("late").unwrap());
        let mut talk = talk(5);
        views.at_end(6);
        assert!(
            talk.look(&views, &Tracer::default(), &id, Some(Role::Holder))
                .unwrap()
                .starts_with(b"event: unknown")
        );
        assert!(talk.is_about_nothing());
        views.fold(&mut Changes::default(), |view, changes| {
            let record = Record::new("late", Order::new(id.clone(), 1).to_json());
            view.apply_to(
                &Entry { topic: topic::RECEIVED, partition: 0, offset: 0, timestamp: 7, record },
                changes,
            );
        });
        assert!(
            talk.look(&views, &Tracer::default(), &id, Some(Role::Holder))
                .unwrap()
                .starts_with(b"id: 0\nevent: order")
        );
        assert!(!talk.is_about_nothing(), "its stream does not end after a minute");
    }

    #[test]
    fn a_view_that_is_not_younger_than_the_question_cannot_say_that_there_is_no_order() {
        let (views, id) = (Views::new("boot".to_owned()), OrderId::new("a").unwrap());
        let mut talk = talk(5);
        views.at_end(5);
        assert_eq!(talk.look(&views, &Tracer::default(), &id, Some(Role::Holder)), None);
        assert!(talk.is_in_the_dark());
        views.at_end(6);
        assert!(
            talk.look(&views, &Tracer::default(), &id, Some(Role::Holder))
                .unwrap()
                .starts_with(b"event: unknown")
        );
    }
}
