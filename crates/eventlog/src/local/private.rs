//! What the log makes is for its own user alone: records hold what customers say of themselves. What is there
//! already keeps the rights that someone gave it.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Result,
    path::Path,
};

/// To make a file with.
#[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has a mode to set"))]
pub(super) fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a directory, and those on the way to it.
pub(super) fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}
