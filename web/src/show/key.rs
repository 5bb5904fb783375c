//! Keys: public ones whole, of private ones the algorithm and the public half.

use crypto_pool::backend::spki_of_pkcs8;
use crypto_pool::envelope::private_key;
use crypto_pool::tlv::{self, Reader, Tlv};
use crypto_pool::{KeyAlgorithm, PublicKey, password};

use super::read::{ALGORITHM, Read, Scope, VERSION, algorithm, algorithm_id, bits, dotted, named, number};
use super::tree::{Fact, Facts, Label, Thing, Value, l};

pub(super) const PUBLIC: Label = l("public-key", "Public key", "公钥");
pub(super) const PRIVATE: Label = l("private-key", "Private key", "私钥");
pub(super) const ENCRYPTED: Label = l("encrypted-private-key", "Private key under a passphrase", "口令保护的私钥");
const NUMBERS: Label =
    l("two-numbers", "Two numbers: a signature, or an RSA public key", "两个整数：签名值或 RSA 公钥");
const CURVE: Label = l("curve", "Curve", "曲线");
const BITS: Label = l("bits", "Length in bits", "长度（比特）");
const VALUE: Label = l("value", "Value", "值");
const KEY_ID: Label = l("key-id", "Key identifier (SHA-1)", "密钥标识（SHA-1）");
const SM3_ID: Label = l("key-sm3", "Digest of the key (SM3)", "公钥摘要（SM3）");
const PROTECTION: Label = l("protection", "Protected by", "保护方式");
const DERIVATION: Label = l("derivation", "Key derivation", "密钥派生");
const ROUNDS: Label = l("rounds", "Rounds", "迭代次数");
const CIPHER: Label = l("cipher", "Cipher", "加密算法");

/// A SubjectPublicKeyInfo alone.
pub(super) fn public(spki: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(PUBLIC, size);
    let facts = spki_facts(spki);
    thing.facts.extend(facts);
    if let Err(why) = PublicKey::from_spki_tolerant(spki.whole) {
        thing.remark("key", &why.to_string(), "公钥不可用：算法未知、长度不足或取值不合法");
    }
    thing
}

/// 04 || X || Y of 65 octets, as SM2 keys go around.
pub(super) fn point(bytes: &[u8]) -> Option<Thing> {
    let point = bytes.first().filter(|first| **first == 4 && bytes.len() == 65).map(|_| bytes)?;
    let mut thing = Thing::new(PUBLIC, bytes.len());
    thing.put(ALGORITHM, ("a bare point, 04 || X || Y: its curve is not told", "裸公钥点 04 || X || Y，未注明曲线"));
    thing.put(VALUE, point);
    Some(thing)
}

/// What a SubjectPublicKeyInfo says.
pub(super) fn spki_facts(spki: Tlv<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let _ = read_spki(spki, &mut facts);
    facts
}

fn read_spki(spki: Tlv<'_>, facts: &mut Vec<Fact>) -> Read {
    let mut inside = spki.inside();
    let identifier = inside.expect(tlv::SEQUENCE, "algorithm")?;
    let key = inside.expect(tlv::BIT_STRING, "key")?;
    let mut parameters = identifier.inside();
    let id = parameters.expect(tlv::OID, "algorithm")?.value;
    let curve = parameters.any().ok().filter(|curve| curve.tag == tlv::OID);
    let is_rsa = dotted(id) == "1.2.840.113549.1.1.1";
    facts.put(ALGORITHM, curve.map_or_else(|| named(id), |curve| curve_name(curve.value)));
    if is_rsa {
        let mut numbers = tlv::single(bits(key), tlv::SEQUENCE, "RSA key")?.inside();
        let (modulus, exponent) = (numbers.expect(tlv::INTEGER, "modulus")?, numbers.expect(tlv::INTEGER, "exponent")?);
        let magnitude = modulus.magnitude().unwrap_or(modulus.value);
        let leading = magnitude.first().map_or(0, |first| first.leading_zeros() as usize);
        facts.put(BITS, (magnitude.len() * 8 - leading).to_string());
        facts.put(l("modulus", "Modulus", "模数"), magnitude);
        facts.put(l("exponent", "Exponent", "指数"), number(exponent));
    } else {
        facts.put(VALUE, bits(key));
    }
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bits(key));
    facts.put(KEY_ID, sha1.as_ref());
    facts.put(SM3_ID, engine::sm3::hash(bits(key)).as_slice());
    Ok(())
}

fn curve_name(curve: &[u8]) -> Value {
    named(curve)
}

/// The public half of a PKCS#8 key, of any algorithm that is known.
pub(super) fn public_half(pkcs8: &[u8]) -> Option<Vec<Fact>> {
    let sm2 = private_key::read(pkcs8).ok().map(|key| {
        let point = tlv::write(tlv::BIT_STRING, &[&[0], key.public().as_sec1()]);
        tlv::write(tlv::SEQUENCE, &[KeyAlgorithm::Sm2.spki_identifier(), &point])
    });
    let others = [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Ed25519].into_iter();
    let rsa = [2048, 3072, 4096, 8192].map(|bits| KeyAlgorithm::Rsa { bits });
    let spki = sm2.or_else(|| others.chain(rsa).find_map(|algorithm| spki_of_pkcs8(algorithm, pkcs8).ok()))?;
    let facts = spki_facts(tlv::single(&spki, tlv::SEQUENCE, "key").ok()?);
    (!facts.is_empty()).then_some(facts)
}

