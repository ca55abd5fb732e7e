//! The embedded log's files, and backups: damaged, or made up by someone who knows how they are laid out.
//!
//! The first byte of an input says how the rest of it is taken; where that is as bodies of frames, each gets a header
//! with the right checksums, because no mutation finds those.

use std::{fs, path::Path, sync::OnceLock, time::Duration};

use eventlog::{
    Cleanup, Log as _, OpenError, Partitions, Start, TopicSpec,
    local::{LocalLog, Options, check_backup, look, restore},
};
use twox_hash::XxHash3_64;

/// What stands between the bodies of two frames.
const BETWEEN: &[u8] = b"\xff\xfe\xfd\xfc";
/// The smallest size of a segment of the tail.
const SEGMENT_BYTES: usize = 8 << 20;

/// Whatever the files hold: they are read, or one sentence says what is wrong, and nothing is changed.
pub(super) fn run(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    match how % 3 {
        0 => backup(rest),
        1 => backup(&made_up_backup(rest)),
        _ => tail(rest),
    }
}

/// A backup whose frames have these bodies.
pub fn made_up_backup(bodies: &[u8]) -> Vec<u8> {
    file(*b"BREWBACK", Place { id: 7, sequence: 1, first: 0 }, bodies, true)
}

fn sentence(error: &OpenError) {
    assert!(!error.to_string().is_empty());
}

/// What passes the check makes a log, and that has as many records.
fn backup(bytes: &[u8]) {
    let contents = match check_backup(bytes, "a.backup") {
        Ok(contents) => contents,
        Err(error) => return sentence(&error),
    };
    let dir = tempfile::tempdir_in(room()).expect("a directory");
    let dir = dir.path().join("log");
    let restored = match restore(bytes, "a.backup", &dir) {
        Ok(restored) => restored,
        Err(error) => return sentence(&error),
    };
    assert_eq!(restored.records(), contents.records());
    let log = match LocalLog::open(Options::new(&dir, &[] as &[TopicSpec])) {
        Ok(log) => log,
        Err(error) => panic!("{error}: {contents:?}"),
    };
    log.close();
}

/// A segment of the tail beside a log file.
fn tail(bodies: &[u8]) {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    let Sound { log_file, id, sequence } = SOUND.get_or_init(Sound::make);
    let dir = tempfile::tempdir_in(room()).expect("a directory");
    let mut segment = file(*b"BREWTAIL", Place { id: *id, sequence: *sequence, first: 1 }, bodies, false);
    segment.resize(segment.len().max(SEGMENT_BYTES), 0);
    fs::write(dir.path().join("log.redb"), log_file).expect("room for it");
    fs::write(dir.path().join(format!("tail-{sequence:016x}.wal")), segment).expect("room for it");
    let before = names(dir.path());
    if let Err(error) = look(dir.path()) {
        sentence(&error);
    }
    assert_eq!(names(dir.path()), before, "a look changes nothing");
    match LocalLog::open(Options::new(dir.path(), &[] as &[TopicSpec])) {
        Ok(log) => {
            if let Ok(mut follower) = log.follow(&[("order.received", Start::Beginning)]) {
                while follower.poll(Duration::ZERO).is_ok_and(|batch| !batch.at_end) {}
            }
            log.close();
        }
        Err(error) => sentence(&error),
    }
}

/// A log that nothing is wrong with, to which a tail is made up.
struct Sound {
    log_file: Vec<u8>,
    id: u64,
    sequence: u64,
}

impl Sound {
    fn make() -> Self {
        let dir = tempfile::tempdir_in(room()).expect("a directory");
        let cleanup = Cleanup::Delete(Duration::from_hours(720));
        let topic = TopicSpec { name: "order.received", cleanup, partitions: Partitions::One };
        LocalLog::open(Options::new(dir.path(), &[topic])).expect("a new log").close();
        let names = names(dir.path());
        let tail = names.iter().find(|name| name.starts_with("tail-")).expect("it has a tail");
        let tail = fs::read(dir.path().join(tail)).expect("it can be read");
        let word = |at: usize| u64::from_le_bytes(tail[at..at + 8].try_into().expect("eight bytes"));
        let log_file = fs::read(dir.path().join("log.redb")).expect("it can be read");
        Self { log_file, id: word(16), sequence: word(24) }
    }
}

/// Which file of which log.
#[derive(Clone, Copy)]
struct Place {
    id: u64,
    sequence: u64,
    /// The number of its first frame.
    first: u64,
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).expect("it is there");
    let mut names: Vec<_> =
        names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// In memory, where there is such a place: thousands of files.
pub(super) fn room() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A header, and a frame for each body. The first is what everything begins with, the last the end if there is to be one.
fn file(magic: [u8; 8], place: Place, bodies: &[u8], has_end: bool) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..8].copy_from_slice(&magic);
    bytes[8] = 1;
    bytes[16..24].copy_from_slice(&place.id.to_le_bytes());
    bytes[24..32].copy_from_slice(&place.sequence.to_le_bytes());
    let sum = checksum(place.id, &bytes[..32]);
    bytes[32..40].copy_from_slice(&sum);
    let bodies: Vec<&[u8]> = split(bodies);
    let last = bodies.len() - 1;
    for (number, body) in bodies.into_iter().enumerate() {
        let kind: u32 = match number {
            0 => 2,
            number if number == last && has_end => 3,
            _ => 0,
        };
        let begins = bytes.len();
        bytes.extend([0; 8]);
        bytes.extend(u32::try_from(body.len()).expect("inputs are small").to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(place.sequence.to_le_bytes());
        bytes.extend((number as u64 + place.first).to_le_bytes());
        bytes.extend(body);
        let sum = checksum(place.id, &bytes[begins + 8..]);
        bytes[begins..begins + 8].copy_from_slice(&sum);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

fn split(mut bodies: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some(at) = bodies.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        all.push(&bodies[..at]);
        bodies = &bodies[at + BETWEEN.len()..];
    }
    all.push(bodies);
    all
}

fn checksum(log: u64, bytes: &[u8]) -> [u8; 8] {
    XxHash3_64::oneshot_with_seed(log, bytes).to_le_bytes()
}
