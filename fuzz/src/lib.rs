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
