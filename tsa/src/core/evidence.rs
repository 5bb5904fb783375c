//! Evidence records (RFC 4998): time-stamps that outlive their algorithms and certificates.
//!
//! A time-stamp proves something as long as its hash, its signature and its certificate hold. Before one of
//! them ends, it is renewed: a new time-stamp over the old one (*time-stamp renewal*), or, when the hash of the
//! data itself grows weak, a new hash over data and all older time-stamps (*hash-tree renewal*). One time-stamp
//! may stand for many files: each record then holds the hashes that lead from its file to what was stamped.
//!
//! ```text
//! EvidenceRecord ::= SEQUENCE { version INTEGER (1), digestAlgorithms SEQUENCE OF AlgorithmIdentifier,
//!     cryptoInfos [0] OPTIONAL, encryptionInfo [1] OPTIONAL,
//!     archiveTimeStampSequence SEQUENCE OF ArchiveTimeStampChain }
//! ArchiveTimeStampChain ::= SEQUENCE OF ArchiveTimeStamp
//! ArchiveTimeStamp ::= SEQUENCE { digestAlgorithm [0] AlgorithmIdentifier OPTIONAL, attributes [1] OPTIONAL,
//!     reducedHashtree [2] SEQUENCE OF PartialHashtree OPTIONAL, timeStamp ContentInfo }
//! PartialHashtree ::= SEQUENCE OF OCTET STRING
//! ```

use std::fmt;

use crypto_pool::tlv::{self, BadDer, INTEGER, OCTET_STRING, SEQUENCE, Tlv, bad};

use super::digest;
use super::opened::{BadToken, OpenedToken};
use super::request::Hash;

mod tree;
mod verify;

pub use tree::{HashTree, Path};
pub use verify::{Link, verify};

/// Longest record that is read. Unit: bytes.
pub const LONGEST: usize = 16 * 1024 * 1024;
/// Most time-stamps in a record: one a year for longer than anybody plans.
const MOST_STAMPS: usize = 1000;

/// Why bytes are no evidence record, or one that cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadRecord {
    /// They do not read.
    Der(BadDer),
    /// A time-stamp in it does not.
    Token(BadToken),
    /// A hash that is not known here.
    UnknownHash,
    /// The data are said to be encrypted, which is not supported.
    Encrypted,
    /// It has no time-stamp.
    Empty,
    /// The new time-stamp is not about what had to be stamped.
    OtherImprint,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Der(why) => return why.fmt(f),
            Self::Token(why) => return write!(f, "a time-stamp in it: {why}"),
            Self::UnknownHash => "a hash algorithm in it is not known here",
            Self::Encrypted => "evidence of encrypted data is not supported",
            Self::Empty => "there is no time-stamp in it",
            Self::OtherImprint => "the new time-stamp is about something else",
        })
    }
}

impl std::error::Error for BadRecord {}

impl From<BadDer> for BadRecord {
    fn from(why: BadDer) -> Self {
        Self::Der(why)
    }
}

impl From<BadToken> for BadRecord {
    fn from(why: BadToken) -> Self {
        Self::Token(why)
    }
}

/// One time-stamp, and how the hash of the data leads to it.
#[derive(Debug, Clone)]
pub struct ArchiveTimeStamp {
    hash: Hash,
    path: Path,
    token: OpenedToken,
    der: Vec<u8>,
}

impl ArchiveTimeStamp {
    fn new(path: Path, token: OpenedToken) -> Result<Self, BadRecord> {
        let hash = token.info.hash.ok_or(BadRecord::UnknownHash)?;
        let mut reduced = Vec::new();
        for list in path.lists() {
            let octets: Vec<Vec<u8>> = list.iter().map(|one| tlv::write(OCTET_STRING, &[one])).collect();
            let octets: Vec<&[u8]> = octets.iter().map(Vec::as_slice).collect();
            reduced.push(tlv::write(SEQUENCE, &octets));
        }
        let reduced: Vec<&[u8]> = reduced.iter().map(Vec::as_slice).collect();
        let reduced = if reduced.is_empty() { Vec::new() } else { tlv::write(0xa2, &reduced) };
        let der = tlv::write(SEQUENCE, &[&reduced, token.der()]);
        Ok(Self { hash, path, token, der })
    }

