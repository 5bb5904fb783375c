//! `[ca]`: when CRLs are made.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};

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
}

impl Default for CaConfig {
    fn default() -> Self {
        Self { crl_lifetime: Seconds(7 * 86_400), crl_every: Seconds(86_400) }
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
        Ok(())
    }
}