/// PKCS#8 in clear.
pub(super) fn private(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(PRIVATE, size);
    let read = (|| {
        let mut inside = outer.inside();
        thing.put(VERSION, number(inside.expect(tlv::INTEGER, "version")?));
        let identifier = inside.expect(tlv::SEQUENCE, "algorithm")?;
        thing.put(l("form", "Form", "格式"), "PKCS#8");
        thing.put(ALGORITHM, algorithm(identifier)?);
        if let Ok(curve) = (|| {
            let mut parameters = identifier.inside();
            parameters.any()?;
            parameters.expect(tlv::OID, "curve")
        })() {
            thing.put(CURVE, named(curve.value));
        }
        Ok(())
    })();
    tell_public(&mut thing, outer.whole);
    in_clear(&mut thing);
    thing.ends_with(read)
}

fn tell_public(thing: &mut Thing, key: &[u8]) {
    match public_half(key) {
        Some(facts) => thing.group(PUBLIC, None, facts),
        None => thing.remark(
            "no-public-half",
            "its public half cannot be told: it is damaged, or of an algorithm not used here",
            "无法得出公钥：私钥已损坏，或其算法不受支持",
        ),
    }
}

fn in_clear(thing: &mut Thing) {
    thing.remark(
        "in-clear",
        "the private key lies in clear: whoever has the file has the key",
        "私钥为明文：得到此文件即得到私钥",
    );
}

/// ECPrivateKey (RFC 5915).
pub(super) fn elliptic(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(PRIVATE, size);
    thing.put(l("form", "Form", "格式"), "ECPrivateKey (RFC 5915)");
    let mut inside = outer.inside();
    let mut told = false;
    while let Ok(one) = inside.any() {
        match (one.tag, one.inside().any()) {
            (0xa0, Ok(curve)) => thing.put(CURVE, named(curve.value)),
            (0xa1, Ok(point)) => {
                thing.group(
                    PUBLIC,
                    None,
                    vec![Fact { label: VALUE, value: Some(bits(point).into()), critical: None, facts: Vec::new() }],
                );
                told = true;
            }
            _ => {}
        }
    }
    if !told {
        tell_public(&mut thing, outer.whole);
    }
    in_clear(&mut thing);
    thing
}

/// RSAPrivateKey (RFC 8017 A.1.2).
pub(super) fn rsa_private(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(PRIVATE, size);
    let read = (|| {
        let mut inside = outer.inside();
        inside.expect(tlv::INTEGER, "version")?;
        thing.put(l("form", "Form", "格式"), "RSAPrivateKey (PKCS#1)");
        thing.put(ALGORITHM, "RSA");
        let modulus = inside.expect(tlv::INTEGER, "modulus")?.magnitude()?;
        let exponent = inside.expect(tlv::INTEGER, "exponent")?;
        let leading = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        let mut facts = Vec::new();
        facts.put(BITS, (modulus.len() * 8 - leading).to_string());
        facts.put(l("modulus", "Modulus", "模数"), modulus);
        facts.put(l("exponent", "Exponent", "指数"), number(exponent));
        thing.group(PUBLIC, None, facts);
        Ok(())
    })();
    in_clear(&mut thing);
    thing.ends_with(read)
}

/// EncryptedPrivateKeyInfo.
pub(super) fn encrypted(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(ENCRYPTED, size);
    let read = (|| {
        let identifier = outer.inside().expect(tlv::SEQUENCE, "algorithm")?;
        protection(&mut thing, identifier)
    })();
    match scope.ask.passphrase.map(|passphrase| password::decrypt_pkcs8(outer.whole, passphrase)) {
        None => needs_passphrase(&mut thing),
        Some(Err(why)) => thing.remark("locked", &why.to_string(), "打不开：口令不对、文件损坏或保护算法不受支持"),
        Some(Ok(pkcs8)) => tell_public(&mut thing, &pkcs8),
    }
    thing.ends_with(read)
}

pub(super) fn needs_passphrase(thing: &mut Thing) {
    thing.remark(
        "passphrase",
        "more is told with its passphrase: --passphrase asks for it, --passphrase-file reads it",
        "提供口令后可显示更多内容：--passphrase 提示输入，--passphrase-file 从文件读取",
    );
}

/// How something is protected under a passphrase.
pub(super) fn protection(facts: &mut impl Facts, identifier: Tlv<'_>) -> Read {
    let mut inside = identifier.inside();
    let id = inside.expect(tlv::OID, "algorithm")?.value;
    let mut parts = Vec::new();
    if dotted(id) == "1.2.840.113549.1.5.13" {
        let mut parameters = inside.expect(tlv::SEQUENCE, "PBES2")?.inside();
        let mut derivation = parameters.expect(tlv::SEQUENCE, "derivation")?.inside();
        let scheme = parameters.expect(tlv::SEQUENCE, "cipher")?;
        parts.put(DERIVATION, named(derivation.expect(tlv::OID, "derivation")?.value));
        if let Ok(mut pbkdf2) = derivation.expect(tlv::SEQUENCE, "PBKDF2").map(Tlv::inside) {
            pbkdf2.any()?;
            parts.put(ROUNDS, number(pbkdf2.expect(tlv::INTEGER, "rounds")?));
            pbkdf2.optional(tlv::INTEGER)?;
            let prf = pbkdf2.optional(tlv::SEQUENCE)?.map_or_else(|| Ok("HMAC-SHA1".into()), algorithm)?;
            parts.put(l("prf", "Pseudo-random function", "伪随机函数"), prf);
        }
        parts.put(CIPHER, algorithm(scheme)?);
    }
    facts.group(PROTECTION, Some(named(algorithm_id(identifier)?)), parts);
    Ok(())
}

/// Two numbers.
pub(super) fn two_numbers(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(NUMBERS, size);
    let mut inside: Reader<'_> = outer.inside();
    while let Ok(one) = inside.any() {
        thing.put(VALUE, one.value);
    }
    thing
}
