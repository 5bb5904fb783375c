//! What HTTP caches are told of an answer (RFC 5019 6.2, RFC 9111).
//!
//! An answer for everybody may be kept until shortly before its nextUpdate; one with a nonce, and every
//! refusal, by nobody.

use std::cell::RefCell;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ocsp::Answer;
use pki_config::Instant;

use crate::edge::public::http_date;

/// Writes the headers; true if the asker has this very answer already.
pub(super) fn write(
    headers: &mut HeaderMap,
    answer: &Answer,
    asked: Option<&HeaderMap>,
    now: Instant,
    max_age: Duration,
) -> bool {
    headers.reserve(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/ocsp-response"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let Some(times) = answer.times.filter(|times| answer.cacheable && times.next_update > now) else {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return false;
    };
    let left = times.next_update.since(now).min(max_age).as_secs();
    RENDERED.with_borrow_mut(|rendered| {
        headers.insert(header::CACHE_CONTROL, rendered.freshness(left));
        headers.insert(header::LAST_MODIFIED, rendered.date(times.this_update));
        headers.insert(header::EXPIRES, rendered.date(times.next_update));
    });
    let Some(tag) = tag(&answer.der) else { return false };
    let known = asked.is_some_and(|asked| is_known(asked, &tag));
    insert(headers, header::ETAG, &tag);
    known
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

/// RFC 9110 13.1.2: a list of tags, or `*`; weak comparison.
fn is_known(asked: &HeaderMap, tag: &[u8]) -> bool {
    asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.trim() == "*" || list.split(',').any(|one| one.trim().trim_start_matches("W/").as_bytes() == tag)
    })
}

/// Octets of an answer's signature that name it. Unit: bytes.
const TAG: usize = 16;

/// The answer's tag, in its quotation marks: the beginning of the signature, hexadecimal. Two answers never
/// share a signature, and the same answer never has another, so this names the bytes as well as a hash of
/// all of them would.
fn tag(der: &[u8]) -> Option<[u8; 2 * TAG + 2]> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Behind the BIT STRING's count of unused bits and, for ECDSA and SM2, the heads of a SEQUENCE and an INTEGER.
    let signature = signature(der)?.get(6..6 + TAG)?;
    let mut tag = [b'"'; 2 * TAG + 2];
    for (pair, byte) in tag[1..].chunks_exact_mut(2).zip(signature) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    Some(tag)
}

/// The content of the signature's BIT STRING. The answer is our own, so its form is known.
fn signature(der: &[u8]) -> Option<&[u8]> {
    let (response, _) = element(der)?;
    let (_, rest) = element(response)?; // responseStatus
    let (bytes, _) = element(rest)?; // [0]
    let (bytes, _) = element(bytes)?; // ResponseBytes
    let (_, rest) = element(bytes)?; // responseType
    let (basic, _) = element(rest)?; // OCTET STRING
    let (basic, _) = element(basic)?; // BasicOCSPResponse
    let (_, rest) = element(basic)?; // tbsResponseData
    let (_, rest) = element(rest)?; // signatureAlgorithm
    element(rest).map(|(signature, _)| signature)
}

/// The content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, head) = match *der.get(1)? {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(*der.get(2)?), 3),
        0x82 => (usize::from(*der.get(2)?) << 8 | usize::from(*der.get(3)?), 4),
        _ => return None,
    };
    let rest = der.get(head..)?;
    (length <= rest.len()).then(|| rest.split_at(length))
}

thread_local! {
    static RENDERED: RefCell<Rendered> = RefCell::new(Rendered::default());
}

/// Values as they were written last: answers made together have the same times, and a thousand of them go out
/// in the same second.
#[derive(Default)]
struct Rendered {
    dates: [Option<(Instant, HeaderValue)>; 8],
    freshness: Option<(u64, HeaderValue)>,
}

