//! The answer: read strictly, and believed only if everything RFC 6960 3.2 asks for holds.

use std::fmt;
use std::time::Duration;

use crypto_pool::SignatureAlgorithm;
use crypto_pool::path::Cert;
use der::asn1::{BitString, GeneralizedTime, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode, Enumerated, Sequence, Tag, Tagged as _};
use pki_config::status::Reason;
use pki_config::{Instant, oid};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::request::{CertId, NONCE, sha1};

/// Largest answer that is read. Unit: bytes.
pub(super) const LARGEST: usize = 64 * 1024;
/// How far clocks may differ. Longer would make an answer from the future look current.
const SKEW: Duration = Duration::from_secs(300);
/// id-pkix-ocsp-basic.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

/// RFC 6960 4.2.1; 4 is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum ResponseStatus {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
struct OcspResponse {
    status: ResponseStatus,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes>,
}

#[derive(Sequence)]
struct ResponseBytes {
    kind: ObjectIdentifier,
    response: OctetString,
}

#[derive(Sequence)]
struct BasicResponse {
    /// Kept as received: the signature is over exactly these bytes.
    data: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certs: Option<Vec<Any>>,
}

#[derive(Sequence)]
struct ResponseData {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    /// `[1] Name` or `[2] OCTET STRING`.
    responder: Any,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct SingleResponse {
    cert: CertId,
    /// `[0] NULL` good, `[1] RevokedInfo`, `[2] NULL` unknown.
    status: Any,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct RevokedInfo {
    at: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<CrlReason>,
}

/// RFC 5280 5.3.1; 7 is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum CrlReason {
    Unspecified = 0,
    KeyCompromise = 1,
    CaCompromise = 2,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,
    CertificateHold = 6,
    RemoveFromCrl = 8,
    PrivilegeWithdrawn = 9,
    AaCompromise = 10,
}

/// What an answer says of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Issued and not revoked.
    Good,
    /// Revoked, or held.
    Revoked {
        /// Since when.
        at: Instant,
        /// Why, if the answer says so and we know the word.
        reason: Option<Reason>,
    },
    /// The responder does not know it: never issued there, or another authority's.
    Unknown,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// An answer whose every check passed.
#[derive(Debug, Clone)]
pub(super) struct Believed {
    pub(super) status: Status,
    pub(super) this_update: Instant,
    pub(super) next_update: Option<Instant>,
    pub(super) produced_at: Instant,
    /// The certificate whose key signed.
    pub(super) responder: Cert,
    /// Whether that is the issuer itself rather than one it delegated to.
    pub(super) by_issuer: bool,
}

/// Why an answer is not believed. The responder's fault, or somebody's in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No OCSP response, or not DER.
    Form,
    /// The responder refused: its word for why.
    Refused(&'static str),
    /// It says nothing of this certificate.
    OtherCertificate,
    /// The signer is neither the issuer nor one it delegated to.
    Unauthorised,
    /// The signature is not the signer's.
    Signature,
    /// Not yet, or no longer.
    Time { this_update: Instant, next_update: Option<Instant> },
    /// Another nonce than ours, or none.
    Nonce,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("what came is no OCSP answer"),
            Self::Refused(why) => write!(f, "the responder refuses: {why}"),
            Self::OtherCertificate => f.write_str("the answer is about another certificate"),
            Self::Unauthorised => f.write_str("the signer is neither the issuer nor delegated by it"),
            Self::Signature => f.write_str("the signature is wrong"),
            Self::Time { this_update, next_update: Some(next) } => {
                write!(f, "the answer is for {this_update} to {next}, which is not now")
            }
            Self::Time { this_update, next_update: None } => {
                write!(f, "the answer is for {this_update} and does not say how long it counts")
            }
            Self::Nonce => f.write_str("the answer does not carry the nonce of the question"),
        }
    }
}

fn instant(time: &GeneralizedTime) -> Result<Instant, Doubt> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| Doubt::Form)?;
    Instant::from_unix_seconds(seconds).map_err(|_| Doubt::Form)
}

