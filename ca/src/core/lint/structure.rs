//! Structure: DER, version, which extensions, algorithms.

use const_oid::ObjectIdentifier as Oid;
use der::Encode;
use pki_config::oid;
use pki_config::profile::Presence;
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, CrlDistributionPoints,
    ExtendedKeyUsage, NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};

use super::Lint;
use super::view::{View, found};
use crate::core::issuer::kind_of;

/// The rule that is broken when the bytes cannot be read at all.
pub(super) const NOT_CANONICAL: (&str, &str) = ("der_not_canonical", "X.690 10, 11");

pub(super) const LINTS: &[Lint] = &[
    Lint::error("der_reencode_differs", "own", der_reencode_differs),
    Lint::error("version_unique_id", "5280 4.1.2.1, 4.1.2.8; BR 7.1.2", version_unique_id),
    Lint::error("ext_duplicate", "5280 4.2", ext_duplicate),
    Lint::error("ext_not_in_profile", "BR 7.1.2.11.5", ext_not_in_profile),
    Lint::error("ext_presence", "BR 7.1.2", ext_presence),
    Lint::error("ext_criticality", "5280 4.2.1; BR 7.1.2", ext_criticality),
    Lint::error("alg_bytes", "BR 7.1.3; GM/T 0015", alg_bytes),
    Lint::error("sig_alg_for_key", "BR 7.1.3.2", sig_alg_for_key),
];

/// Decoding and encoding again must give the same bytes, in the whole and in each known extension.
fn der_reencode_differs(view: &View<'_>) -> Option<String> {
    if view.tbs.to_der().ok().as_deref() != Some(view.der) {
        return Some("the certificate as a whole".to_owned());
    }
    let differs = view.extensions().iter().find(|extension| {
        let value = extension.extn_value.as_bytes();
        let again = match extension.extn_id {
            oid::BASIC_CONSTRAINTS => again::<BasicConstraints>(value),
            oid::EXT_KEY_USAGE => again::<ExtendedKeyUsage>(value),
            oid::SUBJECT_ALT_NAME => again::<SubjectAltName>(value),
            oid::SUBJECT_KEY_ID => again::<SubjectKeyIdentifier>(value),
            oid::AUTHORITY_KEY_ID => again::<AuthorityKeyIdentifier>(value),
            oid::CRL_DISTRIBUTION_POINTS => again::<CrlDistributionPoints>(value),
            oid::CERTIFICATE_POLICIES => again::<CertificatePolicies>(value),
            oid::NAME_CONSTRAINTS => again::<NameConstraints>(value),
            oid::AUTHORITY_INFO_ACCESS => again::<AuthorityInfoAccessSyntax>(value),
            // Compared with the one value they may have by ku_set and ocsp_nocheck.
            _ => return false,
        };
        again.as_deref() != Some(value)
    })?;
    Some(format!("extension {}", differs.extn_id))
}

fn again<T: for<'d> der::Decode<'d> + Encode>(value: &[u8]) -> Option<Vec<u8>> {
    T::from_der(value).ok()?.to_der().ok()
}

fn version_unique_id(view: &View<'_>) -> Option<String> {
    if view.tbs.version != 2 {
        return Some(format!("version field {} instead of 2", view.tbs.version));
    }
    let present = view.tbs.issuer_unique_id.is_some() || view.tbs.subject_unique_id.is_some();
    found(present, "a unique identifier is present")
}

fn ext_duplicate(view: &View<'_>) -> Option<String> {
    let ids: Vec<Oid> = view.extensions().iter().map(|extension| extension.extn_id).collect();
    let twice = ids.iter().enumerate().find(|(place, id)| ids[..*place].contains(id))?;
    Some(format!("extension {} stands twice", twice.1))
}

/// What the profile says of an extension: whether it is there, and whether it is critical.
fn expected(view: &View<'_>, id: Oid) -> (Presence, bool) {
    let needed = |yes: bool| if yes { Presence::Required } else { Presence::Absent };
    let rules = view.rules;
    let kind = kind_of(view.issuer.key.algorithm());
    match id {
        oid::BASIC_CONSTRAINTS | oid::KEY_USAGE => (Presence::Required, true),
        oid::SUBJECT_KEY_ID | oid::AUTHORITY_KEY_ID => (Presence::Required, false),
        oid::EXT_KEY_USAGE => (needed(!rules.usage.extended.is_empty()), rules.usage.extended_critical),
        oid::SUBJECT_ALT_NAME => (rules.san.presence, view.tbs.subject.value().is_empty()),
        oid::CRL_DISTRIBUTION_POINTS => (needed(rules.urls.crl), false),
        oid::AUTHORITY_INFO_ACCESS if rules.urls.ca_issuers => (Presence::Required, false),
        oid::AUTHORITY_INFO_ACCESS if rules.urls.ocsp => (Presence::Optional, false),
        // Which names an authority is confined to is said by the plan of its ceremony; always critical (5280 4.2.1.10).
        oid::NAME_CONSTRAINTS if rules.basic_constraints.ca => (Presence::Optional, true),
        oid::OCSP_NOCHECK => (needed(rules.ocsp_nocheck), false),
        oid::TLS_FEATURE => (needed(rules.must_staple), false),
        oid::CERTIFICATE_POLICIES => (needed(rules.policies.iter().any(|policy| policy.issuer.contains(&kind))), false),
        // Several numbers may share an extension; each is asked for or not by `identity_set`.
        _ if rules.identity.iter().any(|rule| rule.oid == id) => (Presence::Optional, false),
        _ => (Presence::Absent, false),
    }
}

fn ext_not_in_profile(view: &View<'_>) -> Option<String> {
    let off = view.extensions().iter().find(|e| expected(view, e.extn_id).0 == Presence::Absent)?;
    Some(format!("profile {} has no extension {}", view.rules.name, off.extn_id))
}

