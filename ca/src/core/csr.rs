//! Certificate requests: PKCS#10, RFC 2986.
//!
//! A request gives a key and names. Everything else in it (usages, constraints, lifetimes, challenge
//! passwords) is ignored, because the profile decides. Whoever controls the bytes can make us hash and
//! verify one signature over at most 64 KiB.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::{BadKey, PublicKey, SignatureAlgorithm};
use der::asn1::{Any, BitString, SetOfVec};
use der::{Decode, Reader, Sequence, SliceReader};
use pki_config::name::{BadName, DistinguishedName, SubjectAltName};
use pki_config::oid;
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;

/// The longest request that is read, in PEM or DER. Unit: octets.
pub const LONGEST_REQUEST: usize = 64 * 1024;

/// Why a request is refused. The caller's fault; nothing was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadRequest {
    /// Longer than [`LONGEST_REQUEST`].
    TooLong,
    /// Neither PEM of a certificate request nor DER.
    NotPem,
    /// Not well-formed; which part.
    Malformed(&'static str),
    /// The key is not accepted.
    Key(BadKey),
    /// The signature algorithm is not accepted.
    Algorithm,
    /// The signature does not verify under the key: possession is not proved.
    NoPossession {
        /// Whether the key is SM2, where a wrong signer's ID is the usual cause.
        sm2: bool,
    },
    /// A name in it is not accepted.
    Name(BadName),
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the request is longer than {LONGEST_REQUEST} octets"),
            Self::NotPem => f.write_str("expected a certificate request in PEM or DER"),
            Self::Malformed(part) => write!(f, "the request is not valid DER: {part}"),
            Self::Key(why) => write!(f, "{why}"),
            Self::Algorithm => f.write_str("the request is signed with an algorithm that is not accepted"),
            Self::NoPossession { sm2: false } => f.write_str("the request's signature does not verify under its key"),
            Self::NoPossession { sm2: true } => f.write_str(
                "the request's signature does not verify under its key; SM2 signatures are made with the signer's ID \
                 1234567812345678 (openssl: -sigopt distid:1234567812345678)",
            ),
            Self::Name(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for BadRequest {}

impl From<BadName> for BadRequest {
    fn from(why: BadName) -> Self {
        Self::Name(why)
    }
}

/// A key whose holder signed with it. Only [`ProvenRequest::read`] makes one.
#[derive(Debug, Clone)]
pub struct ProvenKey(PublicKey);

impl ProvenKey {
    /// The key of an authority's certificate that this key signed: whoever made it has the key. `None` for a certificate
    /// that others signed, that is no authority's, or that does not read.
    #[must_use]
    pub fn of_self_signed(certificate: &[u8]) -> Option<Self> {
        let certificate = crypto_pool::path::Cert::from_der(certificate).ok()?;
        let key = certificate.public_key().ok()?.clone();
        let authority = certificate.extensions().basic_constraints.is_some_and(|constraints| constraints.ca);
        let own = certificate.is_self_issued() && certificate.is_signed_by(&key);
        (authority && own).then_some(Self(key))
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0
    }
}

/// A request whose signature proves possession of its key, an accepted one.
#[derive(Debug, Clone)]
pub struct ProvenRequest {
    key: ProvenKey,
    subject: DistinguishedName,
    alt_names: SubjectAltName,
}

/// ```text
/// CertificationRequestInfo ::= SEQUENCE { version INTEGER v1(0), subject Name,
///     subjectPKInfo SubjectPublicKeyInfo, attributes [0] IMPLICIT SET OF Attribute }
/// ```
///
/// Some software leaves empty attributes out; that is read too.
#[derive(Sequence)]
struct Info {
    version: u8,
    subject: Any,
    spki: Any,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    attributes: Option<SetOfVec<Attribute>>,
}

impl ProvenRequest {
    /// Reads a request in PEM or DER and verifies it.
    ///
    /// # Errors
    /// [`BadRequest`] says why.
    pub fn read(bytes: &[u8]) -> Result<Self, BadRequest> {
        if bytes.len() > LONGEST_REQUEST {
            return Err(BadRequest::TooLong);
        }
        let der = if bytes.first() == Some(&0x30) { bytes.to_vec() } else { from_pem(bytes)? };
        let (info_der, algorithm, signature) = split(&der).map_err(|_| BadRequest::Malformed("the outer structure"))?;
        let info = Info::from_der(info_der).map_err(|_| BadRequest::Malformed("the request information"))?;
        if info.version != 0 {
            return Err(BadRequest::Malformed("the version"));
        }
        let spki = der::Encode::to_der(&info.spki).map_err(|_| BadRequest::Malformed("the key"))?;
        let key = PublicKey::from_spki(&spki).map_err(BadRequest::Key)?;
        let algorithm = SignatureAlgorithm::from_identifier(&algorithm).ok_or(BadRequest::Algorithm)?;
        let signature = signature.as_bytes().ok_or(BadRequest::Malformed("the signature"))?;
        if !key.verify(algorithm, info_der, signature) {
            return Err(BadRequest::NoPossession { sm2: algorithm == SignatureAlgorithm::Sm2Sm3 });
        }
        let subject = der::Encode::to_der(&info.subject).map_err(|_| BadRequest::Malformed("the subject"))?;
        let alt_names = info.attributes.as_ref().map_or(Ok(SubjectAltName::none()), requested_names)?;
        Ok(Self { key: ProvenKey(key), subject: DistinguishedName::from_der(&subject)?, alt_names })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key.0
    }

    /// The subject asked for. May be empty.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The alternative names asked for. May be empty.
    #[must_use]
    pub const fn alt_names(&self) -> &SubjectAltName {
        &self.alt_names
    }

    /// The key alone, for names that come from elsewhere.
    #[must_use]
    pub fn into_key(self) -> ProvenKey {
        self.key
    }

    pub(super) fn into_parts(self) -> (ProvenKey, DistinguishedName, SubjectAltName) {
        (self.key, self.subject, self.alt_names)
    }
}

/// What is signed of a request for this name (DER) and key (DER SubjectPublicKeyInfo), without attributes.
pub(crate) fn info(name: &[u8], spki: &[u8]) -> der::Result<Vec<u8>> {
    let (subject, spki) = (Any::from_der(name)?, Any::from_der(spki)?);
    der::Encode::to_der(&Info { version: 0, subject, spki, attributes: Some(SetOfVec::new()) })
}

/// The request: what was signed, the algorithm and the signature.
pub(crate) fn assemble(info: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> der::Result<Vec<u8>> {
    super::issue::assemble(info, algorithm, signature)
}

/// The three parts of a request, the first with its exact bytes: they are what was signed.
fn split(der: &[u8]) -> der::Result<(&[u8], AlgorithmIdentifierOwned, BitString)> {
    let mut outer = SliceReader::new(der)?;
    let parts = outer.sequence(|inner| {
        let info = inner.tlv_bytes()?;
        Ok::<_, der::Error>((info, inner.decode::<AlgorithmIdentifierOwned>()?, inner.decode::<BitString>()?))
    })?;
    outer.finish()?;
    Ok(parts)
}

/// The alternative names in the one extensionRequest attribute (RFC 2985 5.4.2), if there is one.
fn requested_names(attributes: &SetOfVec<Attribute>) -> Result<SubjectAltName, BadRequest> {
    const WRONG: BadRequest = BadRequest::Malformed("the requested extensions");
    let mut requests = attributes.iter().filter(|attribute| attribute.oid == oid::EXTENSION_REQUEST);
    let Some(request) = requests.next() else { return Ok(SubjectAltName::none()) };
    let (Some(value), 1, None) = (request.values.get(0), request.values.len(), requests.next()) else {
        return Err(WRONG);
    };
    let extensions: Vec<Extension> = value.decode_as().map_err(|_| WRONG)?;
    let mut names = extensions.iter().filter(|extension| extension.extn_id == oid::SUBJECT_ALT_NAME);
    match (names.next(), names.next()) {
        (None, _) => Ok(SubjectAltName::none()),
        (Some(names), None) => Ok(SubjectAltName::from_der(names.extn_value.as_bytes())?),
        (Some(_), Some(_)) => Err(WRONG),
    }
}

/// The DER in the first block of PEM. Text around it is allowed, as `openssl req -text` writes some.
fn from_pem(bytes: &[u8]) -> Result<Vec<u8>, BadRequest> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadRequest::NotPem)?;
    for label in ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"] {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        if let Some((_, rest)) = text.split_once(&begin)
            && let Some((body, _)) = rest.split_once(&end)
        {
            let body: String = body.split_ascii_whitespace().collect();
            return STANDARD.decode(body).map_err(|_| BadRequest::NotPem);
        }
    }
    Err(BadRequest::NotPem)
}

#[cfg(test)]
mod tests;