/// Reads and checks an answer about `cert` of `issuer`, asked with `asked` and `nonce`.
///
/// # Errors
/// [`Doubt`]: the first check that failed.
pub(super) fn check(
    der: &[u8],
    asked: &CertId,
    nonce: Option<&[u8]>,
    issuer: &Cert,
    now: Instant,
) -> Result<Believed, Doubt> {
    if der.len() > LARGEST {
        return Err(Doubt::Form);
    }
    let response = OcspResponse::from_der(der).map_err(|_| Doubt::Form)?;
    let bytes = match (response.status, response.bytes) {
        (ResponseStatus::Successful, Some(bytes)) if bytes.kind == BASIC => bytes,
        (ResponseStatus::Successful, _) => return Err(Doubt::Form),
        (ResponseStatus::MalformedRequest, _) => return Err(Doubt::Refused("it cannot read the question")),
        (ResponseStatus::InternalError, _) => return Err(Doubt::Refused("something failed inside it")),
        (ResponseStatus::TryLater, _) => return Err(Doubt::Refused("try later")),
        (ResponseStatus::SigRequired, _) => return Err(Doubt::Refused("it takes signed questions only")),
        (ResponseStatus::Unauthorized, _) => return Err(Doubt::Refused("it does not answer for this issuer")),
    };
    let basic = BasicResponse::from_der(bytes.response.as_bytes()).map_err(|_| Doubt::Form)?;
    let signed = basic.data.to_der().map_err(|_| Doubt::Form)?;
    let data = ResponseData::from_der(&signed).map_err(|_| Doubt::Form)?;
    if data.version.is_some_and(|version| version != 0) {
        return Err(Doubt::Form);
    }
    let single = data.responses.iter().find(|one| one.cert.is(asked)).ok_or(Doubt::OtherCertificate)?;
    let (responder, by_issuer) = responder(&data.responder, basic.certs.as_deref(), issuer, now)?;
    let identifier = basic.algorithm.to_der().map_err(|_| Doubt::Form)?;
    let key = responder.public_key().map_err(|_| Doubt::Unauthorised)?;
    let signature = basic.signature.as_bytes().ok_or(Doubt::Form)?;
    let algorithm = SignatureAlgorithm::from_identifier_der(&identifier);
    if !algorithm.is_some_and(|algorithm| key.verify_tolerant(algorithm, &signed, signature)) {
        return Err(Doubt::Signature);
    }
    if let Some(nonce) = nonce {
        let found = data.extensions.iter().flatten().find(|e| e.extn_id == NONCE);
        let inner = found.and_then(|e| OctetString::from_der(e.extn_value.as_bytes()).ok());
        if inner.is_none_or(|inner| inner.as_bytes() != nonce) {
            return Err(Doubt::Nonce);
        }
    }
    let this_update = instant(&single.this_update)?;
    let next_update = single.next_update.as_ref().map(instant).transpose()?;
    if this_update > now.plus(SKEW) || next_update.is_some_and(|next| next < now || next < this_update) {
        return Err(Doubt::Time { this_update, next_update });
    }
    let status = status(&single.status)?;
    Ok(Believed { status, this_update, next_update, produced_at: instant(&data.produced_at)?, responder, by_issuer })
}

fn status(status: &Any) -> Result<Status, Doubt> {
    match status.tag() {
        Tag::ContextSpecific { constructed: false, number } if status.value().is_empty() => match number.value() {
            0 => Ok(Status::Good),
            2 => Ok(Status::Unknown),
            _ => Err(Doubt::Form),
        },
        Tag::ContextSpecific { constructed: true, number } if number.value() == 1 => {
            let info = Any::new(Tag::Sequence, status.value()).and_then(|any| any.decode_as::<RevokedInfo>());
            let info = info.map_err(|_| Doubt::Form)?;
            let reason = info.reason.and_then(|reason| Reason::from_code(reason as u8));
            Ok(Status::Revoked { at: instant(&info.at)?, reason })
        }
        _ => Err(Doubt::Form),
    }
}

/// Who may have signed: the issuer itself, or a certificate that it issued for this purpose
/// (RFC 6960 4.2.2.2). The answer carries the delegated one; nobody else's is believed, a chain
/// above it neither.
fn responder(id: &Any, certs: Option<&[Any]>, issuer: &Cert, now: Instant) -> Result<(Cert, bool), Doubt> {
    let named = |cert: &Cert| match id.tag() {
        Tag::ContextSpecific { constructed: true, number } if number.value() == 1 => id.value() == cert.subject(),
        Tag::ContextSpecific { constructed: true, number } if number.value() == 2 => {
            let hash = OctetString::from_der(id.value());
            hash.is_ok_and(|hash| key_bits(cert).is_some_and(|key| sha1(&key) == hash.as_bytes()))
        }
        _ => false,
    };
    if named(issuer) {
        return Ok((issuer.clone(), true));
    }
    let key = issuer.public_key().map_err(|_| Doubt::Unauthorised)?;
    let mut given =
        certs.unwrap_or_default().iter().take(8).filter_map(|any| Cert::from_der_tolerant(&any.to_der().ok()?).ok());
    let delegated = |cert: &Cert| {
        let uses = cert.extensions().ext_key_usage.as_deref().unwrap_or_default();
        cert.issuer() == issuer.subject()
            && uses.contains(&oid::KP_OCSP_SIGNING)
            && cert.extensions().key_usage.is_none_or(|usage| usage.digital_signature())
            && (cert.not_before()..=cert.not_after()).contains(&now)
            && cert.is_signed_by(key)
    };
    given.find(|cert| named(cert) && delegated(cert)).map(|cert| (cert, false)).ok_or(Doubt::Unauthorised)
}

fn key_bits(cert: &Cert) -> Option<Vec<u8>> {
    let spki = x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(cert.spki()).ok()?;
    Some(spki.subject_public_key.raw_bytes().to_vec())
}
