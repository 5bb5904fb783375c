//! Entries, checkpoints and receipts of the audit log, and backups.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::OsRandom;
use crypto_pool::path::Cert;
use engine::sm2::PrivateKey;
use ledger::Cover;
use ledger::audit::{Checkpoint, CheckpointBody, Entry, leaf_hash};
use pki_config::Instant;
use pki_config::time::FixedClock;
use tokio::runtime::{Builder, Runtime};
use web::api;
use web::backup::{BackupError, Opener, RestoreOrder, restore};

use super::der::pem;
use super::{ISSUING, LEAF, ROOT, now};

pub fn entry() -> Entry {
    Entry {
        seq: 0,
        time: now(),
        tenant: "house".into(),
        person: "00112233445566778899aabbccddeeff".into(),
        role: "ra-officer".into(),
        channel: "https".into(),
        event: "cert.issued".into(),
        object: "4F0AC1".into(),
        outcome: "done".into(),
        payload_digest: engine::sm3::hash(LEAF),
        covers: vec![Cover { table: "ca_certificate".into(), key: "issuing/4F0AC1".into(), digest: [7; 32] }],
    }
}

/// The head of a log that holds [`entry`] alone.
pub fn head() -> Checkpoint {
    let key = PrivateKey::from_bytes(&[0x11; 32]).expect("in range");
    let root = leaf_hash(&entry().to_der().expect("a short entry"));
    let log = engine::sm3::hash(Cert::from_der(LEAF).expect("a seed").spki());
    let body = CheckpointBody { log, size: 1, root, time: now() };
    let signature = key.sign(&body.to_der(), &[0x22; 32]).to_der();
    Checkpoint { body, signature }
}

pub fn audit_entry(data: &[u8]) -> bool {
    let Ok(entry) = Entry::from_der(data) else { return false };
    // A field that is longer than we write may be read, and is not written again.
    if let Ok(der) = entry.to_der() {
        assert_eq!(der, data, "an entry has one encoding");
    }
    true
}

pub fn checkpoint(data: &[u8]) -> bool {
    if let Ok(checkpoint) = Checkpoint::from_der(data) {
        assert_eq!(checkpoint.to_der(), data, "a checkpoint has one encoding");
        return true;
    }
    let Ok(body) = CheckpointBody::from_der(data) else { return false };
    assert_eq!(body.to_der(), data, "a body has one encoding");
    true
}

pub fn receipt_seeds() -> Vec<Vec<u8>> {
    let receipt = api::Receipt {
        version: 1,
        entry: STANDARD.encode(entry().to_der().expect("a short entry")),
        seq: 0,
        path: Vec::new(),
        checkpoint: STANDARD.encode(head().to_der()),
        log_certificate: pem("CERTIFICATE", LEAF),
        log_chain: pem("CERTIFICATE", ISSUING),
    };
    let made_up = serde_json::to_vec(&receipt).expect("a receipt has a JSON form");
    vec![include_bytes!("seeds/receipt.json").to_vec(), made_up]
}

pub fn receipt(data: &[u8]) -> bool {
    let Ok(receipt) = serde_json::from_slice::<api::Receipt>(data) else { return false };
    // The seed was made by a trial of its own and is genuine, to the root, at this time.
    let root = include_bytes!("seeds/receipt-root.cer").to_vec();
    let at: Instant = "2027-01-01T00:00:00Z".parse().expect("a time");
    let certificates = [None, Some(LEAF), Some(include_bytes!("seeds/receipt.cer"))];
    let good = |certificate| web::receipt::verify(&receipt, certificate, &[ROOT.to_vec(), root.clone()], at).is_ok();
    let genuine = certificates.map(good);
    assert!(!genuine[1], "a receipt of a certificate that it is not for");
    true
}

/// A backup is read whole, signature included, before anything in it is opened; that part is reached here.
pub fn backup(data: &[u8]) -> bool {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_multi_thread().build().expect("threads"));
    let place = |name| std::env::temp_dir().join(format!("yinxin-fuzz-{}-{name}", std::process::id()));
    let file = place("backup");
    std::fs::write(&file, data).expect("a temporary file");
    let order = RestoreOrder {
        file: file.clone(),
        dir: place("restored"),
        opener: Opener::RootKeyFile(place("no-such-key")),
        expect: None,
        crls: Vec::new(),
        covered: ca::COVERED,
        clock: Arc::new(FixedClock::at(now())),
        random: Arc::new(OsRandom::open().expect("a random source")),
    };
    let refused = RUNTIME.block_on(restore(order)).expect_err("without a key there is nothing to restore");
    let _ = std::fs::remove_file(&file);
    !matches!(refused, BackupError::Malformed(_) | BackupError::NotABackup | BackupError::Newer(_))
}
