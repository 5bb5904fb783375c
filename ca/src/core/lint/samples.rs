//! Certificates to be, for the tests: one that breaks no rule for each profile, and ways to break one.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::PublicKey;
use der::asn1::OctetString;
use der::{Decode, Encode};
use pki_config::name::{AltName, DistinguishedName, SubjectAltName};
use pki_config::profile::{BuiltIn, KeyKind};
use pki_config::role::{Setup, authorize};
use pki_config::{Actor, Instant, Permission, RequestId, Serial};
use x509_cert::ext::Extension;

use super::{Context, examine};
use crate::core::approval::{Approved, Submitted};
use crate::core::draft::{Draft, Subject};
use crate::core::issuer::{Issuer, IssuerUrls};
use crate::core::tbs::Tbs;

/// When the samples are made.
pub(crate) const NOW: &str = "2026-11-21T08:00:00Z";

/// Public keys; see `ca/tests/data/README.md` for how they were made.
pub(crate) mod keys {
    macro_rules! keys {
        ($($name:ident = $file:literal;)*) => {
            $(pub(crate) const $name: &[u8] =
                include_bytes!(concat!("../../../tests/data/keys/", $file, ".spki"));)*
        };
    }
    keys! {
        P256_ISSUER = "p256-issuer";
        P256_SUBJECT = "p256-subject";
        P384_SUBJECT = "p384-subject";
        ED25519_SUBJECT = "ed25519-subject";
        SM2_ISSUER = "sm2-issuer";
        SM2_SUBJECT = "sm2-subject";
        RSA_1024 = "rsa-1024";
        RSA_2048 = "rsa-2048";
        RSA_3072 = "rsa-3072";
        RSA_FACTOR_3 = "rsa-factor-3";
        RSA_FERMAT = "rsa-fermat";
        RSA_ROCA = "rsa-roca";
        P256_BASE_POINT = "p256-base-point";
    }
}

/// Which hierarchy a sample is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Ec,
    Sm2,
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn key(spki: &[u8]) -> PublicKey {
    PublicKey::from_spki(spki).unwrap()
}

/// An approval by the suite itself.
pub(crate) fn approved() -> Approved {
    let system = Actor::system();
    let may = authorize(&system, Permission::IssueCertificate, Setup::Production).unwrap();
    Submitted::by(&system, RequestId::from_bytes([9; 16])).approve_in_one_step(&may).unwrap()
}

pub(crate) fn serial() -> Serial {
    "4F0AC1D2E3F405162738495A6B7C8D9E".parse().unwrap()
}

/// The issuer of a family, or for the root profile the root itself.
pub(crate) fn issuer(family: Family, profile: BuiltIn) -> Issuer {
    let (id, spki) = match family {
        Family::Ec => ("ec", keys::P256_ISSUER),
        Family::Sm2 => ("sm2", keys::SM2_ISSUER),
    };
    let name: DistinguishedName = "CN=Example Issuing,O=Example,C=CN".parse().unwrap();
    let mut issuer = Issuer::self_signed(id.parse().unwrap(), name.to_der(), key(spki));
    if profile != BuiltIn::Root {
        issuer.self_signed = false;
        issuer.not_after = at("2035-11-21T07:59:59Z");
        issuer.urls = IssuerUrls {
            crl: Some(format!("http://pki.example.cn/crl/{id}.crl").parse().unwrap()),
            ca_issuers: Some(format!("http://pki.example.cn/ca/{id}.cer").parse().unwrap()),
            ocsp: (profile == BuiltIn::TlsServerMustStaple).then(|| "http://pki.example.cn/ocsp".parse().unwrap()),
        };
    }
    issuer
}

/// A subject that fits the profile.
pub(crate) fn subject(family: Family, profile: BuiltIn) -> Subject {
    let spki = match (family, profile) {
        (Family::Ec, BuiltIn::Root) => keys::P256_ISSUER,
        (Family::Sm2, BuiltIn::Root) => keys::SM2_ISSUER,
        (Family::Ec, _) => keys::P256_SUBJECT,
        (Family::Sm2, _) => keys::SM2_SUBJECT,
    };
    let name = match profile {
        BuiltIn::Root => "CN=Example Issuing,O=Example,C=CN",
        server if is_server(server) => "CN=www.example.cn",
        BuiltIn::Email => "",
        BuiltIn::Person => "CN=张三,C=CN",
        BuiltIn::CodeSigning => "CN=示例,O=示例有限公司,L=北京,C=CN",
        BuiltIn::SubCa | BuiltIn::Organisation | BuiltIn::DualOrganisation | BuiltIn::SealMaker => {
            "CN=示例,O=示例有限公司,C=CN"
        }
        _ => "CN=sample",
    };
    let names = match profile {
        server if is_server(server) => SubjectAltName::new([AltName::dns("www.example.cn").unwrap()]).unwrap(),
        BuiltIn::Email => SubjectAltName::new([AltName::email("li@example.cn").unwrap()]).unwrap(),
        _ => SubjectAltName::none(),
    };
    let maker = profile.profile().rules().key.makers[0];
    let name = if name.is_empty() { DistinguishedName::empty() } else { name.parse().unwrap() };
    let identity = match profile {
        // The examples of GB 11643 and GB 32100.
        BuiltIn::Person => "resident-card:11010519491231002X",
        BuiltIn::Organisation => "credit-code:91350100M000100Y43",
        _ => "",
    };
    Subject::pooled(key(spki), name, names).made_by(maker).identified(identity.parse().unwrap())
}

