//! The pages over a real socket: who gets what, how packed, and how long it may be kept.

mod common;

use std::io::Read as _;

use common::{Line, http::Reply, log, options};
use counter::Options;

/// What a page must say of how it may be used, whatever its status.
fn assert_guarded(reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("no policy: {reply:?}"));
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|said| said == part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert!(
        reply.header("permissions-policy").is_some_and(|policy| policy.contains("screen-wake-lock=(self)"))
    );
}

fn assert_page(reply: &Reply, status: u16, language: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("content-language"), Some(language));
    assert_eq!(reply.header("vary"), Some("accept-encoding, accept-language"));
    assert!(reply.text().contains(&format!("<html lang=\"{language}\"")));
    assert_guarded(reply);
}

/// Where the pages keep this file now.
async fn place_of(line: &Line, file: &str) -> String {
    let page = line.get("/", &[]).await;
    let from = page.text().find("/web/").expect("the page names its style");
    let base: Vec<&str> = page.text()[from..].split('/').take(3).collect();
    format!("{}/{file}", base.join("/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_comes_in_the_language_that_is_asked_for() {
    let line = Line::start().await;
    for path in ["/", "/board", "/table", "/till", "/privacy"] {
        assert_page(&line.get(path, &[("accept-language", "ko-KR,ko;q=0.9,en;q=0.8")]).await, 200, "ko");
        assert_page(&line.get(path, &[("accept-language", "fr-FR")]).await, 200, "en");
        assert_page(&line.get(&format!("{path}?lang=ko"), &[]).await, 200, "ko");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_order_is_there_and_of_none_it_says_so() {
    let line = Line::start().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["state"] == "received").await;
    assert_page(&line.get(&format!("/o/{id}"), &[]).await, 200, "en");
    for unknown in ["3f9c0000-0000-4000-8000-000000000000", "not%20an%20id", "%ff", &"x".repeat(500)] {
        let reply = line.get(&format!("/o/{unknown}"), &[]).await;
        assert_page(&reply, 404, "en");
        let tag = reply.header("etag").expect("a tag").to_owned();
        let again = line.get(&format!("/o/{unknown}"), &[("if-none-match", &tag)]).await;
        assert_page(&again, 404, "en");
    }
    assert_eq!(line.get("/o/", &[]).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_asked_for_each_time_and_sent_when_it_is_another() {
    let line = Line::start().await;
    let first = line.get("/", &[("accept-encoding", "br")]).await;
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = line.get("/", &[("accept-encoding", "br"), ("if-none-match", &tag)]).await;
    assert_eq!(again.status, 304, "{again:?}");
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    assert_eq!(again.header("cache-control"), Some("no-cache"));
    assert!(again.body.is_empty());
    assert_guarded(&again);
    // The same page in another language or packed otherwise is other bytes.
    for other in [("accept-encoding", "gzip"), ("accept-language", "ko")] {
        let reply = line.get("/", &[other, ("if-none-match", &tag)]).await;
        assert_eq!(reply.status, 200, "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_are_made_of_is_kept_for_ever_and_gone_with_its_hash() {
    let line = Line::start().await;
    for (file, kind) in [
        ("base.css", "text/css; charset=utf-8"),
        ("lib/i18n.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let place = place_of(&line, file).await;
        let reply = line.get(&place, &[]).await;
        assert_eq!(reply.status, 200, "{place}");
        assert_eq!(reply.header("content-type"), Some(kind));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let tag = reply.header("etag").expect("a tag").to_owned();
        assert_eq!(line.get(&place, &[("if-none-match", &tag)]).await.status, 304);
    }
    let base = place_of(&line, "").await;
    for nothing in [
        "/web/0123456789abcdef/base.css".to_owned(),
        format!("{base}no.css"),
        format!("{base}order.html"),
        format!("{base}Cargo.toml"),
        format!("{base}..%2fbase.css"),
        format!("{base}%ff"),
    ] {
        let reply = line.get(&nothing, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{nothing}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_open_through_an_upgrade_still_gets_the_drawings_of_codes() {
    let line = Line::start().await;
    let now = line.get(&place_of(&line, "symbols/mango.svg").await, &[]).await;
    let before = line.get("/web/0123456789abcdef/symbols/mango.svg", &[]).await;
    assert_eq!((before.status, before.text()), (200, now.text()));
    assert_eq!(before.header("content-type"), Some("image/svg+xml"));
    // Whatever that build had: what it gets now is this one's.
    assert_eq!(before.header("cache-control"), Some("no-cache"));
    let missing = line.get("/web/0123456789abcdef/symbols/no.svg", &[]).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_packed_as_the_client_can_unpack_it() {
    let line = Line::start().await;
    for path in ["/".to_owned(), place_of(&line, "lib/i18n.js").await] {
        let plain = line.get(&path, &[]).await;
        assert_eq!(plain.header("content-encoding"), None);
        let gzip = line.get(&path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*gzip.body).read_to_end(&mut unpacked).expect("it unpacks");
        assert!(unpacked == plain.body);
        let brotli = line.get(&path, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
        assert_eq!(brotli.header("content-encoding"), Some("br"));
        assert!(brotli.body.len() < gzip.body.len());
        let tags = [&plain, &gzip, &brotli].map(|reply| reply.header("etag").expect("a tag").to_owned());
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        for reply in [&plain, &gzip, &brotli] {
            assert!(reply.header("vary").is_some_and(|vary| vary.contains("accept-encoding")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_what_get_would_send() {
    let line = Line::start().await;
    for path in ["/".to_owned(), "/o/no-such".to_owned(), place_of(&line, "base.css").await] {
        let get = line.get(&path, &[("accept-encoding", "br")]).await;
        let head = line.send("HEAD", &path, &[("accept-encoding", "br")], b"").await;
        let said = |reply: &Reply| {
            let mut headers = reply.headers.clone();
            headers.retain(|(name, _)| name != "date");
            headers.sort();
            (reply.status, headers)
        };
        assert_eq!(said(&head), said(&get));
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
        assert!(head.body.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_only_read() {
    let line = Line::start().await;
    for path in ["/".to_owned(), "/o/x".to_owned(), place_of(&line, "base.css").await] {
        let reply = line.post(&path, &[], "").await;
        assert_eq!(reply.code(), "method_not_allowed");
        assert!(reply.header("allow").is_some_and(|allow| allow.contains("GET")), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_people_practise_the_pages_and_the_shop_say_so_and_elsewhere_they_do_not() {
    for demo in [true, false] {
        let line = Line::on(log(1), Options { demo, ..options() }).await;
        for path in ["/", "/board", "/table", "/till", "/privacy", "/o/nobody-knows-it"] {
            let page = line.get(path, &[]).await;
            assert_eq!(page.text().contains("<aside class=\"demo\">"), demo, "{path}");
            assert_guarded(&page);
        }
        let shop = line.get("/shop", &[]).await;
        assert_eq!(shop.json().get("demo"), demo.then_some(&serde_json::Value::Bool(true)));
    }
}
