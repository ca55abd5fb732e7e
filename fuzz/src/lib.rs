//! What comes from outside, as bytes that nobody would think of.

pub mod targets;

/// Runs the target of this name.
///
/// # Panics
/// If there is none, or if the input found something.
pub fn run(name: &str, input: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}

/// Takes SIGPIPE, which else ends the process without a word when it writes to a connection that the other side has closed.
/// In a program of Rust it is ignored from the beginning, but here `main` is libFuzzer's.
///
/// # Panics
/// If the system has no file handles left.
pub fn survive_closed_connections() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    // The handler stays when this is dropped.
    let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::pipe()).expect("it may be taken");
}
