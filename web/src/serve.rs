//! The doors: accept loops for http, https and the Unix socket, with deadlines and caps.
//!
//! All addresses are bound before anything is made ([`Doors::bind`]), so that a taken port touches
//! nothing. Each connection is a task of its own; the TLS handshake runs in it, so a slow client
//! delays nobody. A stop lets running requests finish, up to [`DRAIN`].

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pki_config::config::{Listen, WebConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener as TokioTcp, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::edge::ocsp::OcspDoor;
use crate::stall::StallGuard;

/// How long requests may run on after a stop.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How long a client may leave an answer unread.
const UNREAD: Duration = Duration::from_secs(30);
/// Buffer for the head of a request; a head that does not fit is refused with 431. Unit: bytes. What one read
/// brings beyond it is still taken, so the bound is about twice this.
const HEAD: usize = 16 * 1024;

/// Who is at the other end of a connection. Every request carries it as an extension.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Anybody, over plain http.
    Http {
        /// Where from.
        address: SocketAddr,
    },
    /// Over TLS.
    Https {
        /// Where from.
        address: SocketAddr,
        /// The client certificate (DER), if one was shown; it chains to our root and is in its validity.
        certificate: Option<Arc<Vec<u8>>>,
    },
    /// Over the socket for fronts: some stranger, whom the front has looked at.
    Front,
    /// Over the Unix socket.
    Socket {
        /// The user of the process at the other end, as the kernel says.
        uid: u32,
    },
}

/// Why the doors do not open. Nothing was made.
#[derive(Debug)]
pub enum ServeError {
    /// The address is taken. Operator's fault.
    Taken {
        /// Which.
        address: SocketAddr,
        /// The option that changes it.
        option: &'static str,
    },
    /// The address cannot be bound.
    Unbindable {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        why: io::Error,
    },
    /// A trial listens on loopback addresses only.
    NotLoopback {
        /// Which.
        address: Listen,
        /// The option that changes it.
        option: &'static str,
    },
    /// The socket cannot be made.
    Socket {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { address, option } => {
                write!(f, "another program listens on {address}; stop it or name another address with {option}")
            }
            Self::Unbindable { address, why } => write!(f, "{address} cannot be listened on: {why}"),
            Self::NotLoopback { address, option } => write!(
                f,
                "a trial listens on this machine only, and {address} can be reached from others; name a loopback address with {option}, or make a production installation with: yinxin init --production"
            ),
            Self::Socket { path, why } => write!(f, "the socket {} cannot be made: {why}", path.display()),
        }
    }
}

impl std::error::Error for ServeError {}

/// The TCP addresses, bound but not yet served.
#[derive(Debug)]
pub struct Doors {
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
}

impl Doors {
    /// Binds every address of the configuration.
    ///
    /// # Errors
    /// [`ServeError::Taken`], [`ServeError::Unbindable`].
    pub fn bind(web: &WebConfig) -> Result<Self, ServeError> {
        Ok(Self { http: bind_all(web.http, "--http")?, https: bind_all(web.https, "--https")? })
    }

    /// Binds one address, or both of `localhost`, for plain http alone. `option` is what changes it.
    ///
    /// # Errors
    /// As [`Doors::bind`].
    pub fn bind_http(listen: Listen, option: &'static str) -> Result<Self, ServeError> {
        Ok(Self { http: bind_all(listen, option)?, https: Vec::new() })
    }

    /// Refuses addresses others could reach: the keys of a trial are not protected enough for that.
    ///
    /// # Errors
    /// [`ServeError::NotLoopback`].
    pub fn loopback_only(web: &WebConfig) -> Result<(), ServeError> {
        for (address, option) in [(web.http, "--http"), (web.https, "--https")] {
            if !address.is_loopback() {
                return Err(ServeError::NotLoopback { address, option });
            }
        }
        Ok(())
    }

    /// Where http listens, with the port the system chose if none was named.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.first().and_then(|l| l.local_addr().ok())
    }

    /// Where https listens.
    #[must_use]
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.https.first().and_then(|l| l.local_addr().ok())
    }
}

