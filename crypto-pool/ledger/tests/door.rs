//! The door to the database: group commit, errors, a full disk, migrations, copies.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ledger::audit::AuditError;
use ledger::db::{Db, DbError, DbOptions};
use ledger::{AuditLog, Importance};
use pki_config::time::FixedClock;
use support::{COVERED, House, block_on, draft, genuine, insert, noon, words};

use Importance::{Essential, Normal};

/// Keeps the writer at work until the sender goes, so that what follows forms one group.
fn hold(db: &Db) -> mpsc::Sender<()> {
    let (release, wait) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    db.write_then(
        Normal,
        move |_| {
            let _ = started.send(());
            let _ = wait.recv();
            Ok::<_, DbError>(())
        },
        |_| {},
    );
    running.recv().unwrap();
    release
}

#[test]
fn writes_that_wait_together_are_committed_together_and_answered_after() {
    let house = House::new();
    let held = hold(&house.db);
    let (sender, answers) = mpsc::channel();
    for i in 0..600 {
        let (db, sender) = (house.path(), sender.clone());
        house.db.write_then(
            Normal,
            move |tx| insert(tx, &format!("{i:04}")),
            move |outcome: Result<(), DbError>| {
                // Seen from outside: durable when answered, and the neighbours with it.
                let outside = rusqlite::Connection::open(&db).unwrap();
                let count: i64 = outside.query_row("SELECT count(*) FROM plain", [], |row| row.get(0)).unwrap();
                sender.send((outcome, count)).unwrap();
            },
        );
    }
    drop((held, sender));
    let answers: Vec<_> = answers.iter().collect();
    assert_eq!(answers.len(), 600);
    assert!(answers.iter().all(|(outcome, _)| outcome.is_ok()));
    assert_eq!(answers[0].1, 512, "the first group is full");
    assert_eq!(answers[511].1, 512);
    assert_eq!(answers[512].1, 600);
}

#[test]
fn a_work_that_fails_in_a_group_undoes_only_itself() {
    let house = House::new();
    let held = hold(&house.db);
    let (sender, answers) = mpsc::channel();
    for i in 0..9 {
        let sender = sender.clone();
        let work = move |tx: &ledger::Tx<'_>| {
            insert(tx, &format!("word {i}"))?;
            match i % 3 {
                0 => Ok(()),
                1 => insert(tx, "word 0"),
                _ => panic!("on purpose"),
            }
        };
        house.db.write_then(Normal, work, move |outcome| sender.send((i, outcome)).unwrap());
    }
    drop((held, sender));
    for (i, outcome) in answers {
        match i % 3 {
            0 => assert_eq!(outcome, Ok(())),
            1 => assert!(matches!(outcome, Err(DbError::Constraint(_))), "{outcome:?}"),
            _ => assert!(matches!(outcome, Err(DbError::Failed(_))), "{outcome:?}"),
        }
    }
    assert_eq!(words(&house.db), ["word 0", "word 3", "word 6"]);
}

#[test]
fn the_tree_stays_right_when_members_of_a_group_fail_after_appending() {
    let house = House::new();
    let held = hold(&house.db);
    for i in 0..400 {
        let log = house.log.clone();
        let work = move |tx: &ledger::Tx<'_>| {
            let seq = log.append(tx, draft(&format!("{i}")))?;
            if i % 3 == 1 { Err(AuditError::NoSuchEntry) } else { Ok(seq) }
        };
        house.db.write_then(Normal, work, |_| {});
    }
    drop(held);
    assert_eq!(house.append("last"), 267, "two of three of 400 were kept");
    house.checkpoint();
    assert!(house.verify(None).is_clean(), "{:?}", house.verify(None));
}

