//! Identity numbers of GM/T 0015.
//!
//! The values are read as real certificates have them, which differ in tagging and string type; what we write is one
//! form, and every other is refused.

use const_oid::ObjectIdentifier as Oid;
use der::asn1::AnyRef;
use der::{Decode, Tag, TagNumber, Tagged};
use pki_config::IdentityKind;
use pki_config::profile::{IdentityForm, IdentityRule, Presence};

use super::Lint;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("identity_set", "GM/T 0015; profile", identity_set),
    Lint::error("gm_id_critical", "GM/T 0015", gm_id_critical),
    Lint::warning("gm_id_type", "GM/T 0015", gm_id_type),
    Lint::error("gm_id_check_digit", "GB 11643; GB 32100; GB 11714", gm_id_check_digit),
];

/// Where GM/T 0015 puts identity numbers, in its editions of 2012 and 2023, and where older certificates have them.
fn is_identity(id: Oid) -> bool {
    let text = id.to_string();
    text.starts_with("1.2.156.10260.4.") || text.starts_with("1.2.86.11.7.")
}

/// A number that stands in the certificate.
struct Found {
    kind: IdentityKind,
    number: String,
    /// Whether it has the string type and the tag of its rule.
    as_ruled: bool,
}

/// The string of a value with its tag, and the context tag around it if there is one.
fn string(value: &[u8]) -> Option<(Option<u8>, Tag, &[u8])> {
    let outer = AnyRef::from_der(value).ok()?;
    match outer.tag() {
        Tag::ContextSpecific { constructed: true, number: TagNumber(number) } => {
            let inner = AnyRef::from_der(outer.value()).ok()?;
            Some((u8::try_from(number).ok(), inner.tag(), inner.value()))
        }
        tag => Some((None, tag, outer.value())),
    }
}

const fn tag_of(form: IdentityForm) -> Tag {
    match form {
        IdentityForm::Printable => Tag::PrintableString,
        IdentityForm::Utf8 => Tag::Utf8String,
    }
}

/// The numbers that stand in extensions of the profile. Where several kinds share an extension, the tag tells which.
fn numbers(view: &View<'_>) -> Vec<Found> {
    let mut all = Vec::new();
    for extension in view.extensions() {
        let rules: Vec<&IdentityRule> =
            view.rules.identity.iter().filter(|rule| rule.oid == extension.extn_id).collect();
        let value = extension.extn_value.as_bytes();
        let Some((context, tag, text)) = string(value) else { continue };
        let Some(rule) = rules.iter().find(|rule| rule.tag == context).or(rules.first()) else { continue };
        let number = String::from_utf8_lossy(text).into_owned();
        let as_ruled = rule.tag == context && tag == tag_of(rule.form) && writes(rule, &number, value);
        all.push(Found { kind: rule.kind, number, as_ruled });
    }
    all
}

/// Whether a rule would write the number with these very octets. Only a number it can write is tried.
fn writes(rule: &IdentityRule, number: &str, value: &[u8]) -> bool {
    rule.kind.check(number).is_ok() && rule.to_der(number).as_slice() == value
}

/// The kinds the profile asks for are there, and no extension is for numbers that the profile does not take.
fn identity_set(view: &View<'_>) -> Option<String> {
    let taken = |id: Oid| view.rules.identity.iter().any(|rule| rule.oid == id);
    if let Some(off) = view.extensions().iter().find(|e| is_identity(e.extn_id) && !taken(e.extn_id)) {
        return Some(format!("profile {} takes no identity number in extension {}", view.rules.name, off.extn_id));
    }
    let there = numbers(view);
    let asked = view.rules.identity.iter().filter(|rule| rule.presence == Presence::Required);
    let missing = asked.into_iter().find(|rule| !there.iter().any(|found| found.kind == rule.kind))?;
    Some(format!("identity number {} is missing", missing.kind))
}

fn gm_id_critical(view: &View<'_>) -> Option<String> {
    let critical = view.extensions().iter().find(|e| is_identity(e.extn_id) && e.critical)?;
    Some(format!("identity extension {} is critical", critical.extn_id))
}

