//! The way from a front to the suite: HTTP/1.1 over the Unix socket in the data directory, on connections
//! that are kept. Bounded in number, size and time, so that neither side can hold the other.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Largest answer. Unit: bytes.
const LARGEST: usize = 1 << 20;
/// Most requests on the way at once; more wait for a place, within [`ANSWER`].
const AT_ONCE: usize = 256;

/// The suite did not answer. Nothing is known of what it did; asking again is safe for what a front passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// Nobody listens at the socket.
    Away,
    /// No answer in time, or one that is none.
    Lost,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Away => "the suite does not listen at its socket",
            Self::Lost => "the suite did not answer",
        })
    }
}

impl std::error::Error for Unanswered {}

type Connection = SendRequest<Full<Bytes>>;

/// Kept connections to the suite's socket.
pub struct Upstream {
    socket: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Upstream {
    /// Connects when first asked.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, idle: Mutex::default(), places: Semaphore::new(AT_ONCE) }
    }

    /// Whether somebody listens.
    pub async fn is_there(&self) -> bool {
        UnixStream::connect(&self.socket).await.is_ok()
    }

    /// Passes `request` on and returns the whole answer.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Unanswered> {
        tokio::time::timeout(ANSWER, self.exchange(request)).await.unwrap_or(Err(Unanswered::Lost))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Unanswered> {
        let _place = self.places.acquire().await.map_err(|_| Unanswered::Lost)?;
        let mut connection = match self.idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.ready().await.map_err(|_| Unanswered::Lost)?;
        let answer = connection.send_request(request).await.map_err(|_| Unanswered::Lost)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|_| Unanswered::Lost)?.to_bytes();
        // Only now: a connection with half an answer on it must not meet the next question.
        if !connection.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(Response::from_parts(head, body))
    }

    /// A kept connection that the suite has not closed since.
    fn idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    async fn connect(&self) -> Result<Connection, Unanswered> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|_| Unanswered::Away)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Unanswered::Lost)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the suite ended early");
            }
        });
        Ok(sender)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("socket", &self.socket).finish_non_exhaustive()
    }
}