#[test]
fn a_queue_that_is_full_refuses_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(DbOptions { queue: 4, ..House::options(&directory) }).unwrap();
    let held = hold(&db);
    let (sender, answers) = mpsc::channel();
    for _ in 0..10 {
        let sender = sender.clone();
        db.write_then(Normal, |_| Ok::<_, DbError>(()), move |outcome| sender.send(outcome).unwrap());
    }
    drop((held, sender));
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (4, 6));
    assert!(refused.iter().all(|outcome| *outcome == Err(DbError::Busy)));
}

#[test]
fn closing_finishes_what_waits_and_then_refuses() {
    let house = House::new();
    let held = hold(&house.db);
    let (sender, answers) = mpsc::channel();
    house.db.write_then(Normal, |tx| insert(tx, "waiting"), move |outcome| sender.send(outcome).unwrap());
    let closer = std::thread::spawn({
        let db = house.db.clone();
        move || db.close()
    });
    drop(held);
    assert_eq!(answers.recv().unwrap(), Ok(()));
    closer.join().unwrap();
    assert_eq!(house.db.write_blocking(Normal, |tx| insert(tx, "late")), Err(DbError::Closed));
    assert_eq!(block_on(house.db.read(|_| Ok::<_, DbError>(()))), Err(DbError::Closed));
    house.db.close();
    let again = House::open(house.directory, house.clock).unwrap();
    assert_eq!(words(&again.db), ["waiting"]);
}

#[test]
fn a_reader_cannot_write() {
    let house = House::new();
    let tried = house.db.read_blocking(|tx| insert(tx, "sneaked in"));
    assert_eq!(tried, Err(DbError::ReadOnly));
    let failed: Result<(), DbError> = house.db.read_blocking(|_| panic!("on purpose"));
    assert!(matches!(failed, Err(DbError::Failed(_))));
    assert!(words(&house.db).is_empty());
}

#[test]
fn a_database_opened_for_reading_refuses_writes_and_is_not_made() {
    let house = House::new();
    house.append("a");
    let db = Db::open_read_only(house.path()).unwrap();
    assert_eq!(db.write_blocking(Essential, |tx| insert(tx, "x")), Err(DbError::ReadOnly));
    assert!(AuditLog::open(db, house.clock.clone(), COVERED).is_ok());
    assert!(Db::open_read_only(house.directory.path().join("none.db")).is_err());
    assert!(!house.directory.path().join("none.db").exists());
}

#[test]
fn a_file_that_is_no_database_or_is_damaged_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let options = House::options(&directory);
    std::fs::write(&options.path, b"this is a letter, not a database".repeat(100)).unwrap();
    assert!(matches!(Db::open(options.clone()), Err(DbError::Damaged(_))));

    let house = House::new();
    house.fill(500);
    house.db.close();
    let mut bytes = std::fs::read(house.path()).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8192].fill(0xa5);
    std::fs::write(house.path(), bytes).unwrap();
    assert!(matches!(Db::open(House::options(&house.directory)), Err(DbError::Damaged(_))));
}

#[test]
fn the_files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    house.append("a");
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        let mode = house.directory.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn migrations_run_once_in_order_and_a_newer_database_is_refused() {
    let house = House::new();
    let first = "CREATE TABLE made (a INTEGER) STRICT";
    let second = "ALTER TABLE made ADD COLUMN b TEXT; INSERT INTO made VALUES (1, 'x')";
    house.db.migrate("made", &[first]).unwrap();
    house.db.migrate("made", &[first, second]).unwrap();
    house.db.migrate("made", &[first, second]).unwrap();
    let rows = house.db.read_blocking(|tx| tx.query_all("SELECT b FROM made", &[], |row| row.get::<_, String>(0)));
    assert_eq!(rows, Ok(vec!["x".to_owned()]));
    assert_eq!(
        house.db.migrate("made", &[first]),
        Err(DbError::Newer { crate_name: "made".to_owned(), applied: 2, known: 1 })
    );
}

#[test]
fn a_migration_that_fails_leaves_nothing_of_its_step() {
    let house = House::new();
    let good = "CREATE TABLE good (a INTEGER) STRICT";
    let bad = "CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE good (a INTEGER) STRICT";
    assert!(house.db.migrate("made", &[good, bad]).is_err());
    let mended = "CREATE TABLE half (a INTEGER) STRICT";
    house.db.migrate("made", &[good, mended]).unwrap();
}

