//! Certificate policies of a profile.

use const_oid::ObjectIdentifier as Oid;
use serde::Deserialize;

use super::KeyKind;

/// A policy, and under which issuers it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// Its identifier.
    #[serde(deserialize_with = "oid")]
    pub oid: Oid,
    /// The kinds of issuer key under which it stands. The CA/Browser Forum's policies (2.23.140) allow no SM2 key.
    pub issuer: Vec<KeyKind>,
}

/// An object identifier in dotted form.
pub(super) fn oid<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Oid, D::Error> {
    let text = String::deserialize(source)?;
    Oid::new(&text).map_err(|_| serde::de::Error::custom(format!("{text:?} is no object identifier")))
}
