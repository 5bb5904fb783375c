//! The form of a request: which fields a profile takes, and what was typed into them as the interface's calls want it.

use axum::extract::Multipart;
use pki_config::ErrorCode;
use pki_config::name::{AltKind, Attribute, DistinguishedName};
use pki_config::profile::{KeyKind, Presence, Profile, Rules};

use super::fields::Fields;
use super::{day, words};
use crate::api::CertRequest;
use crate::api::request::{EvidenceFile, EvidenceGiven, Invite};
use crate::edge::base64;
use crate::portal::Language;
use crate::problem::Failure;

/// The largest form with a file of evidence. Unit: bytes.
pub(super) const WITH_FILE: usize = 6 * 1024 * 1024;

/// A field of text.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) example: &'static str,
    pub(super) value: String,
    pub(super) required: bool,
}

/// What the form of one profile asks for.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) profile: String,
    pub(super) title: String,
    pub(super) subject: Vec<Input>,
    pub(super) names: Vec<Input>,
    pub(super) names_required: bool,
    pub(super) identity: Vec<Input>,
    pub(super) days: String,
    pub(super) most_days: u64,
    /// Whether a key that browsers can make may be certified.
    pub(super) takes_p256: bool,
    pub(super) takes_sm2: bool,
    /// Whether two certificates come of it.
    pub(super) pair: bool,
    pub(super) evidence: bool,
    pub(super) reviewer: bool,
}

impl Form {
    /// The form of a profile, with what was typed so far.
    pub(super) fn new(profile: &Profile, typed: &Fields, now: pki_config::Instant, language: Language) -> Self {
        let rules = profile.rules();
        let subject = attributes(rules).into_iter().map(|attribute| {
            let (label, example) = words::attribute(attribute, language);
            let name = format!("subject.{}", attribute.as_str());
            let value = typed.get(&name).to_owned();
            Input { name, label, example, value, required: rules.subject.required.contains(&attribute) }
        });
        let names = rules.san.kinds.iter().map(|kind| {
            let (word, label, example) = alternative(*kind, language);
            let name = format!("san.{word}");
            let value = typed.get(&name).to_owned();
            Input { name, label, example, value, required: rules.san.kinds.len() == 1 && required(rules) }
        });
        let identity = rules.identity.iter().map(|rule| {
            let name = format!("identity.{}", rule.kind.as_str());
            let value = typed.get(&name).to_owned();
            let required = rule.presence == Presence::Required;
            Input { name, label: words::identity(rule.kind, language), example: "", value, required }
        });
        let certifies = |kind| rules.key.certify.iter().any(|line| line.subject.contains(&kind));
        Self {
            profile: profile.name().to_owned(),
            title: words::title(profile, language).to_owned(),
            subject: subject.collect(),
            names: names.collect(),
            names_required: required(rules),
            identity: identity.collect(),
            days: typed.get("days").to_owned(),
            most_days: rules.validity.longest(now).as_secs() / 86_400,
            takes_p256: certifies(KeyKind::P256),
            takes_sm2: certifies(KeyKind::Sm2),
            pair: rules.encryption.is_some(),
            evidence: rules.approval.evidence,
            reviewer: rules.approval.reviewer,
        }
    }
}

fn required(rules: &Rules) -> bool {
    rules.san.presence == Presence::Required
}

/// What the subject may hold, required ones first.
fn attributes(rules: &Rules) -> Vec<Attribute> {
    let required = rules.subject.required.iter();
    let optional = rules.subject.optional.iter().filter(|one| !rules.subject.required.contains(one));
    required.chain(optional).copied().collect()
}

fn alternative(kind: AltKind, language: Language) -> (&'static str, &'static str, &'static str) {
    match kind {
        AltKind::Dns => ("dns", language.say("域名", "Domain names"), "www.example.cn"),
        AltKind::Ip => ("ip", language.say("IP 地址", "Addresses"), "192.0.2.7"),
        AltKind::Email => ("email", language.say("邮箱", "Mailboxes"), "name@example.cn"),
        AltKind::Uri => ("uri", "URI", "https://example.cn/"),
    }
}

/// The subject in RFC 4514 form; `None` if nothing was typed.
fn subject(typed: &Fields) -> Result<Option<String>, Failure> {
    let mut name = DistinguishedName::default();
    for attribute in Attribute::ALL {
        if let Some(value) = typed.typed(&format!("subject.{}", attribute.as_str())) {
            name = name.with(*attribute, &value)?;
        }
    }
    Ok((!name.is_empty()).then(|| name.to_string()))
}

/// The alternative names, as many as stand in the fields, between spaces, commas or line ends.
fn names(typed: &Fields) -> Vec<String> {
    let kinds = ["dns", "ip", "email", "uri"];
    let all = kinds.iter().flat_map(|kind| {
        let text = typed.get(&format!("san.{kind}"));
        let values = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、'));
        values.filter(|value| !value.is_empty()).map(move |value| format!("{kind}:{value}"))
    });
    all.collect()
}

fn identity(typed: &Fields) -> Vec<String> {
    let kinds = pki_config::identity::IdentityKind::ALL.iter();
    kinds
        .filter_map(|kind| Some(format!("{}:{}", kind.as_str(), typed.typed(&format!("identity.{}", kind.as_str()))?)))
        .collect()
}

pub(super) fn days(typed: &Fields) -> Result<Option<u32>, Failure> {
    let days = typed.typed("days").map(|text| text.parse::<u32>());
    days.transpose().map_err(|_| Failure::saying(ErrorCode::BadRequest, "days: expected a whole number"))
}