#[test]
fn a_copy_is_whole_verifies_and_overwrites_nothing() {
    let house = House::new();
    house.fill(300);
    house.put(1, "done", 1);
    house.checkpoint();
    let copy = house.directory.path().join("copy.db");
    house.db.copy_to(&copy).unwrap();
    house.append("after the copy");
    let db = Db::open(DbOptions { path: copy.clone(), ..House::options(&house.directory) }).unwrap();
    db.full_check().unwrap();
    let log = AuditLog::open(db, house.clock.clone(), COVERED).unwrap();
    let report = log.verify_all(&mut |_, _| {}, &genuine, None).unwrap();
    assert!(report.is_clean());
    assert_eq!((report.entries, report.rows), (301, 1));
    assert!(house.db.copy_to(&copy).is_err());
}

/// A database that believes `free` bytes are left, with 8 MiB of reserve.
fn small_disk(free: &Arc<AtomicU64>) -> (tempfile::TempDir, Db) {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::clone(free);
    let options = DbOptions { reserve: 8 << 20, ..House::options(&directory) };
    let db = Db::open_with(options, Box::new(move || free.load(Ordering::SeqCst))).unwrap();
    db.migrate("plain", &["CREATE TABLE plain (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT"]).unwrap();
    (directory, db)
}

/// Longer than an answer about free space is believed.
fn wait_for_a_new_look() {
    std::thread::sleep(Duration::from_millis(250));
}

#[test]
fn when_space_is_short_only_essential_writes_go_and_the_reserve_pays() {
    let free = Arc::new(AtomicU64::new(1 << 30));
    let (directory, db) = small_disk(&free);
    let reserve = directory.path().join("test.db.reserve");
    assert_eq!(reserve.metadata().unwrap().len(), 8 << 20);

    free.store(1 << 20, Ordering::SeqCst);
    wait_for_a_new_look();
    assert_eq!(db.write_blocking(Normal, |tx| insert(tx, "normal")), Err(DbError::DiskFull));
    assert_eq!(reserve.metadata().unwrap().len(), 8 << 20, "a normal write does not touch the reserve");
    assert_eq!(db.write_blocking(Essential, |tx| insert(tx, "revocation")), Ok(()));
    assert_eq!(reserve.metadata().unwrap().len(), 0);

    // The reserve itself is now free space, and still not for normal writes.
    free.store(9 << 20, Ordering::SeqCst);
    wait_for_a_new_look();
    assert_eq!(db.write_blocking(Normal, |tx| insert(tx, "normal")), Err(DbError::DiskFull));
    assert_eq!(db.write_blocking(Essential, |tx| insert(tx, "second revocation")), Ok(()));

    free.store(1 << 30, Ordering::SeqCst);
    wait_for_a_new_look();
    assert_eq!(db.write_blocking(Normal, |tx| insert(tx, "normal")), Ok(()));
    assert_eq!(reserve.metadata().unwrap().len(), 8 << 20, "filled again");
    assert_eq!(words(&db), ["normal", "revocation", "second revocation"]);
}

#[test]
fn a_start_on_a_full_disk_takes_only_essential_writes() {
    let free = Arc::new(AtomicU64::new(1 << 30));
    let (directory, db) = small_disk(&free);
    db.write_blocking(Essential, |tx| insert(tx, "before")).unwrap();
    db.close();
    std::fs::remove_file(directory.path().join("test.db.reserve")).unwrap();
    let options = DbOptions { reserve: 8 << 20, ..House::options(&directory) };
    let db = Db::open_with(options, Box::new(|| 1 << 20)).unwrap();
    assert_eq!(db.write_blocking(Normal, |tx| insert(tx, "normal")), Err(DbError::DiskFull));
    assert_eq!(db.write_blocking(Essential, |tx| insert(tx, "revocation")), Ok(()));
}

