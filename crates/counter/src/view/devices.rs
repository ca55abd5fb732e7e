//! Who may do what, in records of `shop.state`: devices that staff signed in, the codes that sign one in, and tokens of
//! programs.

use std::{collections::BTreeMap, sync::Arc};

use eventlog::Offset;
use order::{Limits, Millis, check_text};
use serde::{Deserialize, Serialize};

use super::shop::from_hex;

/// A device that was signed in: `{"name":"Main bar","role":"barista","at":MS}`, written once.
pub(crate) const DEVICE_PREFIX: &str = "device/";
/// When a device was here, about once a day: `{"at":MS}`.
pub(crate) const SEEN_PREFIX: &str = "seen/";
/// All devices that stand before this in the log are signed out: `{"at":MS}`.
pub(crate) const SESSIONS: &str = "sessions";
/// A code that signs in one device: `{"hash":"64 hex digits","role":"barista","expires_at":MS}`, with `"link":true` if it
/// is the end of a link, and with the key of the device or the token that had it shown: `"shown_by":"device/ID"`.
pub(crate) const CODE_PREFIX: &str = "code/";
/// A device that wants to use up a code: `claim/CODE/DEVICE`. The first one in the log may.
pub(crate) const CLAIM_PREFIX: &str = "claim/";
/// A program's token: `{"name":"till","role":"barista","sha256":"64 hex digits","at":MS}`.
pub(crate) const TOKEN_PREFIX: &str = "token/";

/// A device that was not here for so long is signed out.
pub(crate) const SESSION_MS: Millis = 30 * 24 * 60 * 60 * 1_000;

/// As what staff work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum StaffRole {
    /// Makes the orders.
    Barista,
    /// May do that, and all else.
    Manager,
}

/// Devices, codes and tokens.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    known: BTreeMap<Box<str>, Device>,
    /// Those before it are signed out.
    signed_out: Option<Offset>,
    codes: BTreeMap<Box<str>, SignInCode>,
    /// Who wants to use up each code, by place in the log.
    claims: BTreeMap<Box<str>, BTreeMap<Offset, Box<str>>>,
    tokens: BTreeMap<Box<str>, Token>,
}

/// A device that was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) name: Arc<str>,
    pub(crate) role: StaffRole,
    /// When it was signed in.
    pub(crate) at: Millis,
    /// When it was here last, to about a day.
    pub(crate) seen_at: Millis,
    offset: Offset,
}

impl Device {
    /// Until when it stays signed in if it does not come back.
    pub(crate) fn expires_at(&self) -> Millis {
        self.seen_at.saturating_add(SESSION_MS)
    }
}

/// A code that signs in one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInCode {
    pub(crate) hash: [u8; 32],
    pub(crate) role: StaffRole,
    pub(crate) expires_at: Millis,
    /// It is the end of a link: nobody guesses it.
    pub(crate) is_link: bool,
    /// The key of the device or the token that had it shown.
    shown_by: Option<Box<str>>,
    /// Where it stands: of two the older one is lower.
    pub(crate) offset: Offset,
}

/// A program's token, as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) name: Arc<str>,
    pub(crate) role: StaffRole,
    pub(crate) sha256: [u8; 32],
    pub(crate) at: Millis,
}

impl Devices {
    /// The device with this id, if it is signed in.
    pub(crate) fn device(&self, id: &str, now: Millis) -> Option<&Device> {
        self.known.get(id).filter(|device| device.expires_at() > now)
    }

    /// Those that are signed in, by their ids.
    pub(crate) fn signed_in(&self, now: Millis) -> impl Iterator<Item = (&str, &Device)> {
        self.known
            .iter()
            .filter(move |(_, device)| device.expires_at() > now)
            .map(|(id, device)| (&**id, device))
    }

    /// Those that did not come back.
    pub(crate) fn expired(&self, now: Millis) -> impl Iterator<Item = &str> {
        self.known.iter().filter(move |(_, device)| device.expires_at() <= now).map(|(id, _)| &**id)
    }

    /// The code with this hash, used up or not, good or not.
    pub(crate) fn code(&self, hash: &[u8; 32]) -> Option<(&str, &SignInCode)> {
        self.codes.iter().find(|(_, code)| code.hash == *hash).map(|(id, code)| (&**id, code))
    }

    /// All codes, by their ids.
    pub(crate) fn codes(&self) -> impl Iterator<Item = (&str, &SignInCode)> {
        self.codes.iter().map(|(id, code)| (&**id, code))
    }

    /// Whether a code can still sign a device in.
    pub(crate) fn is_good(&self, id: &str, now: Millis) -> bool {
        self.codes.get(id).is_some_and(|code| code.expires_at > now && !self.is_taken_back(code))
            && self.claimed_by(id).is_none()
    }

    /// Whether whoever had this code shown was signed out since, alone or with all: who took over a device could else come
    /// back with it.
    pub(crate) fn is_taken_back(&self, code: &SignInCode) -> bool {
        let is_gone = |by: &str| match (by.strip_prefix(DEVICE_PREFIX), by.strip_prefix(TOKEN_PREFIX)) {
            (Some(device), _) => !self.known.contains_key(device),
            (_, Some(token)) => !self.tokens.contains_key(token),
            _ => false,
        };
        self.signed_out > Some(code.offset) || code.shown_by.as_deref().is_some_and(is_gone)
    }

