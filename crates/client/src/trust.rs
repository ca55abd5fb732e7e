//! Whose certificates count where the counter's address is https: those that the system trusts, or those in a file.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::address::CounterAddress;

/// Whose certificates count.
#[derive(Debug, Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

/// Nobody can be trusted. The message is one sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum BadTrust {
    /// The file has no certificates that can be used.
    #[error(
        "can't trust {} ({why}); name a PEM file with --ca, in which the certificate of the counter's issuer stands",
        file.display()
    )]
    File {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system trusts nobody.
    #[error(
        "this system has no certificates that it trusts ({0}); name the one of the counter's issuer with --ca FILE"
    )]
    System(io::Error),
}

impl Trust {
    /// Whom to trust at this address; `file` in place of the system.
    pub(crate) fn at(address: &CounterAddress, file: Option<&Path>) -> Result<Self, BadTrust> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions");
        let config = match file {
            Some(file) => config.with_root_certificates(roots(file)?),
            None if address.is_secure() => config.with_native_roots().map_err(BadTrust::System)?,
            // Nobody's certificate is asked for.
            None => config.with_root_certificates(RootCertStore::empty()),
        };
        Ok(Self(Arc::new(config.with_no_client_auth())))
    }

    /// Connections over TLS where the address is https.
    pub(crate) fn over(&self, connector: HttpConnector) -> HttpsConnector<HttpConnector> {
        let tls = HttpsConnectorBuilder::new().with_tls_config(ClientConfig::clone(&self.0));
        tls.https_or_http().enable_http1().wrap_connector(connector)
    }
}

fn roots(file: &Path) -> Result<RootCertStore, BadTrust> {
    let bad = |why: &dyn std::fmt::Display| BadTrust::File { file: file.to_owned(), why: why.to_string() };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| bad(&error))?;
    for certificate in certificates {
        roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
    }
    if roots.is_empty() { Err(bad(&"it holds no certificate")) } else { Ok(roots) }
}

/// What is wrong with the counter's certificate, if that is what `error` is about.
pub(crate) fn mistrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(format!("its certificate is not trusted: {}", reason(why)));
        }
        // What an error of the system carries is not its source, but itself.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = within.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// Why, and the way out.
fn reason(why: &CertificateError) -> String {
    const WHOM: &str = "--ca FILE names whom to trust";
    match why {
        CertificateError::UnknownIssuer => format!("nobody who is trusted issued it; {WHOM}"),
        // It has no kind of its own there, only this name.
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            "it may issue others (CA:TRUE), and so may not be a server's; make one with basicConstraints=CA:FALSE"
                .to_owned()
        }
        CertificateError::Other(other) => format!("{}; {WHOM}", other.0),
        why => format!("{why}; {WHOM}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_nobody_is_refused_with_the_way_out() {
        let address = CounterAddress::default();
        for file in ["/nowhere/at/all.pem", "Cargo.toml"] {
            let error = Trust::at(&address, Some(Path::new(file))).unwrap_err().to_string();
            assert!(error.contains(file) && error.contains("--ca") && !error.contains('\n'), "{error}");
        }
    }
}
