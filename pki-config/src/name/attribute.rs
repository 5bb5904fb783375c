//! The attributes a distinguished name may have: order, string types, lengths.

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use der::Tag;
use serde::Deserialize;

use super::BadName;
use super::{alt, dns};
use crate::oid;

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident $word:literal $oid:ident $tag:ident $longest:literal;)*) => {
        /// An attribute of a name. The order of the variants is the order in the encoding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub enum Attribute {
            $($(#[$doc])* $name,)*
        }

        impl Attribute {
            /// Every attribute, in the order of the encoding.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The keyword, as RFC 4514 3 and RFC 4519 spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The object identifier.
            #[must_use]
            pub const fn oid(self) -> Oid {
                match self { $(Self::$name => oid::$oid,)* }
            }

            /// The string type it is written in (CA/Browser BR 7.1.4.2).
            #[must_use]
            pub const fn string_type(self) -> Tag {
                match self { $(Self::$name => Tag::$tag,)* }
            }

            /// The longest value. Unit: characters. Source: RFC 5280 appendix A.1, CA/Browser BR 7.1.4.2.
            #[must_use]
            pub const fn longest(self) -> usize {
                match self { $(Self::$name => $longest,)* }
            }
        }
    };
}

// Order: CA/Browser BR 7.1.4.2, then serialNumber beside the personal attributes and the e-mail
// address last, for which it has no place.
attributes! {
    /// domainComponent; one label each.
    DomainComponent "DC" DC Ia5String 63;
    /// countryName; two capital letters.
    Country "C" C PrintableString 2;
    /// stateOrProvinceName.
    State "ST" ST Utf8String 128;
    /// localityName.
    Locality "L" L Utf8String 128;
    /// postalCode.
    PostalCode "postalCode" POSTAL_CODE Utf8String 40;
    /// streetAddress.
    Street "street" STREET Utf8String 128;
    /// organizationName.
    Organisation "O" O Utf8String 64;
    /// surname.
    Surname "SN" SURNAME Utf8String 64;
    /// givenName.
    GivenName "GN" GIVEN_NAME Utf8String 64;
    /// serialNumber of the subject, such as a register number; not the certificate's.
    SerialNumber "serialNumber" SERIAL_NUMBER PrintableString 64;
    /// organizationalUnitName.
    OrganisationalUnit "OU" OU Utf8String 64;
    /// commonName.
    CommonName "CN" CN Utf8String 64;
    /// emailAddress, PKCS#9.
    Email "emailAddress" EMAIL Ia5String 255;
}

impl Attribute {
    /// From the object identifier.
    #[must_use]
    pub fn from_oid(oid: Oid) -> Option<Self> {
        Self::ALL.iter().copied().find(|attribute| attribute.oid() == oid)
    }

    /// From a keyword in either case; `S`, `surname`, `givenName`, `E`, `email` are understood too.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let other = |word: &str| match word.to_ascii_lowercase().as_str() {
            "s" => Some(Self::State),
            "surname" => Some(Self::Surname),
            "givenname" => Some(Self::GivenName),
            "e" | "email" => Some(Self::Email),
            "streetaddress" => Some(Self::Street),
            _ => None,
        };
        Self::ALL.iter().copied().find(|a| a.as_str().eq_ignore_ascii_case(word)).or_else(|| other(word))
    }

    /// Whether it may stand more than once (CA/Browser BR 7.1.4.1).
    #[must_use]
    pub const fn may_repeat(self) -> bool {
        matches!(self, Self::DomainComponent | Self::Street)
    }

    /// Whether `value` may stand in this attribute.
    ///
    /// # Errors
    /// [`BadName::Value`] naming the rule.
    pub fn check(self, value: &str) -> Result<(), BadName> {
        let refuse = |rule| Err(BadName::Value { attribute: self, rule });
        if value.is_empty() {
            return refuse("may not be empty");
        }
        if value.chars().count() > self.longest() {
            return refuse("is too long");
        }
        if value.chars().any(unseen) {
            return refuse("holds a control or invisible character");
        }
        if value.starts_with(char::is_whitespace) || value.ends_with(char::is_whitespace) {
            return refuse("begins or ends with a space");
        }
        match self {
            Self::Country if value.len() != 2 || !value.bytes().all(|b| b.is_ascii_uppercase()) => {
                refuse("must be a country code of two capital letters")
            }
            Self::SerialNumber if !value.bytes().all(printable) => {
                refuse("may hold letters, digits, space and '()+,-./:=? only")
            }
            Self::DomainComponent if dns::check_label(value).is_err() => refuse("must be one label of a domain name"),
            Self::Email => alt::check_mailbox(value).or_else(refuse),
            _ => Ok(()),
        }
    }
}

/// Control characters, and those that change how a name looks without being seen: joiners of zero
/// width, marks that turn the direction of writing, the byte order mark.
pub(super) fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The characters of a PrintableString, X.680 41.4.
const fn printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b' ' | b'\'' | b'(' | b')' | b'+' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?')
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Attribute {
    type Error = BadName;

    fn try_from(word: String) -> Result<Self, BadName> {
        Self::from_word(&word).ok_or(BadName::UnknownAttribute(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_baseline_requirements() {
        let words: Vec<&str> = Attribute::ALL.iter().map(|a| a.as_str()).collect();
        assert_eq!(
            words,
            ["DC", "C", "ST", "L", "postalCode", "street", "O", "SN", "GN", "serialNumber", "OU", "CN", "emailAddress"]
        );
    }

    #[test]
    fn a_value_at_its_limit_is_taken_and_one_more_character_is_not() {
        assert!(Attribute::CommonName.check(&"印".repeat(64)).is_ok());
        assert!(Attribute::CommonName.check(&"印".repeat(65)).is_err());
    }

    #[test]
    fn control_and_invisible_characters_are_refused() {
        for value in ["a\0b", "a\nb", "a\u{202e}b", "a\u{200b}b", "\u{feff}a", " a", "a ", ""] {
            assert!(Attribute::CommonName.check(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        assert!(Attribute::Country.check("CN").is_ok());
        for value in ["cn", "CHN", "C", "中国", "C1"] {
            assert!(Attribute::Country.check(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_register_number_has_printable_characters_only() {
        assert!(Attribute::SerialNumber.check("91110000MA01-A").is_ok());
        assert!(Attribute::SerialNumber.check("91110000_MA01").is_err());
        assert!(Attribute::SerialNumber.check("编号1").is_err());
    }
}