    /// The code with this id.
    pub(crate) fn code_of(&self, id: &str) -> Option<&SignInCode> {
        self.codes.get(id)
    }

    /// The device that a code belongs to.
    pub(crate) fn claimed_by(&self, code: &str) -> Option<&str> {
        self.claims.get(code)?.first_key_value().map(|(_, device)| &**device)
    }

    /// All who want to use up a code.
    pub(crate) fn claims(&self, code: &str) -> impl Iterator<Item = &str> {
        self.claims.get(code).into_iter().flat_map(BTreeMap::values).map(|device| &**device)
    }

    /// Tokens, by their ids.
    pub(crate) fn tokens(&self) -> impl ExactSizeIterator<Item = (&str, &Token)> {
        self.tokens.iter().map(|(id, token)| (&**id, token))
    }

    /// Takes in a record that was written at this time; false: it is none of these. What can't be read is as if it
    /// weren't there.
    pub(super) fn apply(
        &mut self,
        offset: Offset,
        key: &str,
        value: Option<&[u8]>,
        written_at: Millis,
    ) -> bool {
        if key == SESSIONS {
            self.signed_out = self.signed_out.max(Some(offset));
            self.known.retain(|_, device| device.offset > offset);
        } else if let Some(id) = key.strip_prefix(DEVICE_PREFIX) {
            self.device_says(offset, id, value, written_at);
        } else if let Some(id) = key.strip_prefix(SEEN_PREFIX) {
            if let (Some(device), Some(At { at })) = (self.known.get_mut(id), read(value)) {
                device.seen_at = device.seen_at.max(at.min(written_at));
            }
        } else if let Some(id) = key.strip_prefix(CODE_PREFIX) {
            keep(&mut self.codes, id, read(value).and_then(|says| code(says, offset)));
        } else if let Some((code, device)) =
            key.strip_prefix(CLAIM_PREFIX).and_then(|key| key.split_once('/'))
        {
            self.claim(offset, code, device, value.is_some());
        } else if let Some(id) = key.strip_prefix(TOKEN_PREFIX) {
            keep(&mut self.tokens, id, read(value).and_then(token));
        } else {
            return false;
        }
        true
    }

    fn device_says(&mut self, offset: Offset, id: &str, value: Option<&[u8]>, written_at: Millis) {
        let says = read::<DeviceSays>(value).filter(|says| is_name(&says.name));
        let says = says.filter(|_| self.signed_out.is_none_or(|before| offset > before));
        let device = says.map(|DeviceSays { name, role, at }| {
            // The log's time bounds that of a clock which is ahead: nobody stays signed in for years by it.
            let at = at.min(written_at);
            Device { name: name.into(), role, at, seen_at: at, offset }
        });
        keep(&mut self.known, id, device);
    }

    fn claim(&mut self, offset: Offset, code: &str, device: &str, is_there: bool) {
        let claims = self.claims.entry(code.into()).or_default();
        claims.retain(|_, other| **other != *device);
        if is_there {
            claims.insert(offset, device.into());
        }
        if claims.is_empty() {
            self.claims.remove(code);
        }
    }
}

#[derive(Deserialize)]
struct At {
    at: Millis,
}

#[derive(Deserialize)]
struct DeviceSays {
    name: String,
    role: StaffRole,
    at: Millis,
}

#[derive(Deserialize)]
struct CodeSays {
    hash: String,
    role: StaffRole,
    expires_at: Millis,
    #[serde(default)]
    link: bool,
    shown_by: Option<Box<str>>,
}

#[derive(Deserialize)]
struct TokenSays {
    name: String,
    role: StaffRole,
    sha256: String,
    at: Millis,
}

fn code(CodeSays { hash, role, expires_at, link, shown_by }: CodeSays, offset: Offset) -> Option<SignInCode> {
    Some(SignInCode { hash: from_hex(&hash)?, role, expires_at, is_link: link, shown_by, offset })
}

fn token(TokenSays { name, role, sha256, at }: TokenSays) -> Option<Token> {
    let sha256 = from_hex(&sha256)?;
    is_name(&name).then(|| Token { name: name.into(), role, sha256, at })
}

/// Whether devices and programs may be called so: a name stands in the history of orders, and on screens.
pub(crate) fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && check_text(name, Limits::DEVICE_CHARS).is_ok()
}

