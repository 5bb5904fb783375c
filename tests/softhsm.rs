//! An authority whose root and issuing keys live in a PKCS#11 token, RSA and ECDSA: certificates, CRLs and OCSP answers
//! before OpenSSL. SoftHSM plays the token; the test runs again in a child process that has a token of its own.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ca::{Certificate, NewIssuer, NewRequest};
use crypto_pool::backend::{Choice, PinFile, Pkcs11, Pkcs11Options, Takes};
use crypto_pool::{KeyAlgorithm, Purpose};
use judges::OpenSsl;
use pki_config::config::OcspConfig;
use pki_config::status::Reason;
use pki_config::{IssuerId, Permission};
use support::{Parts, TestHouse, pem};

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "a pin of the house";
const FOLDER: &str = "YINXIN_TEST_TOKENS";
const NAME: &str = "an_authority_with_its_keys_in_a_token_is_accepted_by_openssl_also_after_a_restart";

/// A hierarchy: root, issuing authority, and their algorithm.
const FAMILIES: [(&str, &str, KeyAlgorithm); 2] =
    [("ec-root", "ec-issuing", KeyAlgorithm::P256), ("rsa-root", "rsa-issuing", KeyAlgorithm::Rsa { bits: 3072 })];

fn parts(module: &Path, pin: &Path) -> Parts {
    let options = Pkcs11Options {
        module: module.to_owned(),
        label: Some("authority".to_owned()),
        serial: None,
        pin: PinFile::new(pin),
        sessions: 2,
        timeout: Duration::from_secs(20),
    };
    let takes = Takes {
        purposes: vec![Purpose::CertificateAuthority, Purpose::Ocsp],
        algorithms: FAMILIES.map(|(_, _, algorithm)| algorithm).to_vec(),
    };
    Parts {
        ocsp: Some(OcspConfig::default()),
        backend: Box::new(move |soft, root| Arc::new(Choice::new(soft).with_pkcs11(takes, Pkcs11::new(options, root)))),
        ..Parts::real()
    }
}

/// The RSA hierarchy, which a house does not have of itself.
async fn found_rsa(house: &TestHouse) {
    let auth = support::suite(Permission::ManageIssuers);
    let ceremony = house.kms.begin_ceremony(&auth, "test").await.unwrap();
    let (root, issuing, algorithm) = FAMILIES[1];
    for (id, parent) in [(root, None), (issuing, Some(root))] {
        let new = NewIssuer {
            id: id.parse().unwrap(),
            parent: parent.map(|parent| parent.parse().unwrap()),
            subject: format!("CN=Test {id} 1,O=Test House,C=CN").parse().unwrap(),
            algorithm,
            public_url: "http://127.0.0.1:8080".parse().unwrap(),
        };
        house.ca.create_issuer(&auth, &ceremony, new).await.unwrap();
    }
}

async fn issue(house: &TestHouse, issuer: &str, host: &str) -> Certificate {
    let (csr, _) = support::csr(KeyAlgorithm::P256, house.random.as_ref());
    let request = NewRequest { issuer: Some(issuer.parse().unwrap()), ..support::server_request(&csr, host) };
    house.ca.issue(&support::owner(Permission::IssueCertificate), request).await.unwrap()
}

