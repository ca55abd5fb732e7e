//! Decisions as spans of their orders' traces, once they are committed. What is never committed was never so, and leaves
//! no span behind either: it goes with the session.

use eventlog::Entry;
use order::{Event, OrderState, TraceContext, topic};
use traces::{Commit, Decided, Input, Nanos, Sent, Span, Tracer, What, now};

use crate::desk::trace_of;

/// What was decided and is not committed yet, of one partition: no more than fits into a transaction.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

#[derive(Debug)]
struct Step {
    /// The order's place in its trace.
    trace: TraceContext,
    /// Where the order stands.
    at: order::At,
    began: Nanos,
    decided: Decided,
    /// The bell rings by it.
    announces: bool,
}

impl Steps {
    /// A decision on an order whose trace is recorded; `entry`: what it was decided for. Says what the records that
    /// follow from it are part of.
    pub(crate) fn decided(
        &mut self,
        trace: TraceContext,
        state: &OrderState,
        event: &Event,
        entry: Option<&Entry>,
        began: Nanos,
    ) -> TraceContext {
        let input = entry.map(|entry| Input {
            topic: entry.topic,
            at: order::At { partition: entry.partition, offset: entry.offset },
            other: trace_of(entry).filter(|other| other.is_sampled() && other.trace != trace.trace),
        });
        let decided = Decided {
            order: event.order_id.clone(),
            kind: event.kind,
            stage: event.to,
            round: event.round,
            version: event.version,
            is_refused: event.refused.is_some(),
            input,
        };
        let announces = event.announces();
        self.0.push(Step { trace, at: state.at, began, decided, announces });
        trace.at(traces::announced(trace, state.at, event.round))
    }

    /// All of it is committed, in a transaction of so many inputs that began then.
    pub(crate) fn committed(&mut self, tracer: &Tracer, began: Nanos, inputs: usize) {
        if self.0.is_empty() {
            return;
        }
        let end = now();
        let commit = Commit { began, inputs: u64::try_from(inputs).unwrap_or(u64::MAX) };
        for Step { trace, at, began: start, decided, announces } in self.0.drain(..) {
            let (version, round) = (decided.version, decided.round);
            let decision = match decided.input {
                Some(Input { topic: topic::COMMAND, at, .. }) => traces::asked(trace, at),
                _ => traces::decided(trace, at, version),
            };
            let announcement = announces.then(|| {
                let (topic, partition, order) = (topic::PROCESSED, at.partition, decided.order.clone());
                What::Sent(Sent { topic, partition, offset: None, order, error: None })
            });
            let span = |id, parent, start, what| Span {
                context: trace.at(id),
                parent: Some(parent),
                start,
                end,
                what,
            };
            tracer.record(span(decision, trace.span, start, What::Decided(decided, commit)));
            if let Some(sent) = announcement {
                tracer.record(span(traces::announced(trace, at, round), decision, began, sent));
            }
        }
    }
}
