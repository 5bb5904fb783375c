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

/// Whether the name in `Host` is one this server goes by: `localhost`, the loopback addresses, and `names`. Another name
/// that leads here is a page of somebody else who pointed it at us (DNS rebinding). Without `Host` it is no browser.
#[must_use]
pub fn known_host(headers: &HeaderMap, names: &[String]) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = host_name(host);
    ["localhost", "127.0.0.1", "::1"].contains(&name) || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The name in `HOST[:PORT]`, without the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    if let Some((v6, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return v6;
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// The domain and origin for passkeys: `None` when the page was opened by an address, for which browsers have none.
#[must_use]
pub fn passkey_site(headers: &HeaderMap) -> Option<(String, String)> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host_name(host);
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    (!is_address && !name.is_empty())
        .then(|| (name.to_ascii_lowercase(), format!("https://{}", host.to_ascii_lowercase())))
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
    fn only_names_of_this_server_are_known() {
        let names = ["ra.example.cn".to_owned(), "192.0.2.1".to_owned()];
        let known = |host| known_host(&headers(&[(header::HOST, host)]), &names);
        for good in ["localhost:8443", "localhost", "127.0.0.1:8443", "[::1]:8443", "RA.example.cn", "192.0.2.1:8443"] {
            assert!(known(good), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example:8443", "", "127.0.0.2", "[::2]", "ra.example.cn."] {
            assert!(!known(bad), "{bad}");
        }
        assert!(known_host(&HeaderMap::new(), &names));
    }

    #[test]
    fn passkeys_belong_to_names_and_not_to_addresses() {
        let site = |host| passkey_site(&headers(&[(header::HOST, host)]));
        assert_eq!(site("localhost:8443"), Some(("localhost".into(), "https://localhost:8443".into())));
        assert!(site("127.0.0.1:8443").is_none() && site("[::1]:8443").is_none());
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = headers(&[(header::COOKIE, "a=1; __Host-x=2;b=3")]);
        assert_eq!(cookie(&headers, "__Host-x").as_deref(), Some("2"));
        assert_eq!(cookie(&headers, "b").as_deref(), Some("3"));
        assert!(cookie(&headers, "x").is_none() && cookie(&headers, "__Host-").is_none());
    }
}
