//! That the running counter is what `docs/openapi.json` says. That its answers are, every other test here sees to.

mod common;

use std::collections::BTreeSet;

use common::{Line, described::DOCUMENT};

#[tokio::test]
async fn every_path_has_the_methods_that_are_described_and_no_others() {
    let line = Line::start().await;
    for (path, operations) in DOCUMENT["paths"].as_object().expect("paths") {
        let mut described: BTreeSet<String> = operations
            .as_object()
            .into_iter()
            .flat_map(|methods| methods.keys())
            .map(|method| method.to_uppercase())
            .collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let path = path.replace(['{', '}'], "");
        let reply = line.send("BREW", &path, &[], b"").await;
        assert_eq!((reply.status, reply.code().as_str()), (405, "method_not_allowed"), "{path}");
        let allowed =
            reply.header("allow").unwrap_or_default().split(',').map(|method| method.trim().to_owned());
        assert_eq!(allowed.collect::<BTreeSet<_>>(), described, "{path}");
    }
}

#[tokio::test]
async fn the_counter_serves_its_own_description_packed_or_not_and_says_when_it_is_the_same() {
    let line = Line::start().await;
    let plain = line.get("/docs/openapi.json", &[]).await;
    assert_eq!((plain.status, plain.header("content-type")), (200, Some("application/json")));
    assert_eq!(plain.json(), *DOCUMENT);
    let mut hashes = BTreeSet::new();
    for encoding in ["br", "gzip"] {
        let packed = line.get("/docs/openapi.json", &[("accept-encoding", encoding)]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some(encoding)));
        assert!(packed.body.len() < plain.body.len() / 4, "{encoding}: {} bytes", packed.body.len());
        let tag = packed.header("etag").expect("a tag").to_owned();
        let known = [("accept-encoding", encoding), ("if-none-match", tag.as_str())];
        assert_eq!(line.get("/docs/openapi.json", &known).await.status, 304);
        hashes.insert(tag);
    }
    assert!(
        !hashes.contains(plain.header("etag").expect("a tag")),
        "two ways to write it are two things to keep"
    );
}
