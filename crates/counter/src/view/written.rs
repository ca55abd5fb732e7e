//! Facts of `shop.state` as counters write them. What is read of them stands where it is understood: `facts`, `devices`,
//! `shop`.

use order::Millis;
use serde::Serialize;

use super::StaffRole;

/// Under [`super::OPEN`].
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OpenFact"))]
pub(crate) struct Opened<'a> {
    /// `null`: by the hours again.
    pub(crate) open: Option<bool>,
    pub(crate) at: Millis,
    /// Which device or program said so.
    pub(crate) by: Option<&'a str>,
}

/// Under [`super::PAUSE`]; taken back when ordering goes on.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PauseFact"))]
pub(crate) struct Paused<'a> {
    /// `null`: until told otherwise.
    pub(crate) until: Option<Millis>,
    /// Which device or program said so.
    pub(crate) by: Option<&'a str>,
}

/// Under [`super::PACE`].
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PaceFact"))]
pub(crate) struct Pace<'a> {
    /// Drinks are ready so many minutes later.
    #[cfg_attr(feature = "schema", schemars(range(max = super::BUSY_MINUTES_MAX)))]
    pub(crate) busy_minutes: u32,
    /// Of drinks ordered since then.
    pub(crate) since: Millis,
    /// Which device or program said so.
    pub(crate) by: Option<&'a str>,
}

/// Under [`super::SOLD_OUT_PREFIX`] and an id; taken back when it is there again.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SoldOutFact"))]
pub(crate) struct SoldOut<'a> {
    pub(crate) sold_out: bool,
    /// Which device or program said so.
    pub(crate) by: Option<&'a str>,
}

/// That something was so at this moment.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MomentFact"))]
pub(crate) struct Moment {
    pub(crate) at: Millis,
}

/// Under [`super::SESSIONS`]: all devices whose record stands before it are signed out.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SessionsFact"))]
pub(crate) struct AllSignedOut<'a> {
    pub(crate) at: Millis,
    /// Which device or program said so.
    pub(crate) by: Option<&'a str>,
}

/// Under [`super::DEVICE_PREFIX`] and its id; taken back when it is signed out.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DeviceFact"))]
pub(crate) struct SignedIn<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    pub(crate) role: StaffRole,
    /// When it was signed in.
    pub(crate) at: Millis,
}

/// Under [`super::CODE_PREFIX`] and an id.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CodeFact"))]
pub(crate) struct Offered {
    /// HMAC-SHA256 of the code under the line's secret, in hexadecimal digits.
    pub(crate) hash: String,
    pub(crate) role: StaffRole,
    pub(crate) expires_at: Millis,
    /// It is the end of a link.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) link: bool,
    /// The key of the device or the token that had it shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown_by: Option<String>,
}

/// Under [`super::TOKEN_PREFIX`] and an id; taken back when it is good no more.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TokenFact"))]
pub(crate) struct MadeToken<'a> {
    /// Of which program.
    pub(crate) name: &'a str,
    pub(crate) role: StaffRole,
    /// Of the token, in hexadecimal digits.
    pub(crate) sha256: String,
    pub(crate) at: Millis,
    /// Which device or program made it.
    pub(crate) by: Option<&'a str>,
}

/// Under [`super::STAFF_TOKEN`].
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "StaffTokenFact"))]
pub(crate) struct StaffToken {
    /// Of the token, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// Under [`super::SECRET_PREFIX`] and a name: the claim with the lowest offset is the line's secret.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SecretFact"))]
pub(crate) struct Secret {
    /// 32 bytes in hexadecimal digits.
    pub(crate) secret: String,
}
