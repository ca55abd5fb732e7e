//! The log in memory keeps the port's promises: at ease with real threads, and in rough weather on one.

use std::{sync::Arc, time::Duration};

use eventlog::{
    Log, Millis, Reason,
    conformance::{Ability, Bed, Fault, TOPICS},
    sim::{Faults, Options, Process, SimClock, SimLog},
};

struct SimBed {
    log: Arc<SimLog>,
    /// The program that is running. A crash ends it, and another one comes.
    process: Arc<Process>,
}

impl SimBed {
    fn new(faults: Faults, seed: u64, blocking: bool) -> Self {
        let log = SimLog::new(Options {
            topics: TOPICS.to_vec(),
            partitions: 3,
            seed,
            clock: SimClock::new(1_700_000_000_000),
            blocking,
            faults,
            ..Options::default()
        });
        let process = log.process();
        Self { log, process }
    }

    /// Real threads, polls that wait, and nothing goes wrong.
    fn calm() -> Self {
        Self::new(Faults::none(), 0, true)
    }

    /// Everything that no caller may notice: late, in pieces, and out of step.
    fn rough(seed: u64) -> Self {
        let faults =
            Faults { delay: 0.3, idle: 0.05, split: 0.7, compaction: 0.2, thrown: 0.5, ..Faults::none() };
        Self::new(faults, seed, false)
    }
}

impl Bed for SimBed {
    fn open(&mut self) -> Arc<dyn Log> {
        Arc::clone(&self.process) as Arc<dyn Log>
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        self.process.kill();
        self.process = self.log.process();
        self.open()
    }

    fn can(&self, ability: Ability) -> bool {
        // A publish is answered at once: there is no queue that it could wait in.
        ability != Ability::Stall
    }

    fn pass_time(&mut self, by: Duration) {
        self.log.clock().advance(millis(by));
    }

    fn set_clock_back(&mut self, by: Duration) {
        self.log.clock().advance(-millis(by));
    }

    fn clean(&mut self) {
        self.log.retain();
        self.log.compact();
    }

    fn fail_writes(&mut self, fault: Fault) {
        self.log.refuse(Some(match fault {
            Fault::Full | Fault::Short => Reason::DiskFull,
            Fault::Broken => Reason::Storage("the device reports an error".to_owned()),
        }));
    }

    fn heal(&mut self) {
        self.log.refuse(None);
    }

    fn take_over(&mut self) {
        self.log.take_over("conformance");
    }
}

fn millis(by: Duration) -> Millis {
    Millis::try_from(by.as_millis()).expect("a test's time")
}

mod calm {
    use super::SimBed;
    eventlog::conformance_suite!(SimBed::calm(), without: [
        "publish::a_record_that_waits_past_its_deadline_is_not_written"
    ]);
}

mod rough {
    use super::SimBed;
    eventlog::conformance_suite!(SimBed::rough(1), without: [
        "publish::a_record_that_waits_past_its_deadline_is_not_written"
    ]);
}
