//! Judging what a reader found, as the receiver of a document would: every check of GM/T 0031-2014 6.1.2 and 6.2.3
//! (GB/T 38540-2020 has the same) by itself, none left out because another failed.
//!
//! Pure: the roots, lists, answers and the time are given; nothing is fetched. What the document carries for its
//! verifiers (certificates, CRLs, OCSP answers) is used as well, never believed without a signature that leads to a
//! root.
//!
//! When a signature counts is decided thus: a time-stamp that holds says it; without one the signer's own word does,
//! with a warning. A certificate that expired or was revoked *after* that moment does not spoil the signature, unless
//! the key is said to be compromised and nothing but the signer's word tells that the signature is older.

mod bare;
mod chain;
mod message;
mod seal;
mod signature;
mod time;

use crypto_pool::path::{Anchors, Cert, Crl, OcspAnswer};
use pki_config::Instant;
use pki_config::status::CertStatus;

use super::facts::{Facts, Found, Hash, Kind};
use super::finding::{Check, Finding, Outcome};
use super::report::{Party, Report, SealParty, SignatureForm, SignatureReport, Subject, TimeSource, Verdict};
use super::ses::{Seal, SealSignature};

pub use chain::Known;

/// Most CRLs and certificates that are taken from a document.
const MOST_EVIDENCE: usize = 200;

/// Where a seal of ours is in its life, for whoever verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be used.
    Enabled,
    /// It was made and is not in use yet.
    NotEnabled,
    /// Set aside.
    Suspended,
    /// Taken back for good.
    Revoked,
}

/// What the house that made a seal says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealStanding {
    /// The identifier in the seal.
    pub id: String,
    /// Where it is.
    pub standing: Standing,
    /// Since when.
    pub since: Instant,
}

/// Whose seals are believed.
#[derive(Debug, Clone, Default)]
pub enum Makers {
    /// Of every maker whose certificate leads to a root.
    #[default]
    Any,
    /// Of these only, by their certificates, DER.
    These(Vec<Vec<u8>>),
}

/// What the document is held against.
#[derive(Debug, Default)]
pub struct Trust {
    /// The roots that are believed.
    pub anchors: Anchors,
    /// Certificates beside those in the document.
    pub certificates: Vec<Cert>,
    /// CRLs; each is checked before it is believed.
    pub crls: Vec<Crl>,
    /// OCSP answers; each is checked before it is believed.
    pub ocsps: Vec<OcspAnswer>,
    /// What the caller itself knows of certificates, now.
    pub told: Vec<(Cert, CertStatus)>,
    /// What the caller itself knows of seals.
    pub seals: Vec<SealStanding>,
    /// Whose seals are believed.
    pub makers: Makers,
    /// Whether a certificate of which nobody tells that it is not revoked leaves the verdict open. Otherwise that is
    /// only noted.
    pub demand_revocation: bool,
    /// Certificates that were read before: reading and checking them again is spared.
    pub known: Known,
}

/// What a document makes the caller want to know before it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Certificates of signers and makers of seals.
    pub certificates: Vec<Cert>,
    /// Identifiers of seals.
    pub seals: Vec<String>,
}

/// Whose certificates and which seals a document shows, so that their status can be looked up.
#[must_use]
pub fn wanted(facts: &Facts, trust: &Trust) -> Wanted {
    let mut wanted = Wanted::default();
    let mut add = |der: &[u8]| {
        if let Some(cert) = trust.known.read(der)
            && !wanted.certificates.contains(&cert)
        {
            wanted.certificates.push(cert);
        }
    };
    for found in &facts.signatures {
        if let Ok(signature) = SealSignature::read(&found.value) {
            add(&signature.signer);
            add(&signature.seal.maker);
            wanted.seals.push(signature.seal.id);
        } else if let Ok(message) = crypto_pool::cms::read::SignedData::from_der(&found.value) {
            message.certificates.iter().for_each(|cert| add(cert.der()));
        }
    }
    wanted.seals.sort_unstable();
    wanted.seals.dedup();
    wanted
}

/// Judges a document as of `at`.
#[must_use]
pub fn judge(facts: &Facts, trust: &Trust, at: Instant) -> Report {
    let judge = Judge::new(trust, at, facts);
    let mut findings = facts.findings.clone();
    // A time-stamp over the document shows that the signatures before it were there.
    let mut signatures: Vec<SignatureReport> = Vec::with_capacity(facts.signatures.len());
    let mut proven: Option<Instant> = None;
    for found in facts.signatures.iter().rev() {
        let report = judge.found(found, proven);
        if report.form == SignatureForm::DocumentTimeStamp && report.verdict == Verdict::Valid {
            proven = Some(proven.map_or(report.time, |earlier| earlier.min(report.time)));
        }
        signatures.push(report);
    }
    signatures.reverse();
    if signatures.is_empty() {
        findings.push(Finding::new(
            Check::Document,
            Outcome::Unknown,
            "not-signed",
            "The document bears no signature.",
            "文档没有任何签名或签章。",
        ));
    }
    report(facts.format.into(), facts.pages.len(), at, signatures, findings)
}

