//! The load generator: one thread, many kept connections, one question at a time on each. It works on bare
//! sockets, so that it costs less than what it measures.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::clients::http::Connection;

/// Keeps this thread, and those it starts, on one core of the machine; on a machine with one, that one.
pub fn only_core(core: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = CpuSet::new();
    set.set(core);
    if sched_setaffinity(None, &set).is_err() && cores > core {
        eprintln!("threads cannot be kept on core {core}: the figures are those of all cores");
    }
}

/// What a server did under full load.
pub struct Load {
    pub per_second: f64,
    /// Processor time of all threads but this one, for each answer.
    pub server_micros: f64,
    /// Of one answer's body.
    pub bytes: usize,
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor time of this process but for this thread.
fn others() -> f64 {
    seconds_of(ClockId::ProcessCPUTime) - seconds_of(ClockId::ThreadCPUTime)
}

fn open(address: &str, count: usize) -> Vec<Connection> {
    (0..count).map(|_| Connection::open(address)).collect()
}

/// As fast as it goes, with so many connections.
pub fn full(address: &str, requests: &[Vec<u8>], connections: usize, length: Duration) -> Load {
    let mut doors = open(address, connections);
    let (mut next, mut answers, mut bytes) = (0, 0_u64, 0);
    let mut ask = |door: &mut Connection| {
        door.send(&requests[next % requests.len()]).unwrap();
        next += 1;
    };
    let (began, before) = (Instant::now(), others());
    doors.iter_mut().for_each(&mut ask);
    while began.elapsed() < length {
        // In turn: each has its answer by the time the others had theirs, and its next question goes out at once.
        for door in &mut doors {
            let (status, length) = door.skip().unwrap();
            assert!(status == 200 && length > 100, "HTTP {status}, {length} bytes");
            (answers, bytes) = (answers + 1, length);
            ask(door);
        }
    }
    let (took, spent) = (began.elapsed().as_secs_f64(), others() - before);
    for door in &mut doors {
        door.skip().unwrap();
    }
    Load { per_second: answers as f64 / took, server_micros: spent * 1e6 / answers as f64, bytes }
}

/// How long answers took.
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
    pub highest: Duration,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, highest] = [self.p50, self.p99, self.highest].map(|time| time.as_secs_f64() * 1e3);
        write!(f, "half within {p50:.2} ms, 99 of 100 within {p99:.2} ms, all within {highest:.1} ms")
    }
}

/// So many questions a second, evenly; the time counts from when a question was due, also if it had to wait
/// for a connection.
pub fn paced(address: &str, requests: &[Vec<u8>], connections: usize, rate: f64, length: Duration) -> Latency {
    let mut doors = open(address, connections);
    doors.iter_mut().for_each(Connection::do_not_wait);
    let mut free: Vec<usize> = (0..connections).collect();
    let mut asked: VecDeque<(usize, Instant)> = VecDeque::new();
    let mut took: Vec<Duration> = Vec::with_capacity((rate * length.as_secs_f64()) as usize + 1);
    let (began, mut sent) = (Instant::now(), 0_u64);
    loop {
        let due = began + Duration::from_secs_f64(sent as f64 / rate);
        let now = Instant::now();
        if now >= due
            && due < began + length
            && let Some(place) = free.pop()
        {
            doors[place].send(&requests[sent as usize % requests.len()]).unwrap();
            asked.push_back((place, due));
            sent += 1;
            continue;
        }
        // Answers come nearly in the order of the questions: look at the oldest few.
        let mut at = 0;
        while at < asked.len().min(8) {
            let (place, due) = asked[at];
            match doors[place].try_skip().unwrap() {
                Some((status, _)) => {
                    assert_eq!(status, 200);
                    took.push(due.elapsed());
                    free.push(place);
                    asked.remove(at);
                }
                None => at += 1,
            }
        }
        if asked.is_empty() && now > began + length {
            break;
        }
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Latency { p50: at(0.5), p99: at(0.99), highest: at(1.0) }
}
