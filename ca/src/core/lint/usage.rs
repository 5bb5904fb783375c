//! What the key may be used for.

use const_oid::ObjectIdentifier as Oid;
use pki_config::oid;
use pki_config::profile::ExtendedUsage;
use x509_cert::ext::pkix::BasicConstraints;

use super::Lint;
use super::view::{View, found};
use crate::core::draft::key_usage;

pub(super) const LINTS: &[Lint] = &[
    Lint::error("ku_set", "5280 4.2.1.3; BR 7.1.2; profile", ku_set),
    Lint::error("ku_sign_only", "BR 7.1.2.7.11; GM/T 0015", ku_sign_only),
    Lint::error("eku_set", "5280 4.2.1.12; BR 7.1.2; profile", eku_set),
    Lint::error("basic_constraints_set", "5280 4.2.1.9; profile", basic_constraints_set),
    Lint::error("issuer_pathlen", "5280 4.2.1.9", issuer_pathlen),
    Lint::error("tsa_eku", "3161 2.3", tsa_eku),
    Lint::error("ocsp_nocheck", "6960 4.2.2.2.1; BR 7.1.2.8.6", ocsp_nocheck),
];

/// The value is, byte for byte, the profile's: right bits, trailing zero bits trimmed.
fn ku_set(view: &View<'_>) -> Option<String> {
    let value = view.extension(oid::KEY_USAGE)?.extn_value.as_bytes();
    let wanted = view.kind().and_then(|kind| view.rules.usage.bits_for(kind)).map(key_usage);
    found(wanted.as_deref() != Some(value), "the key usage is not the profile's for this kind of key")
}

/// Whatever the profile says: a key on a curve that signs does not encipher or agree too.
fn ku_sign_only(view: &View<'_>) -> Option<String> {
    const SIGNS: u8 = 0b1100_0110;
    const ENCIPHERS: u8 = 0b0011_1000;
    let rsa = view.key.as_ref().is_ok_and(|key| matches!(key.algorithm(), crypto_pool::KeyAlgorithm::Rsa { .. }));
    let bits = view.extension(oid::KEY_USAGE)?.extn_value.as_bytes().get(3).copied()?;
    found(!rsa && bits & SIGNS != 0 && bits & ENCIPHERS != 0, "a signing key on a curve may not encipher or agree")
}

fn eku_set(view: &View<'_>) -> Option<String> {
    view.extension(oid::EXT_KEY_USAGE)?;
    let wanted: Vec<Oid> = view.rules.usage.extended.iter().map(|purpose| purpose.oid()).collect();
    let purposes: Option<Vec<Oid>> = view.value(oid::EXT_KEY_USAGE);
    found(purposes != Some(wanted), "the extended key usage is not the profile's")
}

fn basic_constraints_set(view: &View<'_>) -> Option<String> {
    view.extension(oid::BASIC_CONSTRAINTS)?;
    let basic: Option<BasicConstraints> = view.value(oid::BASIC_CONSTRAINTS);
    let rules = &view.rules.basic_constraints;
    let same = basic.is_some_and(|b| b.ca == rules.ca && b.path_len_constraint == rules.path_length);
    found(!same, "the basic constraints are not the profile's")
}

fn issuer_pathlen(view: &View<'_>) -> Option<String> {
    let basic: BasicConstraints = view.value(oid::BASIC_CONSTRAINTS)?;
    let exhausted = basic.ca && !view.issuer.self_signed && view.issuer.path_length == Some(0);
    found(exhausted, "the issuer may have no authority below it")
}

fn tsa_eku(view: &View<'_>) -> Option<String> {
    let purposes: Vec<Oid> = view.value(oid::EXT_KEY_USAGE).unwrap_or_default();
    let expected = view.rules.usage.extended.contains(&ExtendedUsage::TimeStamping);
    if !expected && !purposes.contains(&oid::KP_TIME_STAMPING) {
        return None;
    }
    let critical = view.extension(oid::EXT_KEY_USAGE).is_some_and(|extension| extension.critical);
    found(purposes != [oid::KP_TIME_STAMPING] || !critical, "timeStamping must be alone and critical")
}

