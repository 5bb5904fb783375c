//! Certificate policies.

use const_oid::ObjectIdentifier as Oid;
use pki_config::name::Attribute;
use pki_config::oid;
use pki_config::profile::LintSet;
use x509_cert::ext::pkix::CertificatePolicies;

use super::Lint;
use super::names::pairs;
use super::view::{View, found};
use crate::core::issuer::kind_of;

const PUBLIC: &[LintSet] = &[LintSet::PublicWeb];

pub(super) const LINTS: &[Lint] = &[
    Lint::error("policy_set", "5280 4.2.1.4; profile", policy_set),
    Lint::error("policy_reserved", "BR 7.1.2.7.9", policy_reserved).only(PUBLIC),
    Lint::warning("policy_first", "BR 7.1.2.7.9", policy_first).only(PUBLIC),
    Lint::error("policy_subject_fit", "BR 7.1.2.7.2 to 7.1.2.7.5", policy_subject_fit),
    Lint::error("ev_names", "EVG 7.1.2, 3.2.2.7", ev_names),
];

/// The Forum's policies for servers, of which a certificate has one.
const RESERVED: [Oid; 4] = [oid::FORUM_DV, oid::FORUM_OV, oid::FORUM_IV, oid::FORUM_EV];

fn policies(view: &View<'_>) -> Vec<Oid> {
    let policies: Option<CertificatePolicies> = view.value(oid::CERTIFICATE_POLICIES);
    policies.into_iter().flat_map(|policies| policies.0).map(|policy| policy.policy_identifier).collect()
}

/// The policies are, in order, those of the profile under this kind of issuer.
fn policy_set(view: &View<'_>) -> Option<String> {
    view.extension(oid::CERTIFICATE_POLICIES)?;
    let kind = kind_of(view.issuer.key.algorithm());
    let here = view.rules.policies.iter().filter(|policy| policy.issuer.contains(&kind));
    let wanted: Vec<Oid> = here.map(|policy| policy.oid).collect();
    found(policies(view) != wanted, "the policies are not the profile's")
}

/// Exactly one of the Forum's policies, no anyPolicy, and no qualifier but the address of a statement of practice.
fn policy_reserved(view: &View<'_>) -> Option<String> {
    let all = policies(view);
    let reserved = all.iter().filter(|policy| RESERVED.contains(policy)).count();
    if reserved != 1 || all.contains(&oid::ANY_POLICY) {
        return Some(format!("{reserved} policies of the CA/Browser Forum where there is to be one, or anyPolicy"));
    }
    let values: CertificatePolicies = view.value(oid::CERTIFICATE_POLICIES)?;
    let qualifiers = values.0.iter().flat_map(|policy| policy.policy_qualifiers.iter().flatten());
    let other = qualifiers.into_iter().any(|qualifier| qualifier.policy_qualifier_id != oid::POLICY_CPS);
    found(other, "a policy qualifier other than the address of a statement of practice")
}

fn policy_first(view: &View<'_>) -> Option<String> {
    let first = policies(view).first().is_some_and(|policy| RESERVED.contains(policy));
    found(!first, "the CA/Browser Forum's policy does not stand first")
}

/// A policy says what was validated, and the subject says nothing else.
fn policy_subject_fit(view: &View<'_>) -> Option<String> {
    use Attribute as A;
    const DV: &[A] = &[A::Country, A::CommonName];
    let all = policies(view);
    let has = |attribute: A| pairs(view).iter().any(|pair| pair.oid == attribute.oid());
    let place = has(A::State) || has(A::Locality);
    let person = has(A::Surname) || has(A::GivenName);
    let whole_person = has(A::Surname) && has(A::GivenName);
    let policy = all.iter().find(|policy| RESERVED.contains(policy))?;
    let (fits, rule) = match *policy {
        oid::FORUM_DV => {
            let more = pairs(view).iter().any(|pair| !DV.iter().any(|attribute| attribute.oid() == pair.oid));
            (!more, "domain validated: C and CN only")
        }
        oid::FORUM_OV => (has(A::Country) && has(A::Organisation) && place && !person, "C, O and ST or L, no person"),
        oid::FORUM_IV => (has(A::Country) && whole_person && place, "C, SN, GN and ST or L"),
        _ => (has(A::Country) && has(A::Organisation) && has(A::SerialNumber) && !person, "C, O and a serialNumber"),
    };
    found(!fits, format!("policy {policy} asks of the subject: {rule}"))
}

/// Extended validation is of an organisation and its own domain names.
fn ev_names(view: &View<'_>) -> Option<String> {
    use x509_cert::ext::pkix::name::GeneralName;
    if !policies(view).contains(&oid::FORUM_EV) {
        return None;
    }
    let names: Vec<GeneralName> = view.value(oid::SUBJECT_ALT_NAME).unwrap_or_default();
    let off = names.iter().any(|name| match name {
        GeneralName::DnsName(text) => text.as_str().starts_with('*'),
        _ => true,
    });
    found(off, "a wildcard, an address or another name under the policy of extended validation")
}

#[cfg(test)]
mod tests {
    use der::asn1::{Any, Ia5String, OctetString};
    use der::{Decode, Encode};
    use pki_config::name::DistinguishedName;
    use pki_config::profile::BuiltIn;
    use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
    use x509_cert::ext::pkix::name::GeneralName;

    use super::*;
    use crate::core::lint::samples::{edit, fails, passes, passes_with, push};
    use crate::core::tbs::Tbs;

