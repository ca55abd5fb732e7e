//! A counter that asks the test what to answer, and a run whose words the test reads one by one.

use std::{
    convert::Infallible,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use client::{ClientError, CounterAddress, Event, Limits, Options, Patience, Reporter, Summary};
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Nothing here waits for a time; this only turns a test that would hang into one that fails.
pub(crate) const HANG: Duration = Duration::from_secs(20);

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A request that waits for its answer.
pub(crate) struct Call {
    pub(crate) request: Request<()>,
    answer: oneshot::Sender<Option<Response<Body>>>,
}

/// The counter's side of an open stream. Dropping it ends the stream cleanly.
pub(crate) struct Open {
    frames: mpsc::UnboundedSender<io::Result<Frame<Bytes>>>,
}

pub(crate) struct FakeCounter {
    pub(crate) address: CounterAddress,
    calls: mpsc::UnboundedReceiver<Call>,
    server: JoinHandle<()>,
}

impl FakeCounter {
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    pub(crate) fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().expect("a bound socket").port();
        let (tell, calls) = mpsc::unbounded_channel();
        let server = tokio::spawn(serve(listener, tell));
        let address = format!("http://127.0.0.1:{port}").parse().expect("an address");
        Self { address, calls, server }
    }

    /// The next request, whatever it is.
    pub(crate) async fn next(&mut self) -> Call {
        timeout(HANG, self.calls.recv()).await.expect("a request should have come").expect("the server runs")
    }

    /// Takes an order and opens its stream. Both come in this order for one customer.
    pub(crate) async fn take_order(&mut self, id: &str) -> Open {
        self.next().await.accept(id);
        self.next().await.open(id)
    }

    /// Whether no request is waiting to be answered.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }
}

impl Drop for FakeCounter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, tell: mpsc::UnboundedSender<Call>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        let tell = tell.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let tell = tell.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                let _ = tell.send(Call { request: request.map(|_| ()), answer });
                // An error in place of an answer: hyper closes the connection without a word.
                answered.await.ok().flatten().ok_or_else(|| io::Error::other("the answer is lost"))
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
        );
    }
}

impl Call {
    pub(crate) fn path(&self) -> &str {
        self.request.uri().path()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn key(&self) -> String {
        self.header("idempotency-key").expect("every order has a key").to_owned()
    }

    pub(crate) fn is_order(&self) -> bool {
        self.request.method() == hyper::Method::POST && self.path() == "/order"
    }

    pub(crate) fn amount(&self) -> u32 {
        let query = self.request.uri().query().expect("a query");
        query.strip_prefix("amount=").expect("an amount").parse().expect("a number")
    }

    pub(crate) fn accept(self, id: &str) {
        assert!(self.is_order(), "{:?}", self.request);
        let body = format!(r#"{{"order_id":"{id}","amount":{},"status":0}}"#, self.amount());
        self.answer(202, &[("content-type", "application/json")], &body);
    }

    pub(crate) fn problem(self, status: u16, code: &str, detail: &str, headers: &[(&str, &str)]) {
        let body =
            format!(r#"{{"type":"about:blank","status":{status},"code":"{code}","detail":"{detail}"}}"#);
        self.answer(status, headers, &body);
    }

    pub(crate) fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = Full::from(body.to_owned()).map_err(never).boxed_unsync();
        self.respond(response.body(body).expect("a response"));
    }

    /// The answer is lost on its way: the connection closes.
    pub(crate) fn hang_up(self) {
        let _ = self.answer.send(None);
    }

    /// Answers with a stream that stays open.
    pub(crate) fn open(self, id: &str) -> Open {
        assert_eq!(self.path(), format!("/orders/{id}/events"));
        let (frames, coming) = mpsc::unbounded_channel();
        let body = StreamBody::new(received(coming)).boxed_unsync();
        let response = Response::builder().header("content-type", "text/event-stream").body(body);
        self.respond(response.expect("a response"));
        Open { frames }
    }

    fn respond(self, response: Response<Body>) {
        let _ = self.answer.send(Some(response));
    }
}

impl Open {
    /// One snapshot of the order.
    pub(crate) fn show(&self, id: &str, state: &str, round: u32, version: u32) -> &Self {
        let code = r#"{"number":17,"words":{"en":"maple","ko":"단풍"},"symbol":"leaf"}"#;
        self.send(&format!(
            "id: {version}\nevent: order\ndata: {{\"order_id\":\"{id}\",\"amount\":2,\"state\":\"{state}\",\
             \"round\":{round},\"version\":{version},\"code\":{code},\"as_of\":1}}\n\n"
        ))
    }

    pub(crate) fn heartbeat(&self) -> &Self {
        self.send("event: heartbeat\ndata: {\"as_of\":1}\n\n")
    }

    /// The counter has read the log to its end, and there is no such order.
    pub(crate) fn unknown(&self, id: &str) -> &Self {
        self.send(&format!("event: unknown\ndata: {{\"order_id\":\"{id}\",\"as_of\":1}}\n\n"))
    }

    pub(crate) fn send(&self, text: &str) -> &Self {
        let _ = self.frames.send(Ok(Frame::data(Bytes::from(text.to_owned()))));
        self
    }

    /// The connection breaks in the middle of the stream.
    pub(crate) fn cut(self) {
        let _ = self.frames.send(Err(io::Error::other("cut")));
    }
}

fn received<T: Send>(receiver: mpsc::UnboundedReceiver<T>) -> impl Stream<Item = T> + Send {
    stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)))
}

