//! From a profile, an issuer and a subject to the exact bytes that will be signed.
//!
//! There is one encoder, [`Draft::new`], and what it writes is never encoded again: the lints read
//! these bytes, the store keeps them, the pool signs them, the certificate contains them.

use std::fmt;
use std::time::Duration;

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::PublicKey;
use der::asn1::{Any, BitString, Ia5String, Int, OctetString};
use der::{Decode, Encode};
use pki_config::name::{DistinguishedName, HttpUrl, SubjectAltName};
use pki_config::profile::{KeyMaker, KeyUsageBit, Presence, Profile, Rules};
use pki_config::time::Validity;
use pki_config::{Identity, IdentityKind, Instant, Serial, oid};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AccessDescription, AuthorityKeyIdentifier, BasicConstraints};

use super::approval::Approved;
use super::csr::{ProvenKey, ProvenRequest};
use super::issuer::{Issuer, kind_of};
use super::tbs::{Tbs, TbsValidity};

/// The key and names of a certificate to be: all it takes from outside.
#[derive(Debug, Clone)]
pub struct Subject {
    name: DistinguishedName,
    alt_names: SubjectAltName,
    identity: Identity,
    key: PublicKey,
    maker: KeyMaker,
    /// DER of the name constraints of an authority.
    constraints: Option<Vec<u8>>,
}

impl Subject {
    /// The key and the names of a request.
    #[must_use]
    pub fn requested(request: ProvenRequest) -> Self {
        let (key, name, alt_names) = request.into_parts();
        Self::named(key, name, alt_names)
    }

    /// The key of a request, and names an officer gave instead of those in it.
    #[must_use]
    pub fn named(key: ProvenKey, name: DistinguishedName, alt_names: SubjectAltName) -> Self {
        Self {
            name,
            alt_names,
            identity: Identity::none(),
            key: key.key().clone(),
            maker: KeyMaker::Csr,
            constraints: None,
        }
    }

    /// A key the pool made and keeps.
    #[must_use]
    pub const fn pooled(key: PublicKey, name: DistinguishedName, alt_names: SubjectAltName) -> Self {
        Self { name, alt_names, identity: Identity::none(), key, maker: KeyMaker::Pool, constraints: None }
    }

    /// A key nobody has yet, to see what the rules say to the names. What comes of it is thrown away.
    #[must_use]
    pub(crate) const fn unheld(
        key: PublicKey,
        maker: KeyMaker,
        name: DistinguishedName,
        alt_names: SubjectAltName,
    ) -> Self {
        Self { name, alt_names, identity: Identity::none(), key, maker, constraints: None }
    }

    /// The same names with the encryption key that the key centre made for them.
    #[must_use]
    pub fn with_key_of_centre(self, key: PublicKey) -> Self {
        Self { key, maker: KeyMaker::Centre, ..self }
    }

    /// The same with identity numbers, instead of those it had.
    #[must_use]
    pub fn identified(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// The same, an authority confined to some names: DER of the extension (RFC 5280 4.2.1.10).
    #[must_use]
    pub fn constrained(mut self, constraints: Option<Vec<u8>>) -> Self {
        self.constraints = constraints;
        self
    }

    /// The same, its key from somebody whose proof of possession a test need not make.
    #[cfg(test)]
    pub(crate) const fn made_by(mut self, maker: KeyMaker) -> Self {
        self.maker = maker;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &DistinguishedName {
        &self.name
    }

    /// Its alternative names.
    #[must_use]
    pub const fn alt_names(&self) -> &SubjectAltName {
        &self.alt_names
    }

    /// Its identity numbers.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Who made its key.
    #[must_use]
    pub const fn maker(&self) -> KeyMaker {
        self.maker
    }
}

/// Why nothing was drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undraftable {
    /// The profile takes no key made this way. Caller's fault.
    Maker(KeyMaker),
    /// The profile takes no key of this kind. Caller's fault.
    KeyKind,
    /// A lifetime of zero, or longer than the profile's maximum. Caller's fault.
    Lifetime {
        /// The longest the profile gives now.
        longest: Duration,
    },
    /// The issuer's own certificate leaves no time. Operator's fault: renew the issuer.
    IssuerExpired {
        /// Its last second.
        at: Instant,
    },
    /// The profile asks for an address the issuer does not have. Operator's fault.
    IssuerUrl(&'static str),
    /// A self-signed profile and an issuer's, or the other way round. The caller is wired wrongly.
    SelfSigned,
    /// The profile takes no identity number of this kind. Caller's fault.
    Identity(IdentityKind),
    /// The profile asks for an identity number of this kind. Caller's fault.
    NoIdentity(IdentityKind),
    /// Two identity numbers would stand in one extension. Caller's fault.
    IdentityTwice(IdentityKind, IdentityKind),
}

impl fmt::Display for Undraftable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maker(KeyMaker::Csr) => f.write_str("the profile takes keys made by the pool only"),
            Self::Maker(KeyMaker::Pool) => f.write_str("the profile takes keys made by the subscriber only"),
            Self::Maker(KeyMaker::Centre) => f.write_str("the profile has no certificate for a key of the key centre"),
            Self::KeyKind => f.write_str("the profile takes no key of this kind"),
            Self::Lifetime { longest } => {
                write!(f, "the lifetime must be at least one second and at most {} days", longest.as_secs() / 86_400)
            }
            Self::IssuerExpired { at } => write!(f, "the issuer's certificate ends at {at}"),
            Self::IssuerUrl(which) => write!(f, "the issuer has no {which} address"),
            Self::SelfSigned => f.write_str("only a root authority is self-signed"),
            Self::Identity(kind) => write!(f, "the profile takes no identity number {kind}"),
            Self::NoIdentity(kind) => write!(f, "the profile asks for identity number {kind}"),
            Self::IdentityTwice(one, other) => write!(f, "give {one} or {other}: they stand in one place"),
        }
    }
}

