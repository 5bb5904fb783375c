//! What an issuer's key may sign as a certificate.

use der::{Decode, Encode};
use pki_config::Instant;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage};

use super::{LONGEST_CERTIFICATE, Refusal};
use crate::algorithm::SignatureAlgorithm;
use crate::key::KeyRecord;
use crate::kms::Ceremony;
use crate::path::Cert;
use crate::tlv::{self, BadDer};

const MALFORMED: Refusal = Refusal::Malformed(BadDer { what: "certificate" });

pub(super) fn check(der: &[u8], record: &KeyRecord, now: Instant, ceremony: Option<&Ceremony>) -> Result<(), Refusal> {
    if der.len() > LONGEST_CERTIFICATE {
        return tlv::bad("certificate is too long").map_err(Refusal::from);
    }
    let tbs = TbsCertificate::from_der(der).map_err(|_| MALFORMED)?;
    // What we read is what others will read: no second reading of these bytes is possible.
    if tbs.to_der().map_err(|_| MALFORMED)? != der || tbs.version() != Version::V3 {
        return Err(MALFORMED);
    }
    let algorithm = SignatureAlgorithm::for_key(record.algorithm);
    refuse_unreadable(der, algorithm)?;
    let name = record.subject.as_deref().ok_or(Refusal::NoSubject)?;
    if tbs.issuer().to_der().map_err(|_| MALFORMED)? != name {
        return Err(Refusal::Issuer);
    }
    if *tbs.signature() != algorithm.identifier() {
        return Err(Refusal::Algorithm);
    }
    let spki = tbs.subject_public_key_info().to_der().map_err(|_| MALFORMED)?;
    let self_signed = spki == record.spki && tbs.subject() == tbs.issuer();
    check_authority_key_id(&tbs, record, self_signed)?;
    check_validity(&tbs, record)?;
    let own_name_or_key = spki == record.spki || tbs.subject() == tbs.issuer();
    check_ca(&tbs, own_name_or_key, now, ceremony)
}

/// Our own validator must be able to read what we sign: among other things no extension stands twice
/// (RFC 5280 4.2) and each has the form its kind asks for.
fn refuse_unreadable(der: &[u8], algorithm: SignatureAlgorithm) -> Result<(), Refusal> {
    let no_signature = [tlv::BIT_STRING, 1, 0];
    let whole = tlv::write(tlv::SEQUENCE, &[der, algorithm.identifier_der(), &no_signature]);
    Cert::from_der(&whole)?;
    Ok(())
}

fn check_authority_key_id(tbs: &TbsCertificate, record: &KeyRecord, self_signed: bool) -> Result<(), Refusal> {
    match tbs.get_extension::<AuthorityKeyIdentifier>().map_err(|_| MALFORMED)? {
        // RFC 5280 4.2.1.1: only a self-signed certificate may leave it out.
        None if self_signed => Ok(()),
        Some((_, id))
            if id.authority_cert_issuer.is_none()
                && id.authority_cert_serial_number.is_none()
                && id.key_identifier.as_ref().is_some_and(|key| key.as_bytes() == record.key_id) =>
        {
            Ok(())
        }
        _ => Err(Refusal::AuthorityKeyId),
    }
}

fn check_validity(tbs: &TbsCertificate, record: &KeyRecord) -> Result<(), Refusal> {
    let not_before = Instant::from_der_time(tbs.validity().not_before).map_err(|_| Refusal::Times)?;
    let not_after = Instant::from_der_time(tbs.validity().not_after).map_err(|_| Refusal::Times)?;
    if not_before > not_after {
        return Err(Refusal::Times);
    }
    if record.not_after.is_some_and(|end| end.whole_second() < not_after) { Err(Refusal::Period) } else { Ok(()) }
}

/// Whatever could make its holder an issuer, or pass for this issuer, needs a ceremony.
fn check_ca(
    tbs: &TbsCertificate,
    own_name_or_key: bool,
    now: Instant,
    ceremony: Option<&Ceremony>,
) -> Result<(), Refusal> {
    let constraints = tbs.get_extension::<BasicConstraints>().map_err(|_| MALFORMED)?;
    let is_ca = constraints.is_some_and(|(_, constraints)| constraints.ca);
    let usage = tbs.get_extension::<KeyUsage>().map_err(|_| MALFORMED)?;
    if !is_ca && usage.is_some_and(|(_, usage)| usage.key_cert_sign() || usage.crl_sign()) {
        return Err(Refusal::CaUsageWithoutCa);
    }
    let needed = is_ca || own_name_or_key;
    if needed && !ceremony.is_some_and(|ceremony| ceremony.is_open_at(now)) {
        return Err(Refusal::CaWithoutCeremony);
    }
    Ok(())
}
