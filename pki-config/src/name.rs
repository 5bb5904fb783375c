//! Names of subjects: distinguished names here, alternative names in [`alt`], domain names in [`dns`],
//! web addresses in [`url`].
//!
//! A [`DistinguishedName`] has its attributes in one fixed order, each in its own RDN and in the one
//! string type the standards give it, whatever order and types they came in. The names of other
//! issuers are kept as bytes by whoever needs them and never pass through this type.

pub mod alt;
pub mod attribute;
pub mod dns;
mod text;
pub mod url;

use std::fmt;

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;

pub use alt::{AltKind, AltName, SubjectAltName};
pub use attribute::Attribute;
pub use url::HttpUrl;

/// The longest encoded name that is read. Unit: octets.
pub const LONGEST_NAME: usize = 16 * 1024;

/// Why a name is refused. The caller's fault; nothing was built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadName {
    /// The text does not follow RFC 4514; what was expected.
    Syntax(&'static str),
    /// An attribute type we do not write, as typed or as a dotted OID.
    UnknownAttribute(String),
    /// An attribute that may stand once stands twice.
    Repeated(Attribute),
    /// A value that breaks a rule of its attribute.
    Value {
        /// Which attribute.
        attribute: Attribute,
        /// The rule.
        rule: &'static str,
    },
    /// An alternative name that breaks a rule of its kind.
    AltName {
        /// The entry as it was given, cut to a bounded length.
        entry: String,
        /// The rule.
        rule: &'static str,
    },
    /// A web address that breaks a rule.
    Url(&'static str),
    /// More entries or octets than we take.
    TooLarge,
    /// Not the DER of a name.
    Encoding,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(expected) => write!(f, "expected {expected}, as in CN=example,O=Example,C=CN"),
            Self::UnknownAttribute(word) => write!(f, "{word} is no attribute of a name that we write"),
            Self::Repeated(attribute) => write!(f, "{attribute} may stand once only"),
            Self::Value { attribute, rule } => write!(f, "{attribute} {rule}"),
            Self::AltName { entry, rule } => write!(f, "alternative name {entry:?} {rule}"),
            Self::Url(rule) => write!(f, "the address {rule}"),
            Self::TooLarge => f.write_str("the name is longer than is taken"),
            Self::Encoding => f.write_str("the name is not well-formed DER"),
        }
    }
}

impl std::error::Error for BadName {}

/// A distinguished name whose attributes are in canonical order. May be empty.
///
/// ```text
/// Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
/// ```
///
/// Order, one attribute per RDN and string types: CA/Browser BR 7.1.4. `==` compares values exactly;
/// [`DistinguishedName::matches`] compares as RFC 5280 7.1 does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct DistinguishedName {
    // Sorted by `Attribute`; values of a repeated attribute in the order of the encoding.
    parts: Vec<(Attribute, String)>,
}

impl DistinguishedName {
    /// The empty name.
    #[must_use]
    pub const fn empty() -> Self {
        Self { parts: Vec::new() }
    }

    /// A name of a common name alone.
    ///
    /// # Errors
    /// [`BadName::Value`] if the value breaks a rule of `CN`.
    pub fn common_name(value: &str) -> Result<Self, BadName> {
        Self::empty().with(Attribute::CommonName, value)
    }

    /// This name with one more attribute, put where it belongs.
    ///
    /// # Errors
    /// [`BadName::Value`] if the value breaks a rule of the attribute, [`BadName::Repeated`] if the
    /// attribute is there already and may not repeat.
    pub fn with(mut self, attribute: Attribute, value: &str) -> Result<Self, BadName> {
        attribute.check(value)?;
        if !attribute.may_repeat() && self.get(attribute).is_some() {
            return Err(BadName::Repeated(attribute));
        }
        if self.parts.len() >= 32 {
            return Err(BadName::TooLarge);
        }
        let place = self.parts.partition_point(|(other, _)| *other <= attribute);
        self.parts.insert(place, (attribute, value.to_owned()));
        Ok(self)
    }

    /// The first value of an attribute.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        self.parts.iter().find(|(other, _)| *other == attribute).map(|(_, value)| value.as_str())
    }

    /// Attributes and values in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, &str)> {
        self.parts.iter().map(|(attribute, value)| (*attribute, value.as_str()))
    }

    /// Whether there is no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The DER, with the string type each attribute asks for.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let sequence: Vec<SetOfVec<AttributeTypeAndValue>> = self
            .parts
            .iter()
            .map(|(attribute, value)| {
                let value = Any::new(attribute.string_type(), value.as_bytes()).expect("checked values are short");
                let pair = AttributeTypeAndValue { oid: attribute.oid(), value };
                SetOfVec::from_iter([pair]).expect("a set of one has no duplicates")
            })
            .collect();
        sequence.to_der().expect("checked values have a DER form")
    }

    /// From DER, taking any of the usual string types and any order, so that requests made by other
    /// software can be read. Multi-valued RDNs are taken apart.
    ///
    /// # Errors
    /// [`BadName::Encoding`] or [`BadName::TooLarge`] for the structure; [`BadName::UnknownAttribute`],
    /// [`BadName::Repeated`] or [`BadName::Value`] for what is in it.
    pub fn from_der(der: &[u8]) -> Result<Self, BadName> {
        if der.len() > LONGEST_NAME {
            return Err(BadName::TooLarge);
        }
        let sequence = Vec::<SetOfVec<AttributeTypeAndValue>>::from_der(der).map_err(|_| BadName::Encoding)?;
        let mut name = Self::empty();
        for pair in sequence.iter().flat_map(SetOfVec::iter) {
            let attribute =
                Attribute::from_oid(pair.oid).ok_or_else(|| BadName::UnknownAttribute(pair.oid.to_string()))?;
            name = name.with(attribute, &read_string(&pair.value)?)?;
        }
        Ok(name)
    }

    /// Whether two names are the same by RFC 5280 7.1: letters compared without case, runs of
    /// spaces as one. (Full string preparation of RFC 4518 is not done; CAs do not rely on it.)
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let folded = |name: &Self| -> Vec<(Attribute, String)> {
            name.parts
                .iter()
                .map(|(a, v)| (*a, v.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()))
                .collect()
        };
        folded(self) == folded(other)
    }
}

