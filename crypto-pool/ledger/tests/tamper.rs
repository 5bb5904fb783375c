//! What somebody does who holds the file: each change is found, and the finding names the record.

#![allow(clippy::unwrap_used)]

mod support;

use ledger::audit::{AuditError, VerifyReport};
use ledger::{AuditLog, Db};
use support::{COVERED, House, noon};

/// Entries 0 to 599, of which 520 to 529 cover the items 0 to 9, checkpoints at 300, 530 and 600.
fn house() -> House {
    let house = House::new();
    house.fill(300);
    house.checkpoint();
    house.fill(220);
    for id in 0..10 {
        house.put(id, "done", 0);
    }
    house.checkpoint();
    house.fill(70);
    house.checkpoint();
    assert!(house.verify(None).is_clean());
    house
}

fn findings(house: &House) -> Vec<String> {
    let VerifyReport { findings, .. } = house.verify(None);
    findings
}

/// After `sql`, something is found, and it names `record`.
fn is_found(house: &House, sql: &str, record: &str) {
    house.tamper(&format!("PRAGMA foreign_keys = OFF; {sql}"));
    let findings = findings(house);
    assert!(findings.iter().any(|finding| finding.contains(record)), "{sql}: {findings:?}");
}

#[test]
fn a_bit_flipped_in_any_column_of_an_entry_is_found_and_named() {
    for (column, changed) in [
        ("seq", "-seq"),
        ("tenant_id", "'hOuse'"),
        ("time", "time + 1"),
        ("event", "'cert.revoked'"),
        ("person", "'somebody else'"),
        ("object", "object || 'x'"),
        ("outcome", "'refused:FORBIDDEN'"),
        ("leaf_hash", "zeroblob(32)"),
        ("leaf_hash", "substr(leaf_hash, 1, 31)"),
        ("leaf", "substr(leaf, 1, length(leaf) - 1) || x'01'"),
        ("leaf", "x''"),
        ("payload", "x'00'"),
    ] {
        let house = house();
        // The || operator gives text.
        let changed = if column == "leaf" { format!("CAST({changed} AS BLOB)") } else { changed.to_owned() };
        is_found(&house, &format!("UPDATE audit_entry SET {column} = {changed} WHERE seq = 123"), "entry 123");
    }
}

#[test]
fn every_bit_of_a_leaf_counts() {
    let house = house();
    let leaf = support::block_on(house.log.entry(525)).unwrap().leaf;
    for bit in (0..leaf.len() * 8).step_by(17) {
        let mut changed = leaf.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        is_found(&house, &format!("UPDATE audit_entry SET leaf = x'{}' WHERE seq = 525", hex(&changed)), "entry 525");
        house.tamper(&format!("UPDATE audit_entry SET leaf = x'{}' WHERE seq = 525", hex(&leaf)));
    }
    assert!(findings(&house).is_empty());
}

#[test]
fn a_payload_that_was_taken_away_is_found() {
    let house = house();
    is_found(&house, "UPDATE audit_entry SET payload = NULL WHERE seq = 5", "entry 5");
}

#[test]
fn a_rewritten_entry_with_a_fitting_hash_is_found_by_its_tile_or_its_checkpoint() {
    use ledger::audit::{Entry, leaf_hash};
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (seq, record) in [(123, "entry 123"), (590, "checkpoint 600")] {
        let house = house();
        let mut entry = Entry::from_der(&support::block_on(house.log.entry(seq)).unwrap().leaf).unwrap();
        entry.person = "somebody else".to_owned();
        let leaf = entry.to_der().unwrap();
        let (leaf, hash) = (hex(&leaf), hex(&leaf_hash(&leaf)));
        let sql = format!(
            "UPDATE audit_entry SET person = 'somebody else', leaf = x'{leaf}', leaf_hash = x'{hash}' WHERE seq = {seq}"
        );
        is_found(&house, &sql, record);
    }
}

#[test]
fn a_missing_entry_is_found_and_named() {
    let house = house();
    is_found(&house, "DELETE FROM audit_entry WHERE seq = 123", "entry 123 is missing");
    assert_eq!(findings(&house).len(), 1, "its tile still holds its hash: {:?}", findings(&house));
    is_found(&house, "DELETE FROM audit_entry WHERE seq BETWEEN 200 AND 210", "entries 200 to 210 are missing");
}

#[test]
fn an_entry_moved_far_away_is_found_without_counting_there() {
    let house = house();
    is_found(&house, "UPDATE audit_entry SET seq = 4611686018427387904 WHERE seq = 599", "entry 4611686018427387904");
}

