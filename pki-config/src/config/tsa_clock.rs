//! `[tsa.clock]`: where the time that is stamped comes from, and how well it must be known.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};

/// Where the time that is stamped comes from, and how well it must be known.
///
/// Without `ntp_servers` and `chrony` the machine's clock is taken at a stated accuracy of one second; its
/// stamps then carry the trial policy, and the service warns of it at start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TsaClockConfig {
    /// NTP servers, `name`, `address`, `name:port` or `[v6 address]:port`; port 123 where none is given. At most
    /// 16. Default none. Four or more from different operators let one lie unheard; one alone is believed blindly.
    /// Do not mix servers that smear leap seconds with servers that do not: near one they will disagree.
    pub ntp_servers: Vec<String>,
    /// NTP servers whose answers are authenticated by Network Time Security (RFC 8915), as above; port 4460 where
    /// none is given. At most 16. Default none. Nobody on the way can forge their answers, only delay them.
    pub nts_servers: Vec<String>,
    /// File with the roots (PEM) that NTS servers' certificates chain to. Default: those of the system.
    pub nts_roots: Option<PathBuf>,
    /// Take the estimate of the `chronyd` of this machine (asked with `chronyc`) as one more source. Default false.
    pub chrony: bool,
    /// How many sources must agree. 1 to 17; default 0: more than half of all sources.
    pub quorum: u32,
    /// How often the sources are asked. Unit: seconds, 4 to 1,024. Default 16. Public servers ask for 64 or more.
    pub poll: Seconds,
    /// How long an answer is waited for. Unit: milliseconds, 50 to 5,000. Default 1,000. A late answer is a
    /// vague one: half of the round trip counts as uncertainty.
    pub timeout_ms: u32,
    /// Largest uncertainty with which the time still counts as known. Unit: milliseconds, 1 to 60,000. Default
    /// 500. Above it stamps are refused (`timeNotAvailable`); a policy may demand more.
    pub worst_accuracy_ms: u32,
    /// How far this machine's oscillator may be off its rate. Unit: parts in a million, 1 to 500. Default 50.
    /// Larger makes the uncertainty grow faster between polls.
    pub drift_ppm: u32,
    /// How many good polls in a row make the time known again after a trouble, and at start. 1 to 100.
    /// Default 3. Until then polls come every two seconds.
    pub healthy_polls: u32,
    /// How long the time is carried on when too few sources answer. Unit: seconds, 5 to 86,400. Default 300.
    /// Longer survives longer outages with a larger uncertainty.
    pub holdover: Seconds,
    /// A change of the machine's clock against its own oscillator that counts as a step: stamping stops until
    /// the sources confirm the time again. Unit: milliseconds, 100 to 60,000. Default 1,000.
    pub step_ms: u32,
    /// How long before and after a leap second no stamp is made. Unit: seconds, 1 to 3,600. Default 2.
    pub leap_guard: Seconds,
    /// How long after a step a clock without sources is watched before it is believed again. Unit: seconds,
    /// 1 to 86,400. Default 30.
    pub settle: Seconds,
}

impl Default for TsaClockConfig {
    fn default() -> Self {
        Self {
            ntp_servers: Vec::new(),
            nts_servers: Vec::new(),
            nts_roots: None,
            chrony: false,
            quorum: 0,
            poll: Seconds(16),
            timeout_ms: 1000,
            worst_accuracy_ms: 500,
            drift_ppm: 50,
            healthy_polls: 3,
            holdover: Seconds(300),
            step_ms: 1000,
            leap_guard: Seconds(2),
            settle: Seconds(30),
        }
    }
}

/// Most servers that are asked.
const MOST_SERVERS: usize = 16;

impl TsaClockConfig {
    /// How many sources there are.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.ntp_servers.len() + self.nts_servers.len() + usize::from(self.chrony)
    }

    /// How many must agree: `quorum`, or more than half.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        match self.quorum {
            0 => self.sources() / 2 + 1,
            some => some as usize,
        }
    }

    /// How long an answer is waited for.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout_ms))
    }

    /// Checks every range and every contradiction.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the first key that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_servers("tsa.clock.ntp_servers", &self.ntp_servers)?;
        check_servers("tsa.clock.nts_servers", &self.nts_servers)?;
        if self.quorum != 0 && self.quorum as usize > self.sources() {
            let why = format!("{} of {} sources cannot agree", self.quorum, self.sources());
            return Err(ConfigError::Value { key: "tsa.clock.quorum", why });
        }
        within("tsa.clock.poll", &self.poll, &Seconds(4), &Seconds(1024))?;
        within("tsa.clock.timeout_ms", &self.timeout_ms, &50, &5000)?;
        within("tsa.clock.worst_accuracy_ms", &self.worst_accuracy_ms, &1, &60_000)?;
        within("tsa.clock.drift_ppm", &self.drift_ppm, &1, &500)?;
        within("tsa.clock.healthy_polls", &self.healthy_polls, &1, &100)?;
        within("tsa.clock.holdover", &self.holdover, &Seconds(5), &Seconds(86_400))?;
        within("tsa.clock.step_ms", &self.step_ms, &100, &60_000)?;
        within("tsa.clock.leap_guard", &self.leap_guard, &Seconds(1), &Seconds(3600))?;
        within("tsa.clock.settle", &self.settle, &Seconds(1), &Seconds(86_400))?;
        if self.holdover.0 < self.poll.0 {
            let why =
                format!("{} is less than tsa.clock.poll ({}); one lost answer would stop", self.holdover, self.poll);
            return Err(ConfigError::Value { key: "tsa.clock.holdover", why });
        }
        Ok(())
    }
}

