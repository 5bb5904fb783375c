//! The subject's alternative names.

// From `core`: a value, and nothing of the network.
use core::net::IpAddr;

use pki_config::name::{AltKind, AltName, Attribute, dns};
use pki_config::oid;
use pki_config::profile::Presence;
use x509_cert::ext::pkix::name::GeneralName;

use super::super::Lint;
use super::super::view::{View, found};
use super::{pairs, text};

pub(in crate::core::lint) const LINTS: &[Lint] = &[
    Lint::error("san_form", "5280 4.2.1.6; BR 7.1.2.7.12; profile", san_form),
    Lint::error("san_value", "5280 4.2.1.6", san_value),
    Lint::error("cn_not_in_san", "BR 7.1.4.3", cn_not_in_san),
    Lint::error("dns_ldh", "BR 7.1.2.7.12", dns_ldh),
    Lint::error("dns_plabel", "BR 7.1.2.7.12", dns_plabel),
    Lint::error("dns_wildcard", "BR 3.2.2.6", dns_wildcard),
    Lint::error("dns_is_ip", "BR 4.2.2", dns_is_ip),
];

pub(super) fn names(view: &View<'_>) -> Vec<GeneralName> {
    view.value(oid::SUBJECT_ALT_NAME).unwrap_or_default()
}

/// The domain names, a leading `*.` taken off.
pub(super) fn domains(view: &View<'_>) -> Vec<String> {
    let dns = |name| match name {
        GeneralName::DnsName(text) => Some(text.as_str().to_owned()),
        _ => None,
    };
    names(view).into_iter().filter_map(dns).collect()
}

fn labels(domain: &str) -> impl Iterator<Item = &str> {
    domain.strip_prefix("*.").unwrap_or(domain).split('.')
}

const fn kind(name: &GeneralName) -> Option<AltKind> {
    match name {
        GeneralName::DnsName(_) => Some(AltKind::Dns),
        GeneralName::IpAddress(_) => Some(AltKind::Ip),
        GeneralName::Rfc822Name(_) => Some(AltKind::Email),
        GeneralName::UniformResourceIdentifier(_) => Some(AltKind::Uri),
        _ => None,
    }
}

/// There where the profile asks for it, not empty, and of the profile's kinds only.
fn san_form(view: &View<'_>) -> Option<String> {
    let rules = &view.rules.san;
    if view.extension(oid::SUBJECT_ALT_NAME).is_none() {
        return found(rules.presence == Presence::Required, "the profile asks for alternative names");
    }
    let names = names(view);
    if names.is_empty() {
        return Some("the alternative names are empty or do not parse".to_owned());
    }
    let off = names.iter().any(|name| kind(name).is_none_or(|kind| !rules.kinds.contains(&kind)));
    found(off, format!("profile {} does not take alternative names of this kind", view.rules.name))
}

/// Mailboxes, URIs and addresses are well-formed, and addresses can belong to a host.
fn san_value(view: &View<'_>) -> Option<String> {
    let unusable = |address: IpAddr| {
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        address.is_unspecified() || address.is_multicast() || broadcast
    };
    let wrong = |name: &GeneralName| match name {
        GeneralName::Rfc822Name(mailbox) => AltName::email(mailbox.as_str()).is_err(),
        GeneralName::UniformResourceIdentifier(uri) => AltName::uri(uri.as_str()).is_err(),
        GeneralName::IpAddress(octets) => match octets.as_bytes() {
            octets if octets.len() == 4 => <[u8; 4]>::try_from(octets).is_ok_and(|o| unusable(o.into())),
            octets => <[u8; 16]>::try_from(octets).map_or(true, |o| unusable(o.into())),
        },
        _ => false,
    };
    found(names(view).iter().any(wrong), "an alternative name is not a mailbox, URI or address of a host")
}

/// A common name repeats one of the alternative names, letter for letter.
fn cn_not_in_san(view: &View<'_>) -> Option<String> {
    if !view.rules.san.cn_is_a_copy {
        return None;
    }
    let value = |name: GeneralName| match name {
        GeneralName::DnsName(text) => Some(text.as_str().to_owned()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    };
    let values: Vec<String> = names(view).into_iter().filter_map(value).collect();
    let common = pairs(view).into_iter().find(|pair| pair.oid == Attribute::CommonName.oid())?;
    found(!values.iter().any(|value| value == text(&common)), format!("{:?} is no alternative name", text(&common)))
}

/// Letters, digits and hyphens; lengths; no hyphens in the third and fourth place but `xn--`.
fn dns_ldh(view: &View<'_>) -> Option<String> {
    let label_ok = |label: &str| {
        let bytes = label.as_bytes();
        let ldh = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        let edges = !label.starts_with('-') && !label.ends_with('-');
        let reserved = bytes.get(2..4) == Some(b"--") && !label.to_ascii_lowercase().starts_with("xn--");
        (1..=63).contains(&bytes.len()) && ldh && edges && !reserved
    };
    let wrong = domains(view).into_iter().find(|name| name.len() > 253 || !labels(name).all(label_ok))?;
    Some(format!("{wrong:?} breaks the rule of letters, digits and hyphens"))
}

fn dns_plabel(view: &View<'_>) -> Option<String> {
    let bad = |label: &str| {
        let lower = label.to_ascii_lowercase();
        lower.strip_prefix("xn--").is_some_and(|rest| !dns::punycode_is_valid(rest.as_bytes()))
    };
    let wrong = domains(view).into_iter().find(|name| labels(name).any(bad))?;
    Some(format!("{wrong:?} has a label that is no Punycode"))
}

/// `*` is the whole leftmost label, before two labels or more.
fn dns_wildcard(view: &View<'_>) -> Option<String> {
    let bad = |name: &String| match name.strip_prefix("*.") {
        Some(rest) => rest.contains('*') || !rest.contains('.'),
        None => name.contains('*'),
    };
    let wrong = domains(view).into_iter().find(bad)?;
    Some(format!("{wrong:?} has a wildcard in a wrong place"))
}

fn dns_is_ip(view: &View<'_>) -> Option<String> {
    let bad = |name: &String| {
        let number = name.rsplit('.').next().is_some_and(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit()));
        number || name.parse::<IpAddr>().is_ok()
    };
    let wrong = domains(view).into_iter().find(bad)?;
    Some(format!("{wrong:?} is an address and no domain name"))
}

