//! Appending, reopening, clock, checkpoints.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use ledger::audit::{AuditError, Checkpoint, Entry, leaf_hash, verify_consistency, verify_inclusion};
use ledger::{AuditLog, EntryDraft, Importance};
use pki_config::{Actor, ErrorCode};
use support::{COVERED, House, block_on, draft, genuine, noon, put_item, sign};

#[test]
fn an_honest_log_verifies_and_its_entries_can_be_read() {
    let house = House::new();
    assert_eq!(house.append("a"), 0);
    assert_eq!(house.put(1, "done", 5), 1);
    let head = house.checkpoint().unwrap();
    assert_eq!((head.body.size, head.body.time), (2, noon()));
    assert_eq!(house.checkpoint(), None, "nothing was appended since");
    let report = house.verify(Some(&head));
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!((report.entries, report.rows, report.checkpoints), (2, 1, 1));

    let entry = block_on(house.log.entry(0)).unwrap();
    let read = Entry::from_der(&entry.leaf).unwrap();
    assert_eq!((read.object.as_str(), read.person.as_str(), read.outcome.as_str()), ("a", "system", "done"));
    assert_eq!(entry.payload.unwrap(), b"payload of a");
    assert_eq!(block_on(house.log.find("item-1", 10)).unwrap()[0].seq, 1);
    assert_eq!(block_on(house.log.entry(2)), Err(AuditError::NoSuchEntry));
}

#[test]
fn a_log_goes_on_after_a_restart_across_tile_borders() {
    let mut house = House::new();
    for size in [1, 255, 256, 257, 600] {
        house.fill(size - block_on(house.log.size()).unwrap());
        if size != 256 {
            house.checkpoint();
        }
        house = house.reopen().unwrap();
    }
    assert!(house.verify(None).is_clean(), "{:?}", house.verify(None));
}

#[test]
fn proofs_from_the_store_verify_offline() {
    let house = House::new();
    house.fill(700);
    let early = house.checkpoint().unwrap();
    house.fill(300);
    let late = house.checkpoint().unwrap();
    for seq in [0, 255, 256, 511, 512, 699] {
        for head in [&early, &late] {
            let proof = block_on(house.log.inclusion(seq, head.body.size)).unwrap();
            let leaf = block_on(house.log.entry(seq)).unwrap().leaf;
            assert!(verify_inclusion(&leaf_hash(&leaf), &proof, &head.body.root), "{seq}");
            assert!(!verify_inclusion(&leaf_hash(b"else"), &proof, &head.body.root), "{seq}");
        }
    }
    let proof = block_on(house.log.consistency(700, 1000)).unwrap();
    assert!(verify_consistency(&proof, &early.body.root, &late.body.root));
    assert_eq!(block_on(house.log.inclusion(700, 700)), Err(AuditError::NoSuchEntry));
    assert_eq!(block_on(house.log.inclusion(0, 1001)), Err(AuditError::NoSuchEntry));
    assert_eq!(block_on(house.log.consistency(2, 1)), Err(AuditError::NoSuchEntry));
    assert_eq!(block_on(house.log.checkpoint_holding(700)).unwrap(), Some(late));
}

#[test]
fn a_failed_work_leaves_no_trace_in_the_tree() {
    let house = House::new();
    house.append("kept");
    let log = house.log.clone();
    let failed = house.db.write_blocking(Importance::Normal, move |tx| {
        put_item(&log, tx, 1, "done", 1)?;
        Err::<(), _>(AuditError::NoSuchEntry)
    });
    assert_eq!(failed, Err(AuditError::NoSuchEntry));
    assert_eq!(house.append("next"), 1);
    house.checkpoint();
    assert!(house.verify(None).is_clean());
    assert_eq!(block_on(house.log.size()).unwrap(), 2);
}

#[test]
fn a_panicking_work_leaves_no_trace_in_the_tree() {
    let house = House::new();
    let log = house.log.clone();
    let failed: Result<(), AuditError> = house.db.write_blocking(Importance::Normal, move |tx| {
        put_item(&log, tx, 1, "done", 1)?;
        panic!("on purpose");
    });
    assert!(matches!(failed, Err(AuditError::Db(_))));
    assert_eq!(house.append("next"), 0);
    house.checkpoint();
    assert!(house.verify(None).is_clean());
}

#[test]
fn a_covered_row_cannot_be_written_without_its_entry() {
    let house = House::new();
    let log = house.log.clone();
    let forgotten = house.db.write_blocking(Importance::Normal, move |tx| {
        let seq = log.next_seq(tx)?;
        tx.put(&support::ITEM, &support::item(1, "done", 1), seq)?;
        Ok::<_, AuditError>(())
    });
    assert!(forgotten.is_err());
    let log = house.log.clone();
    let left_out = house.db.write_blocking(Importance::Normal, move |tx| {
        let seq = log.next_seq(tx)?;
        tx.put(&support::ITEM, &support::item(1, "done", 1), seq)?;
        log.append(tx, draft("without its cover"))
    });
    assert!(left_out.is_err());
    let report = house.verify(None);
    assert!(report.is_clean());
    assert_eq!((report.entries, report.rows), (0, 0));
}

