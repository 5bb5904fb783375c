//! Judging an evidence record: each time-stamp by itself, and that each was renewed in time.

use pki_config::Instant;

use super::{EvidenceRecord, joined};
use crate::core::digest;
use crate::core::moment::Moment;
use crate::core::request::Hash;
use crate::core::verify::{self as token, Against, Finding, Outcome, Question};

/// What was found of one time-stamp of the record.
#[derive(Debug, Clone)]
pub struct Link {
    /// Which chain, from 0.
    pub chain: usize,
    /// When it was made.
    pub time: Moment,
    /// Every check of it.
    pub findings: Vec<Finding>,
}

/// Judges every time-stamp, oldest first (RFC 4998 4.3 and 5.3).
///
/// `digest` gives the digest of the data by the hash that is asked for, `None` if the data are not at hand.
/// `against` gives roots, certificates, CRLs and the time; its digest, policy and nonce are not looked at.
#[must_use]
pub fn verify(record: &EvidenceRecord, digest: impl Fn(Hash) -> Option<Vec<u8>>, against: &Against<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    let all: Vec<_> = record.stamps().collect();
    let mut number = 0;
    for (place, chain) in record.chains.iter().enumerate() {
        for (turn, stamp) in chain.iter().enumerate() {
            // What this time-stamp must be about.
            let about = if turn > 0 {
                Some(digest::of(stamp.hash, chain[turn - 1].token.der()))
            } else {
                let data = digest(stamp.hash);
                match place {
                    0 => data,
                    _ => data.map(|data| joined(stamp.hash, &data, &record.chains[..place])),
                }
            };
            let imprint = about.as_deref().and_then(|about| stamp.path.root(stamp.hash, about));
            let lost = about.is_some() && imprint.is_none();
            let own = Against { data_digest: imprint.as_deref(), policy: None, nonce: None, ..against.clone() };
            let mut findings = token::verify(&stamp.token, &own);
            if lost {
                findings.retain(|finding| finding.check != Question::Imprint);
                findings.push(Finding::new(
                    Question::Imprint,
                    Outcome::Fail,
                    "its hash tree does not begin with what it should be about",
                    "哈希树中没有应被证明的内容",
                ));
            }
            if turn > 0 && stamp.hash != chain[0].hash {
                findings.push(Finding::new(
                    Question::Content,
                    Outcome::Fail,
                    "a chain uses one hash alone (RFC 4998 5.2)",
                    "同一条链必须使用同一种摘要算法",
                ));
            }
            let next = all.get(number + 1).map(|next| next.token.info.time.instant());
            findings.push(renewed(stamp, next, against));
            links.push(Link { chain: place, time: stamp.token.info.time, findings });
            number += 1;
        }
    }
    links
}

/// Whether the certificate still held when the next time-stamp took over, or holds today.
fn renewed(stamp: &super::ArchiveTimeStamp, next: Option<Instant>, against: &Against<'_>) -> Finding {
    let made = |outcome, en: String, zh: String| Finding::new(Question::Renewal, outcome, en, zh);
    let Some(signer) = stamp.token.signer_certificate(&against.certificates) else {
        return made(Outcome::Unknown, "the signer's certificate is not known".to_owned(), "没有签名者证书".to_owned());
    };
    let until = signer.not_after();
    match (next, against.now) {
        (Some(next), _) if next < stamp.token.info.time.instant() => made(
            Outcome::Fail,
            format!("the time-stamp that renews it, of {next}, is older"),
            format!("续期时间戳（{next}）早于本时间戳"),
        ),
        (Some(next), _) if next.whole_second() > until => made(
            Outcome::Fail,
            format!("renewed at {next}, after its certificate had ended at {until}"),
            format!("证书已于 {until} 到期，{next} 才续期"),
        ),
        (Some(next), _) => made(Outcome::Pass, format!("renewed in time, at {next}"), format!("已于 {next} 按时续期")),
        (None, Some(now)) if now.whole_second() > until => made(
            Outcome::Unknown,
            format!("its certificate ended at {until} and it was not renewed"),
            format!("证书已于 {until} 到期，尚未续期"),
        ),
        (None, _) => made(Outcome::Pass, format!("to be renewed before {until}"), format!("须在 {until} 前续期")),
    }
}
