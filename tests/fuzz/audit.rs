//! Entries, checkpoints and receipts of the audit log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::Cert;
use engine::sm2::PrivateKey;
use ledger::Cover;
use ledger::audit::{Checkpoint, CheckpointBody, Entry, leaf_hash};
use web::api;

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
    vec![serde_json::to_vec(&receipt).expect("a receipt has a JSON form")]
}

pub fn receipt(data: &[u8]) -> bool {
    let Ok(receipt) = serde_json::from_slice::<api::Receipt>(data) else { return false };
    for certificate in [None, Some(LEAF)] {
        let _ = web::receipt::verify(&receipt, certificate, &[ROOT.to_vec()], now());
    }
    true
}
