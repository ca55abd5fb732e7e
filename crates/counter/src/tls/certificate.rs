//! Two files as a certificate that can be served, or one sentence why not.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use tokio_rustls::rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_cert::der::Decode as _;

use super::{TlsFiles, time};

/// A file larger than this is no certificate and no key, in bytes.
const FILE_BYTES: u64 = 1024 * 1024;

/// Why a counter can't serve with these files. Each message is one sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system does not let us read it.
    #[error("can't read {path} ({error}); make it readable for this user, or name another file with {flag}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Who names it.
        flag: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It is not the kind of file it should be.
    #[error("{path} {what}; {way_out}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        way_out: String,
    },
    /// They are not a pair.
    #[error(
        "the key in {key} does not belong to the first certificate in {cert}; name the two files that were made \
         together with --tls-cert and --tls-key"
    )]
    NoPair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Browsers would refuse it.
    #[error("the certificate in {cert} {what}; renew it, or set this machine's clock if that is wrong")]
    NotGoodNow {
        /// The certificate's file.
        cert: PathBuf,
        /// Since when, or from when.
        what: String,
    },
}

/// What is served, and how long it is good.
pub(super) struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    /// `None`: it does not say so in a way that we understand.
    pub(super) until: Option<SystemTime>,
}

impl Certificate {
    pub(super) fn read(files: &TlsFiles, now: SystemTime) -> Result<Self, TlsError> {
        let TlsFiles { cert, key } = files;
        let (chain, private) = (certificates(cert)?, private_key(key)?);
        let until = until(cert, &chain, now)?;
        match CertifiedKey::from_der(chain, private, &ring::default_provider()) {
            Ok(certified) => Ok(Self { key: Arc::new(certified), until }),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(TlsError::NoPair { cert: cert.clone(), key: key.clone() })
            }
            Err(Error::InvalidCertificate(why)) => Err(wrong(
                cert,
                format!("has a certificate that can't be used ({why})"),
                "have another one made",
            )),
            Err(error) => Err(wrong(
                key,
                format!("has a key that can't be used ({error})"),
                "make an ECDSA P-256 or an RSA key and have a certificate made for it",
            )),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path, "--tls-cert")?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| no_pem(path, &error))?;
    if !chain.is_empty() {
        return Ok(chain);
    }
    if has(&bytes, "PRIVATE KEY-----") {
        let way_out = "it belongs to --tls-key, and the certificate to --tls-cert";
        return Err(wrong(path, "holds a private key and no certificate", way_out));
    }
    let way_out = "name a PEM file with --tls-cert, in which BEGIN CERTIFICATE stands";
    Err(wrong(path, "holds no certificate", way_out))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path, "--tls-key")?;
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if has(&bytes, "ENCRYPTED PRIVATE KEY-----") => {
            let way_out = format!("take it off with: openssl pkey -in {} -out KEY.pem", path.display());
            Err(wrong(path, "holds a key with a passphrase", way_out))
        }
        Err(pem::Error::NoItemsFound) => {
            let way_out = "name a PEM file with --tls-key, in which BEGIN PRIVATE KEY stands";
            Err(wrong(path, "holds no private key", way_out))
        }
        Err(error) => Err(no_pem(path, &error)),
    }
}

fn read(path: &Path, flag: &'static str) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| TlsError::Unreadable { path: path.to_owned(), flag, error })?;
    if bytes.len() as u64 > FILE_BYTES {
        let way_out = format!("name a PEM file of at most {} KiB with {flag}", FILE_BYTES / 1024);
        return Err(wrong(path, "is too large for a certificate or a key", way_out));
    }
    Ok(bytes)
}

/// Until when the counter's own certificate is good.
fn until(path: &Path, chain: &[CertificateDer<'_>], now: SystemTime) -> Result<Option<SystemTime>, TlsError> {
    // What this parser does not understand browsers may: rustls has its own, and decides.
    let own = chain.first().and_then(|own| x509_cert::Certificate::from_der(own).ok());
    let Some(own) = own else { return Ok(None) };
    let validity = own.tbs_certificate().validity();
    let (from, until) = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
    let not_good = |what| Err(TlsError::NotGoodNow { cert: path.to_owned(), what });
    if until < now {
        return not_good(format!("expired on {}", time(until)));
    }
    if from > now {
        return not_good(format!("is not good before {}", time(from)));
    }
    Ok(Some(until))
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn no_pem(path: &Path, error: &pem::Error) -> TlsError {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "is cut off: an END line is missing",
        _ => "is no valid PEM",
    };
    wrong(path, what, "copy the whole file once more")
}

fn wrong(path: &Path, what: impl Into<String>, way_out: impl Into<String>) -> TlsError {
    TlsError::Wrong { path: path.to_owned(), what: what.into(), way_out: way_out.into() }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn files(dir: &Path, cert: &str, key: &str) -> TlsFiles {
        let files = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
        fs::write(&files.cert, cert).unwrap();
        fs::write(&files.key, key).unwrap();
        files
    }

    /// One for a year from 2026 on.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["cafe.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn day(days_since_1970: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(days_since_1970 * 24 * 60 * 60)
    }

    /// 2026-06-01.
    fn summer() -> SystemTime {
        day(20_605)
    }

    #[test]
    fn a_pair_is_taken_and_says_until_when_it_is_good() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair();
        let read = Certificate::read(&files(dir.path(), &cert, &key), summer()).unwrap();
        assert_eq!(time(read.until.unwrap()), "2027-01-01T00:00:00.000Z");
        // One file may hold both.
        let both = format!("{key}{cert}");
        Certificate::read(&files(dir.path(), &both, &both), summer()).unwrap();
    }

    #[test]
    fn each_mistake_is_one_sentence_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair();
        let (_, another) = pair();
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let broken = cert.replace("-----END CERTIFICATE-----", "");
        let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let large = "x".repeat(2 * 1024 * 1024);
        for (cert, key, now, says) in [
            (&key[..], &cert[..], summer(), "it belongs to --tls-key"),
            ("", &key, summer(), "cert.pem holds no certificate; name a PEM file with --tls-cert"),
            (&cert, "", summer(), "key.pem holds no private key; name a PEM file with --tls-key"),
            (&cert, &encrypted, summer(), "holds a key with a passphrase; take it off with: openssl pkey"),
            (&broken, &key, summer(), "cert.pem is cut off: an END line is missing; copy"),
            (no_der, &key, summer(), "cert.pem has a certificate that can't be used"),
            (&cert, no_key, summer(), "key.pem has a key that can't be used"),
            (&large, &key, summer(), "cert.pem is too large"),
            (&cert, &another, summer(), "does not belong to the first certificate"),
            (&cert, &key, day(30_000), "expired on 2027-01-01T00:00:00.000Z; renew it"),
            (&cert, &key, day(20_000), "is not good before 2026-01-01T00:00:00.000Z; renew it"),
        ] {
            let error = Certificate::read(&files(dir.path(), cert, key), now).err().expect(says).to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{says:?}: {error}");
        }
        let nowhere = TlsFiles { cert: dir.path().join("none"), key: dir.path().join("none") };
        let error = Certificate::read(&nowhere, summer()).err().unwrap().to_string();
        assert!(error.contains("can't read") && error.contains("--tls-cert"), "{error}");
    }
}
