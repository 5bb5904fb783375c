//! What one entry of the log says: its leaf in DER, made and read here.

use std::fmt;

use der::asn1::{OctetStringRef, Utf8StringRef};
use der::{Decode, Encode, Sequence};
use engine::sm3;
use pki_config::{Actor, ErrorCode, Event, Instant};

use super::Seq;
use crate::cover::Cover;

/// Longest leaf. Unit: bytes. Room for some five hundred covered rows.
pub const MAX_LEAF: usize = 65_536;

/// Longest `object`, `person` and the like. Unit: bytes.
pub const MAX_FIELD: usize = 200;

const VERSION: u8 = 1;

/// How what was asked came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Done by one person in one step, as only a trial allows.
    DoneInOneStep,
    /// Refused, with the code the caller got.
    Refused(ErrorCode),
}

impl Outcome {
    /// The word in the log: `done`, `one-step`, or `refused:CODE`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::DoneInOneStep => "one-step".to_owned(),
            Self::Refused(code) => format!("refused:{code}"),
        }
    }
}

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct EntryDraft {
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// On which thing: an identifier or a serial, never a person's data. At most 200 bytes.
    pub object: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Details, personal data included; the entry holds only their digest.
    pub payload: Vec<u8>,
    /// The rows written together with it.
    pub covers: Vec<Cover>,
}

/// One entry of the log, as its leaf says it.
///
/// ```text
/// AuditEntry ::= SEQUENCE {
///   version        INTEGER (1),
///   seq            INTEGER,
///   time           INTEGER,            -- milliseconds since 1970
///   tenant         UTF8String,
///   person         UTF8String,         -- an identifier, never a name
///   role           UTF8String,
///   channel        UTF8String,
///   event          UTF8String,
///   object         UTF8String,
///   outcome        UTF8String,         -- "done", "one-step", "refused:CODE"
///   payloadDigest  OCTET STRING (32),  -- SM3
///   covers         SEQUENCE OF SEQUENCE {
///     table   UTF8String,
///     key     UTF8String,
///     digest  OCTET STRING (32) } }
/// ```
///
/// Words are kept as words, so that a log with events of a newer program can still be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log.
    pub seq: Seq,
    /// When.
    pub time: Instant,
    /// For which tenant.
    pub tenant: String,
    /// By whom: an identifier.
    pub person: String,
    /// In which role.
    pub role: String,
    /// How the call came in.
    pub channel: String,
    /// What.
    pub event: String,
    /// On which thing.
    pub object: String,
    /// How it came out.
    pub outcome: String,
    /// SM3 of the payload.
    pub payload_digest: [u8; 32],
    /// The rows written together with it.
    pub covers: Vec<Cover>,
}

/// These bytes are no entry: not strict DER, too long, or another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEntry;

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an entry of the audit log")
    }
}

impl std::error::Error for BadEntry {}

/// The hash of a leaf in the tree: SM3(00 || leaf) (RFC 9162 2.1.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    let mut hasher = sm3::Sm3::new();
    hasher.update(&[0]);
    hasher.update(leaf);
    hasher.finalize()
}

#[derive(Sequence)]
struct Leaf<'a> {
    version: u8,
    seq: u64,
    time: u64,
    tenant: Utf8StringRef<'a>,
    person: Utf8StringRef<'a>,
    role: Utf8StringRef<'a>,
    channel: Utf8StringRef<'a>,
    event: Utf8StringRef<'a>,
    object: Utf8StringRef<'a>,
    outcome: Utf8StringRef<'a>,
    payload_digest: &'a OctetStringRef,
    covers: Vec<LeafCover<'a>>,
}

#[derive(Sequence)]
struct LeafCover<'a> {
    table: Utf8StringRef<'a>,
    key: Utf8StringRef<'a>,
    digest: &'a OctetStringRef,
}

impl Entry {
    /// The entry a draft becomes at this place and time.
    pub(super) fn of_draft(draft: EntryDraft, seq: Seq, time: Instant) -> (Self, Vec<u8>) {
        let entry = Self {
            seq,
            time,
            tenant: draft.actor.tenant().to_string(),
            person: draft.actor.person().to_owned(),
            role: draft.actor.role().as_str().to_owned(),
            channel: draft.actor.channel().as_str().to_owned(),
            event: draft.event.as_str().to_owned(),
            object: draft.object,
            outcome: draft.outcome.word(),
            payload_digest: sm3::hash(&draft.payload),
            covers: draft.covers,
        };
        (entry, draft.payload)
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// [`BadEntry`]; never reads more than [`MAX_LEAF`] bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, BadEntry> {
        if der.len() > MAX_LEAF {
            return Err(BadEntry);
        }
        let leaf = Leaf::from_der(der).map_err(|_| BadEntry)?;
        let time = i64::try_from(leaf.time).ok().and_then(|ms| Instant::from_unix_millis(ms).ok()).ok_or(BadEntry)?;
        if leaf.version != VERSION {
            return Err(BadEntry);
        }
        let digest = |octets: &OctetStringRef| <[u8; 32]>::try_from(octets.as_bytes()).map_err(|_| BadEntry);
        let covers = leaf.covers.iter().map(|cover| {
            Ok(Cover {
                table: cover.table.as_str().to_owned(),
                key: cover.key.as_str().to_owned(),
                digest: digest(cover.digest)?,
            })
        });
        Ok(Self {
            seq: leaf.seq,
            time,
            tenant: leaf.tenant.as_str().to_owned(),
            person: leaf.person.as_str().to_owned(),
            role: leaf.role.as_str().to_owned(),
            channel: leaf.channel.as_str().to_owned(),
            event: leaf.event.as_str().to_owned(),
            object: leaf.object.as_str().to_owned(),
            outcome: leaf.outcome.as_str().to_owned(),
            payload_digest: digest(leaf.payload_digest)?,
            covers: covers.collect::<Result<_, _>>()?,
        })
    }

    /// The leaf.
    ///
    /// # Errors
    /// [`BadEntry`] if a field is longer than [`MAX_FIELD`] or the leaf than [`MAX_LEAF`] bytes.
    pub fn to_der(&self) -> Result<Vec<u8>, BadEntry> {
        let fields = [&self.tenant, &self.person, &self.role, &self.channel, &self.event, &self.object, &self.outcome];
        if fields.iter().any(|field| field.len() > MAX_FIELD) {
            return Err(BadEntry);
        }
        let text = |text| Utf8StringRef::new(text).map_err(|_| BadEntry);
        let covers = self.covers.iter().map(|cover| {
            Ok(LeafCover {
                table: text(&cover.table)?,
                key: text(&cover.key)?,
                digest: OctetStringRef::new(&cover.digest).map_err(|_| BadEntry)?,
            })
        });
        let leaf = Leaf {
            version: VERSION,
            seq: self.seq,
            time: self.time.unix_millis().unsigned_abs(),
            tenant: text(&self.tenant)?,
            person: text(&self.person)?,
            role: text(&self.role)?,
            channel: text(&self.channel)?,
            event: text(&self.event)?,
            object: text(&self.object)?,
            outcome: text(&self.outcome)?,
            payload_digest: OctetStringRef::new(&self.payload_digest).map_err(|_| BadEntry)?,
            covers: covers.collect::<Result<_, BadEntry>>()?,
        };
        let der = leaf.to_der().map_err(|_| BadEntry)?;
        if der.len() > MAX_LEAF { Err(BadEntry) } else { Ok(der) }
    }
}
