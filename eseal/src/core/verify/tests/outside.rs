//! What we write, judged by OpenSSL; what OpenSSL writes, judged by us.

use std::path::Path;
use std::process::{Command, Output};

use crypto_pool::cms::{Arc as CmsArc, Signer};
use crypto_pool::path::Anchors;
use pki_config::oid;

use super::*;

/// Runs OpenSSL in a folder; `None`, and loudly, if there is none.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<Output> {
    match Command::new("openssl").current_dir(folder).args(arguments).output() {
        Ok(output) => Some(output),
        Err(why) => {
            eprintln!("LEFT OUT: openssl is not here ({why})");
            None
        }
    }
}

#[track_caller]
fn works(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Whether OpenSSL takes the signature over the message for one of the key in the certificate.
fn takes(folder: &Path, cert: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("cert.der", cert);
    write("message", message);
    write("signature", signature);
    works(&openssl(folder, &["x509", "-inform", "DER", "-in", "cert.der", "-pubkey", "-noout", "-out", "key.pem"])?);
    let arguments = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-in",
        "message",
        "-sigfile",
        "signature",
        "-rawin",
        "-digest",
        "sm3",
        "-pkeyopt",
        "distid:1234567812345678",
    ];
    Some(openssl(folder, &arguments)?.status.success())
}

#[test]
fn openssl_takes_the_signatures_in_our_seals_and_in_those_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new();
    let ours = house.value(&house.seal(), signed_at(), &digest(), None);
    let theirs = crate::core::ses::tests::sample("SignedValueV4.dat");
    for value in [Some(ours), theirs].into_iter().flatten() {
        let read = SealSignature::read(&value).unwrap();
        let (seal, tbs) = (&read.seal, read.tbs());
        let Some(taken) = takes(folder.path(), &seal.maker, seal.signed(), &seal.signature) else { return };
        assert!(taken, "the maker's");
        assert_eq!(takes(folder.path(), &read.signer, tbs, &read.signature), Some(true), "the signer's");
        assert_eq!(takes(folder.path(), &read.signer, &tbs[1..], &read.signature), Some(false));
    }
}

#[test]
fn openssl_takes_the_signature_over_our_attributes() {
    // OpenSSL 3.0 knows no identifier of the signer in CMS, without which no SM2 signature is right: so the attributes
    // by themselves.
    let folder = tempfile::tempdir().unwrap();
    let house = House::new();
    let signer = Signer::new(&house.signer.cert, &[] as &[Vec<u8>], oid::DATA).unwrap();
    let attributes = signer.attributes_of_digest(&engine::sm3::hash(b"document")).unwrap();
    let value = signer.assemble_detached(&attributes, &house.signer.sign(&attributes), None, CmsArc::Cms);
    let read = crypto_pool::cms::read::SignedData::from_der(&value).unwrap();
    let info = &read.signers[0];
    let Some(taken) = takes(folder.path(), &house.signer.cert, &info.attributes, &info.signature) else { return };
    assert!(taken);
}

/// A key on P-256 and its certificate, made by OpenSSL in this folder as `key.pem` and `c.der`.
fn outside(folder: &Path) -> Option<Cert> {
    let run = |arguments: &[&str]| openssl(folder, arguments);
    works(&run(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"])?);
    let subject = ["-subj", "/CN=outside", "-days", "400"];
    let made = [&["req", "-x509", "-new", "-key", "key.pem", "-sha256", "-out", "c.pem"][..], &subject].concat();
    works(&run(&made)?);
    works(&run(&["x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der"])?);
    works(&run(&["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER", "-out", "key.der"])?);
    Some(Cert::from_der(&std::fs::read(folder.join("c.der")).unwrap()).unwrap())
}

#[test]
fn openssl_verifies_our_message_without_its_content() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    let folder = tempfile::tempdir().unwrap();
    let Some(cert) = outside(folder.path()) else { return };
    let key = std::fs::read(folder.path().join("key.der")).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key).unwrap();
    let signer = Signer::new(cert.der(), &[] as &[Vec<u8>], oid::DATA).unwrap();
    let digest = crypto_pool::digest::of(crypto_pool::digest::Hash::Sha256, b"document");
    let attributes = signer.attributes_of_digest(&digest).unwrap();
    let signature = key.sign(&SystemRandom::new(), &attributes).unwrap();
    let value = signer.assemble_detached(&attributes, signature.as_ref(), None, CmsArc::Cms);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("cms.der", &value);
    write("document", b"document");
    write("other", b"Document");
    let verify = |content: &str| {
        let arguments =
            "cms -verify -binary -cades -inform DER -in cms.der -CAfile c.pem -purpose any -out out -content";
        let arguments: Vec<&str> = arguments.split(' ').chain([content]).collect();
        openssl(folder.path(), &arguments).unwrap()
    };
    works(&verify("document"));
    assert!(!verify("other").status.success());
}

#[test]
fn a_message_that_openssl_signed_is_judged_sound() {
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = outside(folder.path()) else { return };
    std::fs::write(folder.path().join("document"), b"document").unwrap();
    let arguments = "cms -sign -binary -in document -signer c.pem -inkey key.pem -md sha256 -outform DER -out cms.der";
    works(&openssl(folder.path(), &arguments.split(' ').collect::<Vec<_>>()).unwrap());
    let value = std::fs::read(folder.path().join("cms.der")).unwrap();
    let at = root.not_before().plus(std::time::Duration::from_secs(60));
    let trust = Trust { anchors: Anchors::new(vec![root]), ..Trust::default() };
    let judged = |text: &[u8]| {
        let digest = crypto_pool::digest::of(crypto_pool::digest::Hash::Sha256, text);
        judge_value(&value, &[(Hash::Sha256, digest)], &trust, at)
    };
    let report = judged(b"document");
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(report.signatures[0].time_source, TimeSource::Signer, "signingTime");
    assert_eq!(judged(b"Document").verdict, Verdict::Invalid);
}
