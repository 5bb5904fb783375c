//! Claims about the clock as its users see it: over real sockets against a server of the test, and told changes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pki_config::config::{Seconds, TsaClockConfig};
use pki_config::ports::RandomFailed;
use pki_config::time::{FixedClock, SystemClock};
use pki_config::{Clock, Instant, Random};
use tokio::net::UdpSocket;

use super::*;

/// Octets that repeat no request: a counter.
struct Counter(AtomicI64);

impl Random for Counter {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
        Ok(())
    }
}

/// An NTP server on loopback whose clock is off by what the test says. Unit: milliseconds; `SILENT` says
/// nothing.
struct FakeServer {
    address: String,
    off: Arc<AtomicI64>,
    task: tokio::task::JoinHandle<()>,
}

const SILENT: i64 = i64::MAX;

impl FakeServer {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let off = Arc::new(AtomicI64::new(0));
        let shared = Arc::clone(&off);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let off = shared.load(Ordering::SeqCst);
                if length < 48 || off == SILENT {
                    continue;
                }
                let utc = i128::from(SystemClock.now().unix_millis() + off) * 1_000_000;
                let mut reply = [0; 48];
                // Version 4, server, stratum 1, grain of a millisecond.
                reply[..4].copy_from_slice(&[0x24, 1, 0, 0xf6]);
                reply[24..32].copy_from_slice(&buffer[40..48]);
                reply[32..40].copy_from_slice(&ntp::timestamp(utc).to_be_bytes());
                reply[40..48].copy_from_slice(&ntp::timestamp(utc).to_be_bytes());
                let _ = socket.send_to(&reply, from).await;
            }
        });
        Self { address, off, task }
    }

    fn is_off_by(&self, millis: i64) {
        self.off.store(millis, Ordering::SeqCst);
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Setting {
    servers: Vec<FakeServer>,
    trusted: Arc<TrustedClock>,
    poller: Poller,
    told: Arc<Mutex<Vec<Option<&'static str>>>>,
}

impl Setting {
    async fn start(count: usize) -> Self {
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(FakeServer::start().await);
        }
        let config = TsaClockConfig {
            ntp_servers: servers.iter().map(|server| server.address.clone()).collect(),
            healthy_polls: 2,
            timeout_ms: 2000,
            holdover: Seconds(16),
            ..TsaClockConfig::default()
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let told: Arc<Mutex<Vec<Option<&'static str>>>> = Arc::default();
        let heard = Arc::clone(&told);
        let trusted = TrustedClock::from_config(&config, Arc::clone(&clock))
            .on_change(move |change| heard.lock().unwrap().push(change.now.map(Unsure::as_str)));
        let trusted = Arc::new(trusted);
        let poller = Poller::new(&config, Arc::clone(&trusted), clock, Arc::new(Counter(AtomicI64::new(1))));
        Self { servers, trusted, poller, told }
    }

    async fn poll(&self, times: usize) {
        for _ in 0..times {
            self.poller.round().await;
        }
    }
}

#[tokio::test]
async fn three_servers_that_agree_make_the_time_known_with_a_measured_accuracy() {
    let setting = Setting::start(3).await;
    assert!(setting.trusted.now().is_err());
    setting.poll(2).await;
    let reading = setting.trusted.now().unwrap();
    assert!(reading.is_measured() && !setting.trusted.is_trial());
    assert!(reading.accuracy() < Duration::from_secs(2), "{reading:?}");
    let off = reading.unix_micros() / 1000 - SystemClock.now().unix_millis();
    assert!(off.abs() < 2000, "{off}");
    assert_eq!(*setting.told.lock().unwrap(), [Some("settling"), None]);
}

#[tokio::test]
async fn one_lying_server_of_three_is_named_and_not_heard() {
    let setting = Setting::start(3).await;
    setting.servers[1].is_off_by(-3_600_000);
    setting.poll(2).await;
    setting.trusted.now().unwrap();
    let health = setting.trusted.health();
    let agrees: Vec<bool> = health.sources.iter().map(|source| source.agrees).collect();
    assert_eq!(agrees, [true, false, true]);
    assert!(health.sources[1].offset_micros.unwrap() < -3_599_000_000);
}

#[tokio::test]
async fn servers_that_disagree_stop_the_stamps_and_agreeing_again_allows_them() {
    let setting = Setting::start(3).await;
    setting.poll(2).await;
    let before = setting.trusted.now().unwrap();
    setting.servers[0].is_off_by(5_000);
    setting.servers[1].is_off_by(-5_000);
    setting.poll(1).await;
    assert!(matches!(setting.trusted.now(), Err(Unsure::Disagreeing { .. })));
    setting.servers.iter().for_each(|server| server.is_off_by(0));
    setting.poll(2).await;
    assert!(setting.trusted.now().unwrap().unix_micros() >= before.unix_micros());
    assert_eq!(*setting.told.lock().unwrap(), [Some("settling"), None, Some("sources-disagree"), None]);
}

#[tokio::test]
async fn a_silent_server_is_named_and_the_others_suffice() {
    let setting = Setting::start(3).await;
    setting.servers[2].is_off_by(SILENT);
    setting.poll(2).await;
    setting.trusted.now().unwrap();
    let health = setting.trusted.health();
    assert_eq!(health.sources[2].fault.as_deref(), Some("it did not answer in time"));
    assert_eq!(health.history.len(), 2);
}

#[tokio::test]
async fn servers_that_move_an_hour_together_are_not_followed_at_once() {
    let setting = Setting::start(3).await;
    setting.poll(2).await;
    setting.servers.iter().for_each(|server| server.is_off_by(-3_600_000));
    setting.poll(1).await;
    assert!(matches!(setting.trusted.now(), Err(Unsure::Stepped { .. })));
    // However long they insist: a stamp that was given already lies after it.
    setting.poll(3).await;
    assert!(matches!(setting.trusted.now(), Err(Unsure::Behind { .. })), "{:?}", setting.trusted.now());
}

/// A machine's clock whose two hands a test moves apart.
struct TwoHands {
    wall: FixedClock,
    steady: FixedClock,
}

impl TwoHands {
    fn start() -> Arc<Self> {
        let at: Instant = "2026-11-21T08:00:00Z".parse().unwrap();
        Arc::new(Self { wall: FixedClock::at(at), steady: FixedClock::at(at) })
    }

    fn pass(&self, by: Duration) {
        self.wall.advance(by);
        self.steady.advance(by);
    }
}

impl Clock for TwoHands {
    fn now(&self) -> Instant {
        self.wall.now()
    }

    fn steady(&self) -> Duration {
        self.steady.steady()
    }
}

#[test]
fn without_sources_the_clock_is_a_trial_with_one_second() {
    let hands = TwoHands::start();
    let trusted = TrustedClock::from_config(&TsaClockConfig::default(), hands.clone());
    let reading = trusted.now().unwrap();
    assert!(trusted.is_trial() && !reading.is_measured());
    assert_eq!(reading.accuracy(), Duration::from_secs(1));
    assert_eq!(reading.time(), hands.now());
    assert!(trusted.now_within(Duration::from_millis(999)).is_err());
}

#[test]
fn a_step_is_told_once_and_its_end_too() {
    let hands = TwoHands::start();
    let told: Arc<Mutex<Vec<Option<&'static str>>>> = Arc::default();
    let heard = Arc::clone(&told);
    let trusted = TrustedClock::system(hands.clone())
        .on_change(move |change| heard.lock().unwrap().push(change.now.map(Unsure::as_str)));
    let first = trusted.now().unwrap();
    hands.wall.advance(Duration::from_secs(60));
    for _ in 0..29 {
        assert!(trusted.now().is_err());
        hands.pass(Duration::from_secs(1));
    }
    hands.pass(Duration::from_secs(1));
    assert!(trusted.now().unwrap().unix_micros() > first.unix_micros());
    assert_eq!(*told.lock().unwrap(), [Some("clock-stepped"), None]);
}

#[test]
fn the_newest_stamp_of_before_the_start_is_a_floor() {
    let hands = TwoHands::start();
    let trusted = TrustedClock::system(hands.clone());
    trusted.raise_floor((hands.now().unix_millis() + 3_600_000) * 1000);
    assert!(matches!(trusted.now(), Err(Unsure::Behind { .. })));
}