/// Lets the database grow by `pages` pages and no further: SQLite then reports a full disk.
fn limit(db: &Db, pages: i64) {
    let limit = db.write_blocking(Essential, move |tx| {
        let now: i64 = tx.query_opt("PRAGMA page_count", &[], |row| row.get(0))?.unwrap_or(0);
        // A pragma takes no parameter, and SQL here is fixed: one of two.
        let sql = if pages > 100 { "PRAGMA max_page_count = 1000000" } else { "PRAGMA max_page_count = 1" };
        let set: i64 = tx.query_opt(sql, &[], |row| row.get(0))?.unwrap_or(0);
        Ok::<_, DbError>((now, set))
    });
    limit.unwrap();
}

/// Writes more than the free pages inside the file hold.
fn grow(tx: &ledger::Tx<'_>, word: &str) -> Result<(), DbError> {
    insert(tx, &format!("{word} {}", "x".repeat(50_000)))
}

#[test]
fn a_full_disk_within_a_work_is_answered_as_such_and_undoes_its_group() {
    let house = House::new();
    house.append("before");
    // SQLite does not go below the present size: no page more.
    limit(&house.db, 1);
    let held = hold(&house.db);
    let (sender, answers) = mpsc::channel();
    for i in 0..6 {
        let (log, sender) = (house.log.clone(), sender.clone());
        let work = move |tx: &ledger::Tx<'_>| {
            log.append(tx, draft(&format!("{i}")))?;
            if i == 3 { grow(tx, "big").map_err(AuditError::from) } else { Ok(()) }
        };
        house.db.write_then(Normal, work, move |outcome| sender.send((i, outcome)).unwrap());
    }
    drop((held, sender));
    for (i, outcome) in answers {
        // Whatever SQLite gave up, nothing else than "disk full" is told, and what is told as done is there.
        assert!(matches!(outcome, Ok(()) | Err(AuditError::Db(DbError::DiskFull))), "{i}: {outcome:?}");
        assert!(i != 3 || outcome.is_err());
    }
    limit(&house.db, 1000);
    house.append("after");
    house.checkpoint();
    assert!(house.verify(None).is_clean(), "{:?}", house.verify(None));
    house.db.write_blocking(Normal, |tx| grow(tx, "fits now")).unwrap();
}

#[test]
fn a_full_disk_met_by_an_essential_write_opens_the_reserve_for_its_retry() {
    let free = Arc::new(AtomicU64::new(1 << 30));
    let (directory, db) = small_disk(&free);
    limit(&db, 1);
    let refused = db.write_blocking(Essential, |tx| grow(tx, "revocation"));
    assert_eq!(refused, Err(DbError::DiskFull));
    assert_eq!(directory.path().join("test.db.reserve").metadata().unwrap().len(), 0);
    limit(&db, 1000);
    assert_eq!(db.write_blocking(Essential, |tx| grow(tx, "revocation")), Ok(()));
}

#[test]
fn the_door_can_be_used_from_async_code() {
    let house = House::new();
    block_on(async {
        let (db, log) = (house.db.clone(), house.log.clone());
        let writes = (0..50).map(|i| db.write(Normal, move |tx| insert(tx, &format!("{i:02}")))).collect::<Vec<_>>();
        for write in writes {
            write.await.unwrap();
        }
        assert_eq!(log.record(Normal, draft("x")).await, Ok(0));
        let count = db.read(|tx| tx.query_opt("SELECT count(*) FROM plain", &[], |row| row.get::<_, i64>(0))).await;
        assert_eq!(count, Ok(Some(50)));
    });
}

#[test]
fn an_unclean_end_keeps_what_was_answered() {
    let house = House::new();
    house.fill(10);
    // As after a crash: a copy of the files as they lie, the WAL not written back.
    let other = tempfile::tempdir().unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(house.directory.path().join(name), other.path().join(name)).unwrap();
    }
    let crashed = House::open(other, Arc::new(FixedClock::at(noon()))).unwrap();
    assert_eq!(block_on(crashed.log.size()).unwrap(), 10);
    assert_eq!(crashed.append("goes on"), 10);
}

