//! Comparing distinguished names (RFC 5280 7.1).

use crate::tlv::{self, BadDer, Reader, Tlv};

/// Most attributes of one RDN that are compared in any order.
const MOST_IN_SET: usize = 8;

/// Whether two DER names are the same: octet by octet, or else by RFC 5280 7.1 as far as case and white
/// space in ASCII go.
pub(crate) fn same_name(one: &[u8], other: &[u8]) -> bool {
    one == other || starts_with(one, other).is_ok_and(|(all, rest)| all && rest)
}

/// Whether `name` begins with all the RDNs of `base`, and whether nothing follows.
pub(super) fn starts_with(name: &[u8], base: &[u8]) -> Result<(bool, bool), BadDer> {
    let mut name = tlv::single(name, tlv::SEQUENCE, "name")?.inside();
    let mut base = tlv::single(base, tlv::SEQUENCE, "name")?.inside();
    while !base.is_empty() {
        if name.is_empty() || !same_rdn(name.expect(tlv::SET, "RDN")?, base.expect(tlv::SET, "RDN")?)? {
            return Ok((false, false));
        }
    }
    Ok((true, name.is_empty()))
}

fn same_rdn(one: Tlv<'_>, other: Tlv<'_>) -> Result<bool, BadDer> {
    if one.whole == other.whole {
        return Ok(true);
    }
    let (one, mut other) = (attributes(one)?, attributes(other)?);
    if one.len() != other.len() {
        return Ok(false);
    }
    // An RDN is a set: the order says nothing, and a differing case may have sorted it differently.
    for (kind, value) in one {
        let Some(place) = other.iter().position(|(other, text)| *other == kind && same_text(value, *text)) else {
            return Ok(false);
        };
        other.swap_remove(place);
    }
    Ok(true)
}

fn attributes(rdn: Tlv<'_>) -> Result<Vec<(&[u8], Tlv<'_>)>, BadDer> {
    let mut inside = rdn.inside();
    let mut all = Vec::new();
    while !inside.is_empty() {
        if all.len() == MOST_IN_SET {
            return tlv::bad("too many attributes in one RDN");
        }
        all.push(attribute(&mut inside)?);
    }
    Ok(all)
}

pub(super) fn attribute<'a>(rdn: &mut Reader<'a>) -> Result<(&'a [u8], Tlv<'a>), BadDer> {
    let mut inside = rdn.expect(tlv::SEQUENCE, "attribute")?.inside();
    let kind = inside.expect(tlv::OID, "attribute")?.value;
    let value = inside.any()?;
    inside.finish("attribute")?;
    Ok((kind, value))
}

/// UTF8String, PrintableString and IA5String compare with each other; other types octet by octet.
fn same_text(one: Tlv<'_>, other: Tlv<'_>) -> bool {
    let is_text = |tlv: Tlv<'_>| matches!(tlv.tag, 0x0c | 0x13 | 0x16);
    if !is_text(one) || !is_text(other) {
        return one.whole == other.whole;
    }
    let words = |text: Tlv<'_>| -> Vec<Vec<u8>> {
        let words = text.value.split(|c| *c == b' ').filter(|word| !word.is_empty());
        words.map(<[u8]>::to_ascii_lowercase).collect()
    };
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SEQUENCE OF SET OF SEQUENCE { OID 2.5.4.kind, value }`, one attribute in each.
    fn name(parts: &[(u8, u8, &str)]) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> = parts
            .iter()
            .map(|(kind, tag, text)| {
                let oid = tlv::write(tlv::OID, &[&[0x55, 4, *kind]]);
                let value = tlv::write(*tag, &[text.as_bytes()]);
                tlv::write(tlv::SET, &[&tlv::write(tlv::SEQUENCE, &[&oid, &value])])
            })
            .collect();
        tlv::write(tlv::SEQUENCE, &rdns.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn names_that_differ_in_case_space_and_string_type_are_the_same() {
        let one = name(&[(6, 0x13, "CN"), (10, 0x0c, "Example  Trust ")]);
        assert!(same_name(&one, &name(&[(6, 0x13, "CN"), (10, 0x13, "example trust")])));
        for other in [
            name(&[(6, 0x13, "CN"), (10, 0x0c, "Example Trus")]),
            name(&[(6, 0x13, "CN"), (11, 0x0c, "Example Trust")]),
            name(&[(6, 0x13, "CN")]),
            name(&[(6, 0x13, "CN"), (10, 0x0c, "Example Trust"), (3, 0x0c, "x")]),
            name(&[(10, 0x0c, "Example Trust"), (6, 0x13, "CN")]),
        ] {
            assert!(!same_name(&one, &other) && !same_name(&other, &one));
        }
    }
}