fn ocsp_nocheck(view: &View<'_>) -> Option<String> {
    let value = view.extension(oid::OCSP_NOCHECK).map(|extension| extension.extn_value.as_bytes());
    let purposes: Vec<Oid> = view.value(oid::EXT_KEY_USAGE).unwrap_or_default();
    let signer = purposes.contains(&oid::KP_OCSP_SIGNING);
    match (signer, value) {
        (true, None) => Some("an OCSP signer without id-pkix-ocsp-nocheck".to_owned()),
        (false, Some(_)) => Some("id-pkix-ocsp-nocheck without OCSPSigning".to_owned()),
        (_, Some(value)) => found(value != [0x05, 0x00], "id-pkix-ocsp-nocheck is not NULL"),
        (false, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{
        Family, edit, fails, fails_under, passes, passes_in, push, set_critical, without,
    };

    #[test]
    fn the_key_usage_is_the_profiles_and_trimmed() {
        passes("ku_set", BuiltIn::TlsServer);
        passes_in(Family::Sm2, "ku_set", BuiltIn::Person);
        // 030200c0 has six zero bits untrimmed; 030206c0 is for persons; 03020780 is right here.
        for value in [[0x03, 0x02, 0x00, 0x80], [0x03, 0x02, 0x06, 0xc0], [0x03, 0x02, 0x01, 0x06]] {
            fails("ku_set", BuiltIn::TlsServer, |tbs| edit(tbs, oid::KEY_USAGE, &value));
        }
    }

    #[test]
    fn a_signing_key_on_a_curve_never_enciphers() {
        passes("ku_sign_only", BuiltIn::TlsServer);
        // digitalSignature with keyEncipherment, a0; with keyAgreement, 88.
        for value in [[0x03, 0x02, 0x05, 0xa0], [0x03, 0x02, 0x03, 0x88]] {
            fails("ku_sign_only", BuiltIn::TlsServer, |tbs| edit(tbs, oid::KEY_USAGE, &value));
        }
    }

    #[test]
    fn the_extended_key_usage_is_the_profiles() {
        passes("eku_set", BuiltIn::TlsServer);
        // anyExtendedKeyUsage, 2.5.29.37.0.
        fails("eku_set", BuiltIn::TlsServer, |tbs| {
            edit(tbs, oid::EXT_KEY_USAGE, &[0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x25, 0x00]);
        });
        fails("eku_set", BuiltIn::TlsServer, |tbs| edit(tbs, oid::EXT_KEY_USAGE, &[0x30, 0x00]));
    }

    #[test]
    fn only_an_authority_is_one() {
        passes("basic_constraints_set", BuiltIn::TlsServer);
        passes("basic_constraints_set", BuiltIn::SubCa);
        fails("basic_constraints_set", BuiltIn::TlsServer, |tbs| {
            edit(tbs, oid::BASIC_CONSTRAINTS, &[0x30, 0x03, 0x01, 0x01, 0xff]);
        });
        // cA TRUE without the path length of zero.
        fails("basic_constraints_set", BuiltIn::SubCa, |tbs| {
            edit(tbs, oid::BASIC_CONSTRAINTS, &[0x30, 0x03, 0x01, 0x01, 0xff]);
        });
    }

    #[test]
    fn an_exhausted_path_length_stops_an_authority() {
        passes("issuer_pathlen", BuiltIn::SubCa);
        fails_under("issuer_pathlen", BuiltIn::SubCa, |issuer| issuer.path_length = Some(0));
    }

    #[test]
    fn a_time_stamp_key_has_one_critical_purpose() {
        passes("tsa_eku", BuiltIn::Tsa);
        fails("tsa_eku", BuiltIn::Tsa, |tbs| set_critical(tbs, oid::EXT_KEY_USAGE, false));
        fails("tsa_eku", BuiltIn::Tsa, |tbs| without(tbs, oid::EXT_KEY_USAGE));
    }

    #[test]
    fn nocheck_belongs_to_ocsp_signers() {
        passes("ocsp_nocheck", BuiltIn::OcspSigner);
        fails("ocsp_nocheck", BuiltIn::OcspSigner, |tbs| without(tbs, oid::OCSP_NOCHECK));
        fails("ocsp_nocheck", BuiltIn::OcspSigner, |tbs| edit(tbs, oid::OCSP_NOCHECK, &[0x30, 0x00]));
        fails("ocsp_nocheck", BuiltIn::TlsServer, |tbs| push(tbs, oid::OCSP_NOCHECK, false, &[0x05, 0x00]));
    }
}
