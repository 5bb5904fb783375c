//! What bytes are, by their outline: names of files and labels of PEM prove nothing.

use crypto_pool::envelope::Shape;
use crypto_pool::tlv::{self, Reader, Tlv};
use eseal::core::facts::Format;
use eseal::core::ses::{Seal, SealSignature};

use super::read::{Scope, is_time};
use super::tree::{Label, Thing, l};
use super::{certificate, crl, delivery, envelope, key, message, ocsp, outline, pkcs12, request, seal, stamp};

pub(super) const UNKNOWN: Label = l("unknown", "Something that is not known here", "无法识别的内容");
pub(super) const DOCUMENT: Label = l("document", "Document", "文档");

/// The tags of the elements within the outermost one, at most eight.
fn tags(of: Tlv<'_>) -> Vec<u8> {
    let mut inside = of.inside();
    let mut tags = Vec::new();
    while let (Ok(one), true) = (inside.any(), tags.len() < 8) {
        tags.push(one.tag);
    }
    tags
}

/// What is no DER: documents, and the packed structures of tokens and devices.
pub(super) fn other_than_der(bytes: &[u8]) -> Option<Thing> {
    if Format::of(bytes).is_some() {
        let mut thing = Thing::new(DOCUMENT, bytes.len());
        thing.remark("document", "`yinxin verify` reads documents", "文档请用 `yinxin verify` 查看与验证");
        return Some(thing);
    }
    match Shape::of(bytes) {
        Some(Shape::Skf) => Some(envelope::skf(bytes)),
        Some(Shape::Device) => Some(envelope::device(bytes)),
        _ => key::point(bytes).or_else(|| outline::text(bytes)),
    }
}

/// What the outline says: `der` is the copy of `bytes` in which fields are read.
pub(super) fn show(bytes: &[u8], der: &[u8], scope: Scope<'_>) -> Thing {
    let Ok(outer) = Reader::new(der).any() else { return Thing::new(UNKNOWN, bytes.len()) };
    let inner: Vec<Tlv<'_>> = {
        let mut inside = outer.inside();
        std::iter::from_fn(|| inside.any().ok()).take(8).collect()
    };
    let (all, size) = (tags(outer), bytes.len());
    let within = |at: usize| inner.get(at).map(|one| tags(*one)).unwrap_or_default();
    let oid_within = |at: usize| within(at).first() == Some(&tlv::OID);
    if outer.tag != tlv::SEQUENCE {
        return outline::show(outer, size);
    }
    match all.as_slice() {
        [tlv::SEQUENCE, tlv::SEQUENCE, tlv::BIT_STRING] => signed(&within(0), bytes, outer, scope),
        [tlv::SEQUENCE, tlv::SEQUENCE, tlv::BIT_STRING, 0xa0] => ocsp::basic(outer, size, scope),
        [tlv::SEQUENCE, tlv::BIT_STRING] if oid_within(0) => key::public(outer, size),
        [tlv::SEQUENCE, tlv::OCTET_STRING] if oid_within(0) => key::encrypted(outer, size, scope),
        [tlv::SEQUENCE, tlv::SEQUENCE, tlv::BIT_STRING, tlv::BIT_STRING] if oid_within(0) => {
            envelope::enveloped_key(outer, size)
        }
        [tlv::INTEGER, tlv::SEQUENCE, tlv::OCTET_STRING, ..] => key::private(outer, size),
        [tlv::INTEGER, tlv::OCTET_STRING, ..] => key::elliptic(outer, size),
        [tlv::INTEGER, tlv::INTEGER, tlv::INTEGER, tlv::INTEGER, ..] => key::rsa_private(outer, size),
        [tlv::INTEGER, tlv::SEQUENCE, ..] if oid_within(1) => pkcs12::show(outer, der, size, scope),
        [tlv::INTEGER, tlv::SEQUENCE, ..] => stamp::request(outer, size),
        [tlv::INTEGER, tlv::INTEGER] => key::two_numbers(outer, size),
        [tlv::OID, 0xa0] => message::show(outer, size, scope),
        [tlv::ENUMERATED, ..] => ocsp::response(outer, size, scope),
        [tlv::SET, ..] => delivery::show(outer, size, scope),
        [tlv::SEQUENCE] | [tlv::SEQUENCE, tlv::SEQUENCE] if within(0).first() == Some(&tlv::INTEGER) => {
            stamp::response(outer, size, scope)
        }
        [tlv::SEQUENCE] | [tlv::SEQUENCE, 0xa0] => ocsp::request(outer, size),
        [tlv::SEQUENCE, ..] => match (Seal::read(der), SealSignature::read(der)) {
            (Ok(read), _) => seal::seal(&read, size, scope),
            (_, Ok(read)) => seal::signature(&read, size, scope),
            (Err(why), _) => seal::neither(outer, size, why),
        },
        _ => outline::show(outer, size),
    }
}

/// A to-be-signed part, an algorithm and a signature: what is signed tells which.
fn signed(tbs: &[u8], bytes: &[u8], outer: Tlv<'_>, scope: Scope<'_>) -> Thing {
    match tbs {
        // Behind the version of an OCSP answer comes who answers.
        [0xa0, 0xa1 | 0xa2, ..] | [0xa1 | 0xa2, ..] => ocsp::basic(outer, bytes.len(), scope),
        [tlv::INTEGER, tlv::SEQUENCE, tlv::SEQUENCE, time, ..] if is_time(*time) => crl::show(bytes, outer, scope),
        [tlv::SEQUENCE, tlv::SEQUENCE, time, ..] if is_time(*time) => crl::show(bytes, outer, scope),
        [0xa0, tlv::INTEGER, ..] | [tlv::INTEGER, tlv::SEQUENCE, tlv::SEQUENCE, tlv::SEQUENCE, tlv::SEQUENCE, ..] => {
            certificate::show(bytes, outer)
        }
        [tlv::INTEGER, tlv::SEQUENCE, tlv::SEQUENCE, ..] => request::show(bytes, outer),
        _ => outline::show(outer, bytes.len()),
    }
}
