//! Judging a token as a court would, years later: every question by itself, none left out because another
//! failed. Pure: the data's digest, the roots, the CRLs and the time are given; nothing is fetched.
//!
//! Three answers are told apart: a check *passed*, it *failed* (the token proves nothing), or it *could not be
//! made* with what was given. A token is valid if everything necessary passed.

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use der::Decode as _;
use pki_config::status::Reason;
use pki_config::{Instant, oid};
use serde::Serialize;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use super::opened::OpenedToken;
use crate::digest;
use crate::path::{Anchors, Cert, Check, Crl, OcspAnswer, Options, Problem, Report, Revocation, examine};

/// A clock of another machine may be this much ahead of ours before a token counts as from the future.
const FUTURE: std::time::Duration = std::time::Duration::from_secs(300);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It could not be checked with what was given, and without it nothing is proven.
    Unknown,
    /// It was not asked for, or nothing was given to check it with; the rest holds without it.
    NotChecked,
}

/// What a check was about. The words are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// The bytes are a token.
    Form,
    /// The token is about these data.
    Imprint,
    /// The signed attributes are about this TSTInfo.
    Content,
    /// The signature is the signer's.
    Signature,
    /// The signed attributes name this very certificate.
    SigningCertificate,
    /// The certificate is for time-stamping and nothing else.
    CertificateUse,
    /// The certificate led to a trusted root when the token was made.
    Chain,
    /// The certificate was not revoked then, nor for a reason that reaches back.
    Revocation,
    /// The policy is the one that is wanted.
    Policy,
    /// The time is possible, and how sure it is.
    Time,
    /// The token answers this request.
    Nonce,
    /// The token stands in the authority's log.
    Log,
    /// The token was renewed before its certificate ended, or need not be yet.
    Renewal,
}

impl Question {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Imprint => "imprint",
            Self::Content => "content",
            Self::Signature => "signature",
            Self::SigningCertificate => "signing-certificate",
            Self::CertificateUse => "certificate-use",
            Self::Chain => "chain",
            Self::Revocation => "revocation",
            Self::Policy => "policy",
            Self::Time => "time",
            Self::Nonce => "nonce",
            Self::Log => "log",
            Self::Renewal => "renewal",
        }
    }

    /// Its name in Chinese.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Form => "格式",
            Self::Imprint => "数据摘要",
            Self::Content => "签名内容",
            Self::Signature => "签名",
            Self::SigningCertificate => "签名证书标识",
            Self::CertificateUse => "证书用途",
            Self::Chain => "证书链",
            Self::Revocation => "吊销状态",
            Self::Policy => "时间戳策略",
            Self::Time => "时间",
            Self::Nonce => "随机数",
            Self::Log => "审计日志",
            Self::Renewal => "续期",
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer to one question, as a sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: Question,
    /// How it came out.
    pub result: Outcome,
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Finding {
    /// An answer.
    #[must_use]
    pub fn new(check: Question, result: Outcome, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { check, result, en: en.into(), zh: zh.into() }
    }
}

/// All answers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Everything necessary passed.
    Valid,
    /// Something failed.
    Invalid,
    /// Nothing failed, and something necessary could not be checked.
    Undecided,
}

impl Judgement {
    /// Of these findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let any = |outcome| findings.iter().any(|finding| finding.result == outcome);
        if any(Outcome::Fail) {
            Self::Invalid
        } else if any(Outcome::Unknown) || findings.is_empty() {
            Self::Undecided
        } else {
            Self::Valid
        }
    }
}

/// What the token is held against.
#[derive(Debug, Clone, Default)]
pub struct Against<'a> {
    /// The digest of the data, by the token's hash. See [`OpenedToken::info`].
    pub data_digest: Option<&'a [u8]>,
    /// The roots that are believed.
    pub anchors: Anchors,
    /// Certificates beside those in the token.
    pub certificates: Vec<Cert>,
    /// CRLs; each is checked before it is believed.
    pub crls: Vec<Crl>,
    /// OCSP answers; each is checked before it is believed.
    pub ocsps: Vec<OcspAnswer>,
    /// The policy that is wanted.
    pub policy: Option<Oid>,
    /// The nonce of the request: content octets of the INTEGER.
    pub nonce: Option<&'a [u8]>,
    /// As of when it is judged.
    pub now: Option<Instant>,
}

