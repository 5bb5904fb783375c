//! What others say of what we issue: every profile in both hierarchies, and every CRL, before OpenSSL,
//! BouncyCastle and pkilint.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::path::{Path, PathBuf};

use ca::{Certificate, NewRequest, OwnRequest};
use crypto_pool::KeyAlgorithm;
use crypto_pool::backend;
use judges::{BouncyCastle, OpenSsl, Pkilint, fact};
use pki_config::name::SubjectAltName;
use pki_config::profile::BuiltIn;
use pki_config::status::Reason;
use pki_config::{IssuerId, Permission};
use support::{Parts, TestHouse, pem};

struct Family {
    root: &'static str,
    issuing: &'static str,
    keys: &'static [KeyAlgorithm],
}

const SM2: Family = Family { root: "sm2-root", issuing: "sm2-issuing", keys: &[KeyAlgorithm::Sm2] };
const EC: Family = Family {
    root: "ec-root",
    issuing: "ec-issuing",
    keys: &[KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Ed25519, KeyAlgorithm::Rsa { bits: 3072 }],
};

/// Subject and alternative names that a profile takes, with all it allows.
fn names(profile: BuiltIn) -> (&'static str, &'static str) {
    match profile {
        // No wildcard: pkilint judges by RFC 5280 alone, which does not know them (RFC 9525 6.3 does).
        BuiltIn::TlsServer | BuiltIn::TlsServerMustStaple => (
            "C=CN,ST=北京,L=海淀,O=示例公司,CN=www.example.cn",
            "dns:www.example.cn,dns:example.cn,ip:192.0.2.7,ip:2001:db8::7",
        ),
        BuiltIn::TlsServerDv | BuiltIn::TlsServerShort => ("CN=www.example.cn", "dns:www.example.cn,dns:example.cn"),
        BuiltIn::Email => ("CN=张三,emailAddress=zhang.san@example.cn", "email:zhang.san@example.cn"),
        BuiltIn::TlsClient => ("C=CN,O=示例公司,OU=研发,CN=client-7", "email:client@example.cn"),
        BuiltIn::DualPerson => ("C=CN,O=示例公司,SN=李,GN=四,CN=李四", "email:li.si@example.cn"),
        BuiltIn::DualOrganisation => ("C=CN,ST=上海,L=浦东,O=示例公司,CN=示例公司", "email:office@example.cn"),
        BuiltIn::DualDevice => ("C=CN,O=示例公司,serialNumber=SN-0008,CN=gateway-8", "dns:gateway-8.example.cn"),
        BuiltIn::DualTlsServer => ("C=CN,O=示例公司,CN=tlcp.example.cn", "dns:tlcp.example.cn,ip:192.0.2.9"),
        BuiltIn::Person => ("C=CN,O=示例公司,SN=张,GN=三,CN=张三", "email:zhang.san@example.cn"),
        BuiltIn::Organisation => ("C=CN,ST=上海,L=浦东,O=示例公司,CN=示例公司", "email:office@example.cn"),
        BuiltIn::Device => {
            ("C=CN,O=示例公司,serialNumber=SN-0007,CN=gateway-7", "dns:gateway-7.example.cn,ip:192.0.2.8")
        }
        BuiltIn::OcspSigner => ("C=CN,O=示例公司,CN=OCSP 1", ""),
        BuiltIn::Tsa => ("C=CN,O=示例公司,CN=Time Stamps 1", ""),
        BuiltIn::SealMaker => ("C=CN,O=示例公司,CN=制章中心", ""),
        BuiltIn::SealSigner => ("C=CN,O=示例公司,CN=合同专用章", ""),
        BuiltIn::CodeSigning => ("C=CN,O=示例公司,CN=示例公司 软件", ""),
        BuiltIn::AuditSigner => ("C=CN,O=示例公司,CN=Audit Log", ""),
        BuiltIn::Root | BuiltIn::SubCa => unreachable!("made with their issuers"),
    }
}

