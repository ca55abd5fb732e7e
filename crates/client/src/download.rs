//! A file of a counter, as large as it is: taken piece by piece, and never kept as a whole.

use std::io;

use http::{Request, header};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};

use crate::{
    address::CounterAddress,
    api::{Api, Reply, Silence, silence},
    counter::{Trouble, root_cause},
};

/// Why a file was not taken to its end.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The counter said no.
    #[error("{}", .0.detail())]
    Refused(Reply),
    /// Nobody answered, or the file broke off.
    #[error(transparent)]
    Broken(#[from] Silence),
    /// Whoever takes the pieces could not.
    #[error("{0}")]
    Taker(#[from] io::Error),
}

impl NotTaken {
    /// The same of the counter at `address`, with the way out.
    pub fn of(&self, address: &CounterAddress) -> String {
        match self {
            Self::Refused(reply) => reply.refusal(address),
            Self::Broken(silence) => silence.of(address),
            Self::Taker(error) => error.to_string(),
        }
    }
}

impl Api {
    /// Takes the file (`application/octet-stream`) at this path, once; one that has begun can't be asked for again from
    /// its middle. `take` gets each piece and may block for a moment. Gives how many bytes there were.
    pub async fn download(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u64, NotTaken> {
        let began = Instant::now();
        let lost = |trouble: Trouble| silence(trouble, began);
        let request = Request::get(self.address().at(path)).header(header::ACCEPT, "*/*");
        let within = self.limits.order.attempt;
        let slow = |_| lost(Trouble::slow(&format!("no answer in {within:.0?}")));
        let asking = timeout(within, self.counter.send(self.signed(request)));
        let response = asking.await.map_err(slow)?.map_err(lost)?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_file = kind.is_some_and(|kind| kind == "application/octet-stream");
        if !response.status().is_success() || !is_file {
            let status = response.status().as_u16();
            let body = self.counter.body(response).await.map_err(Trouble::unclear).map_err(lost)?;
            let json = serde_json::from_slice(&body).unwrap_or_default();
            return Err(NotTaken::Refused(Reply { status, json }));
        }
        let (mut body, mut bytes) = (response.into_body(), 0);
        loop {
            let within = self.limits.silence;
            let slow = |_| lost(Trouble::slow(&format!("nothing came for {within:.0?}")));
            let frame = match timeout(within, body.frame()).await.map_err(slow)? {
                None => return Ok(bytes),
                Some(frame) => frame.map_err(|error| {
                    lost(Trouble::unclear(format!("it broke off: {}", root_cause(&error))))
                })?,
            };
            if let Some(piece) = frame.data_ref() {
                take(piece)?;
                bytes += piece.len() as u64;
            }
        }
    }
}
