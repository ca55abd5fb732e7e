//! The cookie of a signed-in device: its id, signed with a key that is made from the line's secret. Every counter can
//! tell that it is good; whether the device is still signed in, and as what, the log says.
//!
//! Browsers keep cookies by host alone, whatever the port (RFC 6265, section 8.5). So its name tells the line: two lines
//! on one machine do not sign each other's devices out.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, header};
use sha2::Sha256;

use crate::view::{SESSION_MS, from_hex, to_hex};

/// The cookie's name, up to what tells the line.
const PREFIX: &str = "brewline_session_";
/// Bytes of that: no two lines on one host have the same.
const LINE_BYTES: usize = 8;
/// How long a browser keeps the cookie of a line for practice, from the last time that a page was opened.
const PRACTICE_MS: order::Millis = 24 * 60 * 60 * 1_000;
/// Characters of a device's id: 128 random bits in hexadecimal digits.
const ID_CHARS: usize = 32;

/// A key for one purpose, which tells nothing of the line's secret or of keys for others.
pub(super) fn key(secret: &[u8; 32], purpose: &str) -> Hmac<Sha256> {
    let key = mac(secret).chain_update(purpose).chain_update([0]).finalize().into_bytes();
    mac(&key)
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn signature(secret: &[u8; 32], id: &str) -> Hmac<Sha256> {
    key(secret, "session").chain_update(id)
}

/// What the cookie of this line is called. It tells nothing of the secret.
fn name(secret: &[u8; 32]) -> String {
    let line = key(secret, "name of the session's cookie").finalize().into_bytes();
    format!("{PREFIX}{}", to_hex(&line[..LINE_BYTES]))
}

/// What the cookie of this device holds.
fn signed(secret: &[u8; 32], id: &str) -> String {
    format!("{id}.{}", to_hex(&signature(secret, id).finalize().into_bytes()))
}

/// The sessions' cookies of a request, of whichever lines: of which this one is, only its secret tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookies(Box<[Box<str>]>);

impl Cookies {
    /// Those of this request; `None`: there are none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
        let ours: Box<[Box<str>]> = pairs.filter(|pair| pair.starts_with(PREFIX)).map(Into::into).collect();
        (!ours.is_empty()).then_some(Self(ours))
    }

    /// What the one of this line holds; `None`: there is none among them.
    pub(super) fn of_line(&self, secret: &[u8; 32]) -> Option<&str> {
        let name = name(secret);
        self.0
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .find(|(of, _)| *of == name)
            .map(|(_, value)| value)
    }
}

/// The device that a cookie is of; `None`: this line has not signed it.
pub(super) fn device<'a>(secret: &[u8; 32], cookie: &'a str) -> Option<&'a str> {
    let (id, tag) = cookie.split_once('.')?;
    let tag = from_hex(tag).filter(|_| id.len() == ID_CHARS)?;
    signature(secret, id).verify_slice(&tag).ok().map(|()| id)
}

/// How a browser is to keep a cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    /// It came by https, and never goes without.
    pub(crate) secure: bool,
    /// It is of a line for practice. There may be many of those on a host, and each request carries all their cookies.
    pub(crate) practice: bool,
}

/// The header that has a browser keep this device's cookie.
pub(crate) fn kept(secret: &[u8; 32], id: &str, keep: Keep) -> HeaderValue {
    let max_age_ms = if keep.practice { PRACTICE_MS } else { SESSION_MS };
    set_cookie(secret, &signed(secret, id), max_age_ms / 1_000, keep.secure)
}

/// The header that has a browser forget it.
pub(crate) fn forgotten(secret: &[u8; 32], secure: bool) -> HeaderValue {
    set_cookie(secret, "", 0, secure)
}

fn set_cookie(secret: &[u8; 32], value: &str, max_age_seconds: i64, secure: bool) -> HeaderValue {
    let (name, secure) = (name(secret), if secure { "; Secure" } else { "" });
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(cookie).expect("digits, letters and punctuation")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];
    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_what_this_line_signed_is_a_session() {
        let good = signed(&SECRET, ID);
        assert_eq!(device(&SECRET, &good), Some(ID));
        assert_eq!(device(&[8; 32], &good), None, "another line's");
        let (_, tag) = good.split_once('.').unwrap();
        for bad in [
            String::new(),
            ID.to_owned(),
            format!("{ID}."),
            format!("{ID}.{}", "0".repeat(64)),
            format!("{}.{tag}", ID.replace('0', "1")),
            format!(".{tag}"),
            format!("{good}0"),
            good.replace('.', ""),
        ] {
            assert_eq!(device(&SECRET, &bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_for_one_purpose_is_none_for_another() {
        let tag = |purpose| key(&SECRET, purpose).chain_update(ID).finalize().into_bytes();
        assert_ne!(tag("session"), tag("sign-in code"));
    }

    #[test]
    fn a_cookie_is_found_among_others_and_among_those_of_other_lines() {
        let of = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (header::COOKIE, line.parse().unwrap()));
            Cookies::of(&lines.collect())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["a=1; not_brewline_session_=2", "b=brewline_session_"]), None);
        let (ours, theirs) = (name(&SECRET), name(&[8; 32]));
        assert_ne!(ours, theirs);
        let all = of(&["a=1", &format!("b;{theirs}=q; {ours}=x.y; c=3")]).unwrap();
        assert_eq!((all.of_line(&SECRET), all.of_line(&[8; 32])), (Some("x.y"), Some("q")));
        assert_eq!(all.of_line(&[9; 32]), None);
    }

    #[test]
    fn a_browser_keeps_it_from_scripts_and_other_sites() {
        let kept =
            |secure, practice| kept(&SECRET, ID, Keep { secure, practice }).to_str().unwrap().to_owned();
        let real = kept(true, false);
        assert!(real.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"), "{real}");
        let practice = kept(false, true);
        assert!(practice.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"), "{practice}");
        let forgotten = forgotten(&SECRET, false);
        let named = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", name(&SECRET));
        assert_eq!(forgotten, named.as_str());
    }
}
