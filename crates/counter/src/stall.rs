//! A connection whose client takes nothing is cut: it would hold its buffers, and its place, for ever.
//!
//! Two kinds of client take nothing. One is there and does not read: soon a write waits, and [`Impatient`] counts.
//! One is gone without a word, as a phone that left the Wi-Fi: what little a stream says fits into the system's
//! buffers for hours, so only the system can notice, by the acknowledgements that stay away.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::{Socket, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// Has the system end connections whose client acknowledges nothing for this long, and ask those that are silent.
/// Set on the listener, because its connections have it from there without a call for each.
pub(crate) fn notice_the_gone(listener: &Socket, patience: Duration) -> io::Result<()> {
    // The system counts in whole seconds.
    let patience = patience.max(Duration::from_secs(1));
    listener.set_tcp_keepalive(&TcpKeepalive::new().with_time(patience).with_interval(patience))?;
    // Elsewhere it takes as long as the system has patience, minutes as a rule.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    listener.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}

/// A connection that fails when a write has waited too long.
#[derive(Debug)]
pub(crate) struct Impatient {
    stream: TcpStream,
    patience: Duration,
    /// Only there while a write waits: most never do.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    pub(crate) fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    fn judge<T>(&mut self, cx: &mut Context<'_>, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.waiting = None;
            return write;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(cx, from);
        self.judge(cx, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(cx, from);
        self.judge(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    #[tokio::test]
    async fn a_write_that_nobody_reads_fails_when_patience_ends() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let deaf = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Impatient::new(listener.accept().await.unwrap().0, Duration::from_millis(50));
        let write = async {
            loop {
                if let Err(error) = stream.write_all(&[0; 8_192]).await {
                    break error;
                }
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(30), write).await.unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(deaf);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_has_from_its_listener_that_the_gone_are_noticed() {
        use std::net::TcpStream;

        let patience = Duration::from_secs(7);
        let listener = crate::server::bind((Ipv4Addr::LOCALHOST, 0).into(), patience).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let accepted = Socket::from(listener.accept().unwrap().0);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(patience));
        assert!(accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), patience);
    }
}
