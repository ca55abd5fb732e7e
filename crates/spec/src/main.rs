//! Writes the specifications below `docs/`, from wherever it is called in the repository.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in spec::documents() {
        fs::write(root.join(path), text)?;
    }
    Ok(())
}
