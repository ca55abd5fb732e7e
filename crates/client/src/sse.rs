//! An order's event stream, with a bound on the size of one event.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sse_stream::{Sse, SseByteStream};

use crate::counter::root_cause;

type Decoded = dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send;

/// The events of one open stream. Dropping it closes the connection.
pub(crate) struct Events {
    decoded: Pin<Box<Decoded>>,
    /// Bytes that came since the last event: the decoder itself would buffer without end.
    pending: Arc<AtomicUsize>,
}

impl Events {
    pub(crate) fn of(body: Incoming, event_bytes: usize) -> Self {
        let pending = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&pending);
        let chunks = body.into_data_stream().map(move |chunk| {
            let chunk: Bytes = chunk.map_err(Fault::Broken)?;
            // One chunk may hold the end of one event and many whole ones: it is counted as a whole, which
            // the reading buffer of the connection bounds.
            let so_far = counted.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
            if so_far > event_bytes { Err(Fault::TooLarge(event_bytes)) } else { Ok(chunk) }
        });
        Self { decoded: Box::pin(SseByteStream::new(chunks)), pending }
    }

    /// The next event; `None` when the counter ended the stream; an error when it broke. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Result<Sse, String>> {
        let next = self.decoded.next().await?;
        self.pending.store(0, Ordering::Relaxed);
        Some(next.map_err(|error| root_cause(&error)))
    }
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the stream broke")]
    Broken(#[source] hyper::Error),
    #[error("an event of more than {0} bytes")]
    TooLarge(usize),
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("pending", &self.pending).finish_non_exhaustive()
    }
}
