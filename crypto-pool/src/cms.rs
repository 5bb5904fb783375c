//! SignedData (CMS, RFC 5652) signed by one key of the pool: what is to be signed, and the whole around the
//! signature.
//!
//! Who signs is a [`Signer`]: a certificate that was read and measured once, so that a message costs no more
//! than its own bytes. What is signed are the signed attributes: content type, digest of the content, and the
//! signing certificate (ESSCertIDv2, RFC 5035), which ties the signature to this very certificate.
//!
//! ```text
//! ContentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT SignedData }
//! SignedData ::= SEQUENCE { version 3, digestAlgorithms SET OF AlgorithmIdentifier,
//!   encapContentInfo SEQUENCE { eContentType OID, eContent [0] EXPLICIT OCTET STRING },
//!   certificates [0] IMPLICIT CertificateSet OPTIONAL, signerInfos SET OF SignerInfo }
//! SignerInfo ::= SEQUENCE { version 1, sid IssuerAndSerialNumber, digestAlgorithm AlgorithmIdentifier,
//!   signedAttrs [0] IMPLICIT SET OF Attribute, signatureAlgorithm AlgorithmIdentifier, signature OCTET STRING }
//! ```
//!
//! There is no signingTime attribute: what is signed here says itself when it was made, and two times could
//! disagree.

mod certificates;
mod detached;
pub mod read;

use std::fmt;

use aws_lc_rs::digest;
use const_oid::ObjectIdentifier as Oid;
use pki_config::{Instant, oid};

use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::path::Cert;
use crate::public_key::BadKey;
use crate::tlv::{self, BadDer, INTEGER, OCTET_STRING, SEQUENCE, SET};

pub use certificates::certificates_only;

const OID_TAG: u8 = tlv::OID;
/// `[0]` constructed: EXPLICIT, or IMPLICIT in place of a SET.
const CONTEXT_0: u8 = 0xa0;
/// Most certificates that go along.
const LONGEST_CHAIN: usize = 6;

/// Why a certificate cannot sign messages here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadSigner {
    /// It, or one of its chain, does not read.
    Malformed(BadDer),
    /// Its key is not sound.
    Key(BadKey),
    /// A key with which no message is signed here.
    Algorithm(KeyAlgorithm),
    /// More certificates than go along.
    LongChain,
}

impl fmt::Display for BadSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => why.fmt(f),
            Self::Key(why) => why.fmt(f),
            Self::Algorithm(key) => write!(f, "no message is signed with a {key} key"),
            Self::LongChain => write!(f, "more than {LONGEST_CHAIN} certificates go along"),
        }
    }
}

impl std::error::Error for BadSigner {}

impl From<BadDer> for BadSigner {
    fn from(why: BadDer) -> Self {
        Self::Malformed(why)
    }
}

/// The digest that goes with a key, of signed content and of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sm3,
    Sha256,
    Sha384,
}

impl Digest {
    fn for_key(key: KeyAlgorithm) -> Result<Self, BadSigner> {
        match key {
            KeyAlgorithm::Sm2 => Ok(Self::Sm3),
            KeyAlgorithm::P256 | KeyAlgorithm::Rsa { .. } => Ok(Self::Sha256),
            KeyAlgorithm::P384 => Ok(Self::Sha384),
            // RFC 8419 wants SHA-512 for attributes; nobody asked for it yet.
            KeyAlgorithm::Ed25519 => Err(BadSigner::Algorithm(key)),
        }
    }

    const fn oid(self) -> Oid {
        match self {
            Self::Sm3 => oid::SM3,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
        }
    }