/// Answers every question about a token, in the order of [`Question`].
#[must_use]
pub fn verify(token: &OpenedToken, against: &Against<'_>) -> Vec<Finding> {
    let signer = token.signer_certificate(&against.certificates);
    let mut findings = vec![
        Finding::new(Question::Form, Outcome::Pass, "an RFC 3161 time-stamp token", "符合 RFC 3161 的时间戳令牌"),
        imprint(token, against.data_digest),
        content(token),
        signature(token, signer),
    ];
    if let Some(signer) = signer {
        let path = path(token, signer, against);
        findings.push(signing_certificate(token, signer));
        findings.push(certificate_use(signer));
        findings.push(chain(&path, token));
        findings.push(revocation(&path, token, against));
    }
    findings.push(policy(token, against.policy));
    findings.push(time(token, against.now));
    if let Some(nonce) = against.nonce {
        findings.push(if token.info.nonce.as_deref() == Some(nonce) {
            Finding::new(Question::Nonce, Outcome::Pass, "it repeats the request's", "与请求一致")
        } else {
            Finding::new(Question::Nonce, Outcome::Fail, "it answers another request", "令牌不是对该请求的应答")
        });
    }
    findings
}

fn imprint(token: &OpenedToken, digest: Option<&[u8]>) -> Finding {
    let made = |outcome, en: String, zh: String| Finding::new(Question::Imprint, outcome, en, zh);
    let Some(hash) = token.info.hash else {
        let oid = token.info.hash_oid;
        return made(Outcome::Unknown, format!("the hash {oid} is not known here"), format!("不支持摘要算法 {oid}"));
    };
    let name = hash.as_str();
    match digest {
        _ if token.info.digest.len() != hash.length() => {
            made(Outcome::Fail, format!("no {name} digest has this length"), format!("{name} 摘要长度不符"))
        }
        None => made(Outcome::Unknown, "the data are not given".to_owned(), "未提供原始数据".to_owned()),
        Some(digest) if digest == token.info.digest => made(
            Outcome::Pass,
            format!("the data have the {name} digest in the token"),
            format!("数据的 {name} 摘要与令牌一致"),
        ),
        Some(_) => made(
            Outcome::Fail,
            format!("the data have another {name} digest: they were changed, or the token is another file's"),
            format!("数据的 {name} 摘要与令牌不一致：文件已被更改，或令牌属于其他文件"),
        ),
    }
}

fn content(token: &OpenedToken) -> Finding {
    let made = |outcome, en, zh| Finding::new(Question::Content, outcome, en, zh);
    let signer = &token.signer;
    if token.info.critical_extension {
        return made(Outcome::Unknown, "a critical extension is not known here", "含有不支持的关键扩展");
    }
    if signer.content_type.as_deref() != Some(oid::CT_TST_INFO.as_bytes()) {
        return made(Outcome::Fail, "what was signed is not said to be a TSTInfo", "签名属性未声明内容为 TSTInfo");
    }
    let Some(hash) = signer.hash else {
        return made(Outcome::Unknown, "the digest algorithm is not known here", "不支持签名所用摘要算法");
    };
    if signer.message_digest.as_deref() == Some(&digest::of(hash, token.content())[..]) {
        made(Outcome::Pass, "the signed attributes hold the digest of the TSTInfo", "签名属性与 TSTInfo 摘要一致")
    } else {
        made(Outcome::Fail, "the TSTInfo was changed after it was signed", "TSTInfo 在签名后被更改")
    }
}

fn signature(token: &OpenedToken, signer: Option<&Cert>) -> Finding {
    let made = |outcome, en: String, zh: String| Finding::new(Question::Signature, outcome, en, zh);
    let Some(signer) = signer else {
        return made(
            Outcome::Unknown,
            "the signer's certificate is neither in the token nor given".to_owned(),
            "令牌中没有签名者证书，也未另行提供".to_owned(),
        );
    };
    let key = match signer.public_key() {
        Ok(key) => key,
        Err(why) => return made(Outcome::Fail, why.to_string(), "签名者公钥不可接受".to_owned()),
    };
    let Some(algorithm) = token.signer.algorithm else {
        let oid = token.signer.algorithm_oid.map_or_else(|| "?".to_owned(), |oid| oid.to_string());
        return made(
            Outcome::Unknown,
            format!("the algorithm {oid} is not known here"),
            format!("不支持签名算法 {oid}"),
        );
    };
    if key.verify(algorithm, &token.signer.attributes, &token.signer.signature) {
        made(Outcome::Pass, format!("{algorithm}, by the certificate's key"), format!("{algorithm} 签名有效"))
    } else {
        made(
            Outcome::Fail,
            "it was not made by the certificate's key over these bytes".to_owned(),
            "签名无效".to_owned(),
        )
    }
}

fn signing_certificate(token: &OpenedToken, signer: &Cert) -> Finding {
    let made = |outcome, en, zh| Finding::new(Question::SigningCertificate, outcome, en, zh);
    match token.signer.names_certificate(signer) {
        Some(true) if token.signer.signing_certificate_v2.is_some() => made(
            Outcome::Pass,
            "the token measures this very certificate (ESSCertIDv2)",
            "令牌绑定该证书（ESSCertIDv2）",
        ),
        Some(true) => made(
            Outcome::Pass,
            "the token measures this very certificate (ESSCertID, by SHA-1)",
            "令牌绑定该证书（ESSCertID，SHA-1）",
        ),
        Some(false) => made(Outcome::Fail, "the token was signed for another certificate", "令牌绑定的是另一张证书"),
        None => made(Outcome::Fail, "the token does not say by which certificate it was signed", "令牌未绑定签名证书"),
    }
}