fn bind_all(listen: Listen, option: &'static str) -> Result<Vec<TcpListener>, ServeError> {
    let mut bound: Vec<TcpListener> = Vec::new();
    for mut address in listen.addresses() {
        if let (0, Some(first)) = (address.port(), bound.first().and_then(|l| l.local_addr().ok())) {
            address.set_port(first.port());
        }
        match TcpListener::bind(address).and_then(|l| l.set_nonblocking(true).map(|()| l)) {
            Ok(listener) => bound.push(listener),
            // On the second address too: a client that resolves localhost to it would reach the other program.
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(ServeError::Taken { address, option }),
            // A machine without IPv6 has no ::1.
            Err(_) if !bound.is_empty() => {}
            Err(why) => return Err(ServeError::Unbindable { address, why }),
        }
    }
    Ok(bound)
}

/// Makes a Unix socket with the rights `mode`. A socket left by a process that died is replaced:
/// the caller holds the lock of the data directory.
///
/// # Errors
/// [`ServeError::Socket`].
pub fn bind_socket(path: &Path, mode: u32) -> Result<std::os::unix::net::UnixListener, ServeError> {
    let failed = |why| ServeError::Socket { path: path.to_owned(), why };
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// What is served where.
pub struct Service {
    /// For anybody.
    pub http: Router,
    /// For officers and programs.
    pub https: Router,
    /// For the owner of the data directory.
    pub socket: Router,
    /// For fronts.
    pub front: Router,
    /// The OCSP responder, on http, https and for fronts.
    pub ocsp: Arc<OcspDoor>,
    /// The TLS side of https.
    pub tls: Arc<rustls::ServerConfig>,
}

/// Serves until `stop` turns true, then lets running requests finish.
///
/// # Errors
/// The runtime cannot take over a listener.
pub async fn serve(
    doors: Doors,
    socket: Option<std::os::unix::net::UnixListener>,
    front: Option<std::os::unix::net::UnixListener>,
    service: Service,
    web: &WebConfig,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let limits = Limits { head: web.header_deadline.duration() };
    let places = usize::try_from(web.connections).unwrap_or(1024);
    let mut loops = JoinSet::new();
    let ocsp = Some(&service.ocsp);
    serve_plain(&mut loops, doors.http, &service.http, ocsp, limits, places, &stop)?;
    let https_places = Arc::new(Semaphore::new(places));
    for listener in doors.https {
        let listener = TokioTcp::from_std(listener)?;
        let (router, stop) = (service.https.clone(), stop.clone());
        let ocsp = Arc::clone(&service.ocsp);
        let tls = TlsAcceptor::from(Arc::clone(&service.tls));
        loops.spawn(accept(stop.clone(), Arc::clone(&https_places), async move || {
            let (stream, address) = listener.accept().await?;
            let (router, ocsp, stop, tls) = (router.clone(), Arc::clone(&ocsp), stop.clone(), tls.clone());
            Ok(async move {
                let _ = stream.set_nodelay(true);
                let Ok(Ok(stream)) = tokio::time::timeout(limits.head, tls.accept(stream)).await else {
                    // Scanners and plain-http clients: nothing an operator must know of each time.
                    tracing::debug!(%address, "TLS handshake failed");
                    return;
                };
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let certificate = certificate.map(|leaf| Arc::new(leaf.to_vec()));
                connection(stream, router, Some(ocsp), Peer::Https { address, certificate }, limits, stop).await;
            })
        }));
    }
    if let Some(listener) = front {
        let listener = UnixListener::from_std(listener)?;
        let (router, ocsp, stop) = (service.front, Arc::clone(&service.ocsp), stop.clone());
        loops.spawn(accept(stop.clone(), Arc::new(Semaphore::new(places)), async move || {
            let (stream, _) = listener.accept().await?;
            let (router, ocsp, stop) = (router.clone(), Arc::clone(&ocsp), stop.clone());
            Ok(async move { connection(stream, router, Some(ocsp), Peer::Front, limits, stop).await })
        }));
    }
    if let Some(listener) = socket {
        let listener = UnixListener::from_std(listener)?;
        let (router, stop) = (service.socket, stop);
        let socket_places = Arc::new(Semaphore::new(places));
        loops.spawn(accept(stop.clone(), socket_places, async move || {
            let (stream, _) = listener.accept().await?;
            let (router, stop) = (router.clone(), stop.clone());
            Ok(async move {
                let Ok(uid) = stream.peer_cred().map(|cred| cred.uid()) else { return };
                connection(stream, router, None, Peer::Socket { uid }, limits, stop).await;
            })
        }));
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

/// Serves plain http alone until `stop` turns true, then lets running requests finish.
///
/// # Errors
/// The runtime cannot take over a listener.
pub async fn serve_http(doors: Doors, router: Router, web: &WebConfig, stop: watch::Receiver<bool>) -> io::Result<()> {
    let limits = Limits { head: web.header_deadline.duration() };
    let places = usize::try_from(web.connections).unwrap_or(1024);
    let mut loops = JoinSet::new();
    serve_plain(&mut loops, doors.http, &router, None, limits, places, &stop)?;
    while loops.join_next().await.is_some() {}
    Ok(())
}

/// Starts the accept loops of plain http.
fn serve_plain(
    loops: &mut JoinSet<()>,
    listeners: Vec<TcpListener>,
    router: &Router,
    ocsp: Option<&Arc<OcspDoor>>,
    limits: Limits,
    places: usize,
    stop: &watch::Receiver<bool>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(places));
    for listener in listeners {
        let listener = TokioTcp::from_std(listener)?;
        let (router, ocsp, stop) = (router.clone(), ocsp.cloned(), stop.clone());
        loops.spawn(accept(stop.clone(), Arc::clone(&places), async move || {
            let (stream, address) = listener.accept().await?;
            let (router, ocsp, stop) = (router.clone(), ocsp.clone(), stop.clone());
            Ok(async move {
                let _ = stream.set_nodelay(true);
                connection(stream, router, ocsp, Peer::Http { address }, limits, stop).await;
            })
        }));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Limits {
    head: Duration,
}

/// Accepts until told to stop, then waits for the connections it started.
async fn accept<A, C>(mut stop: watch::Receiver<bool>, places: Arc<Semaphore>, mut next: A)
where
    A: AsyncFnMut() -> io::Result<C>,
    C: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        // A place first: without one the backlog of the kernel holds the newcomers.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stopped(&mut stop) => break,
        };
        let Ok(place) = place else { break };
        tokio::select! {
            accepted = next() => match accepted {
                Ok(connection) => {
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file handles, or a connection that went away: the next may do better.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = stopped(&mut stop) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(next);
    let finish = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, finish).await.is_err() {
        tracing::warn!("some requests did not finish before the stop");
    }
}

/// Returns once the stop was given, or whoever could give it is gone.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Where a request goes.
enum To {
    Ocsp(Arc<OcspDoor>),
    Router(Router, Peer),
}

async fn connection<I>(
    io: I,
    router: Router,
    ocsp: Option<Arc<OcspDoor>>,
    peer: Peer,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let to = match &ocsp {
            Some(ocsp) if OcspDoor::takes(&request) => To::Ocsp(Arc::clone(ocsp)),
            _ => To::Router(router.clone(), peer.clone()),
        };
        async move {
            let (router, peer) = match to {
                // In the connection's own task: it changes nothing, so nothing is lost with its asker.
                To::Ocsp(ocsp) => return Ok(ocsp.serve(request).await),
                To::Router(router, peer) => (router, peer),
            };
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            // A task of its own: a client that hangs up does not stop an issuance half-way.
            let answer = tokio::spawn(router.oneshot(request)).await;
            Ok::<_, Infallible>(match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(error) => {
                    tracing::error!(%error, "a request ended in a panic");
                    crate::problem::Failure::new(pki_config::ErrorCode::Internal).response("none")
                }
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(StallGuard::new(io, UNREAD)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
