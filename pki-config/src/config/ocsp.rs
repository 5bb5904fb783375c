//! `[ocsp]`: how long answers live, what they say, and for whom else they are given.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};

/// The OCSP responder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OcspConfig {
    /// Whether questions are answered and the responder's address stands in new certificates. Default true.
    /// The status table is kept either way, so that it can be turned on later.
    pub enabled: bool,
    /// From thisUpdate to nextUpdate. Unit: seconds, 1 h to 10 d less one second (CA/Browser BR 4.9.9 asks
    /// for 8 h at least). Default 43,200 (12 h). Longer means less signing and older news in caches.
    pub answer_lifetime: Seconds,
    /// Age at which an answer made ahead is made anew. Unit: seconds, 10 min to half of `answer_lifetime`, at
    /// most 4 d (BR 4.9.9). Default 14,400 (4 h).
    pub refresh_after: Seconds,
    /// How long HTTP caches may keep an answer, never past its nextUpdate. Unit: seconds, 0 to 10 d.
    /// Default 3,600. A revocation takes this long to get past such caches; the responder itself tells at once.
    pub max_age: Seconds,
    /// Longest nonce that is echoed. Unit: octets, 1 to 128. Default 32 (RFC 8954); RFC 9654 allows 128.
    /// A longer one is malformedRequest.
    pub nonce_max: u8,
    /// Whether answers are made ahead, with SHA-1 certificate identifiers as all browsers ask. Default true.
    pub presign: bool,
    /// Whether a serial that was never issued is answered `revoked` (1970, certificateHold) with the
    /// extended-revoke extension, RFC 6960 2.2, and not `unknown`. Default false.
    pub extended_revoke: bool,
    /// How long after its end a certificate's status is still told; announced as archiveCutoff with expired
    /// certificates. Unit: seconds; 0 announces nothing. Default 0.
    pub archive: Seconds,
    /// Questions that may wait for a signature; beyond it the answer is tryLater. 1 to 1,000,000. Default 4,096.
    pub queue: u32,
    /// Authorities of others, whose status comes from their CRLs. Default none.
    pub foreign: Vec<ForeignIssuer>,
}

/// Another authority, answered for from its CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignIssuer {
    /// The word by which it is known here: 1 to 40 of a-z, 0-9 and -, and none of our own issuers'.
    pub name: String,
    /// File with its certificate, DER or PEM.
    pub certificate: PathBuf,
    /// Where its CRL is: an absolute path, or an `http://` address.
    pub crl: String,
    /// How often that place is looked at. Unit: seconds, 10 s to 1 d. Default 300.
    #[serde(default = "every")]
    pub every: Seconds,
    /// The issuer of ours whose responder signs for it. Clients must be told to trust that responder (RFC 6960
    /// 4.2.2.2, case 1), for its certificate does not come from the other authority.
    pub signed_by: String,
    /// What is said of a serial that its CRL does not list. Default `good`: a CRL tells nothing of what was issued.
    #[serde(default)]
    pub unlisted: Unlisted,
}

const fn every() -> Seconds {
    Seconds(300)
}

/// What is said of a serial that another authority's CRL does not list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// `good`, in the sense of RFC 6960 2.2: not revoked.
    #[default]
    Good,
    /// `unknown`.
    Unknown,
}

impl Default for OcspConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            answer_lifetime: Seconds(43_200),
            refresh_after: Seconds(14_400),
            max_age: Seconds(3600),
            nonce_max: 32,
            presign: true,
            extended_revoke: false,
            archive: Seconds(0),
            queue: 4096,
            foreign: Vec::new(),
        }
    }
}

impl OcspConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("ocsp.answer_lifetime", &self.answer_lifetime, &Seconds(3600), &Seconds(10 * 86_400 - 1))?;
        let half = Seconds((self.answer_lifetime.0 / 2).min(4 * 86_400));
        within("ocsp.refresh_after", &self.refresh_after, &Seconds(600), &half)?;
        within("ocsp.max_age", &self.max_age, &Seconds(0), &Seconds(10 * 86_400))?;
        within("ocsp.nonce_max", &self.nonce_max, &1, &128)?;
        within("ocsp.archive", &self.archive, &Seconds(0), &Seconds(100 * 366 * 86_400))?;
        within("ocsp.queue", &self.queue, &1, &1_000_000)?;
        self.foreign.iter().try_for_each(ForeignIssuer::check)
    }
}

impl ForeignIssuer {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Value { key, why: format!("{:?} {why}", self.name) });
        if self.name.parse::<crate::IssuerId>().is_err() {
            return wrong("ocsp.foreign.name", "is no word of 1 to 40 characters a-z, 0-9 and -");
        }
        if self.signed_by.parse::<crate::IssuerId>().is_err() {
            return wrong("ocsp.foreign.signed_by", "names no issuer");
        }
        if !self.crl.starts_with("http://") && !self.crl.starts_with('/') {
            return wrong("ocsp.foreign.crl", "has a CRL that is neither an absolute path nor an http:// address");
        }
        within("ocsp.foreign.every", &self.every, &Seconds(10), &Seconds(86_400))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_foreign_issuer_needs_only_its_certificate_its_crl_and_a_signer() {
        let text = "[[ocsp.foreign]]\nname = \"partner\"\ncertificate = \"/etc/partner.cer\"\n\
                    crl = \"http://crl.partner.cn/x.crl\"\nsigned_by = \"ec-issuing\"";
        let config = Config::from_toml(text).unwrap();
        assert_eq!(config.ocsp.foreign[0].every, Seconds(300));
        assert_eq!(config.ocsp.foreign[0].unlisted, Unlisted::Good);
        for (from, to, key) in [
            ("http://", "ftp://", "ocsp.foreign.crl"),
            ("\"partner\"", "\"Partner\"", "ocsp.foreign.name"),
            ("ec-issuing", "EC", "ocsp.foreign.signed_by"),
        ] {
            let error = Config::from_toml(&text.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
