//! Reading a question (RFC 6960 4.1), as strictly as DER and as boundedly as 8 KiB allow, and finding it in
//! the address of a GET (RFC 6960 A.1).
//!
//! ```text
//! OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
//! TBSRequest  ::= SEQUENCE { version [0] EXPLICIT Version DEFAULT v1, requestorName [1] EXPLICIT GeneralName OPTIONAL,
//!                            requestList SEQUENCE OF Request, requestExtensions [2] EXPLICIT Extensions OPTIONAL }
//! Request     ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
//! CertID      ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING,
//!                            issuerKeyHash OCTET STRING, serialNumber CertificateSerialNumber }
//! ```
//!
//! A signature of the asker is read over and not required; so is its name. Nothing an answer says depends on who
//! asks.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use const_oid::ObjectIdentifier as Oid;
use pki_config::oid;

use super::walk::Walk;

/// Longest question that is read. Unit: bytes.
pub const LONGEST: usize = 8192;
/// Most certificates in one question.
pub const MOST_IDS: usize = 64;
/// Longest address of a GET that is decoded: every character of the longest question escaped twice. Unit: bytes.
const LONGEST_PATH: usize = LONGEST.div_ceil(3) * 4 * 5;

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// The bytes are no question, or one that may not be answered: `malformedRequest`. Asker's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRequest {
    /// What could not be read.
    pub what: &'static str,
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the OCSP request cannot be read: {}", self.what)
    }
}

impl std::error::Error for BadRequest {}

const fn bad<T>(what: &'static str) -> Result<T, BadRequest> {
    Err(BadRequest { what })
}

/// The hash by which an issuer is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1, as nearly every client asks (RFC 5019 2.1.1).
    Sha1,
    /// SHA-256.
    Sha256,
    /// SM3.
    Sm3,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sm3];

    /// The object identifier.
    #[must_use]
    pub const fn oid(self) -> Oid {
        match self {
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sm3 => oid::SM3,
        }
    }

    /// Length of the hash. Unit: bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 => 32,
        }
    }
}

/// How a CertID is written: the hash, and whether its parameters are `NULL` or absent. Both stand in the field,
/// and the answer repeats the octets of the question, so both are forms of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form {
    /// The hash.
    pub hash: Hash,
    /// Whether `NULL` stands for its parameters.
    pub null: bool,
}

impl Form {
    /// What browsers, nginx and OpenSSL send: SHA-1 with `NULL`.
    pub const USUAL: Self = Self { hash: Hash::Sha1, null: true };

    /// A number below 6.
    #[must_use]
    pub const fn index(self) -> u8 {
        self.hash as u8 * 2 + self.null as u8
    }
}

/// A certificate that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertId<'a> {
    /// Its octets, to be echoed.
    pub whole: &'a [u8],
    /// How its issuer is named; `None` for a hash we do not know.
    pub form: Option<Form>,
    /// Hash of the issuer's name.
    pub name_hash: &'a [u8],
    /// Hash of the issuer's key.
    pub key_hash: &'a [u8],
    /// Content octets of the serial number: minimal, 1 to 21.
    pub serial: &'a [u8],
}

/// A question that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest<'a> {
    ids: Vec<CertId<'a>>,
    nonce: Option<&'a [u8]>,
    signed: bool,
}

