//! What ties a certificate to its issuer and its key.

use der::Encode;
use pki_config::oid;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};

use super::Lint;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("issuer_dn_bytes", "5280 4.1.2.4; BR 7.1.4.1", issuer_dn_bytes),
    Lint::error("self_signed_names", "5280 3.2", self_signed_names),
    Lint::error("aki_mismatch", "5280 4.2.1.1; BR 7.1.2.11.1", aki_mismatch),
    Lint::error("ski_mismatch", "5280 4.2.1.2; 7093 2", ski_mismatch),
];

fn issuer_dn_bytes(view: &View<'_>) -> Option<String> {
    let same = view.tbs.issuer.to_der().is_ok_and(|name| name == view.issuer.name);
    found(!same, "the issuer is not, byte for byte, the subject of the issuer's certificate")
}

/// A root's two names are one; nobody else has its issuer's name.
fn self_signed_names(view: &View<'_>) -> Option<String> {
    let same = view.tbs.issuer == view.tbs.subject;
    match (view.issuer.self_signed, same) {
        (true, false) => Some("issuer and subject of a root differ".to_owned()),
        (false, true) => Some("the subject has the issuer's name".to_owned()),
        _ => None,
    }
}

fn aki_mismatch(view: &View<'_>) -> Option<String> {
    view.extension(oid::AUTHORITY_KEY_ID)?;
    let authority: Option<AuthorityKeyIdentifier> = view.value(oid::AUTHORITY_KEY_ID);
    let same = authority.is_some_and(|a| {
        a.key_identifier.is_some_and(|id| id.as_bytes() == view.issuer.key.key_id())
            && a.authority_cert_issuer.is_none()
            && a.authority_cert_serial_number.is_none()
    });
    found(!same, "the authority key identifier is not the issuer's subject key identifier alone")
}

fn ski_mismatch(view: &View<'_>) -> Option<String> {
    view.extension(oid::SUBJECT_KEY_ID)?;
    let subject: Option<SubjectKeyIdentifier> = view.value(oid::SUBJECT_KEY_ID);
    let wanted = view.key.as_ref().ok()?.key_id();
    found(subject.is_none_or(|s| s.0.as_bytes() != wanted), "the subject key identifier is not this key's")
}

#[cfg(test)]
mod tests {
    use der::Decode;
    use der::asn1::Any;
    use pki_config::name::DistinguishedName;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes};

    fn name(text: &str) -> Any {
        Any::from_der(&text.parse::<DistinguishedName>().unwrap().to_der()).unwrap()
    }

    #[test]
    fn the_issuer_is_byte_equal_to_its_subject() {
        passes("issuer_dn_bytes", BuiltIn::TlsServer);
        // The same name in other letter case matches by RFC 5280 7.1, and is refused all the same.
        fails("issuer_dn_bytes", BuiltIn::TlsServer, |tbs| tbs.issuer = name("CN=EXAMPLE ISSUING,O=Example,C=CN"));
    }

    #[test]
    fn only_a_root_is_its_own_issuer() {
        passes("self_signed_names", BuiltIn::Root);
        passes("self_signed_names", BuiltIn::SubCa);
        fails("self_signed_names", BuiltIn::Root, |tbs| tbs.subject = name("CN=other,O=Example"));
        fails("self_signed_names", BuiltIn::SubCa, |tbs| tbs.subject = tbs.issuer.clone());
    }

    #[test]
    fn the_authority_key_identifier_is_the_issuers() {
        passes("aki_mismatch", BuiltIn::TlsServer);
        let other = [&[0x30, 0x16, 0x80, 0x14][..], &[7; 20]].concat();
        fails("aki_mismatch", BuiltIn::TlsServer, |tbs| edit(tbs, oid::AUTHORITY_KEY_ID, &other));
        // With authorityCertSerialNumber added.
        fails("aki_mismatch", BuiltIn::TlsServer, |tbs| {
            let all = tbs.extensions.as_mut().unwrap();
            let place = all.iter().position(|e| e.extn_id == oid::AUTHORITY_KEY_ID).unwrap();
            let mut value = all[place].extn_value.as_bytes().to_vec();
            value[1] += 3;
            value.extend([0x82, 0x01, 0x05]);
            edit(tbs, oid::AUTHORITY_KEY_ID, &value);
        });
    }

    #[test]
    fn the_subject_key_identifier_is_the_keys() {
        passes("ski_mismatch", BuiltIn::TlsServer);
        let other = [&[0x04, 0x14][..], &[7; 20]].concat();
        fails("ski_mismatch", BuiltIn::TlsServer, |tbs| edit(tbs, oid::SUBJECT_KEY_ID, &other));
    }
}