#[test]
fn entries_that_go_back_in_time_are_found() {
    let house = house();
    house.clock.set("2000-01-01T00:00:00Z".parse().unwrap());
    // Made with a log that does not know of the ones before, as a forger would.
    house.tamper("CREATE TABLE hidden AS SELECT * FROM audit_entry; DELETE FROM audit_entry WHERE seq >= 600");
    let seq = support::block_on(house.log.accept_clock(pki_config::Actor::system(), Vec::new())).unwrap();
    assert!(findings(&house).is_empty(), "an accepted clock may go back");
    let entry = support::block_on(house.log.entry(seq)).unwrap();
    let mut forged = ledger::Entry::from_der(&entry.leaf).unwrap();
    forged.event = "cert.issued".to_owned();
    let leaf = forged.to_der().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hash = hex(&ledger::audit::leaf_hash(&leaf));
    let sql = format!(
        "UPDATE audit_entry SET event = 'cert.issued', leaf = x'{}', leaf_hash = x'{hash}' WHERE seq = {seq}",
        hex(&leaf)
    );
    is_found(&house, &sql, "entry 600: its time is before");
}

#[test]
fn a_changed_or_missing_or_extra_tile_is_found_and_named() {
    for (sql, record) in [
        ("UPDATE audit_tile SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB) WHERE idx = 1", "tile 0/1"),
        ("UPDATE audit_tile SET hashes = substr(hashes, 1, 8191) WHERE idx = 1", "tile 0/1"),
        ("UPDATE audit_tile SET root = zeroblob(32) WHERE idx = 1", "tile 0/1"),
        ("UPDATE audit_tile SET idx = 7 WHERE idx = 1", "tile 0/1 is missing"),
        ("UPDATE audit_tile SET idx = 7 WHERE idx = 1", "tile 0/7"),
        ("UPDATE audit_tile SET level = 1 WHERE idx = 1", "tile 1/1"),
        ("DELETE FROM audit_tile WHERE idx = 0", "tile 0/0 is missing"),
        ("INSERT INTO audit_tile SELECT 0, 2, root, hashes FROM audit_tile WHERE idx = 1", "tile 0/2"),
    ] {
        is_found(&house(), sql, record);
    }
}

#[test]
fn a_changed_checkpoint_is_found_and_named() {
    for (sql, record) in [
        ("UPDATE audit_checkpoint SET size = 531 WHERE size = 530", "checkpoint 531"),
        ("UPDATE audit_checkpoint SET root = zeroblob(32) WHERE size = 530", "checkpoint 530"),
        ("UPDATE audit_checkpoint SET time = time + 1 WHERE size = 530", "checkpoint 530"),
        ("UPDATE audit_checkpoint SET der = substr(der, 1, 50) WHERE size = 530", "checkpoint 530"),
        // The last byte is the signature's.
        (
            "UPDATE audit_checkpoint SET der = CAST(substr(der, 1, length(der) - 1) || x'00' AS BLOB) WHERE size = 530",
            "checkpoint 530: its signature",
        ),
    ] {
        is_found(&house(), sql, record);
    }
}

#[test]
fn a_changed_value_in_any_column_of_a_covered_row_is_found_and_named() {
    for (column, changed) in [
        ("tenant_id", "'hOuse'"),
        ("id", "11"),
        ("state", "'Done'"),
        ("body", "x'0707'"),
        ("body", "NULL"),
        ("count", "count + 1"),
        ("audit_seq", "audit_seq + 1"),
        ("audit_seq", "audit_seq - 1"),
        ("audit_seq", "audit_seq + 100000"),
        ("audit_seq", "NULL"),
    ] {
        is_found(&house(), &format!("UPDATE item SET {column} = {changed} WHERE id = 4"), "house/4");
    }
}

#[test]
fn a_removed_a_rolled_back_and_an_invented_row_are_found() {
    is_found(&house(), "DELETE FROM item WHERE id = 4", "row house/4 of item: entry 524 recorded it and it is gone");
    let invented = "INSERT INTO item SELECT tenant_id, 77, state, body, count, audit_seq FROM item WHERE id = 4";
    is_found(&house(), invented, "row house/77 of item: entry 524 does not cover it");
    let unlogged = "INSERT INTO item SELECT tenant_id, 77, state, body, count, NULL FROM item WHERE id = 4";
    is_found(&house(), unlogged, "row house/77 of item: no entry covers it");

    let house = house();
    house.tamper("CREATE TABLE earlier AS SELECT * FROM item WHERE id = 4");
    house.put(4, "revoked", 1);
    assert!(findings(&house).is_empty());
    is_found(
        &house,
        "INSERT OR REPLACE INTO item SELECT * FROM earlier",
        "row house/4 of item: it is older than entry 600",
    );
}