async fn issue(house: &TestHouse, family: &Family, profile: BuiltIn, key: KeyAlgorithm) -> Certificate {
    let (subject, sans) = names(profile);
    let subject = subject.parse().unwrap();
    let sans = if sans.is_empty() { SubjectAltName::none() } else { sans.parse().unwrap() };
    let rules = profile.profile();
    let word = profile.as_str();
    let profile = word.to_owned();
    let issuer: IssuerId = family.issuing.parse().unwrap();
    let asks = rules.rules().key.makers.contains(&pki_config::profile::KeyMaker::Csr) && !rules.rules().internal;
    let issued = if asks {
        let (csr, _) = support::csr(key, house.random.as_ref());
        let request = NewRequest {
            csr,
            subject: Some(subject),
            sans,
            identity: pki_config::Identity::none(),
            profile,
            issuer: Some(issuer),
            days: None,
        };
        house.ca.issue(&support::owner(Permission::IssueCertificate), request).await
    } else {
        let (_, spki) = backend::generate_pkcs8(key, house.random.as_ref()).unwrap();
        let request = OwnRequest { spki, subject, sans, profile, issuer, days: None };
        house.ca.issue_for_key(&support::suite(Permission::IssueCertificate), request).await
    };
    issued.unwrap_or_else(|error| panic!("{word} with {key}: {error}"))
}

struct Files {
    dir: PathBuf,
}

impl Files {
    fn put(&self, name: &str, label: &str, der: &[u8]) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::write(&path, pem(label, der)).unwrap();
        path
    }

    fn certificate(&self, house: &TestHouse, issuer: &str) -> PathBuf {
        let der = &house.ca.issuer(&issuer.parse().unwrap()).unwrap().certificate;
        self.put(&format!("{issuer}.pem"), "CERTIFICATE", der)
    }
}

/// Each profile with each kind of key it takes.
async fn leaves(house: &TestHouse, files: &Files, family: &Family) -> Vec<(String, PathBuf)> {
    let mut leaves = Vec::new();
    for profile in BuiltIn::ALL {
        let rules = profile.profile();
        if rules.rules().needs_ceremony {
            continue;
        }
        for key in family.keys {
            let kind = ca::core::issuer::kind_of(*key);
            let issuer = ca::core::issuer::kind_of(family.keys[0]);
            if !rules.rules().key.may_certify(issuer, kind) {
                continue;
            }
            let issued = issue(house, family, *profile, *key).await;
            let name = format!("{}-{key}", profile.as_str());
            leaves.push((name.clone(), files.put(&format!("{name}.pem"), "CERTIFICATE", &issued.der)));
            if issued.pair.is_some() {
                let pair = house.ca.pair(&pki_config::TenantId::house(), &issued.serial, None).await.unwrap();
                let name = format!("{}-encryption-{key}", profile.as_str());
                leaves.push((name.clone(), files.put(&format!("{name}.pem"), "CERTIFICATE", &pair.encryption.der)));
            }
        }
    }
    assert!(leaves.len() >= 10, "every profile but the authorities' own gives a leaf");
    leaves
}

async fn house(dir: &Path) -> (TestHouse, Files) {
    let files = Files { dir: dir.join("pem") };
    std::fs::create_dir_all(&files.dir).unwrap();
    (TestHouse::open(dir, Parts::real()).await, files)
}

