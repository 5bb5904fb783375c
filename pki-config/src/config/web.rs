//! `[web]`: listening, limits, the public address.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Listen, Seconds, within};

/// Listening, limits, the public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Where the public repository listens (roots, chains, CRLs, health). Default 127.0.0.1:8080.
    /// A trial takes loopback addresses only.
    pub http: Listen,
    /// Where the administration listens, over TLS. Default localhost:8443. A trial takes loopback
    /// addresses only.
    pub https: Listen,
    /// Further names of this machine (DNS names or IP addresses) that the https certificate carries, beside
    /// localhost, 127.0.0.1 and ::1. At most 20. Default: none. A change renews the certificate at the next start.
    pub https_names: Vec<String>,
    /// Base of the CRL and caIssuers URLs in everything issued, `http://HOST[:PORT]` without a path.
    /// Fixed per issuer when the issuer is made; changing it later concerns new issuers only.
    /// Default: `http://` and the address of `http`, which nobody outside can reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Where fronts (`yinxin serve ocsp`, `yinxin serve tsa`) reach the suite: a Unix socket that takes OCSP and
    /// time-stamp requests and nothing else. Default: `front.sock` in the data directory, which only its owner
    /// reaches. Elsewhere, every user of this machine may ask there what anybody may ask over http, so a front can run
    /// as a user who has no right in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front_socket: Option<PathBuf>,
    /// Largest body of an API call. Unit: bytes, 1,024 to 1,048,576. Default 65,536.
    pub body_bytes: u64,
    /// How long a TLS handshake, and then the head of each request, may take. Unit: seconds, 1 to 60. Default 10.
    pub header_deadline: Seconds,
    /// How long a whole body may take to arrive. Unit: seconds, 1 to 600. Default 60.
    pub body_deadline: Seconds,
    /// Connections at a time on each door; further ones wait to be accepted. 16 to 65,536. Default 1,024.
    pub connections: u32,
    /// Failed logins from one address before it must wait. 1 to 1,000. Default 5.
    pub login_failures: u32,
    /// After how long one failed login is forgiven. Unit: seconds, 1 to 3,600. Default 12.
    pub login_forgiven_after: Seconds,
    /// After how long without a page a sign-in at the portal ends. Unit: seconds, 60 to 86,400. Default 1,800.
    pub session_idle: Seconds,
    /// How long a sign-in at the portal lasts at most. Unit: seconds, 300 to 604,800. Default 43,200, a working day.
    pub session_lifetime: Seconds,
    /// How long a one-time link works. Unit: seconds, 60 to 86,400. Default 900.
    pub link_lifetime: Seconds,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            http: Listen::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            https: Listen::Localhost(8443),
            https_names: Vec::new(),
            public_url: None,
            front_socket: None,
            body_bytes: 64 * 1024,
            header_deadline: Seconds(10),
            body_deadline: Seconds(60),
            connections: 1024,
            login_failures: 5,
            login_forgiven_after: Seconds(12),
            session_idle: Seconds(1800),
            session_lifetime: Seconds(43_200),
            link_lifetime: Seconds(900),
        }
    }
}

impl WebConfig {
    /// The base of every URL written into certificates.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.http))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let shared = self.http.port() != 0
            && self.http.port() == self.https.port()
            && self.http.addresses().iter().any(|a| self.https.addresses().contains(a));
        if shared {
            let why = format!("{} is the address of web.http already", self.https);
            return Err(ConfigError::Value { key: "web.https", why });
        }
        if let Some(url) = &self.public_url {
            check_public_url(url).map_err(|why| ConfigError::Value { key: "web.public_url", why })?;
        }
        if self.https_names.len() > 20 {
            let why = format!("{} names, at most 20 are taken", self.https_names.len());
            return Err(ConfigError::Value { key: "web.https_names", why });
        }
        for name in &self.https_names {
            if name.parse::<std::net::IpAddr>().is_err() && crate::name::dns::check_dns(name).is_err() {
                let why = format!("\"{name}\" is neither a DNS name nor an IP address");
                return Err(ConfigError::Value { key: "web.https_names", why });
            }
        }
        within("web.body_bytes", &self.body_bytes, &1024, &1_048_576)?;
        within("web.header_deadline", &self.header_deadline, &Seconds(1), &Seconds(60))?;
        within("web.body_deadline", &self.body_deadline, &Seconds(1), &Seconds(600))?;
        within("web.connections", &self.connections, &16, &65_536)?;
        within("web.login_failures", &self.login_failures, &1, &1000)?;
        within("web.login_forgiven_after", &self.login_forgiven_after, &Seconds(1), &Seconds(3600))?;
        within("web.session_idle", &self.session_idle, &Seconds(60), &Seconds(86_400))?;
        within("web.session_lifetime", &self.session_lifetime, &Seconds(300), &Seconds(604_800))?;
        within("web.link_lifetime", &self.link_lifetime, &Seconds(60), &Seconds(86_400))
    }
}

/// `http://HOST[:PORT]` and nothing else: what follows it in a certificate is ours, and relying
/// parties fetch CRLs over plain http (RFC 5280 8: https would make validation circular).
fn check_public_url(url: &str) -> Result<(), String> {
    let wanted = "write http://HOST or http://HOST:PORT, without a path";
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("\"{url}\" does not begin with http://; {wanted}"))?;
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let port_fits = port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p != 0));
    let host_fits = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
                && !host.starts_with(['-', '.'])
                && !host.ends_with(['-', '.'])
        }
    };
    if port_fits && host_fits { Ok(()) } else { Err(format!("\"{url}\" is no public address; {wanted}")) }
}
