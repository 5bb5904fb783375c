//! Asks the sources, again and again. The only place of the clock that touches the network or starts a
//! program; what the answers mean is decided elsewhere.

use std::sync::Arc;
use std::time::Duration;

use pki_config::config::{TsaClockConfig, ntp_address};
use pki_config::{Clock, Random};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::decide::{Hands, Nanos};
use super::select::Sample;
use super::{TrustedClock, chrony, ntp};

/// How often sources are asked while the time is not known.
const HURRIED: Duration = Duration::from_secs(2);
/// Packets of strangers that are passed over while an answer is waited for.
const MOST_STRAYS: usize = 16;

#[derive(Debug, Clone)]
enum Source {
    Ntp { host: String, port: u16 },
    Chrony,
}

/// Asks the sources of a clock and feeds it.
pub struct Poller {
    trusted: Arc<TrustedClock>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sources: Vec<Source>,
    every: Duration,
    timeout: Duration,
}

impl Poller {
    /// The poller of a clock that was made from the same configuration.
    #[must_use]
    pub fn new(
        config: &TsaClockConfig,
        trusted: Arc<TrustedClock>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let mut sources: Vec<Source> = config
            .ntp_servers
            .iter()
            .filter_map(|server| ntp_address(server).ok())
            .map(|(host, port)| Source::Ntp { host, port })
            .collect();
        if config.chrony {
            sources.push(Source::Chrony);
        }
        let (every, timeout) = (config.poll.duration(), config.timeout());
        Self { trusted, clock, random, sources, every, timeout }
    }

    /// Polls until it is dropped. Without sources it still looks at the clock, so that a step is noticed
    /// though nobody asks for a stamp.
    pub async fn run(&self) {
        loop {
            self.round().await;
            let pause = if self.trusted.is_hurried() { HURRIED.min(self.every) } else { self.every };
            sleep(pause).await;
        }
    }

    /// Asks every source once, all at the same time.
    pub async fn round(&self) {
        if self.sources.is_empty() {
            self.trusted.look();
            return;
        }
        let asked: Vec<_> = self
            .sources
            .iter()
            .enumerate()
            .map(|(place, source)| {
                let (source, clock, limit) = (source.clone(), Arc::clone(&self.clock), self.timeout);
                let mut cookie = [0; 8];
                let cookie = self.random.fill(&mut cookie).map(|()| u64::from_be_bytes(cookie));
                tokio::spawn(async move {
                    let Ok(cookie) = cookie else { return Err("the random source failed".to_owned()) };
                    match source {
                        Source::Ntp { host, port } => ask(place, &host, port, cookie, &*clock, limit).await,
                        Source::Chrony => ask_chrony(place, &*clock, limit).await,
                    }
                })
            })
            .collect();
        let (mut samples, mut faults) = (Vec::new(), Vec::new());
        for (place, task) in asked.into_iter().enumerate() {
            match task.await {
                Ok(Ok(sample)) => samples.push(sample),
                Ok(Err(fault)) => faults.push((place, fault)),
                Err(_) => faults.push((place, "asking it failed".to_owned())),
            }
        }
        self.trusted.feed(&samples, faults);
    }
}

fn wall(clock: &dyn Clock) -> Nanos {
    Nanos::from(clock.now().unix_millis()) * 1_000_000
}

/// Asks an NTP server once.
async fn ask(
    place: usize,
    host: &str,
    port: u16,
    cookie: u64,
    clock: &dyn Clock,
    limit: Duration,
) -> Result<Sample, String> {
    let exchange = async {
        let unreachable = |why: std::io::Error| format!("it cannot be reached: {why}");
        let address = tokio::net::lookup_host((host, port)).await.map_err(|why| format!("no address: {why}"))?.next();
        let Some(address) = address else { return Err("it has no address".to_owned()) };
        let local = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(local).await.map_err(unreachable)?;
        // Connected, so that the system drops what others send.
        socket.connect(address).await.map_err(unreachable)?;
        let asked = clock.steady();
        socket.send(&ntp::request(cookie)).await.map_err(unreachable)?;
        let mut buffer = [0; 1024];
        let mut last = ntp::BadAnswer::Short;
        for _ in 0..MOST_STRAYS {
            let length = socket.recv(&mut buffer).await.map_err(unreachable)?;
            let heard = clock.steady();
            match ntp::answer(&buffer[..length], cookie) {
                Ok(answer) => {
                    return ntp::sample(place, &answer, asked, heard, wall(clock)).map_err(|why| why.to_string());
                }
                // An old or forged packet must not end the wait for the real one.
                Err(why @ (ntp::BadAnswer::OtherRequest | ntp::BadAnswer::Short | ntp::BadAnswer::NotAnAnswer)) => {
                    last = why;
                }
                Err(why) => return Err(why.to_string()),
            }
        }
        Err(last.to_string())
    };
    timeout(limit, exchange).await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
}

/// Asks the `chronyd` of this machine.
async fn ask_chrony(place: usize, clock: &dyn Clock, limit: Duration) -> Result<Sample, String> {
    let mut command = tokio::process::Command::new("chronyc");
    command.args(["-n", "-c", "tracking"]).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = match timeout(limit, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(why)) => return Err(format!("chronyc cannot be run: {why}")),
        Err(_) => return Err("chronyc did not answer in time".to_owned()),
    };
    let line = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err("chronyd does not answer chronyc".to_owned());
    }
    chrony::sample(place, &line, Hands { wall: wall(clock), steady: clock.steady() }).map_err(str::to_owned)
}
