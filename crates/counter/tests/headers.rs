//! What every answer says of how it may be used: of every route, of refusals, before there is a log, and without TLS on a
//! port that speaks it. The table is in `docs/security.md`.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{collections::BTreeSet, fs, sync::Arc, time::SystemTime};

use common::{
    Line,
    described::{DOCUMENT, operation},
    http::{Reply, head, raw},
    log, options, within,
};
use counter::{Counter, Options, Tls, TlsFiles};

const OTHERS: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Page,
    PartOfPage,
    /// May be kept if it is asked for again each time.
    Public,
    /// Nobody may keep it.
    Private,
}

fn assert_guarded(reply: &Reply, kind: Kind) {
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{reply:?}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "no other site reads anything: {reply:?}");
    assert_eq!(reply.header("server"), None, "{reply:?}");
    let kept = match kind {
        Kind::PartOfPage => "public, max-age=31536000, immutable",
        Kind::Page | Kind::Public => "no-cache",
        Kind::Private => "no-store",
    };
    assert_eq!(reply.header("cache-control"), Some(kept), "{reply:?}");
    if kind == Kind::PartOfPage {
        return;
    }
    let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("no policy: {reply:?}"));
    for part in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|said| said == part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(policy == OTHERS, kind != Kind::Page, "{policy}");
    assert_eq!(reply.header("permissions-policy").is_some(), kind == Kind::Page, "{reply:?}");
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{reply:?}");
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"), "{reply:?}");
}

/// A request, by whom, and what comes of it.
struct Asked {
    method: &'static str,
    path: String,
    who: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    kind: Kind,
}

