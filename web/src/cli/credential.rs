//! Credential files: what `--as` names.
//!
//! One file holds everything a caller needs. With a client certificate: the private key, the
//! certificate and its issuer, and the root behind the server's own certificate, all PEM. With a token: a
//! line `token yx_…` and that root. The self-signed certificates are the roots; lines that are neither
//! PEM nor `token` are comments.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use der::{Decode, Encode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::file;

/// Largest credential file. Unit: bytes.
const LARGEST: usize = 256 * 1024;

/// How to log in at a server, and which server to believe.
pub struct Credential {
    roots: Vec<CertificateDer<'static>>,
    login: Login,
}

/// How to log in.
pub enum Login {
    /// Not at all: for one-time links.
    None,
    /// By client certificate, own certificate first.
    Certificate(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    /// By bearer token.
    Token(Zeroizing<String>),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} roots, login redacted)", self.roots.len())
    }
}

impl Credential {
    /// Reads a credential file, which only its owner may read.
    ///
    /// # Errors
    /// It cannot be read, can be read by others, or is no credential.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let meta = File::open(path).and_then(|f| f.metadata()).map_err(|e| Failure::file(path, &e))?;
        let path_text = path.display();
        if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
            return Err(Failure::Here(format!("{path_text} can be read by others; run: chmod 600 {path_text}")));
        }
        let bytes = Zeroizing::new(file::read(path, LARGEST)?);
        Self::parse(&bytes).map_err(|why| Failure::Here(format!("{path_text} is no credential: {why}.")))
    }

    /// Believes these roots and does not log in.
    #[must_use]
    pub const fn anonymous(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots, login: Login::None }
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let mut roots = Vec::new();
        let mut chain = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(|e| format!("its PEM cannot be read ({e})"))?;
            if is_self_issued(&certificate)? { roots.push(certificate) } else { chain.push(certificate) }
        }
        if roots.is_empty() {
            return Err("the root of the server's certificate is missing".to_owned());
        }
        let token = token_line(text)?;
        let key = PrivateKeyDer::from_pem_slice(text).ok();
        let login = match (token, key, chain.is_empty()) {
            (Some(token), None, true) => Login::Token(token),
            (None, Some(key), false) => Login::Certificate(chain, key),
            (None, None, _) => return Err("it holds neither a private key nor a token".to_owned()),
            (None, Some(_), true) => return Err("the client certificate is missing".to_owned()),
            (Some(_), _, _) => return Err("it holds a token and a certificate; only one is meant".to_owned()),
        };
        Ok(Self { roots, login })
    }

    /// The bearer token, if that is how to log in.
    #[must_use]
    pub fn token(&self) -> Option<&Zeroizing<String>> {
        if let Login::Token(token) = &self.login { Some(token) } else { None }
    }

    /// TLS for a connection with this credential: TLS 1.3 and 1.2, the roots of the file and no others.
    ///
    /// # Errors
    /// One sentence: a certificate or the key cannot be used.
    pub fn tls(&self) -> Result<ClientConfig, Failure> {
        let wrong = |e: rustls::Error| Failure::Here(format!("The credential cannot be used for TLS: {e}."));
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            // A root of an algorithm TLS does not know (SM2) is of no use here, and no harm.
            let _ = roots.add(root.clone());
        }
        if roots.is_empty() {
            return Err(Failure::Here("None of the roots can be used for TLS.".to_owned()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_root_certificates(roots);
        match &self.login {
            Login::Certificate(chain, key) => {
                config.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(wrong)
            }
            Login::None | Login::Token(_) => Ok(config.with_no_client_auth()),
        }
    }
}

/// Whether issuer and subject are the same name.
fn is_self_issued(certificate: &[u8]) -> Result<bool, String> {
    let parsed =
        x509_cert::Certificate::from_der(certificate).map_err(|_| "a certificate in it is damaged".to_owned())?;
    let name = |name: &x509_cert::name::Name| name.to_der().map_err(|_| "a certificate in it is damaged".to_owned());
    Ok(name(parsed.tbs_certificate().issuer())? == name(parsed.tbs_certificate().subject())?)
}

fn token_line(text: &[u8]) -> Result<Option<Zeroizing<String>>, String> {
    let lines = text.split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut tokens = lines.filter_map(|line| line.trim_end().strip_prefix("token ")).map(str::trim);
    let Some(token) = tokens.next() else { return Ok(None) };
    // It becomes a header line; anything else in it could start another one.
    let fits =
        (8..=512).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b));
    if !fits || tokens.next().is_some() {
        return Err("its token line is damaged".to_owned());
    }
    Ok(Some(Zeroizing::new(token.to_owned())))
}

/// The text of a credential file with a client certificate.
#[must_use]
pub fn with_certificate(key_pem: &str, chain_pem: &str, server_root: &str) -> Zeroizing<String> {
    let parts = [
        "# Yinxin credential: whoever has this file can act as its owner.\n# Use: yinxin --server URL --as FILE …\n",
        key_pem,
        chain_pem,
        server_root,
    ];
    joined(&parts)
}

/// The text of a credential file with a token.
#[must_use]
pub fn with_token(token: &str, server_root: &str) -> Zeroizing<String> {
    joined(&[
        "# Yinxin credential: whoever has this file can act as its owner.\n# Use: yinxin --server URL --as FILE …\ntoken ",
        token,
        server_root,
    ])
}

/// Each part on lines of its own; room from the start, so that no copy of a key stays behind.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    let room = parts.iter().map(|part| part.len() + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in parts {
        text.push_str(part);
        if !part.ends_with('\n') && !part.ends_with(' ') {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_pki::{EC_LEAF, EC_LEAF_KEY, EC_ROOT};

    #[test]
    fn what_is_written_reads_back_and_makes_a_tls_client() {
        let text = with_certificate(EC_LEAF_KEY, EC_LEAF, EC_ROOT);
        let credential = Credential::parse(text.as_bytes()).unwrap();
        assert!(credential.token().is_none());
        credential.tls().unwrap();
        let text = with_token("yx_0123456789abcdef", EC_ROOT.trim_end());
        let credential = Credential::parse(text.as_bytes()).unwrap();
        assert_eq!(credential.token().unwrap().as_str(), "yx_0123456789abcdef");
        credential.tls().unwrap();
    }

    #[test]
    fn a_file_with_something_missing_is_refused_and_says_what() {
        let why = |text: &str| Credential::parse(text.as_bytes()).unwrap_err();
        assert!(why(&with_certificate(EC_LEAF_KEY, EC_LEAF, "")).contains("root"));
        assert!(why(&with_certificate(EC_LEAF_KEY, "", EC_ROOT)).contains("client certificate"));
        assert!(why(&with_certificate("", EC_LEAF, EC_ROOT)).contains("neither"));
        assert!(why(EC_ROOT).contains("neither"));
        assert!(why("").contains("root"));
    }

    #[test]
    fn a_token_that_could_break_out_of_its_header_is_refused() {
        assert!(Credential::parse(format!("token a b\r\nX: y\n{EC_ROOT}").as_bytes()).is_err());
        assert!(Credential::parse(format!("token short\n{EC_ROOT}").as_bytes()).is_err());
        assert!(Credential::parse(format!("token 12345678\ntoken 12345678\n{EC_ROOT}").as_bytes()).is_err());
    }

    #[test]
    fn a_credential_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let text = with_token("yx_0123456789abcdef", EC_ROOT);
        std::fs::write(&path, text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Credential::read(&path), Err(Failure::Here(why)) if why.contains("chmod 600")));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Credential::read(&path).unwrap();
    }
}
