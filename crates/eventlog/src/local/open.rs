//! Opening: the directory, the lock, the files, and whether they are what they should be.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
};

use super::{
    LocalLog, Options, Running, build, failure,
    inspect::{Inspected, inspect},
    janitor::Janitor,
    lock::Lock,
    private::create_dir,
    recover::Recovered,
    schema::{self, MAX_TOPICS, MIGRATIONS},
    segment::{self, Disk, SEGMENT_BYTES},
    shared::{Guard, Head, Shared, TopicInfo},
    snapshot,
    tail::{Kept, Mark, Tail},
    wal::Wal,
    writer::Writer,
};
use crate::OpenError;

pub(super) fn open(options: Options) -> Result<Arc<LocalLog>, OpenError> {
    let Options { dir, topics, clock, thresholds, commit_timer, faults } = options;
    make_dir(&dir)?;
    let lock = Lock::take(&dir)?;
    // Everything is looked at before anything is changed.
    let Inspected { log_file, leftovers, recovered, made, rows, .. } = inspect(&dir, thresholds.check_bytes)?;
    let recovered = recovered.unwrap_or_else(|| Recovered::new(schema::new_id()));
    let id = recovered.from.log;
    let Recovered { from, topics: mut known, groups, last, last_is_whole, path, damaged } = recovered;
    if let Some((at, bytes)) = damaged {
        tracing::warn!(
            file = %path.display(), at, bytes,
            "the last commit of the log is damaged and left out: after a loss of power it was most likely never \
             acknowledged; if there was none, something has changed the file since: look at the disk, and count \
             with brewline ledger"
        );
    }
    let named = name_topics(&mut known, &topics)?;
    let log_store = log_file.open(faults.clone(), MIGRATIONS)?;
    let head = |topic: &TopicInfo| {
        let Mark { end, time, .. } = known[usize::from(topic.id)].mark;
        Head { start: rows.get(&topic.id).copied().unwrap_or_default().start, end, time }
    };
    let heads = named.iter().map(head).collect();
    let tail = Tail::new(known);
    let disk = Disk { dir: dir.clone(), faults };
    // Each start begins a segment. It stands for the older ones as well while that is quickly written.
    let whole = last_is_whole || tail.bytes() <= SEGMENT_BYTES;
    let (first, ends) =
        if whole { snapshot::everything(&tail, &groups) } else { snapshot::last(&tail, &groups, &last) };
    drop(last);
    let segment = dir.join(segment::name(from.sequence.saturating_add(1)));
    let wal = Wal::open(disk, from, first, ends, whole)
        .map_err(|failed| failure::cannot_open(&segment, &failed.into_error().into()))?;
    // The log file is written last: only with it is the log made.
    if made.is_none() {
        log_file.make(&log_store, id)?;
        sync_dir(&dir);
    }
    wal.remove(&leftovers);
    build::remove_trace(&dir);
    let shared = Arc::new(Shared::new(named, tail, log_store, clock, thresholds, heads, groups));
    let (ask, asked) = mpsc::channel();
    let writer = Writer::new(shared.clone(), wal, commit_timer);
    let writer = spawn("log-writer", &shared, move || writer.run())?;
    let janitor = Janitor::new(shared.clone(), asked);
    let janitor = match spawn("log-janitor", &shared, move || janitor.run()) {
        Ok(janitor) => janitor,
        Err(error) => {
            shared.queue.close();
            // It has nothing to do yet, so it ends at once.
            let _ = writer.join();
            return Err(error);
        }
    };
    let running = Mutex::new(Some(Running { writer, janitor, lock }));
    Ok(Arc::new(LocalLog { shared, ask: Mutex::new(ask), running }))
}

/// Gives numbers to the topics that are new, and finds those of the others.
fn name_topics(known: &mut Vec<Kept>, specs: &[crate::TopicSpec]) -> Result<Vec<TopicInfo>, OpenError> {
    let mut topics = Vec::new();
    for spec in specs {
        let place = known.iter().position(|topic| topic.name == spec.name).unwrap_or_else(|| {
            known.push(Kept { name: spec.name.to_owned(), ..Kept::default() });
            known.len() - 1
        });
        let id = u16::try_from(place).ok().filter(|id| *id < MAX_TOPICS);
        let id = id.ok_or_else(|| OpenError::NotUsable(format!("a log has at most {MAX_TOPICS} topics")))?;
        topics.push(TopicInfo { spec: *spec, id });
    }
    Ok(topics)
}

fn make_dir(dir: &Path) -> Result<(), OpenError> {
    create_dir(dir).map_err(|error| {
        let what =
            if dir.exists() { "is not a directory".to_owned() } else { format!("cannot be made: {error}") };
        OpenError::NotUsable(format!(
            "the directory {} for the log {what}; choose another directory",
            dir.display()
        ))
    })
}

/// Makes the names of new files outlive a loss of power, where the system can.
pub(super) fn sync_dir(dir: &Path) {
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::debug!(dir = %dir.display(), %error, "the directory can't be synced");
    }
}

fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let guard = Guard(shared.clone());
    let guarded = move || {
        let _guard = guard;
        run();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(guarded).map_err(|error| {
        OpenError::Storage(format!(
            "cannot start a thread for the log: {error}; raise the limit of threads for this user"
        ))
    })
}
