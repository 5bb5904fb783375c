//! What the issuer's own certificate allows below it.

use const_oid::ObjectIdentifier as Oid;
use der::Encode;
use pki_config::oid;
use x509_cert::ext::pkix::CertificatePolicies;

use super::Lint;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("name_constraint_hit", "5280 4.2.1.10", name_constraint_hit),
    Lint::error("eku_not_nested", "BR 7.1.2.10.6; own", eku_not_nested),
    Lint::error("policy_not_in_issuer", "5280 6.1", policy_not_in_issuer),
    Lint::error("root_signs_leaf", "BR 6.1.7", root_signs_leaf),
];

fn name_constraint_hit(view: &View<'_>) -> Option<String> {
    let constraints = view.issuer.limits.names.as_deref()?;
    let subject = view.tbs.subject.to_der().ok()?;
    let names = view.extension(oid::SUBJECT_ALT_NAME).map(|extension| extension.extn_value.as_bytes());
    let within = crypto_pool::path::within_constraints(constraints, &subject, names);
    found(within != Ok(true), "a name lies outside the issuer's name constraints")
}

/// Only purposes the issuer has. Delegated responders are the issuer's own deputies and stand outside this rule, as
/// an issuer for servers may not itself have OCSPSigning (BR 7.1.2.10.6).
fn eku_not_nested(view: &View<'_>) -> Option<String> {
    let allowed = view.issuer.limits.extended.as_ref()?;
    if allowed.contains(&oid::ANY_EXT_KEY_USAGE) {
        return None;
    }
    let purposes = view.purposes();
    if purposes.is_empty() && !view.issuer.self_signed {
        return Some("good for every purpose, where the issuer is for some".to_owned());
    }
    let off = purposes.iter().find(|purpose| **purpose != oid::KP_OCSP_SIGNING && !allowed.contains(purpose))?;
    Some(format!("purpose {off}, which the issuer does not have"))
}

fn policy_not_in_issuer(view: &View<'_>) -> Option<String> {
    let allowed = view.issuer.limits.policies.as_ref()?;
    if allowed.contains(&oid::ANY_POLICY) {
        return None;
    }
    let policies: CertificatePolicies = view.value(oid::CERTIFICATE_POLICIES)?;
    let off = policies.0.iter().find(|policy| !allowed.contains(&policy.policy_identifier))?;
    Some(format!("policy {}, which the issuer does not have", off.policy_identifier))
}

/// A root signs authorities and its own responder; whoever else it signed could not be cut off without it.
fn root_signs_leaf(view: &View<'_>) -> Option<String> {
    const LEAVES: [Oid; 4] = [oid::KP_SERVER_AUTH, oid::KP_CODE_SIGNING, oid::KP_EMAIL, oid::KP_TIME_STAMPING];
    let leaf = !view.rules.basic_constraints.ca && view.purposes().iter().any(|purpose| LEAVES.contains(purpose));
    found(view.issuer.limits.root && leaf, "the issuer is a root")
}

#[cfg(test)]
mod tests {
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{fails_under, passes, passes_under};

    /// By hand: NameConstraints { permitted [0] { { dNSName `base` } } }.
    fn permitted(base: &str) -> Option<Vec<u8>> {
        let length = |inner: usize| u8::try_from(base.len() + inner).unwrap();
        let head = [0x30, length(6), 0xa0, length(4), 0x30, length(2), 0x82, length(0)];
        Some([&head[..], base.as_bytes()].concat())
    }

    #[test]
    fn names_lie_within_the_issuers_constraints() {
        passes("name_constraint_hit", BuiltIn::TlsServer);
        passes_under("name_constraint_hit", BuiltIn::TlsServer, |issuer| issuer.limits.names = permitted("example.cn"));
        fails_under("name_constraint_hit", BuiltIn::TlsServer, |issuer| issuer.limits.names = permitted("example.com"));
        fails_under("name_constraint_hit", BuiltIn::TlsServer, |issuer| issuer.limits.names = Some(vec![0x30]));
    }

    #[test]
    fn purposes_nest() {
        passes("eku_not_nested", BuiltIn::TlsServer);
        let only =
            |purpose| move |issuer: &mut crate::core::issuer::Issuer| issuer.limits.extended = Some(vec![purpose]);
        passes_under("eku_not_nested", BuiltIn::TlsServer, only(oid::KP_SERVER_AUTH));
        passes_under("eku_not_nested", BuiltIn::TlsServer, only(oid::ANY_EXT_KEY_USAGE));
        passes_under("eku_not_nested", BuiltIn::OcspSigner, only(oid::KP_SERVER_AUTH));
        fails_under("eku_not_nested", BuiltIn::TlsServer, only(oid::KP_EMAIL));
        // An authority without the extension, under one that is for servers.
        fails_under("eku_not_nested", BuiltIn::SubCa, only(oid::KP_SERVER_AUTH));
    }

    #[test]
    fn policies_are_among_the_issuers() {
        passes("policy_not_in_issuer", BuiltIn::TlsServerDv);
        let only = |policy| move |issuer: &mut crate::core::issuer::Issuer| issuer.limits.policies = Some(vec![policy]);
        passes_under("policy_not_in_issuer", BuiltIn::TlsServerDv, only(oid::FORUM_DV));
        passes_under("policy_not_in_issuer", BuiltIn::TlsServerDv, only(oid::ANY_POLICY));
        fails_under("policy_not_in_issuer", BuiltIn::TlsServerDv, only(oid::FORUM_OV));
    }

    #[test]
    fn a_root_signs_no_leaf() {
        passes("root_signs_leaf", BuiltIn::TlsServer);
        let root = |issuer: &mut crate::core::issuer::Issuer| issuer.limits.root = true;
        passes_under("root_signs_leaf", BuiltIn::SubCa, root);
        passes_under("root_signs_leaf", BuiltIn::OcspSigner, root);
        for leaf in [BuiltIn::TlsServer, BuiltIn::CodeSigning, BuiltIn::Email, BuiltIn::Tsa] {
            fails_under("root_signs_leaf", leaf, root);
        }
    }

    #[test]
    fn limits_are_read_from_the_issuers_certificate() {
        use crate::core::issuer::Limits;
        use crate::core::lint::samples::{Family, draft};
        let limits = Limits::of(draft(Family::Ec, BuiltIn::TlsServerDv).tbs()).unwrap();
        assert_eq!(limits.extended, Some(vec![oid::KP_SERVER_AUTH]));
        assert_eq!(limits.policies, Some(vec![oid::FORUM_DV]));
        assert!(!limits.root && limits.names.is_none());
        assert!(Limits::of(draft(Family::Ec, BuiltIn::Root).tbs()).unwrap().root);
        assert!(Limits::of(&[0x30]).is_err());
    }
}