impl<'a> OcspRequest<'a> {
    /// Reads a question. A nonce may have 1 to `nonce_max` octets.
    ///
    /// # Errors
    /// [`BadRequest`]: not DER, not of this structure, too long, no certificate or more than [`MOST_IDS`], a nonce of
    /// another length, or an extension that is critical and not known here.
    pub fn parse(der: &'a [u8], nonce_max: u8) -> Result<Self, BadRequest> {
        if der.len() > LONGEST {
            return bad("longer than 8 KiB");
        }
        let mut all = Walk::new(der, "request")?;
        let mut outer = all.expect(SEQUENCE, "request")?.inside("request")?;
        all.finish("request")?;
        let mut tbs = outer.expect(SEQUENCE, "tbsRequest")?.inside("tbsRequest")?;
        let signed = outer.optional(0xa0, "signature")?.is_some();
        outer.finish("request")?;

        if let Some(version) = tbs.optional(0xa0, "version")? {
            // DEFAULT v1 should not be written; clients that write it are understood all the same.
            if version.value != [2, 1, 0] {
                return bad("version");
            }
        }
        tbs.optional(0xa1, "requestorName")?;
        let mut list = tbs.expect(SEQUENCE, "requestList")?.inside("requestList")?;
        let mut ids = Vec::with_capacity(1);
        while !list.is_empty() {
            if ids.len() == MOST_IDS {
                return bad("more than 64 certificates");
            }
            ids.push(read_single(&mut list)?);
        }
        if ids.is_empty() {
            return bad("no certificate is asked about");
        }
        let nonce = match tbs.optional(0xa2, "requestExtensions")? {
            Some(extensions) => read_extensions(extensions.inside("requestExtensions")?, nonce_max)?,
            None => None,
        };
        tbs.finish("tbsRequest")?;
        Ok(Self { ids, nonce, signed })
    }

    /// The certificates asked about, in order; at least one.
    #[must_use]
    pub fn ids(&self) -> &[CertId<'a>] {
        &self.ids
    }

    /// The value of the nonce extension (an OCTET STRING), to be echoed octet by octet.
    #[must_use]
    pub const fn nonce(&self) -> Option<&'a [u8]> {
        self.nonce
    }

    /// Whether the asker signed. Nothing depends on it.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signed
    }
}

fn read_single<'a>(list: &mut Walk<'a>) -> Result<CertId<'a>, BadRequest> {
    let mut request = list.expect(SEQUENCE, "request of one")?.inside("request of one")?;
    let id = request.expect(SEQUENCE, "CertID")?;
    if let Some(extensions) = request.optional(0xa0, "singleRequestExtensions")? {
        read_single_extensions(extensions.inside("singleRequestExtensions")?)?;
    }
    request.finish("request of one")?;

    let mut fields = id.inside("CertID")?;
    let mut algorithm = fields.expect(SEQUENCE, "hashAlgorithm")?.inside("hashAlgorithm")?;
    let named = algorithm.expect(0x06, "hashAlgorithm")?.value;
    let null = match algorithm.is_empty() {
        true => Some(false),
        false => (algorithm.any("hashAlgorithm")?.whole == [5, 0]).then_some(true),
    };
    algorithm.finish("hashAlgorithm")?;
    let name_hash = fields.expect(OCTET_STRING, "issuerNameHash")?.value;
    let key_hash = fields.expect(OCTET_STRING, "issuerKeyHash")?.value;
    let serial = fields.expect(0x02, "serialNumber")?.value;
    fields.finish("CertID")?;
    // Negative and zero are readable and were never issued; what no serial may be is refused (RFC 5280 4.1.2.2).
    match serial {
        [] => return bad("serialNumber"),
        [0, next, ..] if *next < 0x80 => return bad("serialNumber is not minimal"),
        [0xff, next, ..] if *next >= 0x80 => return bad("serialNumber is not minimal"),
        long if long.len() > 21 => return bad("serialNumber is too long"),
        _ => {}
    }
    let hash = Hash::ALL.into_iter().find(|hash| hash.oid().as_bytes() == named);
    let form = hash.zip(null).map(|(hash, null)| Form { hash, null });
    Ok(CertId { whole: id.whole, form, name_hash, key_hash, serial })
}

/// One extension: its identifier, whether it is critical, its value.
fn read_extension<'a>(list: &mut Walk<'a>) -> Result<(&'a [u8], bool, &'a [u8]), BadRequest> {
    let mut extension = list.expect(SEQUENCE, "extension")?.inside("extension")?;
    let id = extension.expect(0x06, "extension")?.value;
    let critical = match extension.optional(0x01, "extension")? {
        None => false,
        // DEFAULT FALSE should not be written; OpenSSL 0.9 did.
        Some(flag) => match flag.value {
            [0] => false,
            [0xff] => true,
            _ => return bad("extension"),
        },
    };
    let value = extension.expect(OCTET_STRING, "extension")?.value;
    extension.finish("extension")?;
    Ok((id, critical, value))
}

