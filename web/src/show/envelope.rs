//! Envelopes: messages to recipients, and keys on their way to their holders in their four shapes.

use crypto_pool::envelope::device;
use crypto_pool::tlv::{self, Tlv};

use super::message::{encrypted_content, whom};
use super::read::{ALGORITHM, Read, VERSION, algorithm, bits, each, named, number, tell_more};
use super::tree::{Facts, Label, Thing, l};

pub(super) const MESSAGE: Label =
    l("enveloped-message", "Message to recipients (EnvelopedData)", "数字信封（EnvelopedData）");
pub(super) const ENVELOPED_KEY: Label =
    l("enveloped-key", "Private key in an envelope (SM2EnvelopedKey)", "密钥信封（SM2EnvelopedKey）");
pub(super) const SKF: Label = l(
    "skf-key",
    "Private key in an envelope of a token (ENVELOPEDKEYBLOB)",
    "智能密码钥匙密钥信封（ENVELOPEDKEYBLOB）",
);
pub(super) const DEVICE: Label = l("sdf-key", "Key pair of a device (ECCref)", "密码设备密钥对（ECCref）");
const RECIPIENT: Label = l("recipient", "Recipient", "接收者");
const PUBLIC: Label = l("public-key", "Public key of the pair", "密钥对的公钥");
const CIPHER: Label = l("cipher", "Cipher of the private key", "私钥加密算法");

/// `EnvelopedData`, within its tag.
pub(super) fn message(mut thing: Thing, content: Tlv<'_>) -> Thing {
    thing.kind = MESSAGE;
    let read = (|| {
        let mut data = content.inside().expect(tlv::SEQUENCE, "enveloped data")?.inside();
        thing.put(VERSION, number(data.expect(tlv::INTEGER, "version")?));
        data.optional(0xa0)?;
        recipients(&mut thing, data.expect(tlv::SET, "recipients")?)?;
        encrypted_content(&mut thing, data.expect(tlv::SEQUENCE, "encrypted content")?)
    })();
    thing.ends_with(read)
}

/// `SET OF RecipientInfo`.
pub(super) fn recipients(thing: &mut Thing, set: Tlv<'_>) -> Read {
    let more = each(set.inside(), |info| {
        let mut facts = Vec::new();
        if info.tag == tlv::SEQUENCE {
            let mut inside = info.inside();
            inside.expect(tlv::INTEGER, "version")?;
            facts.extend(whom(inside.any()?)?);
            facts.put(ALGORITHM, algorithm(inside.expect(tlv::SEQUENCE, "key encryption")?)?);
            facts.put(
                l("encrypted-key", "Encrypted key", "加密的会话密钥"),
                inside.expect(tlv::OCTET_STRING, "key")?.value,
            );
        } else {
            let words = match info.tag {
                0xa1 => ("by key agreement", "密钥协商"),
                0xa2 => ("by a key both have", "共享密钥"),
                0xa3 => ("by a passphrase", "口令"),
                _ => ("in another way", "其他方式"),
            };
            facts.put(ALGORITHM, words);
        }
        thing.group(RECIPIENT, None, facts);
        Ok(())
    })?;
    tell_more(thing, more);
    Ok(())
}

/// `SM2EnvelopedKey` (GB/T 35276).
pub(super) fn enveloped_key(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(ENVELOPED_KEY, size);
    let read = (|| {
        let mut inside = outer.inside();
        thing.put(CIPHER, algorithm(inside.expect(tlv::SEQUENCE, "cipher")?)?);
        let mut wrapped = inside.expect(tlv::SEQUENCE, "SM2Cipher")?.inside();
        let mut facts = Vec::new();
        for label in
            [l("x", "x", "x"), l("y", "y", "y"), l("hash", "Digest", "摘要"), l("ciphertext", "Ciphertext", "密文")]
        {
            facts.put(label, wrapped.any()?.value);
        }
        thing.group(
            l("wrapped-key", "SM4 key, for the recipient's SM2 key", "用接收者 SM2 公钥加密的 SM4 密钥"),
            None,
            facts,
        );
        thing.put(PUBLIC, bits(inside.expect(tlv::BIT_STRING, "public key")?));
        let private = bits(inside.expect(tlv::BIT_STRING, "private key")?).len();
        thing.put(l("encrypted-key-size", "Bytes of the encrypted private key", "加密私钥字节数"), private.to_string());
        inside.finish("SM2EnvelopedKey")
    })();
    recipient_opens(&mut thing);
    thing.ends_with(read)
}

fn recipient_opens(thing: &mut Thing) {
    thing.remark(
        "for-recipient",
        "only the recipient's private key opens it: `yinxin convert FILE --key KEY --to pem`",
        "须用接收者私钥打开：`yinxin convert FILE --key KEY --to pem`",
    );
}

/// Words at fixed places: the length was looked at.
fn word(bytes: &[u8], at: usize) -> String {
    let four = bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    four.map_or_else(String::new, |four| u32::from_le_bytes(four).to_string())
}

fn public_at(thing: &mut Thing, bytes: &[u8], at: usize) {
    // Numbers of 256 bits at the right of fields of 64 octets.
    let half = |at: usize| bytes.get(at + 32..at + 64).unwrap_or_default();
    thing.put(PUBLIC, [&[4], half(at), half(at + 64)].concat().as_slice());
}

/// `ENVELOPEDKEYBLOB` (GM/T 0016).
pub(super) fn skf(bytes: &[u8]) -> Thing {
    let mut thing = Thing::new(SKF, bytes.len());
    thing.put(VERSION, word(bytes, 0));
    thing.put(CIPHER, named(pki_config::oid::SM4_ECB.as_bytes()));
    thing.put(l("bits", "Length in bits", "长度（比特）"), word(bytes, 8));
    public_at(&mut thing, bytes, 80);
    if bytes.len() < 372 {
        thing.remark("truncated", "it is cut off", "数据被截断");
    }
    recipient_opens(&mut thing);
    thing
}

/// `ECCrefPublicKey` and `ECCrefPrivateKey` (GM/T 0018).
pub(super) fn device(bytes: &[u8]) -> Thing {
    let mut thing = Thing::new(DEVICE, bytes.len());
    thing.put(ALGORITHM, "SM2");
    thing.put(l("bits", "Length in bits", "长度（比特）"), word(bytes, 0));
    public_at(&mut thing, bytes, 4);
    match device::read(bytes) {
        Ok(_) => thing.put(l("belongs", "The private key is that of the public key", "公私钥匹配"), true),
        Err(why) => thing.remark("unusable", &why.to_string(), "密钥对不可用：公私钥不匹配或数据损坏"),
    }
    thing.remark(
        "in-clear",
        "the private key lies in clear: whoever has the file has the key",
        "私钥为明文：得到此文件即得到私钥",
    );
    thing
}
