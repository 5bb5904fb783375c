//! What an issuer's key may sign as a certificate request: its own name and its own key, and nothing more.
//!
//! Such a request can be read as no other structure an issuer signs: a certificate of version 3 begins with `[0]`, and a
//! revocation list with version 1 where this has 0.

use super::Refusal;
use crate::key::KeyRecord;
use crate::tlv;

/// ```text
/// CertificationRequestInfo ::= SEQUENCE { version INTEGER v1(0), subject Name,
///     subjectPKInfo SubjectPublicKeyInfo, attributes [0] IMPLICIT SET OF Attribute }
/// ```
///
/// The attributes are empty: whoever signs the certificate decides what stands in it.
pub(super) fn check(der: &[u8], record: &KeyRecord) -> Result<(), Refusal> {
    let mut info = tlv::single(der, tlv::SEQUENCE, "certificate request")?.inside();
    if info.expect(tlv::INTEGER, "certificate request version")?.small()? != 0 {
        return tlv::bad("certificate request version").map_err(Refusal::from);
    }
    let subject = info.expect(tlv::SEQUENCE, "certificate request subject")?;
    if record.subject.as_deref().ok_or(Refusal::NoSubject)? != subject.whole {
        return Err(Refusal::Issuer);
    }
    let key = info.expect(tlv::SEQUENCE, "certificate request key")?;
    if key.whole != record.spki {
        return Err(Refusal::Signer);
    }
    if !info.expect(0xa0, "certificate request attributes")?.value.is_empty() {
        return Err(Refusal::Attributes);
    }
    info.finish("certificate request")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    fn info(version: u8, subject: &[u8], spki: &[u8], attributes: &[u8]) -> Vec<u8> {
        let parts = [&tlv::write(tlv::INTEGER, &[&[version]])[..], subject, spki, &tlv::write(0xa0, &[attributes])];
        tlv::write(tlv::SEQUENCE, &parts)
    }

    #[test]
    fn a_request_is_for_the_keys_own_name_and_nothing_else() {
        let record = record("sm2-sub");
        let name = record.subject.clone().unwrap();
        let other = [0x30, 0];
        assert_eq!(check(&info(0, &name, &record.spki, &[]), &record), Ok(()));
        assert!(check(&info(1, &name, &record.spki, &[]), &record).is_err());
        assert_eq!(check(&info(0, &other, &record.spki, &[]), &record), Err(Refusal::Issuer));
        assert_eq!(check(&info(0, &name, &name, &[]), &record), Err(Refusal::Signer));
        assert_eq!(check(&info(0, &name, &record.spki, &[0x30, 0]), &record), Err(Refusal::Attributes));
        assert!(check(&[], &record).is_err());
        let nameless = KeyRecord { subject: None, ..record.clone() };
        assert_eq!(check(&info(0, &name, &record.spki, &[]), &nameless), Err(Refusal::NoSubject));
    }
}