fn read_extensions<'a>(mut outer: Walk<'a>, nonce_max: u8) -> Result<Option<&'a [u8]>, BadRequest> {
    let mut list = outer.expect(SEQUENCE, "requestExtensions")?.inside("requestExtensions")?;
    outer.finish("requestExtensions")?;
    let mut nonce = None;
    while !list.is_empty() {
        let (id, critical, value) = read_extension(&mut list)?;
        if id == oid::OCSP_NONCE.as_bytes() {
            if nonce.replace(check_nonce(value, nonce_max)?).is_some() {
                return bad("two nonces");
            }
        } else if critical && !is_known(id) {
            return bad("a critical extension that is not known");
        }
    }
    Ok(nonce)
}

/// What a client prefers or takes. There is one kind of answer and one algorithm for each issuer, so that nothing
/// can be chosen; a client that marks its wish as critical gets its answer too.
fn is_known(id: &[u8]) -> bool {
    id == oid::OCSP_RESPONSE.as_bytes() || id == oid::OCSP_PREFERRED_SIGNATURES.as_bytes()
}

/// An OCTET STRING of 1 to `longest` octets (RFC 8954 2.1, RFC 9654 2.1).
fn check_nonce(value: &[u8], longest: u8) -> Result<&[u8], BadRequest> {
    let mut inside = Walk::new(value, "nonce")?;
    let nonce = inside.expect(OCTET_STRING, "nonce")?.value;
    inside.finish("nonce")?;
    if (1..=usize::from(longest)).contains(&nonce.len()) { Ok(value) } else { bad("length of the nonce") }
}

/// The service locator asks to route the question elsewhere, which we do not; critical, it cannot be passed over.
fn read_single_extensions(mut outer: Walk<'_>) -> Result<(), BadRequest> {
    let mut list = outer.expect(SEQUENCE, "singleRequestExtensions")?.inside("singleRequestExtensions")?;
    outer.finish("singleRequestExtensions")?;
    while !list.is_empty() {
        if read_extension(&mut list)?.1 {
            return bad("a critical extension that is not known");
        }
    }
    Ok(())
}

/// The question in the address of a GET: what follows the responder's own path, as it stood in the request line.
///
/// Clients differ in how they put Base64 into an address. Taken: `/`, `+` and `=` escaped or not, escaped twice,
/// `+` that became a space, missing padding, the URL alphabet (`-`, `_`), line ends, and slashes in front (a
/// responder's address that ends in one). A question starts with octet 30, so its Base64 never starts with `/`.
///
/// # Errors
/// [`BadRequest`]: too long, or no Base64.
pub fn from_get_path(path: &str) -> Result<Vec<u8>, BadRequest> {
    if path.len() > LONGEST_PATH {
        return bad("longer than 8 KiB");
    }
    let mut text = unescape(path.trim_start_matches('/').as_bytes())?;
    if text.contains(&b'%') {
        text = unescape(&text)?;
    }
    text.retain(|c| !matches!(c, b'\r' | b'\n' | b'\t'));
    for c in &mut text {
        *c = match *c {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    // A slash escaped in front is one in front all the same.
    let start = text.iter().take_while(|c| **c == b'/').count();
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let der = GeneralPurpose::new(&alphabet::STANDARD, config).decode(&text[start..]);
    let der = der.map_err(|_| BadRequest { what: "no Base64 in the address" })?;
    if der.len() > LONGEST { bad("longer than 8 KiB") } else { Ok(der) }
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, BadRequest> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match after {
            [high, low, after @ ..] if let (Some(high), Some(low)) = (digit(*high), digit(*low)) => {
                out.push(high << 4 | low);
                rest = after;
            }
            _ => return bad("an escape in the address"),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
