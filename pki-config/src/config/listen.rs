//! An address to listen on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Where a door listens: one address, or `localhost`, which is both loopback addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// One address.
    Address(SocketAddr),
    /// `localhost:PORT`: 127.0.0.1, and ::1 where the machine has it.
    Localhost(u16),
}

impl Listen {
    /// Every address to bind; all but the first are wanted, not required.
    #[must_use]
    pub fn addresses(self) -> Vec<SocketAddr> {
        match self {
            Self::Address(address) => vec![address],
            Self::Localhost(port) => vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
            ],
        }
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Address(address) => address.ip().is_loopback(),
            Self::Localhost(_) => true,
        }
    }

    /// The port; 0 lets the system choose.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Address(address) => address.port(),
            Self::Localhost(port) => port,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Localhost(port) => write!(f, "localhost:{port}"),
        }
    }
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadListen(String);

impl fmt::Display for BadListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no address to listen on; write 127.0.0.1:8080, [::1]:8080 or localhost:8080", self.0)
    }
}

impl std::error::Error for BadListen {}

impl std::str::FromStr for Listen {
    type Err = BadListen;

    fn from_str(text: &str) -> Result<Self, BadListen> {
        let bad = || BadListen(text.chars().take(100).collect());
        if let Some(port) = text.strip_prefix("localhost:") {
            return port.parse().map(Self::Localhost).map_err(|_| bad());
        }
        text.parse().map(Self::Address).map_err(|_| bad())
    }
}

impl TryFrom<String> for Listen {
    type Error = BadListen;

    fn try_from(text: String) -> Result<Self, BadListen> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_both_loopback_addresses() {
        let listen: Listen = "localhost:8443".parse().unwrap();
        let all: Vec<String> = listen.addresses().iter().map(ToString::to_string).collect();
        assert_eq!(all, ["127.0.0.1:8443", "[::1]:8443"]);
        assert!(listen.is_loopback());
    }

    #[test]
    fn addresses_without_a_port_and_other_names_are_refused() {
        for text in ["", "127.0.0.1", "example.cn:80", "localhost", "localhost:x", ":8080", "127.0.0.1:99999"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
        assert!(!"0.0.0.0:80".parse::<Listen>().unwrap().is_loopback());
    }
}
