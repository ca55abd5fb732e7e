//! Values that are more than a text: properties, and files with who names them.

use std::{ffi::OsStr, fmt, path::PathBuf};

use clap::{Arg, Command as Clap, Error, builder::TypedValueParser, error::ErrorKind, parser::ValueSource};

use crate::{kafka::check_property, value::origin};

/// A property of librdkafka. Its value may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    pub key: String,
    pub value: String,
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

/// What is wrong is said without the value.
#[derive(Clone)]
pub(super) struct PropertyParser;

impl TypedValueParser for PropertyParser {
    type Value = Property;

    fn parse_ref(&self, command: &Clap, _: Option<&Arg>, value: &OsStr) -> Result<Property, Error> {
        let pair = value.to_str().and_then(|text| text.split_once('=')).filter(|(key, _)| !key.is_empty());
        let wrong =
            |why: &str| Error::raw(ErrorKind::ValueValidation, format!("--kafka: {why}\n")).with_cmd(command);
        let (key, value) = pair.ok_or_else(|| {
            wrong("say a property and its value: --kafka KEY=VALUE, as in --kafka security.protocol=SSL")
        })?;
        check_property(key, value).map_err(|why| wrong(&why))?;
        Ok(Property { key: key.to_owned(), value: value.to_owned() })
    }
}

/// A file, and who names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    pub path: PathBuf,
    /// A flag, a variable, or a line of the settings file.
    pub by: String,
}

#[derive(Clone)]
pub(super) struct FileParser;

impl TypedValueParser for FileParser {
    type Value = NamedFile;

    fn parse_ref(&self, command: &Clap, arg: Option<&Arg>, value: &OsStr) -> Result<NamedFile, Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        _: &Clap,
        arg: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<NamedFile, Error> {
        Ok(NamedFile { path: value.into(), by: origin(arg, source) })
    }
}
