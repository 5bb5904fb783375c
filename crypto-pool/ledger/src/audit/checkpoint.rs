//! Signed heads of the log, and their DER.

use std::fmt;

use der::asn1::OctetStringRef;
use der::{Decode, Encode, Sequence};
use pki_config::Instant;

use super::proof::Hash;

const VERSION: u8 = 1;

/// Longest checkpoint. Unit: bytes. An SM2 signature has at most 72; others have room.
const MAX_CHECKPOINT: usize = 8192;

/// The head of the log at some moment, before it is signed.
///
/// ```text
/// CheckpointBody ::= SEQUENCE {
///   version  INTEGER (1),
///   log      OCTET STRING (32),   -- SM3 of the log key's SubjectPublicKeyInfo
///   size     INTEGER,             -- entries
///   root     OCTET STRING (32),
///   time     INTEGER }            -- milliseconds since 1970
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointBody {
    /// SM3 of the log key's SubjectPublicKeyInfo.
    pub log: [u8; 32],
    /// Entries.
    pub size: u64,
    /// Root hash.
    pub root: Hash,
    /// When.
    pub time: Instant,
}

/// A signed head. `Checkpoint ::= SEQUENCE { body CheckpointBody, signature OCTET STRING }`: an SM2
/// signature (DER, default ID) over the DER of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What was signed.
    pub body: CheckpointBody,
    /// DER SM2 signature.
    pub signature: Vec<u8>,
}

/// These bytes are no checkpoint: not strict DER, too long, or another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCheckpoint;

impl fmt::Display for BadCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a checkpoint of an audit log")
    }
}

impl std::error::Error for BadCheckpoint {}

#[derive(Sequence)]
struct BodyDer<'a> {
    version: u8,
    log: &'a OctetStringRef,
    size: u64,
    root: &'a OctetStringRef,
    time: u64,
}

#[derive(Sequence)]
struct CheckpointDer<'a> {
    body: BodyDer<'a>,
    signature: &'a OctetStringRef,
}

impl CheckpointBody {
    fn as_der(&self) -> BodyDer<'_> {
        BodyDer {
            version: VERSION,
            log: octets(&self.log),
            size: self.size,
            root: octets(&self.root),
            time: self.time.unix_millis().unsigned_abs(),
        }
    }

    fn of_der(body: &BodyDer<'_>) -> Result<Self, BadCheckpoint> {
        if body.version != VERSION {
            return Err(BadCheckpoint);
        }
        let hash = |octets: &OctetStringRef| octets.as_bytes().try_into().map_err(|_| BadCheckpoint);
        let millis = i64::try_from(body.time).map_err(|_| BadCheckpoint)?;
        Ok(Self {
            log: hash(body.log)?,
            size: body.size,
            root: hash(body.root)?,
            time: Instant::from_unix_millis(millis).map_err(|_| BadCheckpoint)?,
        })
    }

    /// What is signed.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.as_der().to_der().expect("a body has a fixed, short length")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`BadCheckpoint`].
    pub fn from_der(der: &[u8]) -> Result<Self, BadCheckpoint> {
        if der.len() > MAX_CHECKPOINT {
            return Err(BadCheckpoint);
        }
        Self::of_der(&BodyDer::from_der(der).map_err(|_| BadCheckpoint)?)
    }
}

impl Checkpoint {
    /// As stored, sent and kept outside.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        CheckpointDer { body: self.body.as_der(), signature: octets(&self.signature) }
            .to_der()
            .expect("a checkpoint is far shorter than DER's longest")
    }

    /// Reads a checkpoint. Its signature is not checked here: the key lives above this crate.
    ///
    /// # Errors
    /// [`BadCheckpoint`].
    pub fn from_der(der: &[u8]) -> Result<Self, BadCheckpoint> {
        if der.len() > MAX_CHECKPOINT {
            return Err(BadCheckpoint);
        }
        let read = CheckpointDer::from_der(der).map_err(|_| BadCheckpoint)?;
        Ok(Self { body: CheckpointBody::of_der(&read.body)?, signature: read.signature.as_bytes().to_vec() })
    }
}

fn octets(bytes: &[u8]) -> &OctetStringRef {
    OctetStringRef::new(bytes).expect("shorter than DER's longest, 256 MiB")
}
