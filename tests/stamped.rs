//! What others say of our time-stamps: BouncyCastle of SM2 and ECDSA tokens, with certificates inside and
//! without, and of tokens that were changed.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_pool::random::OsRandom;
use judges::{BouncyCastle, fact};
use pki_config::Actor;
use pki_config::config::{Config, TsaPolicy};
use pki_config::role::Setup;
use pki_config::time::SystemClock;
use tsa::core::request::{Draft, Hash};
use tsa::{Choice, Family};
use web::app::{App, AppOptions};
use web::data_dir::DataDir;

struct House {
    app: App,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.reserve = 1 << 20;
        config.pool.threads = 1;
        // Not used while nothing measures the clock: then the trial policy is the only one.
        config.tsa.policies = vec![TsaPolicy::of("1.2.3.4")];
        let options = AppOptions {
            config,
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom::open().unwrap()),
            probe: None,
            worker: None,
        };
        let new = DataDir::begin(&dir.path().join("d")).unwrap();
        let (app, _) = App::create(new, Setup::Trial, None, options).await.unwrap();
        Self { app, dir }
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn root(&self, family: Family) -> PathBuf {
        let issuer = match family {
            Family::Sm2 => "sm2-root",
            Family::Ec => "ec-root",
        };
        self.dir.path().join(format!("d/roots/{issuer}.pem"))
    }

    async fn answer(&self, draft: &Draft<'_>, choice: Choice) -> (PathBuf, PathBuf, Vec<u8>) {
        let query = draft.to_der();
        let reply = self.app.tsa().unwrap().answer(&Actor::anyone(), &query, choice).await;
        (self.file("query", &query), self.file("reply", &reply), reply)
    }
}

fn draft(hash: Hash, digest: &[u8], cert_req: bool) -> Draft<'_> {
    Draft { hash, digest, policy: None, nonce: Some(&[7, 7, 7]), cert_req }
}

#[tokio::test]
async fn bouncy_castle_takes_our_tokens_and_no_changed_ones() {
    let Some(bc) = BouncyCastle::find() else { return };
    let house = House::new().await;
    let digest = [0x5a; 64];
    let sm2 = "1.2.156.10197.1.501";
    let ecdsa = "1.2.840.10045.4.3.2";
    for (choice, hash, family, signature) in [
        (Choice::Auto, Hash::Sm3, Family::Sm2, sm2),
        (Choice::Auto, Hash::Sha512, Family::Ec, ecdsa),
        (Choice::Sm2, Hash::Sha256, Family::Sm2, sm2),
    ] {
        let unit = house.app.tsa().unwrap().units().into_iter().find(|unit| unit.family() == family).unwrap();
        let chain = house.file("chain.cer", &unit.chain()[0]);
        let signer = house.file("signer.cer", unit.certificate());
        let root = house.root(family);
        let digest = &digest[..hash.length()];
        let (query, reply, der) = house.answer(&draft(hash, digest, true), choice).await;
        let said = bc.stamp(&root, &chain, &query, &reply, None).must_accept("a token with its certificates");
        assert_eq!((fact(&said, "status"), fact(&said, "ordering"), fact(&said, "certificates")), ("0", "true", "2"));
        assert_eq!(fact(&said, "signature"), signature);
        assert_eq!(fact(&said, "policy"), pki_config::config::TRIAL_POLICY);

        // One bit each of signature, digest and time.
        let places = [der.len() - 1, at(&der, digest) + 3, at(&der, b"\x18") + 6];
        for place in places {
            let mut changed = der.clone();
            changed[place] ^= 1;
            let reply = house.file("changed", &changed);
            bc.stamp(&root, &chain, &query, &reply, Some(&signer)).must_refuse("a changed token");
        }
        let other = draft(hash, &[1; 64][..hash.length()], true).to_der();
        let other = house.file("other", &other);
        bc.stamp(&root, &chain, &other, &reply, None).must_refuse("a token over something else");

        let (query, reply, _) = house.answer(&draft(hash, digest, false), choice).await;
        let said = bc.stamp(&root, &chain, &query, &reply, Some(&signer)).must_accept("a token without certificates");
        assert_eq!(fact(&said, "certificates"), "0");
        bc.stamp(&root, &chain, &query, &reply, None).must_refuse("a token whose signer is nowhere");
    }
}

fn at(der: &[u8], part: &[u8]) -> usize {
    der.windows(part.len()).position(|window| window == part).unwrap()
}

#[tokio::test]
async fn bouncy_castle_reads_our_refusals() {
    let Some(bc) = BouncyCastle::find() else { return };
    let house = House::new().await;
    let policy = Some("1.2.3.4".parse().unwrap());
    let refused = Draft { hash: Hash::Sm3, digest: &[1; 32], policy, nonce: None, cert_req: false };
    let (query, reply, _) = house.answer(&refused, Choice::Auto).await;
    let said = bc.stamp(&house.root(Family::Sm2), Path::new("-"), &query, &reply, None).must_refuse("a refusal");
    // unacceptedPolicy, bit 15; BouncyCastle numbers bits by octets, each from its high end: 1 << 8.
    assert!(said.contains("there is no token") && said.contains("fail info: 256"), "{said}");
}
