//! The cookie of a signed-in device: its id, signed with a key that is made from the line's secret. Every counter can
//! tell that it is good; whether the device is still signed in, and as what, the log says.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, header};
use sha2::Sha256;

use crate::view::{SESSION_MS, from_hex, to_hex};

/// The cookie's name.
const COOKIE: &str = "brewline_session";
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

/// What the cookie of this device holds.
fn signed(secret: &[u8; 32], id: &str) -> String {
    format!("{id}.{}", to_hex(&signature(secret, id).finalize().into_bytes()))
}

/// The device that a cookie is of; `None`: this line has not signed it.
pub(super) fn device<'a>(secret: &[u8; 32], cookie: &'a str) -> Option<&'a str> {
    let (id, tag) = cookie.split_once('.')?;
    let tag = from_hex(tag).filter(|_| id.len() == ID_CHARS)?;
    signature(secret, id).verify_slice(&tag).ok().map(|()| id)
}

/// The session's cookie of a request.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The header that has a browser keep this device's cookie. `secure`: it came by https, and never goes without.
pub(crate) fn kept(secret: &[u8; 32], id: &str, secure: bool) -> HeaderValue {
    set_cookie(&signed(secret, id), SESSION_MS / 1_000, secure)
}

/// The header that has a browser forget it.
pub(crate) fn forgotten(secure: bool) -> HeaderValue {
    set_cookie("", 0, secure)
}

fn set_cookie(value: &str, max_age_seconds: i64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}");
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
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, "a=1; not_brewline_session=2".parse().unwrap());
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, "b;brewline_session=x.y; c=3".parse().unwrap());
        assert_eq!(cookie(&headers), Some("x.y"));
    }

    #[test]
    fn a_browser_keeps_it_from_scripts_and_other_sites() {
        let kept = kept(&SECRET, ID, true);
        let kept = kept.to_str().unwrap();
        assert!(kept.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"), "{kept}");
        assert_eq!(forgotten(false), "brewline_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }
}