/// The string type and tag are those of the profile, and the extension is none of those given up.
fn gm_id_type(view: &View<'_>) -> Option<String> {
    if view.extensions().iter().any(|e| e.extn_id.to_string().starts_with("1.2.86.11.7.")) {
        return Some("an identity extension of before GM/T 0015".to_owned());
    }
    let wrong = numbers(view).into_iter().find(|found| !found.as_ruled && found.kind.check(&found.number).is_ok())?;
    Some(format!("identity number {} has another string type or tag than the profile's", wrong.kind))
}

fn gm_id_check_digit(view: &View<'_>) -> Option<String> {
    let known = view.rules.identity.iter().map(|rule| rule.oid);
    let unread =
        known.into_iter().any(|id| view.extension(id).is_some_and(|e| string(e.extn_value.as_bytes()).is_none()));
    if unread {
        return Some("an identity number does not read".to_owned());
    }
    // The number itself stays out of what is said: it is personal, and findings are logged.
    let (kind, rule) =
        numbers(view).into_iter().find_map(|found| Some((found.kind, found.kind.check(&found.number).err()?)))?;
    found(true, format!("identity number {kind} {rule}"))
}

#[cfg(test)]
mod tests {
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{
        Family, edit, fails, fails_in, passes, passes_in, passes_with, push, set_critical, without,
    };

    const PERSON: Oid = Oid::new_unwrap("1.2.156.10260.4.1.1");
    const CREDIT: Oid = Oid::new_unwrap("1.2.156.10260.4.4");

    /// A value by hand: an optional explicit tag, a string type, text.
    fn value(context: Option<u8>, string: u8, text: &str) -> Vec<u8> {
        let length = u8::try_from(text.len()).unwrap();
        let inner = [&[string, length][..], text.as_bytes()].concat();
        match context {
            Some(number) => [&[0xa0 | number, length + 2][..], &inner].concat(),
            None => inner,
        }
    }

    #[test]
    fn numbers_stand_where_the_profile_takes_them() {
        passes("identity_set", BuiltIn::Person);
        passes_in(Family::Sm2, "identity_set", BuiltIn::Organisation);
        // None is asked for.
        passes_with("identity_set", BuiltIn::Person, |tbs| without(tbs, PERSON));
        fails("identity_set", BuiltIn::TlsServer, |tbs| push(tbs, CREDIT, false, &value(None, 0x13, "1")));
        fails("identity_set", BuiltIn::Person, |tbs| push(tbs, CREDIT, false, &value(None, 0x13, "1")));
    }

    #[test]
    fn identity_extensions_are_not_critical() {
        passes_in(Family::Sm2, "gm_id_critical", BuiltIn::Person);
        fails_in(Family::Sm2, "gm_id_critical", BuiltIn::Person, |tbs| set_critical(tbs, PERSON, true));
    }

    #[test]
    fn a_number_has_the_string_type_and_tag_of_the_profile() {
        passes("gm_id_type", BuiltIn::Person);
        let number = "11010519491231002X";
        passes_with("gm_id_type", BuiltIn::Person, |tbs| edit(tbs, PERSON, &value(Some(0), 0x13, number)));
        // UTF8String; no tag; implicit tag.
        fails("gm_id_type", BuiltIn::Person, |tbs| edit(tbs, PERSON, &value(Some(0), 0x0c, number)));
        fails("gm_id_type", BuiltIn::Person, |tbs| edit(tbs, PERSON, &value(None, 0x13, number)));
        fails("gm_id_type", BuiltIn::Organisation, |tbs| {
            push(tbs, Oid::new_unwrap("1.2.86.11.7.1"), false, &value(None, 0x0c, "x"));
        });
    }

    #[test]
    fn a_check_digit_is_right() {
        passes("gm_id_check_digit", BuiltIn::Person);
        passes("gm_id_check_digit", BuiltIn::Organisation);
        fails("gm_id_check_digit", BuiltIn::Person, |tbs| {
            edit(tbs, PERSON, &value(Some(0), 0x13, "110105194912310021"));
        });
        fails("gm_id_check_digit", BuiltIn::Organisation, |tbs| {
            edit(tbs, CREDIT, &value(None, 0x13, "91350100M000100Y44"));
        });
        for broken in [&[][..], &[0x30], &[0xa0, 0x01, 0x13]] {
            fails("gm_id_check_digit", BuiltIn::Person, |tbs| edit(tbs, PERSON, broken));
        }
    }
}
