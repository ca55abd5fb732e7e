//! TLS for the counter's own port: a certificate and its key from two PEM files, read again when they change.
//!
//! | file | what it holds |
//! |---|---|
//! | `certificate` | the files as a certificate that can be served, or one sentence why not |
//! | `plain` | what is answered to those who speak no TLS here |

mod certificate;
mod plain;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use order::rfc3339;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
    registry::Unit,
};
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        client::verify_server_name,
        crypto::ring,
        pki_types::ServerName,
        server::{ClientHello, ParsedCertificate, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

use self::certificate::Certificate;
pub use self::certificate::TlsError;
use crate::{
    stall::Impatient,
    watched::{Due, Watched},
};

pub(crate) use self::plain::answer_plain;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Certificates are renewed earlier than this before they expire: by a third of their 90 days as a rule.
const SOON: Duration = Duration::from_hours(14 * 24);
/// The first byte of a TLS connection: a record of the handshake. Source: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 22;

/// Where a certificate and its key are, in PEM. The first certificate is the counter's own, the others lead to its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates.
    pub cert: PathBuf,
    /// The private key, without a passphrase.
    pub key: PathBuf,
}

/// A certificate that a counter serves with, and goes on to read from its files.
pub struct Tls {
    files: TlsFiles,
    kept: Mutex<Kept>,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the files. `now` tells whether the certificate is good.
    pub fn read(files: TlsFiles, now: SystemTime) -> Result<Self, TlsError> {
        // Before they are read, and long before they are looked at: a line may wait for its log, and be renewed meanwhile.
        let kept = Kept { files: Watched::new([files.cert.clone(), files.key.clone()]), told: None };
        let current = Arc::new(Current(RwLock::new(Arc::new(Certificate::read(&files, now)?))));
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Phones that come back, all of them after a restart of the Wi-Fi, need no second full handshake.
        if let Ok(ticketer) = ring::Ticketer::new() {
            config.ticketer = ticketer;
        }
        Ok(Self { files, kept: Mutex::new(kept), current, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Whether the certificate is for this name or IP address: for another one browsers refuse it.
    pub fn is_for(&self, host: &str) -> bool {
        let key = Arc::clone(&self.current.get().key);
        let certificate = key.cert.first().and_then(|own| ParsedCertificate::try_from(own).ok());
        let name = ServerName::try_from(host).ok();
        certificate
            .zip(name)
            .is_some_and(|(certificate, name)| verify_server_name(&certificate, &name).is_ok())
    }

    /// Shakes hands, until the deadline.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        write_timeout: Duration,
        deadline: Instant,
    ) -> io::Result<Accepted> {
        let accepting = async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let stream = Impatient::new(stream, write_timeout);
            if first != [HANDSHAKE] {
                return Ok(Accepted::Plain(stream));
            }
            self.acceptor.accept(stream).await.map(|stream| Accepted::Tls(Box::new(stream)))
        };
        timeout_at(deadline, accepting).await?
    }

    /// Reads the files again whenever they have changed, for as long as it is polled. What can't be served is said, and
    /// the certificate before it stays.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        let mut warned = Age::Good;
        let mut looking = interval(LOOK);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looking.tick().await;
            let tls = Arc::clone(&self);
            let now = SystemTime::now();
            // A disk that is slow must hold up nobody's order.
            if tokio::task::spawn_blocking(move || tls.look(now)).await.is_err() {
                return;
            }
            let until = self.current.get().until;
            let age = until.map_or(Age::Good, |until| Age::at(now, until));
            if age > warned {
                let (until, cert) = (until.map(time), self.files.cert.display());
                match age {
                    Age::Good => {}
                    Age::Soon => tracing::warn!(until, %cert, "the certificate expires soon: renew it"),
                    Age::Over => {
                        tracing::warn!(until, %cert, "the certificate has expired, phones refuse it: renew it");
                    }
                }
            }
            warned = age;
        }
    }

    /// Reads the files if that is due.
    fn look(&self, now: SystemTime) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(due) = kept.files.look() else { return };
        match self.renew(now) {
            Ok(until) => {
                kept.told = None;
                tracing::info!(until = until.map(time), "the certificate was read again");
            }
            Err(error) => {
                kept.files.failed();
                let error = error.to_string();
                if due == Due::Changed || kept.told.as_ref() != Some(&error) {
                    tracing::warn!(%error, "the certificate before it is served on");
                }
                kept.told = Some(error);
            }
        }
    }

    /// Until when the one that was read is good.
    fn renew(&self, now: SystemTime) -> Result<Option<SystemTime>, TlsError> {
        let certificate = Certificate::read(&self.files, now)?;
        let until = certificate.until;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
        Ok(until)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.files).finish()
    }
}

