//! What a counter says at `/metrics` of backups that it gave. What is in one is tested where there is an embedded log.

mod common;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use common::{Line, http::head, log, options, within};
use eventlog::{
    Backup, Follow, FollowError, Log, OpenError, Publish, Start, Topic, Work, WorkSpec, sim::SimLog,
};

/// A log that gives such backups.
struct Backups(Arc<SimLog>, fn() -> Backup);

impl Log for Backups {
    fn publisher(&self) -> Arc<dyn Publish> {
        self.0.publisher()
    }

    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        self.0.follow(topics)
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        self.0.work(spec)
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.0.partitions(topic)
    }

    fn backup(&self) -> Option<Result<Backup, OpenError>> {
        Some(Ok((self.1)()))
    }
}

async fn line(backup: fn() -> Backup) -> Line {
    let log = log(1);
    let process = Arc::new(Backups(Arc::clone(&log), backup));
    Line::on_process(log, process, options()).await
}

/// Begins one, and leaves it there: as soon as nobody reads another one.
async fn begin(line: &Line) {
    within(async {
        while head(line.address, "GET", "/backup", &[("authorization", &line.staff())], b"").await.status
            != 200
        {}
    })
    .await;
}

/// When the last one was, as it is shown.
async fn shown(line: &Line) -> Option<f64> {
    let text = line.get("/metrics", &[]).await;
    let value =
        text.text().lines().find_map(|line| line.strip_prefix("brewline_backup_timestamp_seconds "))?;
    Some(value.parse().expect("a number"))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64()
}

/// So many pieces, each as large as they come.
fn pieces(count: usize) -> impl Iterator<Item = Result<Bytes, FollowError>> + Send {
    (0..count).map(|_| Ok(vec![0; 1 << 20].into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_handed_out_is_shown_with_its_time_and_none_before() {
    let line = line(|| Box::new(pieces(3))).await;
    assert_eq!(shown(&line).await, None);
    let before = now();
    let reply = line.get("/backup", &[("authorization", &line.staff())]).await;
    assert!(reply.status == 200 && reply.body.len() > 3 << 20, "{}", reply.status);
    let at = within(async {
        loop {
            if let Some(at) = shown(&line).await {
                return at;
            }
        }
    })
    .await;
    assert!(before - 1.0 < at && at <= now(), "{before} {at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_breaks_off_is_not_shown() {
    let line = line(|| Box::new(pieces(3).chain([Err(FollowError::Closed)]))).await;
    let reply = line.get("/backup", &[("authorization", &line.staff())]).await;
    assert!(!reply.body.ends_with(b"0\r\n\r\n"), "it does not end as a whole one does");
    begin(&line).await;
    assert_eq!(shown(&line).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_can_not_be_read_on_does_not_end_as_a_whole_one() {
    let line = line(|| Box::new(pieces(3).chain(std::iter::once_with(|| panic!("of this test"))))).await;
    let reply = line.get("/backup", &[("authorization", &line.staff())]).await;
    assert!(!reply.body.ends_with(b"0\r\n\r\n"), "it does not end as a whole one does");
    begin(&line).await;
    assert_eq!(shown(&line).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_taker_went_away_is_not_shown() {
    // More than what is on its way can have.
    let line = line(|| Box::new(pieces(1000))).await;
    begin(&line).await;
    begin(&line).await;
    assert_eq!(shown(&line).await, None);
}
