//! Where the committed part of partitions ends, asked for everyone who follows, without their waiting for it.
//!
//! One thread and one client for a log. A client of its own, since a broker takes one request of a connection after
//! the other, and a reader's waits for the fetch that it holds back. A thread, since the call waits: librdkafka's one
//! that does not (`rd_kafka_ListOffsets`) looks for unknown leaders on two threads at once, one of which frees what the
//! other reads (2.12.1), and keeps its own threads busy for as long as no broker is there.
//!
//! A question that fails is not asked again until a look of the lookout was answered since: whether brokers are there
//! is found out in one place.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, Weak},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::{
    LOOK_UP,
    bell::Bell,
    ears::{Ears, hear},
    offsets::{Ask, Offsets, ask_within},
    shared::{Failed, Shared, lock},
};
use crate::{OpenError, Partition, Topic};

/// How long an answer is waited for.
const WITHIN: Duration = Duration::from_secs(1);
/// And one about leaders.
const FIND_WITHIN: Duration = Duration::from_millis(500);
/// How long after a question that failed it is asked again at the earliest.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// After so many in a row that failed although the lookout was answered, another client asks: whatever is wrong with
/// this one, nobody else has to begin anew for it.
const GIVE_UP_AFTER: u32 = 8;

type Place = (Topic, Partition);

/// Asks until the log is closed. Made with the first follower.
pub(super) struct Asker {
    lines: Arc<Lines>,
    thread: JoinHandle<()>,
}

/// Everyone's lines to the asker.
struct Lines {
    /// Of the asker; it also rings when the log is closed.
    bell: Arc<Bell>,
    all: Mutex<Vec<Weak<Line>>>,
}

/// A follower's line to the asker: one question at a time.
pub(super) struct Line {
    /// Rings when there is an answer.
    bell: Arc<Bell>,
    asker: Arc<Bell>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts questions, so that a late answer is not taken for one to a later question.
    number: usize,
    /// What is to be asked.
    waits: Option<Vec<Place>>,
    answer: Option<Offsets>,
    failed: Option<Failure>,
}

/// How often in a row nobody answered.
#[derive(Debug, Default)]
struct Failures(u32);

/// When the last question failed, or was put off because another one did, and how many looks had been answered then.
#[derive(Clone, Copy)]
struct Failure {
    at: Instant,
    looks: usize,
    /// How often in a row it failed itself.
    times: u32,
}

/// A question on its way.
struct Question {
    line: Arc<Line>,
    number: usize,
    places: Vec<Place>,
    /// How often in a row it failed.
    times: u32,
}

impl Asker {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, OpenError> {
        let consumer = client(shared)?;
        let lines = Arc::new(Lines { bell: shared.bell(), all: Mutex::default() });
        let thread = spawn(shared.clone(), lines.clone(), consumer)
            .map_err(|error| OpenError::Storage(format!("cannot start a thread for the log: {error}")))?;
        Ok(Self { lines, thread })
    }

    /// A line whose bell rings when there is an answer.
    pub(super) fn line(&self, bell: &Arc<Bell>) -> Arc<Line> {
        self.lines.line(bell)
    }

    /// Waits for its end, after the log was closed: at most for the answer that it waits for itself.
    pub(super) fn join(self) {
        // A thread that has panicked has said so on stderr; there is nothing to add.
        let _ = self.thread.join();
    }
}

impl Line {
    /// Asks where the committed part of each ends, from now on. Nothing that was asked before is answered any more.
    pub(super) fn ask(&self, places: Vec<Place>) {
        self.forget();
        lock(&self.state).waits = Some(places);
        self.asker.ring();
    }

    /// What was asked is not answered any more.
    pub(super) fn forget(&self) {
        let mut state = lock(&self.state);
        state.number = state.number.wrapping_add(1);
        (state.waits, state.answer) = (None, None);
    }

    /// The answer, if it has come; once.
    pub(super) fn take(&self) -> Option<Offsets> {
        lock(&self.state).answer.take()
    }

