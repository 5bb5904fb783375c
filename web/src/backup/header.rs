//! What a backup says of itself in clear. The manifest's signature covers it, and so does every chunk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::Cert;
use ledger::audit::Checkpoint;
use pki_config::role::Setup;
use pki_config::{Instant, IssuerId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LONGEST_HEADER;
use super::error::BackupError;
use super::slots::{PassphraseSlot, RootSlot};

/// Most issuers in a header.
const MOST_ISSUERS: usize = 100;

/// Bytes, in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The installation's name.
    pub(super) installation: String,
    /// `trial` or `production`.
    pub(super) setup: String,
    /// When the backup was made, RFC 3339.
    pub(super) created: String,
    /// DER of a checkpoint that the copy holds.
    pub(super) checkpoint: Base64,
    /// SubjectPublicKeyInfo of the log's key, which signs the manifest.
    pub(super) log_key: Base64,
    /// Every issuer's word and certificate: so that a CRL can be compared before anything is used.
    pub(super) issuers: Vec<HeaderIssuer>,
    /// The content key under the root key.
    pub(super) root: RootSlot,
    /// The content key under a passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) passphrase: Option<PassphraseSlot>,
}

/// An issuer in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderIssuer {
    pub(super) issuer: String,
    pub(super) certificate: Base64,
}

/// A header whose parts were read and found to fit each other.
#[derive(Debug, Clone)]
pub(super) struct ReadHeader {
    pub(super) raw: Header,
    pub(super) setup: Setup,
    pub(super) created: Instant,
    pub(super) checkpoint: Checkpoint,
    pub(super) issuers: Vec<(IssuerId, Cert)>,
    /// SM3 of the header's bytes.
    pub(super) digest: [u8; 32],
}

impl Header {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, BackupError> {
        let bytes = serde_json::to_vec(self).map_err(|_| BackupError::Malformed("the header"))?;
        if bytes.len() > LONGEST_HEADER { Err(BackupError::Malformed("the header is too long")) } else { Ok(bytes) }
    }

    /// Reads a header and checks that its checkpoint is its log's.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<ReadHeader, BackupError> {
        let malformed = || BackupError::Malformed("the header");
        let raw: Self = serde_json::from_slice(bytes).map_err(|_| malformed())?;
        let setup = [Setup::Trial, Setup::Production].into_iter().find(|setup| setup.as_str() == raw.setup);
        let created = raw.created.parse().map_err(|_| malformed())?;
        let named = raw.installation.len() == 6 && raw.installation.bytes().all(|b| b.is_ascii_hexdigit());
        if !named || raw.issuers.len() > MOST_ISSUERS {
            return Err(malformed());
        }
        let checkpoint = Checkpoint::from_der(&raw.checkpoint.0).map_err(|_| malformed())?;
        if !crypto_pool::checkpoint::verify(&checkpoint, &raw.log_key.0) {
            return Err(BackupError::Signature);
        }
        let mut issuers = Vec::new();
        for one in &raw.issuers {
            let cert = Cert::from_der(&one.certificate.0).map_err(|_| malformed())?;
            issuers.push((one.issuer.parse().map_err(|_| malformed())?, cert));
        }
        let setup = setup.ok_or_else(malformed)?;
        Ok(ReadHeader { setup, created, checkpoint, issuers, digest: engine::sm3::hash(bytes), raw })
    }
}
