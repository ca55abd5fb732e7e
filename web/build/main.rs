//! Gathers the pages beside this crate, fills in what only the whole of them knows, compresses them, and writes the
//! table that `src/lib.rs` includes. `README.md` says what may stand in a page.

mod fill;
mod imports;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use sha2::{Digest as _, Sha256};

/// In the order of `Language`.
const LANGUAGES: [&str; 2] = ["en", "ko"];
/// What is served, and as what.
const TYPES: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
];
/// The specifications, beside the pages: as what they are found here, and where they stand in the repository.
const DOCUMENTS: [(&str, &str); 2] = [("OPENAPI", "docs/openapi.json"), ("ASYNCAPI", "docs/asyncapi.json")];
/// Folders that hold no pages.
const NOT_SERVED: [&str; 5] = ["bench", "build", "node_modules", "src", "tests"];
/// Bytes of a hash that names something: 64 bits, as 16 hexadecimal digits.
const HASH_BYTES: usize = 8;

/// Every file by its path from the root, with slashes.
type Files = BTreeMap<String, String>;

#[expect(clippy::print_stdout, reason = "a build script speaks to cargo on stdout")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo does not say where the pages are")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo does not say where to write")?);
    let mut files = Files::new();
    gather(&root, "", &mut files)?;
    let hash = hash_of(files.iter().flat_map(|(path, text)| {
        // Lengths before texts: two sets of files never read as the same bytes.
        let lengths = [path.len() as u64, text.len() as u64].map(u64::to_le_bytes).concat();
        [lengths, path.clone().into_bytes(), text.clone().into_bytes()]
    }));
    let filler = fill::Filler::new(&files, &hash)?;
    let documents = documents(&root)?;
    let table = Table { out: &out, files: 0 };
    table.write(&files, &documents, &hash, &filler)
}

/// The specifications by what they are called here, without the white space that people need.
#[expect(clippy::print_stdout, reason = "a build script speaks to cargo on stdout")]
fn documents(root: &Path) -> Result<Vec<(&'static str, &'static str, String)>, String> {
    let read = |(name, path): (&'static str, &'static str)| {
        let file = root.join("..").join(path);
        println!("cargo::rerun-if-changed={}", file.display());
        // What writes it is built with it in.
        let trouble = |error: &dyn std::fmt::Display| {
            format!("{path}: {error}; write {{}} into it, and have it made anew: cargo run -p spec")
        };
        let text = fs::read_to_string(&file).map_err(|error| trouble(&error))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| trouble(&error))?;
        Ok((name, path, json.to_string()))
    };
    DOCUMENTS.into_iter().map(read).collect()
}

/// Reads what is served, and has cargo look at it again when it changes.
#[expect(clippy::print_stdout, reason = "a build script speaks to cargo on stdout")]
fn gather(root: &Path, below: &str, into: &mut Files) -> Result<(), String> {
    let folder = root.join(below);
    // Of the root only its files count: cargo would look through all that is below it.
    if !below.is_empty() {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let trouble = |error: io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(&folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.file_type().map_err(trouble)?.is_dir() {
            if !NOT_SERVED.contains(&name.as_str()) && !name.starts_with('.') {
                gather(root, &path, into)?;
            }
        } else if type_of(&path).is_some() {
            println!("cargo::rerun-if-changed={}", entry.path().display());
            let text = fs::read_to_string(entry.path()).map_err(|error| format!("web/{path}: {error}"))?;
            into.insert(path, text);
        }
    }
    Ok(())
}

fn type_of(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind)
}

fn hash_of<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digits: Vec<String> =
        hash.finalize()[..HASH_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// The table as Rust, and the files beside it that it includes.
struct Table<'a> {
    out: &'a Path,
    files: usize,
}

