//! The signing pool as a whole: queue, key state check, signature, verification before release, entry in the
//! audit log, durable before the answer. SM2 throughout.
//!
//!     cargo bench --bench pool             (YINXIN_BENCH_SECONDS=5 for longer runs)
//!
//! Two ways to sign are measured at 1, 16, 100 and 1,000 callers, each caller asking for one signature at a time:
//!
//! - `sign`: an entry in the log for each signature, as certificates and time-stamps have it;
//! - `sign_bulk`: an entry for all that one commit finds waiting, as a tenant's own signatures and OCSP answers
//!   have it. This is the service of T/TCCIA 0002-2022 5.5 (100 concurrent requests, 5,000 signatures/s), so
//!   `pool_sign_100` is its figure; `pool_sign_each_100` is the other's.
//!
//! `pool_bulk_64` is 100 callers with 64 signatures in each request. Beside the time on the clock stands the
//! processor time of this whole process for each signature, callers included: it moves less with what else the
//! machine is doing.
//!
//! Then exclusive units. Each has one worker, bound to a processor of its own together with what makes its load:
//! requests of 256 signatures, four at a time. N units must give 70 % of N times one. Rounds of one and of two
//! units alternate, and the median of the ratios is told, beside the processor time that others took from this
//! machine meanwhile (steal) and that other programs used. Where those are not small, the processor time for each
//! signature tells more: it would rise with every lock that two units wait for.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crypto_pool::backend::Soft;
use crypto_pool::{
    BulkRequest, Error, KeyAlgorithm, KeyRecord, KeySpec, Kms, OsRandom, PoolHandle, PoolOptions, Purpose, Record,
    RootKey, RootKeySlot, SignRequest, Signed, ToSign, Unit, UnitSpec,
};
use ledger::{AuditLog, Db, DbOptions, Importance, Outcome, Table, Tx};
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::time::SystemClock;
use pki_config::{Actor, Event, Permission, TenantId};

static COVERED: &[&Table] = &[&crypto_pool::KEY_TABLE, &crypto_pool::UNIT_TABLE, &crypto_pool::POLICY_TABLE];
/// Floor of clause 5.5. Unit: signatures/s at 100 concurrent requests.
const FLOOR: f64 = 5000.0;

fn main() {
    let seconds = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2.0);
    let length = Duration::from_secs_f64(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // On the disk the build is on: a scratch directory in memory would flatter.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let house = Arc::new(House::open(dir.path()));
    let before = Processors::now();
    runtime.block_on(callers(&house, length));
    units(&runtime, &house, length);
    println!("{}", before.since());
}

struct House {
    kms: Kms,
    pool: PoolHandle,
}

fn suite(permission: Permission) -> Authorized {
    authorize(&Actor::system(), permission, Setup::Trial).unwrap()
}

impl House {
    fn open(dir: &Path) -> Self {
        let db = Db::open(DbOptions::new(dir.join("yinxin.db"))).unwrap();
        crypto_pool::kms::migrate(&db).unwrap();
        let clock = Arc::new(SystemClock);
        let audit = AuditLog::open(db.clone(), clock.clone(), COVERED).unwrap();
        let (root, random) = (RootKeySlot::sealed(), Arc::new(OsRandom::open().unwrap()));
        root.open(RootKey::draw(&*random).unwrap());
        let soft = Arc::new(Soft::new(root.clone(), random.clone()));
        let kms = Kms::new(db.clone(), audit.clone(), soft, root, random, clock);
        let pool = PoolHandle::local(&PoolOptions::default(), db, audit, kms.clone()).unwrap();
        Self { kms, pool }
    }

    async fn key(&self, tenant: &str) -> KeyRecord {
        let (purpose, algorithm, tenant) = (Purpose::Tenant, KeyAlgorithm::Sm2, tenant.parse().unwrap());
        let spec = KeySpec { purpose, algorithm, subject: None, tenant };
        self.kms.generate(&suite(Permission::ManageIssuers), spec).await.unwrap()
    }
}

