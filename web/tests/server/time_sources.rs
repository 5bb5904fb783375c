//! The time-stamping authority with sources of time: what a client of the protocol sees while the machine's clock
//! steps, the sources disagree, or fall silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use crypto_pool::random::SeededRandom;
use http_body_util::BodyExt as _;
use pki_config::config::{Seconds, TsaPolicy};
use pki_config::role::Setup;
use pki_config::time::FixedClock;
use pki_config::{Clock, Instant};
use tokio::net::UdpSocket;
use tower::ServiceExt as _;
use tsa::core::request::{Draft, Hash};
use tsa::core::token::TstInfo;
use tsa::{Accuracy, Moment};
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::router::{Door, router};
use web::serve::Peer;

use crate::house::{START, address, config};

/// A machine: a wall clock that a test puts wrong, and an oscillator that runs true.
struct Machine {
    wall: FixedClock,
    steady: FixedClock,
}

impl Machine {
    fn pass(&self, by: Duration) {
        self.wall.advance(by);
        self.steady.advance(by);
    }

    /// What the time really is.
    fn truth(&self) -> Instant {
        self.steady.now()
    }
}

impl Clock for Machine {
    fn now(&self) -> Instant {
        self.wall.now()
    }

    fn steady(&self) -> Duration {
        self.steady.steady()
    }
}

const SILENT: i64 = i64::MAX;

/// Seconds from 1900, in units of 2^-32 s (RFC 5905 6).
fn ntp_time(millis: i64) -> u64 {
    let (seconds, rest) = (millis.div_euclid(1000) + 2_208_988_800, millis.rem_euclid(1000));
    ((seconds as u64 & 0xffff_ffff) << 32) | (((rest as u64) << 32) / 1000)
}

/// An NTP server on loopback that is off by so many milliseconds, or says nothing.
async fn server(machine: Arc<Machine>, off: Arc<AtomicI64>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut buffer).await {
            let off = off.load(Ordering::SeqCst);
            if off == SILENT {
                continue;
            }
            let time = ntp_time(machine.truth().unix_millis() + off).to_be_bytes();
            let mut reply = [0; 48];
            // Version 4, server, stratum 1, grain of a millisecond.
            reply[..4].copy_from_slice(&[0x24, 1, 0, 0xf6]);
            reply[24..32].copy_from_slice(&buffer[40..48]);
            reply[32..40].copy_from_slice(&time);
            reply[40..48].copy_from_slice(&time);
            let _ = socket.send_to(&reply, from).await;
        }
    });
    address
}

struct Setting {
    _temp: tempfile::TempDir,
    machine: Arc<Machine>,
    offs: Vec<Arc<AtomicI64>>,
    app: App,
    last: Option<Moment>,
}

impl Setting {
    async fn new() -> Self {
        let at: Instant = START.parse().unwrap();
        let machine = Arc::new(Machine { wall: FixedClock::at(at), steady: FixedClock::at(at) });
        let (mut config, mut offs) = (config(), Vec::new());
        for _ in 0..3 {
            let off = Arc::new(AtomicI64::new(0));
            config.tsa.clock.ntp_servers.push(server(Arc::clone(&machine), Arc::clone(&off)).await);
            offs.push(off);
        }
        config.tsa.clock.healthy_polls = 2;
        config.tsa.clock.timeout_ms = 2000;
        config.tsa.clock.holdover = Seconds(60);
        config.tsa.policies = vec![TsaPolicy { accuracy: 100_000, ..TsaPolicy::of("1.2.3.4") }];
        let temp = tempfile::tempdir().unwrap();
        let new = DataDir::begin(&temp.path().join("d")).unwrap();
        let clock: Arc<dyn Clock> = machine.clone();
        let options = AppOptions { config, clock, random: Arc::new(SeededRandom::new(5)), probe: None, worker: None };
        let (app, _) = App::create(new, Setup::Trial, None, options).await.unwrap();
        Self { _temp: temp, machine, offs, app, last: None }
    }

    fn servers_are_off_by(&self, millis: [i64; 3]) {
        self.offs.iter().zip(millis).for_each(|(off, millis)| off.store(millis, Ordering::SeqCst));
    }

    async fn poll(&self, times: usize) {
        for _ in 0..times {
            self.machine.pass(Duration::from_secs(2));
            self.app.ask_time_sources().await;
        }
    }

