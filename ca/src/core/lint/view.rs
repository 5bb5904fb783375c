//! The bytes to be signed, read again, with what several rules need.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::{BadKey, KeyAlgorithm, PublicKey};
use der::{Decode, Encode};
use pki_config::profile::{KeyKind, LintSet, Rules};
use pki_config::{Instant, oid};
use x509_cert::ext::Extension;

use super::Context;
use crate::core::issuer::{Issuer, kind_of};
use crate::core::tbs::Tbs;

/// What a rule looks at.
pub(crate) struct View<'a> {
    /// The bytes.
    pub(crate) der: &'a [u8],
    /// The bytes, parsed.
    pub(crate) tbs: Tbs,
    /// The subject's key as it stands in the bytes.
    pub(crate) spki: Vec<u8>,
    /// The key, if it is one we take.
    pub(crate) key: Result<PublicKey, BadKey>,
    /// The key that was taken in.
    pub(crate) expected_key: &'a PublicKey,
    pub(crate) rules: &'a Rules,
    pub(crate) issuer: &'a Issuer,
    pub(crate) not_before: Instant,
    pub(crate) not_after: Instant,
    pub(crate) now: Instant,
}

impl<'a> View<'a> {
    /// Parses the bytes.
    ///
    /// # Errors
    /// What is wrong, if they are not the DER of something to be signed.
    pub(crate) fn read(der: &'a [u8], context: &Context<'a>) -> Result<Self, String> {
        let tbs = Tbs::from_der(der).map_err(|e| format!("the bytes do not parse: {e}"))?;
        let spki = tbs.spki.to_der().map_err(|e| format!("the key does not parse: {e}"))?;
        // The key was examined when it was taken in; only other bytes need another look.
        let key = if spki == context.key.spki_der() { Ok(context.key.clone()) } else { PublicKey::from_spki(&spki) };
        let time = |time| Instant::from_der_time(time).map_err(|e| e.to_string());
        let (not_before, not_after) = (time(tbs.validity.not_before)?, time(tbs.validity.not_after)?);
        let (rules, issuer, now) = (context.profile.rules(), context.issuer, context.now);
        Ok(Self { der, tbs, spki, key, expected_key: context.key, rules, issuer, not_before, not_after, now })
    }

    /// Whether the certificate is held to the rules of a set: its profile's, and under an SM2 issuer those for SM2.
    pub(crate) fn is_of(&self, set: LintSet) -> bool {
        let sm2 = self.issuer.key.algorithm() == KeyAlgorithm::Sm2;
        self.rules.lints == set || (set == LintSet::Gm && sm2)
    }

    /// The purposes in the extended key usage; none if it is absent.
    pub(crate) fn purposes(&self) -> Vec<Oid> {
        self.value(oid::EXT_KEY_USAGE).unwrap_or_default()
    }

    /// The extensions; none if the field is absent.
    pub(crate) fn extensions(&self) -> &[Extension] {
        self.tbs.extensions.as_deref().unwrap_or_default()
    }

    /// The first extension with this identifier.
    pub(crate) fn extension(&self, id: Oid) -> Option<&Extension> {
        self.extensions().iter().find(|extension| extension.extn_id == id)
    }

    /// The value of an extension, strictly decoded; `None` if it is absent or does not decode.
    pub(crate) fn value<T: for<'d> Decode<'d>>(&self, id: Oid) -> Option<T> {
        T::from_der(self.extension(id)?.extn_value.as_bytes()).ok()
    }

    /// The kind of the subject's key.
    pub(crate) fn kind(&self) -> Option<KeyKind> {
        self.key.as_ref().ok().map(|key| kind_of(key.algorithm()))
    }
}

/// A finding, if `broken`.
pub(crate) fn found(broken: bool, detail: impl Into<String>) -> Option<String> {
    broken.then(|| detail.into())
}
