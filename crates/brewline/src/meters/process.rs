//! Processor, memory and files of this process, under the names that Prometheus' client libraries have for them:
//! <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>. Where the system does not say, nothing is.

use std::{fmt, time::SystemTime};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// This process, which began then.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) since: SystemTime,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut say = |name, help, unit: Option<Unit>, metric: &dyn EncodeMetric| {
            let descriptor = encoder.encode_descriptor(name, help, unit.as_ref(), metric.metric_type())?;
            metric.encode(descriptor)
        };
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let help = "When the process began, in seconds since 1970";
        say("process_start_time", help, Some(Unit::Seconds), &ConstGauge::new(since))?;
        if let Some(seconds) = system::cpu_seconds() {
            let help = "Time that all processors together spent on the process";
            say("process_cpu", help, Some(Unit::Seconds), &ConstCounter::new(seconds))?;
        }
        if let Some(bytes) = system::resident_bytes() {
            let help = "Memory that the process has in the machine's";
            say("process_resident_memory", help, Some(Unit::Bytes), &ConstGauge::new(bytes))?;
        }
        if let Some(open) = system::open_fds() {
            say("process_open_fds", "Open files and connections", None, &ConstGauge::new(open))?;
        }
        if let Some(most) = system::max_fds() {
            say("process_max_fds", "Open files and connections at most", None, &ConstGauge::new(most))?;
        }
        if let Some(threads) = system::threads() {
            say("process_threads", "Threads", None, &ConstGauge::new(threads))?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use rustix::{
        param::page_size,
        process::{Resource, getrlimit},
        time::{ClockId, clock_gettime},
    };

    #[expect(clippy::cast_precision_loss, reason = "millions of years are exact to a microsecond")]
    #[expect(clippy::unnecessary_wraps, reason = "other systems do not say")]
    pub(super) fn cpu_seconds() -> Option<f64> {
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        Some(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9)
    }

    pub(super) fn resident_bytes() -> Option<i64> {
        // In pages, the second number. Source: proc_pid_statm(5).
        let pages: i64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
        pages.checked_mul(i64::try_from(page_size()).ok()?)
    }

    pub(super) fn open_fds() -> Option<i64> {
        // The one that reads the directory is none of them.
        entries("/proc/self/fd").map(|count| count - 1)
    }

    pub(super) fn threads() -> Option<i64> {
        entries("/proc/self/task")
    }

    pub(super) fn max_fds() -> Option<i64> {
        i64::try_from(getrlimit(Resource::Nofile).current?).ok()
    }

    fn entries(dir: &str) -> Option<i64> {
        i64::try_from(fs::read_dir(dir).ok()?.count()).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn cpu_seconds() -> Option<f64> {
        None
    }

    pub(super) fn resident_bytes() -> Option<i64> {
        None
    }

    pub(super) fn open_fds() -> Option<i64> {
        None
    }

    pub(super) fn threads() -> Option<i64> {
        None
    }

    pub(super) fn max_fds() -> Option<i64> {
        None
    }
}
