//! The subject's key.

use crypto_pool::{BadKey, KeyAlgorithm};
use pki_config::profile::KeyKind;

use super::Lint;
use super::view::{View, found};
use crate::core::issuer::kind_of;

pub(super) const LINTS: &[Lint] = &[
    Lint::error("key_type", "BR 6.1.5; profile", key_type),
    Lint::error("spki_alg_bytes", "BR 7.1.3.1; GM/T 0015", spki_alg_bytes),
    Lint::error("rsa_form", "BR 6.1.5, 6.1.6", rsa_form),
    Lint::error("rsa_weak", "BR 6.1.1.3, 6.1.6", rsa_weak),
    Lint::error("weak_key_list", "BR 6.1.1.3; GB/T 32918 examples", weak_key_list),
    Lint::error("ec_point", "BR 6.1.6; 5480 2.2", ec_point),
    Lint::error("sm2_spki", "GM/T 0015", sm2_spki),
    Lint::error("gm_mixed_chain", "own", gm_mixed_chain),
    Lint::error("key_of_issuer", "own", key_of_issuer),
    Lint::error("key_not_proven", "own", key_not_proven),
];

fn key_type(view: &View<'_>) -> Option<String> {
    let issuer = kind_of(view.issuer.key.algorithm());
    let taken = view.kind().is_some_and(|subject| view.rules.key.may_certify(issuer, subject));
    found(!taken, format!("profile {} has no such key under a {} issuer", view.rules.name, view.issuer.key.algorithm()))
}

/// The algorithm identifier is, byte for byte, one of those we write.
fn spki_alg_bytes(view: &View<'_>) -> Option<String> {
    found(view.key == Err(BadKey::UnknownAlgorithm), "the key's algorithm identifier is not one we write")
}

fn rsa_form(view: &View<'_>) -> Option<String> {
    match view.key {
        Err(why @ (BadKey::RsaSize | BadKey::RsaExponent)) => Some(why.to_string()),
        Ok(ref key) => match key.algorithm() {
            KeyAlgorithm::Rsa { bits } => {
                let least = view.rules.key.rsa_min_bits;
                found(bits < least, format!("{bits} bits, where the profile asks for {least}"))
            }
            _ => None,
        },
        Err(_) => None,
    }
}

fn rsa_weak(view: &View<'_>) -> Option<String> {
    match view.key {
        Err(why @ (BadKey::SmallFactor | BadKey::CloseFactors)) => Some(why.to_string()),
        _ => None,
    }
}

fn weak_key_list(view: &View<'_>) -> Option<String> {
    match view.key {
        Err(why @ (BadKey::Roca | BadKey::Published | BadKey::SmallOrder)) => Some(why.to_string()),
        _ => None,
    }
}

fn ec_point(view: &View<'_>) -> Option<String> {
    match view.key {
        Err(why @ (BadKey::PointForm | BadKey::OffCurve)) => Some(why.to_string()),
        _ => None,
    }
}

/// `SEQUENCE { algorithm, BIT STRING 04 || X || Y }`, 91 octets.
fn sm2_spki(view: &View<'_>) -> Option<String> {
    let algorithm = KeyAlgorithm::Sm2.spki_identifier();
    let names_sm2 = view.spki.windows(10).any(|w| *w == algorithm[algorithm.len() - 10..]);
    let form = [&[0x30, 0x59], algorithm, &[0x03, 0x42, 0x00, 0x04]].concat();
    let ours = view.spki.len() == 91 && view.spki.starts_with(&form);
    found(names_sm2 && !ours, "an SM2 key in another form than ours")
}

fn gm_mixed_chain(view: &View<'_>) -> Option<String> {
    let issuer = view.issuer.key.algorithm() == KeyAlgorithm::Sm2;
    let mixed = view.kind().is_some_and(|subject| (subject == KeyKind::Sm2) != issuer);
    found(mixed, "SM2 on one side of the signature and not on the other")
}

fn key_of_issuer(view: &View<'_>) -> Option<String> {
    let same = view.spki == view.issuer.key.spki_der();
    match (same, view.issuer.self_signed) {
        (true, false) => Some("the subject's key is the issuer's".to_owned()),
        (false, true) => Some("a self-signed certificate with another key".to_owned()),
        _ => None,
    }
}

fn key_not_proven(view: &View<'_>) -> Option<String> {
    found(view.spki != view.expected_key.spki_der(), "the key is not the one whose possession was proved")
}

#[cfg(test)]
mod tests {
    use der::Decode;
    use der::asn1::Any;
    use pki_config::profile::BuiltIn;