/// What OpenSSL says of one family: a good and a revoked certificate, the CRLs, an OCSP answer.
async fn judge(house: &TestHouse, openssl: &OpenSsl, (root, issuing): (&str, &str), folder: &Path) {
    let put = |name: &str, label: &str, der: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, pem(label, der)).unwrap();
        path
    };
    let issuers: Vec<PathBuf> = [root, issuing]
        .iter()
        .map(|id| put(&format!("{id}.pem"), "CERTIFICATE", &house.ca.issuer(&id.parse().unwrap()).unwrap().certificate))
        .collect();
    let (good, gone) = (issue(house, issuing, "good.example.cn").await, issue(house, issuing, "gone.example.cn").await);
    let auth = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&auth, &gone.serial, None, Reason::KeyCompromise, None).await.unwrap();
    let mut crls = Vec::new();
    for issuer in [root, issuing] {
        let id: IssuerId = issuer.parse().unwrap();
        house.ca.publish_crl(&support::suite(Permission::PublishCrl), &id).await.unwrap();
        let (_, der) = house.ca.crl(&id).await.unwrap();
        crls.push(put(&format!("{issuer}.crl.pem"), "X509 CRL", &der));
    }
    openssl.crl(&issuers[0], &crls[0]).must_accept("the root's CRL");
    openssl.crl(&issuers[1], &crls[1]).must_accept("the issuing authority's CRL");
    openssl.crl(&issuers[0], &crls[1]).must_refuse("a CRL under another issuer's key");
    let leaves = [("good", &good), ("gone", &gone)].map(|(name, c)| put(&format!("{name}.pem"), "CERTIFICATE", &c.der));
    openssl.chain(&issuers[0], Some(&issuers[1]), &leaves[0]).must_accept("the chain");
    openssl.leaf_with_crls(&issuers[0], &issuers[1], &leaves[0], &[&crls[1]]).must_accept("the good one");
    openssl.leaf_with_crls(&issuers[0], &issuers[1], &leaves[1], &[&crls[1]]).must_refuse("the revoked one");
    let ocsp = house.responders().await;
    for (leaf, status) in [(&leaves[0], ": good"), (&leaves[1], ": revoked")] {
        let (request, response) = (folder.join("ask.der"), folder.join("answer.der"));
        assert!(openssl.ocsp_request(&issuers[1], &[leaf], "sha256", true, &request));
        std::fs::write(&response, ocsp.answer(&std::fs::read(&request).unwrap()).await.der).unwrap();
        let said = openssl.ocsp_response(&issuers[0], &issuers[1], &request, &response).must_accept("the answer");
        assert!(said.contains(status), "{said}");
    }
}

async fn body(folder: &Path, module: &Path) {
    let Some(openssl) = OpenSsl::find() else { return };
    let (data, pin) = (folder.join("house"), folder.join("pin"));
    std::fs::create_dir(&data).unwrap();
    let mut house = TestHouse::open(&data, parts(module, &pin)).await;
    found_rsa(&house).await;
    for restarted in [false, true] {
        for (root, issuing, _) in FAMILIES {
            for id in [root, issuing] {
                let key = house.ca.issuer(&id.parse().unwrap()).unwrap().key;
                assert!(house.kms.in_device(key).await.unwrap(), "{id}");
            }
            let files = folder.join(format!("{root}-{restarted}"));
            std::fs::create_dir(&files).unwrap();
            judge(&house, &openssl, (root, issuing), &files).await;
        }
        if !restarted {
            house.close().await;
            house = TestHouse::open(&data, parts(module, &pin)).await;
        }
    }
    // SM2 keys, which PKCS#11 does not know, are in software and sign beside them.
    let sm2 = house.ca.issuer(&"sm2-issuing".parse().unwrap()).unwrap().key;
    assert!(!house.kms.in_device(sm2).await.unwrap());
    issue_sm2(&house).await;
    house.close().await;
}

async fn issue_sm2(house: &TestHouse) {
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let request = support::server_request(&csr, "sm2.example.cn");
    house.ca.issue(&support::owner(Permission::IssueCertificate), request).await.unwrap();
}

#[test]
fn an_authority_with_its_keys_in_a_token_is_accepted_by_openssl_also_after_a_restart() {
    let Some(module) = MODULES.iter().map(Path::new).find(|path| path.exists()) else {
        judges::left_out("an authority with its keys in a token: no SoftHSM here (Debian: softhsm2)");
        return;
    };
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(body(Path::new(&folder), module));
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).unwrap();
    let pin = folder.path().join("pin");
    std::fs::write(&pin, PIN).unwrap();
    std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut init = Command::new("softhsm2-util");
    init.args(["--init-token", "--free", "--label", "authority", "--so-pin", "of the officer", "--pin", PIN]);
    let made = init.env("SOFTHSM2_CONF", &conf).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([NAME, "--exact", "--nocapture"]).env("SOFTHSM2_CONF", &conf).env(FOLDER, folder.path());
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}
