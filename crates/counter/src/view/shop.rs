//! Facts of the whole shop: records of `shop.state`, the last one of each key wins, and of claims the first.

use std::collections::BTreeMap;

use eventlog::Offset;
use order::Millis;
use serde::{Deserialize, Serialize};

use super::{devices::Devices, facts::Facts, prints::Prints};

/// Claims on being the line's secret stand under this and a random name: `{"secret":"64 hex digits"}`.
pub(crate) const SECRET_PREFIX: &str = "secret/";
/// The staff token's SHA-256: `{"sha256":"64 hex digits"}`.
pub(crate) const STAFF_TOKEN: &str = "token/staff";
pub(crate) const BARISTA_PREFIX: &str = "barista/";

/// Baristas that are remembered by name. Each process without one adds a name.
const BARISTAS_MAX: usize = 256;

/// What is known of the shop.
#[derive(Debug, Default)]
pub struct Shop {
    secret: Option<(Offset, [u8; 32])>,
    staff_token: Option<[u8; 32]>,
    /// Where the last word on it stands, readable or not.
    staff_token_at: Option<Offset>,
    facts: Facts,
    devices: Devices,
    prints: Prints,
    baristas: BTreeMap<Box<str>, Barista>,
    /// The key of the one that spoke last: it is asked for with each order that becomes ready.
    spoke_last: Option<Box<str>>,
    read_to: Offset,
}

/// What a barista says of itself under `barista/INSTANCE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BaristaFact"))]
#[serde(default)]
#[derive(Default)]
pub struct Barista {
    /// `auto` or `manual`.
    pub mode: Option<String>,
    /// How many it makes at once; `None`: no limit.
    pub hands: Option<u32>,
    /// How long one cup takes.
    pub cup_ms: Option<u64>,
    /// When it said so.
    pub at: Millis,
}

impl Shop {
    /// The line's secret: the claim with the lowest offset.
    pub fn secret(&self) -> Option<&[u8; 32]> {
        self.secret.as_ref().map(|(_, secret)| secret)
    }

    /// SHA-256 of the staff token.
    pub fn staff_token(&self) -> Option<&[u8; 32]> {
        self.staff_token.as_ref()
    }

    /// Where the last word on it stands.
    pub(crate) fn staff_token_at(&self) -> Option<Offset> {
        self.staff_token_at
    }

    /// What staff and bar pages say of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Who may do what.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Which orders are owed on paper.
    pub(crate) fn prints(&self) -> &Prints {
        &self.prints
    }

    /// The next record that will be read.
    pub(crate) fn read_to(&self) -> Offset {
        self.read_to
    }

    /// The barista that spoke last.
    pub fn barista(&self) -> Option<&Barista> {
        self.baristas.get(self.spoke_last.as_deref()?)
    }

    /// A barista by its name.
    pub(super) fn barista_named(&self, name: &str) -> Option<&Barista> {
        self.baristas.get(&*format!("{BARISTA_PREFIX}{name}"))
    }

    /// Takes in a record that was written at this time. What can't be read is as if it weren't there: facts of later
    /// versions are none of ours.
    pub(super) fn apply(&mut self, offset: Offset, key: &str, value: Option<&[u8]>, written_at: Millis) {
        #[derive(Deserialize)]
        struct Secret {
            secret: String,
        }
        #[derive(Deserialize)]
        struct Token {
            sha256: String,
        }
        self.read_to = offset + 1;
        match (key, value) {
            (STAFF_TOKEN, value) => {
                let token = value.and_then(|v| serde_json::from_slice::<Token>(v).ok());
                self.staff_token_at = Some(offset);
                self.staff_token = token.and_then(|t| from_hex(&t.sha256));
            }
            (key, Some(value)) if key.starts_with(SECRET_PREFIX) => {
                let claim = serde_json::from_slice::<Secret>(value).ok().and_then(|s| from_hex(&s.secret));
                if let Some(secret) = claim
                    && self.secret.is_none_or(|(first, _)| offset < first)
                {
                    self.secret = Some((offset, secret));
                }
            }
            (key, value) if key.starts_with(BARISTA_PREFIX) => {
                match value.map(serde_json::from_slice::<Barista>) {
                    Some(Ok(barista)) => self.barista_says(key, barista),
                    _ => drop(self.baristas.remove(key)),
                }
                let last = self.baristas.iter().max_by_key(|(_, barista)| barista.at);
                self.spoke_last = last.map(|(key, _)| key.clone());
            }
            (key, value) => {
                let is_known = self.prints.apply(offset, key, value, written_at)
                    || self.devices.apply(offset, key, value, written_at);
                if !is_known {
                    self.facts.apply(key, value, written_at);
                }
            }
        }
    }

    fn barista_says(&mut self, key: &str, barista: Barista) {
        self.baristas.insert(key.into(), barista);
        if self.baristas.len() > BARISTAS_MAX {
            let oldest = self.baristas.iter().min_by_key(|(_, b)| b.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.baristas.remove(&key));
        }
    }
}

/// 32 bytes from 64 hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|d| char::from(d).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(bytes)
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(byte: u8) -> Vec<u8> {
        format!(r#"{{"secret":"{}"}}"#, to_hex(&[byte; 32])).into_bytes()
    }

    #[test]
    fn the_first_claim_is_the_secret_in_whatever_order_they_are_read() {
        let mut shop = Shop::default();
        shop.apply(7, "secret/b", Some(&claim(7)), 0);
        shop.apply(3, "secret/a", Some(&claim(3)), 0);
        shop.apply(9, "secret/c", Some(&claim(9)), 0);
        shop.apply(1, "secret/broken", Some(b"{}"), 0);
        assert_eq!(shop.secret(), Some(&[3; 32]));
    }

    #[test]
    fn the_barista_that_spoke_last_is_the_one_that_is_there() {
        let mut shop = Shop::default();
        let mut says = |name: &str, json: &str| {
            shop.apply(1, name, (!json.is_empty()).then_some(json.as_bytes()), 0);
            shop.barista().map(|barista| barista.at)
        };
        assert_eq!(says("barista/a", r#"{"at":2}"#), Some(2));
        assert_eq!(says("barista/b", r#"{"at":1}"#), Some(2));
        assert_eq!(says("barista/b", r#"{"at":3}"#), Some(3));
        assert_eq!(says("barista/b", ""), Some(2));
        assert_eq!(says("barista/a", "nonsense"), None);
    }

    #[test]
    fn the_last_staff_token_counts_and_nonsense_counts_as_none() {
        let mut shop = Shop::default();
        let token = |byte: u8| format!(r#"{{"sha256":"{}"}}"#, to_hex(&[byte; 32]));
        shop.apply(1, STAFF_TOKEN, Some(token(1).as_bytes()), 0);
        shop.apply(2, STAFF_TOKEN, Some(token(2).as_bytes()), 0);
        assert_eq!(shop.staff_token(), Some(&[2; 32]));
        shop.apply(3, STAFF_TOKEN, Some(b"\xff"), 0);
        assert_eq!(shop.staff_token(), None);
    }
}