    /// The question that waits, unless it is too early for it.
    fn question(self: &Arc<Self>, now: Instant, looks: usize) -> Option<Question> {
        let mut state = lock(&self.state);
        let failed = state.failed;
        if failed.is_some_and(|failed| {
            failed.looks == looks || now.saturating_duration_since(failed.at) < AGAIN_AFTER
        }) {
            return None;
        }
        let places = state.waits.take()?;
        let times = failed.map_or(0, |failed| failed.times);
        Some(Question { line: self.clone(), number: state.number, places, times })
    }
}

impl Question {
    fn answer(self, ends: &Offsets) {
        let mut state = lock(&self.line.state);
        state.failed = None;
        if state.number == self.number {
            let end = |place| Some((place, *ends.get(&place)?));
            state.answer = Some(self.places.into_iter().filter_map(end).collect());
            self.line.bell.ring();
        }
    }

    /// It failed.
    fn fail(mut self, looks: usize) {
        self.times = self.times.saturating_add(1);
        self.put_off(looks);
    }

    /// Puts it back, unless another one has taken its place.
    fn put_off(self, looks: usize) {
        let mut state = lock(&self.line.state);
        state.failed = Some(Failure { at: Instant::now(), looks, times: self.times });
        if state.number == self.number {
            state.waits = Some(self.places);
        }
    }
}

impl Lines {
    fn line(&self, bell: &Arc<Bell>) -> Arc<Line> {
        let (bell, asker) = (bell.clone(), self.bell.clone());
        let line = Arc::new(Line { bell, asker, state: Mutex::default() });
        lock(&self.all).push(Arc::downgrade(&line));
        line
    }

    fn questions(&self, now: Instant, looks: usize) -> Vec<Question> {
        let mut all = lock(&self.all);
        all.retain(|line| line.strong_count() > 0);
        all.iter().filter_map(Weak::upgrade).filter_map(|line| line.question(now, looks)).collect()
    }
}

impl Failures {
    /// One more. The first one of an outage does not count: only after a look that was answered it is asked `again`.
    fn count(&mut self, again: bool) {
        self.0 = self.0.saturating_add(u32::from(again));
    }

    fn are_too_many(&self) -> bool {
        self.0 >= GIVE_UP_AFTER
    }
}

fn client(shared: &Shared) -> Result<BaseConsumer<Ears>, Failed> {
    shared
        .options
        .asker()
        .create_with_context(Ears::new(&shared.options))
        .map_err(|error| shared.failed_with("begin to read", &error))
}

fn spawn(
    shared: Arc<Shared>,
    lines: Arc<Lines>,
    mut consumer: BaseConsumer<Ears>,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("kafka-asker".to_owned()).spawn(move || {
        let mut failures = Failures::default();
        while !shared.is_closed() {
            hear(&consumer);
            let questions = lines.questions(Instant::now(), shared.looks());
            if questions.is_empty() {
                lines.bell.wait_until(Instant::now() + LOOK_UP);
                continue;
            }
            // One that failed is asked alone, after those that failed less often, and only one may fail at a time: a
            // partition without a leader holds up nobody else's answer for long.
            let (together, mut alone): (Vec<_>, Vec<_>) = questions.into_iter().partition(|it| it.times == 0);
            alone.sort_by_key(|it| it.times);
            let looks = shared.looks();
            let mut goes_on = ask(&shared, &consumer, together, looks, &mut failures);
            for question in alone {
                if goes_on {
                    goes_on = ask(&shared, &consumer, vec![question], looks, &mut failures);
                } else {
                    question.put_off(looks);
                }
            }
            if failures.are_too_many()
                && let Ok(another) = client(&shared)
            {
                tracing::debug!("nobody says where the log ends; another client asks");
                (consumer, failures) = (another, Failures::default());
            }
        }
    })
}

/// Asks all of them at once, and counts failures in a row. False if nobody answered.
fn ask(
    shared: &Shared,
    consumer: &BaseConsumer<Ears>,
    questions: Vec<Question>,
    looks: usize,
    failures: &mut Failures,
) -> bool {
    if questions.is_empty() {
        return true;
    }
    let places: BTreeSet<Place> = questions.iter().flat_map(|it| it.places.iter().copied()).collect();
    let places: Vec<_> = places.into_iter().collect();
    let again = questions.iter().any(|question| question.times > 0);
    if again {
        find_leaders(shared, consumer, &places);
    }
    match ask_within(shared, consumer, &places, Ask::End, WITHIN) {
        Ok(ends) => {
            *failures = Failures::default();
            for question in questions {
                question.answer(&ends);
            }
            true
        }
        Err(failed) => {
            tracing::debug!(sentence = failed.sentence, "nobody says where the log ends");
            failures.count(again);
            for question in questions {
                question.fail(looks);
            }
            shared.look_soon();
            false
        }
    }
}

