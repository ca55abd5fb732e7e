//! The embedded log passes the suite, on files that fail and lose power on demand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{
    Log, Millis,
    conformance::{Ability, Bed, Fault, TOPICS},
    local::{Faults, LocalLog, Options, WriteFault},
};
use tempfile::TempDir;

/// A log in a temporary directory. A crash is a power loss: what was not synced is lost in part.
struct LocalBed {
    dir: TempDir,
    faults: Arc<Faults>,
    now: Arc<AtomicI64>,
    log: Option<Arc<LocalLog>>,
    crashes: AtomicU64,
}

impl LocalBed {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            faults: Arc::new(Faults::with_power_loss()),
            now: Arc::new(AtomicI64::new(1_750_000_000_000)),
            log: None,
            crashes: AtomicU64::new(1),
        }
    }

    fn start(&mut self) -> Arc<dyn Log> {
        let now = self.now.clone();
        let mut options = Options::new(self.dir.path(), TOPICS);
        options.clock = Arc::new(move || -> Millis { now.load(Ordering::SeqCst) });
        options.faults = Some(self.faults.clone());
        let log = LocalLog::open(options).expect("the log opens");
        self.log = Some(log.clone());
        log
    }
}

impl Bed for LocalBed {
    fn open(&mut self) -> Arc<dyn Log> {
        self.start()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        self.faults.lose_power(self.crashes.fetch_add(1, Ordering::SeqCst));
        if let Some(log) = self.log.take() {
            // Its files are dead: nothing of this reaches them.
            log.close();
        }
        self.faults.power_on();
        self.start()
    }

    fn can(&self, ability: Ability) -> bool {
        ability != Ability::Share
    }

    fn pass_time(&mut self, by: Duration) {
        self.now.fetch_add(Millis::try_from(by.as_millis()).expect("a short time"), Ordering::SeqCst);
    }

    fn set_clock_back(&mut self, by: Duration) {
        self.now.fetch_sub(Millis::try_from(by.as_millis()).expect("a short time"), Ordering::SeqCst);
    }

    fn clean(&mut self) {
        self.log.as_ref().expect("it is open").clean();
    }

    fn fail_writes(&mut self, fault: Fault) {
        self.faults.fail_writes(match fault {
            Fault::Full => WriteFault::Full,
            Fault::Short => WriteFault::Short,
            Fault::Broken => WriteFault::Broken,
        });
    }

    fn stall_writes(&mut self) {
        self.faults.stall();
    }

    fn heal(&mut self) {
        self.faults.fail_writes(WriteFault::None);
        self.faults.resume();
    }
}

mod conformance {
    use super::LocalBed;

    eventlog::conformance_suite!(LocalBed::new(), without: [
        // There is one partition, and the last worker takes it.
        "work::received_and_command_of_a_partition_go_to_the_same_worker",
        "work::workers_share_the_partitions",
    ]);
}
