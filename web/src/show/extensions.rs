//! Extensions in words: those of RFC 5280, of OCSP and certificate transparency, and the Chinese identity numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::ber;
use crypto_pool::tlv::{self, Reader, Tlv};
use pki_config::Instant;

use super::names::{general, general_names, relative};
use super::read::{Read, dotted, each, named, number, serial, string, tell_more, time};
use super::tree::{Fact, Facts, Label, Thing, Value, l};
use super::{identity, revocation, words};

const EXTENSIONS: Label = l("extensions", "Extensions", "扩展项");
const VALUE: Label = l("value", "Value", "值");

/// What is known of an extension.
struct Known {
    oid: &'static str,
    label: Label,
    read: fn(&mut Found<'_, '_>) -> Read,
}

const fn k(oid: &'static str, label: Label, read: fn(&mut Found<'_, '_>) -> Read) -> Known {
    Known { oid, label, read }
}

const KNOWN: &[Known] = &[
    k("2.5.29.14", l("subject-key-id", "Subject key identifier", "主体密钥标识符"), octets),
    k("2.5.29.15", l("key-usage", "Key usage", "密钥用法"), key_usage),
    k("2.5.29.16", l("key-period", "Private key usage period", "私钥有效期"), key_period),
    k("2.5.29.17", l("subject-alt-name", "Subject alternative names", "主体备用名称"), names),
    k("2.5.29.18", l("issuer-alt-name", "Issuer alternative names", "签发者备用名称"), names),
    k("2.5.29.19", l("basic-constraints", "Basic constraints", "基本限制"), basic_constraints),
    k("2.5.29.20", l("crl-number", "CRL number", "CRL 编号"), integer),
    k("2.5.29.21", l("reason", "Reason", "撤销原因"), revocation::reason_extension),
    k("2.5.29.24", l("invalidity", "Not to be relied on since", "失信时间"), when),
    k("2.5.29.27", l("delta", "Delta to CRL number", "增量 CRL 的基准编号"), integer),
    k("2.5.29.28", l("issuing-point", "Issuing distribution point", "签发分布点"), revocation::issuing_point),
    k("2.5.29.29", l("certificate-issuer", "Issuer of the certificates from here on", "以下证书的签发者"), names),
    k("2.5.29.30", l("name-constraints", "Name constraints", "名称限制"), name_constraints),
    k("2.5.29.31", l("crl-points", "CRL distribution points", "CRL 分布点"), points),
    k("2.5.29.32", l("policies", "Certificate policies", "证书策略"), policies),
    k("2.5.29.33", l("policy-mappings", "Policy mappings", "策略映射"), mappings),
    k("2.5.29.35", l("authority-key-id", "Authority key identifier", "颁发机构密钥标识符"), authority_key_id),
    k("2.5.29.36", l("policy-constraints", "Policy constraints", "策略限制"), policy_constraints),
    k("2.5.29.37", l("ext-key-usage", "Extended key usage", "扩展密钥用法"), ext_key_usage),
    k("2.5.29.46", l("freshest-crl", "Freshest CRL", "最新 CRL"), points),
    k(
        "2.5.29.54",
        l("inhibit-any-policy", "Certificates until any policy is inhibited", "禁止任意策略前的证书数"),
        integer,
    ),
    k("2.5.29.60", l("expired-on-crl", "Expired certificates are listed since", "过期证书列入 CRL 的起始时间"), when),
    k("1.3.6.1.5.5.7.1.1", l("authority-access", "Authority information access", "颁发机构信息访问"), access),
    k("1.3.6.1.5.5.7.1.11", l("subject-access", "Subject information access", "主体信息访问"), access),
    k("1.3.6.1.5.5.7.1.24", l("tls-features", "TLS features", "TLS 特性"), tls_features),
    k("1.3.6.1.5.5.7.48.1.2", l("nonce", "Nonce", "随机数"), octets),
    k(
        "1.3.6.1.5.5.7.48.1.5",
        l("ocsp-no-check", "Revocation of this responder need not be looked up", "无需查询该响应者的撤销状态"),
        nothing,
    ),
    k("1.3.6.1.5.5.7.48.1.6", l("archive-cutoff", "Knows of expired certificates since", "归档截止时间"), when),
    k("1.3.6.1.4.1.11129.2.4.2", l("sct-list", "Certificate transparency", "证书透明度（SCT）"), scts),
    k("1.3.6.1.4.1.11129.2.4.5", l("sct-list", "Certificate transparency", "证书透明度（SCT）"), scts),
    k("1.3.6.1.4.1.11129.2.4.3", l("precertificate", "Precertificate, not to be used", "预证书，不可使用"), nothing),
    k("2.16.840.1.113730.1.1", l("netscape-type", "Netscape certificate type", "Netscape 证书类型"), netscape),
];

