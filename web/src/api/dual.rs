//! `dual/*`: pairs of one signing and one encryption certificate with the same subject.
//!
//! A pair is asked for like any certificate, with a profile that has an encryption half (`dual-person`,
//! `dual-organisation`, `dual-device`, `dual-tls-server`): `cert/issue`, `cert/submit`, `request/invite`. The answer of
//! `cert/issue` and `cert/approve` is the signing half; what follows tells and delivers the other.

use serde::{Deserialize, Serialize};

/// Answer of `dual/show`, asked with the [`super::CertRef`] of either half.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PairInfo {
    /// The request both came from.
    pub request: String,
    /// Profile of both.
    pub profile: String,
    /// Subject of both, RFC 4514.
    pub subject: String,
    /// Alternative names of both.
    pub sans: Vec<String>,
    /// The half whose key the holder made.
    pub sign: HalfInfo,
    /// The half whose key the key centre made.
    pub encryption: HalfInfo,
    /// The encryption key in the key centre: what `centre/show` takes.
    pub key: String,
    /// `kept` or `destroyed`.
    pub archive: String,
    /// How often its delivery was fetched. Every time the same bytes.
    pub deliveries: u32,
    /// When first.
    pub delivered_at: Option<String>,
}

/// One half of a pair. Each is revoked for itself (`cert/revoke`); the other stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HalfInfo {
    /// Serial.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// First second.
    pub not_before: String,
    /// Last second.
    pub not_after: String,
    /// `good`, `revoked`, `hold`, `expired`.
    pub status: String,
    /// When revoked.
    pub revoked_at: Option<String>,
    /// Why revoked.
    pub reason: Option<String>,
    /// PEM.
    pub certificate: String,
}

/// Answer of `dual/deliver` ([`super::CertRef`]) and `pickup/deliver` ([`super::request::PickupRef`], no login).
///
/// Nothing in it is secret to its holder's enemies: the private key is encrypted to the holder's signing key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// What is delivered.
    pub pair: PairInfo,
    /// `CSRResponse` of GM/T 0092, DER in base64: both certificates with their chain, and the envelope.
    pub csr_response: String,
    /// `SM2EnvelopedKey` of GB/T 35276 alone, DER in base64.
    pub envelope: String,
    /// Issuing authority first, without the root, PEM.
    pub chain: String,
    /// The root, PEM.
    pub root: String,
}