#[test]
fn an_uncovered_row_is_accepted_only_while_pending() {
    let house = house();
    house.tamper(
        "INSERT INTO item VALUES ('house', 50, 'intended', NULL, 0, NULL), ('house', 51, 'intended', NULL, 0, -1)",
    );
    assert!(findings(&house).is_empty());
    house.put(50, "done", 1);
    assert!(findings(&house).is_empty());
    // A row that was covered cannot go back to being pending.
    is_found(&house, "UPDATE item SET state = 'intended', audit_seq = NULL WHERE id = 50", "house/50");
}

#[test]
fn a_cut_tail_is_found_with_a_checkpoint_kept_elsewhere() {
    let house = house();
    let kept = support::block_on(house.log.checkpoint()).unwrap().unwrap();
    house.tamper(
        "DELETE FROM audit_checkpoint WHERE size > 300; DELETE FROM audit_entry WHERE seq >= 300;
         DELETE FROM audit_tile WHERE idx > 0; DELETE FROM item",
    );
    assert!(findings(&house).is_empty(), "by itself the shorter log is whole");
    let report = house.verify(Some(&kept));
    assert!(report.findings.iter().any(|f| f.contains("entries 300 to 599 were cut off")), "{:?}", report.findings);
}

#[test]
fn an_expected_checkpoint_of_another_history_is_found() {
    let (house, other) = (house(), House::new());
    other.append("something else");
    other.fill(9);
    let kept = other.checkpoint().unwrap();
    assert!(house.verify(Some(&kept)).findings[0].contains("the expected checkpoint 10"));
    let mut unsigned = support::block_on(house.log.checkpoint()).unwrap().unwrap();
    unsigned.signature[0] ^= 1;
    assert!(house.verify(Some(&unsigned)).findings[0].contains("signature"));
}

#[test]
fn opening_finds_what_was_changed_since_the_last_checkpoint() {
    for (sql, record) in [
        ("UPDATE audit_entry SET time = time + 1 WHERE seq = 610", "entry 610"),
        ("UPDATE audit_entry SET payload = x'00' WHERE seq = 610", "entry 610"),
        ("UPDATE audit_entry SET leaf = x'00' WHERE seq = 610", "entry 610"),
        ("DELETE FROM audit_entry WHERE seq = 610", "entry 610 is missing"),
        ("DELETE FROM audit_entry WHERE seq >= 590", "checkpoint 600"),
        ("UPDATE audit_tile SET root = zeroblob(32) WHERE idx = 2", "tile 0/2"),
        ("UPDATE audit_tile SET root = zeroblob(32) WHERE idx = 0", "checkpoint 600"),
        ("UPDATE audit_checkpoint SET root = zeroblob(32) WHERE size = 600", "checkpoint 600"),
    ] {
        let house = house();
        house.fill(200);
        house.tamper(sql);
        house.db.close();
        let House { directory, clock, .. } = house;
        match House::open(directory, clock).map(|_| ()) {
            Err(AuditError::Broken(what)) => assert!(what.contains(record), "{sql}: {what}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[test]
fn a_broken_log_can_still_be_opened_stopped_and_verified_read_only() {
    let house = house();
    house.tamper("UPDATE audit_entry SET payload = x'00' WHERE seq = 123");
    house.db.close();
    let db = Db::open_read_only(house.path()).unwrap();
    let log = AuditLog::stopped(db, house.clock.clone(), COVERED, "to be verified");
    let report = log.verify_all(&mut |_, _| {}, &support::genuine, None).unwrap();
    assert_eq!(report.findings, ["entry 123: its column payload is not what its leaf says"]);
    assert!(matches!(log.ready(), Err(AuditError::Stopped(_))));
    assert_eq!(noon(), house.clock_now());
}

#[test]
fn pages_that_cannot_be_read_are_a_finding() {
    let house = house();
    house.db.close();
    let path = house.path();
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let db = Db::open_read_only(path).unwrap();
    let log = AuditLog::stopped(db, house.clock.clone(), COVERED, "to be verified");
    let report = log.verify_all(&mut |_, _| {}, &support::genuine, None).unwrap();
    assert!(report.findings.iter().any(|finding| finding.contains("damaged")), "{:?}", report.findings);
}