/// One extension while it is read.
pub(super) struct Found<'a, 't> {
    pub(super) value: &'a [u8],
    pub(super) said: Option<Value>,
    pub(super) facts: Vec<Fact>,
    /// For remarks.
    pub(super) thing: &'t mut Thing,
}

/// `Extensions` within their tag.
pub(super) fn all(thing: &mut Thing, list: Tlv<'_>) -> Read {
    let facts = read_all(thing, tlv::single(list.value, tlv::SEQUENCE, "extensions")?)?;
    thing.group(EXTENSIONS, None, facts);
    Ok(())
}

/// Each of a list of extensions.
pub(super) fn read_all(thing: &mut Thing, list: Tlv<'_>) -> Read<Vec<Fact>> {
    let mut facts = Vec::new();
    let mut seen: Vec<&[u8]> = Vec::new();
    let more = each(list.inside(), |one| {
        let mut inside = one.inside();
        let id = inside.expect(tlv::OID, "extension")?.value;
        let critical = inside.optional(tlv::BOOLEAN)?;
        if critical.is_some_and(|flag| flag.value == [0]) {
            default_written(thing, "critical FALSE");
        }
        let value = inside.expect(tlv::OCTET_STRING, "extension")?.value;
        let critical = critical.is_some_and(|flag| flag.value != [0]);
        if seen.contains(&id) {
            let id = dotted(id);
            thing.remark(
                "extension-twice",
                &format!("extension {id} stands there twice (RFC 5280 4.2)"),
                &format!("扩展项 {id} 重复出现（RFC 5280 4.2）"),
            );
        }
        seen.push(id);
        facts.push(extension(thing, id, critical, value));
        Ok(())
    })?;
    tell_more(&mut facts, more);
    Ok(facts)
}

fn extension(thing: &mut Thing, id: &[u8], critical: bool, value: &[u8]) -> Fact {
    let oid = dotted(id);
    // Values that are BER are read in a copy, too.
    let copy = ber::to_der(value);
    let known = KNOWN.iter().find(|known| known.oid == oid);
    let (label, read): (Label, fn(&mut Found<'_, '_>) -> Read) = match (known, identity::label(&oid)) {
        (Some(known), _) => (known.label, known.read),
        (None, Some(label)) => (label, identity::read),
        (None, None) => (l("extension", "Extension", "扩展项"), unknown),
    };
    let mut found = Found { value: copy.as_deref().unwrap_or(value), said: None, facts: Vec::new(), thing };
    let done = read(&mut found);
    let Found { mut said, mut facts, thing, .. } = found;
    // Old clients send a nonce that is no DER at all, and may.
    if known.is_some_and(|known| known.label.name != "nonce") || copy.is_some() {
        for breach in ber::breaches(value) {
            let (en, zh) = words::breach(breach.rule);
            thing.remark(breach.rule.as_str(), &format!("extension {oid}: {en}"), &format!("扩展项 {oid}：{zh}"));
        }
    }
    if let Err(why) = done {
        thing.remark(
            "extension",
            &format!("extension {oid} does not read: {}", why.what),
            &format!("扩展项 {oid} 无法读取：{}", why.what),
        );
        said = Some(value.into());
        facts.clear();
    }
    if label.name == "extension" {
        facts.insert(
            0,
            Fact {
                label: l("oid", "Identifier", "标识"), value: Some(oid.into()), critical: None, facts: Vec::new()
            },
        );
    }
    Fact { label, value: said, critical: Some(critical), facts }
}

/// DER leaves out what is the default (X.690 11.5).
fn default_written(thing: &mut Thing, what: &str) {
    thing.remark(
        "default",
        &format!("{what} is the default and should be left out (X.690 11.5)"),
        &format!("{what} 为缺省值，DER 中应省略（X.690 11.5）"),
    );
}

