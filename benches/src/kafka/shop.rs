//! One line's topics on the broker, gone when it is dropped.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use eventlog::kafka::{KafkaLog, Options};
use order::topic;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
};

use super::Cluster;
use crate::{
    line,
    process::{Program, cpu_seconds},
};

const WITHIN: Duration = Duration::from_secs(10);

/// One line's topics, with a prefix of their own.
pub(super) struct Shop {
    brokers: String,
    prefix: String,
    /// Asks where the group is; no member of it.
    group: BaseConsumer,
}

impl Shop {
    pub(super) fn new(cluster: &Cluster) -> anyhow::Result<Self> {
        let prefix = format!("bench-{:08x}-", uuid::Uuid::new_v4().as_fields().0);
        let group = ClientConfig::new()
            .set("bootstrap.servers", &cluster.brokers)
            .set("group.id", format!("{prefix}barista_group"))
            .create()?;
        let shop = Self { brokers: cluster.brokers.clone(), prefix, group };
        eventlog::kafka::make_topics(&shop.options())?;
        Ok(shop)
    }

    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn topic(&self, topic: eventlog::Topic) -> String {
        format!("{}{topic}", self.prefix)
    }

    fn options(&self) -> Options {
        let mut options = Options::new(&self.brokers, &brewline::catalog(line::MONTH));
        options.prefix.clone_from(&self.prefix);
        options
    }

    pub(super) fn log(&self) -> anyhow::Result<Arc<KafkaLog>> {
        Ok(KafkaLog::open(self.options())?)
    }

    /// Lets `count` orders wait.
    pub(super) fn place(&self, count: usize, amount: impl Fn(usize) -> u16) -> anyhow::Result<()> {
        line::place(&self.log()?, count, amount)
    }

    /// How many records of `order.received` the group has taken in, by its committed position.
    pub(super) fn taken(&self) -> anyhow::Result<usize> {
        let topic = self.topic(topic::RECEIVED);
        let mut list = TopicPartitionList::new();
        list.add_partition(&topic, 0);
        let list = self.group.committed_offsets(list, WITHIN)?;
        let found = list.find_partition(&topic, 0).context("an answer about another partition")?;
        Ok(match found.offset() {
            Offset::Offset(offset) => usize::try_from(offset)?,
            _ => 0,
        })
    }

    /// Waits until the group has taken in `count` records. Measured from the first commit on: without the start of
    /// the program and its joining. `None` is this process.
    pub(super) fn take(&self, count: usize, mut program: Option<&mut Program>) -> anyhow::Result<Taken> {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let began = Instant::now();
        let mut first = None;
        loop {
            let taken = self.taken()?;
            if taken > 0 {
                let used =
                    program.as_ref().map_or_else(|| cpu_seconds("self"), |program| program.cpu_seconds())?;
                let now = Instant::now();
                let (at, used_before, before) = *first.get_or_insert((now, used, taken));
                if taken >= count {
                    let orders = (taken - before) as f64;
                    let per_second = orders / (now - at).as_secs_f64();
                    return Ok(Taken { per_second, cpu_micros: (used - used_before) * 1e6 / orders });
                }
            }
            program.as_deref_mut().map_or(Ok(()), Program::check)?;
            anyhow::ensure!(began.elapsed() < Duration::from_mins(3), "only {taken} of {count} were taken");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

/// How fast orders were taken.
pub(super) struct Taken {
    pub(super) per_second: f64,
    /// Processor time that each order took.
    pub(super) cpu_micros: f64,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let remove = || -> anyhow::Result<()> {
            let admin: AdminClient<DefaultClientContext> =
                ClientConfig::new().set("bootstrap.servers", &self.brokers).create()?;
            let topics: Vec<_> =
                brewline::catalog(line::MONTH).iter().map(|spec| self.topic(spec.name)).collect();
            let names: Vec<_> = topics.iter().map(String::as_str).collect();
            let options = AdminOptions::new().operation_timeout(Some(WITHIN));
            // The files go a minute later otherwise, and the disk fills with those of other runs.
            let soon: Vec<_> = names
                .iter()
                .map(|name| AlterConfig::new(ResourceSpecifier::Topic(name)).set("file.delete.delay.ms", "0"))
                .collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(admin.alter_configs(&soon, &options))?;
            runtime.block_on(admin.delete_topics(&names, &options))?;
            Ok(())
        };
        if let Err(error) = remove() {
            eprintln!("  the topics {}… are left: {error}", self.prefix);
        }
    }
}