    fn read(whole: Tlv<'_>) -> Result<Self, BadRecord> {
        let mut fields = whole.inside();
        let named = fields.optional(0xa0)?.map(|named| named.inside().expect(tlv::OID, "hash")).transpose()?;
        fields.optional(0xa1)?;
        let path = fields.optional(0xa2)?.map(Path::read).transpose()?.unwrap_or_default();
        let token = fields.expect(SEQUENCE, "time-stamp")?;
        fields.finish("archive time-stamp")?;
        let token = OpenedToken::from_der(token.whole)?;
        let hash = match named {
            Some(named) => Hash::from_oid_content(named.value),
            None => token.info.hash,
        };
        Ok(Self { hash: hash.ok_or(BadRecord::UnknownHash)?, path, token, der: whole.whole.to_vec() })
    }

    /// The hash of its tree.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The time-stamp.
    #[must_use]
    pub const fn token(&self) -> &OpenedToken {
        &self.token
    }
}

/// An evidence record of one file.
#[derive(Debug, Clone)]
pub struct EvidenceRecord {
    /// Chains, oldest first; the time-stamps of each use one hash, oldest first. Never empty.
    chains: Vec<Vec<ArchiveTimeStamp>>,
}

impl EvidenceRecord {
    /// The first record of a file: `path` leads from its digest to what `token` stamps.
    ///
    /// # Errors
    /// [`BadRecord::OtherImprint`] if it does not.
    pub fn first(data_digest: &[u8], path: Path, token: OpenedToken) -> Result<Self, BadRecord> {
        let stamp = ArchiveTimeStamp::new(path, token)?;
        leads(&stamp, data_digest)?;
        Ok(Self { chains: vec![vec![stamp]] })
    }

    /// What a time-stamp renewal must stamp, and with which hash: the newest time-stamp.
    #[must_use]
    pub fn renewal(&self) -> (Hash, Vec<u8>) {
        let newest = self.newest();
        (newest.hash, digest::of(newest.hash, newest.token.der()))
    }

    /// Adds the time-stamp over the newest one.
    ///
    /// # Errors
    /// [`BadRecord::OtherImprint`] if it is about something else.
    pub fn renew(&mut self, path: Path, token: OpenedToken) -> Result<(), BadRecord> {
        let (hash, digest) = self.renewal();
        let stamp = ArchiveTimeStamp::new(path, token)?;
        // All time-stamps of a chain use one hash (RFC 4998 5.2).
        if stamp.hash != hash {
            return Err(BadRecord::OtherImprint);
        }
        leads(&stamp, &digest)?;
        if let Some(chain) = self.chains.last_mut() {
            chain.push(stamp);
        }
        Ok(())
    }

    /// What a hash-tree renewal must stamp: H(H(data) || H(all chains so far)), H being the new hash.
    #[must_use]
    pub fn tree_renewal(&self, hash: Hash, data_digest: &[u8]) -> Vec<u8> {
        joined(hash, data_digest, &self.chains)
    }

    /// Begins a new chain with a time-stamp over [`EvidenceRecord::tree_renewal`].
    ///
    /// # Errors
    /// [`BadRecord::OtherImprint`] if it is about something else.
    pub fn renew_tree(&mut self, data_digest: &[u8], path: Path, token: OpenedToken) -> Result<(), BadRecord> {
        let stamp = ArchiveTimeStamp::new(path, token)?;
        leads(&stamp, &self.tree_renewal(stamp.hash, data_digest))?;
        self.chains.push(vec![stamp]);
        Ok(())
    }

    /// The newest time-stamp: the one to be renewed next.
    #[must_use]
    pub fn newest(&self) -> &ArchiveTimeStamp {
        self.chains.last().and_then(|chain| chain.last()).expect("a record is never empty")
    }

