//! How a profile encodes identity numbers (GM/T 0015-2012 5.2.4, its 2023 edition, GB/T 20518).
//!
//! The editions differ in identifiers and string types, and implementations in the tagging of the choice: so they
//! stand in the profile and not in the code.

use const_oid::ObjectIdentifier as Oid;
use der::asn1::{Any, ContextSpecific, PrintableString};
use der::{Decode, Encode, TagMode, TagNumber};
use serde::Deserialize;

use super::Presence;
use crate::identity::IdentityKind;

/// The string type of an identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityForm {
    /// `PrintableString`.
    Printable,
    /// `UTF8String`.
    Utf8,
}

/// One identity number a profile takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRule {
    /// What it is of.
    pub kind: IdentityKind,
    /// Whether it must be there. `absent` makes no sense and is refused.
    pub presence: Presence,
    /// The extension it stands in.
    #[serde(deserialize_with = "super::policy::oid")]
    pub oid: Oid,
    /// Its string type.
    pub form: IdentityForm,
    /// For members of a choice: the explicit context tag around the string.
    #[serde(default)]
    pub tag: Option<u8>,
}

impl IdentityRule {
    /// The value of the extension for a checked number.
    ///
    /// # Panics
    /// Never: checked numbers are short and of the characters of their string type.
    #[must_use]
    pub fn to_der(&self, number: &str) -> Vec<u8> {
        const FITS: &str = "checked numbers have a DER form of bounded length";
        let string = match self.form {
            IdentityForm::Printable => PrintableString::new(number).and_then(|s| s.to_der()),
            IdentityForm::Utf8 => number.to_owned().to_der(),
        };
        let string = string.expect(FITS);
        let Some(tag) = self.tag else { return string };
        let value = Any::from_der(&string).expect(FITS);
        ContextSpecific { tag_number: TagNumber(u32::from(tag)), tag_mode: TagMode::Explicit, value }
            .to_der()
            .expect(FITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::BuiltIn;

    fn rule(kind: IdentityKind) -> IdentityRule {
        let profile = BuiltIn::Person.profile();
        profile.rules().identity.iter().find(|rule| rule.kind == kind).unwrap().clone()
    }

    #[test]
    fn a_residents_number_is_tagged_explicitly() {
        // By hand: [0] EXPLICIT (a0), 20 octets, PrintableString (13), 18 octets.
        let wanted = [&[0xa0, 0x14, 0x13, 0x12][..], b"11010519491231002X"].concat();
        assert_eq!(rule(IdentityKind::ResidentCard).to_der("11010519491231002X"), wanted);
    }

    #[test]
    fn an_officers_number_may_hold_chinese_characters() {
        // By hand: [1] EXPLICIT, UTF8String (0c), U+53C2 is e5 8f 82.
        let wanted = [0xa1, 0x06, 0x0c, 0x04, 0xe5, 0x8f, 0x82, b'1'];
        assert_eq!(rule(IdentityKind::MilitaryCard).to_der("参1"), wanted);
    }

    #[test]
    fn a_number_outside_a_choice_is_a_bare_string() {
        assert_eq!(rule(IdentityKind::SocialInsurance).to_der("12"), [0x13, 0x02, b'1', b'2']);
    }
}
