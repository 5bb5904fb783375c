//! What is asked for: a `TimeStampReq`, read strictly.
//!
//! ```text
//! TimeStampReq ::= SEQUENCE { version INTEGER (1), messageImprint MessageImprint, reqPolicy OID OPTIONAL,
//!                  nonce INTEGER OPTIONAL, certReq BOOLEAN DEFAULT FALSE, extensions [0] IMPLICIT OPTIONAL }
//! MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
//! ```
//!
//! Source: RFC 3161 2.4.1; GM/T 0033-2014.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::tlv::{self, BadDer, Reader};

pub use super::digest::Hash;
use super::response::{FailInfo, Rejection};

/// Longest request that is read. Unit: bytes. Real ones have 40 to 150.
pub const LONGEST: usize = 16_384;
/// Longest nonce. Unit: bytes. Real ones have 8 to 20.
const LONGEST_NONCE: usize = 128;

/// What is to be stamped: a hash algorithm and a digest of its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imprint<'a> {
    hash: Hash,
    digest: &'a [u8],
    der: &'a [u8],
}

impl<'a> Imprint<'a> {
    /// Reads a `MessageImprint`, in a request or in a token.
    ///
    /// # Errors
    /// [`Rejection`]: `badAlg` for another algorithm or parameters other than NULL, `badDataFormat` for
    /// anything else, a digest of another length included.
    pub fn parse(der: &'a [u8]) -> Result<Self, Rejection> {
        let mut imprint = tlv::single(der, tlv::SEQUENCE, "message imprint")?.inside();
        let mut algorithm = imprint.expect(tlv::SEQUENCE, "hash algorithm")?.inside();
        let id = algorithm.expect(tlv::OID, "hash algorithm")?;
        let parameters = if algorithm.is_empty() { None } else { Some(algorithm.any()?.whole) };
        algorithm.finish("hash algorithm")?;
        let digest = imprint.expect(tlv::OCTET_STRING, "hashed message")?.value;
        imprint.finish("message imprint")?;
        let hash = Hash::from_oid_content(id.value).ok_or(Rejection::new(
            FailInfo::BadAlg,
            "the hash algorithm is not one of SM3, SHA-256, SHA-384, SHA-512",
        ))?;
        // RFC 5754 2: absent, and NULL is to be accepted.
        if parameters.is_some_and(|given| given != [5, 0]) {
            return Err(Rejection::new(FailInfo::BadAlg, "the hash algorithm has no parameters"));
        }
        if digest.len() != hash.length() {
            return Err(Rejection::new(FailInfo::BadDataFormat, "the digest has not the length of its algorithm"));
        }
        Ok(Self { hash, digest, der })
    }

    /// The algorithm.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> &'a [u8] {
        self.digest
    }

    /// The `MessageImprint` as it came: the token repeats these very bytes.
    #[must_use]
    pub const fn der(&self) -> &'a [u8] {
        self.der
    }
}

/// A request that was read. It borrows from the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StampRequest<'a> {
    imprint: Imprint<'a>,
    policy: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
    cert_req: bool,
}

impl<'a> StampRequest<'a> {
    /// Reads a `TimeStampReq`.
    ///
    /// # Errors
    /// [`Rejection`] with the `PKIFailureInfo` for the client: `badDataFormat` if the bytes are no such
    /// request, `badRequest` for another version, `badAlg`, `unacceptedExtension` for any extension, critical
    /// or not (GM/T 0033; none is defined that we know).
    pub fn parse(der: &'a [u8]) -> Result<Self, Rejection> {
        if der.len() > LONGEST {
            return Err(Rejection::new(FailInfo::BadDataFormat, "the request is longer than 16 KiB"));
        }
        let mut request = tlv::single(der, tlv::SEQUENCE, "time-stamp request")?.inside();
        let version = request.expect(tlv::INTEGER, "version")?.small()?;
        let imprint = request.expect(tlv::SEQUENCE, "message imprint")?;
        let policy = request.optional(tlv::OID)?;
        let nonce = request.optional(tlv::INTEGER)?;
        // DER leaves the default out; FALSE written out is unambiguous, and some clients do it.
        let cert_req = request.optional(tlv::BOOLEAN)?.map_or(Ok(false), tlv::Tlv::boolean)?;
        let extensions = request.optional(0xa0)?;
        request.finish("time-stamp request")?;
        if version != 1 {
            return Err(Rejection::new(FailInfo::BadRequest, "the version of the request is not 1"));
        }
        let policy = policy.map(|policy| checked_oid(policy.value)).transpose()?;
        let nonce = nonce.map(|nonce| checked_nonce(nonce.value)).transpose()?;
        let imprint = Imprint::parse(imprint.whole)?;
        if let Some(extensions) = extensions {
            check_extensions(extensions.inside())?;
            return Err(Rejection::new(FailInfo::UnacceptedExtension, "extensions are not supported"));
        }
        Ok(Self { imprint, policy, nonce, cert_req })
    }