/// The request that the form files.
pub(super) fn request(typed: &Fields, evidence: Vec<EvidenceGiven>) -> Result<CertRequest, Failure> {
    Ok(CertRequest {
        csr: typed.get("csr").to_owned(),
        subject: subject(typed)?,
        sans: names(typed),
        identity: identity(typed),
        profile: typed.typed("profile"),
        issuer: typed.typed("issuer"),
        days: days(typed)?,
        evidence,
        branch: typed.typed("branch"),
        contact: typed.typed("contact"),
    })
}

/// The same without a key, which the holder sends.
pub(super) fn invitation(typed: &Fields, evidence: Vec<EvidenceGiven>) -> Result<Invite, Failure> {
    let request = request(typed, evidence)?;
    Ok(Invite {
        subject: request.subject.unwrap_or_default(),
        sans: request.sans,
        identity: request.identity,
        profile: request.profile.unwrap_or_default(),
        issuer: request.issuer,
        days: request.days,
        branch: request.branch,
        contact: request.contact,
        evidence: request.evidence,
        link_days: None,
    })
}

/// The evidence in a form: nothing unless a way was chosen.
pub(super) fn evidence(typed: &Fields, file: Option<EvidenceFile>) -> Result<Vec<EvidenceGiven>, Failure> {
    let Some(method) = typed.typed("method") else {
        return match file {
            None => Ok(Vec::new()),
            Some(_) => Err(Failure::saying(ErrorCode::BadRequest, "say how it was checked: choose a method")),
        };
    };
    let expires = day(typed.get("evidence_expires"));
    Ok(vec![EvidenceGiven { method, note: typed.get("note").to_owned(), expires, file }])
}

/// Reads a form that may carry one file, in the field `file`.
pub(in crate::portal) async fn with_file(mut form: Multipart) -> Result<(Fields, Option<EvidenceFile>), Failure> {
    let bad = |e: axum::extract::multipart::MultipartError| Failure::saying(ErrorCode::BadRequest, e.body_text());
    let (mut fields, mut file) = (Fields::default(), None);
    while let Some(field) = form.next_field().await.map_err(bad)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let called = field.file_name().unwrap_or_default().to_owned();
            let content = field.bytes().await.map_err(bad)?;
            // A file field that was left alone sends an empty file without a name.
            if !content.is_empty() {
                file = Some(EvidenceFile { name: called, content: base64(&content) });
            }
        } else {
            let value = field.text().await.map_err(bad)?;
            fields.add(&name, &value);
        }
    }
    Ok((fields, file))
}

/// Reads a form that may carry one file of text, in the field `file`.
pub(super) async fn with_text(form: Multipart) -> Result<(Fields, Option<String>), Failure> {
    use base64::Engine as _;
    let (fields, file) = with_file(form).await?;
    let Some(file) = file else { return Ok((fields, None)) };
    let bytes = base64::engine::general_purpose::STANDARD.decode(&file.content);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "the file is not UTF-8 text"))?;
    Ok((fields, Some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, value));
        fields
    }

    #[test]
    fn names_are_taken_however_people_set_them_apart() {
        let fields = typed(&[("san.dns", "a.cn, b.cn\nc.cn；d.cn"), ("san.ip", "192.0.2.7")]);
        assert_eq!(names(&fields), ["dns:a.cn", "dns:b.cn", "dns:c.cn", "dns:d.cn", "ip:192.0.2.7"]);
    }

    #[test]
    fn a_subject_is_escaped_so_that_a_value_cannot_become_another_attribute() {
        let fields = typed(&[("subject.CN", "a,O=Evil"), ("subject.C", "CN")]);
        let name: DistinguishedName = subject(&fields).unwrap().unwrap().parse().unwrap();
        assert_eq!(name.get(Attribute::CommonName), Some("a,O=Evil"));
        assert_eq!(name.get(Attribute::Organisation), None);
        assert_eq!(subject(&typed(&[])).unwrap(), None);
    }

    #[test]
    fn a_file_without_a_way_of_checking_is_refused() {
        let file = || Some(EvidenceFile { name: "a.pdf".into(), content: "QQ==".into() });
        assert!(evidence(&typed(&[]), file()).is_err());
        assert_eq!(evidence(&typed(&[("method", "face-to-face")]), file()).unwrap().len(), 1);
        assert!(evidence(&typed(&[]), None).unwrap().is_empty());
    }

    #[test]
    fn days_are_whole_numbers_or_nothing() {
        assert_eq!(days(&typed(&[("days", "30")])).unwrap(), Some(30));
        assert_eq!(days(&typed(&[("days", " ")])).unwrap(), None);
        assert!(days(&typed(&[("days", "-1")])).is_err() && days(&typed(&[("days", "many")])).is_err());
    }

    #[test]
    fn a_form_has_the_fields_its_profile_takes_and_no_others() {
        let now: pki_config::Instant = "2026-11-21T08:00:00Z".parse().unwrap();
        let form = |profile: pki_config::profile::BuiltIn| {
            Form::new(&profile.profile(), &Fields::default(), now, Language::English)
        };
        let server = form(pki_config::profile::BuiltIn::TlsServer);
        let kinds: Vec<&str> = server.names.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(kinds, ["san.dns", "san.ip"]);
        assert!(!server.subject.iter().any(|field| field.name == "subject.GN"));
        // CA/Browser BR 6.3.2 for this day.
        assert_eq!(server.most_days, 200);
        let person = form(pki_config::profile::BuiltIn::Person);
        assert!(person.subject.iter().any(|field| field.name == "subject.GN"));
        assert!(person.subject[0].required && person.subject[0].name == "subject.CN");
    }
}
