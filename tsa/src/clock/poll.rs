//! Asks the sources, again and again. The only place of the clock that touches the network or starts a
//! program; what the answers mean is decided elsewhere.

use std::sync::Arc;
use std::time::Duration;

use pki_config::config::{TsaClockConfig, ntp_address, nts_address};
use pki_config::ports::RandomFailed;
use pki_config::{Clock, Random};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::decide::{Hands, Nanos};
use super::nts::Unique;
use super::select::Sample;
use super::{TrustedClock, chrony, ntp};

mod nts;

/// How often sources are asked while the time is not known.
const HURRIED: Duration = Duration::from_secs(2);
/// Packets of strangers that are passed over while an answer is waited for.
const MOST_STRAYS: usize = 16;

#[derive(Debug, Clone)]
enum Source {
    Ntp { host: String, port: u16 },
    Nts(Arc<nts::Server>),
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
        // Read when they are first needed: a machine without roots can still ask others.
        let roots = Arc::new(nts::Roots::new(config.nts_roots.clone()));
        for server in &config.nts_servers {
            if let Ok((host, port)) = nts_address(server) {
                sources.push(Source::Nts(Arc::new(nts::Server::new(host, port, Arc::clone(&roots)))));
            }
        }
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
                let unique = unique(&*self.random);
                tokio::spawn(async move {
                    let Ok(unique) = unique else { return Err("the random source failed".to_owned()) };
                    match source {
                        Source::Ntp { host, port } => ask(place, &host, port, unique.timestamp, &*clock, limit).await,
                        Source::Nts(server) => server.ask(place, &unique, &*clock, limit).await,
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

/// What the next request is recognised by.
fn unique(random: &dyn Random) -> Result<Unique, RandomFailed> {
    let (mut timestamp, mut identifier, mut nonce) = ([0; 8], [0; 32], [0; 16]);
    random.fill(&mut timestamp)?;
    random.fill(&mut identifier)?;
    random.fill(&mut nonce)?;
    Ok(Unique { timestamp: u64::from_be_bytes(timestamp), identifier, nonce })
}

fn wall(clock: &dyn Clock) -> Nanos {
    Nanos::from(clock.now().unix_millis()) * 1_000_000
}

/// A socket that hears this server alone.
async fn connected(host: &str, port: u16) -> Result<UdpSocket, String> {
    let address = tokio::net::lookup_host((host, port)).await.map_err(|why| format!("no address: {why}"))?.next();
    let Some(address) = address else { return Err("it has no address".to_owned()) };
    let local = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(local).await.map_err(unreachable)?;
    // Connected, so that the system drops what others send.
    socket.connect(address).await.map_err(unreachable)?;
    Ok(socket)
}

fn unreachable(why: std::io::Error) -> String {
    format!("it cannot be reached: {why}")
}

/// Sends a request and reads packets until `read` takes one: an old or forged packet, of which it says `None`, must
/// not end the wait for the real one. With the moments it was asked and heard.
async fn exchange<T, E: ToString>(
    socket: &UdpSocket,
    request: &[u8],
    clock: &dyn Clock,
    mut read: impl FnMut(&[u8]) -> Result<T, (bool, E)>,
) -> Result<(T, Duration, Duration), String> {
    let asked = clock.steady();
    socket.send(request).await.map_err(unreachable)?;
    let mut buffer = [0; 4096];
    let mut last = String::new();
    for _ in 0..MOST_STRAYS {
        let length = socket.recv(&mut buffer).await.map_err(unreachable)?;
        let heard = clock.steady();
        match read(&buffer[..length]) {
            Ok(answer) => return Ok((answer, asked, heard)),
            Err((true, why)) => last = why.to_string(),
            Err((false, why)) => return Err(why.to_string()),
        }
    }
    Err(last)
}

/// Whether this is no answer to our request, so that the answer may still come.
fn is_stray(why: ntp::BadAnswer) -> bool {
    matches!(why, ntp::BadAnswer::OtherRequest | ntp::BadAnswer::Short | ntp::BadAnswer::NotAnAnswer)
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
    let asking = async {
        let socket = connected(host, port).await?;
        let read = |bytes: &[u8]| ntp::answer(bytes, cookie).map_err(|why| (is_stray(why), why));
        let (answer, asked, heard) = exchange(&socket, &ntp::request(cookie), clock, read).await?;
        ntp::sample(place, &answer, asked, heard, wall(clock)).map_err(|why| why.to_string())
    };
    timeout(limit, asking).await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
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