    /// The hash of the first and of every newer chain: with each the data must be hashed to verify.
    pub fn hashes(&self) -> impl Iterator<Item = Hash> {
        self.chains.iter().filter_map(|chain| chain.first().map(|stamp| stamp.hash))
    }

    /// Every time-stamp, oldest first.
    pub fn stamps(&self) -> impl Iterator<Item = &ArchiveTimeStamp> {
        self.chains.iter().flatten()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`BadRecord`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadRecord> {
        if bytes.len() > LONGEST {
            return Err(BadRecord::Der(BadDer { what: "the record is too long" }));
        }
        let mut fields = tlv::single(bytes, SEQUENCE, "evidence record")?.inside();
        if fields.expect(INTEGER, "version")?.small()? != 1 {
            return bad("version").map_err(BadRecord::from);
        }
        fields.expect(SEQUENCE, "digest algorithms")?;
        fields.optional(0xa0)?;
        if fields.optional(0xa1)?.is_some() {
            return Err(BadRecord::Encrypted);
        }
        let mut sequence = fields.expect(SEQUENCE, "chains")?.inside();
        fields.finish("evidence record")?;
        let (mut chains, mut count) = (Vec::new(), 0);
        while !sequence.is_empty() {
            let mut inside = sequence.expect(SEQUENCE, "chain")?.inside();
            let mut chain = Vec::new();
            while !inside.is_empty() {
                count += 1;
                if count > MOST_STAMPS {
                    return bad("too many time-stamps").map_err(BadRecord::from);
                }
                chain.push(ArchiveTimeStamp::read(inside.expect(SEQUENCE, "archive time-stamp")?)?);
            }
            if chain.is_empty() {
                return Err(BadRecord::Empty);
            }
            chains.push(chain);
        }
        if chains.is_empty() { Err(BadRecord::Empty) } else { Ok(Self { chains }) }
    }

    /// The record as DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut hashes: Vec<Hash> = Vec::new();
        for hash in self.hashes() {
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        }
        let named = |hash: &Hash| tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[hash.oid().as_bytes()])]);
        let hashes: Vec<Vec<u8>> = hashes.iter().map(named).collect();
        let hashes: Vec<&[u8]> = hashes.iter().map(Vec::as_slice).collect();
        tlv::write(SEQUENCE, &[&[INTEGER, 1, 1], &tlv::write(SEQUENCE, &hashes), &sequence_der(&self.chains)])
    }
}

/// `ArchiveTimeStampSequence`, every time-stamp as it was read or made.
fn sequence_der(chains: &[Vec<ArchiveTimeStamp>]) -> Vec<u8> {
    let chain = |chain: &Vec<ArchiveTimeStamp>| {
        let stamps: Vec<&[u8]> = chain.iter().map(|stamp| stamp.der.as_slice()).collect();
        tlv::write(SEQUENCE, &stamps)
    };
    let chains: Vec<Vec<u8>> = chains.iter().map(chain).collect();
    let chains: Vec<&[u8]> = chains.iter().map(Vec::as_slice).collect();
    tlv::write(SEQUENCE, &chains)
}

/// H(H(data) || H(chains)): RFC 4998 5.2, step 4; not sorted.
fn joined(hash: Hash, data_digest: &[u8], chains: &[Vec<ArchiveTimeStamp>]) -> Vec<u8> {
    let mut digester = digest::Digester::new(hash);
    digester.update(data_digest);
    digester.update(&digest::of(hash, &sequence_der(chains)));
    digester.finish()
}

/// Whether the path leads from the digest to what the time-stamp stamps.
fn leads(stamp: &ArchiveTimeStamp, digest: &[u8]) -> Result<(), BadRecord> {
    let root = stamp.path.root(stamp.hash, digest);
    let same_hash = stamp.token.info.hash == Some(stamp.hash);
    if same_hash && root.is_some_and(|root| root == stamp.token.info.digest) {
        Ok(())
    } else {
        Err(BadRecord::OtherImprint)
    }
}

#[cfg(test)]
mod tests;
