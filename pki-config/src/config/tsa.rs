//! `[tsa]`: what is time-stamped, under which policies, how often one address may ask, and how the keys roll.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, TsaClockConfig, within};

/// Under this policy a clock that nothing measures stamps: under the arc that IANA keeps for examples, so
/// that nobody takes it for a promise.
pub const TRIAL_POLICY: &str = "1.3.6.1.4.1.32473.3161.1";

/// The time-stamping authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TsaConfig {
    /// Whether time-stamps are made. Default true.
    pub enabled: bool,
    /// The policies, the first the one of requests that name none. Default none: then everything is stamped
    /// under the trial policy 1.3.6.1.4.1.32473.3161.1, which promises nothing. Without a measured clock
    /// that is so whatever stands here.
    pub policies: Vec<TsaPolicy>,
    /// Time-stamps one address may ask for. Unit: a second, 0 to 1,000,000; 0 sets no limit. Default 1,000.
    /// Less keeps one client from using up the authority; many behind one address then wait for each other.
    pub rate: u32,
    /// How many it may ask for at once after a pause. 1 to 1,000,000. Default 2,000.
    pub burst: u32,
    /// How long a unit's key signs. Unit: seconds, 1 d to 15 months (CA/Browser code signing BR 6.3.2).
    /// Default 34,560,000 (400 d).
    pub key_signs: Seconds,
    /// How long before its first stamp the next unit's certificate is published. Unit: seconds, at most half
    /// of `key_signs`. Default 2,592,000 (30 d).
    pub announce: Seconds,
    /// How long the old unit could still stand in after the next has begun. Unit: seconds, at most
    /// `announce`. Default 604,800 (7 d).
    pub overlap: Seconds,
    /// Where the time comes from.
    pub clock: TsaClockConfig,
    /// How archived tokens go on proving something.
    pub evidence: EvidenceConfig,
}

/// Renewal of archived tokens before their certificates or algorithms end (RFC 4998).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceConfig {
    /// With which hash archived tokens are stamped again: `sm3` (an SM2 key signs), `sha256`, `sha384` or
    /// `sha512` (an ECDSA key). Default `sm3`.
    pub hash: String,
    /// How long before an end that happens. Unit: seconds, 1 d to 3,650 d. Default 31,536,000 (365 d): long
    /// enough that a year's standstill loses nothing.
    pub before: Seconds,
    /// When a hash algorithm ends, in your judgement or the law's: its name and a moment, such as
    /// `sha256 = "2035-01-01T00:00:00Z"`. Default none.
    pub ends: BTreeMap<String, String>,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self { hash: "sm3".to_owned(), before: Seconds(365 * 86_400), ends: BTreeMap::new() }
    }
}

impl EvidenceConfig {
    fn check(&self) -> Result<(), ConfigError> {
        within("tsa.evidence.before", &self.before, &Seconds(86_400), &Seconds(3650 * 86_400))?;
        if !HASHES.contains(&self.hash.as_str()) {
            let why = format!("\"{}\" is none of sm3, sha256, sha384, sha512", self.hash);
            return Err(ConfigError::Value { key: "tsa.evidence.hash", why });
        }
        let wrong = |why: String| Err(ConfigError::Value { key: "tsa.evidence.ends", why });
        for (hash, end) in &self.ends {
            if !HASHES.contains(&hash.as_str()) {
                return wrong(format!("\"{hash}\" is none of sm3, sha256, sha384, sha512"));
            }
            if *hash == self.hash {
                return wrong(format!("{hash} ends, and is what tsa.evidence.hash renews with"));
            }
            if end.parse::<crate::Instant>().is_err() {
                return wrong(format!("\"{end}\" is no moment such as 2035-01-01T00:00:00Z"));
            }
        }
        Ok(())
    }
}

/// What a time-stamp promises, and who may ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TsaPolicy {
    /// Its object identifier, in your own arc.
    pub oid: String,
    /// The hash algorithms taken: `sm3`, `sha256`, `sha384`, `sha512`. Default all.
    #[serde(default = "all_hashes")]
    pub hashes: Vec<String>,
    /// The worst accuracy under which a stamp is still made. Unit: microseconds, 1 to 60,000,000.
    /// Default 1,000,000. Less means more refusals when the network is slow.
    #[serde(default = "one_second")]
    pub accuracy: u32,
    /// Whether tokens say that they can be ordered by their times. Default true; they always can.
    #[serde(default = "yes")]
    pub ordering: bool,
    /// Whether tokens name the authority. Default false: the certificate does.
    #[serde(default)]
    pub name: bool,
    /// Whether SM2 tokens are written with the content type of GM/T 0010 in place of that of CMS. Default
    /// false: OpenSSL and BouncyCastle read CMS only.
    #[serde(default)]
    pub gm_content_type: bool,
    /// Who may ask. Default everybody.
    #[serde(default)]
    pub access: StampAccess,
}

