//! What a responder's key may sign as an OCSP answer: a `ResponseData` (RFC 6960 4.2.1) that speaks in this key's
//! name, about now, for a bounded time. What it says of whom is the service's; that it is an answer and nothing else
//! is checked here.

use std::time::Duration;

use aws_lc_rs::digest;
use pki_config::{Instant, oid};

use super::Refusal;
use crate::key::KeyRecord;
use crate::tlv::{self, BadDer, Reader, Tlv};

/// How far times may lie ahead of the clock: none of ours is, but seconds are rounded.
const AHEAD: Duration = Duration::from_secs(1);
/// How old producedAt may be: a batch that waited in the queue.
const OLD: Duration = Duration::from_secs(300);
/// Longest life of an answer (CA/Browser BR 4.9.9).
const LONGEST: Duration = Duration::from_secs(10 * 86_400);
/// Most certificates in one answer, and most extensions in one place.
const MOST: usize = 64;

/// ```text
/// ResponseData ::= SEQUENCE { responderID [2] EXPLICIT OCTET STRING, producedAt GeneralizedTime,
///                             responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT OPTIONAL }
/// ```
pub(super) fn check(der: &[u8], record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    let mut data = tlv::single(der, tlv::SEQUENCE, "OCSP answer")?.inside();
    let responder = data.expect(0xa2, "responderID")?;
    let id = tlv::single(responder.value, tlv::OCTET_STRING, "responderID")?.value;
    if id != sha1_of_key(&record.spki)? {
        return Err(Refusal::Issuer);
    }
    let produced = data.expect(tlv::GENERALIZED_TIME, "producedAt")?.time()?;
    if produced > now.plus(AHEAD) || produced.plus(OLD) < now {
        return Err(Refusal::Times);
    }
    let mut list = data.expect(tlv::SEQUENCE, "responses")?.inside();
    if let Some(extensions) = data.optional(0xa1)? {
        check_extensions(extensions)?;
    }
    data.finish("OCSP answer")?;
    let mut count = 0;
    while !list.is_empty() {
        count += 1;
        check_single(list.expect(tlv::SEQUENCE, "SingleResponse")?, produced, record)?;
    }
    if (1..=MOST).contains(&count) { Ok(()) } else { tlv::bad("number of responses").map_err(Refusal::from) }
}

/// ```text
/// SingleResponse ::= SEQUENCE { certID SEQUENCE { AlgorithmIdentifier, OCTET STRING, OCTET STRING, INTEGER },
///   CHOICE { good [0] NULL, revoked [1] { GeneralizedTime, [0] EXPLICIT ENUMERATED OPTIONAL }, unknown [2] NULL },
///   thisUpdate GeneralizedTime, nextUpdate [0] EXPLICIT GeneralizedTime, [1] EXPLICIT Extensions OPTIONAL }
/// ```
fn check_single(single: Tlv<'_>, produced: Instant, record: &KeyRecord) -> Result<(), Refusal> {
    let mut fields = single.inside();
    let mut id = fields.expect(tlv::SEQUENCE, "CertID")?.inside();
    id.expect(tlv::SEQUENCE, "CertID")?;
    id.expect(tlv::OCTET_STRING, "CertID")?;
    id.expect(tlv::OCTET_STRING, "CertID")?;
    id.expect(tlv::INTEGER, "CertID")?;
    id.finish("CertID")?;
    let status = fields.any()?;
    match (status.tag, status.value) {
        (0x80 | 0x82, []) => {}
        (0xa1, _) => {
            let mut revoked = status.inside();
            let at = revoked.expect(tlv::GENERALIZED_TIME, "revocationTime")?.time()?;
            if let Some(reason) = revoked.optional(0xa0)? {
                tlv::single(reason.value, tlv::ENUMERATED, "revocationReason")?;
            }
            revoked.finish("RevokedInfo")?;
            if at > produced.plus(AHEAD) {
                return Err(Refusal::Times);
            }
        }
        _ => return tlv::bad("certStatus").map_err(Refusal::from),
    }
    let this_update = fields.expect(tlv::GENERALIZED_TIME, "thisUpdate")?.time()?;
    // Without a nextUpdate an answer would never end (RFC 6960 4.2.2.1 lets it; nobody should sign that).
    let next_update = fields.expect(0xa0, "nextUpdate")?.value;
    let next_update = tlv::single(next_update, tlv::GENERALIZED_TIME, "nextUpdate")?.time()?;
    if let Some(extensions) = fields.optional(0xa1)? {
        check_extensions(extensions)?;
    }
    fields.finish("SingleResponse")?;
    if this_update > produced || next_update <= produced || next_update > produced.plus(LONGEST) {
        return Err(Refusal::Times);
    }
    let outlasts = record.not_after.is_some_and(|end| end.whole_second() < next_update);
    if outlasts { Err(Refusal::Period) } else { Ok(()) }
}

