//! A signature that is a CMS message: of PDF (`adbe.pkcs7.detached`, PAdES) and OFD (`Type="Sign"`), under the arc of
//! PKCS #7 or of GM/T 0010, in any of the ways that are met:
//!
//! - no content, signed attributes with the digest of the document;
//! - the digest of the document (or its base64) as the content, with or without attributes;
//! - no content and no attributes: the document itself is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::cms::read::{SignedData, SignerInfo};
use crypto_pool::digest;
use crypto_pool::path::Cert;
use pki_config::{Instant, oid};

use super::chain::Role;
use super::time::When;
use super::{Check, Finding, Found, Hash, Judge, Kind, Outcome, SignatureForm, SignatureReport};
use super::{name_of, party, unreadable};

/// `/SubFilter` of PAdES.
const PADES: &str = "ETSI.CAdES.detached";

impl Judge<'_> {
    pub(super) fn message(&self, found: &Found, proven: Option<Instant>, one: &mut SignatureReport) {
        let mut message = match SignedData::from_der(&found.value) {
            Ok(message) => message,
            Err(why) => return one.findings.push(unreadable(&why.to_string())),
        };
        message.certificates = self.trust.known.same(&message.certificates);
        one.form = SignatureForm::Cms;
        let [info] = message.signers.as_slice() else {
            let count = message.signers.len();
            return one.findings.push(Finding::new(
                Check::Structure,
                Outcome::Fail,
                "signers",
                format!("{count} signers in one signature, where there must be one."),
                format!("一个签名中有 {count} 个签名者，应当只有一个。"),
            ));
        };
        let others: Vec<Cert> = self.evidence.certificates.iter().chain(&self.trust.certificates).cloned().collect();
        let signer = message.certificate_of(info, &others).cloned();
        let findings = &mut one.findings;
        structure(&message, info, found, findings);
        findings.extend(data_hash(&message, info, found));
        findings.push(signature(&message, info, found, signer.as_ref()));

        let stamp = info.time_stamp.as_deref().and_then(|token| self.stamp(token, &info.signature, &[], findings));
        let when = When { stamp, proven, claim: info.signing_time, document: found.time };
        let settled = self.settle(&when, signer.as_ref(), findings);
        if let Some(signer) = &signer {
            self.chain(Role::Signer, signer, &message.certificates, settled.at, settled.is_proven(), findings);
        }
        (one.time, one.time_source) = (settled.at, settled.source);
        one.time_stamp_authority = when.stamp.and_then(|stamp| stamp.authority).as_ref().map(party);
        one.signer = signer.as_ref().map(party);
    }
}

fn structure(message: &SignedData, info: &SignerInfo, found: &Found, findings: &mut Vec<Finding>) {
    let mut note = |outcome, code, en: &str, zh: &str| {
        findings.push(Finding::new(Check::Structure, outcome, code, en, zh));
    };
    note(Outcome::Pass, "ok", "A signed message (CMS).", "签名消息（CMS/PKCS#7）结构正确。");
    if found.kind == Kind::OfdSeal {
        note(
            Outcome::Warning,
            "kind-differs",
            "The document calls it a seal, and it is a signature without one.",
            "文档声明为电子签章，实际为不含印章的数字签名。",
        );
    }
    // Real files mix the arcs: outer GM, inner PKCS #7, attribute GM.
    let data = [oid::DATA.as_bytes(), oid::GM_DATA.as_bytes()];
    let is_data = |kind: &[u8]| data.contains(&kind);
    let said = info.content_type.as_deref();
    if said.is_some_and(|said| said != message.content_type && !(is_data(said) && is_data(&message.content_type))) {
        note(
            Outcome::Fail,
            "content-type",
            "The signed attributes are about content of another type.",
            "签名属性声明的内容类型与消息不符。",
        );
    }
    if found.property == PADES && info.signing_certificate_v2.is_none() && info.signing_certificate_v1.is_none() {
        note(
            Outcome::Warning,
            "no-signing-certificate",
            "It is called a PAdES signature and does not measure its certificate.",
            "声明为 PAdES 签名，但未绑定签名证书。",
        );
    }
}

fn of_document(hash: digest::Hash, found: &Found) -> Option<&[u8]> {
    let named = match hash {
        digest::Hash::Sm3 => Hash::Sm3,
        digest::Hash::Sha256 => Hash::Sha256,
        digest::Hash::Sha384 => Hash::Sha384,
        digest::Hash::Sha512 => Hash::Sha512,
    };
    found.digests.iter().find(|(one, _)| *one == named).map(|(_, digest)| digest.as_slice())
}

