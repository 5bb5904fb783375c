//! Rules for the finished certificate: what only the signature can break.
//!
//! They run between the signature and the commit that lets the certificate out. Whether a signature verifies costs as
//! much as a signature; the pool has verified its own before it hands it over, and then that is not done again.

use crypto_pool::{KeyAlgorithm, SignatureAlgorithm};
use der::asn1::{Any, BitString, Int};
use der::{Decode, Encode, Sequence};
use pki_config::oid;
use spki::AlgorithmIdentifierOwned;

use super::{Finding, Severity};
use crate::core::issuer::Issuer;
use crate::core::tbs::Tbs;

/// A certificate taken apart. The part that is signed keeps its bytes.
#[derive(Sequence)]
struct Whole {
    tbs: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

struct Facts<'a> {
    tbs: Vec<u8>,
    inner: AlgorithmIdentifierOwned,
    whole: Whole,
    issuer: &'a Issuer,
    verified: bool,
}

type Check = fn(&Facts<'_>) -> Option<&'static str>;

const LINTS: [(&str, &str, Check); 4] = [
    ("sig_alg_pair", "5280 4.1.1.2", sig_alg_pair),
    ("signature_invalid", "5280 6.1", signature_invalid),
    ("sm2_sig_form", "GB/T 32918.2 6.1; GM/T 0009 7", sm2_sig_form),
    ("sm2_id", "GM/T 0009 10", sm2_id),
];

/// The identifier and clause of every rule for finished certificates. All of them are errors.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINTS.into_iter().map(|(id, section, _)| (id, section))
}

/// Holds a certificate against the rules. `verified` says that its signature was verified under the issuer's key by
/// whoever made it.
#[must_use]
pub fn examine(der: &[u8], issuer: &Issuer, verified: bool) -> Vec<Finding> {
    let finding =
        |lint, section, detail: &str| Finding { lint, section, severity: Severity::Error, detail: detail.to_owned() };
    let Some(facts) = read(der, issuer, verified) else {
        return vec![finding(LINTS[0].0, LINTS[0].1, "the certificate does not read")];
    };
    LINTS.into_iter().filter_map(|(id, section, check)| Some(finding(id, section, check(&facts)?))).collect()
}

fn read<'a>(der: &[u8], issuer: &'a Issuer, verified: bool) -> Option<Facts<'a>> {
    let whole = Whole::from_der(der).ok()?;
    let tbs = whole.tbs.to_der().ok()?;
    let inner = Tbs::from_der(&tbs).ok()?.signature;
    Some(Facts { tbs, inner, whole, issuer, verified })
}

