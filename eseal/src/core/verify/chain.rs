//! Certificates of signers and makers: what they lead to, whether they were revoked, what their key may do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::SignatureAlgorithm;
use crypto_pool::path::{self, Cert, Crl, OcspAnswer, Options, Problem, Revocation, examine};
use pki_config::status::{CertStatus, Reason, Revocation as Revoked};
use pki_config::{Instant, oid};

use super::{Check, Finding, Judge, Outcome, name_of};

/// Most certificates that are kept.
const MOST_KNOWN: usize = 1_000;

/// Certificates of strangers that were read before, by their bytes: the same few signers and makers come again and
/// again, and their keys and the signatures on them need not be worked out each time. Nothing is believed that would
/// not be believed anew.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Mutex<HashMap<Vec<u8>, Cert>>>);

impl Known {
    /// The certificate with these bytes; `None` if they are none.
    #[must_use]
    pub fn read(&self, der: &[u8]) -> Option<Cert> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cert) = known.get(der) {
            return Some(cert.clone());
        }
        let cert = Cert::from_der_tolerant(der).ok()?;
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(der.to_vec(), cert.clone());
        Some(cert)
    }

    /// These, as they were read before.
    pub(super) fn same(&self, certificates: &[Cert]) -> Vec<Cert> {
        certificates.iter().map(|cert| self.read(cert.der()).unwrap_or_else(|| cert.clone())).collect()
    }
}

/// For what a certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Maker,
    Signer,
}

impl Role {
    const fn checks(self) -> (Check, Check) {
        match self {
            Self::Maker => (Check::MakerChain, Check::MakerRevocation),
            Self::Signer => (Check::SignerChain, Check::SignerRevocation),
        }
    }
}

/// The algorithm that an identifier by itself names: SM2 under each of its names, and those of certificates.
pub(super) fn algorithm(id: Oid) -> Option<SignatureAlgorithm> {
    if [oid::SM2_SIGN, oid::SM2].contains(&id) {
        return Some(SignatureAlgorithm::Sm2Sm3);
    }
    SignatureAlgorithm::ALL.into_iter().find(|one| one.oid() == id)
}

