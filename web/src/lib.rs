//! The pages, embedded: every file of this folder that a browser asks for, compressed when the program was built.
//!
//! | item | what it is |
//! |---|---|
//! | [`pages`] | the HTML, one for each language |
//! | [`documents`] | the specifications, as JSON |
//! | [`asset`] | what stands below `/web/`[`HASH`]`/`: styles, modules, drawings |
//! | [`Asset`] | one file as it is sent |

use std::{borrow::Cow, io::Read as _};

use flate2::read::GzDecoder;

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// All of them, the one for everybody else first.
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// As it is written in HTML and HTTP.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language with this tag, whatever the country: `ko`, `en-GB`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }
}

/// How a file may be packed for its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Encoding {
    /// All of them, the tighter one first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As HTTP calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// One file.
#[derive(Debug)]
pub struct Asset {
    path: &'static str,
    content_type: &'static str,
    etag: &'static str,
    /// Only where packing makes it no smaller: whoever can unpack nothing has it unpacked here.
    identity: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

impl Asset {
    /// Where it stands: `lib/i18n.js`.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Its media type, with the charset.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// 16 hexadecimal digits of a hash over its bytes, the same however it is packed.
    pub fn hash(&self) -> &'static str {
        self.etag
    }

    /// Its bytes as they are. Most are unpacked for that, each time.
    pub fn bytes(&self) -> Cow<'static, [u8]> {
        let unpacked = || self.gzip.map(unpacked).unwrap_or_default();
        self.identity.map_or_else(|| unpacked().into(), Cow::Borrowed)
    }

    /// Its bytes packed; `None` if that would not make them fewer.
    pub fn packed(&self, encoding: Encoding) -> Option<&'static [u8]> {
        match encoding {
            Encoding::Brotli => self.brotli,
            Encoding::Gzip => self.gzip,
        }
    }
}

/// A page in every language.
#[derive(Debug)]
pub struct Page {
    real: [Asset; Language::ALL.len()],
    practice: [Asset; Language::ALL.len()],
}

impl Page {
    /// The page in this language.
    pub fn in_language(&self, language: Language) -> &Asset {
        &self.real[language as usize]
    }

    /// The page in this language, with a banner that says that all of it is practice.
    pub fn as_practice(&self, language: Language) -> &Asset {
        &self.practice[language as usize]
    }
}

/// A specification, which stands here packed alone.
#[derive(Debug)]
pub struct Document {
    etag: &'static str,
    gzip: &'static [u8],
    brotli: &'static [u8],
}

impl Document {
    /// 16 hexadecimal digits of a hash over its bytes, the same however it is packed.
    pub fn hash(&self) -> &'static str {
        self.etag
    }

    /// Its bytes as they are, unpacked each time.
    pub fn bytes(&self) -> Vec<u8> {
        unpacked(self.gzip)
    }

    /// Its bytes packed.
    pub fn packed(&self, encoding: Encoding) -> &'static [u8] {
        match encoding {
            Encoding::Brotli => self.brotli,
            Encoding::Gzip => self.gzip,
        }
    }
}

fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(gzip)
        .read_to_end(&mut bytes)
        .expect("what was packed when this was built can be unpacked");
    bytes
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The file at this path below the hash, if there is one.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok().map(|at| &ASSETS[at])
}

/// All files below the hash, by path.
pub fn assets() -> &'static [Asset] {
    ASSETS
}

#[cfg(test)]
#[path = "../build/fill.rs"]
mod fill;
#[cfg(test)]
#[path = "../build/imports.rs"]
mod imports;
#[cfg(test)]
mod tests;

#[cfg(test)]
const LANGUAGES: [&str; 2] = ["en", "ko"];