fn check_servers(key: &'static str, servers: &[String]) -> Result<(), ConfigError> {
    if servers.len() > MOST_SERVERS {
        let why = format!("{} servers are given, at most {MOST_SERVERS} are taken", servers.len());
        return Err(ConfigError::Value { key, why });
    }
    for (place, server) in servers.iter().enumerate() {
        if let Err(why) = ntp_address(server) {
            let server: String = server.chars().take(100).collect();
            return Err(ConfigError::Value { key, why: format!("\"{server}\": {why}") });
        }
        if servers[..place].contains(server) {
            // Asked twice it would outvote the others.
            return Err(ConfigError::Value { key, why: format!("{server} is named twice") });
        }
    }
    Ok(())
}

/// The host and the port of an NTP server.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn ntp_address(server: &str) -> Result<(String, u16), &'static str> {
    address(server, 123)
}

/// The host and the port of an NTS server's key establishment.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn nts_address(server: &str) -> Result<(String, u16), &'static str> {
    address(server, 4460)
}

fn address(server: &str, usual: u16) -> Result<(String, u16), &'static str> {
    if let Ok(whole) = server.parse::<std::net::SocketAddr>() {
        return Ok((whole.ip().to_string(), whole.port()));
    }
    if let Ok(ip) = server.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>() {
        return Ok((ip.to_string(), usual));
    }
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| "the port is no number below 65,536")?),
        None => (server, usual),
    };
    let is_name = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_');
    if is_name && port != 0 { Ok((host.to_owned(), port)) } else { Err("no name or address of a server") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut TsaClockConfig)) -> Result<(), ConfigError> {
        let mut config = TsaClockConfig::default();
        change(&mut config);
        config.check()
    }

    #[test]
    fn the_default_is_sound_and_has_no_source() {
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(TsaClockConfig::default().sources(), 0);
    }

    #[test]
    fn more_than_half_must_agree_unless_told_otherwise() {
        let four = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let config = TsaClockConfig { ntp_servers: four, ..TsaClockConfig::default() };
        assert_eq!(config.agreeing(), 3);
        assert_eq!(TsaClockConfig { quorum: 2, ..config }.agreeing(), 2);
    }

    #[test]
    fn servers_are_names_or_addresses_with_or_without_a_port() {
        assert_eq!(ntp_address("ntp.ntsc.ac.cn"), Ok(("ntp.ntsc.ac.cn".into(), 123)));
        assert_eq!(ntp_address("127.0.0.1:11123"), Ok(("127.0.0.1".into(), 11_123)));
        assert_eq!(ntp_address("[::1]:124"), Ok(("::1".into(), 124)));
        assert_eq!(ntp_address("::1"), Ok(("::1".into(), 123)));
        assert_eq!(nts_address("nts.example.cn"), Ok(("nts.example.cn".into(), 4460)));
        assert_eq!(nts_address("nts.example.cn:1"), Ok(("nts.example.cn".into(), 1)));
        for bad in ["", "a b", "a:x", "a:99999", "a/b", ":123", "a:0"] {
            assert!(ntp_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn contradictions_are_refused_by_key() {
        let key = |result: Result<(), ConfigError>| match result {
            Err(ConfigError::Value { key, .. }) => key,
            other => panic!("{other:?}"),
        };
        assert_eq!(key(with(|c| c.quorum = 1)), "tsa.clock.quorum");
        assert_eq!(key(with(|c| c.ntp_servers = vec!["a".into(), "a".into()])), "tsa.clock.ntp_servers");
        assert_eq!(key(with(|c| c.ntp_servers = vec!["a b".into()])), "tsa.clock.ntp_servers");
        assert_eq!(key(with(|c| c.nts_servers = vec!["a/b".into()])), "tsa.clock.nts_servers");
        assert_eq!(key(with(|c| c.poll = Seconds(1))), "tsa.clock.poll");
        assert_eq!(key(with(|c| (c.poll, c.holdover) = (Seconds(64), Seconds(60)))), "tsa.clock.holdover");
        assert_eq!(key(with(|c| c.worst_accuracy_ms = 0)), "tsa.clock.worst_accuracy_ms");
    }
}