#[test]
fn the_time_of_entries_never_decreases() {
    let house = House::new();
    house.append("at noon");
    house.clock.set(noon().minus(Duration::from_secs(2)));
    assert_eq!(house.log.ready(), Ok(noon()));
    let seq = house.append("a step back within tolerance");
    let leaf = block_on(house.log.entry(seq)).unwrap().leaf;
    assert_eq!(Entry::from_der(&leaf).unwrap().time, noon());

    let now = noon().minus(Duration::from_millis(2001));
    house.clock.set(now);
    let behind = AuditError::ClockBehind { now, last: noon() };
    assert_eq!(house.log.ready(), Err(behind.clone()));
    assert_eq!(behind.code(), ErrorCode::ClockBehind);
    assert_eq!(block_on(house.log.record(Importance::Essential, draft("x"))), Err(behind.clone()));
    assert_eq!(block_on(house.log.head([1; 32])), Err(behind));
    assert!(house.verify(None).is_clean());
}

#[test]
fn the_clock_rule_holds_after_a_restart_and_an_operator_can_overrule_it() {
    let house = House::new();
    house.clock.advance(Duration::from_secs(86_400 * 365));
    house.append("in a wrong future");
    house.checkpoint();
    house.clock.set(noon());
    let house = house.reopen().unwrap();
    assert!(matches!(house.log.ready(), Err(AuditError::ClockBehind { .. })));

    block_on(house.log.accept_clock(Actor::system(), b"the date was set wrongly".to_vec())).unwrap();
    assert_eq!(house.log.ready(), Ok(noon()));
    house.append("today");
    house.checkpoint().unwrap();
    assert!(house.verify(None).is_clean(), "{:?}", house.verify(None));
    let house = house.reopen().unwrap();
    assert_eq!(house.log.ready(), Ok(noon()));
}

#[test]
fn a_stopped_log_refuses_every_entry_and_says_why() {
    let house = House::new();
    house.append("before");
    house.log.stop("the disk smells of smoke");
    house.log.stop("a second reason");
    let stopped = AuditError::Stopped("the disk smells of smoke".to_owned());
    assert_eq!(house.log.ready(), Err(stopped.clone()));
    assert_eq!(block_on(house.log.record(Importance::Essential, draft("x"))), Err(stopped));
    assert!(house.verify(None).is_clean());
}

#[test]
fn an_entry_that_is_too_long_is_refused_and_the_next_is_not() {
    let house = House::new();
    let long = draft(&"o".repeat(201));
    assert_eq!(block_on(house.log.record(Importance::Normal, long)), Err(AuditError::TooLong));
    let cover = ledger::Cover { table: "item".to_owned(), key: "house/1".to_owned(), digest: [0; 32] };
    let many = EntryDraft { covers: vec![cover; 2000], ..draft("many") };
    assert_eq!(block_on(house.log.record(Importance::Normal, many)), Err(AuditError::TooLong));
    assert_eq!(house.append(&"o".repeat(200)), 0);
}

#[test]
fn a_checkpoint_that_is_not_this_logs_is_refused_and_stops_it() {
    let house = House::new();
    house.append("a");
    let mut body = block_on(house.log.head([1; 32])).unwrap().unwrap();
    body.root[0] ^= 1;
    assert!(matches!(block_on(house.log.store_checkpoint(sign(body))), Err(AuditError::Broken(_))));
    assert!(matches!(house.log.ready(), Err(AuditError::Stopped(_))));
}

#[test]
fn a_checkpoint_by_another_process_is_noticed() {
    let house = House::new();
    house.append("a");
    let ours = sign(block_on(house.log.head([1; 32])).unwrap().unwrap());
    let other = AuditLog::open(house.db.clone(), house.clock.clone(), COVERED).unwrap();
    let theirs = sign(block_on(other.head([1; 32])).unwrap().unwrap());
    block_on(other.store_checkpoint(theirs)).unwrap();
    assert!(matches!(block_on(house.log.store_checkpoint(ours)), Err(AuditError::Broken(_))));
}

#[test]
fn a_head_that_was_overtaken_is_let_go() {
    let house = House::new();
    house.append("a");
    let first = sign(block_on(house.log.head([1; 32])).unwrap().unwrap());
    house.append("b");
    let second = house.checkpoint().unwrap();
    block_on(house.log.store_checkpoint(first)).unwrap();
    assert_eq!(block_on(house.log.checkpoint()).unwrap(), Some(second));
}

#[test]
fn the_signature_of_the_last_checkpoint_is_checked_on_request() {
    let house = House::new();
    house.log.check_signature(&|_: &Checkpoint| false).unwrap();
    house.append("a");
    house.checkpoint();
    house.log.check_signature(&genuine).unwrap();
    assert!(matches!(house.log.check_signature(&|_: &Checkpoint| false), Err(AuditError::Broken(_))));
    assert!(matches!(house.log.ready(), Err(AuditError::Stopped(_))));
}

#[test]
fn export_gives_every_entry_in_order() {
    let house = House::new();
    house.fill(600);
    let mut seen = Vec::new();
    house
        .log
        .export(10, |entry| {
            seen.push(entry.seq);
            Ok::<_, AuditError>(())
        })
        .unwrap();
    assert_eq!(seen, (10..600).collect::<Vec<_>>());
}
