//! Letters: to holders whose certificates expire, and one to try the way.
//!
//! `mail/message.rs` writes a letter as RFC 5322 wants it, `mail/reply.rs` reads what a server answers, `mail/smtp.rs`
//! is the conversation (RFC 5321), `mail/expiry.rs` finds who is to be written to and remembers who was,
//! `mail/letter.rs` has the words.

mod expiry;
mod letter;
mod message;
mod reply;
mod smtp;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pki_config::config::{MailConfig, MailSecurity};
use pki_config::{Instant, Random};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

pub use expiry::Expiring;
pub use message::Message;
pub use reply::Reply;

/// Where Debian, Ubuntu, Alpine, Arch and openEuler keep the roots they believe.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// How long one letter may take from the first octet to the last.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a letter was not taken.
#[derive(Debug)]
pub enum MailError {
    /// No mail server is configured. Operator's fault.
    NotConfigured,
    /// A file that the configuration names cannot be used. Operator's fault.
    File(String),
    /// The server cannot be reached, or the conversation broke off. Retry later.
    Unreachable(String),
    /// TLS could not be agreed on, or the server offers none. Operator's fault, or an attack; nothing was said.
    Tls(String),
    /// The server refused the login.
    Login(String),
    /// The server does not work for us at all: it is busy, wants a login, does not take our address. Operator's fault,
    /// or retry later; no letter is to blame.
    Unwilling(String),
    /// The server refused the letter; `for_good` if it will refuse it again.
    Refused {
        /// Whether trying again is of no use.
        for_good: bool,
        /// What it said.
        said: String,
    },
    /// The server says what no mail server says.
    Nonsense(String),
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => f.write_str("no mail server is configured; set mail.server and mail.from"),
            Self::File(why) => f.write_str(why),
            Self::Unreachable(why) => write!(f, "the mail server cannot be reached: {why}"),
            Self::Tls(why) => write!(f, "no TLS with the mail server: {why}"),
            Self::Login(said) => write!(f, "the mail server refuses the login: {said}"),
            Self::Unwilling(said) => write!(f, "the mail server does not work for us: {said}"),
            Self::Refused { said, .. } => write!(f, "the mail server refuses the letter: {said}"),
            Self::Nonsense(why) => write!(f, "the mail server cannot be understood: {why}"),
        }
    }
}

impl std::error::Error for MailError {}

impl MailError {
    /// Whether the letter itself is at fault, so that the next may go all the same.
    const fn is_about_the_letter(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// The way to the mail server, ready for letters.
pub struct Mailer {
    host: String,
    port: u16,
    from: String,
    login: Option<(String, Zeroizing<String>)>,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    security: MailSecurity,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({}:{} as {})", self.host, self.port, self.from)
    }
}

impl Mailer {
    /// From the configuration; reads the password and the roots.
    ///
    /// # Errors
    /// [`MailError::NotConfigured`], [`MailError::File`].
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let (host, port) = config.host_and_port().ok_or(MailError::NotConfigured)?;
        let tls = match config.security {
            MailSecurity::None => None,
            MailSecurity::Starttls | MailSecurity::Tls => {
                let roots = config.roots.as_deref().unwrap_or(Path::new(SYSTEM_ROOTS));
                let name = ServerName::try_from(host.to_owned())
                    .map_err(|_| MailError::Tls(format!("{host} is no name a certificate can carry")))?;
                Some((Arc::new(client(roots)?), name))
            }
        };
        let login = match (&config.user, &config.password_file) {
            (Some(user), Some(file)) => Some((user.clone(), password(file)?)),
            _ => None,
        };
        Ok(Self { host: host.to_owned(), port, from: config.from.clone(), login, tls, security: config.security })
    }

    /// Sends one letter, which is the server's to deliver once this returns.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, to: &str, message: &Message) -> Result<(), MailError> {
        match tokio::time::timeout(PATIENCE, smtp::send(self, to, message)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(MailError::Unreachable(format!("no end after {} seconds", PATIENCE.as_secs()))),
        }
    }

    /// The sender's address.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }
}

fn client(roots: &Path) -> Result<ClientConfig, MailError> {
    let unusable = |why: String| MailError::File(format!("the roots {} cannot be used: {why}", roots.display()));
    let mut store = RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(roots).map_err(|why| unusable(why.to_string()))?;
    // Systems carry roots that rustls does not take; the others are enough.
    let (taken, _) = store.add_parsable_certificates(all.flatten());
    if taken == 0 {
        return Err(unusable("no certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|why| MailError::Tls(why.to_string()))?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}

fn password(file: &Path) -> Result<Zeroizing<String>, MailError> {
    let unusable = |why: String| MailError::File(format!("the password file {} cannot be used: {why}", file.display()));
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|why| unusable(why.to_string()))?);
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    if line.is_empty() || line.len() > 1024 || line.contains('\0') {
        return Err(unusable("its first line is no password".to_owned()));
    }
    Ok(line)
}

/// A letter to try the way with.
pub(crate) fn trial(from: &str, to: &str, installation: &str, now: Instant, random: &dyn Random) -> Option<Message> {
    let (subject, text) = letter::trial(installation);
    let id = message::draw_id(from, random)?;
    Some(Message { from: from.to_owned(), to: to.to_owned(), subject, text, id, date: now })
}

#[cfg(test)]
pub(crate) mod tests;
