//! Addresses and policies.

use pki_config::name::HttpUrl;
use pki_config::oid;
use pki_config::profile::ExtendedUsage;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AccessDescription, CertificatePolicies};

use super::Lint;
use super::view::{View, found};
use crate::core::draft::MUST_STAPLE;

pub(super) const LINTS: &[Lint] = &[
    Lint::error("cdp_url", "BR 7.1.2.11.2", cdp_url),
    Lint::error("aia_url", "BR 7.1.2.7.7", aia_url),
    Lint::error("revocation_pointer", "BR 7.1.2.11.2", revocation_pointer),
    Lint::error("must_staple", "7633 4.1", must_staple),
    Lint::error("gm_cabf_oid", "BR 6.1.5", gm_cabf_oid),
];

/// Whether a name is this one address, an `http` one.
fn is(name: &GeneralName, url: Option<&HttpUrl>) -> bool {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => {
            uri.as_str().parse::<HttpUrl>().is_ok_and(|parsed| Some(&parsed) == url)
        }
        _ => false,
    }
}

/// One point with one `http` address, the issuer's, without reasons or another CRL issuer.
fn cdp_url(view: &View<'_>) -> Option<String> {
    view.extension(oid::CRL_DISTRIBUTION_POINTS)?;
    let points: Vec<DistributionPoint> = view.value(oid::CRL_DISTRIBUTION_POINTS).unwrap_or_default();
    let ours = match points.as_slice() {
        [
            DistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(names)),
                reasons: None,
                crl_issuer: None,
            },
        ] => names.len() == 1 && is(&names[0], view.issuer.urls.crl.as_ref()),
        _ => false,
    };
    found(!ours, "the CRL distribution point is not the issuer's one http address")
}

/// Only the issuer's OCSP responder and certificate, each once, by `http`.
fn aia_url(view: &View<'_>) -> Option<String> {
    view.extension(oid::AUTHORITY_INFO_ACCESS)?;
    let access: Vec<AccessDescription> = view.value(oid::AUTHORITY_INFO_ACCESS).unwrap_or_default();
    let ours = |entry: &AccessDescription| match entry.access_method {
        oid::AD_OCSP => is(&entry.access_location, view.issuer.urls.ocsp.as_ref()),
        oid::AD_CA_ISSUERS => is(&entry.access_location, view.issuer.urls.ca_issuers.as_ref()),
        _ => false,
    };
    let twice = access.iter().enumerate().any(|(place, entry)| access[..place].contains(entry));
    found(access.is_empty() || twice || !access.iter().all(ours), "authority information is not the issuer's addresses")
}

/// A TLS server's certificate says where to ask whether it is revoked.
fn revocation_pointer(view: &View<'_>) -> Option<String> {
    if !view.rules.usage.extended.contains(&ExtendedUsage::ServerAuth) {
        return None;
    }
    let access: Vec<AccessDescription> = view.value(oid::AUTHORITY_INFO_ACCESS).unwrap_or_default();
    let ocsp = access.iter().any(|entry| entry.access_method == oid::AD_OCSP);
    found(!ocsp && view.extension(oid::CRL_DISTRIBUTION_POINTS).is_none(), "neither a CRL nor an OCSP address")
}

/// A server that must staple has a responder to get answers from, and nothing else is asked of it.
fn must_staple(view: &View<'_>) -> Option<String> {
    let value = view.extension(oid::TLS_FEATURE)?.extn_value.as_bytes();
    let access: Vec<AccessDescription> = view.value(oid::AUTHORITY_INFO_ACCESS).unwrap_or_default();
    let ocsp = access.iter().any(|entry| entry.access_method == oid::AD_OCSP);
    found(value != MUST_STAPLE || !ocsp, "TLS features other than status_request, or no OCSP address")
}

/// The CA/Browser Forum's policies allow no SM2 key, so none of its identifiers (2.23.140) goes with one.
fn gm_cabf_oid(view: &View<'_>) -> Option<String> {
    let policies: CertificatePolicies = view.value(oid::CERTIFICATE_POLICIES)?;
    let sm2 = view.issuer.key.algorithm() == crypto_pool::KeyAlgorithm::Sm2;
    let forum = policies.0.iter().any(|policy| policy.policy_identifier.to_string().starts_with("2.23.140."));
    found(sm2 && forum, "a CA/Browser Forum policy under an SM2 issuer")
}

