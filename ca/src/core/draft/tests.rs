use pki_config::profile::BuiltIn;
use x509_cert::Certificate;

use super::*;
use crate::core::lint::samples::{Family, NOW, approved, at, draft, issuer, key, keys, serial, subject, takes};

fn parsed(family: Family, profile: BuiltIn) -> Tbs {
    Tbs::from_der(draft(family, profile).tbs()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn value(tbs: &Tbs, id: Oid) -> String {
    let all = tbs.extensions.as_deref().unwrap();
    hex(all.iter().find(|extension| extension.extn_id == id).unwrap().extn_value.as_bytes())
}

#[test]
fn every_profile_drafts_in_both_families_without_a_finding() {
    for family in [Family::Ec, Family::Sm2] {
        for profile in BuiltIn::ALL.iter().filter(|profile| takes(family, **profile)) {
            let linted =
                draft(family, *profile).lint(at(NOW)).unwrap_or_else(|f| panic!("{family:?} {profile:?}: {f:?}"));
            assert!(linted.warnings().is_empty(), "{family:?} {profile:?}: {:?}", linted.warnings());
        }
    }
}

#[test]
fn the_encryption_half_of_a_pair_holds_to_every_rule_and_takes_the_centres_key_only() {
    let duals = [BuiltIn::DualPerson, BuiltIn::DualOrganisation, BuiltIn::DualDevice, BuiltIn::DualTlsServer];
    for profile in duals {
        let (half, signing) = (profile.profile().encryption_half().unwrap(), subject(Family::Sm2, profile));
        let of =
            |subject| Draft::new(approved(), &half, &issuer(Family::Sm2, profile), subject, serial(), None, at(NOW));
        let draft = of(signing.clone().with_key_of_centre(signing.key().clone())).unwrap();
        let linted = draft.lint(at(NOW)).unwrap_or_else(|findings| panic!("{profile:?}: {findings:?}"));
        assert!(linted.warnings().is_empty(), "{profile:?}: {:?}", linted.warnings());
        assert_eq!(value(&Tbs::from_der(linted.tbs()).unwrap(), oid::KEY_USAGE), "03020338");
        assert_eq!(of(signing.clone()).unwrap_err(), Undraftable::Maker(KeyMaker::Csr));
        let whole = profile.profile();
        let swapped = signing.clone().with_key_of_centre(signing.key().clone());
        let refused = Draft::new(approved(), &whole, &issuer(Family::Sm2, profile), swapped, serial(), None, at(NOW));
        assert_eq!(refused.unwrap_err(), Undraftable::Maker(KeyMaker::Centre));
    }
}

#[test]
fn key_usage_has_the_octets_of_the_baseline_table() {
    assert_eq!(value(&parsed(Family::Ec, BuiltIn::TlsServer), oid::KEY_USAGE), "03020780");
    assert_eq!(value(&parsed(Family::Ec, BuiltIn::Root), oid::KEY_USAGE), "03020106");
    assert_eq!(value(&parsed(Family::Sm2, BuiltIn::Person), oid::KEY_USAGE), "030206c0", "GM/T 0015 signing");
    use KeyUsageBit::{DataEncipherment, KeyAgreement, KeyEncipherment};
    assert_eq!(hex(&key_usage(&[KeyEncipherment, DataEncipherment, KeyAgreement])), "03020338", "GM/T 0015 encryption");
}

#[test]
fn extensions_stand_in_the_fixed_order() {
    let ids: Vec<String> = parsed(Family::Ec, BuiltIn::TlsServer)
        .extensions
        .unwrap()
        .iter()
        .map(|extension| format!("{}{}", extension.extn_id, if extension.critical { "!" } else { "" }))
        .collect();
    assert_eq!(
        ids,
        [
            "2.5.29.19!",
            "2.5.29.15!",
            "2.5.29.37",
            "2.5.29.17",
            "2.5.29.14",
            "2.5.29.35",
            "2.5.29.31",
            "1.3.6.1.5.5.7.1.1"
        ]
    );
}

#[test]
fn an_empty_subject_makes_the_alternative_names_critical() {
    let profile = BuiltIn::TlsServer.profile();
    let named = subject(Family::Ec, BuiltIn::TlsServer);
    let nameless = Subject::pooled(named.key().clone(), DistinguishedName::empty(), named.alt_names().clone());
    let issuer = issuer(Family::Ec, BuiltIn::TlsServer);
    let draft = Draft::new(approved(), &profile, &issuer, nameless, serial(), None, at(NOW)).unwrap();
    let tbs = Tbs::from_der(draft.tbs()).unwrap();
    let names = tbs.extensions.unwrap().into_iter().find(|e| e.extn_id == oid::SUBJECT_ALT_NAME).unwrap();
    assert!(names.critical, "RFC 5280 4.2.1.6");
    assert!(draft.lint(at(NOW)).is_ok());
}

fn drafted(profile: BuiltIn, lifetime: Option<Duration>, now: &str) -> Result<Draft, Undraftable> {
    let issuer = issuer(Family::Ec, profile);
    Draft::new(approved(), &profile.profile(), &issuer, subject(Family::Ec, profile), serial(), lifetime, at(now))
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_lifetime_counts_its_last_second() {
    let draft = drafted(BuiltIn::TlsServer, Some(90 * DAY), "2026-11-21T08:00:00.7Z").unwrap();
    assert_eq!(draft.validity.not_before(), at("2026-11-21T08:00:00Z"));
    // 90 days after 11-21 is 02-19 (9 + 31 + 31 + 19).
    assert_eq!(draft.validity.not_after(), at("2027-02-19T07:59:59Z"));
}

#[test]
fn a_lifetime_is_cut_at_the_issuers_end() {
    let draft = drafted(BuiltIn::TlsServer, None, "2035-11-20T07:59:59Z").unwrap();
    assert_eq!(draft.validity.not_after(), at("2035-11-21T07:59:59Z"));
    assert!(matches!(
        drafted(BuiltIn::TlsServer, None, "2035-11-21T08:00:00Z"),
        Err(Undraftable::IssuerExpired { .. })
    ));
}

#[test]
fn no_lifetime_and_too_long_a_one_are_refused() {
    for lifetime in [Duration::ZERO, 200 * DAY + Duration::from_secs(1)] {
        assert!(matches!(drafted(BuiltIn::TlsServer, Some(lifetime), NOW), Err(Undraftable::Lifetime { .. })));
    }
    assert!(drafted(BuiltIn::TlsServer, Some(200 * DAY), NOW).is_ok());
}

#[test]
fn a_key_comes_from_where_the_profile_says() {
    let request = ProvenRequest::read(include_bytes!("../../../tests/data/requests/p256.pem")).unwrap();
    let from = |profile: BuiltIn, subject| {
        Draft::new(approved(), &profile.profile(), &issuer(Family::Ec, profile), subject, serial(), None, at(NOW))
    };
    let refused = from(BuiltIn::SubCa, Subject::requested(request.clone())).unwrap_err();
    assert_eq!(refused, Undraftable::Maker(KeyMaker::Csr));
    // The fixture's subject has C and O, which a TLS server may have.
    assert!(from(BuiltIn::TlsServer, Subject::requested(request)).unwrap().lint(at(NOW)).is_ok());
}

#[test]
fn usages_and_constraints_in_a_request_are_ignored() {
    // The fixture asks for keyCertSign and CA:TRUE.
    let request = ProvenRequest::read(include_bytes!("../../../tests/data/requests/p256.pem")).unwrap();
    let (profile, issuer) = (BuiltIn::TlsServer.profile(), issuer(Family::Ec, BuiltIn::TlsServer));
    let subject = Subject::requested(request);
    let draft = Draft::new(approved(), &profile, &issuer, subject, serial(), None, at(NOW)).unwrap();
    let tbs = Tbs::from_der(draft.tbs()).unwrap();
    assert_eq!(value(&tbs, oid::KEY_USAGE), "03020780");
    assert_eq!(value(&tbs, oid::BASIC_CONSTRAINTS), "3000");
}

#[test]
fn an_issuer_without_the_addresses_of_the_profile_issues_nothing() {
    let mut issuer = issuer(Family::Ec, BuiltIn::TlsServer);
    issuer.urls.crl = None;
    let subject = subject(Family::Ec, BuiltIn::TlsServer);
    let drafted = Draft::new(approved(), &BuiltIn::TlsServer.profile(), &issuer, subject, serial(), None, at(NOW));
    assert_eq!(drafted.unwrap_err(), Undraftable::IssuerUrl("CRL"));
}

#[test]
fn only_a_root_signs_itself() {
    let root = issuer(Family::Ec, BuiltIn::Root);
    let leaf = subject(Family::Ec, BuiltIn::TlsServer);
    let drafted = Draft::new(approved(), &BuiltIn::TlsServer.profile(), &root, leaf, serial(), None, at(NOW));
    assert_eq!(drafted.unwrap_err(), Undraftable::SelfSigned);
}

#[test]
fn another_family_and_another_name_are_stopped_by_the_lints() {
    let profile = BuiltIn::TlsServer.profile();
    let issuer = issuer(Family::Ec, BuiltIn::TlsServer);
    let sm2 = subject(Family::Sm2, BuiltIn::TlsServer);
    let draft = Draft::new(approved(), &profile, &issuer, sm2, serial(), None, at(NOW)).unwrap();
    let ids: Vec<&str> = draft.lint(at(NOW)).unwrap_err().into_iter().map(|finding| finding.lint).collect();
    assert_eq!(ids, ["key_type", "gm_mixed_chain"]);
    let names = subject(Family::Ec, BuiltIn::TlsServer).alt_names().clone();
    let other = Subject::pooled(key(keys::P256_SUBJECT), "CN=other.cn".parse().unwrap(), names);
    let draft = Draft::new(approved(), &profile, &issuer, other, serial(), None, at(NOW)).unwrap();
    let ids: Vec<&str> = draft.lint(at(NOW)).unwrap_err().into_iter().map(|finding| finding.lint).collect();
    assert_eq!(ids, ["cn_not_in_san"]);
}

#[test]
fn all_kinds_of_keys_get_server_certificates() {
    for spki in [keys::P384_SUBJECT, keys::RSA_2048, keys::RSA_3072, keys::ED25519_SUBJECT] {
        let names = subject(Family::Ec, BuiltIn::TlsServer).alt_names().clone();
        let subject = Subject::pooled(key(spki), DistinguishedName::empty(), names);
        let issuer = issuer(Family::Ec, BuiltIn::TlsServer);
        let draft =
            Draft::new(approved(), &BuiltIn::TlsServer.profile(), &issuer, subject, serial(), None, at(NOW)).unwrap();
        assert!(draft.lint(at(NOW)).is_ok());
    }
}

#[test]
fn another_parser_reads_the_same_certificate() {
    // x509-cert's own strict types, on the bytes with a signature of zeros.
    let draft = draft(Family::Ec, BuiltIn::TlsServer);
    let algorithm = draft.issuer.signature_algorithm();
    let der = crate::core::issue::assemble(draft.tbs(), algorithm, &[0; 70]).unwrap();
    let certificate = Certificate::from_der(&der).unwrap();
    let tbs = certificate.tbs_certificate();
    assert_eq!(tbs.serial_number().as_bytes(), serial().as_bytes());
    assert_eq!(tbs.subject().to_string(), "CN=www.example.cn");
    assert_eq!(tbs.issuer().to_string(), "CN=Example Issuing,O=Example,C=CN");
    assert_eq!(certificate.to_der().unwrap(), der);
}

#[test]
fn mutated_drafts_are_linted_without_a_panic() {
    use crate::core::lint::{Context, examine};
    let draft = draft(Family::Ec, BuiltIn::TlsServer);
    let context = Context { profile: &draft.profile, issuer: &draft.issuer, key: draft.subject.key(), now: at(NOW) };
    for place in 0..draft.tbs().len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = draft.tbs().to_vec();
            bytes[place] ^= change;
            let _ = examine(&bytes, &context);
        }
        assert!(!examine(&draft.tbs()[..place], &context).is_empty());
    }
}

fn identified(profile: BuiltIn, numbers: &str) -> Result<Draft, Undraftable> {
    let subject = subject(Family::Sm2, profile).identified(numbers.parse().unwrap());
    let issuer = issuer(Family::Sm2, profile);
    Draft::new(approved(), &profile.profile(), &issuer, subject, serial(), None, at(NOW))
}

#[test]
fn identity_numbers_stand_in_their_extensions() {
    let draft = identified(BuiltIn::Person, "passport:E12345678,social-insurance:110105194912310021").unwrap();
    let tbs = Tbs::from_der(draft.tbs()).unwrap();
    // By hand: [2] EXPLICIT PrintableString, 9 octets; PrintableString, 18 octets.
    assert_eq!(value(&tbs, Oid::new_unwrap("1.2.156.10260.4.1.1")), "a20b1309453132333435363738");
    assert_eq!(value(&tbs, Oid::new_unwrap("1.2.156.10260.4.1.2")), "1312313130313035313934393132333130303231");
    assert!(draft.lint(at(NOW)).unwrap().warnings().is_empty());
}

#[test]
fn identity_numbers_are_those_the_profile_takes() {
    let credit = "credit-code:91350100M000100Y43";
    assert_eq!(identified(BuiltIn::Person, credit).unwrap_err(), Undraftable::Identity(IdentityKind::CreditCode));
    assert_eq!(identified(BuiltIn::Device, credit).unwrap_err(), Undraftable::Identity(IdentityKind::CreditCode));
    let two = identified(BuiltIn::Person, "passport:E1,resident-card:11010519491231002X").unwrap_err();
    assert_eq!(two, Undraftable::IdentityTwice(IdentityKind::ResidentCard, IdentityKind::Passport));
    assert!(identified(BuiltIn::Person, "").is_ok(), "none is asked for");
    let asking = BuiltIn::Organisation.source().replace(
        "presence = \"optional\"\noid = \"1.2.156.10260.4.4\"",
        "presence = \"required\"\noid = \"1.2.156.10260.4.4\"",
    );
    let profile = Profile::parse(&asking).unwrap();
    let with = |numbers: &str| {
        let subject = subject(Family::Sm2, BuiltIn::Organisation).identified(numbers.parse().unwrap());
        let issuer = issuer(Family::Sm2, BuiltIn::Organisation);
        Draft::new(approved(), &profile, &issuer, subject, serial(), None, at(NOW))
    };
    assert_eq!(with("").unwrap_err(), Undraftable::NoIdentity(IdentityKind::CreditCode));
    assert!(with(credit).is_ok());
}

#[test]
fn policies_stand_under_the_issuers_they_are_for() {
    // By hand: SEQUENCE { SEQUENCE { 2.23.140.1.2.1 } }.
    let policies = value(&parsed(Family::Ec, BuiltIn::TlsServerDv), oid::CERTIFICATE_POLICIES);
    assert_eq!(policies, "300a3008060667810c010201");
    let none = parsed(Family::Ec, BuiltIn::TlsServer).extensions.unwrap();
    assert!(!none.iter().any(|extension| extension.extn_id == oid::CERTIFICATE_POLICIES));
}