fn unknown(found: &mut Found<'_, '_>) -> Read {
    let text = Reader::new(found.value).any().ok().filter(|one| one.whole.len() == found.value.len()).and_then(string);
    if let Some(text) = text {
        found.facts.put(l("text", "Text", "文本"), text);
    }
    found.facts.put(VALUE, found.value);
    Ok(())
}

fn nothing(_: &mut Found<'_, '_>) -> Read {
    Ok(())
}

fn sequence<'a>(found: &Found<'a, '_>) -> Read<Reader<'a>> {
    Ok(tlv::single(found.value, tlv::SEQUENCE, "extension")?.inside())
}

fn octets(found: &mut Found<'_, '_>) -> Read {
    // Nonces of old clients are bare.
    let inner = tlv::single(found.value, tlv::OCTET_STRING, "octets").map_or(found.value, |inner| inner.value);
    found.said = Some(inner.into());
    Ok(())
}

fn integer(found: &mut Found<'_, '_>) -> Read {
    found.said = Some(number(tlv::single(found.value, tlv::INTEGER, "number")?).into());
    Ok(())
}

fn when(found: &mut Found<'_, '_>) -> Read {
    found.said = Some(time(tlv::single(found.value, tlv::GENERALIZED_TIME, "time")?).into());
    Ok(())
}

fn names(found: &mut Found<'_, '_>) -> Read {
    found.facts = general_names(sequence(found)?)?;
    Ok(())
}

/// Which bits of a BIT STRING are set, and whether its trailing zeros are trimmed, as DER has it for named bits.
pub(super) fn named_bits(bits: Tlv<'_>) -> Read<(Vec<usize>, bool)> {
    let (unused, octets) = bits.value.split_first().ok_or(crypto_pool::BadDer { what: "bits" })?;
    let set = |at: &usize| octets.get(at / 8).is_some_and(|octet| octet & (0x80 >> (at % 8)) != 0);
    let all: Vec<usize> = (0..octets.len().min(8) * 8).filter(set).collect();
    let length = (octets.len() * 8).saturating_sub(usize::from(*unused));
    Ok((all.clone(), length == all.last().map_or(0, |last| last + 1)))
}

pub(super) fn remark_untrimmed(thing: &mut Thing, of: &str) {
    thing.remark(
        "named-bits",
        &format!("{of}: trailing zero bits are not trimmed (X.690 11.2.2)"),
        &format!("{of}：末尾的零比特未去除（X.690 11.2.2）"),
    );
}

const USES: [(&str, &str); 9] = [
    ("digital signature", "数字签名"),
    ("non-repudiation", "抗抵赖"),
    ("key encipherment", "密钥加密"),
    ("data encipherment", "数据加密"),
    ("key agreement", "密钥协商"),
    ("certificate signing", "证书签发"),
    ("CRL signing", "CRL 签发"),
    ("encipher only", "仅加密"),
    ("decipher only", "仅解密"),
];

fn key_usage(found: &mut Found<'_, '_>) -> Read {
    let (set, trimmed) = named_bits(tlv::single(found.value, tlv::BIT_STRING, "key usage")?)?;
    let words: Vec<(&str, &str)> =
        set.iter().map(|bit| *USES.get(*bit).unwrap_or(&("an unknown bit", "未知比特"))).collect();
    found.said = Some(Value::list(&words));
    if !trimmed {
        remark_untrimmed(found.thing, "keyUsage");
    }
    Ok(())
}

fn netscape(found: &mut Found<'_, '_>) -> Read {
    const TYPES: [&str; 8] = [
        "SSL client",
        "SSL server",
        "S/MIME",
        "object signing",
        "reserved",
        "SSL CA",
        "S/MIME CA",
        "object signing CA",
    ];
    let (set, _) = named_bits(tlv::single(found.value, tlv::BIT_STRING, "certificate type")?)?;
    let words: Vec<&str> = set.iter().map(|bit| *TYPES.get(*bit).unwrap_or(&"?")).collect();
    found.said = Some(words.join(", ").into());
    Ok(())
}

