//! `POST /ocsp` and `GET /ocsp/{base64}` (RFC 6960 appendix A, RFC 5019).
//!
//! This edge sits before the router: an answer made ahead costs less than finding its route would, and a
//! router would take apart the base64 in the address. Every answer of the responder, a refusal too, goes out
//! as DER with status 200; other statuses say that what came was no question at all, or that the asker has
//! the answer already (304).
//!
//! Strangers own every byte that comes in here. A question is at most 8 KiB; a body that does not come is
//! given up; how many questions wait for a signature is bounded in the service behind, which then answers
//! `tryLater` at once.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use ocsp::core::request::{LONGEST, from_get_path};
use ocsp::core::response::Refusal;
use ocsp::{Answer, Ocsp};
use pki_config::{Clock, ErrorCode};

use crate::metrics::{Histogram, Rate};
use crate::problem::Failure;

mod headers;

/// How long the body of a question may take to arrive.
const BODY: Duration = Duration::from_secs(5);
/// How long an answer may take to make; then it is `tryLater`.
const ANSWER: Duration = Duration::from_secs(5);

/// The responder's door.
pub struct OcspDoor {
    ocsp: Ocsp,
    clock: Arc<dyn Clock>,
    max_age: Duration,
    latency: Histogram,
    rate: Rate,
    began: Moment,
}

impl OcspDoor {
    /// The door of this responder. HTTP caches may keep its answers for `max_age`, and never past nextUpdate.
    #[must_use]
    pub fn new(ocsp: Ocsp, clock: Arc<dyn Clock>, max_age: Duration) -> Self {
        Self { ocsp, clock, max_age, latency: Histogram::default(), rate: Rate::default(), began: Moment::now() }
    }

    /// How long answers took, from the head of the question to the answer's.
    #[must_use]
    pub fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// Answers a second, over the last minute.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.rate.per_second(self.began.elapsed().as_secs(), 0)
    }

    /// Whether a request is for this door.
    #[must_use]
    pub fn takes<B>(request: &Request<B>) -> bool {
        request.uri().path().strip_prefix("/ocsp").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers one request.
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: axum::body::HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let began = Moment::now();
        let response = match *request.method() {
            Method::GET | Method::HEAD => {
                let path = request.uri().path();
                let answer = match from_get_path(path.strip_prefix("/ocsp").unwrap_or_default()) {
                    Ok(der) => self.answer(&der).await,
                    Err(_) => Answer::refused(Refusal::MalformedRequest),
                };
                self.response(answer, Some(request.headers()))
            }
            Method::POST => match question_of(request).await {
                Ok(Some(der)) => self.response(self.answer(&der).await, None),
                Ok(None) => self.response(Answer::refused(Refusal::MalformedRequest), None),
                Err(code) => Failure::new(code).response("none"),
            },
            _ => {
                let mut response = Failure::new(ErrorCode::MethodNotAllowed).response("none");
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                response
            }
        };
        self.latency.record(began.elapsed());
        self.rate.record(began.duration_since(self.began).as_secs());
        response
    }

    async fn answer(&self, der: &[u8]) -> Answer {
        if let Some(answer) = self.ocsp.try_cached(der) {
            return answer;
        }
        tokio::time::timeout(ANSWER, self.ocsp.answer(der)).await.unwrap_or_else(|_| Answer::refused(Refusal::TryLater))
    }

    /// `asked` are the headers of a question that may already have its answer.
    fn response(&self, answer: Answer, asked: Option<&HeaderMap>) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let known = headers::write(response.headers_mut(), &answer, asked, self.clock.now(), self.max_age);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = Body::from(answer.der);
        }
        response
    }
}

/// The body of a POST; `None` if it is longer than any question.
async fn question_of<B>(request: Request<B>) -> Result<Option<Bytes>, ErrorCode>
where
    B: axum::body::HttpBody<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| !is_question(kind)) {
        return Err(ErrorCode::UnsupportedType);
    }
    let body = std::pin::pin!(Limited::new(request.into_body(), LONGEST).collect());
    match tokio::time::timeout(BODY, body).await {
        Err(_) => Err(ErrorCode::Timeout),
        Ok(Ok(collected)) => Ok(Some(collected.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Ok(None),
        Ok(Err(_)) => Err(ErrorCode::BadRequest),
    }
}

/// Clients that set no type, or the one for anything, are understood; what is plainly something else is not.
fn is_question(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/ocsp-request", "application/octet-stream"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_responders_own_addresses_are_taken() {
        let takes = |path: &str| OcspDoor::takes(&Request::get(path).body(()).unwrap());
        for path in ["/ocsp", "/ocsp/", "/ocsp/MEow", "/ocsp//MEow%2B", "/ocsp?x"] {
            assert!(takes(path), "{path}");
        }
        for path in ["/", "/ocspx", "/x/ocsp", "/crl/a.crl", "/OCSP"] {
            assert!(!takes(path), "{path}");
        }
    }

    #[test]
    fn a_form_is_no_question() {
        for good in ["application/ocsp-request", "Application/OCSP-Request; x=y", "application/octet-stream"] {
            assert!(is_question(&HeaderValue::from_static(good)), "{good}");
        }
        for bad in ["application/x-www-form-urlencoded", "text/plain", "application/json", ""] {
            assert!(!is_question(&HeaderValue::from_static(bad)), "{bad}");
        }
    }
}
