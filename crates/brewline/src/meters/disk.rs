//! The files of an embedded log, and the room beside them.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

/// The directory of an embedded log.
#[derive(Debug)]
pub(super) struct Disk(pub(super) PathBuf);

impl Collector for Disk {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = |bytes: u64| ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
        // What can't be asked is not said: 0 would mean something.
        if let Ok(sizes) = sizes(&self.0) {
            let help = "Size of the embedded log's files: its tail, and the file with everything older";
            let mut family =
                encoder.encode_descriptor("log_files", help, Some(&Unit::Bytes), MetricType::Gauge)?;
            for (file, bytes) in ["tail", "archive"].into_iter().zip(sizes) {
                let labels = [("file", file)];
                gauge(bytes).encode(family.encode_family(&labels)?)?;
            }
        }
        if let Ok(free) = free(&self.0) {
            let help = "Room that is left on the embedded log's disk";
            let descriptor =
                encoder.encode_descriptor("log_disk_free", help, Some(&Unit::Bytes), MetricType::Gauge)?;
            gauge(free).encode(descriptor)?;
        }
        Ok(())
    }
}

/// Of the tail's segments together, and of the log file.
fn sizes(dir: &Path) -> io::Result<[u64; 2]> {
    let (mut tail, mut archive) = (0, 0);
    for file in fs::read_dir(dir)? {
        let file = file?;
        let name = file.file_name();
        // One that has gone meanwhile is of no size.
        let bytes = file.metadata().map_or(0, |file| file.len());
        match Path::new(&name).extension().and_then(|kind| kind.to_str()) {
            Some("wal" | "new" | "old") => tail += bytes,
            Some("redb") => archive += bytes,
            _ => {}
        }
    }
    Ok([tail, archive])
}

/// Room that is left where this is, in bytes.
#[cfg(unix)]
pub(crate) fn free(place: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(place)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Nobody can say.
#[cfg(not(unix))]
pub(crate) fn free(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