    fn of(policies: &[Oid]) -> Vec<u8> {
        let one = |oid: &Oid| PolicyInformation { policy_identifier: *oid, policy_qualifiers: None };
        policies.iter().map(one).collect::<Vec<_>>().to_der().unwrap()
    }

    fn with(policies: &[Oid]) -> impl Fn(&mut Tbs) {
        let value = of(policies);
        move |tbs| edit(tbs, oid::CERTIFICATE_POLICIES, &value)
    }

    fn subject(tbs: &mut Tbs, text: &str) {
        tbs.subject = Any::from_der(&text.parse::<DistinguishedName>().unwrap().to_der()).unwrap();
    }

    const OTHER: Oid = Oid::new_unwrap("1.2.156.10197.6.1");

    #[test]
    fn the_policies_are_the_profiles() {
        passes("policy_set", BuiltIn::TlsServerDv);
        fails("policy_set", BuiltIn::TlsServerDv, with(&[oid::FORUM_DV, OTHER]));
        fails("policy_set", BuiltIn::TlsServer, |tbs| {
            push(tbs, oid::CERTIFICATE_POLICIES, false, &of(&[OTHER]));
        });
    }

    #[test]
    fn a_public_server_has_one_policy_of_the_forum() {
        passes("policy_reserved", BuiltIn::TlsServerDv);
        passes_with("policy_reserved", BuiltIn::TlsServerDv, with(&[oid::FORUM_DV, OTHER]));
        for policies in [&[OTHER][..], &[oid::FORUM_DV, oid::FORUM_OV], &[oid::FORUM_DV, oid::ANY_POLICY]] {
            fails("policy_reserved", BuiltIn::TlsServerDv, with(policies));
        }
        // A private one needs none.
        passes_with("policy_reserved", BuiltIn::TlsServer, |_| ());
    }

    #[test]
    fn a_notice_to_the_reader_is_no_qualifier() {
        passes("policy_reserved", BuiltIn::TlsServerDv);
        let qualified = |id: &str| {
            let qualifier = Some(Any::from(&Ia5String::new("http://a.cn/cps").unwrap()));
            let qualifier = PolicyQualifierInfo { policy_qualifier_id: id.parse().unwrap(), qualifier };
            let policy =
                PolicyInformation { policy_identifier: oid::FORUM_DV, policy_qualifiers: Some(vec![qualifier]) };
            vec![policy].to_der().unwrap()
        };
        let (cps, notice) = (qualified("1.3.6.1.5.5.7.2.1"), qualified("1.3.6.1.5.5.7.2.2"));
        passes_with("policy_reserved", BuiltIn::TlsServerDv, |tbs| edit(tbs, oid::CERTIFICATE_POLICIES, &cps));
        fails("policy_reserved", BuiltIn::TlsServerDv, |tbs| edit(tbs, oid::CERTIFICATE_POLICIES, &notice));
    }

    #[test]
    fn the_forums_policy_stands_first() {
        passes("policy_first", BuiltIn::TlsServerDv);
        fails("policy_first", BuiltIn::TlsServerDv, with(&[OTHER, oid::FORUM_DV]));
    }

    #[test]
    fn the_subject_says_what_the_policy_validated() {
        passes("policy_subject_fit", BuiltIn::TlsServerDv);
        let whole = "CN=www.example.cn,O=Example,L=Beijing,C=CN";
        fails("policy_subject_fit", BuiltIn::TlsServerDv, |tbs| subject(tbs, whole));
        let cases = [
            (oid::FORUM_OV, whole, "CN=www.example.cn,O=Example,C=CN"),
            (oid::FORUM_OV, whole, "CN=www.example.cn,O=Example,GN=San,L=Beijing,C=CN"),
            (oid::FORUM_IV, "SN=Zhang,GN=San,ST=Beijing,C=CN", "SN=Zhang,ST=Beijing,C=CN"),
            (oid::FORUM_EV, "O=Example,serialNumber=91350100M000100Y43,C=CN", "O=Example,C=CN"),
        ];
        for (policy, fits, other) in cases {
            let policies = of(&[policy]);
            let change = |text: &'static str| {
                let policies = policies.clone();
                move |tbs: &mut Tbs| {
                    edit(tbs, oid::CERTIFICATE_POLICIES, &policies);
                    subject(tbs, text);
                }
            };
            passes_with("policy_subject_fit", BuiltIn::TlsServerDv, change(fits));
            fails("policy_subject_fit", BuiltIn::TlsServerDv, change(other));
        }
    }

    #[test]
    fn extended_validation_takes_whole_domain_names_only() {
        passes("ev_names", BuiltIn::TlsServerDv);
        let names = |name: GeneralName| vec![name].to_der().unwrap();
        let dns = |text: &str| names(GeneralName::DnsName(Ia5String::new(text).unwrap()));
        let change = |value: Vec<u8>| {
            move |tbs: &mut Tbs| {
                with(&[oid::FORUM_EV])(tbs);
                edit(tbs, oid::SUBJECT_ALT_NAME, &value);
            }
        };
        passes_with("ev_names", BuiltIn::TlsServerDv, change(dns("www.example.cn")));
        fails("ev_names", BuiltIn::TlsServerDv, change(dns("*.example.cn")));
        let address = names(GeneralName::IpAddress(OctetString::new([8, 8, 8, 8]).unwrap()));
        fails("ev_names", BuiltIn::TlsServerDv, change(address));
    }
}