    /// Asks for a time-stamp: its accuracy, or `None` for `timeNotAvailable`. A granted one must be true within
    /// its accuracy, and after all before it.
    async fn stamp(&mut self) -> Option<Duration> {
        let body = Draft { hash: Hash::Sm3, digest: &[7; 32], policy: None, nonce: None, cert_req: false }.to_der();
        let mut request =
            Request::post("/tsa").header("content-type", "application/timestamp-query").body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer::Http { address: address() });
        let answer = router(self.app.clone(), Door::Http).oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let Some(at) = body.windows(5).position(|window| window == [0x30, 3, 2, 1, 0]) else {
            // failInfo: bit 14 of a BIT STRING, the last thing in the answer.
            assert!(body.ends_with(&[3, 3, 1, 0, 2]), "timeNotAvailable and nothing else: {body:x?}");
            return None;
        };
        let info = TstInfo::of_token(&body[at + 5..]).unwrap();
        assert!(self.last < Some(info.time), "{:?} then {:?}", self.last, info.time);
        self.last = Some(info.time);
        let accuracy = info.accuracy.map(Accuracy::micros).expect("measured");
        let off = (info.time.unix_micros() - self.machine.truth().unix_millis() * 1000).unsigned_abs();
        assert!(off <= u64::from(accuracy) + 1000, "off by {off} us, said {accuracy} us");
        Some(Duration::from_micros(accuracy.into()))
    }
}

#[tokio::test]
async fn nothing_is_stamped_before_the_sources_agreed_often_enough() {
    let mut setting = Setting::new().await;
    assert_eq!(setting.stamp().await, None);
    setting.poll(1).await;
    assert_eq!(setting.stamp().await, None);
    setting.poll(1).await;
    let accuracy = setting.stamp().await.expect("known now");
    assert!(accuracy < Duration::from_millis(100), "{accuracy:?}");
}

#[tokio::test]
async fn a_clock_that_steps_stamps_nothing_until_the_sources_confirm_the_true_time() {
    let mut setting = Setting::new().await;
    // Some time after the first start, so that the unit's key is old enough for an hour back.
    setting.machine.pass(Duration::from_secs(86_400));
    setting.poll(2).await;
    assert!(setting.stamp().await.is_some());
    for (step, name) in [(60_000, "forward a minute"), (-3_600_000, "back an hour")] {
        let right = setting.machine.wall.now().unix_millis();
        setting.machine.wall.set(Instant::from_unix_millis(right + step).unwrap());
        assert_eq!(setting.stamp().await, None, "{name}: at once");
        setting.poll(3).await;
        // The sources know better; the pool and the log, which go by the machine's clock, do not sign for it.
        assert_eq!(setting.stamp().await, None, "{name}: while the machine's clock is wrong");
        let right = setting.machine.truth().unix_millis();
        setting.machine.wall.set(Instant::from_unix_millis(right).unwrap());
        // What was logged while it was ahead lies in the future until then.
        setting.machine.pass(Duration::from_secs(70));
        setting.poll(3).await;
        assert!(setting.stamp().await.is_some(), "{name}: after it was put right");
    }
}

#[tokio::test]
async fn sources_that_disagree_stop_it_and_one_liar_does_not() {
    let mut setting = Setting::new().await;
    setting.poll(2).await;
    assert!(setting.stamp().await.is_some());
    setting.servers_are_off_by([0, -3_600_000, 0]);
    setting.poll(1).await;
    assert!(setting.stamp().await.is_some(), "two of three are more than half");
    setting.servers_are_off_by([5_000, -5_000, 0]);
    setting.poll(1).await;
    assert_eq!(setting.stamp().await, None);
    setting.servers_are_off_by([0; 3]);
    setting.poll(2).await;
    assert!(setting.stamp().await.is_some());
    // All of them an hour back, together: no stamp before the last, however long they insist.
    setting.servers_are_off_by([-3_600_000; 3]);
    setting.poll(4).await;
    assert_eq!(setting.stamp().await, None);
}

#[tokio::test]
async fn without_sources_the_time_is_carried_on_for_the_configured_time_and_no_longer() {
    let mut setting = Setting::new().await;
    setting.poll(2).await;
    let at_first = setting.stamp().await.unwrap();
    setting.servers_are_off_by([SILENT; 3]);
    setting.machine.pass(Duration::from_secs(40));
    setting.app.ask_time_sources().await;
    let later = setting.stamp().await.expect("carried on by the oscillator");
    assert!(later > at_first, "{later:?}: the uncertainty grows");
    setting.machine.pass(Duration::from_secs(25));
    setting.app.ask_time_sources().await;
    assert_eq!(setting.stamp().await, None, "65 s are more than 60");
    setting.servers_are_off_by([0; 3]);
    setting.poll(2).await;
    assert!(setting.stamp().await.is_some());
}