    /// Unit: bytes.
    const fn length(self) -> usize {
        match self {
            Self::Sm3 | Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// Without parameters (RFC 5754 2; GM/T 0015).
    fn identifier(self) -> Vec<u8> {
        tlv::write(SEQUENCE, &[&tlv::write(OID_TAG, &[self.oid().as_bytes()])])
    }

    fn hash(self, message: &[u8]) -> Hashed {
        let mut out = Hashed { bytes: [0; 48], length: 32 };
        match self {
            Self::Sm3 => out.bytes[..32].copy_from_slice(&engine::sm3::hash(message)),
            Self::Sha256 => {
                out.bytes[..32].copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
            }
            Self::Sha384 => {
                out.length = 48;
                out.bytes.copy_from_slice(digest::digest(&digest::SHA384, message).as_ref());
            }
        }
        out
    }
}

struct Hashed {
    bytes: [u8; 48],
    length: usize,
}

impl Hashed {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Under which arc a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arc {
    /// The content type of CMS, which everybody reads; SM2 signatures as 1.2.156.10197.1.501.
    Cms,
    /// The content type of GM/T 0010, as some middleware wants it; SM2 signatures as 1.2.156.10197.1.301.1.
    Gm,
}

/// A certificate that signs messages of one content type, and what goes along with it.
#[derive(Clone)]
pub struct Signer {
    cert: Cert,
    content_type: Oid,
    digest: Digest,
    algorithm: SignatureAlgorithm,
    /// The signed attributes up to the digest of the content, and from behind it.
    attributes: (Vec<u8>, Vec<u8>),
    /// The certificates as `[0]` writes them: this one and its chain, sorted.
    certificates: Vec<u8>,
    /// SignerInfo up to its attributes.
    info_head: Vec<u8>,
    /// `digestAlgorithms`, and the start of `encapContentInfo`.
    digests: Vec<u8>,
}

impl Signer {
    /// From a certificate and its chain, without the root, which a verifier has or must not take from us.
    ///
    /// # Errors
    /// [`BadSigner`].
    pub fn new<C: AsRef<[u8]>>(certificate: &[u8], chain: &[C], content_type: Oid) -> Result<Self, BadSigner> {
        let cert = Cert::from_der(certificate)?;
        let key = cert.public_key().map_err(BadSigner::Key)?.algorithm();
        let digest = Digest::for_key(key)?;
        if chain.len() > LONGEST_CHAIN {
            return Err(BadSigner::LongChain);
        }
        let mut all = vec![certificate];
        for issuer in chain {
            Cert::from_der(issuer.as_ref())?;
            all.push(issuer.as_ref());
        }
        // A SET OF in DER is sorted by its encodings.
        all.sort_unstable();
        let serial = tlv::write(INTEGER, &[cert.serial()]);
        let sid = tlv::write(SEQUENCE, &[cert.issuer(), &serial]);
        Ok(Self {
            attributes: attributes(content_type, digest, &digest.hash(certificate)),
            certificates: tlv::write(CONTEXT_0, &all),
            info_head: [&[INTEGER, 1, 1], &sid[..], &digest.identifier()].concat(),
            digests: tlv::write(SET, &[&digest.identifier()]),
            algorithm: SignatureAlgorithm::for_key(key),
            cert,
            content_type,
            digest,
        })
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Cert {
        &self.cert
    }

    /// The certificate and its chain as `[0] IMPLICIT CertificateSet`.
    #[must_use]
    pub fn certificate_set(&self) -> &[u8] {
        &self.certificates
    }

    /// With what it signs.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether the certificate is valid at that time.
    #[must_use]
    pub fn covers(&self, at: Instant) -> bool {
        // The whole last second belongs to the validity.
        self.cert.not_before() <= at && at.whole_second() <= self.cert.not_after()
    }

    /// The signed attributes for this content, as the SET that is signed.
    #[must_use]
    pub fn signed_attributes(&self, content: &[u8]) -> Vec<u8> {
        let (head, tail) = &self.attributes;
        let digest = self.digest.hash(content);
        let mut out = Vec::with_capacity(head.len() + digest.length + tail.len());
        out.extend_from_slice(head);
        out.extend_from_slice(digest.as_slice());
        out.extend_from_slice(tail);
        out
    }

    /// Whether these are the signed attributes for this content, byte for byte.
    #[must_use]
    pub fn is_attributes_of(&self, attributes: &[u8], content: &[u8]) -> bool {
        let (head, tail) = &self.attributes;
        let digest = attributes.strip_prefix(&head[..]).and_then(|rest| rest.strip_suffix(&tail[..]));
        digest == Some(self.digest.hash(content).as_slice())
    }

    /// The whole message. `attributes` are those that were signed; `signature` is the pool's.
    #[must_use]
    pub fn assemble(&self, content: &[u8], attributes: &[u8], signature: &[u8], with_chain: bool, arc: Arc) -> Vec<u8> {
        let signature_algorithm: &[u8] = match (arc, self.algorithm) {
            (Arc::Gm, SignatureAlgorithm::Sm2Sm3) => b"\x30\x0b\x06\x09\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x01",
            (_, other) => other.identifier_der(),
        };
        let outer = match arc {
            Arc::Cms => oid::SIGNED_DATA,
            Arc::Gm => oid::GM_SIGNED_DATA,
        };
        let certificates: &[u8] = if with_chain { &self.certificates } else { &[] };
        // Lengths from the inside out, then everything in one pass.
        let attributes = attributes.get(1..).unwrap_or_default();
        let info = self.info_head.len() + 1 + attributes.len() + signature_algorithm.len() + full(signature.len());
        let infos = full(info);
        let octets = full(content.len());
        let encapsulated = full(self.content_type.as_bytes().len()) + full(octets);
        let data = 3 + self.digests.len() + full(encapsulated) + certificates.len() + full(infos);
        let explicit = full(data);
        let info_len = full(outer.as_bytes().len()) + full(explicit);

        let mut out = Vec::with_capacity(full(info_len));
        open(&mut out, SEQUENCE, info_len);
        put(&mut out, OID_TAG, outer.as_bytes());
        open(&mut out, CONTEXT_0, explicit);
        open(&mut out, SEQUENCE, data);
        // Version 3, because the content is not of the type data (RFC 5652 5.1).
        out.extend_from_slice(&[INTEGER, 1, 3]);
        out.extend_from_slice(&self.digests);
        open(&mut out, SEQUENCE, encapsulated);
        put(&mut out, OID_TAG, self.content_type.as_bytes());
        open(&mut out, CONTEXT_0, octets);
        put(&mut out, OCTET_STRING, content);
        out.extend_from_slice(certificates);
        open(&mut out, SET, infos);
        open(&mut out, SEQUENCE, info);
        out.extend_from_slice(&self.info_head);
        // Signed as a SET (RFC 5652 5.4), written with the tag [0].
        out.push(CONTEXT_0);
        out.extend_from_slice(attributes);
        out.extend_from_slice(signature_algorithm);
        put(&mut out, OCTET_STRING, signature);
        out
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// The signed attributes, split where the digest of the content goes.
fn attributes(content_type: Oid, digest: Digest, certificate: &Hashed) -> (Vec<u8>, Vec<u8>) {
    let one = |id: Oid, value: &[u8]| {
        tlv::write(SEQUENCE, &[&tlv::write(OID_TAG, &[id.as_bytes()]), &tlv::write(SET, &[value])])
    };
    // ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, issuerSerial OPTIONAL }.
    // The SignerInfo names issuer and serial already (RFC 5035 5.4.1), so issuerSerial is left out.
    let hash = tlv::write(OCTET_STRING, &[certificate.as_slice()]);
    let id = match digest {
        Digest::Sha256 => tlv::write(SEQUENCE, &[&hash]),
        Digest::Sm3 | Digest::Sha384 => tlv::write(SEQUENCE, &[&digest.identifier(), &hash]),
    };
    let signing = tlv::write(SEQUENCE, &[&tlv::write(SEQUENCE, &[&id])]);
    let blank = vec![0; certificate.length];
    let mut all = [
        one(oid::CONTENT_TYPE, &tlv::write(OID_TAG, &[content_type.as_bytes()])),
        one(oid::MESSAGE_DIGEST, &tlv::write(OCTET_STRING, &[&blank])),
        one(oid::SIGNING_CERTIFICATE_V2, &signing),
    ];
    // Sorted as a SET OF. They differ in their lengths, so the digest does not change the order.
    all.sort();
    let digest_at = |parts: &[Vec<u8>; 3]| {
        let before = parts.iter().take_while(|part| !part.ends_with(&blank));
        before.map(Vec::len).sum::<usize>()
    };
    let set = tlv::write(SET, &[&all[0], &all[1], &all[2]]);
    let header = set.len() - all.iter().map(Vec::len).sum::<usize>();
    let digest_attribute = all.iter().find(|part| part.ends_with(&blank)).map_or(0, Vec::len);
    let at = header + digest_at(&all) + digest_attribute - blank.len();
    (set[..at].to_vec(), set[at + blank.len()..].to_vec())
}

/// Length of an element with this much content.
const fn full(content: usize) -> usize {
    1 + length_octets(content) + content
}

const fn length_octets(content: usize) -> usize {
    match content {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x100_0000 => 4,
        _ => 5,
    }
}

/// Tag and length.
fn open(out: &mut Vec<u8>, tag: u8, content: usize) {
    out.push(tag);
    let octets = length_octets(content) - 1;
    if octets == 0 {
        out.push(content as u8);
    } else {
        out.push(0x80 | octets as u8);
        let all = content.to_be_bytes();
        out.extend_from_slice(&all[all.len() - octets..]);
    }
}

fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    open(out, tag, content.len());
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests;
