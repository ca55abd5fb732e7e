//! Whether another site asks. A browser sends the cookie with whatever any page makes it send, so the cookie alone is no
//! sign that staff want this.
//!
//! Source: Fetch Metadata, section 2.4 (`Sec-Fetch-Site`), and RFC 6454, section 7 (`Origin`), for older browsers. A browser
//! sets both by itself; no page can.

use http::{HeaderMap, Method, Uri, header};

use crate::problem::{Code, Problem};

/// Whose page had the browser send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Own,
    Other,
    /// No browser of today, or no browser.
    Unsaid,
}

/// Refuses a request that changes something on the word of a cookie alone, unless a page of this counter sent it.
pub(super) fn check_cookie(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || site(headers) == Site::Own { Ok(()) } else { Err(cross_site()) }
}

/// Refuses a request that another site's page sent. One of a program is none.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let detail =
        "Another site's page had a browser send this: do it on this counter's own pages, or with a program.";
    if site(headers) == Site::Other { Err(Problem::new(Code::CrossSite, detail)) } else { Ok(()) }
}

fn site(headers: &HeaderMap) -> Site {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: a person typed the address.
        let is_own = site == "same-origin" || site == "none";
        return if is_own { Site::Own } else { Site::Other };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Site::Unsaid };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(header::HOST).map(http::HeaderValue::as_bytes);
    let is_own = origin
        .as_ref()
        .and_then(Uri::authority)
        .is_some_and(|origin| host.is_some_and(|host| host.eq_ignore_ascii_case(origin.as_str().as_bytes())));
    if is_own { Site::Own } else { Site::Other }
}

fn cross_site() -> Problem {
    Problem::new(
        Code::CrossSite,
        "This was not sent by a page of this counter: do it on its own pages, or send \"Authorization: Bearer TOKEN\".",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_browser_says_whose_page_it_was() {
        let own = ("origin", "http://cafe.example:8080");
        let host = ("host", "cafe.example:8080");
        for (said, is) in [
            (&[("sec-fetch-site", "same-origin")][..], Site::Own),
            (&[("sec-fetch-site", "none")], Site::Own),
            (&[("sec-fetch-site", "cross-site")], Site::Other),
            (&[("sec-fetch-site", "same-site"), own, host], Site::Other),
            (&[("sec-fetch-site", "")], Site::Other),
            (&[own, host], Site::Own),
            (&[("origin", "HTTP://CAFE.example:8080"), host], Site::Own),
            (&[("origin", "http://cafe.example"), host], Site::Other),
            (&[("origin", "http://cafe.example.evil:8080"), host], Site::Other),
            (&[("origin", "null"), host], Site::Other),
            (&[own], Site::Other),
            (&[host], Site::Unsaid),
        ] {
            assert_eq!(site(&headers(said)), is, "{said:?}");
        }
    }

    #[test]
    fn a_cookie_alone_changes_nothing_for_others() {
        let other = headers(&[("sec-fetch-site", "cross-site")]);
        assert!(check_cookie(&Method::GET, &other).is_ok(), "no other site reads the answer");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(check_cookie(&method, &other).unwrap_err().code(), Code::CrossSite);
            assert!(check_cookie(&method, &HeaderMap::new()).is_err(), "who says nothing may be anyone");
        }
        assert!(check(&other).is_err() && check(&HeaderMap::new()).is_ok());
    }
}