/// The text of a directory string of any common type.
fn read_string(value: &Any) -> Result<String, BadName> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).map_err(|_| BadName::Encoding),
        // TeletexString is T.61 by the book and Latin-1 in practice: only what both agree on is taken.
        Tag::PrintableString | Tag::Ia5String | Tag::TeletexString | Tag::VisibleString if bytes.is_ascii() => {
            String::from_utf8(bytes.to_vec()).map_err(|_| BadName::Encoding)
        }
        Tag::BmpString if bytes.len().is_multiple_of(2) => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| BadName::Encoding)
        }
        _ => Err(BadName::Encoding),
    }
}

impl fmt::Display for DistinguishedName {
    /// RFC 4514: most specific first, `CN=example,O=Example,C=CN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

impl std::str::FromStr for DistinguishedName {
    type Err = BadName;

    /// From RFC 4514 text. The order typed does not matter, except among repeated attributes.
    fn from_str(text: &str) -> Result<Self, BadName> {
        text::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_order_typed_does_not_matter() {
        let one: DistinguishedName = "CN=张三,O=示例,C=CN".parse().unwrap();
        let other: DistinguishedName = "C=CN, CN=张三, O=示例".parse().unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "CN=张三,O=示例,C=CN");
    }

    #[test]
    fn each_attribute_has_its_own_string_type() {
        // By hand: RDN SETs of {C PrintableString "CN"}, {O UTF8String "E"}, {emailAddress IA5String "a@b.cn"}.
        let name: DistinguishedName = "emailAddress=a@b.cn,C=CN,O=E".parse().unwrap();
        let country = "310b30090603550406 1302434e";
        let organisation = "310a3008060355040a 0c0145";
        let email = "3115301306092a864886f70d010901 160661 40622e636e";
        let expected = format!("3030{country}{organisation}{email}").replace(' ', "");
        // 13 + 12 + 23 = 48 = 0x30 content octets.
        assert_eq!(hex(&name.to_der()), expected);
    }

    #[test]
    fn other_string_types_are_read_and_ours_are_written() {
        // O as BMPString U+4E2D, and C as UTF8String.
        let der = [0x30, 0x19, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x1e, 0x02, 0x4e, 0x2d]
            .into_iter()
            .chain([0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x0c, 0x02, b'C', b'N']);
        let mut der: Vec<u8> = der.collect();
        der[1] = u8::try_from(der.len() - 2).unwrap();
        let name = DistinguishedName::from_der(&der).unwrap();
        assert_eq!(name.to_string(), "O=中,C=CN");
        assert_eq!(DistinguishedName::from_der(&name.to_der()).unwrap(), name);
    }

    #[test]
    fn an_attribute_that_may_stand_once_is_refused_twice() {
        assert_eq!("CN=a,CN=b".parse::<DistinguishedName>(), Err(BadName::Repeated(Attribute::CommonName)));
        assert!("DC=example,DC=cn".parse::<DistinguishedName>().is_ok());
    }

    #[test]
    fn domain_components_keep_their_order() {
        let name: DistinguishedName = "CN=a,DC=example,DC=cn".parse().unwrap();
        assert_eq!(name.to_string(), "CN=a,DC=example,DC=cn");
        // The encoding goes the other way: the root of the tree first (RFC 4514 2.1).
        assert_eq!(name.iter().map(|(_, v)| v).collect::<Vec<_>>(), ["cn", "example", "a"]);
    }

    #[test]
    fn names_match_without_regard_to_case_and_spacing() {
        let one: DistinguishedName = "CN=Example  Name,C=CN".parse().unwrap();
        let other: DistinguishedName = "CN=example name,C=CN".parse().unwrap();
        assert!(one.matches(&other));
        assert_ne!(one, other);
        assert!(!one.matches(&"CN=examplename,C=CN".parse().unwrap()));
    }

    #[test]
    fn an_attribute_we_do_not_write_is_refused() {
        // dnQualifier, 2.5.4.46.
        let der = [0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x2e, 0x13, 0x01, b'x'];
        assert_eq!(DistinguishedName::from_der(&der), Err(BadName::UnknownAttribute("2.5.4.46".to_owned())));
        assert!(matches!("dnQualifier=x".parse::<DistinguishedName>(), Err(BadName::UnknownAttribute(_))));
    }

    #[test]
    fn mutated_names_never_panic() {
        let der = "CN=张三,O=示例,C=CN".parse::<DistinguishedName>().unwrap().to_der();
        for place in 0..der.len() {
            for value in 0..=255 {
                let mut other = der.clone();
                other[place] = value;
                let _ = DistinguishedName::from_der(&other);
            }
            let _ = DistinguishedName::from_der(&der[..place]);
        }
    }
}