/// How the files are kept up with.
struct Kept {
    files: Watched<2>,
    /// What was said of them last, if they could not be used.
    told: Option<String>,
}

/// How old a certificate is; the worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Good,
    /// Whatever renews it should have by now.
    Soon,
    Over,
}

impl Age {
    fn at(now: SystemTime, until: SystemTime) -> Self {
        match until.duration_since(now) {
            Ok(left) if left > SOON => Self::Good,
            Ok(_) => Self::Soon,
            Err(_) => Self::Over,
        }
    }
}

/// Until when the certificate is good that is served now, for `/metrics`.
#[derive(Debug)]
pub(crate) struct Expiry(pub(crate) Arc<Tls>);

impl Collector for Expiry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(until) = self.0.current.get().until else { return Ok(()) };
        let seconds = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let gauge = ConstGauge::new(seconds);
        let help = "When the certificate that is served expires, in seconds since 1970";
        let name = "brewline_tls_certificate_expiry_timestamp";
        gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Seconds), gauge.metric_type())?)
    }
}

/// What a connection turned out to be.
pub(crate) enum Accepted {
    /// Boxed, because it is large.
    Tls(Box<TlsStream<Impatient>>),
    /// Somebody who speaks something else, most likely HTTP.
    Plain(Impatient),
}

/// The certificate that is served now.
struct Current(RwLock<Arc<Certificate>>);

impl Current {
    fn get(&self) -> Arc<Certificate> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.get().key))
    }
}

fn time(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    rfc3339(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A new pair in the files, as old as nothing before it.
    fn make(dir: &Path, age: u64) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["cafe.example".to_owned()]).unwrap();
        let files = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
        fs::write(&files.cert, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        touch(&files, age);
        files
    }

    fn touch(files: &TlsFiles, age: u64) {
        for path in [&files.cert, &files.key] {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age)).unwrap();
        }
    }

    #[test]
    fn a_certificate_that_expires_is_worse_from_two_weeks_before_on() {
        let (now, day) = (SystemTime::now(), Duration::from_hours(24));
        assert_eq!(Age::at(now, now + 15 * day), Age::Good);
        assert_eq!(Age::at(now, now + 14 * day), Age::Soon);
        assert_eq!(Age::at(now, now - day), Age::Over);
        assert!(Age::Over > Age::Soon && Age::Soon > Age::Good);
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_change_are_served_and_a_mistake_keeps_what_was_served_before() {
        let dir = tempfile::tempdir().unwrap();
        let tls = Arc::new(Tls::read(make(dir.path(), 1), SystemTime::now()).unwrap());
        assert!(tls.is_for("cafe.example") && !tls.is_for("192.168.1.5") && !tls.is_for("two words"));
        let served = || tls.current.get().key.cert.clone();
        let first = served();
        let renewing = tokio::spawn(Arc::clone(&tls).keep_fresh());
        // The time of these waits is not a machine's: each is a few looks.
        let looks = || tokio::time::sleep(4 * LOOK);
        looks().await;
        assert_eq!(served(), first);

        make(dir.path(), 2);
        looks().await;
        let second = served();
        assert_ne!(second, first);

        fs::write(&tls.files.cert, "no certificate").unwrap();
        touch(&tls.files, 3);
        looks().await;
        assert_eq!(served(), second);

        fs::remove_file(&tls.files.key).unwrap();
        looks().await;
        assert_eq!(served(), second);

        make(dir.path(), 4);
        looks().await;
        assert_ne!(served(), second);
        renewing.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_renewed_while_the_line_waits_for_its_log_is_served_then() {
        let dir = tempfile::tempdir().unwrap();
        let tls = Arc::new(Tls::read(make(dir.path(), 1), SystemTime::now()).unwrap());
        let first = tls.current.get().key.cert.clone();
        make(dir.path(), 2);
        let renewing = tokio::spawn(Arc::clone(&tls).keep_fresh());
        tokio::time::sleep(4 * LOOK).await;
        assert_ne!(tls.current.get().key.cert, first);
        renewing.abort();
    }

    #[test]
    fn one_that_is_not_good_yet_is_served_when_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (now, day) = (SystemTime::now(), Duration::from_hours(24));
        let tls = Tls::read(make(dir.path(), 1), now).unwrap();
        let first = tls.current.get().key.cert.clone();
        let mut params = rcgen::CertificateParams::new(vec!["cafe.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = ((now + day).into(), (now + 9 * day).into());
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(&tls.files.cert, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&tls.files.key, key.serialize_pem()).unwrap();
        for _ in 0..4 {
            tls.look(now);
        }
        assert_eq!(tls.current.get().key.cert, first);
        tls.look(now + 2 * day);
        assert_ne!(tls.current.get().key.cert, first);
    }
}
