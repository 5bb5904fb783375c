//! PAdES with a key of OpenSSL's, judged by readers of others: poppler's pdfsig and pyHanko.

use std::path::Path;

use eseal::core::facts::Evidence;
use eseal::core::order::{Form, Hole, Prepared};
use eseal::core::pdf;
use eseal::core::place::{Edge, Pages, Place};

use crate::judges::{opinion, run, words};
use crate::paper::{Kind, Sheet, limits, order, paper};

/// A key of P-256, a certificate of a root made for the test, and the root.
struct Signer {
    folder: tempfile::TempDir,
}

impl Signer {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let signer = Self { folder };
        std::fs::write(
            signer.at("ext"),
            "keyUsage=critical,digitalSignature,nonRepudiation\nextendedKeyUsage=emailProtection\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"];
        let (root, key, request) = (signer.at("root.pem"), signer.at("key.pem"), signer.at("request.pem"));
        let mut arguments = vec!["req", "-x509", "-subj", "/CN=Root of the test", "-days", "30", "-keyout"];
        let root_key = signer.at("root.key");
        arguments.extend([root_key.as_str(), "-out", &root]);
        arguments.extend(curve);
        Self::openssl(&arguments)?;
        let mut arguments = vec!["req", "-new", "-subj", "/CN=Signer of the test", "-keyout", &key, "-out", &request];
        arguments.extend(curve);
        Self::openssl(&arguments)?;
        let (extensions, certificate) = (signer.at("ext"), signer.at("cert.pem"));
        Self::openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &root,
            "-CAkey",
            &root_key,
            "-CAcreateserial",
            "-days",
            "20",
            "-sha256",
            "-extfile",
            &extensions,
            "-out",
            &certificate,
        ])?;
        Some(signer)
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn openssl(arguments: &[&str]) -> Option<()> {
        let output = run("openssl", arguments)?;
        assert!(output.status.success(), "{}", words(&output));
        Some(())
    }

    /// The finished document: the value is made by OpenSSL over the octets that the document says are covered.
    fn sign(&self, prepared: Prepared) -> Vec<u8> {
        let Hole::Pdf { start, digits } = prepared.hole else { panic!("not a PDF") };
        let mut covered = prepared.document[..start - 1].to_vec();
        covered.extend_from_slice(&prepared.document[start + digits + 1..]);
        std::fs::write(self.at("covered"), covered).unwrap();
        Self::openssl(&[
            "cms",
            "-sign",
            "-binary",
            "-cades",
            "-md",
            "sha256",
            "-signer",
            &self.at("cert.pem"),
            "-inkey",
            &self.at("key.pem"),
            "-outform",
            "DER",
            "-in",
            &self.at("covered"),
            "-out",
            &self.at("value"),
        ])
        .unwrap();
        prepared.finish(&std::fs::read(self.at("value")).unwrap()).unwrap()
    }

    /// What pyHanko says of each signature.
    fn pyhanko(&self, document: &[u8]) -> Option<String> {
        opinion(
            "pyhanko",
            &["sign", "validate", "--pretty-print", "--no-revocation-check", "--trust", &self.at("root.pem")],
            document,
        )
    }
}

fn judged_good(signer: &Signer, document: &[u8], signatures: usize) {
    if let Some(words) = opinion("pdfsig", &[], document) {
        assert_eq!(words.matches("Signature Validation: Signature is Valid.").count(), signatures, "{words}");
    }
    if let Some(words) = signer.pyhanko(document) {
        assert_eq!(words.matches("The signature is judged VALID.").count(), signatures, "{words}");
        assert!(!words.contains("INVALID"), "{words}");
    }
}

#[test]
fn readers_of_others_accept_our_pades_and_refuse_a_changed_copy() {
    let Some(signer) = Signer::new() else { return };
    for kind in [Kind::Table, Kind::Streams] {
        let document = paper(kind, &vec![Sheet::default(); 3], "", &[]);
        let once = signer.sign(pdf::prepare(&document, &order(Form::Pades), &limits()).unwrap());
        judged_good(&signer, &once, 1);
        let twice = signer.sign(pdf::prepare(&once, &order(Form::Pades), &limits()).unwrap());
        judged_good(&signer, &twice, 2);
        let certificate = std::fs::read(signer.at("cert.pem")).unwrap();
        let evidence = Evidence { certificates: vec![der(&certificate)], ..Evidence::default() };
        let kept = pdf::embed_evidence(&twice, &evidence, &limits()).unwrap();
        judged_good(&signer, &kept, 2);
        assert_eq!(pdf::read(&kept, &limits()).unwrap().evidence, evidence);
        assert_eq!(pdf::embed_evidence(&kept, &evidence, &limits()).unwrap(), kept);

        let at = once.windows(8).position(|eight| eight == b"Contract").unwrap();
        let mut changed = once;
        changed[at] = b'K';
        if let Some(words) = opinion("pdfsig", &[], &changed) {
            assert!(words.contains("Digest Mismatch"), "{words}");
        }
        if let Some(words) = signer.pyhanko(&changed) {
            assert!(words.contains("The signature is judged INVALID."), "{words}");
        }
    }
}

#[test]
fn readers_of_others_accept_a_riding_seal() {
    let Some(signer) = Signer::new() else { return };
    let mut order = order(Form::Pades);
    order.places.push(Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: 20 });
    let document = paper(Kind::Table, &vec![Sheet::default(); 5], "", &[]);
    let once = signer.sign(pdf::prepare(&document, &order, &limits()).unwrap());
    judged_good(&signer, &once, 1);
}

fn der(pem: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = std::str::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

#[test]
fn documents_of_others_are_sealed_and_read_back() {
    let Some(folder) = std::env::var_os("YINXIN_SAMPLES")
        .map(|folder| Path::new(&folder).join("pdf"))
        .filter(|folder| folder.is_dir())
    else {
        eprintln!("LEFT OUT: no folder pdf in YINXIN_SAMPLES, so documents of other writers are not tried");
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let document = std::fs::read(&path).unwrap();
        let mut order = order(Form::Pades);
        order.places = vec![Place::At { pages: Pages::These(vec![1]), x: 5.0, y: 5.0 }];
        let prepared = match pdf::prepare(&document, &order, &limits()) {
            Ok(prepared) => prepared,
            Err(why) => {
                eprintln!("{}: {why:?}", path.display());
                continue;
            }
        };
        let digest = prepared.digest.clone();
        let mut value = vec![0x30, 11, 6, 9];
        value.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]);
        let sealed = prepared.finish(&value).unwrap();
        crate::judges::qpdf_is_content(&sealed);
        let facts = pdf::read(&sealed, &limits()).unwrap();
        let ours = facts.signatures.last().unwrap();
        assert!(
            ours.findings.iter().any(|finding| finding.code == "whole-file"),
            "{}: {:?}",
            path.display(),
            ours.findings
        );
        assert!(ours.digests.iter().any(|(_, found)| *found == digest), "{}", path.display());
        assert!(pdf::preview(&sealed, 0, 600, &limits()).is_ok());
        eprintln!("{}: sealed, {} pages", path.display(), facts.pages.len());
    }
}
