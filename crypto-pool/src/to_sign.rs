//! What may be signed, checked against the record of the key that is to sign it.
//!
//! A confused or captured service must not be able to have a key sign what it is not for. So the pool
//! takes the to-be-signed structure itself, never a digest, reads it strictly, and compares it with the
//! key's record. A later kind of structure is one more variant of [`ToSign`],
//! one more purpose in `ToSign::allowed`, and one more check beside those in `to_sign/`.

use std::fmt;

use ledger::audit::CheckpointBody;
use pki_config::{Event, Instant};

use crate::key::{KeyRecord, KeyState, Purpose};
use crate::kms::Ceremony;
use crate::tlv::{self, BadDer};

mod certificate;
mod certificate_request;
mod crl;
mod ocsp;
mod seal;
mod seal_cms;
mod seal_status;
mod tst_info;

pub use seal::{SealSignatureToSign, SealToSign};
pub use seal_cms::SealCmsToSign;
pub use seal_status::{SEAL_STATES, SEAL_STATUS};
pub use tst_info::TstInfoToSign;

/// Longest certificate that is signed. Unit: bytes.
const LONGEST_CERTIFICATE: usize = 65_536;
/// Longest backup manifest. Unit: bytes.
const LONGEST_MANIFEST: usize = 1 << 20;

/// Longest message of a tenant. Unit: bytes.
const LONGEST_MESSAGE: usize = 1 << 20;

/// A structure to be signed, exactly the bytes that the signature is over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ToSign {
    /// The DER of a `TBSCertificate`.
    Certificate(Vec<u8>),
    /// The DER of a `CertificationRequestInfo` (PKCS#10) for an issuer's own key and name.
    CertificateRequest(Vec<u8>),
    /// The DER of a `TBSCertList`.
    Crl(Vec<u8>),
    /// The DER of an OCSP `ResponseData`.
    Ocsp(Vec<u8>),
    /// The DER of a [`CheckpointBody`]. Only the checkpointer's own way signs it.
    Checkpoint(Vec<u8>),
    /// The manifest of a backup: a text (UTF-8, no leading `0`), so that it can never be read as one of
    /// the DER structures here. At most 1 MiB.
    BackupManifest(Vec<u8>),
    /// Whatever a tenant has signed with a key of its own; its meaning is the tenant's. At most 1 MiB.
    TenantMessage(Vec<u8>),
    /// The signed attributes over a `TSTInfo`.
    TstInfo(TstInfoToSign),
    /// The content of an electronic seal, for its maker.
    Seal(SealToSign),
    /// The DER of a `TBSSealStatus`, for the maker of the seal.
    SealStatus(Vec<u8>),
    /// A document's digest under an electronic seal.
    SealSignature(SealSignatureToSign),
    /// The signed attributes of a message over a document's digest, beside an electronic seal.
    SealCms(SealCmsToSign),
}

/// Why the pool refuses to sign. The service that asked is at fault; nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The structure is not what it is said to be.
    Malformed(BadDer),
    /// Keys of this purpose do not sign such a thing.
    Purpose(Purpose),
    /// Keys in this state do not sign such a thing.
    State(KeyState),
    /// Outside the period in which the key may sign, or the thing would outlast it.
    Period,
    /// The key has no name to sign for.
    NoSubject,
    /// The issuer is not the name the key signs for.
    Issuer,
    /// The signature algorithm named inside is not the key's.
    Algorithm,
    /// The authority key identifier is missing or not the key's.
    AuthorityKeyId,
    /// A certificate authority's certificate outside a ceremony.
    CaWithoutCeremony,
    /// Key usage that only a certificate authority may have, in another's certificate.
    CaUsageWithoutCa,
    /// The times within contradict each other or the clock.
    Times,
    /// Checkpoints are signed by the checkpointer only.
    CheckpointPath,
    /// The checkpoint is of another log.
    OtherLog,
    /// Each of these has a log entry of its own; none is signed in bulk.
    NotInBulk,
    /// The certificate that a message names is not one of this key for this use.
    Signer,
    /// The signed attributes are not those of the content and the certificate.
    Attributes,
    /// The seal does not list the certificate as one that may use it.
    NotInSeal,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(why) => return why.fmt(f),
            Self::Purpose(purpose) => return write!(f, "a key for {purpose} does not sign this"),
            Self::State(state) => return write!(f, "a key that is {state} does not sign this"),
            Self::Period => "it lies outside the key's signing period",
            Self::NoSubject => "the key has no name to sign for",
            Self::Issuer => "the issuer is not the name the key signs for",
            Self::Algorithm => "the algorithm named inside is not the key's",
            Self::AuthorityKeyId => "the authority key identifier is not the key's",
            Self::CaWithoutCeremony => "a CA certificate is signed within a ceremony only",
            Self::CaUsageWithoutCa => "keyCertSign and cRLSign are for CA certificates only",
            Self::Times => "the times within are impossible",
            Self::CheckpointPath => "checkpoints are signed by the checkpointer only",
            Self::OtherLog => "the checkpoint is of another log",
            Self::NotInBulk => "such a thing is signed one at a time, each with its own log entry",
            Self::Signer => "the certificate named is not one of this key for this use",
            Self::Attributes => "the signed attributes are not those of the content",
            Self::NotInSeal => "the seal does not list the certificate as one that may use it",
        })
    }
}

impl std::error::Error for Refusal {}

impl From<BadDer> for Refusal {
    fn from(why: BadDer) -> Self {
        Self::Malformed(why)
    }
}

