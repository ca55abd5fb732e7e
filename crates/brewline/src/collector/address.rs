//! Where a collector is, and what it wants to hear with each request.

use std::{fmt, str::FromStr};

use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// OTLP over HTTP, below the endpoint's own path.
const PATH: &str = "/v1/traces";
/// Headers at most.
const HEADERS_MAX: usize = 32;

/// Where a collector takes OTLP over HTTP: `http://host[:port][/prefix]`, or the same with https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorAddress {
    uri: Uri,
}

impl CollectorAddress {
    /// Where traces go.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether it is https.
    pub(crate) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

impl fmt::Display for CollectorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl FromStr for CollectorAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const LIKE: &str = "say where it takes OTLP over HTTP, as in http://127.0.0.1:4318";
        let base: Uri = text.trim().parse().map_err(|_| LIKE.to_owned())?;
        let authority = match (base.scheme_str(), base.authority()) {
            (Some("http" | "https"), Some(authority)) if !authority.host().is_empty() => authority,
            _ => return Err(LIKE.to_owned()),
        };
        if authority.as_str().contains('@') {
            return Err(
                "say it without user name and password; they belong in OTEL_EXPORTER_OTLP_HEADERS, as in \
                        authorization=Basic%20…"
                    .to_owned(),
            );
        }
        if base.query().is_some() {
            return Err(format!("{LIKE}, without a query"));
        }
        let scheme = base.scheme_str().unwrap_or("http");
        let uri = format!("{scheme}://{authority}{}{PATH}", base.path().trim_end_matches('/'));
        Ok(Self { uri: uri.parse().map_err(|_| LIKE.to_owned())? })
    }
}

/// Headers of each request. Their values are secrets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(pub(crate) Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Headers {
    /// `name=value[,name=value]`, values with `%20` and the like: as OpenTelemetry's `OTEL_EXPORTER_OTLP_HEADERS`.
    /// What is wrong is said without the values.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut headers = Vec::new();
        for (name, value) in pairs(text)? {
            let bad =
                || format!("the header {name:?} or its value can't be sent; say NAME=VALUE[,NAME=VALUE]");
            // A name that is none may be a secret without one.
            let name: HeaderName =
                name.parse().map_err(|_| "say NAME=VALUE[,NAME=VALUE], names as HTTP has them".to_owned())?;
            let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.push((name, value));
        }
        if headers.len() > HEADERS_MAX {
            return Err(format!("say at most {HEADERS_MAX} headers"));
        }
        Ok(Self(headers))
    }
}

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// Pairs as in W3C Baggage, which OpenTelemetry's variables take: `name=value[,name=value]`, percent-decoded.
pub(crate) fn pairs(text: &str) -> Result<Pairs, String> {
    let wrong = || "say NAME=VALUE[,NAME=VALUE]".to_owned();
    let decoded = |part: &str| percent_decode_str(part.trim()).decode_utf8().map(String::from);
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            let name = decoded(name).ok().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
            Ok((name, decoded(value).map_err(|_| wrong())?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_where_otlp_is_spoken_over_http() {
        for (said, uri) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.cafe.example/shop/", "https://otlp.cafe.example/shop/v1/traces"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(said.parse::<CollectorAddress>().unwrap().to_string(), uri);
        }
        for (said, why) in [
            ("", "as in http://127.0.0.1:4318"),
            ("127.0.0.1:4318", "as in http://127.0.0.1:4318"),
            ("grpc://cafe:4317", "OTLP over HTTP"),
            ("http://me:secret@cafe", "OTEL_EXPORTER_OTLP_HEADERS"),
            ("http://cafe/?a=1", "without a query"),
        ] {
            let error = said.parse::<CollectorAddress>().unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{said}: {error}");
        }
    }

    #[test]
    fn headers_are_pairs_whose_values_are_never_shown() {
        let headers = Headers::parse("authorization=Basic%20c2VjcmV0, x-team = cafe,").unwrap();
        let all: Vec<_> = headers.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(all, [("authorization", b"Basic c2VjcmV0".as_slice()), ("x-team", b"cafe")]);
        assert!(!format!("{headers:?}").contains("c2Vj"), "{headers:?}");
        for bad in ["geheim", "geheim wort=1", "a=geheim%0a", "=geheim"] {
            let error = Headers::parse(bad).unwrap_err();
            assert!(error.contains("NAME=VALUE") && !error.contains("geheim"), "{bad}: {error}");
        }
    }
}