impl Table<'_> {
    fn write(
        mut self,
        files: &Files,
        documents: &[(&str, &str, String)],
        hash: &str,
        filler: &fill::Filler<'_>,
    ) -> Result<(), String> {
        let (mut assets, mut pages) = (Vec::new(), Vec::new());
        let documents = documents.iter().map(|(name, path, text)| {
            let document = self.document(text)?;
            Ok::<_, String>(format!("/// `{path}`.\npub static {name}: Document = {document};\n"))
        });
        let documents = documents.collect::<Result<Vec<_>, _>>()?.concat();
        for (path, text) in files {
            match path.strip_suffix(".html") {
                None => assets.push(self.asset(path, text)?),
                Some(_) if fill::is_part(path) => {}
                Some(name) => {
                    let constant = name.to_uppercase().replace('-', "_");
                    let [real, practice] = [false, true].map(|is_practice| {
                        let [en, ko] = LANGUAGES.map(|language| {
                            let html = filler.page(path, language)?;
                            let html = if is_practice { filler.as_practice(path, &html)? } else { html };
                            self.asset(path, &html)
                        });
                        Ok::<_, String>(format!("[{}, {}]", en?, ko?))
                    });
                    let page = format!("Page {{ real: {}, practice: {} }}", real?, practice?);
                    pages.push(format!("/// `{path}`.\npub static {constant}: Page = {page};\n"));
                }
            }
        }
        let (assets, pages) = (assets.join(",\n"), pages.concat());
        let table = format!(
            "/// Names everything that is served below `/web/`: another file, another hash.\npub const HASH: &str = {hash:?};\n\
             static ASSETS: &[Asset] = &[\n{assets}];\n\
             /// The specifications.\npub mod documents {{\nuse super::Document;\n{documents}}}\n\
             /// The pages.\npub mod pages {{\nuse super::{{Asset, Page}};\n{pages}}}\n"
        );
        self.put("table.rs", table.as_bytes())
    }

    /// One file as an expression.
    fn asset(&mut self, path: &str, text: &str) -> Result<String, String> {
        let kind = type_of(path).ok_or("only what has a type is gathered")?;
        let (etag, bytes) = (hash_of([text]), text.as_bytes());
        let compressed =
            |name: &str, packed: Vec<u8>| (packed.len() < bytes.len()).then(|| (name.to_owned(), packed));
        self.files += 1;
        let number = self.files;
        let gzip = compressed(&format!("{number}.gz"), gzip(bytes).map_err(|error| error.to_string())?);
        let brotli = compressed(&format!("{number}.br"), brotli(bytes).map_err(|error| error.to_string())?);
        // It can be had from that.
        let identity = gzip.is_none().then(|| (number.to_string(), bytes.to_vec()));
        let include = |kept: Option<(String, Vec<u8>)>| match kept {
            None => Ok("None".to_owned()),
            Some((name, bytes)) => {
                self.put(&name, &bytes).map(|()| format!("Some(include_bytes!({name:?}))"))
            }
        };
        Ok(format!(
            "Asset {{ path: {path:?}, content_type: {kind:?}, etag: {etag:?}, identity: {}, gzip: {}, brotli: {} }}",
            include(identity)?,
            include(gzip)?,
            include(brotli)?
        ))
    }

    /// One specification as an expression: only packed, because hardly anyone asks for it, and packed it is a tenth.
    fn document(&mut self, text: &str) -> Result<String, String> {
        self.files += 1;
        let [gz, br] = ["gz", "br"].map(|encoding| format!("{}.{encoding}", self.files));
        self.put(&gz, &gzip(text.as_bytes()).map_err(|error| error.to_string())?)?;
        self.put(&br, &brotli(text.as_bytes()).map_err(|error| error.to_string())?)?;
        let etag = hash_of([text]);
        Ok(format!(
            "Document {{ etag: {etag:?}, gzip: include_bytes!({gz:?}), brotli: include_bytes!({br:?}) }}"
        ))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.out.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut into = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    into.write_all(bytes)?;
    into.finish()
}

fn brotli(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let params =
        brotli::enc::BrotliEncoderParams { quality: 11, size_hint: bytes.len(), ..Default::default() };
    let mut into = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut into, &params)?;
    Ok(into)
}
