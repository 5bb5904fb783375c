//! When it was signed, and who says so.

use std::time::Duration;

use crypto_pool::digest;
use crypto_pool::path::Cert;
use crypto_pool::token::opened::OpenedToken;
use crypto_pool::token::verify::{self as token, Against, Judgement, Outcome as Answer};
use pki_config::Instant;

use super::{Check, Finding, Found, Hash, Judge, Outcome, SignatureForm, SignatureReport, TimeSource};
use super::{name_of, party};
use crate::core::ses::Seal;

/// A clock of another machine may be this much off.
const SKEW: Duration = Duration::from_secs(300);
/// Some write local time (UTC+8) where UTC is due.
const EIGHT_HOURS: Duration = Duration::from_secs(8 * 3600);

/// A time-stamp that holds.
pub(super) struct Stamp {
    pub at: Instant,
    pub authority: Option<Cert>,
}

/// All that is said of when it was signed.
pub(super) struct When {
    /// A time-stamp over the signature.
    pub stamp: Option<Stamp>,
    /// A time-stamp over the document, made later.
    pub proven: Option<Instant>,
    /// The signer's word.
    pub claim: Option<Instant>,
    /// The document's word.
    pub document: Option<Instant>,
}

/// The moment that counts.
pub(super) struct Settled {
    pub at: Instant,
    pub source: TimeSource,
}

impl Settled {
    /// Whether more than the signer's word says it.
    pub fn is_proven(&self) -> bool {
        self.source == TimeSource::TimeStamp
    }
}

/// A token, and how judging it came out.
enum Judged {
    Valid(Stamp),
    /// It proves nothing: which question failed, and its sentences.
    Invalid(&'static str, String, String),
    Undecided(String, String),
}

impl Judge<'_> {
    /// Judges a token over `octets`, or over a document with one of these digests.
    fn token(&self, der: &[u8], octets: &[u8], document: &[(Hash, Vec<u8>)]) -> Judged {
        let mut opened = match OpenedToken::from_der(der) {
            Ok(opened) => opened,
            Err(why) => {
                return Judged::Invalid("form", format!("it does not read: {why}"), format!("无法解析：{why}"));
            }
        };
        opened.certificates = self.trust.known.same(&opened.certificates);
        let digest = opened.info.hash.and_then(|hash| {
            let named = of_token(hash);
            let of_document = document.iter().find(|(one, _)| *one == named).map(|(_, digest)| digest.clone());
            if document.is_empty() { Some(digest::of(hash, octets)) } else { of_document }
        });
        let along = self.evidence.certificates.iter().chain(&self.trust.certificates).cloned().collect();
        let crls = self.trust.crls.iter().chain(&self.evidence.crls).cloned().collect();
        let against = Against {
            data_digest: digest.as_deref(),
            anchors: self.trust.anchors.clone(),
            certificates: along,
            crls,
            ocsps: self.trust.ocsps.iter().chain(&self.evidence.ocsps).cloned().collect(),
            now: Some(self.at),
            ..Against::default()
        };
        let findings = token::verify(&opened, &against);
        let first = |answer| findings.iter().find(|finding| finding.result == answer);
        match (Judgement::of(&findings), first(Answer::Fail), first(Answer::Unknown)) {
            (Judgement::Valid, _, _) => Judged::Valid(Stamp {
                at: opened.info.time.instant(),
                authority: opened.signer_certificate(&against.certificates).cloned(),
            }),
            (_, Some(failed), _) => Judged::Invalid(failed.check.as_str(), failed.en.clone(), failed.zh.clone()),
            (_, None, Some(open)) => Judged::Undecided(open.en.clone(), open.zh.clone()),
            (_, None, None) => Judged::Undecided("nothing was checked".to_owned(), "未能检查".to_owned()),
        }
    }

    /// Judges a time-stamp over a signature.
    pub(super) fn stamp(
        &self,
        der: &[u8],
        octets: &[u8],
        document: &[(Hash, Vec<u8>)],
        findings: &mut Vec<Finding>,
    ) -> Option<Stamp> {
        let mut note = |outcome, code: &str, en: String, zh: String| {
            findings.push(Finding::new(Check::TimeStamp, outcome, code, en, zh));
        };
        match self.token(der, octets, document) {
            Judged::Valid(stamp) => {
                let by = stamp.authority.as_ref().map_or_else(|| "?".to_owned(), |cert| name_of(cert.subject()));
                let at = stamp.at;
                note(Outcome::Pass, "ok", format!("{at}, by {by}."), format!("{at}，由 {by} 签发。"));
                Some(stamp)
            }
            Judged::Invalid(question, en, zh) => {
                let code = format!("time-stamp-{question}");
                note(Outcome::Fail, &code, format!("The time-stamp: {en}."), format!("时间戳无效：{zh}。"));
                None
            }
            Judged::Undecided(en, zh) => {
                note(
                    Outcome::Warning,
                    "time-stamp-open",
                    format!("The time-stamp could not be judged and was not used: {en}."),
                    format!("时间戳无法判定，未被采用：{zh}。"),
                );
                None
            }
        }
    }

