//! Electronic seals and signatures with them (GM/T 0031-2014, GB/T 38540-2020, GM/T 0031-2025).

use crypto_pool::tlv::Tlv;
use eseal::core::ses::{BadSes, Claim, ExtData, Holders, Seal, SealSignature};

use super::message::raw_signature;
use super::read::{MOST, SIGNATURE, SIGNATURE_ALGORITHM, Scope, VERSION, named, tell_more};
use super::tree::{Fact, Facts, Label, Thing, l};
use super::{outline, part};

pub(super) const SEAL: Label = l("seal", "Electronic seal", "电子印章");
pub(super) const SIGNATURE_KIND: Label = l("seal-signature", "Signature with an electronic seal", "电子签章");

/// A seal.
pub(super) fn seal(seal: &Seal, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(SEAL, size);
    thing.put(VERSION, format!("{} ({})", seal.version, seal.version.standard()));
    thing.put(l("id", "Identifier", "印章标识"), seal.id.clone());
    thing.put(l("name", "Name", "印章名称"), seal.name.clone());
    match seal.kind {
        1 => thing.put(l("seal-type", "Type", "印章类型"), ("of an organisation", "单位印章")),
        2 => thing.put(l("seal-type", "Type", "印章类型"), ("of a person", "个人印章")),
        other => thing.put(l("seal-type", "Type", "印章类型"), other.to_string()),
    }
    thing.put(l("vendor", "Made with software of", "厂商标识"), seal.vendor.clone());
    thing.put(l("created", "Made", "制作时间"), seal.created.to_string());
    thing.put(l("not-before", "May be used from", "有效期起"), seal.from.to_string());
    thing.put(l("not-after", "May be used until", "有效期止"), seal.until.to_string());
    let picture = &seal.picture;
    let mut facts = Vec::new();
    facts.put(l("form", "Form", "格式"), picture.kind.clone());
    facts.put(l("dimensions", "Size in mm", "尺寸（毫米）"), format!("{} × {}", picture.width, picture.height));
    facts.put(l("bytes", "Bytes", "字节数"), picture.data.len().to_string());
    thing.group(l("picture", "Picture", "印章图像"), None, facts);
    extensions(&mut thing, &seal.extensions);
    thing.put(SIGNATURE_ALGORITHM, named(seal.algorithm.as_bytes()));
    thing.put(SIGNATURE, seal.signature.as_slice());
    raw_signature(&mut thing, &seal.signature);
    holders(&mut thing, seal, scope);
    inside(&mut thing, &seal.maker, scope, ("maker's certificate", "制章人证书"));
    if let Some(stamp) = &seal.time_stamp {
        inside(&mut thing, stamp, scope, ("time-stamp over the maker's signature", "制章签名的时间戳"));
    }
    thing
}

fn holders(thing: &mut Thing, seal: &Seal, scope: Scope<'_>) {
    let count = seal.holders.count();
    let mut facts = Vec::new();
    if let Holders::Digests(list) = &seal.holders {
        for (name, digest) in list.iter().take(MOST) {
            let label = l("digest", "Digest of a certificate", "证书摘要");
            facts.group(
                label,
                Some(digest.as_slice().into()),
                vec![Fact {
                    label: l("hash", "Digest algorithm", "摘要算法"),
                    value: Some(name.clone().into()),
                    critical: None,
                    facts: Vec::new(),
                }],
            );
        }
        tell_more(&mut facts, list.len().saturating_sub(MOST));
    }
    if seal.holders == Holders::Unusable {
        thing.remark("holders", "who may use it cannot be read", "无法读取签章人证书列表");
    }
    thing.group(
        l("holders", "Certificates that may use it", "可用印章的证书数"),
        Some(count.to_string().into()),
        facts,
    );
    for certificate in seal.holders.certificates().iter().take(MOST) {
        inside(thing, certificate, scope, ("certificate of who may use it", "签章人证书"));
    }
}

fn inside(thing: &mut Thing, der: &[u8], scope: Scope<'_>, role: (&'static str, &'static str)) {
    let mut told = part(der, scope);
    told.role = Some(role);
    thing.inside.push(told);
}

fn extensions(thing: &mut Thing, all: &[ExtData]) {
    for one in all {
        let label = l("extension", "Extension", "扩展项");
        let mut parts = Vec::new();
        parts.put(l("value", "Value", "值"), one.value.as_slice());
        let value = Some(named(one.id.as_bytes()));
        thing.add(Fact { label, value, critical: Some(one.critical), facts: parts });
    }
}

/// A signature with a seal.
pub(super) fn signature(signature: &SealSignature, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(SIGNATURE_KIND, size);
    thing.put(VERSION, format!("{} ({})", signature.version, signature.version.standard()));
    match &signature.time {
        Claim::At(at) => thing.put(l("time", "Made, by its own account", "签章时间（自述）"), at.to_string()),
        Claim::Token(token) => inside(&mut thing, token, scope, ("when it was made", "签章时间")),
        Claim::Unreadable(text) => {
            thing.put(l("time", "Made, by its own account", "签章时间（自述）"), text.clone());
            thing.remark("time", "its time does not read", "签章时间无法读取");
        }
    }
    thing.put(l("digest", "Digest of the document", "文档摘要"), signature.data_hash.as_slice());
    thing.put(l("property", "What was signed", "原文属性信息"), signature.property.clone());
    extensions(&mut thing, &signature.extensions);
    thing.put(SIGNATURE_ALGORITHM, named(signature.algorithm.as_bytes()));
    thing.put(SIGNATURE, signature.signature.as_slice());
    raw_signature(&mut thing, &signature.signature);
    inside(&mut thing, &signature.signer, scope, ("signer's certificate", "签章人证书"));
    if let Some(stamp) = &signature.time_stamp {
        inside(&mut thing, stamp, scope, ("time-stamp over the signature", "签章的时间戳"));
    }
    if let Some(scope) = scope.deeper() {
        let mut told = seal(&signature.seal, signature.seal.der().len(), scope);
        told.role = Some(("the seal", "所用印章"));
        thing.inside.push(told);
    }
    thing
}

/// Sequences that no kind has: outlined, and why it is no seal.
pub(super) fn neither(outer: Tlv<'_>, size: usize, why: BadSes) -> Thing {
    let mut thing = outline::show(outer, size);
    thing.remark("no-seal", &format!("it is no seal either: {why}"), "也不是电子印章");
    thing
}
