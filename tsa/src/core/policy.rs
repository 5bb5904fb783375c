//! What is promised: the policies, and which one a request comes under.

use const_oid::ObjectIdentifier as Oid;
use pki_config::config::{StampAccess, TsaPolicy};

use super::moment::Accuracy;
use super::request::{Hash, StampRequest};
use super::response::{FailInfo, Rejection};

/// A policy, ready to be compared with requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its identifier.
    pub oid: Oid,
    /// The algorithms it takes.
    pub hashes: Vec<Hash>,
    /// The worst accuracy under which it still stamps.
    pub accuracy: Accuracy,
    /// Whether tokens say that their times put them in order.
    pub ordering: bool,
    /// Whether tokens name the authority.
    pub name: bool,
    /// Whether SM2 tokens have the content type of GM/T 0010.
    pub gm_content_type: bool,
    /// Who may ask.
    pub access: StampAccess,
}

impl Policy {
    /// From the configuration; `None` if it was not checked.
    #[must_use]
    pub fn new(config: &TsaPolicy) -> Option<Self> {
        Some(Self {
            oid: Oid::new(&config.oid).ok()?,
            hashes: config.hashes.iter().map(|word| Hash::from_word(word)).collect::<Option<_>>()?,
            accuracy: Accuracy::from_micros(config.accuracy)?,
            ordering: config.ordering,
            name: config.name,
            gm_content_type: config.gm_content_type,
            access: config.access,
        })
    }
}

/// The policies of an authority, the first for requests that name none. At least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies(Vec<Policy>);

impl Policies {
    /// These policies. Without any, or without a measured clock, the trial policy alone: what the others
    /// promise could not be kept.
    #[must_use]
    pub fn new(configured: &[TsaPolicy], measured: bool) -> Option<Self> {
        let trial = [TsaPolicy::trial()];
        let chosen = if measured && !configured.is_empty() { configured } else { &trial };
        chosen.iter().map(Policy::new).collect::<Option<Vec<_>>>().map(Self)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Policy] {
        &self.0
    }

    /// The policy under which a request is stamped: the one it names, or the first.
    ///
    /// # Errors
    /// [`Rejection`] with `unacceptedPolicy`, or `badAlg` if the policy does not take the hash algorithm.
    pub fn admit(&self, request: &StampRequest<'_>) -> Result<&Policy, Rejection> {
        let found = match request.policy() {
            None => self.0.first(),
            Some(asked) => self.0.iter().find(|policy| policy.oid.as_bytes() == asked),
        };
        let unknown = Rejection::new(FailInfo::UnacceptedPolicy, "this policy is not one of this authority");
        let policy = found.ok_or(unknown)?;
        if policy.hashes.contains(&request.imprint().hash()) {
            Ok(policy)
        } else {
            Err(Rejection::new(FailInfo::BadAlg, "the policy does not take this hash algorithm"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_pool::tlv;
    use pki_config::config::TRIAL_POLICY;
    use pki_config::oid;

    fn request(hash: Oid, policy: Option<&str>) -> Vec<u8> {
        let algorithm = tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::OID, &[hash.as_bytes()])]);
        let imprint = tlv::write(tlv::SEQUENCE, &[&algorithm, &tlv::write(tlv::OCTET_STRING, &[&[7; 32]])]);
        let policy = policy.map(|p| tlv::write(tlv::OID, &[Oid::new_unwrap(p).as_bytes()])).unwrap_or_default();
        tlv::write(tlv::SEQUENCE, &[&[2, 1, 1], &imprint, &policy])
    }

    fn admit(policies: &Policies, der: &[u8]) -> Result<String, FailInfo> {
        let request = StampRequest::parse(der).unwrap();
        policies.admit(&request).map(|p| p.oid.to_string()).map_err(|r| r.info)
    }

    fn two() -> Vec<TsaPolicy> {
        vec![TsaPolicy { hashes: vec!["sm3".to_owned()], ..TsaPolicy::of("1.2.3.1") }, TsaPolicy::of("1.2.3.2")]
    }

    #[test]
    fn the_policy_asked_for_is_taken_and_the_first_if_none_is() {
        let policies = Policies::new(&two(), true).unwrap();
        assert_eq!(admit(&policies, &request(oid::SM3, None)), Ok("1.2.3.1".to_owned()));
        assert_eq!(admit(&policies, &request(oid::SM3, Some("1.2.3.2"))), Ok("1.2.3.2".to_owned()));
        assert_eq!(admit(&policies, &request(oid::SM3, Some("1.2.3"))), Err(FailInfo::UnacceptedPolicy));
        assert_eq!(admit(&policies, &request(oid::SM3, Some("1.2.3.1.1"))), Err(FailInfo::UnacceptedPolicy));
    }

    #[test]
    fn a_policy_for_national_algorithms_refuses_sha() {
        let policies = Policies::new(&two(), true).unwrap();
        assert_eq!(admit(&policies, &request(oid::SHA256, None)), Err(FailInfo::BadAlg));
        assert_eq!(admit(&policies, &request(oid::SHA256, Some("1.2.3.2"))), Ok("1.2.3.2".to_owned()));
    }

    #[test]
    fn an_unmeasured_clock_promises_nothing() {
        let policies = Policies::new(&two(), false).unwrap();
        assert_eq!(admit(&policies, &request(oid::SM3, None)), Ok(TRIAL_POLICY.to_owned()));
        assert_eq!(admit(&policies, &request(oid::SM3, Some("1.2.3.2"))), Err(FailInfo::UnacceptedPolicy));
    }
}
