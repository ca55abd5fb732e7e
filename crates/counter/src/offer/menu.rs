//! The menu as it is sent.

use std::{io::Write as _, sync::Arc};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use shop::Shop;

/// A menu as it is sent; packed once, for it may be long and every phone asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Menu {
    pub(crate) version: Arc<str>,
    pub(crate) json: Bytes,
    pub(crate) gzip: Bytes,
}

impl Menu {
    pub(super) fn of(shop: &Shop) -> Self {
        let json = Bytes::copy_from_slice(shop.menu_json().as_bytes());
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let gzip = gzip.write_all(&json).and_then(|()| gzip.finish()).expect("a Vec takes everything");
        Self { version: shop.version().into(), json, gzip: gzip.into() }
    }
}
