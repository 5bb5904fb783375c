//! `[mail]`: letters to holders whose certificates expire.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, within};
use crate::name::AltName;

/// How the way to the mail server is kept private.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// Begins in clear and demands TLS before anything is said (RFC 3207), as on port 587. A server that offers no TLS
    /// gets nothing.
    #[default]
    Starttls,
    /// TLS from the first octet, as on port 465 (RFC 8314 3.3).
    Tls,
    /// Never TLS: for a relay on this machine. No password is sent this way.
    None,
}

/// In which language letters are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailLanguage {
    /// Chinese, then English.
    #[default]
    Both,
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// Letters to holders whose certificates expire. Without `server` none are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server, `HOST:PORT`, such as `mail.example.cn:587`. Its TLS certificate must carry HOST. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `starttls`, `tls` or `none`. Default `starttls`.
    pub security: MailSecurity,
    /// The name to log in with. Default: no login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file with the password on its first line, readable by this server's user alone. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// PEM file of the roots the server's certificate must lead to. Default: those of the system,
    /// `/etc/ssl/certs/ca-certificates.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<PathBuf>,
    /// The sender's address, such as `ca@example.cn`. Required with `server`.
    pub from: String,
    /// Where the letter about a certificate goes that holds no address itself. Default: nowhere, and none is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise_to: Option<String>,
    /// How long before its end the holder of a certificate is written to, longest first. Unit: days, 1 to 365, at most
    /// 8 of them; none turns the letters off. Default 30, 7, 1. One that is longer than half of a certificate's life is
    /// left out for it.
    pub expiry_days: Vec<u16>,
    /// `both`, `zh` or `en`. Default `both`.
    pub language: MailLanguage,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            server: None,
            security: MailSecurity::Starttls,
            user: None,
            password_file: None,
            roots: None,
            from: String::new(),
            otherwise_to: None,
            expiry_days: vec![30, 7, 1],
            language: MailLanguage::Both,
        }
    }
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Value { key, why: why.to_owned() });
        for days in &self.expiry_days {
            within("mail.expiry_days", days, &1, &365)?;
        }
        if self.expiry_days.len() > 8 || !self.expiry_days.is_sorted_by(|a, b| a > b) {
            return wrong("mail.expiry_days", "takes at most 8 numbers of days, longest first, each once");
        }
        if let Some(address) = &self.otherwise_to {
            address_in("mail.otherwise_to", address)?;
        }
        if self.user.is_some() != self.password_file.is_some() {
            return wrong("mail.user", "and mail.password_file go together");
        }
        if self.user.as_ref().is_some_and(|user| user.is_empty() || user.len() > 256 || user.contains(char::is_control))
        {
            return wrong("mail.user", "is empty, too long or holds control characters");
        }
        if self.user.is_some() && self.security == MailSecurity::None {
            return wrong("mail.security", "a password is never sent without TLS; take starttls or tls");
        }
        match &self.server {
            None => Ok(()),
            Some(server) if split(server).is_none() => wrong("mail.server", "is not HOST:PORT"),
            Some(_) => address_in("mail.from", &self.from),
        }
    }

    /// Host and port of the server, if one is set.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        self.server.as_deref().and_then(split)
    }
}

fn address_in(key: &'static str, address: &str) -> Result<(), ConfigError> {
    let why = |why| ConfigError::Value { key, why: format!("is no mail address: {why}") };
    AltName::email(address).map(drop).map_err(why)
}

/// `HOST:PORT`; an IPv6 address stands in brackets, which are taken off.
fn split(server: &str) -> Option<(&str, u16)> {
    let (host, port) = server.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(address) = bare {
        return address.parse::<std::net::Ipv6Addr>().is_ok().then_some((address, port));
    }
    let fits = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    fits.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_server_and_a_sender_are_enough() {
        let config = Config::from_toml("[mail]\nserver = \"mail.example.cn:587\"\nfrom = \"ca@example.cn\"").unwrap();
        assert_eq!(config.mail.host_and_port(), Some(("mail.example.cn", 587)));
        assert_eq!((config.mail.security, config.mail.expiry_days), (MailSecurity::Starttls, vec![30, 7, 1]));
        assert_eq!(split("[::1]:25"), Some(("::1", 25)));
        assert_eq!(Config::default().mail.host_and_port(), None);
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_key() {
        let base = "[mail]\nserver = \"mail.example.cn:587\"\nfrom = \"ca@example.cn\"\n";
        for (text, key) in [
            ("[mail]\nserver = \"mail.example.cn:587\"", "mail.from"),
            ("[mail]\nserver = \"mail.example.cn\"\nfrom = \"ca@example.cn\"", "mail.server"),
            ("[mail]\nserver = \"a b:25\"\nfrom = \"ca@example.cn\"", "mail.server"),
            ("[mail]\nserver = \"a:0\"\nfrom = \"ca@example.cn\"", "mail.server"),
            ("[mail]\nserver = \"a:25\"\nfrom = \"ca@example.cn\\r\\nX: y\"", "mail.from"),
            (&format!("{base}otherwise_to = \"nobody\""), "mail.otherwise_to"),
            (&format!("{base}user = \"ca\""), "mail.user"),
            (&format!("{base}user = \"ca\"\npassword_file = \"p\"\nsecurity = \"none\""), "mail.security"),
            (&format!("{base}expiry_days = [0]"), "mail.expiry_days"),
            (&format!("{base}expiry_days = [1, 7]"), "mail.expiry_days"),
            (&format!("{base}expiry_days = [7, 7]"), "mail.expiry_days"),
            (&format!("{base}password = \"secret\""), "password"),
        ] {
            let error = Config::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }
}