/// Judges a seal by itself (`.esl`) as of `at`.
#[must_use]
pub fn judge_seal(der: &[u8], trust: &Trust, at: Instant) -> Report {
    let judge = Judge { trust, at, evidence: Extra::default() };
    let mut one = blank(String::new(), SignatureForm::Seal, at);
    match Seal::read(der) {
        Ok(seal) => {
            one.findings.extend(judge.structure_of(&seal));
            let maker = judge.seal(&seal, at, true, &mut one.findings);
            one.findings.extend(judge.seal_time_stamp(&seal));
            one.maker = maker.as_ref().map(party);
            one.seal = Some(seal_party(seal));
        }
        Err(why) => one.findings.push(unreadable(&why.to_string())),
    }
    one.time_source = TimeSource::Judging;
    conclude(&mut one);
    report(Subject::Seal, 0, at, vec![one], Vec::new())
}

/// Judges the value of a signature by itself as of `at`; `digests` are those of what it is said to sign, if that is
/// at hand.
#[must_use]
pub fn judge_value(value: &[u8], digests: &[(Hash, Vec<u8>)], trust: &Trust, at: Instant) -> Report {
    let found = Found {
        kind: Kind::Pdf,
        name: String::new(),
        property: String::new(),
        value: value.to_vec(),
        digests: digests.to_vec(),
        signed: None,
        time: None,
        seal: None,
        stamps: Vec::new(),
        findings: Vec::new(),
    };
    let judge = Judge { trust, at, evidence: Extra::default() };
    report(Subject::Signature, 0, at, vec![judge.found(&found, None)], Vec::new())
}

fn report(
    subject: Subject,
    pages: usize,
    at: Instant,
    signatures: Vec<SignatureReport>,
    findings: Vec<Finding>,
) -> Report {
    let all = findings.iter().chain(signatures.iter().flat_map(|one| &one.findings));
    let verdict = Verdict::of(all);
    Report { verdict, subject, pages: u32::try_from(pages).unwrap_or(u32::MAX), at, signatures, findings }
}

/// What a document carries, read.
#[derive(Default)]
struct Extra {
    certificates: Vec<Cert>,
    crls: Vec<Crl>,
    ocsps: Vec<OcspAnswer>,
}

/// The court.
struct Judge<'a> {
    trust: &'a Trust,
    at: Instant,
    evidence: Extra,
}

impl<'a> Judge<'a> {
    fn new(trust: &'a Trust, at: Instant, facts: &Facts) -> Self {
        let carried = &facts.evidence;
        let certificates = carried.certificates.iter().take(MOST_EVIDENCE).filter_map(|der| trust.known.read(der));
        let crls = carried.crls.iter().take(MOST_EVIDENCE).filter_map(|der| Crl::from_der_tolerant(der.clone()).ok());
        let ocsps = carried.ocsps.iter().take(MOST_EVIDENCE).filter_map(|der| OcspAnswer::from_der(der).ok());
        let evidence = Extra { certificates: certificates.collect(), crls: crls.collect(), ocsps: ocsps.collect() };
        Self { trust, at, evidence }
    }

    /// One signature, whatever its form. `proven`: when something later shows that it was there.
    fn found(&self, found: &Found, proven: Option<Instant>) -> SignatureReport {
        let mut one = blank(found.name.clone(), SignatureForm::Unknown, found.time.unwrap_or(self.at));
        one.stamps.clone_from(&found.stamps);
        one.findings.clone_from(&found.findings);
        if found.kind == Kind::PdfTimeStamp {
            self.document_time_stamp(found, &mut one);
        } else if SealSignature::is_likely(&found.value) {
            self.seal_signature(found, proven, &mut one);
        } else if bare::is_likely(&found.value) {
            self.bare(found, &mut one);
        } else {
            self.message(found, proven, &mut one);
        }
        conclude(&mut one);
        one
    }
}

/// Sorts the findings and draws the conclusion.
fn conclude(one: &mut SignatureReport) {
    one.findings.sort_by_key(|finding| finding.check);
    one.verdict = Verdict::of(&one.findings);
}

fn blank(name: String, form: SignatureForm, at: Instant) -> SignatureReport {
    SignatureReport {
        verdict: Verdict::Undecided,
        name,
        form,
        seal: None,
        maker: None,
        signer: None,
        time: at,
        time_source: TimeSource::Document,
        time_stamp_authority: None,
        stamps: Vec::new(),
        findings: Vec::new(),
    }
}

fn unreadable(why: &str) -> Finding {
    Finding::new(
        Check::Structure,
        Outcome::Fail,
        "malformed",
        format!("The signature does not read: {why}."),
        format!("无法解析签名结构：{why}。"),
    )
}

/// A name as people read it.
fn name_of(name: &[u8]) -> String {
    pki_config::name::DistinguishedName::from_der(name).map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

fn party(cert: &Cert) -> Party {
    let serial = match cert.serial() {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    Party {
        subject: name_of(cert.subject()),
        issuer: name_of(cert.issuer()),
        serial: serial.iter().map(|octet| format!("{octet:02X}")).collect(),
        from: cert.not_before(),
        until: cert.not_after(),
        der: cert.der().to_vec(),
    }
}

fn seal_party(seal: Seal) -> SealParty {
    SealParty {
        id: seal.id,
        name: seal.name,
        version: seal.version,
        kind: seal.kind,
        from: seal.from,
        until: seal.until,
        width: seal.picture.width,
        height: seal.picture.height,
        picture_kind: seal.picture.kind,
        picture: seal.picture.data,
    }
}

#[cfg(test)]
mod tests;
