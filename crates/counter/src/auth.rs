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
    who(headers).role(views)
}

/// As what the sender asks, where the answer can wait until the counter knows.
pub(crate) enum Who {
    Known(Role),
    /// Whether the token is the staff's is not known yet.
    Claims(HeaderValue),
}

pub(crate) fn who(headers: &HeaderMap) -> Who {
    match headers.get(header::AUTHORIZATION) {
        Some(value) => Who::Claims(value.clone()),
        None => Who::Known(Role::Holder),
    }
}

impl Who {
    /// The role, if a token is the staff's.
    pub(crate) fn role(&self, views: &Views) -> Result<Role, Problem> {
        match self {
            Self::Known(role) => Ok(*role),
            Self::Claims(value) => {
                let look = views.look().ok_or_else(Problem::starting)?;
                let staff = is_staff(value, look.shop());
                staff.then_some(Role::Staff).ok_or_else(|| unauthorized("The token is not the staff's."))
            }
        }
    }

    /// Finds out, if the counter knows by now; refuses a wrong token. A stream that is opened while the counter
    /// starts waits for it, because a browser gives up on anything but 200.
    pub(crate) fn settle(&mut self, views: &Views) -> Result<(), Problem> {
        match self.role(views) {
            Ok(role) => *self = Self::Known(role),
            Err(problem) if problem.code() == Code::Starting => {}
            Err(problem) => return Err(problem),
        }
        Ok(())
    }
}

/// Refuses everyone but staff.
pub(crate) fn staff_only(headers: &HeaderMap, views: &Views) -> Result<(), Problem> {
    match role(headers, views)? {
        Role::Staff => Ok(()),
        Role::Holder => Err(for_staff()),
    }
}

/// The same for a stream: who may be staff may wait until the counter knows.
pub(crate) fn perhaps_staff(headers: &HeaderMap, views: &Views) -> Result<Who, Problem> {
    let mut who = who(headers);
    who.settle(views)?;
    if matches!(who, Who::Known(Role::Holder)) { Err(for_staff()) } else { Ok(who) }
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

fn for_staff() -> Problem {
    unauthorized("This is for staff: send \"Authorization: Bearer TOKEN\".")
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"brewline\""))
}