/// None critical: an answer must be readable by every client.
fn check_extensions(extensions: Tlv<'_>) -> Result<(), Refusal> {
    let mut list = tlv::single(extensions.value, tlv::SEQUENCE, "extensions")?.inside();
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let mut extension = list.expect(tlv::SEQUENCE, "extension")?.inside();
        let id = extension.expect(tlv::OID, "extension")?.value;
        let value = extension.expect(tlv::OCTET_STRING, "extension")?.value;
        extension.finish("extension")?;
        if seen.contains(&id) || seen.len() == MOST {
            return tlv::bad("extension twice").map_err(Refusal::from);
        }
        if id == oid::OCSP_NONCE.as_bytes() {
            // What the asker chose: bounded, and an OCTET STRING whatever it holds (RFC 9654 2.1).
            let nonce = tlv::single(value, tlv::OCTET_STRING, "nonce")?.value;
            if !(1..=128).contains(&nonce.len()) {
                return tlv::bad("nonce").map_err(Refusal::from);
            }
        }
        seen.push(id);
    }
    Ok(())
}

/// RFC 6960 4.2.1 `KeyHash`: SHA-1 of the key's BIT STRING without the octet of unused bits.
fn sha1_of_key(spki: &[u8]) -> Result<[u8; 20], BadDer> {
    let mut inside = tlv::single(spki, tlv::SEQUENCE, "key")?.inside();
    inside.expect(tlv::SEQUENCE, "key algorithm")?;
    let bits = Reader::expect(&mut inside, tlv::BIT_STRING, "key bits")?.whole_bits()?;
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bits).as_ref());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::KeyAlgorithm;
    use crate::fixture::cert;
    use crate::key::{KeyState, Purpose};
    use crate::to_sign::ToSign;
    use pki_config::{KeyId, TenantId};

    fn now() -> Instant {
        "2027-01-01T00:00:00Z".parse().unwrap()
    }

    fn record() -> KeyRecord {
        let cert = cert("sm2-leaf");
        KeyRecord {
            id: KeyId::from_bytes([1; 16]),
            tenant: TenantId::house(),
            purpose: Purpose::Ocsp,
            algorithm: KeyAlgorithm::Sm2,
            spki: cert.spki().to_vec(),
            state: KeyState::Active,
            created: now(),
            subject: None,
            key_id: [0; 20],
            not_before: None,
            not_after: None,
        }
    }

    fn time(text: &str) -> Vec<u8> {
        tlv::write(tlv::GENERALIZED_TIME, &[text.as_bytes()])
    }

    /// An answer with these parts, of this key: producedAt, status, thisUpdate, nextUpdate, extensions.
    fn answer(produced: &str, status: &[u8], this: &str, next: &str, extensions: &[u8]) -> Vec<u8> {
        let algorithm = tlv::write(tlv::SEQUENCE, &[&[6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0]]);
        let hash = tlv::write(tlv::OCTET_STRING, &[&[7; 20]]);
        let id = tlv::write(tlv::SEQUENCE, &[&algorithm, &hash, &hash, &[2, 1, 9]]);
        let next = tlv::write(0xa0, &[&time(next)]);
        let single = tlv::write(tlv::SEQUENCE, &[&id, status, &time(this), &next]);
        let responses = tlv::write(tlv::SEQUENCE, &[&single]);
        let key = tlv::write(tlv::OCTET_STRING, &[&sha1_of_key(&record().spki).unwrap()]);
        tlv::write(tlv::SEQUENCE, &[&tlv::write(0xa2, &[&key]), &time(produced), &responses, extensions])
    }

    fn sound() -> Vec<u8> {
        answer("20270101000000Z", &[0x80, 0], "20270101000000Z", "20270101120000Z", &[])
    }

    fn check_one(der: &[u8], record: &KeyRecord) -> Result<(), Refusal> {
        ToSign::Ocsp(der.to_vec()).check(record, now(), None)
    }

    #[test]
    fn an_answer_in_the_keys_own_name_is_signed_and_no_other() {
        assert_eq!(check_one(&sound(), &record()), Ok(()));
        let mut other = sound();
        let place = other.windows(2).position(|w| w == [0x04, 20]).unwrap() + 2;
        other[place] ^= 1;
        assert_eq!(check_one(&other, &record()), Err(Refusal::Issuer));
    }

    #[test]
    fn only_an_active_key_for_ocsp_signs_answers() {
        for purpose in Purpose::ALL {
            let record = KeyRecord { purpose: *purpose, ..record() };
            assert_eq!(check_one(&sound(), &record).is_ok(), *purpose == Purpose::Ocsp, "{purpose}");
        }
        for state in KeyState::ALL {
            let record = KeyRecord { state: *state, ..record() };
            assert_eq!(check_one(&sound(), &record).is_ok(), *state == KeyState::Active, "{state}");
        }
    }

    #[test]
    fn times_that_contradict_the_clock_or_each_other_are_refused() {
        for (produced, this, next) in [
            ("20270101000002Z", "20270101000000Z", "20270101120000Z"),
            ("20261231235459Z", "20261231235459Z", "20270101120000Z"),
            ("20270101000000Z", "20270101000001Z", "20270101120000Z"),
            ("20270101000000Z", "20261231000000Z", "20270101000000Z"),
            ("20270101000000Z", "20270101000000Z", "20270111000001Z"),
        ] {
            let der = answer(produced, &[0x80, 0], this, next, &[]);
            assert_eq!(check_one(&der, &record()), Err(Refusal::Times), "{produced} {this} {next}");
        }
        let old_crl = answer("20270101000000Z", &[0x80, 0], "20261225000000Z", "20270101120000Z", &[]);
        assert_eq!(check_one(&old_crl, &record()), Ok(()));
    }

    #[test]
    fn an_answer_does_not_outlast_its_responder() {
        let until = |text: &str| KeyRecord { not_after: Some(text.parse().unwrap()), ..record() };
        assert_eq!(check_one(&sound(), &until("2027-01-01T12:00:00Z")), Ok(()));
        assert_eq!(check_one(&sound(), &until("2027-01-01T11:59:59Z")), Err(Refusal::Period));
    }

    #[test]
    fn a_revocation_in_the_future_and_a_status_unheard_of_are_refused() {
        let revoked = |at: &str| tlv::write(0xa1, &[&time(at), &[0xa0, 3, 0x0a, 1, 1]]);
        let with = |status: &[u8]| answer("20270101000000Z", status, "20270101000000Z", "20270101120000Z", &[]);
        assert_eq!(check_one(&with(&revoked("20261231000000Z")), &record()), Ok(()));
        assert_eq!(check_one(&with(&revoked("20270101000100Z")), &record()), Err(Refusal::Times));
        for status in [&[0x83, 0][..], &[0x80, 1, 0], &[0x05, 0]] {
            assert!(check_one(&with(status), &record()).is_err(), "{status:x?}");
        }
    }

    #[test]
    fn a_nonce_is_bounded_and_nothing_is_critical() {
        let nonce = |length: usize| {
            let value = tlv::write(tlv::OCTET_STRING, &[&tlv::write(tlv::OCTET_STRING, &[&vec![9; length]])]);
            tlv::write(tlv::OID, &[oid::OCSP_NONCE.as_bytes()]).into_iter().chain(value).collect::<Vec<u8>>()
        };
        let with = |extension: &[u8]| {
            let list = tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::SEQUENCE, &[extension])]);
            answer("20270101000000Z", &[0x80, 0], "20270101000000Z", "20270101120000Z", &tlv::write(0xa1, &[&list]))
        };
        assert_eq!(check_one(&with(&nonce(32)), &record()), Ok(()));
        assert!(check_one(&with(&nonce(0)), &record()).is_err());
        assert!(check_one(&with(&nonce(129)), &record()).is_err());
        let critical = [&[6, 1, 0x55, 1, 1, 0xff][..], &[4, 0]].concat();
        assert!(check_one(&with(&critical), &record()).is_err());
    }

    #[test]
    fn no_change_of_an_answer_makes_the_check_panic_and_no_cut_passes() {
        let sound = sound();
        for place in 0..sound.len() {
            for value in [0, 0x30, 0x80, 0xa1, 0xff] {
                let mut bytes = sound.clone();
                bytes[place] = value;
                let _ = check_one(&bytes, &record());
            }
            assert!(check_one(&sound[..place], &record()).is_err());
        }
        // A certificate is no answer, and an answer is no certificate.
        assert!(check_one(cert("sm2-leaf").tbs(), &record()).is_err());
        let issuer = KeyRecord { purpose: Purpose::CertificateAuthority, ..record() };
        assert!(ToSign::Certificate(sound).check(&issuer, now(), None).is_err());
    }
}
