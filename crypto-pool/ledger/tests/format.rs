//! The DER of entries and checkpoints, worked out by hand, and what is refused.

#![allow(clippy::unwrap_used)]

use ledger::Cover;
use ledger::audit::{BadEntry, Checkpoint, CheckpointBody, Entry, MAX_LEAF, leaf_hash, node_hash};
use pki_config::Instant;
use proptest::prelude::*;

fn entry() -> Entry {
    Entry {
        seq: 300,
        time: Instant::from_unix_millis(1000).unwrap(),
        tenant: "house".to_owned(),
        person: "p".to_owned(),
        role: "auditor".to_owned(),
        channel: "https".to_owned(),
        event: "cert.issued".to_owned(),
        object: String::new(),
        outcome: "done".to_owned(),
        payload_digest: [0x11; 32],
        covers: vec![Cover { table: "t".to_owned(), key: "k".to_owned(), digest: [0x22; 32] }],
    }
}

/// The leaf of [`entry`], written out from the ASN.1.
fn entry_der() -> Vec<u8> {
    let covers = [&[0x30, 42, 0x30, 40, 0x0c, 1, b't', 0x0c, 1, b'k', 0x04, 32][..], &[0x22; 32]].concat();
    let content = [
        &[0x02, 1, 1][..],      // version
        &[0x02, 2, 0x01, 0x2c], // seq 300
        &[0x02, 2, 0x03, 0xe8], // time 1000
        b"\x0c\x05house\x0c\x01p\x0c\x07auditor\x0c\x05https\x0c\x0bcert.issued\x0c\x00\x0c\x04done",
        &[0x04, 32],
        &[0x11; 32],
        &covers,
    ]
    .concat();
    [&[0x30, 0x81, u8::try_from(content.len()).unwrap()][..], &content].concat()
}

#[test]
fn the_leaf_of_an_entry_is_its_asn1() {
    assert_eq!(entry().to_der().unwrap(), entry_der());
    assert_eq!(Entry::from_der(&entry_der()), Ok(entry()));
}

#[test]
fn leaves_and_nodes_are_hashed_apart() {
    // RFC 9162 2.1.1: 00 before a leaf, 01 before two children.
    assert_eq!(leaf_hash(b"leaf"), engine::sm3::hash(b"\0leaf"));
    let both = [&[1][..], &[2; 32], &[3; 32]].concat();
    assert_eq!(node_hash(&[2; 32], &[3; 32]), engine::sm3::hash(&both));
}

#[test]
fn leaves_that_are_not_strict_der_are_refused() {
    let good = entry_der();
    let version_2 = [&good[..5], &[2], &good[6..]].concat();
    let behind = [&good[..], &[0]].concat();
    let long_length = [&[0x30, 0x82, 0][..], &good[2..]].concat();
    let no_utf8 = {
        let mut bytes = good.clone();
        let at = bytes.windows(5).position(|w| w == b"house").unwrap();
        bytes[at] = 0xff;
        bytes
    };
    for bad in [&version_2[..], &behind, &long_length, &no_utf8, &good[..good.len() - 1], &[], &[0x30, 0]] {
        assert_eq!(Entry::from_der(bad), Err(BadEntry), "{bad:02x?}");
    }
    assert_eq!(Entry::from_der(&vec![0x30; MAX_LEAF + 1]), Err(BadEntry));
    let negative_time = [&good[..11], &[0x83, 0xe8], &good[13..]].concat();
    assert_eq!(Entry::from_der(&negative_time), Err(BadEntry));
}

fn checkpoint() -> Checkpoint {
    let time = Instant::from_unix_millis(128).unwrap();
    Checkpoint { body: CheckpointBody { log: [1; 32], size: 5, root: [2; 32], time }, signature: vec![9, 8] }
}

#[test]
fn a_checkpoint_is_its_asn1() {
    let content =
        [&[0x02, 1, 1, 0x04, 32][..], &[1; 32], &[0x02, 1, 5, 0x04, 32], &[2; 32], &[0x02, 2, 0, 0x80]].concat();
    let body = [&[0x30, u8::try_from(content.len()).unwrap()][..], &content].concat();
    assert_eq!(checkpoint().body.to_der(), body);
    let whole = [&[0x30, u8::try_from(body.len() + 4).unwrap()][..], &body, &[0x04, 2, 9, 8]].concat();
    assert_eq!(checkpoint().to_der(), whole);
    assert_eq!(Checkpoint::from_der(&whole), Ok(checkpoint()));
    assert_eq!(CheckpointBody::from_der(&body), Ok(checkpoint().body));
    assert!(Checkpoint::from_der(&whole[..whole.len() - 1]).is_err());
    assert!(Checkpoint::from_der(&[&whole[..], &[0]].concat()).is_err());
    assert!(Checkpoint::from_der(&vec![0x30; 10_000]).is_err());
}

proptest! {
    #[test]
    fn what_can_be_read_is_written_the_same(flip in any::<proptest::sample::Index>(), to in any::<u8>()) {
        let mut bytes = entry_der();
        let at = flip.index(bytes.len());
        bytes[at] = to;
        if let Ok(read) = Entry::from_der(&bytes) {
            prop_assert_eq!(read.to_der().unwrap(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::from_der(&bytes);
        let _ = Checkpoint::from_der(&bytes);
    }
}
