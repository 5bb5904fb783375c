//! `[ca]`: when CRLs are made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};
use crate::IssuerId;

/// When CRLs are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaConfig {
    /// How long a CRL may be used: nextUpdate - thisUpdate. Unit: seconds, 1 h to 10 d less one second
    /// (CA/Browser BR 7.2). Default 604,800 (7 d). Longer survives longer outages and lets old news live longer.
    pub crl_lifetime: Seconds,
    /// How often each issuer publishes a new CRL though nothing changed. Unit: seconds, 30 min to 7 d, at
    /// most half of `crl_lifetime`. Default 86,400 (24 h).
    pub crl_every: Seconds,
    /// How the lists of single issuers are made, by the issuer's word: `[ca.crl.sm2-issuing]`. An issuer that is not
    /// named has one full list.
    pub crl: BTreeMap<String, CrlConfig>,
}

/// How the revocation lists of one issuer are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrlConfig {
    /// How many shares new certificates are spread over. Each names the list of its share, so that whoever checks one
    /// fetches a small file. 0 for none, else 2 to 256. Default 0. May be changed at any time: certificates keep their
    /// share, whose list goes on. The whole list is published too, but with shares no longer at each revocation.
    pub shards: u16,
    /// How long a delta may be used: nextUpdate - thisUpdate. Unit: seconds; 0 for no deltas, else 1 h to
    /// `crl_lifetime`. Default 0. With deltas a revocation is told by the delta within a minute, and the full list
    /// follows within `crl_every`: clients that know no deltas hear of it then.
    pub delta_lifetime: Seconds,
}

impl Default for CaConfig {
    fn default() -> Self {
        Self { crl_lifetime: Seconds(7 * 86_400), crl_every: Seconds(86_400), crl: BTreeMap::new() }
    }
}

impl CaConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("ca.crl_lifetime", &self.crl_lifetime, &Seconds(3600), &Seconds(10 * 86_400 - 1))?;
        within("ca.crl_every", &self.crl_every, &Seconds(1800), &Seconds(7 * 86_400))?;
        if self.crl_every.0 * 2 > self.crl_lifetime.0 {
            let why = format!(
                "{} is more than half of ca.crl_lifetime ({}); one missed publication would leave an expired CRL",
                self.crl_every, self.crl_lifetime
            );
            return Err(ConfigError::Value { key: "ca.crl_every", why });
        }
        self.crl.iter().try_for_each(|(issuer, crl)| crl.check(issuer, self.crl_lifetime))
    }
}

impl CrlConfig {
    fn check(&self, issuer: &str, lifetime: Seconds) -> Result<(), ConfigError> {
        if let Err(why) = issuer.parse::<IssuerId>() {
            let issuer: String = issuer.chars().take(60).collect();
            return Err(ConfigError::Value { key: "ca.crl", why: format!("{issuer} is no issuer: {why}") });
        }
        if self.shards == 1 {
            let why = "1 share is the whole list; take 0 or 2 to 256".to_owned();
            return Err(ConfigError::Value { key: "ca.crl.shards", why });
        }
        within("ca.crl.shards", &self.shards, &0, &256)?;
        if self.delta_lifetime.0 > 0 {
            within("ca.crl.delta_lifetime", &self.delta_lifetime, &Seconds(3600), &lifetime)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn shares_and_deltas_are_set_for_each_issuer() {
        let config = Config::from_toml("[ca.crl.sm2-issuing]\nshards = 16\ndelta_lifetime = 86400").unwrap();
        let lists = &config.ca.crl["sm2-issuing"];
        assert_eq!((lists.shards, lists.delta_lifetime.0), (16, 86_400));
        assert!(!config.ca.crl.contains_key("ec-issuing"));
    }

    #[test]
    fn shares_and_deltas_out_of_range_are_refused_by_key() {
        for (text, key) in [
            ("[ca.crl.ec]\nshards = 1", "ca.crl.shards"),
            ("[ca.crl.ec]\nshards = 257", "ca.crl.shards"),
            ("[ca.crl.ec]\ndelta_lifetime = 60", "ca.crl.delta_lifetime"),
            ("[ca.crl.ec]\ndelta_lifetime = 604801", "ca.crl.delta_lifetime"),
            ("[ca.crl.\"No Issuer\"]\nshards = 2", "ca.crl"),
            ("[ca.crl.ec]\nshard = 2", "shard"),
        ] {
            let error = Config::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }
}
