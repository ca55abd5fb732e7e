//! Who asks: staff with the token, else whoever knows the order's id.

use http::{HeaderMap, HeaderValue, header};
use order::Role;
use sha2::{Digest, Sha256};

use crate::{
    problem::{Code, Problem},
    view::{Shop, Views},
};

/// A token that was made just now: shown once, kept as its hash.
pub(crate) struct NewToken {
    pub(crate) text: String,
    pub(crate) sha256: [u8; 32],
}

impl NewToken {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let text = crate::view::to_hex(&bytes);
        Ok(Self { sha256: sha256(&text), text })
    }
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// As what the sender asks: without a token as the holder; a wrong token is refused, never ignored.
pub(crate) fn role(headers: &HeaderMap, views: &Views) -> Result<Role, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Role::Holder) };
    let look = views.look().ok_or_else(Problem::starting)?;
    if is_staff(value, look.shop()) {
        Ok(Role::Staff)
    } else {
        Err(unauthorized("The token is not the staff's."))
    }
}

/// Refuses everyone but staff.
pub(crate) fn staff_only(headers: &HeaderMap, views: &Views) -> Result<(), Problem> {
    match role(headers, views)? {
        Role::Staff => Ok(()),
        Role::Holder => Err(unauthorized("This is for staff: send \"Authorization: Bearer TOKEN\".")),
    }
}

fn is_staff(value: &HeaderValue, shop: &Shop) -> bool {
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token =
        token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    match (token, shop.staff_token()) {
        (Some(token), Some(expected)) => same(&sha256(token), expected),
        _ => false,
    }
}

/// Compares all of both, however early they differ: time tells nothing.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"brewline\""))
}