fn keep<T>(into: &mut BTreeMap<Box<str>, T>, id: &str, value: Option<T>) {
    match value {
        Some(value) => drop(into.insert(id.into(), value)),
        None => drop(into.remove(id)),
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Option<&[u8]>) -> Option<T> {
    serde_json::from_slice(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_000;

    fn said(records: &[(Offset, &str, &str)]) -> Devices {
        let mut devices = Devices::default();
        for (offset, key, value) in records {
            assert!(
                devices.apply(*offset, key, (!value.is_empty()).then_some(value.as_bytes()), NOW),
                "{key}"
            );
        }
        devices
    }

    fn names(devices: &Devices) -> Vec<&str> {
        devices.signed_in(NOW).map(|(_, device)| &*device.name).collect()
    }

    const BAR: &str = r#"{"name":"Main bar","role":"barista","at":900000}"#;
    const TILL: &str = r#"{"name":"Till","role":"manager","at":900000}"#;

    #[test]
    fn a_device_is_signed_in_until_it_is_signed_out_or_all_are() {
        assert_eq!(names(&said(&[(1, "device/a", BAR), (2, "device/b", TILL)])), ["Main bar", "Till"]);
        assert_eq!(
            names(&said(&[(1, "device/a", BAR), (2, "device/b", TILL), (3, "device/a", "")])),
            ["Till"]
        );
        let all = [(1, "device/a", BAR), (2, "sessions", r#"{"at":1}"#), (3, "device/b", TILL)];
        assert_eq!(names(&said(&all)), ["Till"], "whoever signs in afterwards stays");
        assert_eq!(names(&said(&[all[1], all[0], all[2]])), ["Till"], "by its place, whenever it is read");
    }

    #[test]
    fn a_device_that_does_not_come_back_is_signed_out_after_a_month_and_no_clock_makes_it_longer() {
        let ahead = r#"{"name":"Main bar","role":"barista","at":99000000000}"#;
        let devices = said(&[(1, "device/a", ahead)]);
        assert!(devices.device("a", NOW + SESSION_MS - 1).is_some());
        assert!(devices.device("a", NOW + SESSION_MS).is_none());
        let devices =
            said(&[(1, "device/a", BAR), (2, "seen/a", r#"{"at":950000}"#), (3, "seen/b", r#"{"at":1}"#)]);
        assert_eq!(devices.device("a", NOW).map(Device::expires_at), Some(950_000 + SESSION_MS));
        assert_eq!(devices.expired(950_000 + SESSION_MS).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_code_is_good_until_it_is_used_or_old_or_whoever_had_it_shown_is_signed_out() {
        let code = |by: &str| {
            let shown_by = if by.is_empty() { String::new() } else { format!(r#","shown_by":"{by}""#) };
            let hash = "0".repeat(64);
            format!(r#"{{"hash":"{hash}","role":"manager","expires_at":1000001{shown_by}}}"#)
        };
        let (by_nobody, by_device, by_token) = (code(""), code("device/a"), code("token/t"));
        let token = format!(r#"{{"name":"till","role":"manager","sha256":"{}","at":1}}"#, "0".repeat(64));
        let all = [
            (1, "device/a", TILL),
            (2, "token/t", &*token),
            (3, "code/n", &*by_nobody),
            (4, "code/d", &*by_device),
            (5, "code/t", &*by_token),
        ];
        let good = |more: &[(Offset, &str, &str)]| {
            let devices = said(&[&all[..], more].concat());
            ["n", "d", "t"].map(|id| devices.is_good(id, NOW))
        };
        assert_eq!(good(&[]), [true; 3]);
        assert_eq!(good(&[(6, "device/a", "")]), [true, false, true]);
        assert_eq!(good(&[(6, "token/t", "")]), [true, true, false]);
        assert_eq!(good(&[(6, "sessions", r#"{"at":1}"#)]), [false; 3]);
        assert_eq!(good(&[(6, "claim/n/b", "{}")]), [false, true, true]);
        assert_eq!(good(&[(6, "sessions", r#"{"at":1}"#), (7, "code/n", &by_nobody)]), [true, false, false]);
        assert!(!said(&all).is_good("n", NOW + 1));
    }

    #[test]
    fn the_first_claim_on_a_code_in_the_log_has_it_in_whatever_order_they_are_read() {
        let devices =
            said(&[(9, "claim/c/late", "{}"), (7, "claim/c/first", "{}"), (8, "claim/d/other", "{}")]);
        assert_eq!((devices.claimed_by("c"), devices.claimed_by("d")), (Some("first"), Some("other")));
        assert_eq!(devices.claims("c").count(), 2);
        let devices = said(&[(7, "claim/c/first", "{}"), (9, "claim/c/first", "")]);
        assert_eq!(devices.claimed_by("c"), None);
    }

    #[test]
    fn what_can_not_be_read_is_as_if_it_were_not_there() {
        let nameless = r#"{"name":" ","role":"barista","at":1}"#;
        let owner = r#"{"name":"A","role":"owner","at":1}"#;
        for value in ["", "{", "[]", nameless, owner, r#"{"name":"A\u0007","role":"barista","at":1}"#] {
            assert_eq!(names(&said(&[(1, "device/a", BAR), (2, "device/a", value)])), [""; 0], "{value}");
        }
        let devices =
            said(&[(1, "code/a", r#"{"hash":"00","role":"barista","expires_at":1}"#), (2, "token/a", BAR)]);
        assert_eq!((devices.codes().count(), devices.tokens().len()), (0, 0));
        assert!(!Devices::default().apply(1, "open", None, NOW), "that is another fact");
    }
}