fn key_period(found: &mut Found<'_, '_>) -> Read {
    let mut inside = sequence(found)?;
    while !inside.is_empty() {
        let one = inside.any()?;
        let at = time(Tlv { tag: tlv::GENERALIZED_TIME, ..one });
        match one.tag {
            0x80 => found.facts.put(l("not-before", "From", "自"), at),
            _ => found.facts.put(l("not-after", "Until", "至"), at),
        }
    }
    Ok(())
}

fn basic_constraints(found: &mut Found<'_, '_>) -> Read {
    let mut inside = sequence(found)?;
    let ca = inside.optional(tlv::BOOLEAN)?;
    if ca.is_some_and(|flag| flag.value == [0]) {
        default_written(found.thing, "cA FALSE");
    }
    found.said = Some(match ca.is_some_and(|flag| flag.value != [0]) {
        true => ("a certificate authority", "证书颁发机构（CA）").into(),
        false => ("no certificate authority", "非 CA").into(),
    });
    if let Some(most) = inside.optional(tlv::INTEGER)? {
        found.facts.put(l("path-length", "Most authorities below", "下级 CA 最大层数"), number(most));
    }
    inside.finish("basic constraints")
}

fn ext_key_usage(found: &mut Found<'_, '_>) -> Read {
    let mut facts = Vec::new();
    each(sequence(found)?, |id| {
        facts.put(l("use", "Use", "用途"), named(id.value));
        Ok(())
    })?;
    found.facts = facts;
    Ok(())
}

fn authority_key_id(found: &mut Found<'_, '_>) -> Read {
    let mut inside = sequence(found)?;
    if let Some(key) = inside.optional(0x80)? {
        found.said = Some(key.value.into());
    }
    if let Some(issuer) = inside.optional(0xa1)? {
        found.facts.extend(general_names(issuer.inside())?);
    }
    if let Some(number) = inside.optional(0x82)? {
        found.facts.put(super::read::SERIAL, serial(number.value));
    }
    inside.finish("authority key identifier")
}

fn name_constraints(found: &mut Found<'_, '_>) -> Read {
    let mut inside = sequence(found)?;
    for (tag, label) in
        [(0xa0, l("permitted", "Only within", "允许范围")), (0xa1, l("excluded", "Not within", "排除范围"))]
    {
        if let Some(trees) = inside.optional(tag)? {
            let mut facts = Vec::new();
            each(trees.inside(), |tree| {
                let (label, value) = general(tree.inside().any()?);
                facts.put(label, value);
                Ok(())
            })?;
            found.facts.group(label, None, facts);
        }
    }
    inside.finish("name constraints")
}

/// `DistributionPointName` within its tag.
pub(super) fn point_name(content: Tlv<'_>) -> Read<Vec<Fact>> {
    let choice = content.inside().any()?;
    match choice.tag {
        0xa0 => general_names(choice.inside()),
        _ => {
            let mut facts = Vec::new();
            let name = relative(choice).map_or_else(|| Value::from(choice.whole), Value::from);
            facts.put(l("relative", "Relative to the issuer", "相对于签发者的名称"), name);
            Ok(facts)
        }
    }
}

fn points(found: &mut Found<'_, '_>) -> Read {
    let mut facts = Vec::new();
    let more = each(sequence(found)?, |point| {
        let mut inside = point.inside();
        let mut parts = match inside.optional(0xa0)? {
            Some(name) => point_name(name)?,
            None => Vec::new(),
        };
        if let Some(reasons) = inside.optional(0x81)? {
            parts.put(l("reasons", "For these reasons only", "仅限以下原因"), revocation::flags(reasons)?);
        }
        if let Some(issuer) = inside.optional(0xa2)? {
            parts.group(l("crl-issuer", "Issuer of the CRL", "CRL 签发者"), None, general_names(issuer.inside())?);
        }
        facts.group(l("point", "Point", "分布点"), None, parts);
        Ok(())
    })?;
    tell_more(&mut facts, more);
    found.facts = facts;
    Ok(())
}