fn never(never: Infallible) -> io::Error {
    match never {}
}

/// A run, and what it tells.
pub(crate) struct Run {
    pub(crate) stop: CancellationToken,
    events: mpsc::UnboundedReceiver<Event>,
    end: JoinHandle<Result<Summary, ClientError>>,
}

impl Run {
    pub(crate) fn start(options: Options) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let end = tokio::spawn(async move { client::run(options, stopped, &mut Ears(tell)).await });
        Self { stop, events, end }
    }

    /// The next thing that is told.
    pub(crate) async fn hears(&mut self) -> Event {
        timeout(HANG, self.events.recv()).await.expect("an event should have come").expect("the run goes on")
    }

    /// The next bell: order and round. Skips everything else.
    pub(crate) async fn bell(&mut self) -> (String, u32) {
        loop {
            if let Event::Ready { order_id, round, .. } = self.hears().await {
                return (order_id, round);
            }
        }
    }

    /// The next order that could not be heard. Skips everything else; cancel safe.
    pub(crate) async fn unheard(&mut self) -> Event {
        loop {
            let event = self.hears().await;
            if matches!(event, Event::Unheard { .. }) {
                return event;
            }
        }
    }

    /// Everything that is still told until the run ends by itself, and how it went.
    pub(crate) async fn rest(mut self) -> (Vec<Event>, Result<Summary, ClientError>) {
        let end = timeout(HANG, &mut self.end).await.expect("the run should have ended").expect("no panic");
        let mut rest = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            rest.push(event);
        }
        (rest, end)
    }

    pub(crate) async fn stop(self) -> Summary {
        self.stop.cancel();
        self.rest().await.1.expect("a run that is stopped has a summary")
    }
}

struct Ears(mpsc::UnboundedSender<Event>);

impl Reporter for Ears {
    fn tell(&mut self, _at: SystemTime, event: &Event, _so_far: &Summary) -> io::Result<()> {
        self.0.send(event.clone()).map_err(io::Error::other)
    }
}

/// Options for customers who come at once, and are quick to try again.
pub(crate) fn customers(count: u32, counter: &FakeCounter) -> Options {
    let ms = Duration::from_millis;
    let quick = |overall| Patience { attempt: HANG, overall, first: ms(2), longest: ms(10) };
    Options {
        counter: counter.address.clone(),
        customers: count,
        interval: Duration::ZERO,
        seed: Some(7),
        limits: Limits {
            contact: quick(ms(100)),
            order: quick(HANG),
            bell: quick(HANG),
            // What holds a customer up is told in the tests that are about it.
            notice: HANG,
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// What was written, for a reporter and the test to share.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
