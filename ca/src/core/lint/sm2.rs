//! SM2 hierarchies: GM/T 0015 and what two kinds of keys ask of each other.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::{BadKey, KeyAlgorithm};
use der::{Tag, Tagged};
use pki_config::name::Attribute;
use pki_config::oid;
use pki_config::profile::LintSet;

use super::Lint;
use super::names::pairs;
use super::view::{View, found};

const GM: &[LintSet] = &[LintSet::Gm];

pub(super) const LINTS: &[Lint] = &[
    Lint::error("gm_alg_params", "GM/T 0015-2023", gm_alg_params).only(GM),
    Lint::warning("gm_dn_encoding", "GM/T 0015", gm_dn_encoding).only(GM),
    Lint::error("sm2_hash", "GB/T 35276; GM/T 0006", sm2_hash).only(GM),
    Lint::error("sm2_trivial_key", "own; GB/T 32918.5 annexes", sm2_trivial_key),
    Lint::error("dual_ku_mixed", "GM/T 0015", dual_ku_mixed).only(GM),
    Lint::error("dual_enc_purpose", "own", dual_enc_purpose).only(GM),
];

/// SM2 with SM3 stands without parameters. Many have written NULL; we do not.
fn gm_alg_params(view: &View<'_>) -> Option<String> {
    let algorithm = &view.tbs.signature;
    found(algorithm.oid == oid::SM2_WITH_SM3 && algorithm.parameters.is_some(), "SM2 with SM3 has parameters")
}

/// Countries in PrintableString, mailboxes in IA5String, the rest in UTF8String (or PrintableString, where X.520 has
/// no other).
fn gm_dn_encoding(view: &View<'_>) -> Option<String> {
    let fits = |id: Oid, tag: Tag| match Attribute::from_oid(id) {
        Some(Attribute::Country | Attribute::SerialNumber) => tag == Tag::PrintableString,
        Some(Attribute::Email | Attribute::DomainComponent) => tag == Tag::Ia5String,
        _ => tag == Tag::Utf8String,
    };
    let wrong = pairs(view).into_iter().find(|pair| !fits(pair.oid, pair.value.tag()))?;
    Some(format!("attribute {} has another string type than GM/T 0015 gives it", wrong.oid))
}

/// An SM2 key signs with SM3 and in the way of SM2: neither with SHA-256 nor as ECDSA.
fn sm2_hash(view: &View<'_>) -> Option<String> {
    let id = view.tbs.signature.oid;
    found(id != oid::SM2_WITH_SM3, format!("an SM2 key with signature algorithm {id}"))
}

/// Keys 1 and -1, and those printed in the standard.
fn sm2_trivial_key(view: &View<'_>) -> Option<String> {
    let sm2 = view.spki.windows(10).any(|w| KeyAlgorithm::Sm2.spki_identifier().ends_with(w));
    found(sm2 && view.key == Err(BadKey::Published), "the private key of this SM2 key is known to everybody")
}

const SIGNS: u8 = 0b1100_0110;
const ENCIPHERS: u8 = 0b0011_1000;

/// The first octet of the key usage.
fn usage(view: &View<'_>) -> Option<u8> {
    view.extension(oid::KEY_USAGE)?.extn_value.as_bytes().get(3).copied()
}

/// Of the two keys of a holder one signs and one enciphers.
fn dual_ku_mixed(view: &View<'_>) -> Option<String> {
    let bits = usage(view)?;
    found(bits & SIGNS != 0 && bits & ENCIPHERS != 0, "one key for signing and enciphering")
}

/// A key that enciphers vouches for nothing.
fn dual_enc_purpose(view: &View<'_>) -> Option<String> {
    const SIGNING: [Oid; 3] = [oid::KP_CODE_SIGNING, oid::KP_TIME_STAMPING, oid::KP_OCSP_SIGNING];
    let enciphers = usage(view)? & ENCIPHERS != 0;
    let signing = view.purposes().iter().any(|purpose| SIGNING.contains(purpose));
    found(enciphers && signing, "a key that enciphers, for a purpose that signs")
}

#[cfg(test)]
mod tests {
    use der::Decode;
    use der::Encode;
    use der::asn1::{Any, SetOfVec};
    use pki_config::profile::BuiltIn;
    use x509_cert::attr::AttributeTypeAndValue;

    use super::*;
    use crate::core::lint::samples::{Family, edit, fails_in, keys, passes_in};

    #[test]
    fn sm2_with_sm3_has_no_parameters() {
        passes_in(Family::Sm2, "gm_alg_params", BuiltIn::TlsServer);
        fails_in(Family::Sm2, "gm_alg_params", BuiltIn::TlsServer, |tbs| {
            tbs.signature.parameters = Some(Any::null());
        });
    }

    #[test]
    fn names_have_the_string_types_of_gmt_0015() {
        passes_in(Family::Sm2, "gm_dn_encoding", BuiltIn::Person);
        fails_in(Family::Sm2, "gm_dn_encoding", BuiltIn::Person, |tbs| {
            let value = Any::new(Tag::PrintableString, *b"San").unwrap();
            let pair = AttributeTypeAndValue { oid: Attribute::CommonName.oid(), value };
            let name = vec![SetOfVec::from_iter([pair]).unwrap()].to_der().unwrap();
            tbs.subject = Any::from_der(&name).unwrap();
        });
    }

    #[test]
    fn an_sm2_key_signs_with_sm3() {
        passes_in(Family::Sm2, "sm2_hash", BuiltIn::TlsServer);
        // SM2 with SHA-256; ECDSA with SHA-256.
        for id in [Oid::new_unwrap("1.2.156.10197.1.503"), oid::ECDSA_SHA256] {
            fails_in(Family::Sm2, "sm2_hash", BuiltIn::TlsServer, |tbs| tbs.signature.oid = id);
        }
    }

    #[test]
    fn a_key_from_the_standard_is_refused() {
        passes_in(Family::Sm2, "sm2_trivial_key", BuiltIn::TlsServer);
        // The generator: the private key is 1. GB/T 32918.5-2017 5.
        let x = "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7";
        let y = "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0";
        let octets = |text: &str| -> Vec<u8> {
            (0..32).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let spki = [&keys::SM2_SUBJECT[..27], &octets(x), &octets(y)].concat();
        fails_in(Family::Sm2, "sm2_trivial_key", BuiltIn::TlsServer, |tbs| tbs.spki = Any::from_der(&spki).unwrap());
    }

    #[test]
    fn an_sm2_key_signs_or_enciphers() {
        passes_in(Family::Sm2, "dual_ku_mixed", BuiltIn::Person);
        passes_in(Family::Sm2, "dual_enc_purpose", BuiltIn::CodeSigning);
        // 030203f8, as real certificates have it: signs, enciphers and agrees.
        fails_in(Family::Sm2, "dual_ku_mixed", BuiltIn::Person, |tbs| {
            edit(tbs, oid::KEY_USAGE, &[0x03, 0x02, 0x03, 0xf8]);
        });
        // 03020338, the key usage of enciphering.
        fails_in(Family::Sm2, "dual_enc_purpose", BuiltIn::CodeSigning, |tbs| {
            edit(tbs, oid::KEY_USAGE, &[0x03, 0x02, 0x03, 0x38]);
        });
    }
}