fn data_hash(message: &SignedData, info: &SignerInfo, found: &Found) -> Vec<Finding> {
    let made = |outcome, code, en: String, zh: String| Finding::new(Check::DataHash, outcome, code, en, zh);
    let differs = |code| {
        made(
            Outcome::Fail,
            code,
            "The document was changed after it was signed, or the signature is another document's.".to_owned(),
            "原文杂凑值不一致：文档在签署后被改动，或签名属于其他文档。".to_owned(),
        )
    };
    let same = || {
        made(
            Outcome::Pass,
            "ok",
            "The digest in the signature is the document's.".to_owned(),
            "签名中的原文杂凑值与文档一致。".to_owned(),
        )
    };
    let Some(hash) = info.hash else {
        let named = info.hash_oid.map_or_else(|| "?".to_owned(), |id| id.to_string());
        return vec![made(
            Outcome::Unknown,
            "hash-unknown",
            format!("Digests by {named} are not accepted here."),
            format!("不接受杂凑算法 {named}。"),
        )];
    };
    let Some(document) = of_document(hash, found) else {
        return vec![made(
            Outcome::Unknown,
            "no-document",
            "The digest of the document is not at hand.".to_owned(),
            "未提供原文杂凑值。".to_owned(),
        )];
    };
    let mut all = Vec::new();
    match &message.content {
        Some(content) => {
            let encoded = STANDARD.decode(content.trim_ascii()).ok();
            let fits = content == document || encoded.as_deref() == Some(document);
            all.push(if fits { same() } else { differs("digest-differs") });
            let within = info.message_digest.as_deref();
            if !info.attributes.is_empty() && within != Some(&digest::of(hash, content)[..]) {
                all.push(differs("content-differs"));
            }
        }
        None if !info.attributes.is_empty() => {
            let fits = info.message_digest.as_deref() == Some(document);
            all.push(if fits { same() } else { differs("digest-differs") });
        }
        // The document itself is signed: the signature tells.
        None => {}
    }
    all
}

fn signature(message: &SignedData, info: &SignerInfo, found: &Found, signer: Option<&Cert>) -> Finding {
    let made = |outcome, code, en: String, zh: String| Finding::new(Check::Signature, outcome, code, en, zh);
    let Some(signer) = signer else {
        return made(
            Outcome::Unknown,
            "no-certificate",
            "The signer's certificate is neither in the signature nor given.".to_owned(),
            "签名中没有签名者证书，也未另行提供。".to_owned(),
        );
    };
    let Some(algorithm) = info.algorithm else {
        let named = info.algorithm_oid.map_or_else(|| "?".to_owned(), |id| id.to_string());
        return made(
            Outcome::Unknown,
            "algorithm-unknown",
            format!("Signatures by {named} are not accepted here."),
            format!("不接受签名算法 {named}。"),
        );
    };
    let signed = if info.attributes.is_empty() {
        message.content.as_deref().or(found.signed.as_deref())
    } else {
        Some(info.attributes.as_slice())
    };
    let Some(signed) = signed else {
        return made(
            Outcome::Unknown,
            "no-document",
            "The document itself is signed, and it is not at hand here.".to_owned(),
            "签名直接针对原文，此处没有原文可验。".to_owned(),
        );
    };
    let key = match signer.public_key() {
        Ok(key) => key,
        Err(why) => {
            return made(
                Outcome::Fail,
                "key-refused",
                format!("The certificate's key is not acceptable: {why}."),
                "证书公钥不可接受。".to_owned(),
            );
        }
    };
    if !key.verify_tolerant(algorithm, signed, &info.signature) {
        return made(
            Outcome::Fail,
            "signature-wrong",
            "The signature was not made by the certificate's key over these bytes.".to_owned(),
            "签名值验证失败：内容被改动，或不是该证书的密钥所签。".to_owned(),
        );
    }
    if info.names_certificate(signer) == Some(false) {
        return made(
            Outcome::Fail,
            "other-certificate",
            "The signature was made for another certificate of the same key.".to_owned(),
            "签名绑定的是另一张证书。".to_owned(),
        );
    }
    let name = name_of(signer.subject());
    made(Outcome::Pass, "ok", format!("{algorithm}, by {name}."), format!("{algorithm} 签名有效，签名者 {name}。"))
}