#[tokio::test(flavor = "multi_thread")]
async fn others_accept_every_profile_of_both_hierarchies() {
    let dir = tempfile::tempdir().unwrap();
    let (house, files) = house(dir.path()).await;
    let (openssl, bouncy, pkilint) = (OpenSsl::find(), BouncyCastle::find(), Pkilint::find());
    for family in [SM2, EC] {
        let root = files.certificate(&house, family.root);
        let issuing = files.certificate(&house, family.issuing);
        let leaves = leaves(&house, &files, &family).await;
        for (name, leaf) in &leaves {
            let what = format!("{} under {}", name, family.issuing);
            if let Some(openssl) = &openssl {
                if family.root == SM2.root {
                    openssl.sm2_hop(&issuing, leaf).must_accept(&what);
                } else {
                    openssl.chain(&root, Some(&issuing), leaf).must_accept(&what);
                }
            }
            // A second a run: every profile with the family's first key, and every key with one profile.
            let asked = name.starts_with("tls-server") || name.ends_with(&format!("-{}", family.keys[0]));
            if let Some(pkilint) = &pkilint
                && asked
            {
                // The encryption half has the key usages of GM/T 0015, which RFC 5480 3 keeps from keys on curves. That,
                // and nothing else, is found.
                if name.contains("-encryption-") {
                    let told = pkilint.certificate(leaf).must_refuse(&what);
                    let findings = told.matches("(ERROR)").count() + told.matches("(WARNING)").count();
                    let expected = told.contains("pkix.key_usage_value_prohibited_for_ec");
                    assert!(findings == 1 && expected, "{what}: {told}");
                } else {
                    pkilint.certificate(leaf).must_accept(&what);
                }
            }
        }
        if let Some(openssl) = &openssl {
            if family.root == SM2.root {
                openssl.sm2_chain(&[&root, &issuing]).must_accept("the SM2 authorities");
            } else {
                openssl.chain(&root, None, &issuing).must_accept("the ECDSA authorities");
            }
        }
        if let Some(bouncy) = &bouncy {
            let all: Vec<&Path> = leaves.iter().map(|(_, leaf)| leaf.as_path()).collect();
            bouncy.chain(&root, Some(&issuing), &all).must_accept(family.issuing);
        }
        if let Some(pkilint) = &pkilint {
            pkilint.certificate(&root).must_accept(family.root);
            pkilint.certificate(&issuing).must_accept(family.issuing);
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_and_verify_every_crl_and_see_who_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let (house, files) = house(dir.path()).await;
    let (openssl, bouncy, pkilint) = (OpenSsl::find(), BouncyCastle::find(), Pkilint::find());
    for family in [SM2, EC] {
        let root = files.certificate(&house, family.root);
        let issuing = files.certificate(&house, family.issuing);
        let good = issue(&house, &family, BuiltIn::TlsServer, family.keys[0]).await;
        let gone = issue(&house, &family, BuiltIn::TlsServer, family.keys[0]).await;
        let held = issue(&house, &family, BuiltIn::Device, family.keys[0]).await;
        let auth = support::owner(Permission::RevokeCertificate);
        let long_ago = gone.validity.not_before();
        house.ca.revoke(&auth, &gone.serial, None, Reason::KeyCompromise, Some(long_ago)).await.unwrap();
        house.ca.hold(&auth, &held.serial, None).await.unwrap();
        let mut crls = Vec::new();
        for issuer in [family.root, family.issuing] {
            let id: IssuerId = issuer.parse().unwrap();
            house.ca.publish_crl(&support::suite(Permission::PublishCrl), &id).await.unwrap();
            let (_, der) = house.ca.crl(&id).await.unwrap();
            crls.push(files.put(&format!("{issuer}.crl.pem"), "X509 CRL", &der));
        }
        if let Some(bouncy) = &bouncy {
            let said = bouncy.crl(&root, &crls[0]).must_accept("the root's empty CRL");
            assert_eq!(fact(&said, "entries"), "0");
            let said = bouncy.crl(&issuing, &crls[1]).must_accept("the issuing authority's CRL");
            assert_eq!(fact(&said, "entries"), "2", "{said}");
            assert!(said.to_uppercase().contains(&gone.serial.to_string()), "{said}");
            let leaf = files.put("good.pem", "CERTIFICATE", &good.der);
            let both: Vec<&Path> = crls.iter().map(PathBuf::as_path).collect();
            bouncy.chain_with_crls(&root, Some(&issuing), &leaf, &both).must_accept("the good one");
            for (name, revoked) in [("revoked", &gone), ("held", &held)] {
                let leaf = files.put("gone.pem", "CERTIFICATE", &revoked.der);
                bouncy.chain_with_crls(&root, Some(&issuing), &leaf, &both).must_refuse(name);
            }
            bouncy.crl(&root, &crls[1]).must_refuse("a CRL under another issuer's key");
        }
        if let Some(openssl) = &openssl
            && family.root == EC.root
        {
            openssl.crl(&issuing, &crls[1]).must_accept("the ECDSA CRL");
        }
        if let Some(pkilint) = &pkilint {
            for crl in &crls {
                pkilint.crl(crl).must_accept("a CRL");
            }
        }
    }
    house.close().await;
}
