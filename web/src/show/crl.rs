//! A list of revoked certificates (RFC 5280 5.1).

use crypto_pool::path::Crl;
use crypto_pool::tlv::{self, Reader, Tlv};

use super::extensions;
use super::names::distinguished;
use super::read::{
    ISSUER, Read, SIGNATURE, SIGNATURE_ALGORITHM, Scope, VERSION, algorithm, bits, fingerprints, remark_null, serial,
    time,
};
use super::tree::{Facts, Label, Thing, l};
use super::words;

pub(super) const CRL: Label = l("crl", "List of revoked certificates (CRL)", "证书撤销列表（CRL）");
const THIS_UPDATE: Label = l("this-update", "Made", "本次更新");
const NEXT_UPDATE: Label = l("next-update", "Next one by", "下次更新");
const ENTRIES: Label = l("entries", "Revoked certificates", "撤销证书数");
const ENTRY: Label = l("entry", "Serial number", "序列号");

pub(super) fn show(bytes: &[u8], outer: Tlv<'_>, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(CRL, bytes.len());
    let read = fields(&mut thing, outer, scope);
    fingerprints(&mut thing, bytes);
    match Crl::from_der_tolerant(bytes) {
        Ok(crl) => {
            for deviation in crl.deviations() {
                thing.remark(deviation.as_str(), &deviation.to_string(), words::deviation(*deviation));
            }
        }
        Err(why) => {
            let what = why.what;
            thing.remark(
                "refused",
                &format!("nobody here would use it: {what}"),
                &format!("本软件无法使用此 CRL：{what}"),
            );
        }
    }
    thing.ends_with(read)
}

fn fields(thing: &mut Thing, outer: Tlv<'_>, scope: Scope<'_>) -> Read {
    let mut whole = outer.inside();
    let mut tbs = whole.expect(tlv::SEQUENCE, "CRL")?.inside();
    let version = tbs.optional(tlv::INTEGER)?;
    thing.put(VERSION, if version.is_some() { "2" } else { "1" });
    thing.put(SIGNATURE_ALGORITHM, algorithm(tbs.expect(tlv::SEQUENCE, "signature algorithm")?)?);
    thing.put(ISSUER, distinguished(tbs.expect(tlv::SEQUENCE, "issuer")?));
    thing.put(THIS_UPDATE, time(tbs.any()?));
    match (tbs.optional(tlv::UTC_TIME)?, tbs.optional(tlv::GENERALIZED_TIME)?) {
        (Some(at), _) | (_, Some(at)) => thing.put(NEXT_UPDATE, time(at)),
        (None, None) => thing.remark(
            "no-next-update",
            "it does not say when the next one comes (RFC 5280 5.1.2.5)",
            "缺少下次更新时间（RFC 5280 5.1.2.5）",
        ),
    }
    let list = tbs.optional(tlv::SEQUENCE)?;
    if let Some(list) = tbs.optional(0xa0)? {
        extensions::all(thing, list)?;
    }
    if let Some(list) = list {
        entries(thing, list.inside(), scope.ask.entries)?;
    } else {
        thing.put(ENTRIES, "0");
    }
    let outside = whole.expect(tlv::SEQUENCE, "signature algorithm")?;
    remark_null(thing, outside);
    thing.put(SIGNATURE, bits(whole.expect(tlv::BIT_STRING, "signature")?));
    Ok(())
}

fn entries(thing: &mut Thing, mut list: Reader<'_>, most: usize) -> Read {
    let (mut facts, mut count) = (Vec::new(), 0_usize);
    while !list.is_empty() {
        let one = list.expect(tlv::SEQUENCE, "revoked certificate")?;
        count += 1;
        if count > most {
            continue;
        }
        let mut inside = one.inside();
        let number = serial(inside.expect(tlv::INTEGER, "serial number")?.value);
        let mut parts = Vec::new();
        parts.put(l("revoked-at", "Revoked", "撤销时间"), time(inside.any()?));
        if let Some(list) = inside.optional(tlv::SEQUENCE)? {
            parts.extend(extensions::read_all(thing, list)?);
        }
        facts.group(ENTRY, Some(number.into()), parts);
    }
    if count > most {
        let more = count - most;
        facts.put(
            super::read::MORE,
            (&*format!("{more} more; --all shows them"), &*format!("还有 {more} 条，用 --all 显示")),
        );
    }
    thing.group(ENTRIES, Some(count.to_string().into()), facts);
    Ok(())
}