#[cfg(test)]
mod tests {
    use der::Encode;
    use der::asn1::{Ia5String, OctetString};
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes, passes_with, push, without};
    use crate::core::tbs::Tbs;

    fn domain(text: &str) -> GeneralName {
        GeneralName::DnsName(Ia5String::new(text).unwrap())
    }

    /// Puts these names beside the one the common name repeats.
    fn and(names: Vec<GeneralName>) -> impl Fn(&mut Tbs) {
        let all: Vec<GeneralName> = std::iter::once(domain("www.example.cn")).chain(names).collect();
        let der = all.to_der().unwrap();
        move |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &der)
    }

    #[test]
    fn the_alternative_names_are_of_the_profiles_kinds() {
        passes("san_form", BuiltIn::TlsServer);
        let mail = GeneralName::Rfc822Name(Ia5String::new("a@example.cn").unwrap());
        fails("san_form", BuiltIn::TlsServer, and(vec![mail]));
        fails("san_form", BuiltIn::TlsServer, |tbs| without(tbs, oid::SUBJECT_ALT_NAME));
        fails("san_form", BuiltIn::TlsServer, |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &[0x30, 0x00]));
    }

    #[test]
    fn addresses_and_mailboxes_are_usable() {
        passes("san_value", BuiltIn::TlsServer);
        let ip = |octets: &[u8]| GeneralName::IpAddress(OctetString::new(octets).unwrap());
        passes_with("san_value", BuiltIn::TlsServer, and(vec![ip(&[127, 0, 0, 1]), ip(&[0x20; 16])]));
        for octets in [&[0, 0, 0, 0][..], &[224, 0, 0, 1], &[255; 4], &[1; 5], &[0; 16], &[]] {
            fails("san_value", BuiltIn::TlsServer, and(vec![ip(octets)]));
        }
        fails("san_value", BuiltIn::Person, |tbs| {
            let mail = GeneralName::Rfc822Name(Ia5String::new("nobody").unwrap());
            push(tbs, oid::SUBJECT_ALT_NAME, false, &vec![mail].to_der().unwrap());
        });
    }

    #[test]
    fn the_common_name_repeats_an_alternative_name() {
        passes("cn_not_in_san", BuiltIn::TlsServer);
        let other = vec![domain("other.example.cn")].to_der().unwrap();
        fails("cn_not_in_san", BuiltIn::TlsServer, |tbs| edit(tbs, oid::SUBJECT_ALT_NAME, &other));
    }

    #[test]
    fn domain_names_have_letters_digits_and_hyphens() {
        passes("dns_ldh", BuiltIn::TlsServer);
        passes_with(
            "dns_ldh",
            BuiltIn::TlsServer,
            and(vec![domain("*.a-b.cn"), domain(&format!("{}.cn", "a".repeat(63)))]),
        );
        let long = format!("{}.cn", "a".repeat(64));
        for name in ["a_b.cn", "-a.cn", "a-.cn", "a..cn", "a.cn.", "ab--c.cn", "a b.cn", "", &long] {
            fails("dns_ldh", BuiltIn::TlsServer, and(vec![domain(name)]));
        }
    }

    #[test]
    fn an_internationalised_label_is_punycode() {
        passes("dns_plabel", BuiltIn::TlsServer);
        passes_with("dns_plabel", BuiltIn::TlsServer, and(vec![domain("xn--fiqs8s")]));
        fails("dns_plabel", BuiltIn::TlsServer, and(vec![domain("xn--99999999.cn")]));
    }

    #[test]
    fn a_wildcard_is_the_whole_leftmost_label() {
        passes("dns_wildcard", BuiltIn::TlsServer);
        passes_with("dns_wildcard", BuiltIn::TlsServer, and(vec![domain("*.example.cn")]));
        for name in ["*", "*.cn", "a.*.cn", "a*.example.cn", "*.*.example.cn"] {
            fails("dns_wildcard", BuiltIn::TlsServer, and(vec![domain(name)]));
        }
    }

    #[test]
    fn an_address_is_no_domain_name() {
        passes("dns_is_ip", BuiltIn::TlsServer);
        for name in ["192.0.2.1", "::1", "a.1"] {
            fails("dns_is_ip", BuiltIn::TlsServer, and(vec![domain(name)]));
        }
    }
}
