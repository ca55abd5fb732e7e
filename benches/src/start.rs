//! Start on a file of 5 GB, after a clean stop and after SIGKILL, on the real binary.

use std::{fs, path::Path, time::Duration};

use eventlog::{Headers, Log as _, Record};
use order::{DeadLetter, topic};

use crate::{line, load, process::Up, table::Table};

/// Records with this many bytes, which do not compress, make a file of 5 GB and a little more.
const RECORDS: usize = 1_250_000;
pub(crate) const RECORD_BYTES: usize = 4_000;
const AT_ONCE: usize = 4_096;

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    fill(dir, RECORDS)?;
    let target = "≤ 2 s";
    Up::start(dir, &[])?.program.stop()?;
    let size = size(dir)? as f64 / 1e9;
    let up = Up::start(dir, &[])?;
    let seen = format!("{:.2} s on {size:.1} GB", up.ready_after.as_secs_f64());
    table.row("start after a clean stop", target, seen);
    load::orders(up.counter, 64, Duration::from_secs(3))?;
    up.program.kill()?;
    let up = Up::start(dir, &[])?;
    let seen = format!("{:.2} s on {size:.1} GB", up.ready_after.as_secs_f64());
    table.row("start after SIGKILL under load", target, seen);
    up.program.stop()
}

/// A long history: what a start has no need to read. Each of these records has 4,000 bytes, which do not compress. They
/// are dead letters of commands: about no order, so that the line's ledger holds.
pub(crate) fn fill(dir: &Path, records: usize) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    let publisher = log.publisher();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut noise = Noise(1);
    let letter = Headers::new([
        (DeadLetter::REASON, &b"it is no JSON"[..]),
        (DeadLetter::TOPIC, topic::COMMAND.as_bytes()),
    ]);
    for _ in 0..records.div_ceil(AT_ONCE) {
        runtime.block_on(async {
            let sent: Vec<_> = (0..AT_ONCE)
                .map(|n| {
                    let record = Record::new(n.to_string(), noise.bytes(RECORD_BYTES));
                    let record = record.with_headers(letter.clone());
                    publisher.publish(topic::DLQ, 0, record, Duration::from_mins(1))
                })
                .collect();
            for publish in sent {
                publish.await?;
            }
            anyhow::Ok(())
        })?;
    }
    log.close();
    Ok(())
}

/// Bytes that nothing can compress (xorshift64): the file is to be large.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut words = std::iter::from_fn(|| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            Some(self.0.to_le_bytes())
        });
        words.by_ref().take(count / 8).flatten().collect()
    }
}

/// All of its files, in bytes.
pub(crate) fn size(dir: &Path) -> anyhow::Result<u64> {
    fs::read_dir(dir)?.try_fold(0, |sum, file| Ok(sum + file?.metadata()?.len()))
}
