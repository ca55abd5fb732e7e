//! Names of orders and commands.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

use crate::Limits;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is empty.
    #[error("an id must not be empty")]
    Empty,
    /// It is too long.
    #[error("an id has at most 128 bytes")]
    TooLong,
    /// An order's begins with a zero character: such keys are the line's own in `order.state`.
    #[error("an order's id must not begin with a zero character")]
    Reserved,
    /// A command's holds a control character.
    #[error("a command's id holds no control characters")]
    Control,
}

fn check(text: &str) -> Result<(), IdError> {
    match text {
        "" => Err(IdError::Empty),
        _ if text.len() > Limits::ID_BYTES => Err(IdError::TooLong),
        _ => Ok(()),
    }
}

fn check_order(text: &str) -> Result<(), IdError> {
    if text.starts_with('\0') { Err(IdError::Reserved) } else { check(text) }
}

fn check_command(text: &str) -> Result<(), IdError> {
    if text.chars().any(char::is_control) { Err(IdError::Control) } else { check(text) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The id in `text`, if it is one.
            pub fn new(text: impl Into<Box<str>>) -> Result<Self, IdError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }
    };
}

id! {
    /// An order's name: ours are UUIDs, others' any text of 1 to 128 bytes that does not begin with a zero
    /// character. It may hold control characters: whoever prints it escapes them.
    OrderId, check_order
}
id! {
    /// A command's name, chosen by its sender: 1 to 128 bytes without control characters.
    CommandId, check_command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_is_any_text_of_1_to_128_bytes_that_is_not_the_lines_own() {
        for text in ["주문-1", "a\nb", "\u{1b}[2J", "a\0", " ", &"x".repeat(128)] {
            assert_eq!(OrderId::new(text).unwrap().as_str(), text);
        }
        assert_eq!(OrderId::new(""), Err(IdError::Empty));
        assert_eq!(OrderId::new("x".repeat(129)), Err(IdError::TooLong));
        assert_eq!(OrderId::new(crate::topic::POSITIONS_KEY), Err(IdError::Reserved));
        assert!(serde_json::from_str::<OrderId>(r#""a\nb""#).is_ok());
        assert!(serde_json::from_str::<OrderId>(r#""\u0000""#).is_err());
    }

    #[test]
    fn a_command_id_holds_no_control_characters() {
        assert!(CommandId::new("주문-1").is_ok());
        assert_eq!(CommandId::new("a\nb"), Err(IdError::Control));
        assert_eq!(CommandId::new(""), Err(IdError::Empty));
    }
}
