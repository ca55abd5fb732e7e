//! A text in both languages.

use serde::Serialize;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Words {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}
