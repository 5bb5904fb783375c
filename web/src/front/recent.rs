//! Answers kept for a moment, so that a thousand browsers asking the same do not each go to the suite.
//!
//! A moment, because news of a revocation must not wait: it is well under the second within which it has to show.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Method, Response, StatusCode, header};
use engine::sm3::Sm3;

/// How long an answer is used again.
const MOMENT: Duration = Duration::from_millis(250);
/// Most answers kept.
const MOST: usize = 4096;

/// The answers of the last moment.
#[derive(Default)]
pub(super) struct Recent(Mutex<HashMap<[u8; 32], Kept>>);

/// An answer and since when it is kept.
type Kept = (Instant, Response<Bytes>);

impl Recent {
    /// What a request is known by.
    pub(super) fn name(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
        let mut hasher = Sm3::new();
        hasher.update(method.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(path.as_bytes());
        hasher.update(&[0]);
        hasher.update(body);
        hasher.finalize()
    }

    pub(super) fn get(&self, name: &[u8; 32]) -> Option<Response<Bytes>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).filter(|(since, _)| since.elapsed() < MOMENT).map(|(_, answer)| answer.clone())
    }

    /// Keeps `answer` unless it says that it must not be kept.
    pub(super) fn keep(&self, name: [u8; 32], answer: &Response<Bytes>) {
        let control = answer.headers().get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
        if answer.status() != StatusCode::OK || control.is_none_or(|control| control.contains("no-store")) {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (since, _)| since.elapsed() < MOMENT);
        }
        if kept.len() < MOST {
            kept.insert(name, (Instant::now(), answer.clone()));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn answer(control: Option<&str>) -> Response<Bytes> {
        let mut answer = Response::new(Bytes::from_static(b"x"));
        if let Some(control) = control {
            answer.headers_mut().insert(header::CACHE_CONTROL, control.parse().unwrap());
        }
        answer
    }

    #[test]
    fn an_answer_is_kept_for_the_same_request_only() {
        let recent = Recent::default();
        let name = Recent::name(&Method::POST, "/ocsp", b"ab");
        recent.keep(name, &answer(Some("max-age=60")));
        assert!(recent.get(&name).is_some());
        for other in [
            Recent::name(&Method::GET, "/ocsp", b"ab"),
            Recent::name(&Method::POST, "/ocspa", b"b"),
            Recent::name(&Method::POST, "/ocsp", b"abc"),
        ] {
            assert!(recent.get(&other).is_none());
        }
    }

    #[test]
    fn what_must_not_be_stored_or_does_not_say_is_not_kept() {
        let recent = Recent::default();
        for control in [Some("no-store"), Some("private, no-store"), None] {
            recent.keep([1; 32], &answer(control));
            assert!(recent.get(&[1; 32]).is_none(), "{control:?}");
        }
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let recent = Recent::default();
        for number in 0..2 * u64::try_from(MOST).unwrap() {
            recent.keep(engine::sm3::hash(&number.to_be_bytes()), &answer(Some("max-age=60")));
        }
        assert!(recent.0.lock().unwrap().len() <= MOST);
    }
}
