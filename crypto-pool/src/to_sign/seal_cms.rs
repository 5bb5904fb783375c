//! What the key of somebody who uses a seal may sign beside seals: the attributes of a message over a document's
//! digest, as signatures in PDF are (CMS and PAdES).

use std::sync::Arc;

use pki_config::{Instant, oid};

use super::Refusal;
use crate::cms::Signer;
use crate::key::KeyRecord;

/// Signed attributes over a document's digest, with the certificate that they name.
#[derive(Debug, Clone)]
pub struct SealCmsToSign {
    attributes: Vec<u8>,
    digest: Vec<u8>,
    signer: Arc<Signer>,
}

impl SealCmsToSign {
    /// What is to be signed so that `signer` signs the document with this digest.
    ///
    /// # Errors
    /// [`Refusal::Attributes`] if no digest of the signer's hash has this length.
    pub fn new(digest: Vec<u8>, signer: Arc<Signer>) -> Result<Self, Refusal> {
        let attributes = signer.attributes_of_digest(&digest).ok_or(Refusal::Attributes)?;
        Ok(Self { attributes, digest, signer })
    }

    /// The attributes: the bytes that the signature is over.
    #[must_use]
    pub fn attributes(&self) -> &[u8] {
        &self.attributes
    }

    pub(super) fn into_attributes(self) -> Vec<u8> {
        self.attributes
    }
}

/// Only attributes over plain data, so that they are never those of a time-stamp.
pub(super) fn check(message: &SealCmsToSign, record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    let cert = message.signer.certificate();
    let signs = cert.extensions().key_usage.is_none_or(|usage| usage.digital_signature());
    let authority = cert.extensions().basic_constraints.is_some_and(|constraints| constraints.ca);
    if cert.spki() != record.spki || !signs || authority {
        return Err(Refusal::Signer);
    }
    let of_data = [oid::DATA, oid::GM_DATA].contains(&message.signer.content_type());
    if !of_data || message.signer.attributes_of_digest(&message.digest).as_ref() != Some(&message.attributes) {
        return Err(Refusal::Attributes);
    }
    if message.signer.covers(now) { Ok(()) } else { Err(Refusal::Period) }
}