    /// V5 has a place for a time-stamp in the seal itself. It decides nothing: the seal is as good without.
    pub(super) fn seal_time_stamp(&self, seal: &Seal) -> Option<Finding> {
        let der = seal.time_stamp.as_deref()?;
        let made = |outcome, code, en: String, zh: String| Finding::new(Check::TimeStamp, outcome, code, en, zh);
        Some(match self.token(der, &seal.signature, &[]) {
            Judged::Valid(stamp) => {
                let at = stamp.at;
                made(
                    Outcome::Pass,
                    "seal-time-stamp",
                    format!("The seal itself was time-stamped at {at}."),
                    format!("印章本身带有时间戳：{at}。"),
                )
            }
            Judged::Invalid(_, en, zh) | Judged::Undecided(en, zh) => made(
                Outcome::Warning,
                "seal-time-stamp-unusable",
                format!("The time-stamp in the seal itself is of no use: {en}."),
                format!("印章自带的时间戳不可用：{zh}。"),
            ),
        })
    }

    /// Which moment counts, and whether it is possible: not in the future, within the signer's certificate.
    pub(super) fn settle(&self, when: &When, signer: Option<&Cert>, findings: &mut Vec<Finding>) -> Settled {
        let mut note = |outcome, code, en: String, zh: String| {
            findings.push(Finding::new(Check::Time, outcome, code, en, zh));
        };
        let stamped = when.stamp.as_ref().map(|stamp| stamp.at);
        // A time-stamp over the whole document says that the signature is no younger; when it was made the signer says.
        let proof = [stamped, when.proven].into_iter().flatten().min();
        let mut settled = match (proof, when.claim, when.document) {
            (Some(at), _, _) => Settled { at, source: TimeSource::TimeStamp },
            (None, Some(at), _) => Settled { at, source: TimeSource::Signer },
            (None, None, Some(at)) => Settled { at, source: TimeSource::Document },
            (None, None, None) => Settled { at: self.at, source: TimeSource::Judging },
        };
        let at = settled.at;
        match settled.source {
            TimeSource::TimeStamp => {
                note(
                    Outcome::Pass,
                    "ok",
                    format!("Signed by {at}, as a time-stamp shows."),
                    format!("签署时间不晚于 {at}（时间戳证明）。"),
                );
            }
            TimeSource::Signer | TimeSource::Document => note(
                Outcome::Warning,
                "time-claimed",
                format!("Signed at {at} by the signer's own account; no time-stamp shows it."),
                format!("签署时间 {at} 为签章人自述，没有可信时间戳。"),
            ),
            TimeSource::Judging => note(
                Outcome::Warning,
                "time-missing",
                "Nothing says when it was signed; it is judged as of now.".to_owned(),
                "未标明签署时间，按当前时间判定。".to_owned(),
            ),
        }
        if let (Some(proof), Some(claim)) = (proof, when.claim) {
            let apart = proof.since(claim).max(claim.since(proof));
            let eight = apart.abs_diff(EIGHT_HOURS) <= SKEW;
            if claim > proof.plus(SKEW) || eight {
                note(
                    Outcome::Warning,
                    "time-differs",
                    format!("The signer says {claim}, the time-stamp {proof}."),
                    format!("签章人自述时间 {claim} 与时间戳 {proof} 不符。"),
                );
            }
        }
        if settled.at > self.at.plus(SKEW) {
            let local = settled.at <= self.at.plus(EIGHT_HOURS + SKEW);
            let outcome = if local { Outcome::Warning } else { Outcome::Fail };
            note(
                outcome,
                "time-in-future",
                format!("{at} lies in the future{}.", if local { ", perhaps local time instead of UTC" } else { "" }),
                format!("签署时间 {at} 晚于当前时间{}。", if local { "（可能把本地时间写成了 UTC）" } else { "" }),
            );
            settled.at = self.at;
        }
        if let Some(cert) = signer {
            let at = settled.at;
            let (from, until) = (cert.not_before(), cert.not_after());
            if at < from || at.whole_second() > until {
                note(
                    Outcome::Fail,
                    "outside-certificate",
                    format!("The signer's certificate was valid from {from} to {until}, not at {at}."),
                    format!("签署时间 {at} 不在签章人证书有效期（{from} 至 {until}）内。"),
                );
            }
        }
        settled
    }

    /// A time-stamp over the document (PDF).
    pub(super) fn document_time_stamp(&self, found: &Found, one: &mut SignatureReport) {
        one.form = SignatureForm::DocumentTimeStamp;
        if found.digests.is_empty() {
            return one.findings.push(Finding::new(
                Check::DataHash,
                Outcome::Unknown,
                "no-document",
                "The digest of the document is not at hand.",
                "未提供原文杂凑值。",
            ));
        }
        if let Some(stamp) = self.stamp(&found.value, &[], &found.digests, &mut one.findings) {
            one.time = stamp.at;
            one.time_source = TimeSource::TimeStamp;
            one.time_stamp_authority = stamp.authority.as_ref().map(party);
        } else if one.findings.iter().all(|finding| finding.outcome < Outcome::Unknown) {
            // Nothing but the token is here: if it could not be judged, nothing was.
            one.findings.push(Finding::new(
                Check::Signature,
                Outcome::Unknown,
                "time-stamp-open",
                "The time-stamp over the document could not be judged.",
                "文档时间戳无法判定。",
            ));
        }
    }
}

const fn of_token(hash: digest::Hash) -> Hash {
    match hash {
        digest::Hash::Sm3 => Hash::Sm3,
        digest::Hash::Sha256 => Hash::Sha256,
        digest::Hash::Sha384 => Hash::Sha384,
        digest::Hash::Sha512 => Hash::Sha512,
    }
}
