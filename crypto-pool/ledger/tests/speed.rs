//! Figures, not claims: `cargo test --release -p ledger --test speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ledger::audit::AuditError;
use ledger::{EntryDraft, Importance};
use support::{House, ITEM, draft, item};

/// What the writer thread has computed so far, whoever else wanted the processor (Linux only).
fn writer_time() -> Duration {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let read = |name| std::fs::read_to_string(task.join(name)).unwrap_or_default();
        if read("comm").trim() == "db-write" {
            nanoseconds += read("schedstat").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        }
    }
    Duration::from_nanos(nanoseconds)
}

#[test]
#[ignore = "a measurement"]
fn writes_per_second_with_an_entry_and_two_rows() {
    for callers in [1, 100] {
        let house = House::new();
        let count = if callers == 1 { 3_000 } else { 100_000 };
        let start = Instant::now();
        let mut in_flight = 0;
        let (sender, answers) = mpsc::channel();
        for id in 0..count {
            if in_flight == callers {
                answers.recv().unwrap();
                in_flight -= 1;
            }
            let (log, sender) = (house.log.clone(), sender.clone());
            let work = move |tx: &ledger::Tx<'_>| {
                let seq = log.next_seq(tx)?;
                let covers = vec![
                    tx.put(&ITEM, &item(2 * id, "issued", 1), seq)?,
                    tx.put(&ITEM, &item(2 * id + 1, "good", 1), seq)?,
                ];
                log.append(tx, EntryDraft { covers, payload: vec![5; 900], ..draft(&format!("serial-{id}")) })
            };
            house.db.write_then(Importance::Normal, work, move |outcome: Result<_, AuditError>| {
                outcome.unwrap();
                sender.send(()).unwrap();
            });
            in_flight += 1;
        }
        drop(sender);
        assert_eq!(answers.iter().count(), in_flight);
        let each = start.elapsed() / u32::try_from(count).unwrap();
        let own = writer_time() / u32::try_from(count).unwrap();
        let rate = 1.0 / each.as_secs_f64();
        println!("{callers:>4} callers: {each:?} a write, {own:?} of the writer thread, {rate:.0} writes/s");
        if callers > 1 {
            let start = Instant::now();
            assert!(house.verify(None).is_clean());
            println!("verify_all of {count} entries and {} rows: {:?}", 2 * count, start.elapsed());
            house.checkpoint();
            house.fill(5_000);
            house.db.close();
            let start = Instant::now();
            let house = House::open(house.directory, house.clock).unwrap();
            println!("opening with 5000 entries since the last checkpoint: {:?}", start.elapsed());
            println!("size of the file: {} MB", house.path().metadata().unwrap().len() >> 20);
        }
    }
}