    /// What is to be stamped.
    #[must_use]
    pub const fn imprint(&self) -> &Imprint<'a> {
        &self.imprint
    }

    /// The policy asked for: the content octets of its identifier.
    #[must_use]
    pub const fn policy(&self) -> Option<&'a [u8]> {
        self.policy
    }

    /// The nonce: the content octets of the INTEGER.
    #[must_use]
    pub const fn nonce(&self) -> Option<&'a [u8]> {
        self.nonce
    }

    /// Whether the token is to carry the certificates.
    #[must_use]
    pub const fn cert_req(&self) -> bool {
        self.cert_req
    }
}

/// A request to be written, for whoever asks in another form than DER.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The algorithm of the digest.
    pub hash: Hash,
    /// What is to be stamped. Not checked here: whoever reads the request does.
    pub digest: &'a [u8],
    /// The policy asked for.
    pub policy: Option<Oid>,
    /// The content octets of the nonce.
    pub nonce: Option<&'a [u8]>,
    /// Whether the token is to carry the certificates.
    pub cert_req: bool,
}

impl Draft<'_> {
    /// The `TimeStampReq`.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let algorithm = tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::OID, &[self.hash.oid().as_bytes()])]);
        let imprint = tlv::write(tlv::SEQUENCE, &[&algorithm, &tlv::write(tlv::OCTET_STRING, &[self.digest])]);
        let policy = self.policy.map(|policy| tlv::write(tlv::OID, &[policy.as_bytes()])).unwrap_or_default();
        let nonce = self.nonce.map(|nonce| tlv::write(tlv::INTEGER, &[nonce])).unwrap_or_default();
        let cert_req: &[u8] = if self.cert_req { &[tlv::BOOLEAN, 1, 0xff] } else { &[] };
        tlv::write(tlv::SEQUENCE, &[&[tlv::INTEGER, 1, 1], &imprint, &policy, &nonce, cert_req])
    }
}

/// Minimal arcs, the last one complete.
fn checked_oid(content: &[u8]) -> Result<&[u8], BadDer> {
    let ends = content.last().is_some_and(|last| *last < 0x80);
    let mut starts = true;
    let minimal = content.iter().all(|octet| {
        let padded = starts && *octet == 0x80;
        starts = *octet < 0x80;
        !padded
    });
    if ends && minimal && content.len() <= 128 { Ok(content) } else { tlv::bad("policy") }
}

/// A minimal INTEGER. Negative ones are taken: a nonce is 64 random bits to some clients.
fn checked_nonce(content: &[u8]) -> Result<&[u8], BadDer> {
    let padded =
        matches!(content, [0, next, ..] if *next < 0x80) || matches!(content, [0xff, next, ..] if *next >= 0x80);
    if content.is_empty() || padded || content.len() > LONGEST_NONCE { tlv::bad("nonce") } else { Ok(content) }
}

/// Whether these are extensions at all.
fn check_extensions(mut list: Reader<'_>) -> Result<(), BadDer> {
    if list.is_empty() {
        return tlv::bad("extensions");
    }
    while !list.is_empty() {
        let mut extension = list.expect(tlv::SEQUENCE, "extension")?.inside();
        extension.expect(tlv::OID, "extension")?;
        extension.optional(tlv::BOOLEAN)?.map(tlv::Tlv::boolean).transpose()?;
        extension.expect(tlv::OCTET_STRING, "extension")?;
        extension.finish("extension")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
