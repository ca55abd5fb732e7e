//! What the table card is made of: the address that phones open, and QR codes.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::net::Ipv4Addr;

use common::{Line, http::Reply, log, options};
use counter::{Options, PublicUrl};

async fn found_at(url: Option<&str>) -> Line {
    let url: Option<PublicUrl> = url.map(|url| url.parse().unwrap());
    Line::found_at(log(1), options(), url).await
}

/// What a phone reads in the drawing: `<path d="M8 8h1v1H8V8…">`, one square for each dark module.
fn read(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/svg+xml")), "{reply:?}");
    let svg = reply.text();
    let size = |name: &str| -> usize {
        let (_, rest) = svg.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let (width, height) = (size("width"), size("height"));
    let mut dark = vec![false; width * height];
    let path = svg.split_once(" d=\"").unwrap().1.split('"').next().unwrap();
    for square in path.split('M').filter(|square| !square.is_empty()) {
        let (left, rest) = square.split_once(' ').unwrap();
        let (top, rest) = rest.split_once('h').unwrap();
        let (side, rest) = rest.split_once('v').unwrap();
        let down = rest.split('H').next().unwrap();
        let [left, top, side, down]: [usize; 4] =
            [left, top, side, down].map(|number| number.parse().unwrap());
        for y in top..top + down {
            dark[y * width + left..][..side].fill(true);
        }
    }
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(
            width,
            height,
            |x, y| if dark[y * width + x] { 0 } else { 255 },
        );
    image.detect_grids().first().expect("a code").decode().expect("it can be read").1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_says_the_address_that_phones_open() {
    for (url, reach, secure) in
        [("https://cafe.example", "everywhere", true), ("http://192.168.1.5:8080", "network", false)]
    {
        let line = found_at(Some(url)).await;
        assert_eq!(read(&line.get("/table/qr.svg", &[]).await), url);
        let address = line.get("/table/address", &[]).await.json();
        assert_eq!(address, serde_json::json!({"url": url, "reach": reach, "secure": secure}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_phone_comes_in_there_is_no_card_and_the_way_out_is_said() {
    let everywhere = Options { listen: (Ipv4Addr::UNSPECIFIED, 0).into(), ..options() };
    for (options, is_local) in [(options(), true), (everywhere, false)] {
        let line = Line::found_at(log(1), options, None).await;
        for path in ["/table/address", "/table/qr.svg"] {
            let reply = line.get(path, &[]).await;
            assert_eq!((reply.status, reply.code().as_str()), (409, "no_public_address"));
            let detail = reply.json()["detail"].to_string();
            let port = line.address.port();
            assert_eq!(detail.contains(&format!("--listen 0.0.0.0:{port} ")), is_local, "{detail}");
            assert_eq!(
                detail.contains(&format!("--public-url http://ADDRESS:{port},")),
                !is_local,
                "{detail}"
            );
            assert_eq!(reply.json()["port"], port);
            assert!(detail.contains("--public-url https://NAME"), "{detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wifi_becomes_a_code_and_what_is_no_text_or_too_long_is_refused() {
    let line = found_at(None).await;
    let longest = format!("WIFI:T:WPA;S:{};P:{};;", "\\;".repeat(32), "\\\\".repeat(63));
    for text in ["WIFI:T:WPA;S:온하루 커피;P:geheim\\;1;;", &longest, &"x".repeat(512)] {
        assert_eq!(read(&line.post("/table/qr.svg", &[], text).await), text);
    }
    for body in [&b""[..], &[0xff; 9], &[b'x'; 513]] {
        let reply = line.send("POST", "/table/qr.svg", &[], body).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_field"), "{body:?}");
    }
    let reply = line.send("POST", "/table/qr.svg", &[], &vec![b'x'; 70_000]).await;
    assert_eq!(reply.code(), "body_too_large");
    // What draws it in a page is a picture, and can be nothing else.
    let drawn = line.post("/table/qr.svg", &[], "<script>").await;
    assert!(drawn.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{drawn:?}");
    assert_eq!(drawn.header("cache-control"), Some("no-store"));
    assert!(!drawn.text().contains("script>"));
}
