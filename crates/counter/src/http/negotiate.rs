//! What a client has, can unpack, and reads: the headers by which one address has several answers.

use http::{HeaderMap, HeaderName, Uri, header};
use web::{Encoding, Language};

use super::parameter;

/// Whether `If-None-Match` names this tag: RFC 9110, 13.1.2.
pub(super) fn has_it(request: &HeaderMap, etag: &str) -> bool {
    let mut tags = listed(request, &header::IF_NONE_MATCH);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What `Accept-Encoding` lets be sent, the tightest first, whatever it prefers: RFC 9110, 12.5.3.
pub(super) fn encodings(request: &HeaderMap) -> impl Iterator<Item = Encoding> {
    Encoding::ALL.into_iter().filter(|encoding| {
        let weight_of = |name: &str| {
            let mut weighed = listed(request, &header::ACCEPT_ENCODING).map(weighed);
            weighed.find_map(|(said, weight)| said.eq_ignore_ascii_case(name).then_some(weight))
        };
        weight_of(encoding.name()).or_else(|| weight_of("*")).is_some_and(|weight| weight > 0)
    })
}

/// The language in the address, else the one that the browser likes most.
pub(super) fn language(uri: &Uri, request: &HeaderMap) -> Language {
    let asked = parameter(uri, "lang").ok().flatten().and_then(Language::of_tag);
    asked.unwrap_or_else(|| {
        let known = listed(request, &header::ACCEPT_LANGUAGE)
            .map(weighed)
            .filter_map(|(tag, weight)| Some((Language::of_tag(tag)?, weight)));
        // The first of those with the greatest weight.
        let best = known.fold((Language::ALL[0], 0), |best, one| if one.1 > best.1 { one } else { best });
        best.0
    })
}

/// Whether a browser opens a page, where programs get JSON at the same path: those, and scripts of pages, take anything.
pub(super) fn wants_page(request: &HeaderMap) -> bool {
    listed(request, &header::ACCEPT).any(|member| weighed(member).0.eq_ignore_ascii_case("text/html"))
}

/// The members of a header that is a list.
fn listed<'a>(request: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

/// What is named, and its weight in thousandths; 1,000 if it has none, 0 if that is none.
fn weighed(member: &str) -> (&str, u16) {
    let mut parts = member.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let said = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = said.map_or(1_000, |text| match text.parse::<f32>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000")]
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1_000.0) as u16,
        _ => 0,
    });
    (name, weight)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_sent_is_what_the_client_can_unpack() {
        let chosen = |values: &[&'static str]| {
            let names: Vec<_> =
                encodings(&headers(&header::ACCEPT_ENCODING, values)).map(Encoding::name).collect();
            names.join(" ")
        };
        for (accepted, encodings) in [
            ("gzip, deflate, br, zstd", "br gzip"),
            ("gzip;q=1.0, br;q=0.5", "br gzip"),
            ("GZIP", "gzip"),
            ("*", "br gzip"),
            ("*, br;q=0", "gzip"),
            ("br;q=0.000, *;q=0", ""),
            ("br;q=2", ""),
            ("br;q=nan, gzip; Q=0.001", "gzip"),
            ("identity", ""),
            ("brotli", ""),
            ("", ""),
        ] {
            assert_eq!(chosen(&[accepted]), encodings, "{accepted}");
        }
        assert_eq!(chosen(&[]), "");
        assert_eq!(chosen(&["gzip", "br"]), "br gzip", "several lines are one list");
    }

    #[test]
    fn the_language_is_the_one_in_the_address_or_the_one_liked_most() {
        let chosen = |uri: &'static str, accepted: &'static str| {
            language(&Uri::from_static(uri), &headers(&header::ACCEPT_LANGUAGE, &[accepted])).tag()
        };
        for (uri, accepted, tag) in [
            ("/", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
            ("/", "en;q=0.8, ko;q=0.9", "ko"),
            ("/", "en, ko", "en"),
            ("/", "fr, KO;q=0.2", "ko"),
            ("/", "fr", "en"),
            ("/", "ko;q=0", "en"),
            ("/", "kok", "en"),
            ("/", "", "en"),
            ("/?lang=ko", "en", "ko"),
            ("/?a=b&lang=en-GB", "ko", "en"),
            ("/?lang=fr", "ko", "ko"),
            ("/?lang=ko&lang=en", "en", "en"),
        ] {
            assert_eq!(chosen(uri, accepted), tag, "{uri} {accepted}");
        }
    }

    #[test]
    fn a_tag_is_known_in_every_way_that_it_may_be_written() {
        let known = |values: &[&'static str]| has_it(&headers(&header::IF_NONE_MATCH, values), "\"a-br\"");
        assert!(known(&["\"a-br\""]));
        assert!(known(&["\"b\", W/\"a-br\""]));
        assert!(known(&["\"b\"", "\"a-br\""]));
        assert!(known(&["*"]));
        assert!(!known(&["\"a-gzip\""]));
        assert!(!known(&["a-br"]));
        assert!(!known(&[]));
    }
}