fn policies(found: &mut Found<'_, '_>) -> Read {
    let mut facts = Vec::new();
    let more = each(sequence(found)?, |policy| {
        let mut inside = policy.inside();
        let id = inside.expect(tlv::OID, "policy")?;
        let mut parts = Vec::new();
        if let Some(qualifiers) = inside.optional(tlv::SEQUENCE)? {
            each(qualifiers.inside(), |one| {
                let mut one = one.inside();
                let kind = one.expect(tlv::OID, "qualifier")?;
                let value = one.any()?;
                let text = string(value).or_else(|| notice(value));
                let text = text.map_or_else(|| Value::from(value.whole), Value::from);
                parts.group(
                    l("qualifier", "Qualifier", "限定符"),
                    Some(named(kind.value)),
                    vec![Fact { label: VALUE, value: Some(text), critical: None, facts: Vec::new() }],
                );
                Ok(())
            })?;
        }
        facts.group(l("policy", "Policy", "策略"), Some(named(id.value)), parts);
        Ok(())
    })?;
    tell_more(&mut facts, more);
    found.facts = facts;
    Ok(())
}

/// The text of a `UserNotice`.
fn notice(value: Tlv<'_>) -> Option<String> {
    let mut inside = value.inside();
    while let Ok(one) = inside.any() {
        if let Some(text) = string(one) {
            return Some(text);
        }
    }
    None
}

fn mappings(found: &mut Found<'_, '_>) -> Read {
    let mut facts = Vec::new();
    each(sequence(found)?, |pair| {
        let mut pair = pair.inside();
        let (from, to) = (pair.expect(tlv::OID, "policy")?.value, pair.expect(tlv::OID, "policy")?.value);
        facts.put(l("mapping", "Counts as", "映射"), format!("{} = {}", dotted(from), dotted(to)));
        Ok(())
    })?;
    found.facts = facts;
    Ok(())
}

fn policy_constraints(found: &mut Found<'_, '_>) -> Read {
    let mut inside = sequence(found)?;
    while !inside.is_empty() {
        let one = inside.any()?;
        let count = number(Tlv { tag: tlv::INTEGER, ..one });
        match one.tag {
            0x80 => found
                .facts
                .put(l("explicit-after", "Certificates until a policy is needed", "须有明确策略前的证书数"), count),
            _ => found
                .facts
                .put(l("mapping-until", "Certificates until mapping is inhibited", "禁止策略映射前的证书数"), count),
        }
    }
    Ok(())
}

fn access(found: &mut Found<'_, '_>) -> Read {
    let mut facts = Vec::new();
    let more = each(sequence(found)?, |one| {
        let mut one = one.inside();
        let method = one.expect(tlv::OID, "access")?;
        let (label, value) = general(one.any()?);
        facts.group(
            l("method", "Method", "方式"),
            Some(named(method.value)),
            vec![Fact { label, value: Some(value), critical: None, facts: Vec::new() }],
        );
        Ok(())
    })?;
    tell_more(&mut facts, more);
    found.facts = facts;
    Ok(())
}

fn tls_features(found: &mut Found<'_, '_>) -> Read {
    let mut all = Vec::new();
    each(sequence(found)?, |feature| {
        all.push(match feature.small()? {
            5 => "status_request".to_owned(),
            17 => "status_request_v2".to_owned(),
            other => other.to_string(),
        });
        Ok(())
    })?;
    found.said = Some(all.join(", ").into());
    Ok(())
}

/// `SignedCertificateTimestampList` (RFC 6962 3.3): lengths of two octets, in an OCTET STRING.
fn scts(found: &mut Found<'_, '_>) -> Read {
    let list = tlv::single(found.value, tlv::OCTET_STRING, "SCT list")?.value;
    let bad = crypto_pool::BadDer { what: "SCT list" };
    let (mut rest, after) = prefixed(list).ok_or(bad)?;
    if !after.is_empty() {
        return Err(bad);
    }
    while !rest.is_empty() {
        let (sct, after) = prefixed(rest).ok_or(bad)?;
        rest = after;
        // version, 32 octets of log, milliseconds.
        let log = sct.get(1..33).ok_or(bad)?;
        let millis = u64::from_be_bytes(sct.get(33..41).and_then(|eight| eight.try_into().ok()).ok_or(bad)?);
        let at = i64::try_from(millis / 1000).ok().and_then(|seconds| Instant::from_unix_seconds(seconds).ok());
        let mut parts = Vec::new();
        parts.put(l("time", "Time", "时间"), at.map_or_else(|| millis.to_string(), |at| at.to_string()));
        found.facts.group(l("log", "Log", "日志"), Some(STANDARD.encode(log).into()), parts);
    }
    Ok(())
}

fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))
}
