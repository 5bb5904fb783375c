//! The TLS side of https: rustls with aws-lc-rs, a server certificate that can be exchanged while
//! running, and client certificates that are welcome but not demanded.

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use pki_config::Clock;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

/// TLS cannot be set up with what was given. A mistake of ours or a damaged installation.
#[derive(Debug)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for TlsError {}

fn failed(error: impl fmt::Display) -> TlsError {
    TlsError(error.to_string())
}

/// The server's certificate and key as now in use. Empty while the root key is sealed: handshakes
/// fail then, and the socket and the http door still serve.
#[derive(Default)]
pub struct ServerCertificate(RwLock<Option<Arc<CertifiedKey>>>);

impl ServerCertificate {
    /// Uses this chain (leaf first, DER) and key (PKCS#8) from the next handshake on.
    ///
    /// # Errors
    /// [`TlsError`] if they do not belong together; the previous ones stay.
    pub fn set(&self, chain: Vec<Vec<u8>>, pkcs8: &[u8]) -> Result<(), TlsError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
        let key = aws_lc_rs::sign::any_supported_type(&key).map_err(failed)?;
        let pair = CertifiedKey::new(chain.into_iter().map(CertificateDer::from).collect(), key);
        pair.keys_match().map_err(failed)?;
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::new(pair));
        Ok(())
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCertificate { .. }")
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// The suite's clock as rustls sees it.
struct TlsClock(Arc<dyn Clock>);

impl fmt::Debug for TlsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClock")
    }
}

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.now().unix_millis()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(millis)))
    }
}

/// TLS 1.2 and 1.3; client certificates are verified against `client_roots` (DER) when shown.
/// Whether an officer of ours holds the certificate is decided per request, not here.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(
    certificate: Arc<ServerCertificate>,
    client_roots: &[Vec<u8>],
    clock: Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for root in client_roots {
        roots.add(CertificateDer::from(root.clone())).map_err(failed)?;
    }
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(failed)?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(TlsClock(clock)))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
