//! Order ids in a few bytes: a million of them are in memory.

use std::fmt;

use uuid::Uuid;

/// An order's id. Ours are UUIDs and take 16 bytes; others' are kept as they are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Kept);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kept {
    Uuid([u8; 16]),
    Other(Box<str>),
}

impl Name {
    /// The name that is written like this.
    pub fn of(text: &str) -> Self {
        // Only what would be written the same: an id with capital letters is another one.
        let uuid = Uuid::try_parse(text)
            .ok()
            .filter(|uuid| text == &*uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Self(match uuid {
            Some(uuid) => Kept::Uuid(uuid.into_bytes()),
            None => Kept::Other(text.into()),
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Uuid(bytes) => Uuid::from_bytes(*bytes).hyphenated().fmt(f),
            Kept::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_written_again_as_it_was() {
        for text in [
            "3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11",
            "3F0C2F0E-6A3B-4A53-9D0E-6B1F1F3F8A11",
            "3f0c2f0e6a3b4a539d0e6b1f1f3f8a11",
            "{3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11}",
            "urn:uuid:3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11",
            "order-7",
            "카페",
        ] {
            assert_eq!(Name::of(text).to_string(), text);
        }
        assert_ne!(
            Name::of("3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11"),
            Name::of("3F0C2F0E-6A3B-4A53-9D0E-6B1F1F3F8A11")
        );
    }

    #[test]
    fn a_name_is_small() {
        assert!(size_of::<Name>() <= 24);
    }
}
