//! Asks NTS servers: keys and cookies over TLS when there are none left, and an authenticated request for each poll.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pki_config::Clock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{connected, exchange, is_stray, wall};
use crate::clock::ntp::{self, BadAnswer};
use crate::clock::nts::{self, Keys, NtsAnswer, Unique};
use crate::clock::select::Sample;

/// How long keys may take to be agreed on: a few round trips, of which no time is measured.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seldom enough, if the server names no other (RFC 8915 4.1.8).
const NTP_PORT: u16 = 123;

/// The roots that servers' certificates chain to.
pub(super) struct Roots {
    file: Option<PathBuf>,
    read: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Roots {
    /// Those of this file, or of the system.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, read: OnceLock::new() }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.read.get_or_init(|| self.make()).clone()
    }

    fn make(&self) -> Result<Arc<ClientConfig>, String> {
        let mut store = RootCertStore::empty();
        let certificates: Vec<CertificateDer<'static>> = match &self.file {
            Some(file) => CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect)
                .map_err(|why| format!("tsa.clock.nts_roots, {}: {why}", file.display()))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        store.add_parsable_certificates(certificates);
        if store.is_empty() {
            return Err("there is no root to check it by; name a file in tsa.clock.nts_roots".to_owned());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|why| why.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![nts::ALPN.to_vec()];
        Ok(Arc::new(config))
    }
}

/// A server, with what was agreed on.
pub(super) struct Server {
    host: String,
    port: u16,
    roots: Arc<Roots>,
    session: Mutex<Option<Session>>,
}

struct Session {
    keys: Keys,
    host: String,
    port: u16,
    cookies: VecDeque<Vec<u8>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

impl Server {
    pub(super) fn new(host: String, port: u16, roots: Arc<Roots>) -> Self {
        Self { host, port, roots, session: Mutex::new(None) }
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        place: usize,
        unique: &Unique,
        clock: &dyn Clock,
        limit: Duration,
    ) -> Result<Sample, String> {
        let mut held = self.session.lock().await;
        if held.as_ref().is_none_or(|session| session.cookies.is_empty()) {
            *held = None;
            let agreeing = timeout(PATIENCE, self.agree()).await;
            *held = Some(agreeing.unwrap_or_else(|_| Err("no keys were agreed on in time".to_owned()))?);
        }
        let Some(session) = held.as_mut() else { return Err("no keys were agreed on".to_owned()) };
        // Used once, whether or not an answer comes: who sees a cookie twice could follow us (RFC 8915 9.1).
        let cookie = session.cookies.pop_front().unwrap_or_default();
        let more = nts::COOKIES - 1 - session.cookies.len().min(nts::COOKIES - 1);
        let packet = nts::request(unique, &session.keys, &cookie, more).map_err(|why| why.to_string())?;
        let (keys, mut forgotten) = (&session.keys, false);
        let asking = async {
            let socket = connected(&session.host, session.port).await?;
            let read = |bytes: &[u8]| {
                nts::answer(bytes, unique, keys).map_err(|why| match why {
                    NtsAnswer::Plain(BadAnswer::Kiss(kiss)) => {
                        forgotten = kiss == *b"NTSN";
                        // Anybody could have written it: the real answer may come all the same.
                        (true, why)
                    }
                    NtsAnswer::Plain(plain) => (is_stray(plain), why),
                    NtsAnswer::Forged => (true, why),
                })
            };
            exchange(&socket, &packet, clock, read).await
        };
        let answered = timeout(limit, asking).await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()));
        let ((answer, cookies), asked, heard) = match answered {
            Ok(answered) => answered,
            Err(_) if forgotten => {
                *held = None;
                return Err("it no longer knows what was agreed on; the next time it is asked anew".to_owned());
            }
            Err(why) => return Err(why),
        };
        session.cookies.extend(cookies);
        session.cookies.truncate(nts::COOKIES);
        ntp::sample(place, &answer, asked, heard, wall(clock)).map_err(|why| why.to_string())
    }

    async fn agree(&self) -> Result<Session, String> {
        let named = |why: &dyn fmt::Display| format!("no keys were agreed on: {why}");
        let name = ServerName::try_from(self.host.clone()).map_err(|why| named(&why))?;
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|why| named(&why))?;
        let connector = TlsConnector::from(self.roots.config()?);
        let mut tls = connector.connect(name, stream).await.map_err(|why| named(&why))?;
        if tls.get_ref().1.alpn_protocol() != Some(nts::ALPN) {
            return Err(named(&"it does not speak NTS there"));
        }
        tls.write_all(&nts::ke_request()).await.map_err(|why| named(&why))?;
        let mut heard = Vec::new();
        let agreed = loop {
            let mut buffer = [0; 4096];
            let count = tls.read(&mut buffer).await.map_err(|why| named(&why))?;
            heard.extend(&buffer[..count]);
            match nts::ke_answer(&heard).map_err(|why| named(&why))? {
                Some(agreed) => break agreed,
                None if count == 0 || heard.len() > nts::LONGEST => return Err(named(&nts::NotAgreed::Records)),
                None => {}
            }
        };
        let exported = |of_server| {
            let context = nts::context(of_server);
            let key = Zeroizing::new([0; 32]);
            let key = tls.get_ref().1.export_keying_material(key, nts::EXPORTER, Some(&context));
            key.map_err(|why| named(&why))
        };
        let keys = Keys { ours: exported(false)?, servers: exported(true)? };
        let host = agreed.server.unwrap_or_else(|| self.host.clone());
        let port = agreed.port.unwrap_or(NTP_PORT);
        Ok(Session { keys, host, port, cookies: agreed.cookies.into() })
    }
}