impl Rendered {
    fn date(&mut self, at: Instant) -> HeaderValue {
        let place = usize::try_from(at.unix_seconds() & 7).unwrap_or_default();
        match &self.dates[place] {
            Some((then, value)) if *then == at => value.clone(),
            _ => {
                let value = value(http_date(at));
                self.dates[place] = Some((at, value.clone()));
                value
            }
        }
    }

    fn freshness(&mut self, seconds: u64) -> HeaderValue {
        match &self.freshness {
            Some((then, value)) if *then == seconds => value.clone(),
            _ => {
                let value = value(format!("max-age={seconds}, public, no-transform, must-revalidate"));
                self.freshness = Some((seconds, value.clone()));
                value
            }
        }
    }
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use ocsp::Outcome;
    use ocsp::core::response::{Refusal, Times};

    use super::*;

    /// Made by `openssl ocsp`.
    const GOOD: &[u8] = include_bytes!("../../cli/test_pki/ocsp/good.ocsp");

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn answer(cacheable: bool) -> Answer {
        let (from, until) = (at("2026-11-21T08:00:00Z"), at("2026-11-21T20:00:00Z"));
        Answer {
            der: Bytes::from_static(GOOD),
            outcome: Outcome::Good,
            issuer: None,
            times: Some(Times { produced: from, this_update: from, next_update: until }),
            cacheable,
            presigned: cacheable,
        }
    }

    fn written(answer: &Answer, now: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        write(&mut headers, answer, None, at(now), Duration::from_secs(3600));
        headers
    }

    #[test]
    fn caches_are_told_what_rfc_5019_shows() {
        let headers = written(&answer(true), "2026-11-21T10:00:00Z");
        // openssl asn1parse: the signature of good.ocsp begins 30 45 02 20 7EB65A81…; the first octet of r is left out.
        for (name, value) in [
            ("content-type", "application/ocsp-response"),
            ("cache-control", "max-age=3600, public, no-transform, must-revalidate"),
            ("last-modified", "Sat, 21 Nov 2026 08:00:00 GMT"),
            ("expires", "Sat, 21 Nov 2026 20:00:00 GMT"),
            ("etag", "\"b65a81765cc2dddecaa8ac22e1e85eb4\""),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
    }

    #[test]
    fn no_cache_keeps_an_answer_past_its_next_update() {
        let headers = written(&answer(true), "2026-11-21T19:59:50Z");
        assert_eq!(headers["cache-control"], "max-age=10, public, no-transform, must-revalidate");
        let over = written(&answer(true), "2026-11-21T20:00:00Z");
        assert_eq!(over["cache-control"], "no-store");
        assert!(!over.contains_key("expires"));
    }

    #[test]
    fn an_answer_with_a_nonce_and_a_refusal_are_kept_by_nobody() {
        for answer in [answer(false), Answer::refused(Refusal::TryLater)] {
            let headers = written(&answer, "2026-11-21T10:00:00Z");
            assert_eq!(headers["cache-control"], "no-store");
            for name in ["etag", "expires", "last-modified"] {
                assert!(!headers.contains_key(name), "{name}");
            }
        }
    }

    #[test]
    fn who_has_the_answer_is_told_so() {
        let known = |list: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(list).unwrap());
            let now = at("2026-11-21T10:00:00Z");
            write(&mut HeaderMap::new(), &answer(true), Some(&asked), now, Duration::from_secs(1))
        };
        let tag = "\"b65a81765cc2dddecaa8ac22e1e85eb4\"";
        assert!(known(tag) && known(&format!("W/{tag}, \"x\"")) && known("*"));
        assert!(!known("\"x\"") && !known("b65a81765cc2dddecaa8ac22e1e85eb4"));
    }

    #[test]
    fn what_is_cut_off_has_no_signature() {
        for end in 0..GOOD.len() - 480 {
            assert!(signature(&GOOD[..end]).is_none(), "{end}");
        }
    }
}
