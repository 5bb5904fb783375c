//! PKCS#12: how it is protected; with its passphrase also which certificates and keys are in it, by their public half.

use crypto_pool::pkcs12;
use crypto_pool::tlv::{self, Tlv};

use super::key::{PRIVATE, needs_passphrase, public_half};
use super::part;
use super::read::{ALGORITHM, Read, Scope, VERSION, algorithm, number};
use super::tree::{Facts, Label, Thing, l};

pub(super) const PKCS12: Label = l("pkcs12", "Key and certificates in a file (PKCS#12)", "密钥与证书文件（PKCS#12）");
const MAC: Label = l("mac", "Protected against changes by", "完整性保护");

/// `PFX ::= SEQUENCE { version, authSafe ContentInfo, macData OPTIONAL }`.
pub(super) fn show(outer: Tlv<'_>, der: &[u8], size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(PKCS12, size);
    let read = outline(&mut thing, outer);
    match scope.ask.passphrase.map(|passphrase| pkcs12::read(der, passphrase)) {
        None => needs_passphrase(&mut thing),
        Some(Err(why)) => thing.remark("locked", &why.to_string(), "打不开：口令不对、文件损坏或保护算法不受支持"),
        Some(Ok(bundle)) => {
            for certificate in &bundle.certificates {
                thing.inside.push(part(certificate, scope));
            }
            for key in &bundle.keys {
                let mut private = Thing::new(PRIVATE, key.pkcs8.len());
                if let Some(name) = &key.name {
                    private.put(l("friendly-name", "Name", "名称"), name.clone());
                }
                if let Some(facts) = public_half(&key.pkcs8) {
                    private.group(super::key::PUBLIC, None, facts);
                }
                thing.inside.push(private);
            }
        }
    }
    thing.ends_with(read)
}

fn outline(thing: &mut Thing, outer: Tlv<'_>) -> Read {
    let mut inside = outer.inside();
    thing.put(VERSION, number(inside.expect(tlv::INTEGER, "version")?));
    let mut safe = inside.expect(tlv::SEQUENCE, "authSafe")?.inside();
    safe.expect(tlv::OID, "authSafe")?;
    let mac = inside.optional(tlv::SEQUENCE)?;
    if let Some(mac) = mac {
        let mut mac = mac.inside();
        let mut info = mac.expect(tlv::SEQUENCE, "DigestInfo")?.inside();
        let mut facts = Vec::new();
        let hash = algorithm(info.expect(tlv::SEQUENCE, "digest algorithm")?)?;
        facts.put(ALGORITHM, hash);
        mac.expect(tlv::OCTET_STRING, "salt")?;
        let rounds = mac.optional(tlv::INTEGER)?.map_or_else(|| "1".to_owned(), number);
        facts.put(l("rounds", "Rounds", "迭代次数"), rounds);
        thing.group(MAC, None, facts);
    } else {
        thing.remark("no-mac", "nothing shows whether it was changed", "没有完整性保护");
    }
    let content = safe.expect(0xa0, "authSafe")?.inside().expect(tlv::OCTET_STRING, "authSafe")?.value;
    let mut parts = tlv::single(content, tlv::SEQUENCE, "contents")?.inside();
    while !parts.is_empty() {
        let mut one = parts.expect(tlv::SEQUENCE, "content")?.inside();
        let kind = one.expect(tlv::OID, "content")?;
        let value = one.expect(0xa0, "content")?;
        if kind.value == pki_config::oid::ENCRYPTED_DATA.as_bytes() {
            let mut data = value.inside().expect(tlv::SEQUENCE, "encrypted data")?.inside();
            data.expect(tlv::INTEGER, "version")?;
            let mut info = data.expect(tlv::SEQUENCE, "encrypted content")?.inside();
            info.expect(tlv::OID, "content type")?;
            super::key::protection(thing, info.expect(tlv::SEQUENCE, "cipher")?)?;
        }
    }
    Ok(())
}