/// Whether the certificate's key made the signature, as a finding.
pub(super) fn signed(check: Check, cert: Option<&Cert>, named: Oid, message: &[u8], signature: &[u8]) -> Finding {
    let made = |outcome, code, en: String, zh: String| Finding::new(check, outcome, code, en, zh);
    let Some(cert) = cert else {
        return made(
            Outcome::Fail,
            "certificate-malformed",
            "The certificate beside the signature does not read.".to_owned(),
            "签名所附证书无法解析。".to_owned(),
        );
    };
    let Some(algorithm) = algorithm(named) else {
        return made(
            Outcome::Unknown,
            "algorithm-unknown",
            format!("Signatures by {named} are not accepted here."),
            format!("不接受签名算法 {named}。"),
        );
    };
    let key = match cert.public_key() {
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
    if key.verify_tolerant(algorithm, message, signature) {
        let name = name_of(cert.subject());
        made(Outcome::Pass, "ok", format!("{algorithm}, by {name}."), format!("{algorithm} 签名有效，签名者 {name}。"))
    } else {
        made(
            Outcome::Fail,
            "signature-wrong",
            "The signature was not made by the certificate's key over these bytes.".to_owned(),
            "签名值验证失败：内容被改动，或不是该证书的密钥所签。".to_owned(),
        )
    }
}

impl Judge<'_> {
    /// Where the certificate led at `at`, whether its key may sign, whether it was revoked. `proven`: whether more
    /// than its holder's word says that it was used then. Whether the certificate itself was valid then is told
    /// under `chain` for makers and under the time for signers.
    pub(super) fn chain(
        &self,
        role: Role,
        cert: &Cert,
        along: &[Cert],
        at: Instant,
        proven: bool,
        findings: &mut Vec<Finding>,
    ) {
        let (chain, revocation) = role.checks();
        let intermediates: Vec<Cert> =
            along.iter().chain(&self.evidence.certificates).chain(&self.trust.certificates).cloned().collect();
        let crls: Vec<Crl> = self.trust.crls.iter().chain(&self.evidence.crls).cloned().collect();
        let ocsps: Vec<OcspAnswer> = self.trust.ocsps.iter().chain(&self.evidence.ocsps).cloned().collect();
        let options = Options {
            revocation: if self.trust.demand_revocation { Revocation::Required } else { Revocation::WhereKnown },
            crls: &crls,
            ocsps: &ocsps,
            told: &self.trust.told,
            evidence_until: Some(self.at),
            ..Options::default()
        };
        let report = examine(cert, &intermediates, &self.trust.anchors, at, &options);
        findings.push(chain_finding(chain, role, cert, &report, at));
        let mut later = self.revoked_later(cert, &report, &crls, at);
        if later.is_none() && !ocsps.is_empty() && at < self.at {
            // As of now: an answer tells of a revocation after the moment that counts only when asked so.
            let now = examine(cert, &intermediates, &self.trust.anchors, self.at, &options);
            later = now.findings.iter().find_map(|finding| match finding.result {
                Err(Problem::Revoked { at: when, reason }) if finding.certificate == 0 && when > at => {
                    Some(Revoked { at: when, reason, invalidity: None })
                }
                _ => None,
            });
        }
        findings.push(self.revocation_finding(revocation, &report, later, at, proven));
    }

    fn revocation_finding(
        &self,
        check: Check,
        report: &path::Report,
        later: Option<Revoked>,
        at: Instant,
        proven: bool,
    ) -> Finding {
        let made = |outcome, code, en: String, zh: String| Finding::new(check, outcome, code, en, zh);
        let told: Vec<_> = report.findings.iter().filter(|finding| finding.check == path::Check::Revocation).collect();
        let name = |place: usize| report.path.get(place).map_or_else(|| "?".to_owned(), |one| name_of(one.subject()));
        for finding in &told {
            if let Err(Problem::Revoked { at: when, reason }) = finding.result {
                let name = name(finding.certificate);
                return made(
                    Outcome::Fail,
                    "revoked",
                    format!("{name} was revoked at {when}, before it was used: {reason}."),
                    format!("{name} 已于 {when} 被吊销（{reason}），早于签署时间 {at}。"),
                );
            }
        }
        if let Some(later) = later {
            let (when, reason) = (later.at, later.reason);
            let compromised = matches!(reason, Reason::KeyCompromise | Reason::CaCompromise);
            if let Some(since) = later.invalidity.filter(|since| *since <= at) {
                return made(
                    Outcome::Fail,
                    "compromised",
                    format!("Its key was in other hands since {since}, before it was used (revoked at {when})."),
                    format!("证书密钥自 {since} 起已失控，早于签署时间（{when} 被吊销）。"),
                );
            }
            return if compromised && !proven {
                made(
                    Outcome::Fail,
                    "compromised",
                    format!(
                        "Its key was compromised (revoked at {when}), and nothing but the signer's word says that it \
                         was used before."
                    ),
                    format!("证书因密钥泄露于 {when} 被吊销，且没有可信时间戳证明签署在此之前。"),
                )
            } else {
                made(
                    Outcome::Warning,
                    "revoked-later",
                    format!("It was revoked at {when}, after it was used: {reason}."),
                    format!("证书在签署之后于 {when} 被吊销（{reason}），不影响此前的签署。"),
                )
            };
        }
        let open = told.iter().find_map(|finding| finding.result.err().map(|why| (finding.certificate, why)));
        if let Some((place, why)) = open {
            let outcome = if self.trust.demand_revocation { Outcome::Unknown } else { Outcome::Warning };
            let name = name(place);
            return made(
                outcome,
                "revocation-unsure",
                format!("Whether {name} was revoked could not be decided: {why}."),
                format!("无法确定 {name} 是否被吊销（现有 CRL 或 OCSP 不可用）。"),
            );
        }
        if report.findings.iter().any(|finding| finding.check == path::Check::Path && finding.result.is_err()) {
            return made(
                Outcome::NotChecked,
                "no-trusted-path",
                "There is no path to look up.".to_owned(),
                "没有可信证书链，无法查询吊销状态。".to_owned(),
            );
        }
        let leaf = report.evidence.iter().find(|evidence| evidence.certificate == 0);
        match leaf {
            Some(evidence) => {
                let made_at = evidence.made;
                made(
                    Outcome::Pass,
                    "ok",
                    format!("It was not revoked, as of {made_at}."),
                    format!("证书未被吊销（依据 {made_at} 的状态信息）。"),
                )
            }
            None if report.path.len() == 1 => {
                made(Outcome::Pass, "ok", "It is itself believed.".to_owned(), "证书本身即为可信根。".to_owned())
            }
            None => made(
                Outcome::NotChecked,
                "no-revocation-data",
                "No CRL or OCSP answer tells of it.".to_owned(),
                "没有可用的 CRL 或 OCSP 应答。".to_owned(),
            ),
        }
    }

    /// Whether the certificate was revoked after the moment that counts, by what the caller knows or by a list that
    /// its issuer signed.
    fn revoked_later(&self, cert: &Cert, report: &path::Report, crls: &[Crl], at: Instant) -> Option<Revoked> {
        let told = self.trust.told.iter().filter(|(one, _)| one == cert).find_map(|(_, status)| match status {
            CertStatus::Revoked(revocation) => Some(*revocation),
            CertStatus::Good => None,
        });
        let issuer = report.path.get(1)?.public_key().ok();
        let listed = || {
            crls.iter().filter(|crl| crl.issuer() == cert.issuer()).find_map(|crl| {
                let entry = crl.find(cert.serial())?;
                let signed = issuer.is_some_and(|key| crl.is_signed_by(key));
                let revoked = Revoked { at: entry.at, reason: entry.reason, invalidity: entry.invalidity };
                (signed && !entry.removes).then_some(revoked)
            })
        };
        told.or_else(listed).filter(|revoked| revoked.at > at && revoked.at <= self.at)
    }
}