fn is_server(profile: BuiltIn) -> bool {
    matches!(
        profile,
        BuiltIn::TlsServer
            | BuiltIn::TlsServerMustStaple
            | BuiltIn::TlsServerShort
            | BuiltIn::TlsServerDv
            | BuiltIn::DualTlsServer
    )
}

/// Whether the profile certifies keys of the family at all.
pub(crate) fn takes(family: Family, profile: BuiltIn) -> bool {
    let kind = if family == Family::Sm2 { KeyKind::Sm2 } else { KeyKind::P256 };
    profile.profile().rules().key.may_certify(kind, kind)
}

/// A draft that breaks no rule.
pub(crate) fn draft(family: Family, built_in: BuiltIn) -> Draft {
    let (profile, issuer) = (built_in.profile(), issuer(family, built_in));
    Draft::new(approved(), &profile, &issuer, subject(family, built_in), serial(), None, at(NOW)).unwrap()
}

fn found(family: Family, built_in: BuiltIn, change: impl FnOnce(&mut Vec<u8>, &mut Issuer)) -> Vec<String> {
    let draft = draft(family, built_in);
    let (mut tbs, mut issuer) = (draft.tbs().to_vec(), draft.issuer.clone());
    change(&mut tbs, &mut issuer);
    let context = Context { profile: &draft.profile, issuer: &issuer, key: draft.subject.key(), now: at(NOW) };
    examine(&tbs, &context).into_iter().map(|finding| finding.lint.to_owned()).collect()
}

fn edited(tbs: &mut Vec<u8>, change: impl FnOnce(&mut Tbs)) {
    let mut parsed = Tbs::from_der(tbs).unwrap();
    change(&mut parsed);
    *tbs = parsed.to_der().unwrap();
}

/// The sample of a profile breaks no rule at all, this one included.
pub(crate) fn passes(lint: &str, profile: BuiltIn) {
    passes_in(Family::Ec, lint, profile);
}

pub(crate) fn passes_in(family: Family, lint: &str, profile: BuiltIn) {
    assert!(super::rules().any(|(id, ..)| id == lint), "no rule {lint}");
    assert_eq!(found(family, profile, |_, _| {}), Vec::<String>::new(), "{lint}");
}

/// A changed sample does not break this rule; it may break another.
pub(crate) fn passes_with(lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Tbs)) {
    let found = found(Family::Ec, profile, |tbs, _| edited(tbs, change));
    assert!(!found.contains(&lint.to_owned()), "{found:?}");
}

/// A changed sample breaks this rule.
pub(crate) fn fails(lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Tbs)) {
    fails_in(Family::Ec, lint, profile, change);
}

pub(crate) fn fails_in(family: Family, lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Tbs)) {
    let found = found(family, profile, |tbs, _| edited(tbs, change));
    assert!(found.contains(&lint.to_owned()), "{lint} is not in {found:?}");
}

/// Changed bytes break this rule.
pub(crate) fn fails_bytes(lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Vec<u8>)) {
    let found = found(Family::Ec, profile, |tbs, _| change(tbs));
    assert!(found.contains(&lint.to_owned()), "{lint} is not in {found:?}");
}

/// The sample breaks this rule under a changed issuer.
pub(crate) fn fails_under(lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Issuer)) {
    let found = found(Family::Ec, profile, |_, issuer| change(issuer));
    assert!(found.contains(&lint.to_owned()), "{lint} is not in {found:?}");
}

/// The sample does not break this rule under a changed issuer; it may break another.
pub(crate) fn passes_under(lint: &str, profile: BuiltIn, change: impl FnOnce(&mut Issuer)) {
    let found = found(Family::Ec, profile, |_, issuer| change(issuer));
    assert!(!found.contains(&lint.to_owned()), "{found:?}");
}

fn extension(tbs: &mut Tbs, id: Oid) -> &mut Extension {
    tbs.extensions.as_mut().unwrap().iter_mut().find(|extension| extension.extn_id == id).unwrap()
}

/// Gives an extension another value.
pub(crate) fn edit(tbs: &mut Tbs, id: Oid, value: &[u8]) {
    extension(tbs, id).extn_value = OctetString::new(value).unwrap();
}

/// Replaces text in the value of an extension by text of the same length.
pub(crate) fn replace_text(tbs: &mut Tbs, id: Oid, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let mut value = extension(tbs, id).extn_value.as_bytes().to_vec();
    let place = value.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
    value[place..place + new.len()].copy_from_slice(new.as_bytes());
    edit(tbs, id, &value);
}

/// Makes an extension critical or not.
pub(crate) fn set_critical(tbs: &mut Tbs, id: Oid, critical: bool) {
    extension(tbs, id).critical = critical;
}

/// Adds an extension.
pub(crate) fn push(tbs: &mut Tbs, id: Oid, critical: bool, value: &[u8]) {
    let extn_value = OctetString::new(value).unwrap();
    tbs.extensions.as_mut().unwrap().push(Extension { extn_id: id, critical, extn_value });
}

/// Takes an extension away.
pub(crate) fn without(tbs: &mut Tbs, id: Oid) {
    tbs.extensions.as_mut().unwrap().retain(|extension| extension.extn_id != id);
}
