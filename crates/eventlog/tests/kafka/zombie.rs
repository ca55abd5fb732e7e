//! A process that was paused past its session time, while another took over, wakes up.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use eventlog::{
    Position, Record, Transaction,
    conformance::{Bed as _, INPUT, OUTPUT},
};

use crate::bed::{KafkaBed, broker, everything_of, keys, publish, signal, spec, start_all, take_all};

/// The program in `process.rs`.
struct Worker {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Worker {
    fn start(bed: &KafkaBed) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kafka_worker"))
            .args([&broker(), &bed.options.prefix, "3"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let says = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, says }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).expect("it says something");
        line.trim().to_owned()
    }

    fn commit(&mut self, key: &str) -> String {
        let stdin = self.process.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{key}").expect("it listens");
        self.hear()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_worker_that_wakes_up_after_another_took_over_commits_nothing() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let position = publish(&*log, INPUT, 0, "cup");
    let mut zombie = Worker::start(&bed);
    assert_eq!(zombie.hear(), "ready");
    assert_eq!(zombie.commit("before"), "Ok(())");
    signal(zombie.process.id(), "STOP");
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);
    let living = |key: &str| Transaction {
        records: vec![(OUTPUT, 0, Record::new(key.to_owned(), ""))],
        positions: vec![Position { topic: INPUT, partition: 0, offset: position.offset + 1 }],
    };
    work.commit(living("living-1")).expect("it is committed");
    signal(zombie.process.id(), "CONT");
    assert_eq!(zombie.commit("zombie"), "Err(Fenced)");
    work.commit(living("living-2")).expect("it is committed");
    assert_eq!(keys(&everything_of(&*log, OUTPUT, 3)), ["before", "living-1", "living-2"]);
}
