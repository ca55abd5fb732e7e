//! What a counter does for an order, as spans of its trace.

use std::num::NonZeroU64;

use eventlog::{Partition, Position, PublishError, Topic};
use http::{HeaderMap, Method};
use order::{OrderId, TraceContext};
use traces::{Nanos, Request, Sent, Span, Tracer, What, now};

use crate::app::reason_of;

/// A request that is being answered, in its trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    context: TraceContext,
    parent: Option<NonZeroU64>,
    began: Nanos,
    method: &'static str,
}

impl Asking {
    /// A request that came with this; `None`: it is not to be recorded. Second, the trace that what follows from it is
    /// part of: ours where it is recorded, else what came.
    pub(crate) fn begin(
        tracer: &Tracer,
        method: &Method,
        headers: &HeaderMap,
    ) -> (Option<Self>, Option<TraceContext>) {
        let came = headers.get(TraceContext::HEADER);
        let came = came.and_then(|value| TraceContext::parse(value.as_bytes()));
        let asking = tracer.begin(came).map(|context| Self {
            context,
            parent: came.map(|came| came.span),
            began: now(),
            method: name_of(method),
        });
        (asking, asking.map_or(came, |asking| Some(asking.context)))
    }

    /// It is answered; of a stream, it has begun.
    pub(crate) fn done(
        self,
        tracer: &Tracer,
        route: Option<&str>,
        is_secure: bool,
        status: u16,
        problem: Option<&'static str>,
    ) {
        let Self { context, parent, began, method } = self;
        let route = route.map(Into::into);
        let what = What::Request(Request { method, route, is_secure, status, problem });
        tracer.record(Span { context, parent, start: began, end: now(), what });
    }
}

/// The methods of RFC 9110 and RFC 5789; what else someone may send is not repeated.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::CONNECT => "CONNECT",
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// A record on its way into the log.
#[derive(Debug)]
pub(crate) struct Sending {
    /// What the record's header says.
    pub(crate) context: Option<TraceContext>,
    /// The span above it, and when it began, where that is recorded.
    began: Option<(NonZeroU64, Nanos)>,
}

impl Sending {
    /// One that follows from a request in this trace.
    pub(crate) fn begin(tracer: &Tracer, trace: Option<TraceContext>) -> Self {
        match trace.and_then(|trace| Some((trace, tracer.begin(Some(trace))?))) {
            Some((above, context)) => Self { context: Some(context), began: Some((above.span, now())) },
            None => Self { context: trace, began: None },
        }
    }

    /// What became of it.
    pub(crate) fn done(
        self,
        tracer: &Tracer,
        topic: Topic,
        partition: Partition,
        order: &OrderId,
        outcome: &Result<Position, PublishError>,
    ) {
        let (Some(context), Some((above, start))) = (self.context, self.began) else { return };
        let offset = outcome.as_ref().ok().map(|position| position.offset);
        let error = outcome.as_ref().err().map(|error| reason_of(&error.reason));
        let what = What::Sent(Sent { topic, partition, offset, order: order.clone(), error });
        tracer.record(Span { context, parent: Some(above), start, end: now(), what });
    }
}

/// A phone that is told that its order is ready.
#[derive(Debug)]
pub(crate) struct Ringing {
    context: TraceContext,
    above: NonZeroU64,
    began: Nanos,
    order: OrderId,
    round: u32,
}

impl Ringing {
    /// `state` is ready, and its phone is told so now.
    pub(crate) fn begin(tracer: &Tracer, state: &order::OrderState) -> Option<Self> {
        let trace = state.marks.as_ref()?.traceparent?;
        let context = tracer.begin(Some(trace))?;
        let above = traces::announced(trace, state.at, state.round);
        Some(Self { context, above, began: now(), order: state.id().clone(), round: state.round })
    }

    /// Its connection took it.
    pub(crate) fn done(self, tracer: &Tracer) {
        let Self { context, above, began, order, round } = self;
        let what = What::Bell { order, round };
        tracer.record(Span { context, parent: Some(above), start: began, end: now(), what });
    }
}
