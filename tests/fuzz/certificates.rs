//! Certificates, CRLs, paths, keys and signatures.

use crypto_pool::path::{Anchors, Cert, Crl, OcspAnswer, Options, Revocation, examine};
use crypto_pool::{PublicKey, SignatureAlgorithm};
use engine::sm2::Signature;
use pki_config::Serial;
use pki_config::name::DistinguishedName;

use super::der::split_der;
use super::{CRL, ISSUING, LEAF, OTHERS, ROOT, now};

pub fn certificate_seeds() -> Vec<Vec<u8>> {
    [ROOT, ISSUING, LEAF].into_iter().chain(OTHERS).map(<[u8]>::to_vec).collect()
}

pub fn certificate(data: &[u8]) -> bool {
    let Ok(cert) = Cert::from_der(data) else { return false };
    assert_eq!(cert.der(), data, "the bytes received are the bytes kept");
    for part in [cert.tbs(), cert.serial(), cert.issuer(), cert.subject(), cert.spki(), cert.signature()] {
        assert!(part.len() <= data.len());
    }
    let _ = (cert.not_before(), cert.not_after(), cert.extensions(), cert.algorithm(), cert.is_self_issued());
    let _ = DistinguishedName::from_der(cert.subject());
    let _ = Serial::from_der_content(cert.serial());
    if let Ok(key) = cert.public_key() {
        let _ = cert.is_signed_by(key);
    }
    true
}

/// Whatever else is put up with, what is read strictly is read the same.
pub fn certificate_tolerant(data: &[u8]) -> bool {
    let Ok(cert) = Cert::from_der_tolerant(data) else { return false };
    assert_eq!(cert.der(), data, "the bytes received are the bytes kept");
    if let Ok(strict) = Cert::from_der(data) {
        assert_eq!((strict.tbs(), strict.subject(), strict.serial()), (cert.tbs(), cert.subject(), cert.serial()));
        assert_eq!((strict.not_before(), strict.not_after()), (cert.not_before(), cert.not_after()));
    }
    let _ = (cert.deviations(), cert.extensions(), cert.is_self_issued());
    if let Ok(key) = cert.public_key() {
        let _ = cert.is_signed_by(key);
    }
    true
}

pub fn crl_tolerant(data: &[u8]) -> bool {
    let Ok(crl) = Crl::from_der_tolerant(data) else { return false };
    assert_eq!(crl.der(), data, "the bytes received are the bytes kept");
    let _ = (crl.tbs(), crl.deviations(), crl.is_complete(), crl.entries().take(1000).count());
    crl.entries().next().is_none_or(|first| crl.find(first.serial).is_some())
}

const ANSWERS: [&[u8]; 3] = [
    include_bytes!("../../web/src/cli/test_pki/ocsp/good.ocsp"),
    include_bytes!("../../web/src/cli/test_pki/ocsp/revoked.ocsp"),
    include_bytes!("../../web/src/cli/test_pki/ocsp/by-issuer.ocsp"),
];

pub fn ocsp_answer_seeds() -> Vec<Vec<u8>> {
    ANSWERS.map(<[u8]>::to_vec).to_vec()
}

/// An answer as evidence, about a certificate it does not speak of and on the path of which it lies.
pub fn ocsp_answer(data: &[u8]) -> bool {
    let Ok(answer) = OcspAnswer::from_der(data) else { return false };
    assert_eq!(answer.der(), data, "the bytes received are the bytes kept");
    let [leaf, issuing, root] = [LEAF, ISSUING, ROOT].map(|der| Cert::from_der(der).expect("a seed"));
    assert!(!answer.is_about(&leaf, &issuing), "a hash of another name");
    let ocsps = [answer];
    let options = Options { revocation: Revocation::Required, ocsps: &ocsps, ..Options::default() };
    assert!(!examine(&leaf, &[issuing], &Anchors::new(vec![root]), now(), &options).is_valid());
    true
}

pub fn crl(data: &[u8]) -> bool {
    let Ok(crl) = Crl::from_der(data) else { return false };
    assert_eq!(crl.der(), data, "the bytes received are the bytes kept");
    let _ = (crl.issuer(), crl.this_update(), crl.next_update(), crl.number(), crl.authority_key_id());
    let entries = crl.entries().take(1000).count();
    if let Some(first) = crl.entries().next() {
        assert!(entries > 0 && crl.find(first.serial).is_some(), "what is listed is found");
    }
    true
}

pub fn path_seeds() -> Vec<Vec<u8>> {
    let [ec, ..] = OTHERS;
    vec![[LEAF, ISSUING, ROOT, CRL].concat(), [LEAF, ISSUING, ROOT].concat(), [ec, ec].concat(), [LEAF, ROOT].concat()]
}

/// Objects one after another: the first certificate is the leaf, the last one the anchor.
pub fn path(data: &[u8]) -> bool {
    let (mut certs, mut crls, mut ocsps) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = data;
    while let Some((object, after)) = split_der(rest) {
        rest = after;
        match Cert::from_der(object) {
            Ok(cert) => certs.push(cert),
            Err(_) => match OcspAnswer::from_der(object) {
                Ok(answer) => ocsps.push(answer),
                Err(_) => crls.extend(Crl::from_der(object)),
            },
        }
    }
    let (Some(leaf), Some(anchor)) = (certs.first(), certs.last()) else { return false };
    let anchors = Anchors::new(vec![anchor.clone()]);
    for revocation in [Revocation::Ignored, Revocation::Required] {
        let options = Options { revocation, crls: &crls, ocsps: &ocsps, ..Options::default() };
        let _ = examine(leaf, &certs[1..], &anchors, now(), &options).is_valid();
    }
    true
}

pub fn public_key_seeds() -> Vec<Vec<u8>> {
    certificate_seeds().iter().filter_map(|der| Some(Cert::from_der(der).ok()?.spki().to_vec())).collect()
}

pub fn public_key(data: &[u8]) -> bool {
    let Ok(key) = PublicKey::from_spki(data) else { return false };
    assert_eq!(key.spki_der(), data, "a key has one encoding");
    let _ = key.key_id();
    let algorithm = SignatureAlgorithm::for_key(key.algorithm());
    // The odds that a stray text is a signature are those of forging one.
    assert!(!key.verify(algorithm, b"message", data), "no signature, and accepted");
    true
}

pub fn signature_seeds() -> Vec<Vec<u8>> {
    let signatures =
        [ROOT, ISSUING, LEAF].iter().filter_map(|der| Some(Cert::from_der(der).ok()?.signature().to_vec()));
    // r = s = 1, and r with and without the octet that keeps it positive.
    signatures.chain([vec![0x30, 6, 2, 1, 1, 2, 1, 1], vec![0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]]).collect()
}

pub fn signature(data: &[u8]) -> bool {
    let Ok(signature) = Signature::from_der(data) else { return false };
    assert_eq!(signature.to_der(), data, "a signature has one encoding");
    let again = Signature::from_raw(&signature.to_raw()).expect("what was read is in range");
    assert_eq!(again.to_der(), data);
    true
}