impl std::error::Error for Undraftable {}

/// The bytes to be signed, not yet linted.
#[derive(Debug)]
pub struct Draft {
    pub(super) approved: Approved,
    pub(super) profile: Profile,
    pub(super) issuer: Issuer,
    pub(super) subject: Subject,
    pub(super) serial: Serial,
    pub(super) validity: Validity,
    pub(super) tbs: Vec<u8>,
}

impl Draft {
    /// Drafts a certificate that begins at the whole second of `now` and lasts `lifetime`, or what the
    /// profile usually gives; never longer than the issuer's own certificate.
    ///
    /// # Errors
    /// [`Undraftable`] says why, and whose fault it is.
    pub fn new(
        approved: Approved,
        profile: &Profile,
        issuer: &Issuer,
        subject: Subject,
        serial: Serial,
        lifetime: Option<Duration>,
        now: Instant,
    ) -> Result<Self, Undraftable> {
        let rules = profile.rules();
        if !rules.key.makers.contains(&subject.maker) {
            return Err(Undraftable::Maker(subject.maker));
        }
        let longest = rules.validity.longest(now);
        let lifetime = lifetime.unwrap_or_else(|| rules.validity.usual(now));
        if lifetime.as_secs() == 0 || lifetime > longest {
            return Err(Undraftable::Lifetime { longest });
        }
        if issuer.self_signed && (!rules.basic_constraints.ca || subject.key != issuer.key) {
            return Err(Undraftable::SelfSigned);
        }
        let validity = Validity::starting(now, lifetime)
            .capped(issuer.not_after)
            .ok_or(Undraftable::IssuerExpired { at: issuer.not_after })?;
        let extensions = extensions(rules, issuer, &subject)?;
        let tbs = encode(issuer, &subject, &serial, validity, extensions);
        let (profile, issuer) = (profile.clone(), issuer.clone());
        Ok(Self { approved, profile, issuer, subject, serial, validity, tbs })
    }

    /// Its validity period.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// The bytes.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }
}

/// `Features ::= SEQUENCE OF INTEGER` with status_request, 5 (RFC 7633 4.1, RFC 6066 8).
pub(super) const MUST_STAPLE: [u8; 5] = [0x30, 3, 2, 1, 5];

const FITS: &str = "checked names, keys and addresses have a DER form of bounded length";

fn encode(
    issuer: &Issuer,
    subject: &Subject,
    serial: &Serial,
    validity: Validity,
    extensions: Vec<Extension>,
) -> Vec<u8> {
    // A clear top bit makes the INTEGER positive; a set one needs a leading zero octet.
    let mut content = serial.as_bytes().to_vec();
    if content.first().is_some_and(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    let tbs = Tbs {
        version: 2,
        serial: Int::new(&content).expect(FITS),
        signature: issuer.signature_algorithm().identifier(),
        issuer: Any::from_der(&issuer.name).expect("an issuer's name was encoded by its own certificate"),
        validity: TbsValidity {
            not_before: validity.not_before().to_der_time(),
            not_after: validity.not_after().to_der_time(),
        },
        subject: Any::from_der(&subject.name.to_der()).expect(FITS),
        spki: Any::from_der(subject.key.spki_der()).expect(FITS),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    tbs.to_der().expect(FITS)
}

/// The extensions, always in this order.
fn extensions(rules: &Rules, issuer: &Issuer, subject: &Subject) -> Result<Vec<Extension>, Undraftable> {
    let bits = rules.usage.bits_for(kind_of(subject.key.algorithm())).ok_or(Undraftable::KeyKind)?;
    let mut all = vec![
        extension(oid::BASIC_CONSTRAINTS, true, &basic_constraints(rules)),
        raw_extension(oid::KEY_USAGE, true, key_usage(bits)),
    ];
    if !rules.usage.extended.is_empty() {
        let purposes: Vec<Oid> = rules.usage.extended.iter().map(|purpose| purpose.oid()).collect();
        all.push(extension(oid::EXT_KEY_USAGE, rules.usage.extended_critical, &purposes));
    }
    if rules.san.presence != Presence::Absent
        && let Some(names) = subject.alt_names.to_der()
    {
        // RFC 5280 4.2.1.6: critical exactly where the subject is empty.
        all.push(raw_extension(oid::SUBJECT_ALT_NAME, subject.name.is_empty(), names));
    }
    if let Some(constraints) = subject.constraints.as_ref().filter(|_| rules.basic_constraints.ca) {
        all.push(raw_extension(oid::NAME_CONSTRAINTS, true, constraints.clone()));
    }
    let policies = policies(rules, issuer);
    if !policies.is_empty() {
        all.push(extension(oid::CERTIFICATE_POLICIES, false, &policies));
    }
    let subject_key = OctetString::new(subject.key.key_id()).expect(FITS);
    all.push(extension(oid::SUBJECT_KEY_ID, false, &subject_key));
    let authority_key = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key.key_id()).expect(FITS)),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    all.push(extension(oid::AUTHORITY_KEY_ID, false, &authority_key));
    if rules.urls.crl {
        let url = issuer.urls.crl.as_ref().ok_or(Undraftable::IssuerUrl("CRL"))?;
        let point = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![uri(url)])),
            reasons: None,
            crl_issuer: None,
        };
        all.push(extension(oid::CRL_DISTRIBUTION_POINTS, false, &vec![point]));
    }
    let access = authority_access(rules, issuer)?;
    if !access.is_empty() {
        all.push(extension(oid::AUTHORITY_INFO_ACCESS, false, &access));
    }
    if rules.must_staple {
        if issuer.urls.ocsp.is_none() {
            return Err(Undraftable::IssuerUrl("OCSP"));
        }
        all.push(raw_extension(oid::TLS_FEATURE, false, MUST_STAPLE.to_vec()));
    }
    if rules.ocsp_nocheck {
        all.push(extension(oid::OCSP_NOCHECK, false, &Any::null()));
    }
    all.extend(identity(rules, &subject.identity)?);
    Ok(all)
}

