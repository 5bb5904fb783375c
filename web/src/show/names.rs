//! Names: distinguished ones in the form of RFC 4514, and GeneralName (RFC 5280 4.2.1.6).

use std::net::{Ipv4Addr, Ipv6Addr};

use crypto_pool::tlv::{self, Reader, Tlv};

use super::read::{Read, dotted, each, string, tell_more};
use super::tree::{Fact, Facts, Label, Value, hex, l};

/// Short words of the attributes.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

/// A Name, the last part first, as RFC 4514 writes it; what it cannot be read as, hexadecimal.
pub(super) fn distinguished(name: Tlv<'_>) -> String {
    parts(name.inside()).unwrap_or_else(|| format!("#{}", hex(name.whole)))
}

fn parts(mut rdns: Reader<'_>) -> Option<String> {
    let mut all = Vec::new();
    while !rdns.is_empty() {
        all.push(relative(rdns.expect(tlv::SET, "name").ok()?)?);
    }
    all.reverse();
    Some(all.join(","))
}

/// One RelativeDistinguishedName.
pub(super) fn relative(rdn: Tlv<'_>) -> Option<String> {
    let mut values = rdn.inside();
    let mut all = Vec::new();
    while !values.is_empty() {
        let mut pair = values.expect(tlv::SEQUENCE, "name").ok()?.inside();
        let kind = dotted(pair.expect(tlv::OID, "name").ok()?.value);
        let value = pair.any().ok()?;
        let kind = ATTRIBUTES.iter().find(|(oid, _)| *oid == kind).map_or(kind, |(_, word)| (*word).to_owned());
        let value = string(value).map_or_else(|| format!("#{}", hex(value.whole)), |text| escaped(&text));
        all.push(format!("{kind}={value}"));
    }
    Some(all.join("+"))
}

/// RFC 4514 2.4.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let edge = (at == 0 && (c == ' ' || c == '#')) || (at == last && c == ' ');
        if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

const DNS: Label = l("dns", "DNS name", "域名");
const MAIL: Label = l("mail", "Mail address", "电子邮件");
const DIRECTORY: Label = l("directory", "Directory name", "目录名");
const URI: Label = l("uri", "Address", "网址");
const IP: Label = l("ip", "IP address", "IP 地址");
const ID: Label = l("registered-id", "Registered identifier", "注册标识");
const OTHER: Label = l("other", "Other name", "其他名称");

/// A GeneralName; `subtree` is one of name constraints, where an address has a mask.
pub(super) fn general(name: Tlv<'_>) -> (Label, Value) {
    let text = || Value::from(String::from_utf8_lossy(name.value).into_owned());
    match name.tag {
        0x81 => (MAIL, text()),
        0x82 => (DNS, text()),
        0x86 => (URI, text()),
        0x87 => (IP, address(name.value).map_or_else(|| name.value.into(), Value::from)),
        0x88 => (ID, super::read::named(name.value)),
        0xa4 => match name.inside().expect(tlv::SEQUENCE, "name") {
            Ok(inner) => (DIRECTORY, distinguished(inner).into()),
            Err(_) => (DIRECTORY, name.value.into()),
        },
        0xa0 => (OTHER, other(name).unwrap_or_else(|| name.value.into())),
        _ => (OTHER, name.whole.into()),
    }
}

fn other(name: Tlv<'_>) -> Option<Value> {
    let mut inside = name.inside();
    let kind = dotted(inside.expect(tlv::OID, "other name").ok()?.value);
    let value = inside.expect(0xa0, "other name").ok()?.inside().any().ok()?;
    let value = string(value).unwrap_or_else(|| hex(value.whole));
    let kind = match kind.as_str() {
        "1.3.6.1.4.1.311.20.2.3" => "UPN".to_owned(),
        "1.3.6.1.5.5.7.8.9" => "SmtpUTF8Mailbox".to_owned(),
        _ => kind,
    };
    Some(format!("{kind}: {value}").into())
}

/// An address, or one with its mask.
fn address(octets: &[u8]) -> Option<String> {
    let one = |octets: &[u8]| match octets.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).to_string()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_string()),
        _ => None,
    };
    match octets.len() {
        8 | 32 => {
            let (network, mask) = octets.split_at(octets.len() / 2);
            Some(format!("{}/{}", one(network)?, one(mask)?))
        }
        _ => one(octets),
    }
}

/// GeneralNames, one fact each.
pub(super) fn general_names(list: Reader<'_>) -> Read<Vec<Fact>> {
    let mut facts = Vec::new();
    let more = each(list, |name| {
        let (label, value) = general(name);
        facts.put(label, value);
        Ok(())
    })?;
    tell_more(&mut facts, more);
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general_of(tag: u8, value: &[u8]) -> Value {
        let der = tlv::write(tag, &[value]);
        general(tlv::single(&der, tag, "").unwrap()).1
    }

    #[test]
    fn addresses_and_masks_are_told_as_people_write_them() {
        assert_eq!(general_of(0x87, &[10, 0, 0, 1]), "10.0.0.1".into());
        assert_eq!(general_of(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]), "10.0.0.0/255.0.0.0".into());
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(general_of(0x87, &v6), "2001:db8::1".into());
        assert_eq!(general_of(0x87, &[1, 2, 3]), [1, 2, 3].as_slice().into());
    }

    #[test]
    fn a_name_reads_from_its_end_with_its_marks_escaped() {
        // SEQUENCE { SET { C=CN }, SET { O="A, B" } }
        let attribute = |oid: &[u8], tag, text: &[u8]| {
            tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::OID, &[oid]), &tlv::write(tag, &[text])])
        };
        let c = tlv::write(tlv::SET, &[&attribute(&[0x55, 4, 6], 0x13, b"CN")]);
        let o = tlv::write(tlv::SET, &[&attribute(&[0x55, 4, 10], 0x0c, b"A, B")]);
        let der = tlv::write(tlv::SEQUENCE, &[&c, &o]);
        assert_eq!(distinguished(tlv::single(&der, tlv::SEQUENCE, "").unwrap()), "O=A\\, B,C=CN");
        let broken = tlv::write(tlv::SEQUENCE, &[&[5, 0]]);
        assert_eq!(distinguished(tlv::single(&broken, tlv::SEQUENCE, "").unwrap()), "#30020500");
    }
}