fn message(number: u64) -> ToSign {
    ToSign::TenantMessage(format!("message {number} of a caller, about as long as a digest").into_bytes())
}

fn bulk(key: &KeyRecord, count: u64) -> BulkRequest {
    BulkRequest { key: key.id, actor: Actor::system(), to_sign: (0..count).map(message).collect() }
}

fn recorded(_: &Tx<'_>, signed: &Signed) -> Result<(Record, Signed), Error> {
    let (event, object) = (Event::BulkSigned, signed.seq.to_string());
    let payload = engine::sm3::hash(&signed.to_sign).to_vec();
    Ok((Record { event, object, outcome: Outcome::Done, payload, covers: Vec::new() }, signed.clone()))
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Each,
    Bulk(u64),
}

async fn callers(house: &Arc<House>, length: Duration) {
    let key = Arc::new(house.key("tenant").await);
    // The key becomes a known one, and its verification quick, before anything is measured.
    let signed = house.pool.sign_bulk(bulk(&key, 1000)).await.unwrap();
    let public = crypto_pool::PublicKey::from_spki(&key.spki).unwrap();
    assert!(signed.iter().all(|one| public.verify(one.algorithm, &one.to_sign, &one.signature)));

    println!("callers  way                   signatures/s   of the floor    p50 ms    p99 ms    CPU us each");
    for callers in [1, 16, 100, 1000] {
        for way in [Way::Each, Way::Bulk(1)] {
            let (rate, p50, p99, cpu) = measure(house, &key, callers, way, length).await;
            let name = if matches!(way, Way::Each) { "sign, an entry each" } else { "sign_bulk" };
            println!("{callers:>7}  {name:<20} {rate:>13.0} {:>13.1}x {p50:>9.3} {p99:>9.3} {cpu:>14.1}", rate / FLOOR);
            match (callers, way) {
                (100, Way::Bulk(_)) => println!("FIGURE pool_sign_100 {rate:.0} per_s"),
                (100, Way::Each) => println!("FIGURE pool_sign_each_100 {rate:.0} per_s"),
                _ => {}
            }
        }
    }
    let (rate, p50, p99, cpu) = measure(house, &key, 100, Way::Bulk(64), length).await;
    println!(
        "    100  {:<20} {rate:>13.0} {:>13.1}x {p50:>9.3} {p99:>9.3} {cpu:>14.1}",
        "sign_bulk of 64",
        rate / FLOOR
    );
    println!("FIGURE pool_bulk_64 {rate:.0} per_s");
}