/// Whether a certificate is for time-stamping and nothing else (RFC 3161 2.3).
#[must_use]
pub fn certificate_use(signer: &Cert) -> Finding {
    let made = |outcome, en, zh| Finding::new(Question::CertificateUse, outcome, en, zh);
    let wrong = |en, zh| made(Outcome::Fail, en, zh);
    let Ok(cert) = x509_cert::Certificate::from_der(signer.der()) else {
        return made(Outcome::Unknown, "its extensions do not read", "无法解析证书扩展");
    };
    let tbs = cert.tbs_certificate();
    match tbs.get_extension::<ExtendedKeyUsage>() {
        Ok(Some((critical, usage))) if usage.0 == [oid::KP_TIME_STAMPING] => {
            if !critical {
                return wrong("its extended key usage is not critical (RFC 3161 2.3)", "扩展密钥用法未标为关键");
            }
        }
        _ => return wrong("it is not for time-stamping alone (RFC 3161 2.3)", "证书不是时间戳专用"),
    }
    if let Ok(Some((_, usage))) = tbs.get_extension::<KeyUsage>() {
        let allowed = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
        if usage.0.is_empty() || !(usage.0 | allowed == allowed) {
            return wrong("its key may do more or less than sign", "密钥用法不是仅限签名");
        }
    }
    made(Outcome::Pass, "it is for time-stamping and nothing else", "证书为时间戳专用")
}

fn path(token: &OpenedToken, signer: &Cert, against: &Against<'_>) -> Report {
    let intermediates: Vec<Cert> = token.certificates.iter().chain(&against.certificates).cloned().collect();
    let options = Options { ext_key_usage: Some(oid::KP_TIME_STAMPING), ..Options::default() };
    examine(signer, &intermediates, &against.anchors, token.info.time.instant(), &options)
}

fn subject(cert: &Cert) -> String {
    pki_config::name::DistinguishedName::from_der(cert.subject())
        .map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

fn chain(report: &Report, token: &OpenedToken) -> Finding {
    let at = token.info.time;
    let Some(failed) = report.findings.iter().find(|finding| finding.result.is_err()) else {
        let names: Vec<String> = report.path.iter().map(subject).collect();
        let names = names.join(" < ");
        return Finding::new(
            Question::Chain,
            Outcome::Pass,
            format!("valid at {at}: {names}"),
            format!("{at} 时有效：{names}"),
        );
    };
    let name = report.path.get(failed.certificate).map_or_else(|| "?".to_owned(), subject);
    let problem = failed.result.err().unwrap_or(Problem::NoIssuer);
    // Nobody said that the root is a bad one: it is only not among those believed.
    let outcome = if failed.check == Check::Path { Outcome::Unknown } else { Outcome::Fail };
    Finding::new(
        Question::Chain,
        outcome,
        format!("{name}: {problem}"),
        if outcome == Outcome::Unknown {
            format!("{name}：未找到通向可信根证书的路径")
        } else {
            format!("{name}：证书链在 {at} 时无效（{}）", failed.check.as_str())
        },
    )
}

/// Decided by CRLs and OCSP answers made after the token: only those know what was revoked up to then. A revocation after the
/// token leaves it valid, unless its reason reaches back: then nobody knows who has had the key (RFC 3161 4).
fn revocation(report: &Report, token: &OpenedToken, against: &Against<'_>) -> Finding {
    let made = |outcome, en: String, zh: String| Finding::new(Question::Revocation, outcome, en, zh);
    let at = token.info.time.instant();
    let Some((anchor, below)) = report.path.split_last() else {
        return made(Outcome::NotChecked, "there is no path to look up".to_owned(), "无证书链可查".to_owned());
    };
    let issuers: Vec<&[u8]> = report.path.iter().map(Cert::subject).collect();
    // When the newest list or answer was made by which each certificate is not revoked.
    let mut seen: Vec<Option<Instant>> = vec![None; below.len()];
    let mut later = None;
    let lists = against.crls.iter().filter(|crl| issuers.contains(&crl.issuer()));
    let lists = lists.map(|crl| (crl.this_update(), by_crl(crl, &report.path, anchor)));
    let answers = against.ocsps.iter().map(|ocsp| (ocsp.produced_at(), by_ocsp(ocsp, &report.path, anchor)));
    for (as_of, told) in lists.chain(answers) {
        for (place, result) in told {
            match result {
                Ok(()) if as_of >= at.whole_second() => {
                    seen[place] = seen[place].max(Some(as_of));
                }
                Err(Problem::Revoked { at: when, reason }) => {
                    let name = subject(&report.path[place]);
                    if when <= at || !looks_forward(reason) {
                        return made(
                            Outcome::Fail,
                            format!("{name} was revoked at {when}: {reason}"),
                            format!("{name} 已于 {when} 被吊销（{reason}）"),
                        );
                    }
                    seen[place] = seen[place].max(Some(as_of));
                    later = Some((when, reason));
                }
                _ => {}
            }
        }
    }
    if let Some(place) = seen.iter().position(Option::is_none) {
        let name = subject(&report.path[place]);
        return made(
            Outcome::NotChecked,
            format!("no CRL or OCSP answer made after the token tells of {name}"),
            format!("没有晚于该令牌的 CRL 或 OCSP 响应可查 {name}"),
        );
    }
    match (later, seen.iter().flatten().min()) {
        (Some((when, reason)), _) => made(
            Outcome::Pass,
            format!("revoked only after the token, at {when}: {reason}"),
            format!("仅在令牌签发之后于 {when} 吊销（{reason}），令牌不受影响"),
        ),
        (None, Some(list)) => made(
            Outcome::Pass,
            format!("not revoked, by what was told at {list}"),
            format!("未被吊销（依据时间 {list}）"),
        ),
        (None, None) => made(Outcome::Pass, "the root itself is believed".to_owned(), "签名者即可信根".to_owned()),
    }
}

/// Reasons that say nothing of the time before the revocation (RFC 3161 4).
const fn looks_forward(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AffiliationChanged | Reason::Superseded | Reason::CessationOfOperation | Reason::CertificateHold
    )
}