#[test]
#[ignore = "needs a small file system: mount -t tmpfs -o size=24m tmpfs DIR; SMALL_DISK=DIR cargo test -p ledger --test door -- --ignored"]
fn on_a_disk_that_is_really_full_revocations_still_go_and_nothing_acknowledged_is_lost() {
    let small = std::env::var_os("SMALL_DISK").expect("SMALL_DISK names a directory on a small file system");
    let directory = tempfile::tempdir_in(&small).unwrap();
    let options = DbOptions { reserve: 8 << 20, ..House::options(&directory) };
    let db = Db::open(options).unwrap();
    let clock = Arc::new(FixedClock::at(noon()));
    db.migrate("plain", &["CREATE TABLE plain (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT"]).unwrap();
    let log = AuditLog::open(db.clone(), clock, &[]).unwrap();
    let append = |importance, object: &str| {
        let (log, entry) = (log.clone(), draft(object));
        db.write_blocking(importance, move |tx| {
            log.append(tx, ledger::EntryDraft { payload: vec![1; 20_000], ..entry })
        })
    };
    // Another program takes what is left at a stroke, between two looks at free space.
    append(Normal, "first").unwrap();
    let mut hog = std::fs::File::create(directory.path().join("hog")).unwrap();
    while std::io::Write::write_all(&mut hog, &[0; 4096]).is_ok() {}
    let mut acknowledged = 1;
    let mut refused = 0;
    for _ in 0..20 {
        match append(Normal, "normal") {
            Ok(_) => acknowledged += 1,
            Err(AuditError::Db(DbError::DiskFull)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    wait_for_a_new_look();
    for _ in 0..100 {
        append(Essential, "revocation").unwrap();
        acknowledged += 1;
    }
    assert_eq!(append(Normal, "normal"), Err(AuditError::Db(DbError::DiskFull)));
    let report = log.verify_all(&mut |_, _| {}, &genuine, None).unwrap();
    assert_eq!((report.entries, report.findings), (acknowledged, Vec::new()));
}

#[test]
fn what_follows_a_commit_runs_before_the_answer_and_never_for_what_was_undone() {
    let house = House::new();
    let held = hold(&house.db);
    let seen = Arc::new(AtomicU64::new(0));
    let (sender, answers) = mpsc::channel();
    for (bit, fails) in [(1, false), (2, true), (4, false)] {
        let (seen, then, sender) = (Arc::clone(&seen), Arc::clone(&seen), sender.clone());
        house.db.write_then(
            Normal,
            move |tx| {
                insert(tx, &format!("{bit}"))?;
                tx.after_commit(move || {
                    then.fetch_or(bit, Ordering::SeqCst);
                });
                // Not before it is durable.
                assert_eq!(then_is_clear(&seen, bit), Ok(()));
                if fails { Err(DbError::Failed("on purpose".into())) } else { Ok(seen) }
            },
            move |outcome: Result<Arc<AtomicU64>, DbError>| {
                // The answer finds it done.
                let done = outcome.map(|seen| seen.load(Ordering::SeqCst) & bit == bit);
                sender.send((bit, done)).unwrap();
            },
        );
    }
    drop((held, sender));
    let answers: Vec<_> = answers.iter().collect();
    assert!(answers.contains(&(1, Ok(true))) && answers.contains(&(4, Ok(true))), "{answers:?}");
    assert!(answers.iter().any(|(bit, done)| *bit == 2 && done.is_err()), "{answers:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 5);
}

fn then_is_clear(seen: &AtomicU64, bit: u64) -> Result<(), u64> {
    let now = seen.load(Ordering::SeqCst);
    if now & bit == 0 { Ok(()) } else { Err(now) }
}