/// The algorithm outside is, octet by octet, the one inside.
fn sig_alg_pair(facts: &Facts<'_>) -> Option<&'static str> {
    let same = facts.inner.to_der().ok() == facts.whole.algorithm.to_der().ok();
    (!same).then_some("the signature algorithm outside is not the one that was signed")
}

fn is_sm2(facts: &Facts<'_>) -> bool {
    facts.issuer.key.algorithm() == KeyAlgorithm::Sm2
}

fn verifies(facts: &Facts<'_>) -> bool {
    let signature = facts.whole.signature.as_bytes().unwrap_or_default();
    let algorithm = SignatureAlgorithm::for_key(facts.issuer.key.algorithm());
    facts.verified || facts.issuer.key.verify(algorithm, &facts.tbs, signature)
}

fn signature_invalid(facts: &Facts<'_>) -> Option<&'static str> {
    (!is_sm2(facts) && !verifies(facts)).then_some("the signature does not verify under the issuer's key")
}

/// An SM2 signature verifies with the signer's ID that certificates have, `1234567812345678`.
fn sm2_id(facts: &Facts<'_>) -> Option<&'static str> {
    (is_sm2(facts) && !verifies(facts))
        .then_some("the signature does not verify under the issuer's key and the ID 1234567812345678")
}

/// ```text
/// SM2Signature ::= SEQUENCE { R INTEGER, S INTEGER }
/// ```
#[derive(Sequence)]
struct Sm2Signature {
    r: Int,
    s: Int,
}

/// The order of the group, GB/T 32918.5.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x72, 0x03, 0xdf,
    0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x23,
];

/// r and s in least octets, from 1 to n - 1, their sum not n.
fn sm2_sig_form(facts: &Facts<'_>) -> Option<&'static str> {
    if facts.whole.algorithm.oid != oid::SM2_WITH_SM3 {
        return None;
    }
    let octets = facts.whole.signature.as_bytes().unwrap_or_default();
    let scalar = |int: &Int| -> Option<[u8; 32]> {
        let octets = int.as_bytes();
        let negative = octets.first().is_none_or(|first| *first >= 0x80);
        let magnitude = octets.strip_prefix(&[0]).unwrap_or(octets);
        let mut padded = [0; 32];
        padded.get_mut(32_usize.checked_sub(magnitude.len())?..)?.copy_from_slice(magnitude);
        (!negative && padded != [0; 32] && padded < N).then_some(padded)
    };
    let good = Sm2Signature::from_der(octets).is_ok_and(|signature| {
        let again = signature.to_der().is_ok_and(|again| again == octets);
        let fits = |r: [u8; 32], s: [u8; 32]| sum(&r, &s) != Some(N);
        again && scalar(&signature.r).zip(scalar(&signature.s)).is_some_and(|(r, s)| fits(r, s))
    });
    (!good).then_some("the SM2 signature is not two numbers from 1 to n - 1 in their least octets, or r + s = n")
}

/// The sum of two numbers; `None` if it has more than 256 bits, and so is not n.
fn sum(one: &[u8; 32], other: &[u8; 32]) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let mut carry = 0_u16;
    for place in (0..32).rev() {
        let digit = u16::from(one[place]) + u16::from(other[place]) + carry;
        out[place] = u8::try_from(digit & 0xff).unwrap_or(0);
        carry = digit >> 8;
    }
    (carry == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::issue::assemble;
    use crate::core::issue::tests::Signer;
    use crate::core::lint::samples::{Family, draft, issuer};

    fn sample(family: Family) -> (Signer, Issuer, Vec<u8>) {
        let (signer, key) = Signer::new(family);
        let mut issuing = issuer(family, BuiltIn::TlsServer);
        issuing.key = key;
        (signer, issuing, draft(family, BuiltIn::TlsServer).tbs().to_vec())
    }

    fn found(tbs: &[u8], issuer: &Issuer, signature: &[u8], verified: bool) -> Vec<&'static str> {
        let der = assemble(tbs, issuer.signature_algorithm(), signature).unwrap();
        examine(&der, issuer, verified).into_iter().map(|finding| finding.lint).collect()
    }

    #[test]
    fn a_signed_sample_of_each_family_breaks_no_rule() {
        for family in [Family::Ec, Family::Sm2] {
            let (signer, issuer, tbs) = sample(family);
            assert_eq!(found(&tbs, &issuer, &signer.sign(&tbs), false), Vec::<&str>::new(), "{family:?}");
        }
    }

    #[test]
    fn the_algorithm_outside_is_the_one_inside() {
        let (signer, issuer, tbs) = sample(Family::Ec);
        let der = assemble(&tbs, SignatureAlgorithm::EcdsaSha384, &signer.sign(&tbs)).unwrap();
        let lints: Vec<_> = examine(&der, &issuer, true).into_iter().map(|finding| finding.lint).collect();
        assert_eq!(lints, ["sig_alg_pair"]);
        assert_eq!(examine(&der[..der.len() - 1], &issuer, true)[0].lint, "sig_alg_pair");
    }

    #[test]
    fn a_signature_over_other_bytes_is_refused() {
        let (signer, issuer, tbs) = sample(Family::Ec);
        let mut other = tbs.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(found(&tbs, &issuer, &signer.sign(&other), false), ["signature_invalid"]);
        // Whoever verified it answers for it.
        assert_eq!(found(&tbs, &issuer, &signer.sign(&other), true), Vec::<&str>::new());
    }

    #[test]
    fn a_signature_with_another_id_is_refused() {
        let (signer, issuer, tbs) = sample(Family::Sm2);
        let Signer::Sm2(private) = signer else { unreachable!() };
        // Z by hand, GB/T 32918.2 5.5, with the ID of that standard's example.
        let id = b"ALICE123@YAHOO.COM";
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let curve = hex(concat!(
            "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
            "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
            "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
            "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
        ));
        let point = private.public().to_sec1();
        let z = engine::sm3::hash(&[&[0x00, 0x90][..], id, &curve, &point[1..]].concat());
        let e = engine::sm3::hash(&[&z[..], &tbs].concat());
        let signature = private.sign_prehash(&e, &[0xa5; 32]).to_der();
        assert_eq!(found(&tbs, &issuer, &signature, false), ["sm2_id"]);
    }

    #[test]
    fn an_sm2_signature_is_two_numbers_in_range() {
        let (_, issuer, tbs) = sample(Family::Sm2);
        let refused = |signature: &[u8]| found(&tbs, &issuer, signature, true) == ["sm2_sig_form"];
        let pair = |r: &[u8], s: &[u8]| {
            let int = |octets: &[u8]| [&[0x02, u8::try_from(octets.len()).unwrap()][..], octets].concat();
            let inside = [int(r), int(s)].concat();
            [&[0x30, u8::try_from(inside.len()).unwrap()][..], &inside].concat()
        };
        let n = [&[0][..], &N].concat();
        let mut n_less_one = n.clone();
        n_less_one[32] -= 1;
        assert!(!refused(&pair(&[2], &n_less_one)), "2 + (n - 1) is not n");
        for (r, s) in [(&[0][..], &[1][..]), (&[1], &[0]), (&[1], &n), (&n, &[1]), (&[1], &n_less_one), (&[0x80], &[1])]
        {
            assert!(refused(&pair(r, s)), "{r:02x?} {s:02x?}");
        }
        // A leading zero too many; the raw form of 64 octets; something behind.
        assert!(refused(&pair(&[0, 1], &[1])));
        assert!(refused(&[1; 64]));
        assert!(refused(&[pair(&[1], &[1]), vec![0]].concat()));
    }

    #[test]
    fn every_rule_for_finished_certificates_is_shown_to_fail() {
        let tests = include_str!("signed.rs");
        for (id, _) in rules() {
            assert!(tests.contains(&format!("[\"{id}\"]")), "{id}");
        }
    }
}