/// What one CRL says, as of when it was made, of each certificate of a path.
fn by_crl(crl: &Crl, path: &[Cert], anchor: &Cert) -> Vec<(usize, Result<(), Problem>)> {
    let options = Options { crls: std::slice::from_ref(crl), ..Options::default() };
    told(options, crl.this_update(), path, anchor)
}

/// Likewise one OCSP answer.
fn by_ocsp(ocsp: &OcspAnswer, path: &[Cert], anchor: &Cert) -> Vec<(usize, Result<(), Problem>)> {
    let options = Options { ocsps: std::slice::from_ref(ocsp), ..Options::default() };
    told(options, ocsp.produced_at(), path, anchor)
}

fn told(options: Options<'_>, at: Instant, path: &[Cert], anchor: &Cert) -> Vec<(usize, Result<(), Problem>)> {
    let Some(leaf) = path.first() else { return Vec::new() };
    let options = Options { revocation: Revocation::Required, ..options };
    let anchors = Anchors::new(vec![anchor.clone()]);
    let report = examine(leaf, path, &anchors, at, &options);
    let told = report.findings.iter().filter(|finding| finding.check == Check::Revocation);
    // The same certificates lead to the same path; if ever not, nothing is taken from it.
    let same = report.path == path;
    told.filter(|_| same).map(|finding| (finding.certificate, finding.result)).collect()
}

fn policy(token: &OpenedToken, wanted: Option<Oid>) -> Finding {
    let is = token.info.policy;
    match wanted {
        None => Finding::new(
            Question::Policy,
            Outcome::NotChecked,
            format!("{is}; none is demanded"),
            format!("{is}，未指定要求"),
        ),
        Some(wanted) if wanted == is => Finding::new(Question::Policy, Outcome::Pass, is.to_string(), is.to_string()),
        Some(wanted) => Finding::new(
            Question::Policy,
            Outcome::Fail,
            format!("{is}, and {wanted} is demanded"),
            format!("策略为 {is}，要求的是 {wanted}"),
        ),
    }
}

fn time(token: &OpenedToken, now: Option<Instant>) -> Finding {
    let at = token.info.time;
    if now.is_some_and(|now| at.instant() > now.plus(FUTURE)) {
        return Finding::new(
            Question::Time,
            Outcome::Fail,
            format!("{at} lies in the future"),
            format!("{at} 晚于当前时间"),
        );
    }
    let (en, zh) = match token.info.accuracy_micros {
        Some(micros) => {
            let text = seconds(micros);
            (format!("within {text} s"), format!("误差不超过 {text} 秒"))
        }
        None => ("of unstated accuracy".to_owned(), "未声明精度".to_owned()),
    };
    let (order_en, order_zh) =
        if token.info.ordering { (", in the order of issue", "，按签发顺序递增") } else { ("", "") };
    Finding::new(Question::Time, Outcome::Pass, format!("{at}, {en}{order_en}"), format!("{at}，{zh}{order_zh}"))
}

/// Microseconds as seconds, without trailing zeros.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
