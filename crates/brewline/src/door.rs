//! How phones get in: at which address, and what is said of it.

use std::{io, net::SocketAddr};

use counter::{PublicUrl, Tls};

use crate::{
    config::Serve,
    qr,
    reach::{self, Others},
};

/// How phones get in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Where the counter listens.
    listen: SocketAddr,
    others: Others,
    /// Where phones find it.
    pub(crate) url: Option<PublicUrl>,
    is_tls: bool,
    /// The certificate is for others.
    is_refused: bool,
    /// The address as a QR code, where that can be shown.
    code: Option<String>,
}

impl Door {
    /// The door of a counter that listens there.
    pub(crate) fn new(listen: SocketAddr, serve: &Serve, tls: Option<&Tls>, quiet: bool) -> Self {
        let mut door =
            Self::at(listen, reach::from_elsewhere(listen), serve.public_url.clone(), tls.is_some());
        let name = door.url.as_ref().filter(|url| url.is_secure());
        // Where a proxy has the certificate, ours is between the two.
        let ours = tls.filter(|_| door.others != Others::Nobody);
        door.is_refused = name.zip(ours).is_some_and(|(url, tls)| !tls.is_for(url.host()));
        door.code = door.url.as_ref().filter(|_| !quiet).and_then(|url| qr::for_stdout(url.as_str()));
        door
    }

    pub(crate) fn at(listen: SocketAddr, others: Others, said: Option<PublicUrl>, is_tls: bool) -> Self {
        let url = said.or(match others {
            Others::At(address) => Some(PublicUrl::of(address, is_tls)),
            Others::Nobody | Others::Somewhere => None,
        });
        Self { listen, others, url, is_tls, is_refused: false, code: None }
    }

    /// Whether the counter speaks TLS itself.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Where this machine's own programs find the counter: with TLS by the name that the certificate is for.
    pub(crate) fn own_url(&self) -> String {
        match &self.url {
            Some(url) if self.is_tls => url.to_string(),
            _ => PublicUrl::of(reach::from_here(self.listen), self.is_tls).to_string(),
        }
    }

    /// Where staff's devices find it; where none but this machine does, there.
    pub(crate) fn for_devices(&self) -> String {
        self.url.as_ref().map_or_else(|| self.own_url(), ToString::to_string)
    }

    /// The lines among the addresses.
    pub(crate) fn lines(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let port = self.listen.port();
        writeln!(out, "  page     {}  where guests order", self.own_url())?;
        match (&self.url, self.others) {
            (Some(url), _) => {
                writeln!(out, "  phones   {url}")?;
                writeln!(out, "  table    {}/table  a card to print", self.own_url())
            }
            (None, Others::Nobody) => {
                writeln!(out, "  phones   none; to let in those of this network: --listen 0.0.0.0:{port}")
            }
            (None, _) => writeln!(out, "  phones   port {port}, at this machine's name or address"),
        }
    }

    /// What stands below them.
    pub(crate) fn below(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(code) = &self.code {
            write!(out, "\n{code}")?;
        }
        if let Some(url) = self.url.as_ref().filter(|_| self.is_refused) {
            writeln!(out, "\nwarning: the certificate is not for {}, and phones refuse it;", url.host())?;
            writeln!(out, "say the name that it is for with --public-url https://NAME")?;
        }
        if self.others != Others::Nobody && !self.is_tls {
            writeln!(
                out,
                "\nwarning: whoever is on this network can order, and can read along (plain HTTP)"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(door: &Door) -> String {
        let mut out = Vec::new();
        door.lines(&mut out).and_then(|()| door.below(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn at(listen: &str, others: Others, url: Option<&str>, is_tls: bool) -> Door {
        Door::at(listen.parse().unwrap(), others, url.map(|url| url.parse().unwrap()), is_tls)
    }

    fn lan() -> Others {
        Others::At(([192, 168, 178, 255], 65_535).into())
    }

    #[test]
    fn phones_are_told_an_address_that_they_reach_or_what_lets_them_in() {
        for (others, url, says) in [
            (
                Others::Nobody,
                None,
                "  phones   none; to let in those of this network: --listen 0.0.0.0:65535\n",
            ),
            (lan(), None, "  phones   http://192.168.178.255:65535\n"),
            (Others::Somewhere, None, "  phones   port 65535, at this machine's name or address\n"),
            (Others::Nobody, Some("https://cafe.example"), "  phones   https://cafe.example\n"),
            (lan(), Some("https://cafe.example"), "  phones   https://cafe.example\n"),
        ] {
            let text = said(&at("0.0.0.0:65535", others, url, false));
            assert!(text.contains(says), "{text}");
            assert!(text.starts_with("  page     http://127.0.0.1:65535  where guests order\n"), "{text}");
            assert_eq!(text.contains("/table"), url.is_some() || others == lan(), "{text}");
            let is_warned = text.contains("\nwarning: whoever is on this network can order");
            assert_eq!(is_warned, others != Others::Nobody, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn with_tls_addresses_have_the_name_of_the_certificate_and_nobody_reads_along() {
        let door = at("0.0.0.0:8443", lan(), Some("https://cafe.example:8443"), true);
        assert_eq!(door.own_url(), "https://cafe.example:8443");
        assert!(!said(&door).contains("warning"));
        assert!(
            said(&Door { is_refused: true, ..door }).contains("the certificate is not for cafe.example, ")
        );
        let unnamed = at("127.0.0.1:8443", Others::Nobody, None, true);
        assert_eq!(unnamed.own_url(), "https://127.0.0.1:8443");
        assert_eq!(at("[::]:80", lan(), None, false).own_url(), "http://[::1]");
    }
}
