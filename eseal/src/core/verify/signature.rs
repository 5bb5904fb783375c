//! A signature with a seal (GM/T 0031-2014 6.2.3).

use pki_config::{Instant, oid};

use super::chain::{self, Role};
use super::time::When;
use super::{Check, Finding, Found, Hash, Judge, Kind, Outcome, SignatureForm, SignatureReport};
use super::{party, seal_party, unreadable};
use crate::core::ses::{Claim, Holders, SealSignature, issuers};

impl Judge<'_> {
    pub(super) fn seal_signature(&self, found: &Found, proven: Option<Instant>, one: &mut SignatureReport) {
        one.form = SignatureForm::SealSignature;
        let signature = match SealSignature::read(&found.value) {
            Ok(signature) => signature,
            Err(why) => return one.findings.push(unreadable(&why.to_string())),
        };
        let findings = &mut one.findings;
        structure(&signature, found, findings);
        findings.extend(self.structure_of(&signature.seal));
        let signer = self.trust.known.read(&signature.signer);
        findings.push(chain::signed(
            Check::Signature,
            signer.as_ref(),
            signature.algorithm,
            signature.tbs(),
            &signature.signature,
        ));
        findings.push(data_hash(&signature, found));

        let (claim, token) = match &signature.time {
            Claim::At(at) => (Some(*at), None),
            Claim::Token(token) => (None, Some(token.as_slice())),
            Claim::Unreadable(text) => {
                findings.push(Finding::new(
                    Check::Time,
                    Outcome::Warning,
                    "time-unreadable",
                    format!("What the signature says of its time does not read: {text:?}."),
                    format!("签章时间无法解析：{text:?}。"),
                ));
                (None, None)
            }
        };
        // V1 has its token within what is signed, so it can only be over the document's digest.
        let over_document = token.is_some();
        let token = signature.time_stamp.as_deref().or(token);
        let stamp = token.map(|token| {
            let document: &[(Hash, Vec<u8>)] = if over_document { &found.digests } else { &[] };
            self.stamp(token, &signature.signature, document, findings)
        });
        let when = When { stamp: stamp.flatten(), proven, claim, document: found.time };
        let settled = self.settle(&when, signer.as_ref(), findings);
        (one.time, one.time_source) = (settled.at, settled.source);
        one.time_stamp_authority = when.stamp.and_then(|stamp| stamp.authority).as_ref().map(party);

        let findings = &mut one.findings;
        if let Some(signer) = &signer {
            let along = self.trust.known.same(&issuers(&signature.seal.extensions));
            self.chain(Role::Signer, signer, &along, settled.at, settled.is_proven(), findings);
        }
        let maker = self.seal(&signature.seal, settled.at, settled.is_proven(), findings);
        findings.extend(self.seal_time_stamp(&signature.seal));
        findings.push(in_list(&signature));
        findings.extend(stamp_size(&signature, found));
        one.signer = signer.as_ref().map(party);
        one.maker = maker.as_ref().map(party);
        one.seal = Some(seal_party(signature.seal));
    }
}

fn structure(signature: &SealSignature, found: &Found, findings: &mut Vec<Finding>) {
    let mut note = |outcome, code, en: String, zh: String| {
        findings.push(Finding::new(Check::Structure, outcome, code, en, zh));
    };
    let standard = signature.version.standard();
    note(
        Outcome::Pass,
        "ok",
        format!("A signature with an electronic seal after {standard}."),
        format!("电子签章结构符合 {standard}。"),
    );
    if found.kind == Kind::OfdSign {
        note(
            Outcome::Warning,
            "kind-differs",
            "The document calls it a signature without a seal, and it has one.".to_owned(),
            "文档声明为普通数字签名，实际为电子签章。".to_owned(),
        );
    }
    // The one within the signature counts, and a viewer may show the other.
    if found.seal.as_ref().is_some_and(|beside| beside != signature.seal.der()) {
        note(
            Outcome::Fail,
            "package-seal-differs",
            "The seal beside the signature is another one than the seal within it.".to_owned(),
            "包内印章文件与签章数据中的印章不一致。".to_owned(),
        );
    }
    let is_ofd = matches!(found.kind, Kind::OfdSeal | Kind::OfdSign);
    let path = |text: &str| text.trim_start_matches('/').to_owned();
    if is_ofd && path(&signature.property) != path(&found.property) {
        let (said, is) = (&signature.property, &found.property);
        note(
            Outcome::Warning,
            "property-differs",
            format!("The signature says it is over {said}, and it lies beside {is}."),
            format!("签章原文属性为 {said}，实际位置为 {is}。"),
        );
    }
    if let Some(unknown) = signature.extensions.iter().find(|one| one.critical) {
        let id = unknown.id;
        note(
            Outcome::Warning,
            "critical-extension",
            format!("The signature has a critical extension that is not known here: {id}."),
            format!("签章含有不识别的关键扩展 {id}。"),
        );
    }
}

