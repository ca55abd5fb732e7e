//! What answers say of how they may be used, for the browsers that get them. `docs/security.md` has the table of it.
//!
//! Every answer passes [`guard`] on its way out. What hyper itself refuses, because it is no HTTP or a head that
//! is too large, has no body, and says nothing.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::public::PublicUrl;

/// What a page may do: run and show what this counter serves, and ask this counter. Nothing that stands in an order
/// can become code.
const OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What is no page may do nothing, wherever someone has a browser show it.
const OF_OTHERS: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What of the phone the pages use: they keep its screen on.
const PERMISSIONS_POLICY: &str =
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), screen-wake-lock=(self)";
const PERMISSIONS_POLICY_NAME: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY_NAME: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY_NAME: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// A month, as long as a device stays signed in. Not longer: a shop may give up its certificate.
const HTTPS_ONLY: &str = "max-age=2592000";

/// What kind of answer it is, where it is none of the many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    /// What pages are made of. It is subject to what the page says, and says less: a slow network carries each header as
    /// often as there are files.
    PartOfPage,
}

/// How a counter is reached, as far as what it answers hangs on that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached<'a> {
    /// It speaks TLS itself.
    pub(crate) tls: bool,
    pub(crate) public_url: Option<&'a PublicUrl>,
}

impl Reached<'_> {
    /// Whether a browser that named this host came by https.
    pub(crate) fn is_secure(self, request: &HeaderMap) -> bool {
        self.tls || self.named(request).is_some_and(PublicUrl::is_secure)
    }

    /// Whether browsers may be told to come by https alone. They would keep to it on every port of the name, so it must be
    /// a name that is the shop's own: not one of a network, where a router or a till may have other pages.
    fn is_https_only(self, request: &HeaderMap) -> bool {
        self.named(request).is_some_and(PublicUrl::is_own_name_by_https)
    }

    /// The address that phones are told, if this request came to it.
    fn named(&self, request: &HeaderMap) -> Option<&PublicUrl> {
        let host = request.get(header::HOST)?.to_str().ok()?.parse::<http::uri::Authority>().ok()?;
        let host = host.host().trim_start_matches('[').trim_end_matches(']');
        self.public_url.filter(|url| url.host().eq_ignore_ascii_case(host))
    }

    /// What a page says of how it may be used.
    pub(super) fn page(self, request: &HeaderMap, response: &mut Response) {
        response.extensions_mut().insert(Kind::Page);
        let headers = response.headers_mut();
        let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
        say(header::CONTENT_SECURITY_POLICY, OF_PAGES);
        say(PERMISSIONS_POLICY_NAME, PERMISSIONS_POLICY);
        // Over plain http browsers ignore both, and complain of the first.
        if self.is_secure(request) {
            say(OPENER_POLICY_NAME, "same-origin");
        }
        if self.is_https_only(request) {
            say(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
        }
    }
}

/// What every answer says.
pub(crate) fn guard(response: &mut Response) {
    let kind = response.extensions().get::<Kind>().copied();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if kind == Some(Kind::PartOfPage) {
        return;
    }
    if kind.is_none() {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(OF_OTHERS));
    }
    // Whoever has the address of an order has the order.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(RESOURCE_POLICY_NAME, HeaderValue::from_static("same-origin"));
    // What does not say how long it may be kept is about orders, or about the shop as it is now.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