/// Signatures a second, and the median and the 99th percentile of a request's time in milliseconds; and
/// processor time of this process for each, in microseconds.
async fn measure(
    house: &Arc<House>,
    key: &Arc<KeyRecord>,
    callers: usize,
    way: Way,
    length: Duration,
) -> (f64, f64, f64, f64) {
    let (begun, ticks) = (Instant::now(), own_ticks());
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (house, key) = (Arc::clone(house), Arc::clone(key));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while begun.elapsed() < length {
                    let asked = Instant::now();
                    match way {
                        Way::Each => {
                            let (actor, to_sign) = (Actor::system(), message(times.len() as u64));
                            let importance = Importance::Normal;
                            let request = SignRequest { key: key.id, to_sign, actor, ceremony: None, importance };
                            house.pool.sign(request, recorded).await.unwrap();
                        }
                        Way::Bulk(count) => {
                            let signed = house.pool.sign_bulk(bulk(&key, count)).await.unwrap();
                            assert_eq!(signed.len() as u64, count);
                        }
                    }
                    times.push(asked.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    let each = if let Way::Bulk(count) = way { count as f64 } else { 1.0 };
    // A tick is a hundredth of a second (proc(5), sysconf(_SC_CLK_TCK) on every Linux there is).
    let cpu = (own_ticks() - ticks) as f64 * 10_000.0 / (times.len() as f64 * each);
    (rate * each, at(50), at(99), cpu)
}

fn units(runtime: &tokio::runtime::Runtime, house: &Arc<House>, length: Duration) {
    let most = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    if most < 2 {
        println!("units_scaling is left out: this machine has one processor");
        return;
    }
    let made: Vec<(Unit, KeyRecord)> = (0..most)
        .map(|number| {
            let name = format!("unit-{number}");
            let tenant: TenantId = name.parse().unwrap();
            let spec = UnitSpec { tenant, workers: 1, cores: vec![number as u16] };
            runtime.block_on(async {
                let unit = house.pool.create_unit(&suite(Permission::ManageUnits), spec).await.unwrap();
                let key = house.key(&name).await;
                // As above: a known key.
                unit.sign_bulk(bulk(&key, 1000)).await.unwrap();
                (unit, key)
            })
        })
        .collect();
    let (mut ratios, mut costs) = (Vec::new(), Vec::new());
    println!("exclusive units: signatures/s of one, of two, percent of twice one, CPU us each with one, with two");
    for round in 0..5 {
        // The one is on either processor in turn.
        let (one, cpu_of_one) = run_units(&made[round % 2..=round % 2], length);
        let (two, cpu_of_two) = run_units(&made, length);
        ratios.push(100.0 * two / (2.0 * one));
        costs.push(100.0 * cpu_of_one / cpu_of_two);
        println!("{one:>12.0} {two:>12.0} {:>8.1} % {cpu_of_one:>8.2} {cpu_of_two:>8.2}", ratios[round]);
    }
    let median = |all: &mut Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!("FIGURE units_scaling {:.0} percent", median(&mut ratios));
    println!("FIGURE units_scaling_by_cpu {:.0} percent", median(&mut costs));
}

/// Signatures a second of these units together, each with a thread of its own that keeps it busy; and processor
/// time for each, in microseconds.
fn run_units(units: &[(Unit, KeyRecord)], length: Duration) -> (f64, f64) {
    let (signed, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (begun, ticks) = (Instant::now(), own_ticks());
    std::thread::scope(|scope| {
        for (unit, key) in units {
            let (signed, stop) = (&signed, &stop);
            scope.spawn(move || {
                bind(unit);
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let ask = || async {
                        while !stop.load(Ordering::Relaxed) {
                            let answer = unit.sign_bulk(bulk(key, 256)).await.unwrap();
                            signed.fetch_add(answer.len() as u64, Ordering::Relaxed);
                        }
                    };
                    tokio::join!(ask(), ask(), ask(), ask());
                });
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    let signed = signed.load(Ordering::Relaxed) as f64;
    (signed / begun.elapsed().as_secs_f64(), (own_ticks() - ticks) as f64 * 10_000.0 / signed)
}

/// The load of a unit is made where its worker is: two units are then twice the same thing.
fn bind(unit: &Unit) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(usize::from(unit.tenant().as_str().ends_with('1')));
    rustix::thread::sched_setaffinity(None, &set).unwrap();
}

/// The times of all processors (proc(5)). Unit: ticks.
struct Processors {
    all: u64,
    stolen: u64,
    idle: u64,
}

impl Processors {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
        let at = |place: usize| ticks.get(place).copied().unwrap_or(0);
        Self { all: ticks.iter().sum(), stolen: at(7), idle: at(3) + at(4) }
    }

    fn since(&self) -> String {
        let now = Self::now();
        let part = |ticks: u64| 100.0 * ticks as f64 / (now.all - self.all).max(1) as f64;
        let own = own_ticks();
        let others = (now.all - self.all).saturating_sub(now.idle - self.idle + now.stolen - self.stolen + own);
        format!(
            "steal {:.1} %, idle {:.1} %, used by other programs {:.1} %",
            part(now.stolen - self.stolen),
            part(now.idle - self.idle),
            part(others)
        )
    }
}

/// What this process has used since it began, which is about when the measuring did. Unit: ticks.
fn own_ticks() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum()
}