fn ext_presence(view: &View<'_>) -> Option<String> {
    const KNOWN: [Oid; 11] = [
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::EXT_KEY_USAGE,
        oid::SUBJECT_ALT_NAME,
        oid::SUBJECT_KEY_ID,
        oid::AUTHORITY_KEY_ID,
        oid::CRL_DISTRIBUTION_POINTS,
        oid::AUTHORITY_INFO_ACCESS,
        oid::OCSP_NOCHECK,
        oid::TLS_FEATURE,
        oid::CERTIFICATE_POLICIES,
    ];
    let missing =
        KNOWN.into_iter().find(|id| expected(view, *id).0 == Presence::Required && view.extension(*id).is_none())?;
    Some(format!("extension {missing} is missing"))
}

fn ext_criticality(view: &View<'_>) -> Option<String> {
    let wrong = view.extensions().iter().find(|e| e.critical != expected(view, e.extn_id).1)?;
    Some(format!("extension {} is {}critical", wrong.extn_id, if wrong.critical { "" } else { "not " }))
}

fn alg_bytes(view: &View<'_>) -> Option<String> {
    let encoded = view.tbs.signature.to_der().ok()?;
    let ours = crypto_pool::SignatureAlgorithm::ALL.into_iter().any(|a| a.identifier_der() == encoded);
    found(!ours, format!("signature algorithm {} in another form than ours", view.tbs.signature.oid))
}

fn sig_alg_for_key(view: &View<'_>) -> Option<String> {
    let wanted = view.issuer.signature_algorithm();
    found(view.tbs.signature.oid != wanted.oid(), format!("the issuer's key signs with {wanted}"))
}

#[cfg(test)]
mod tests {
    use der::asn1::BitString;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, fails_bytes, passes, push, set_critical, without};

    #[test]
    fn what_is_not_der_is_refused() {
        passes("der_not_canonical", BuiltIn::TlsServer);
        fails_bytes("der_not_canonical", BuiltIn::TlsServer, |tbs| tbs.push(0));
        fails_bytes("der_not_canonical", BuiltIn::TlsServer, |tbs| {
            tbs.pop();
        });
        // A length in more octets than it needs: 30 82 nn nn becomes 30 83 00 nn nn.
        fails_bytes("der_not_canonical", BuiltIn::TlsServer, |tbs| {
            assert_eq!(tbs[1], 0x82);
            tbs[1] = 0x83;
            tbs.insert(2, 0);
        });
    }

    #[test]
    fn an_encoded_default_is_refused() {
        passes("der_reencode_differs", BuiltIn::TlsServer);
        // BasicConstraints with cA FALSE written out.
        fails("der_reencode_differs", BuiltIn::TlsServer, |tbs| {
            edit(tbs, oid::BASIC_CONSTRAINTS, &[0x30, 0x03, 0x01, 0x01, 0x00]);
        });
    }

    #[test]
    fn other_versions_and_unique_identifiers_are_refused() {
        passes("version_unique_id", BuiltIn::TlsServer);
        fails("version_unique_id", BuiltIn::TlsServer, |tbs| tbs.version = 1);
        fails("version_unique_id", BuiltIn::TlsServer, |tbs| {
            tbs.subject_unique_id = Some(BitString::from_bytes(&[1]).unwrap());
        });
    }

    #[test]
    fn an_extension_stands_once() {
        passes("ext_duplicate", BuiltIn::Root);
        fails("ext_duplicate", BuiltIn::Root, |tbs| {
            let all = tbs.extensions.as_mut().unwrap();
            all.push(all[0].clone());
        });
    }

    #[test]
    fn an_extension_off_the_profile_is_refused() {
        passes("ext_not_in_profile", BuiltIn::TlsServer);
        // TLS feature: status_request.
        fails("ext_not_in_profile", BuiltIn::TlsServer, |tbs| {
            push(tbs, oid::TLS_FEATURE, false, &[0x30, 0x03, 0x02, 0x01, 0x05]);
        });
    }

    #[test]
    fn an_extension_of_the_profile_is_there() {
        passes("ext_presence", BuiltIn::Tsa);
        for id in [oid::SUBJECT_KEY_ID, oid::EXT_KEY_USAGE, oid::CRL_DISTRIBUTION_POINTS] {
            fails("ext_presence", BuiltIn::Tsa, |tbs| without(tbs, id));
        }
        fails("ext_presence", BuiltIn::Tsa, |tbs| tbs.extensions = None);
    }

    #[test]
    fn criticality_is_that_of_the_table() {
        passes("ext_criticality", BuiltIn::TlsServer);
        fails("ext_criticality", BuiltIn::TlsServer, |tbs| set_critical(tbs, oid::KEY_USAGE, false));
        fails("ext_criticality", BuiltIn::TlsServer, |tbs| set_critical(tbs, oid::SUBJECT_ALT_NAME, true));
    }

    #[test]
    fn algorithm_identifiers_have_the_exact_bytes() {
        passes("alg_bytes", BuiltIn::TlsServer);
        fails("alg_bytes", BuiltIn::TlsServer, |tbs| tbs.signature.parameters = Some(der::Any::null()));
        // sha1WithRSAEncryption.
        fails("alg_bytes", BuiltIn::TlsServer, |tbs| {
            tbs.signature.oid = Oid::new_unwrap("1.2.840.113549.1.1.5");
        });
    }

    #[test]
    fn the_algorithm_is_that_of_the_issuers_key() {
        passes("sig_alg_for_key", BuiltIn::TlsServer);
        fails("sig_alg_for_key", BuiltIn::TlsServer, |tbs| tbs.signature.oid = oid::SM2_WITH_SM3);
    }
}