const BROWSER: &[(&str, &str)] = &[("accept", "text/html")];
/// Replaced by the token.
const STAFF: &[(&str, &str)] = &[("authorization", "")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const STAFF_JSON: &[(&str, &str)] = &[("authorization", ""), ("content-type", "application/json")];

fn all(id: &str, part: &str) -> Vec<Asked> {
    use Kind::{Page, PartOfPage, Private, Public};
    let order = |rest: &str| format!("/orders/{id}{rest}");
    let ask = |method, path: &str, who, body, status, kind| Asked {
        method,
        path: path.to_owned(),
        who,
        body,
        status,
        kind,
    };
    let mut all = vec![
        ask("POST", "/order?amount=1", &[], "", 202, Private),
        ask("POST", "/order?amount=0", &[], "", 400, Private),
        ask("GET", "/order?amount=1", &[], "", 405, Private),
        ask("POST", "/order?amount=1", &[("sec-fetch-site", "cross-site")], "", 403, Private),
        ask("POST", "/orders", JSON, r#"{"amount":1}"#, 201, Private),
        ask("POST", "/orders", JSON, "{", 400, Private),
        ask("POST", "/orders", &[], "x", 415, Private),
        ask("GET", "/orders?live", STAFF, "", 200, Private),
        ask("GET", "/orders?live", &[], "", 401, Private),
        ask("GET", &order(""), &[], "", 200, Private),
        ask("GET", "/orders/nobody", &[], "", 404, Private),
        ask("GET", &order("/events"), &[], "", 200, Private),
        ask("GET", &order("/history"), STAFF, "", 200, Private),
        ask("POST", &order("/commands"), JSON, r#"{"command":"dance"}"#, 400, Private),
        ask("POST", &order("/print"), STAFF_JSON, r#"{"what":"ticket"}"#, 409, Private),
        ask("GET", "/board/codes", &[], "", 200, Private),
        ask("GET", "/board/events", &[], "", 200, Private),
        ask("GET", "/shop/events", &[], "", 200, Private),
        ask("GET", "/shop", &[], "", 200, Private),
        ask("PUT", "/shop/open", STAFF_JSON, r#"{"open":true}"#, 200, Private),
        ask("PUT", "/shop/pause", STAFF_JSON, r#"{"paused":false}"#, 200, Private),
        ask("PUT", "/shop/pace", STAFF_JSON, r#"{"busy_minutes":0}"#, 200, Private),
        ask("PUT", "/shop/sold-out/latte", STAFF_JSON, r#"{"sold_out":true}"#, 200, Private),
        ask("PUT", "/shop/bars/Main", STAFF_JSON, "{}", 200, Private),
        ask("GET", "/menu", &[], "", 200, Public),
        ask("GET", "/events", STAFF, "", 200, Private),
        ask("GET", "/session", STAFF, "", 200, Private),
        ask("POST", "/session", JSON, r#"{"code":"12345678","device":"x"}"#, 403, Private),
        ask("POST", "/session/codes", STAFF_JSON, r#"{"role":"barista"}"#, 201, Private),
        ask("GET", "/devices", STAFF, "", 200, Private),
        ask("DELETE", "/devices/nobody", STAFF, "", 204, Private),
        ask("GET", "/tokens", STAFF, "", 200, Private),
        ask("DELETE", "/tokens/nobody", STAFF, "", 204, Private),
        ask("GET", "/ledger", BROWSER, "", 200, Page),
        ask("GET", "/ledger", STAFF, "", 200, Private),
        ask("GET", "/ledger/events", STAFF, "", 200, Private),
        ask("GET", "/ledger/orders", STAFF, "", 200, Private),
        ask("GET", "/ledger/minutes", STAFF, "", 200, Private),
        ask("GET", "/ledger/day", STAFF, "", 200, Private),
        ask("GET", "/ledger/export?format=csv", STAFF, "", 200, Private),
        // A log in memory has nothing to copy.
        ask("GET", "/backup", STAFF, "", 409, Private),
        ask("GET", "/o/nobody", BROWSER, "", 404, Page),
        ask("GET", &format!("/o/{id}"), BROWSER, "", 200, Page),
        ask("GET", part, BROWSER, "", 200, PartOfPage),
        ask("GET", "/web/0123456789abcdef/base.css", BROWSER, "", 404, Private),
        ask("GET", "/table/address", &[], "", 200, Private),
        ask("GET", "/table/qr.svg", &[], "", 200, Private),
        ask("POST", "/table/qr.svg", &[], "text", 200, Private),
        ask("GET", "/docs/openapi.json", &[], "", 200, Public),
        ask("GET", "/docs/asyncapi.json", &[], "", 200, Public),
        ask("GET", "/livez", &[], "", 200, Private),
        ask("GET", "/readyz", &[], "", 200, Private),
        ask("GET", "/metrics", &[], "", 200, Private),
        ask("GET", "/nothing/here", &[], "", 404, Private),
        ask("GET", "/nothing/here", BROWSER, "", 404, Private),
        ask("OPTIONS", "/orders", &[], "", 405, Private),
        ask("PUT", "/devices", STAFF, "", 405, Private),
    ];
    for page in ["/", "/board", "/table", "/till", "/bar", "/privacy", "/sign-in", "/docs"] {
        all.push(ask("GET", page, BROWSER, "", 200, Page));
        all.push(ask("HEAD", page, BROWSER, "", 200, Page));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_says_how_its_answers_may_be_used_whatever_they_are() {
    let (mut options, _shop) = common::with_shop(common::shop(""));
    options.heartbeat = std::time::Duration::from_millis(100);
    let line = Line::found_at(log(1), options, Some("http://192.168.1.5:8080".parse().unwrap())).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |_| true).await;
    let front = line.get("/", &[]).await;
    let part = front.text().split('"').find(|text| text.starts_with("/web/")).unwrap().to_owned();
    let token = line.staff();
    let all = all(&id, &part);
    for Asked { method, path, who, body, status, kind } in &all {
        let said = who
            .iter()
            .map(|(name, value)| if value.is_empty() { (*name, token.as_str()) } else { (*name, *value) });
        let reply = head(line.address, method, path, &said.collect::<Vec<_>>(), body.as_bytes()).await;
        assert_eq!(reply.status, *status, "{method} {path}: {reply:?}");
        assert_guarded(&reply, *kind);
    }
    let path = |asked: &Asked| operation(asked.path.split('?').next()?).map(|(path, _)| path);
    let asked: BTreeSet<_> = all.iter().filter_map(path).collect();
    let described = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    let missing: Vec<_> = described.filter(|path| !asked.contains(path)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "routes that nobody asked here");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_is_still_guarded_when_it_asks_whether_that_is_the_newest() {
    let line = Line::start().await;
    let first = line.get("/", &[]).await;
    let again = line.get("/", &[("if-none-match", first.header("etag").unwrap())]).await;
    assert_eq!(again.status, 304);
    assert_guarded(&again, Kind::Page);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_sites_page_is_refused_and_one_of_a_program_is_not() {
    let line = Line::start().await;
    for others in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://elsewhere.example")],
        &[("origin", "null")],
    ] {
        let refused = line.post("/order?amount=1", others, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "cross_site"), "{others:?}");
    }
    assert_eq!(line.views.counts().open(), 0);
    for own in [&[][..], &[("sec-fetch-site", "same-origin")], &[("origin", "http://counter")]] {
        assert_eq!(line.post("/order?amount=1", own, "").await.status, 202, "{own:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_a_name_of_the_shops_own_have_browsers_keep_to_https() {
    const HSTS: &str = "strict-transport-security";
    const COOP: &str = "cross-origin-opener-policy";
    for (url, host, keeps_to_https, is_secure) in [
        ("https://cafe.example", "cafe.example", true, true),
        ("https://cafe.example", "192.168.1.5:8080", false, false),
        ("https://cafe.example:8443", "cafe.example:8443", false, true),
        ("https://brewline.local", "brewline.local", false, true),
        ("http://cafe.example", "cafe.example", false, false),
    ] {
        let line = Line::found_at(log(1), options(), Some(url.parse().unwrap())).await;
        for (path, kind) in [("/", Kind::Page), ("/livez", Kind::Private)] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let reply = raw(line.address, request.as_bytes()).await;
            assert_guarded(&reply, kind);
            let said = reply.header(HSTS);
            assert_eq!(
                said,
                (keeps_to_https && kind == Kind::Page).then_some("max-age=2592000"),
                "{url} {host}"
            );
            let said = reply.header(COOP);
            assert_eq!(said, (is_secure && kind == Kind::Page).then_some("same-origin"), "{url} {host}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_there_is_a_log_answers_say_the_same() {
    let (counter, _started) = Counter::bind(options()).unwrap();
    let address = counter.local_addr();
    let ask = async {
        for (request, kind) in [
            ("GET /", Kind::Page),
            ("GET /o/a", Kind::Page),
            ("GET /ledger", Kind::Page),
            ("GET /livez", Kind::Private),
            ("GET /readyz", Kind::Private),
            ("GET /menu", Kind::Private),
            ("POST /order?amount=1", Kind::Private),
        ] {
            let reply = raw(address, format!("{request} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await;
            assert_guarded(&reply, kind);
        }
    };
    tokio::select! {
        ended = counter.turn_away() => panic!("{ended:?}"),
        () = within(ask) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plain_http_is_answered_on_a_port_with_tls_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["cafe.example".to_owned()]).unwrap();
    let files = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    fs::write(&files.cert, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let tls = Some(Arc::new(Tls::read(files, SystemTime::now()).unwrap()));
    let line = Line::on(log(1), Options { tls, ..options() }).await;
    for (method, path, status) in
        [("GET", "/", 307), ("POST", "/order?amount=1", 400), ("GET", "/livez", 200)]
    {
        let reply = line.send(method, path, &[], b"").await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert_guarded(&reply, Kind::Private);
    }
}
