//! What is measured, as a program that prints a table: `cargo run --release -p benches -- [NAME…]`.
//!
//! Every row but Kafka's runs on the embedded log with every answer synced, and shares the machine's cores with the load. The
//! barista is running and the views are folding, but for `1M brewing: engine`: that is a session of the engine
//! alone. Figures are wall-clock times of one run; the program says what it ran on.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]
#![expect(clippy::cast_precision_loss, reason = "counts are shown with three digits")]

mod backup;
mod brewing;
mod drain;
mod flood;
mod idle;
mod kafka;
mod latency;
mod ledger;
mod line;
mod load;
mod pagers;
mod post;
mod process;
mod retention;
mod start;
mod table;
mod traces;

use clap::{Parser, ValueEnum};

use self::kafka::Measure;

/// Measures the line, and prints a table.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure
    #[arg(value_enum, default_values_t = EMBEDDED.to_vec())]
    benches: Vec<Bench>,

    /// A directory on the disk to measure [default: a temporary one]
    #[arg(long)]
    dir: Option<std::path::PathBuf>,

    /// How large the log is that `backup` backs up, in megabytes
    #[arg(long, default_value_t = 1_000)]
    backup_megabytes: usize,

    #[command(flatten)]
    kafka: kafka::Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// POST /order at 1, 64 and 512 connections
    Post,
    /// 500,000 waiting orders of amount 0
    Drain,
    /// From the append to the announcement, at 500 orders/s
    Latency,
    /// A million orders brewing: memory, lateness, restart
    Brewing,
    /// A million old orders go while 500 orders/s flow
    Retention,
    /// Start on a file of 5 GB
    Start,
    /// A backup of a log of 1 GB while 500 orders/s flow
    Backup,
    /// `up` with nothing to do; the size of the binary
    Idle,
    /// A million orders counted anew, also while 64 connections order
    Ledger,
    /// The ledger at any moment of a day of 10,000 orders
    LedgerPast,
    /// 10,000 customers' pages on one counter: memory, idle, the bell, a restart
    Pagers,
    /// 10,000 connections that say nothing and 1,000 slow ones, while customers order
    Flood,
    /// POST /order at 512 connections, without traces and with one in ten recorded
    Traces,
    /// All that follow: the same on Apache Kafka, which needs Java and Maven
    Kafka,
    /// POST /order at 1, 64 and 512 connections
    KafkaPost,
    /// A million waiting orders of amount 0
    KafkaDrain,
    /// From the append to the announcement, at 500 orders/s
    KafkaLatency,
    /// A million orders brewing: memory, lateness, restart
    KafkaBrewing,
    /// Who decides after a restart, and after SIGKILL
    KafkaRestart,
}

/// Needs no service.
const EMBEDDED: &[Bench] = &[
    Bench::Post,
    Bench::Drain,
    Bench::Latency,
    Bench::Brewing,
    Bench::Retention,
    Bench::Start,
    Bench::Backup,
    Bench::Idle,
    Bench::Pagers,
    Bench::Flood,
    Bench::Ledger,
    Bench::LedgerPast,
    Bench::Traces,
];

impl Bench {
    /// What is to be measured on Apache Kafka.
    fn on_kafka(self) -> &'static [Measure] {
        match self {
            Self::Kafka => Measure::value_variants(),
            Self::KafkaPost => &[Measure::Post],
            Self::KafkaDrain => &[Measure::Drain],
            Self::KafkaLatency => &[Measure::Latency],
            Self::KafkaBrewing => &[Measure::Brewing],
            Self::KafkaRestart => &[Measure::Restart],
            _ => &[],
        }
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let dir = || match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let mut table = table::Table::default();
    let mut cluster = None;
    for bench in &args.benches {
        let dir = dir()?;
        eprintln!("{bench:?} …");
        match bench {
            Bench::Post => post::run(dir.path(), &mut table)?,
            Bench::Drain => drain::run(dir.path(), &mut table)?,
            Bench::Latency => latency::run(dir.path(), &mut table)?,
            Bench::Brewing => brewing::run(dir.path(), &mut table)?,
            Bench::Retention => retention::run(dir.path(), &mut table)?,
            Bench::Start => start::run(dir.path(), &mut table)?,
            Bench::Backup => backup::run(dir.path(), args.backup_megabytes, &mut table)?,
            Bench::Idle => idle::run(dir.path(), &mut table)?,
            Bench::Ledger => ledger::run(dir.path(), &mut table)?,
            Bench::LedgerPast => ledger::past(dir.path(), &mut table)?,
            Bench::Pagers => pagers::run(dir.path(), &mut table)?,
            Bench::Flood => flood::run(dir.path(), &mut table)?,
            Bench::Traces => traces::run(dir.path(), &mut table)?,
            on_kafka => {
                let cluster = match &cluster {
                    Some(cluster) => cluster,
                    None => cluster.insert(kafka::Cluster::start(&args.kafka)?),
                };
                for measure in on_kafka.on_kafka() {
                    eprintln!("{measure:?} on Apache Kafka …");
                    cluster.measure(*measure, &mut table)?;
                }
            }
        }
    }
    print!("{table}");
    Ok(())
}
