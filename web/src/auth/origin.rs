//! What a browser says of where a request comes from: `Host`, `Origin`, cookies.

use axum::http::{HeaderMap, header};

/// Whether the request comes from a page of this very server: its `Origin` is `https://` and its `Host`
/// (RFC 6454 7; the names in `Host` were checked before). Browsers send `Origin` with every POST; whatever sends none
/// is no browser and gets no benefit of the doubt.
#[must_use]
pub fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://").is_some_and(|o| o.eq_ignore_ascii_case(host)),
        _ => false,
    }
}

/// The value of a cookie.
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_of_our_own_page_is_taken_and_all_others_are_not() {
        let host = (header::HOST, "localhost:8443");
        let from = |origin| same_origin(&headers(&[host.clone(), (header::ORIGIN, origin)]));
        assert!(from("https://localhost:8443"));
        for other in ["https://localhost", "http://localhost:8443", "https://evil.example", "null", "", "https://"] {
            assert!(!from(other), "{other}");
        }
        assert!(
            !same_origin(&headers(&[host])) && !same_origin(&headers(&[(header::ORIGIN, "https://localhost:8443")]))
        );
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = headers(&[(header::COOKIE, "a=1; __Host-x=2;b=3")]);
        assert_eq!(cookie(&headers, "__Host-x").as_deref(), Some("2"));
        assert_eq!(cookie(&headers, "b").as_deref(), Some("3"));
        assert!(cookie(&headers, "x").is_none() && cookie(&headers, "__Host-").is_none());
    }
}
