//! The extensions of a list.

use der::asn1::{Ia5String, OctetString, Uint};
use der::{Encode, Tag};
use pki_config::name::HttpUrl;
use pki_config::oid;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::ext::pkix::crl::IssuingDistributionPoint;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use super::CrlHead;

const FITS: &str = "short extensions with checked addresses have a DER form";

/// `[0] EXPLICIT SEQUENCE OF Extension`: authorityKeyIdentifier and cRLNumber, and as the list is,
/// deltaCRLIndicator, issuingDistributionPoint (both critical) and freshestCRL.
pub(super) fn encode(head: &CrlHead) -> Vec<u8> {
    let extension = |extn_id, critical, value: Vec<u8>| Extension {
        extn_id,
        critical,
        extn_value: OctetString::new(value).expect(FITS),
    };
    let mut all = vec![
        extension(oid::AUTHORITY_KEY_ID, false, authority(head)),
        extension(oid::CRL_NUMBER, false, number(head.number)),
    ];
    if let Some(base) = head.base {
        all.push(extension(oid::DELTA_CRL_INDICATOR, true, number(base)));
    }
    if let Some(point) = &head.point {
        all.push(extension(oid::ISSUING_DISTRIBUTION_POINT, true, issuing_point(point)));
    }
    if let Some(url) = &head.freshest {
        all.push(extension(oid::FRESHEST_CRL, false, freshest(url)));
    }
    let tag = Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) };
    der::Any::new(tag, all.to_der().expect(FITS)).and_then(|any| any.to_der()).expect(FITS)
}

fn authority(head: &CrlHead) -> Vec<u8> {
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(head.issuer.key.key_id()).expect(FITS)),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    authority.to_der().expect(FITS)
}

/// `CRLNumber ::= INTEGER`, and `BaseCRLNumber` alike.
fn number(number: u64) -> Vec<u8> {
    Uint::new(&number.to_be_bytes()).and_then(|number| number.to_der()).expect(FITS)
}

/// The `[0]` of a distribution point, octet by octet as certificates have it.
fn named(url: &HttpUrl) -> DistributionPointName {
    let uri = Ia5String::new(url.as_str()).expect(FITS);
    DistributionPointName::FullName(vec![GeneralName::UniformResourceIdentifier(uri)])
}

/// RFC 5280 5.2.5. Only the point: the list is for all reasons, of this issuer alone, and its certificates may be of
/// any kind.
pub(crate) fn issuing_point(url: &HttpUrl) -> Vec<u8> {
    let point = IssuingDistributionPoint {
        distribution_point: Some(named(url)),
        only_contains_user_certs: false,
        only_contains_ca_certs: false,
        only_some_reasons: None,
        indirect_crl: false,
        only_contains_attribute_certs: false,
    };
    point.to_der().expect(FITS)
}

/// RFC 5280 5.2.6: where the delta to this list is.
pub(crate) fn freshest(url: &HttpUrl) -> Vec<u8> {
    let point = DistributionPoint { distribution_point: Some(named(url)), reasons: None, crl_issuer: None };
    vec![point].to_der().expect(FITS)
}