/// The profile's policies under this issuer, without qualifiers.
fn policies(rules: &Rules, issuer: &Issuer) -> Vec<PolicyInformation> {
    let kind = kind_of(issuer.key.algorithm());
    let here = rules.policies.iter().filter(|policy| policy.issuer.contains(&kind));
    here.map(|policy| PolicyInformation { policy_identifier: policy.oid, policy_qualifiers: None }).collect()
}

/// Identity numbers, in the profile's order; never critical.
fn identity(rules: &Rules, numbers: &Identity) -> Result<Vec<Extension>, Undraftable> {
    if let Some((kind, _)) = numbers.iter().find(|(kind, _)| !rules.identity.iter().any(|rule| rule.kind == *kind)) {
        return Err(Undraftable::Identity(kind));
    }
    let mut all: Vec<(IdentityKind, Extension)> = Vec::new();
    for rule in &rules.identity {
        let Some(number) = numbers.get(rule.kind) else {
            if rule.presence == Presence::Required {
                return Err(Undraftable::NoIdentity(rule.kind));
            }
            continue;
        };
        if let Some((other, _)) = all.iter().find(|(_, extension)| extension.extn_id == rule.oid) {
            return Err(Undraftable::IdentityTwice(*other, rule.kind));
        }
        all.push((rule.kind, raw_extension(rule.oid, false, rule.to_der(number))));
    }
    Ok(all.into_iter().map(|(_, extension)| extension).collect())
}

fn basic_constraints(rules: &Rules) -> BasicConstraints {
    BasicConstraints { ca: rules.basic_constraints.ca, path_len_constraint: rules.basic_constraints.path_length }
}

/// The OCSP responder first, as clients try addresses in order; left out until the issuer has one.
fn authority_access(rules: &Rules, issuer: &Issuer) -> Result<Vec<AccessDescription>, Undraftable> {
    let mut access = Vec::new();
    if rules.urls.ocsp
        && let Some(url) = &issuer.urls.ocsp
    {
        access.push(AccessDescription { access_method: oid::AD_OCSP, access_location: uri(url) });
    }
    if rules.urls.ca_issuers {
        let url = issuer.urls.ca_issuers.as_ref().ok_or(Undraftable::IssuerUrl("caIssuers"))?;
        access.push(AccessDescription { access_method: oid::AD_CA_ISSUERS, access_location: uri(url) });
    }
    Ok(access)
}

fn uri(url: &HttpUrl) -> GeneralName {
    GeneralName::UniformResourceIdentifier(Ia5String::new(url.as_str()).expect(FITS))
}

/// The DER of a named bit list: as many bits as the last one set needs (X.690 11.2.2).
pub(super) fn key_usage(bits: &[KeyUsageBit]) -> Vec<u8> {
    let octet = bits.iter().fold(0_u8, |sum, bit| sum | 0x80 >> bit.place());
    let unused = u8::try_from(octet.trailing_zeros().min(7)).unwrap_or(7);
    BitString::new(unused, [octet]).and_then(|bits| bits.to_der()).expect(FITS)
}

fn extension(id: Oid, critical: bool, value: &impl Encode) -> Extension {
    raw_extension(id, critical, value.to_der().expect(FITS))
}

fn raw_extension(id: Oid, critical: bool, value: Vec<u8>) -> Extension {
    Extension { extn_id: id, critical, extn_value: OctetString::new(value).expect(FITS) }
}

#[cfg(test)]
mod tests;