/// The digest within is that of the document. Its hash follows the signature's algorithm: SM3 but for old RSA seals.
fn data_hash(signature: &SealSignature, found: &Found) -> Finding {
    let made = |outcome, code, en: String, zh: String| Finding::new(Check::DataHash, outcome, code, en, zh);
    let hash = match signature.data_hash.len() {
        20 => Hash::Sha1,
        16 => Hash::Md5,
        32 if [oid::SM2_WITH_SM3, oid::SM2_SIGN, oid::SM2].contains(&signature.algorithm) => Hash::Sm3,
        32 => Hash::Sha256,
        other => {
            return made(
                Outcome::Fail,
                "digest-length",
                format!("The signature holds a digest of {other} octets, as no hash has."),
                format!("签章中的原文杂凑值长度 {other} 字节不正确。"),
            );
        }
    };
    let Some((_, digest)) = found.digests.iter().find(|(one, _)| *one == hash) else {
        return made(
            Outcome::Unknown,
            "no-document",
            "The digest of the document is not at hand.".to_owned(),
            "未提供原文杂凑值。".to_owned(),
        );
    };
    if *digest != signature.data_hash {
        return made(
            Outcome::Fail,
            "digest-differs",
            "The document was changed after it was signed, or the signature is another document's.".to_owned(),
            "原文杂凑值不一致：文档在签署后被改动，或签章属于其他文档。".to_owned(),
        );
    }
    if matches!(hash, Hash::Sha1 | Hash::Md5) {
        return made(
            Outcome::Warning,
            "digest-weak",
            "The digest is the document's, by a hash that is broken.".to_owned(),
            "原文杂凑值一致，但所用杂凑算法已不安全。".to_owned(),
        );
    }
    made(
        Outcome::Pass,
        "ok",
        "The digest in the signature is the document's.".to_owned(),
        "签章中的原文杂凑值与文档一致。".to_owned(),
    )
}

fn in_list(signature: &SealSignature) -> Finding {
    let made = |outcome, code, en, zh| Finding::new(Check::SignerInList, outcome, code, en, zh);
    let holders = &signature.seal.holders;
    if holders.include(&signature.signer) {
        made(Outcome::Pass, "ok", "The seal lists the signer's certificate.", "签章人证书在印章授权列表中。")
    } else if *holders == Holders::Unusable {
        made(
            Outcome::Fail,
            "list-unusable",
            "Who may use the seal is written in it in no known way.",
            "印章中的签章人列表无法识别。",
        )
    } else {
        made(
            Outcome::Fail,
            "signer-not-in-list",
            "The seal does not list the signer's certificate: a seal must be made anew for a renewed certificate.",
            "签章人证书不在印章授权列表中（证书更新后需重新制章）。",
        )
    }
}

/// Stamps are as large as the seal is.
fn stamp_size(signature: &SealSignature, found: &Found) -> Option<Finding> {
    let picture = &signature.seal.picture;
    let (width, height) = (picture.width as f64, picture.height as f64);
    let differs = |is: f64, ought: f64| (is - ought).abs() > 1.0 + ought * 0.02;
    let odd = found.stamps.iter().find(|stamp| {
        let shown = &stamp.boundary;
        // A slice of a riding seal may be drawn as a box of its own.
        stamp.clip.is_none() && (shown.width > width * 1.02 + 1.0 || differs(shown.height, height))
    })?;
    let page = odd.page + 1;
    Some(Finding::new(
        Check::Appearance,
        Outcome::Warning,
        "stamp-size",
        format!("On page {page} the seal is shown in another size than it has ({width} x {height} mm)."),
        format!("第 {page} 页显示的印章大小与印章实际尺寸（{width}×{height} 毫米）不符。"),
    ))
}
