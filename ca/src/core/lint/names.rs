//! The subject's names.

pub(super) mod alt;
pub(super) mod public;

use der::asn1::SetOfVec;
use der::{Decode, Encode, Tag, Tagged};
use pki_config::name::Attribute;
use x509_cert::attr::AttributeTypeAndValue;

use super::Lint;
use super::country;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("rdn_form", "BR 7.1.4.1", rdn_form),
    Lint::error("subject_attrs", "BR 7.1.2.7; profile", subject_attrs),
    Lint::error("attr_encoding", "5280 A.1; BR 7.1.4.2", attr_encoding),
    Lint::error("attr_placeholder", "BR 7.1.2.7", attr_placeholder),
    Lint::warning("attr_edges", "BR 7.1.2.7", attr_edges),
    Lint::error("country_code", "BR 7.1.2.7", country_code),
    Lint::error("subject_empty", "5280 4.1.2.6", subject_empty),
];

type Rdn = SetOfVec<AttributeTypeAndValue>;

fn rdns(view: &View<'_>) -> Option<Vec<Rdn>> {
    Vec::<Rdn>::from_der(&view.tbs.subject.to_der().ok()?).ok()
}

/// Attributes of the subject with their values; none if it does not parse, which `rdn_form` reports.
pub(super) fn pairs(view: &View<'_>) -> Vec<AttributeTypeAndValue> {
    rdns(view).unwrap_or_default().into_iter().flat_map(SetOfVec::into_vec).collect()
}

pub(super) fn text(pair: &AttributeTypeAndValue) -> &str {
    std::str::from_utf8(pair.value.value()).unwrap_or_default()
}

/// One attribute in each RDN, in the fixed order, repeated only where that is allowed.
fn rdn_form(view: &View<'_>) -> Option<String> {
    let Some(rdns) = rdns(view) else { return Some("the subject does not parse".to_owned()) };
    if rdns.iter().any(|rdn| rdn.len() != 1) {
        return Some("an RDN with more or fewer attributes than one".to_owned());
    }
    let order: Vec<Attribute> =
        rdns.iter().flat_map(SetOfVec::iter).filter_map(|pair| Attribute::from_oid(pair.oid)).collect();
    let ordered = order.is_sorted_by(|a, b| a < b || (a == b && a.may_repeat()));
    found(!ordered, "attributes out of order or repeated")
}

fn subject_attrs(view: &View<'_>) -> Option<String> {
    let pairs = pairs(view);
    let rules = &view.rules.subject;
    let off = pairs.iter().find(|pair| Attribute::from_oid(pair.oid).is_none_or(|a| !rules.allows(a)));
    if let Some(pair) = off {
        let name = Attribute::from_oid(pair.oid).map_or_else(|| pair.oid.to_string(), |a| a.to_string());
        return Some(format!("profile {} has no attribute {name}", view.rules.name));
    }
    let missing = rules.required.iter().find(|attribute| !pairs.iter().any(|pair| pair.oid == attribute.oid()))?;
    Some(format!("profile {} asks for attribute {missing}", view.rules.name))
}

/// The string type of the attribute, its characters, and its length.
fn attr_encoding(view: &View<'_>) -> Option<String> {
    let wrong = pairs(view).into_iter().find_map(|pair| {
        let attribute = Attribute::from_oid(pair.oid)?;
        let value = std::str::from_utf8(pair.value.value()).ok();
        let typed = pair.value.tag() == attribute.string_type();
        let ascii = attribute.string_type() == Tag::Utf8String || pair.value.value().is_ascii();
        let fits = value.is_some_and(|v| !v.is_empty() && v.chars().count() <= attribute.longest());
        (!typed || !ascii || !fits).then_some(attribute)
    })?;
    Some(format!("{wrong} has another string type or length than its standard says"))
}

fn attr_placeholder(view: &View<'_>) -> Option<String> {
    let empty = |pair: &AttributeTypeAndValue| text(pair).chars().all(|c| matches!(c, '.' | '-' | ' '));
    let pair = pairs(view).into_iter().find(empty)?;
    Some(format!("attribute {} says nothing", pair.oid))
}

fn attr_edges(view: &View<'_>) -> Option<String> {
    let edge = |pair: &AttributeTypeAndValue| {
        let text = text(pair);
        text.starts_with(' ') || text.ends_with(' ') || text.chars().any(char::is_control)
    };
    let pair = pairs(view).into_iter().find(edge)?;
    Some(format!("attribute {} has a space at its edge or a control character", pair.oid))
}

fn country_code(view: &View<'_>) -> Option<String> {
    let country = pairs(view).into_iter().find(|pair| pair.oid == Attribute::Country.oid())?;
    found(!country::is_assigned(text(&country)), format!("{:?} is no country code of ISO 3166-1", text(&country)))
}

