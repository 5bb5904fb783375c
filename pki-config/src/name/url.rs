//! Web addresses that stand in certificates: `http` only.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::BadName;
use super::dns::check_dns;

/// An `http` address with a host and a path, in ASCII.
///
/// CRL, OCSP and caIssuers addresses are plain `http` (CA/Browser BR 7.1.2.11.2): what they serve is
/// signed, and with `https` a client would need a certificate checked to check a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with `path` after it; exactly one slash between the two.
    ///
    /// # Errors
    /// [`BadName::Url`] if the path holds what no path may hold.
    pub fn join(&self, path: &str) -> Result<Self, BadName> {
        format!("{}/{}", self.0.trim_end_matches('/'), path.trim_start_matches('/')).parse()
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for HttpUrl {
    type Err = BadName;

    /// `http://host[:port][/path]`, without user, query or fragment.
    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.len() > 512 {
            return Err(BadName::Url("is longer than 512 characters"));
        }
        let rest = text.strip_prefix("http://").ok_or(BadName::Url("must begin with http://"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path_ok = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b);
        if !path.bytes().all(path_ok) {
            return Err(BadName::Url("may have no query, fragment, space or special character"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if let Some(port) = port
            && (!port.bytes().all(|b| b.is_ascii_digit()) || !port.parse::<u16>().is_ok_and(|p| p > 0))
        {
            return Err(BadName::Url("has no valid port"));
        }
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host_ok = match bracketed {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => {
                host.parse::<Ipv4Addr>().is_ok()
                    || (!host.contains('*') && check_dns(&host.to_ascii_lowercase()).is_ok())
            }
        };
        if host_ok { Ok(Self(text.to_owned())) } else { Err(BadName::Url("has no valid host")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_with_a_host_is_taken() {
        for text in ["http://example.cn", "http://127.0.0.1:8080/crl/a.crl", "http://[::1]:80/a", "http://localhost/a"]
        {
            assert!(text.parse::<HttpUrl>().is_ok(), "{text}");
        }
        for text in [
            "",
            "https://example.cn",
            "HTTP://example.cn",
            "ldap://example.cn",
            "http://",
            "http:///a",
            "http://a b/",
            "http://u@example.cn/",
            "http://example.cn:0/",
            "http://example.cn:99999/",
            "http://example.cn:/",
            "http://example.cn/a?b",
            "http://example.cn/a#b",
            "http://*.example.cn/",
            "http://例子.cn/",
            "http://[::1/",
            "http://example.cn:+8/",
        ] {
            assert!(text.parse::<HttpUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn joining_puts_one_slash_between() {
        let base: HttpUrl = "http://example.cn/".parse().unwrap();
        assert_eq!(base.join("/crl/a.crl").unwrap().as_str(), "http://example.cn/crl/a.crl");
        assert!(base.join("a b").is_err());
    }
}