fn chain_finding(check: Check, role: Role, cert: &Cert, report: &path::Report, at: Instant) -> Finding {
    let made = |outcome, code: &str, en: String, zh: String| Finding::new(check, outcome, code, en, zh);
    let usage = cert.extensions().key_usage;
    if usage.is_some_and(|usage| !usage.digital_signature() && !usage.non_repudiation()) {
        return made(
            Outcome::Fail,
            "key-usage",
            "The certificate's key may not sign.".to_owned(),
            "证书密钥用法不允许签名。".to_owned(),
        );
    }
    let counts = |finding: &&path::Finding| {
        let apart = finding.check == path::Check::Revocation
            || (role == Role::Signer && finding.certificate == 0 && finding.check == path::Check::Validity);
        finding.result.is_err() && !apart
    };
    let Some(failed) = report.findings.iter().find(counts) else {
        let names: Vec<String> = report.path.iter().map(|one| name_of(one.subject())).collect();
        let names = names.join(" < ");
        return made(
            Outcome::Pass,
            "ok",
            format!("It leads to a trusted root: {names}."),
            format!("证书链可信：{names}。"),
        );
    };
    let name = report.path.get(failed.certificate).map_or_else(|| "?".to_owned(), |one| name_of(one.subject()));
    let problem = failed.result.err().unwrap_or(Problem::NoIssuer);
    if failed.check == path::Check::Path {
        // Nobody said that the root is a bad one: it is only not among those believed.
        return made(
            Outcome::Unknown,
            "no-trusted-path",
            format!("{name}: {problem}."),
            format!("{name}：未找到通向可信根证书的路径。"),
        );
    }
    let code = format!("chain-{}", failed.check.as_str());
    made(
        Outcome::Fail,
        &code,
        format!("{name}: {problem} (as of {at})."),
        format!("{name}：证书链在 {at} 时无效（{}）。", failed.check.as_str()),
    )
}
