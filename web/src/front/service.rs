//! The two protocols a front speaks: which requests are passed on, and what is said when nobody answers.

use axum::body::Bytes;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use ocsp::core::request::{OcspRequest, from_get_path};
use ocsp::core::response::Refusal;
use tsa::core::request::StampRequest;
use tsa::core::response::{FailInfo, Rejection};

/// Where one request gets two tokens.
const TWIN: &str = "/tsa/twin";
/// Longest nonce any configuration of the suite allows (RFC 9654 2.1); the suite itself may allow less.
/// Unit: bytes.
const LONGEST_NONCE: u8 = 128;

/// What a front serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontService {
    /// OCSP (RFC 6960).
    Ocsp,
    /// Time-stamps (RFC 3161).
    Tsa,
}

impl FrontService {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ocsp => "ocsp",
            Self::Tsa => "tsa",
        }
    }

    /// Whether such a request is passed on.
    pub(super) fn takes(self, method: &Method, path: &str) -> bool {
        match (self, method) {
            (Self::Ocsp, &Method::POST) => path == "/ocsp" || path == "/ocsp/",
            (Self::Ocsp, &Method::GET | &Method::HEAD) => path.starts_with("/ocsp/"),
            (Self::Tsa, &Method::POST) => matches!(path, "/tsa" | "/tsa/sm2" | "/tsa/ec" | TWIN),
            (Self::Tsa, &Method::GET | &Method::HEAD) => path == "/tsa/certs" || path.starts_with("/tsa/proof/"),
            _ => false,
        }
    }

    /// Whether the same question may be given the same answer for a moment. A time-stamp is never the same.
    pub(super) const fn may_be_kept(self) -> bool {
        matches!(self, Self::Ocsp)
    }

    /// What is no request of the protocol is answered here and goes no further.
    pub(super) fn refuse(self, method: &Method, path: &str, body: &[u8]) -> Option<Response<Bytes>> {
        match self {
            Self::Ocsp => {
                let asked = if *method == Method::POST {
                    Ok(body.to_vec())
                } else {
                    from_get_path(path.strip_prefix("/ocsp/").unwrap_or_default())
                };
                let read = asked.and_then(|der| OcspRequest::parse(&der, LONGEST_NONCE).map(drop));
                read.is_err().then(|| ocsp_answer(Refusal::MalformedRequest))
            }
            // Two answers in one: the suite writes them, refusals too.
            Self::Tsa if path == TWIN => None,
            Self::Tsa if *method == Method::POST => StampRequest::parse(body).err().map(tsa_answer),
            Self::Tsa => None,
        }
    }

    /// The suite does not answer: later perhaps, in the words of the protocol.
    pub(super) fn unanswered(self, path: &str) -> Response<Bytes> {
        match self {
            Self::Ocsp => ocsp_answer(Refusal::TryLater),
            Self::Tsa if path == TWIN || !self.takes(&Method::POST, path) => {
                let mut response = answer(Bytes::new(), "text/plain");
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
            }
            Self::Tsa => tsa_answer(Rejection::new(
                FailInfo::SystemFailure,
                "the time-stamping service behind this door does not answer",
            )),
        }
    }
}

impl FrontService {
    /// The address asks more often than it may.
    pub(super) fn too_often(self) -> Response<Bytes> {
        let text = "too many requests from this address; wait a little";
        let mut response = match self {
            Self::Ocsp => ocsp_answer(Refusal::TryLater),
            Self::Tsa => tsa_answer(Rejection::new(FailInfo::SystemFailure, text)),
        };
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }
}

fn ocsp_answer(refusal: Refusal) -> Response<Bytes> {
    answer(Bytes::from_static(refusal.der()), "application/ocsp-response")
}

fn tsa_answer(rejection: Rejection) -> Response<Bytes> {
    answer(rejection.to_der().into(), "application/timestamp-reply")
}

fn answer(body: Bytes, kind: &'static str) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