#[cfg(test)]
mod tests {
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{Family, edit, fails, fails_in, passes, passes_in, push, replace_text, without};

    #[test]
    fn the_crl_address_is_the_issuers_by_http() {
        passes("cdp_url", BuiltIn::TlsServer);
        fails("cdp_url", BuiltIn::TlsServer, |tbs| replace_text(tbs, oid::CRL_DISTRIBUTION_POINTS, "http:", "ldap:"));
        fails("cdp_url", BuiltIn::TlsServer, |tbs| replace_text(tbs, oid::CRL_DISTRIBUTION_POINTS, "/ec.", "/xx."));
        fails("cdp_url", BuiltIn::TlsServer, |tbs| edit(tbs, oid::CRL_DISTRIBUTION_POINTS, &[0x30, 0x00]));
        // A second, empty point.
        fails("cdp_url", BuiltIn::TlsServer, |tbs| {
            let all = tbs.extensions.as_mut().unwrap();
            let place = all.iter().position(|e| e.extn_id == oid::CRL_DISTRIBUTION_POINTS).unwrap();
            let mut value = all[place].extn_value.as_bytes().to_vec();
            value[1] += 2;
            value.extend([0x30, 0x00]);
            edit(tbs, oid::CRL_DISTRIBUTION_POINTS, &value);
        });
    }

    #[test]
    fn the_issuers_certificate_is_fetched_by_http() {
        passes("aia_url", BuiltIn::TlsServer);
        fails("aia_url", BuiltIn::TlsServer, |tbs| replace_text(tbs, oid::AUTHORITY_INFO_ACCESS, "http:", "ldap:"));
        fails("aia_url", BuiltIn::TlsServer, |tbs| replace_text(tbs, oid::AUTHORITY_INFO_ACCESS, "/ec.", "/xx."));
        fails("aia_url", BuiltIn::TlsServer, |tbs| edit(tbs, oid::AUTHORITY_INFO_ACCESS, &[0x30, 0x00]));
    }

    #[test]
    fn a_server_says_where_to_ask_about_revocation() {
        passes("revocation_pointer", BuiltIn::TlsServer);
        fails("revocation_pointer", BuiltIn::TlsServer, |tbs| without(tbs, oid::CRL_DISTRIBUTION_POINTS));
        passes("revocation_pointer", BuiltIn::OcspSigner);
    }

    #[test]
    fn no_forum_policy_goes_with_sm2() {
        passes_in(Family::Sm2, "gm_cabf_oid", BuiltIn::TlsServer);
        // certificatePolicies with 2.23.140.1.2.1 alone.
        let policies = [0x30, 0x0a, 0x30, 0x08, 0x06, 0x06, 0x67, 0x81, 0x0c, 0x01, 0x02, 0x01];
        fails_in(Family::Sm2, "gm_cabf_oid", BuiltIn::TlsServer, |tbs| {
            push(tbs, oid::CERTIFICATE_POLICIES, false, &policies);
        });
        // The same broken rule does not touch the other family.
        crate::core::lint::samples::passes_with("gm_cabf_oid", BuiltIn::TlsServer, |tbs| {
            push(tbs, oid::CERTIFICATE_POLICIES, false, &policies);
        });
    }

    #[test]
    fn a_server_that_must_staple_has_a_responder_and_no_other_feature() {
        passes("must_staple", BuiltIn::TlsServerMustStaple);
        fails("must_staple", BuiltIn::TlsServerMustStaple, |tbs| {
            // status_request_v2, 17 (RFC 6961).
            edit(tbs, oid::TLS_FEATURE, &[0x30, 3, 2, 1, 17]);
        });
        fails("must_staple", BuiltIn::TlsServerMustStaple, |tbs| without(tbs, oid::AUTHORITY_INFO_ACCESS));
    }
}