/// Who may ask for a time-stamp.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampAccess {
    /// Everybody, without a login.
    #[default]
    Anybody,
    /// Whoever shows a client certificate or a token of this installation, over https.
    Known,
}

const HASHES: [&str; 4] = ["sm3", "sha256", "sha384", "sha512"];

fn all_hashes() -> Vec<String> {
    HASHES.map(str::to_owned).to_vec()
}

const fn one_second() -> u32 {
    1_000_000
}

const fn yes() -> bool {
    true
}

impl TsaPolicy {
    /// A policy with every default.
    #[must_use]
    pub fn of(oid: &str) -> Self {
        Self {
            oid: oid.to_owned(),
            hashes: all_hashes(),
            accuracy: one_second(),
            ordering: true,
            name: false,
            gm_content_type: false,
            access: StampAccess::Anybody,
        }
    }

    /// What is promised without a measured clock.
    #[must_use]
    pub fn trial() -> Self {
        Self::of(TRIAL_POLICY)
    }
}

impl Default for TsaConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            policies: Vec::new(),
            rate: 1000,
            burst: 2000,
            key_signs: Seconds(400 * 86_400),
            announce: Seconds(30 * 86_400),
            overlap: Seconds(7 * 86_400),
            clock: TsaClockConfig::default(),
            evidence: EvidenceConfig::default(),
        }
    }
}

impl TsaConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.clock.check()?;
        self.evidence.check()?;
        within("tsa.rate", &self.rate, &0, &1_000_000)?;
        within("tsa.burst", &self.burst, &1, &1_000_000)?;
        within("tsa.key_signs", &self.key_signs, &Seconds(86_400), &Seconds(456 * 86_400))?;
        within("tsa.announce", &self.announce, &Seconds(0), &Seconds(self.key_signs.0 / 2))?;
        within("tsa.overlap", &self.overlap, &Seconds(0), &self.announce)?;
        let wrong = |why: String| Err(ConfigError::Value { key: "tsa.policies", why });
        if self.policies.len() > 100 {
            return wrong(format!("{} policies, at most 100 are taken", self.policies.len()));
        }
        for (index, policy) in self.policies.iter().enumerate() {
            let oid = &policy.oid;
            if oid.len() > 100 || const_oid::ObjectIdentifier::new(oid).is_err() {
                return wrong(format!("\"{oid}\" is no object identifier"));
            }
            if self.policies[..index].iter().any(|other| other.oid == *oid) {
                return wrong(format!("{oid} is there twice"));
            }
            if let Some(hash) = policy.hashes.iter().find(|hash| !HASHES.contains(&hash.as_str())) {
                return wrong(format!("{oid}: \"{hash}\" is none of sm3, sha256, sha384, sha512"));
            }
            if policy.hashes.is_empty() {
                return wrong(format!("{oid} takes no hash algorithm"));
            }
            within("tsa.policies.accuracy", &policy.accuracy, &1, &60_000_000)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn error(text: &str) -> String {
        Config::from_toml(text).expect_err("should be refused").to_string()
    }

    #[test]
    fn a_policy_needs_no_more_than_its_identifier() {
        let config = Config::from_toml("[[tsa.policies]]\noid = \"1.2.3.4\"").unwrap();
        assert_eq!(config.tsa.policies, [TsaPolicy::of("1.2.3.4")]);
        assert_eq!(config.tsa.policies[0].access, StampAccess::Anybody);
    }

    #[test]
    fn policies_that_cannot_be_are_refused_by_what_is_wrong() {
        for (text, what) in [
            ("[[tsa.policies]]\noid = \"1.2.x\"", "1.2.x"),
            ("[[tsa.policies]]\noid = \"1.2.3\"\n[[tsa.policies]]\noid = \"1.2.3\"", "twice"),
            ("[[tsa.policies]]\noid = \"1.2.3\"\nhashes = [\"sha1\"]", "sha1"),
            ("[[tsa.policies]]\noid = \"1.2.3\"\nhashes = []", "no hash"),
            ("[[tsa.policies]]\noid = \"1.2.3\"\naccuracy = 0", "accuracy"),
            ("[[tsa.policies]]\noid = \"1.2.3\"\naccess = \"all\"", "access"),
            ("[tsa]\nkey_signs = 60", "tsa.key_signs"),
            ("[tsa]\nkey_signs = 86400\nannounce = 86400", "tsa.announce"),
            ("[tsa]\noverlap = 2592001", "tsa.overlap"),
            ("[tsa.evidence]\nhash = \"md5\"", "md5"),
            ("[tsa.evidence]\nbefore = 60", "tsa.evidence.before"),
            ("[tsa.evidence.ends]\nsha1 = \"2030-01-01T00:00:00Z\"", "sha1"),
            ("[tsa.evidence.ends]\nsm3 = \"2030-01-01T00:00:00Z\"", "renews with"),
            ("[tsa.evidence.ends]\nsha256 = \"soon\"", "soon"),
        ] {
            assert!(error(text).contains(what), "{text}: {}", error(text));
        }
    }
}