impl ToSign {
    /// The bytes that the signature is over.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Certificate(bytes)
            | Self::CertificateRequest(bytes)
            | Self::Crl(bytes)
            | Self::Ocsp(bytes)
            | Self::Checkpoint(bytes)
            | Self::BackupManifest(bytes)
            | Self::SealStatus(bytes)
            | Self::TenantMessage(bytes) => bytes,
            Self::TstInfo(stamp) => stamp.attributes(),
            Self::Seal(seal) => seal.info(),
            Self::SealSignature(signature) => signature.tbs(),
            Self::SealCms(message) => message.attributes(),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Certificate(bytes)
            | Self::CertificateRequest(bytes)
            | Self::Crl(bytes)
            | Self::Ocsp(bytes)
            | Self::Checkpoint(bytes)
            | Self::BackupManifest(bytes)
            | Self::SealStatus(bytes)
            | Self::TenantMessage(bytes) => bytes,
            Self::TstInfo(stamp) => stamp.into_attributes(),
            Self::Seal(seal) => seal.into_info(),
            Self::SealSignature(signature) => signature.into_tbs(),
            Self::SealCms(message) => message.into_attributes(),
        }
    }

    /// The event under which a refusal is recorded.
    #[must_use]
    pub const fn event(&self) -> Event {
        match self {
            Self::Certificate(_) => Event::CertificateIssued,
            Self::CertificateRequest(_) => Event::CeremonyRequested,
            Self::Crl(_) => Event::CrlPublished,
            Self::Checkpoint(_) => Event::AccessDenied,
            Self::BackupManifest(_) => Event::BackupMade,
            Self::Ocsp(_) | Self::TenantMessage(_) => Event::BulkSigned,
            Self::TstInfo(_) => Event::TimeStamped,
            Self::Seal(_) => Event::SealMade,
            Self::SealStatus(_) => Event::SealStatusTold,
            Self::SealSignature(_) | Self::SealCms(_) => Event::SealUsed,
        }
    }

    /// The purpose of the keys that sign such a thing.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Certificate(_) | Self::CertificateRequest(_) | Self::Crl(_) => Purpose::CertificateAuthority,
            Self::Ocsp(_) => Purpose::Ocsp,
            Self::Checkpoint(_) | Self::BackupManifest(_) => Purpose::AuditLog,
            Self::TenantMessage(_) => Purpose::Tenant,
            Self::TstInfo(_) => Purpose::TimeStamp,
            Self::Seal(_) | Self::SealStatus(_) => Purpose::SealMaker,
            Self::SealSignature(_) | Self::SealCms(_) => Purpose::SealSigner,
        }
    }

    /// Whether many of these may share one log entry ([`crate::PoolHandle::sign_bulk`]).
    #[must_use]
    pub const fn may_be_in_bulk(&self) -> bool {
        matches!(self.purpose(), Purpose::Ocsp | Purpose::Tenant)
    }

    /// Whether a key of this purpose in this state signs such a thing at all.
    fn allowed(&self, record: &KeyRecord) -> Result<(), Refusal> {
        if record.purpose != self.purpose() {
            return Err(Refusal::Purpose(record.purpose));
        }
        match (record.state, self) {
            (KeyState::Active, _) | (KeyState::Retired, Self::Crl(_)) => Ok(()),
            (state, _) => Err(Refusal::State(state)),
        }
    }

    /// Refuses what the key of this record must not sign at `now`.
    ///
    /// # Errors
    /// [`Refusal`] says why.
    pub fn check(&self, record: &KeyRecord, now: Instant, ceremony: Option<&Ceremony>) -> Result<(), Refusal> {
        self.allowed(record)?;
        let began = record.not_before.is_none_or(|start| start <= now);
        if !began || record.not_after.is_some_and(|end| end < now) {
            return Err(Refusal::Period);
        }
        match self {
            Self::Certificate(tbs) => certificate::check(tbs, record, now, ceremony),
            Self::CertificateRequest(info) => certificate_request::check(info, record),
            Self::Crl(tbs) => crl::check(tbs, record, now),
            Self::Ocsp(data) => ocsp::check(data, record, now),
            Self::Checkpoint(body) => check_checkpoint(body, record),
            Self::BackupManifest(text) => check_manifest(text),
            Self::TenantMessage(message) if message.len() <= LONGEST_MESSAGE => Ok(()),
            Self::TenantMessage(_) => tlv::bad("message is too long").map_err(Refusal::from),
            Self::TstInfo(stamp) => tst_info::check(stamp, record, now),
            Self::Seal(seal) => seal::check_seal(seal, record, now),
            Self::SealStatus(status) => seal_status::check(status, record, now),
            Self::SealSignature(signature) => seal::check_signature(signature, record, now),
            Self::SealCms(message) => seal_cms::check(message, record, now),
        }
    }
}

/// Only the log's own bodies, and only for the log that this key signs.
fn check_checkpoint(der: &[u8], record: &KeyRecord) -> Result<(), Refusal> {
    let body = CheckpointBody::from_der(der).map_err(|_| BadDer { what: "checkpoint" })?;
    if body.log == engine::sm3::hash(&record.spki) { Ok(()) } else { Err(Refusal::OtherLog) }
}

fn check_manifest(text: &[u8]) -> Result<(), Refusal> {
    let is_text = text.len() <= LONGEST_MANIFEST && text.first().is_some_and(|c| *c != tlv::SEQUENCE);
    if is_text && std::str::from_utf8(text).is_ok() {
        Ok(())
    } else {
        tlv::bad("manifest is no text").map_err(Refusal::from)
    }
}

#[cfg(test)]
mod tests;