    use crate::core::lint::samples::{Family, fails, fails_in, keys, passes, passes_in};
    use crate::core::tbs::Tbs;

    fn with(spki: &[u8]) -> impl Fn(&mut Tbs) + '_ {
        move |tbs| tbs.spki = Any::from_der(spki).unwrap()
    }

    #[test]
    fn a_key_is_of_a_kind_the_profile_takes() {
        passes("key_type", BuiltIn::SubCa);
        fails("key_type", BuiltIn::SubCa, with(keys::ED25519_SUBJECT));
        fails("key_type", BuiltIn::TlsServer, with(keys::SM2_SUBJECT));
    }

    #[test]
    fn the_algorithm_identifier_has_the_exact_bytes() {
        passes("spki_alg_bytes", BuiltIn::TlsServer);
        // An RSA key whose NULL parameters are left out.
        let mut spki = keys::RSA_3072.to_vec();
        let place = spki.windows(2).position(|w| w == [0x05, 0x00]).unwrap();
        spki.drain(place..place + 2);
        spki[5] -= 2;
        let length = u16::from_be_bytes([spki[2], spki[3]]) - 2;
        spki[2..4].copy_from_slice(&length.to_be_bytes());
        fails("spki_alg_bytes", BuiltIn::TlsServer, with(&spki));
    }

    #[test]
    fn an_rsa_key_is_long_enough_for_the_profile() {
        passes("rsa_form", BuiltIn::Tsa);
        fails("rsa_form", BuiltIn::Tsa, with(keys::RSA_2048));
        fails("rsa_form", BuiltIn::TlsServer, with(keys::RSA_1024));
    }

    #[test]
    fn an_rsa_key_that_factors_is_refused() {
        passes("rsa_weak", BuiltIn::TlsServer);
        fails("rsa_weak", BuiltIn::TlsServer, with(keys::RSA_FACTOR_3));
        fails("rsa_weak", BuiltIn::TlsServer, with(keys::RSA_FERMAT));
    }

    #[test]
    fn a_key_whose_private_half_is_known_is_refused() {
        passes("weak_key_list", BuiltIn::TlsServer);
        // The base point itself: the private key is 1.
        fails("weak_key_list", BuiltIn::TlsServer, with(keys::P256_BASE_POINT));
        fails("weak_key_list", BuiltIn::TlsServer, with(keys::RSA_ROCA));
    }

    #[test]
    fn a_point_is_on_its_curve() {
        passes("ec_point", BuiltIn::TlsServer);
        let mut spki = keys::P256_SUBJECT.to_vec();
        *spki.last_mut().unwrap() ^= 1;
        fails("ec_point", BuiltIn::TlsServer, with(&spki));
    }

    #[test]
    fn an_sm2_key_has_the_one_form() {
        passes_in(Family::Sm2, "sm2_spki", BuiltIn::TlsServer);
        // The compressed form: 02 and X.
        let x = &keys::SM2_SUBJECT[27..59];
        let mut spki = keys::SM2_SUBJECT[..23].to_vec();
        spki[1] = 0x39;
        spki.extend([0x03, 0x22, 0x00, 0x02]);
        spki.extend(x);
        fails_in(Family::Sm2, "sm2_spki", BuiltIn::TlsServer, with(&spki));
        passes("sm2_spki", BuiltIn::TlsServer);
    }

    #[test]
    fn a_chain_is_of_one_family() {
        passes("gm_mixed_chain", BuiltIn::TlsServer);
        passes_in(Family::Sm2, "gm_mixed_chain", BuiltIn::TlsServer);
        fails("gm_mixed_chain", BuiltIn::TlsServer, with(keys::SM2_SUBJECT));
        fails_in(Family::Sm2, "gm_mixed_chain", BuiltIn::TlsServer, with(keys::P256_SUBJECT));
    }

    #[test]
    fn a_subject_has_a_key_of_its_own() {
        passes("key_of_issuer", BuiltIn::TlsServer);
        passes("key_of_issuer", BuiltIn::Root);
        fails("key_of_issuer", BuiltIn::TlsServer, with(keys::P256_ISSUER));
        fails("key_of_issuer", BuiltIn::Root, with(keys::P256_SUBJECT));
    }

    #[test]
    fn the_key_is_the_one_that_was_proved() {
        passes("key_not_proven", BuiltIn::TlsServer);
        fails("key_not_proven", BuiltIn::TlsServer, with(keys::RSA_3072));
    }
}