/// An empty subject needs alternative names, and an authority needs a name in any case.
fn subject_empty(view: &View<'_>) -> Option<String> {
    let empty = view.tbs.subject.value().is_empty();
    let named = view.extension(pki_config::oid::SUBJECT_ALT_NAME).is_some();
    found(empty && (view.rules.basic_constraints.ca || !named), "the subject is empty")
}

#[cfg(test)]
mod tests {
    use der::asn1::Any;
    use pki_config::oid;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{fails, passes, passes_with, without};
    use crate::core::tbs::Tbs;

    fn pair(attribute: Attribute, tag: Tag, value: &[u8]) -> AttributeTypeAndValue {
        AttributeTypeAndValue { oid: attribute.oid(), value: Any::new(tag, value).unwrap() }
    }

    fn of(rdns: Vec<Vec<AttributeTypeAndValue>>) -> impl Fn(&mut Tbs) {
        let sets: Vec<Rdn> = rdns.into_iter().map(|rdn| SetOfVec::from_iter(rdn).unwrap()).collect();
        let der = sets.to_der().unwrap();
        move |tbs| tbs.subject = Any::from_der(&der).unwrap()
    }

    fn utf8(attribute: Attribute, value: &str) -> Vec<AttributeTypeAndValue> {
        vec![pair(attribute, Tag::Utf8String, value.as_bytes())]
    }

    #[test]
    fn one_attribute_an_rdn_in_order() {
        use Attribute::{CommonName, Organisation, OrganisationalUnit};
        passes("rdn_form", BuiltIn::Person);
        let joined = [utf8(Organisation, "o"), utf8(CommonName, "n")].concat();
        fails("rdn_form", BuiltIn::Person, of(vec![joined]));
        fails("rdn_form", BuiltIn::Person, of(vec![utf8(CommonName, "n"), utf8(Organisation, "o")]));
        fails("rdn_form", BuiltIn::Person, of(vec![utf8(OrganisationalUnit, "o"), utf8(OrganisationalUnit, "p")]));
    }

    #[test]
    fn the_attributes_are_the_profiles() {
        passes("subject_attrs", BuiltIn::TlsServer);
        fails("subject_attrs", BuiltIn::TlsServer, of(vec![utf8(Attribute::OrganisationalUnit, "u")]));
        fails("subject_attrs", BuiltIn::Person, of(vec![utf8(Attribute::Organisation, "o")]));
    }

    #[test]
    fn string_types_and_lengths_are_those_of_the_attribute() {
        passes("attr_encoding", BuiltIn::Person);
        fails("attr_encoding", BuiltIn::Person, of(vec![vec![pair(Attribute::CommonName, Tag::BmpString, b"\0a")]]));
        fails("attr_encoding", BuiltIn::Person, of(vec![utf8(Attribute::Country, "CN")]));
        fails("attr_encoding", BuiltIn::Person, of(vec![utf8(Attribute::CommonName, &"n".repeat(65))]));
        passes_with("attr_encoding", BuiltIn::Person, of(vec![utf8(Attribute::CommonName, &"印".repeat(64))]));
    }

    #[test]
    fn a_value_says_something() {
        passes("attr_placeholder", BuiltIn::Person);
        for value in [".", "-", " ", "- .", ""] {
            fails("attr_placeholder", BuiltIn::Person, of(vec![utf8(Attribute::CommonName, value)]));
        }
        passes("attr_edges", BuiltIn::Person);
        for value in [" a", "a ", "a\tb"] {
            fails("attr_edges", BuiltIn::Person, of(vec![utf8(Attribute::CommonName, value)]));
        }
    }

    #[test]
    fn a_country_exists() {
        passes("country_code", BuiltIn::Person);
        let country = |code: &[u8]| {
            of(vec![vec![pair(Attribute::Country, Tag::PrintableString, code)], utf8(Attribute::CommonName, "n")])
        };
        passes_with("country_code", BuiltIn::Person, country(b"CN"));
        for code in [b"ZZ", b"cn", b"86"] {
            fails("country_code", BuiltIn::Person, country(code));
        }
    }

    #[test]
    fn somebody_is_named() {
        passes("subject_empty", BuiltIn::TlsServer);
        passes_with("subject_empty", BuiltIn::TlsServer, of(vec![]));
        fails("subject_empty", BuiltIn::TlsServer, |tbs| {
            of(vec![])(tbs);
            without(tbs, oid::SUBJECT_ALT_NAME);
        });
        fails("subject_empty", BuiltIn::SubCa, of(vec![]));
    }
}
