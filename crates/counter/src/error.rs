//! Why a counter can't begin, or can't go on.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// A counter could not take its address. The message names it, and the way out.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {}", way_out(error, *address))]
pub struct BindError {
    /// What was tried.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub error: io::Error,
}

impl BindError {
    pub(crate) fn new(address: SocketAddr, error: io::Error) -> Self {
        Self { address, error }
    }
}

fn way_out(error: &io::Error, address: SocketAddr) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let ip = match address.ip() {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            format!(
                "another program listens on port {port}; stop it, or choose another port with --listen {ip}:PORT"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "port {port} needs rights that this user does not have; choose one above 1023 with --listen"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "this machine does not have the address {}; choose one of its own with --listen",
                address.ip()
            )
        }
        _ => format!("{error}; choose another address with --listen"),
    }
}

/// A counter can't go on.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// The system gives no threads or sockets.
    #[error("the counter can't run: {0}")]
    System(#[from] io::Error),
    /// What it shows would be of the past from here on.
    #[error("the counter can't read the log any more: {0}; start the program again")]
    View(String),
    /// What was written can't be read any more: the log says what is broken, and the way out.
    #[error("{0}")]
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_is_an_address_that_can_be_pasted() {
        let taken = |address: &str| {
            BindError::new(address.parse().unwrap(), io::ErrorKind::AddrInUse.into()).to_string()
        };
        assert!(taken("[::]:80").ends_with("--listen [::]:PORT"));
        assert!(taken("127.0.0.1:80").ends_with("--listen 127.0.0.1:PORT"));
    }
}