/// Lets the client ask where the leaders are: it does not by itself where it knows a leader's number and has lost that
/// broker, and so would fail until it asks for other reasons.
fn find_leaders(shared: &Shared, consumer: &BaseConsumer<Ears>, places: &[Place]) {
    let topics: BTreeSet<Topic> = places.iter().map(|(topic, _)| *topic).collect();
    // Without an answer the question itself says what is wrong.
    let _ = topics.into_iter().try_for_each(|topic| {
        consumer.fetch_metadata(Some(&shared.options.prefixed(topic)), FIND_WITHIN).map(drop)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Offset;

    const PLACES: [Place; 2] = [("orders", 0), ("orders", 1)];

    fn lines() -> (Arc<Lines>, Arc<Line>) {
        let lines = Arc::new(Lines { bell: Arc::default(), all: Mutex::default() });
        let line = lines.line(&Arc::default());
        (lines, line)
    }

    fn ends(end: Offset) -> Offsets {
        PLACES.into_iter().map(|place| (place, end)).collect()
    }

    #[test]
    fn an_answer_to_a_question_of_before_is_none() {
        let (lines, line) = lines();
        line.ask(PLACES.to_vec());
        let earlier = lines.questions(Instant::now(), 0).pop().unwrap();
        line.ask(PLACES.to_vec());
        earlier.answer(&ends(1));
        assert_eq!(line.take(), None, "it may be too old for what was asked since");
        let later = lines.questions(Instant::now(), 0).pop().unwrap();
        later.answer(&ends(2));
        assert_eq!(line.take(), Some(ends(2)));
        assert_eq!(line.take(), None, "once");
        line.ask(PLACES.to_vec());
        let question = lines.questions(Instant::now(), 0).pop().unwrap();
        line.forget();
        question.answer(&ends(3));
        assert_eq!(line.take(), None, "nobody waits for it any more");
    }

    #[test]
    fn everyone_gets_the_ends_that_were_asked_for() {
        let (lines, line) = lines();
        line.ask(vec![PLACES[1]]);
        lines.questions(Instant::now(), 0).pop().unwrap().answer(&ends(7));
        assert_eq!(line.take(), Some(Offsets::from([(PLACES[1], 7)])));
    }

    #[test]
    fn what_failed_is_asked_again_after_a_look_that_was_answered_and_not_at_once() {
        let (lines, line) = lines();
        let now = Instant::now();
        line.ask(PLACES.to_vec());
        lines.questions(now, 5).pop().unwrap().fail(5);
        assert!(lines.questions(now + AGAIN_AFTER * 100, 5).is_empty(), "no broker is there");
        line.ask(PLACES.to_vec());
        assert!(lines.questions(now + AGAIN_AFTER * 100, 5).is_empty(), "for a new one neither");
        assert!(lines.questions(now, 6).is_empty(), "it is early");
        let again = lines.questions(now + AGAIN_AFTER * 2, 6).pop().unwrap();
        assert_eq!(again.times, 1);
        again.put_off(6);
        let again = lines.questions(now + AGAIN_AFTER * 4, 7).pop().unwrap();
        assert_eq!(again.times, 1, "it was not asked meanwhile");
        again.answer(&ends(1));
        line.ask(PLACES.to_vec());
        assert_eq!(lines.questions(now, 7).pop().unwrap().times, 0, "all is well");
    }

    #[test]
    fn another_client_asks_only_after_many_failures_in_spite_of_answered_looks() {
        let mut failures = Failures::default();
        for _ in 0..100 {
            failures.count(false);
        }
        assert!(!failures.are_too_many(), "nobody was there");
        for _ in 1..GIVE_UP_AFTER {
            failures.count(true);
        }
        assert!(!failures.are_too_many());
        failures.count(true);
        assert!(failures.are_too_many());
    }
}
