//! The extensions of a certificate that decide what it may be used for (RFC 5280 4.2).

use const_oid::ObjectIdentifier;
use pki_config::oid;

use super::tolerant::{self, Deviation, Leniency};
use crate::ber;
use crate::tlv::{self, BadDer, Reader};

/// Most extensions that are read.
const MOST: usize = 64;

/// What the extensions say. Everything is absent in a certificate without any.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Extensions {
    /// `basicConstraints`: whether it is an authority's, and how many may follow below.
    pub basic_constraints: Option<BasicConstraints>,
    /// `keyUsage`.
    pub key_usage: Option<KeyUsage>,
    /// `extKeyUsage`: the object identifiers.
    pub ext_key_usage: Option<Vec<ObjectIdentifier>>,
    /// `subjectKeyIdentifier`.
    pub subject_key_id: Option<Vec<u8>>,
    /// `authorityKeyIdentifier`, its key identifier.
    pub authority_key_id: Option<Vec<u8>>,
    /// `subjectAltName`: the DER of `GeneralNames`.
    pub subject_alt_name: Option<Vec<u8>>,
    /// `nameConstraints`: its DER.
    pub name_constraints: Option<Vec<u8>>,
    /// `cRLDistributionPoints`: its DER.
    pub crl_distribution_points: Option<Vec<u8>>,
    /// `certificatePolicies`: its DER.
    pub certificate_policies: Option<Vec<u8>>,
    /// `policyMappings`: its DER.
    pub policy_mappings: Option<Vec<u8>>,
    /// `policyConstraints`: its DER.
    pub policy_constraints: Option<Vec<u8>>,
    /// `inhibitAnyPolicy`: how many more certificates may have anyPolicy.
    pub inhibit_any_policy: Option<u64>,
    /// `id-pkix-ocsp-nocheck`: the certificate of a responder whose revocation need not be looked up.
    pub ocsp_no_check: bool,
    /// Critical extensions that are not processed here: reason enough to refuse.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

/// `basicConstraints`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a certificate authority.
    pub ca: bool,
    /// How many authorities may follow below, self-issued ones not counted; unbounded if absent.
    pub path_len: Option<u64>,
}

/// `keyUsage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    const fn has(self, bit: u32) -> bool {
        self.0 & (0x8000 >> bit) != 0
    }

    /// digitalSignature (0).
    #[must_use]
    pub const fn digital_signature(self) -> bool {
        self.has(0)
    }

    /// nonRepudiation, contentCommitment (1).
    #[must_use]
    pub const fn non_repudiation(self) -> bool {
        self.has(1)
    }

    /// keyEncipherment (2).
    #[must_use]
    pub const fn key_encipherment(self) -> bool {
        self.has(2)
    }

    /// dataEncipherment (3).
    #[must_use]
    pub const fn data_encipherment(self) -> bool {
        self.has(3)
    }

    /// keyAgreement (4).
    #[must_use]
    pub const fn key_agreement(self) -> bool {
        self.has(4)
    }

    /// keyCertSign (5).
    #[must_use]
    pub const fn key_cert_sign(self) -> bool {
        self.has(5)
    }

    /// cRLSign (6).
    #[must_use]
    pub const fn crl_sign(self) -> bool {
        self.has(6)
    }
}

impl Extensions {
    /// Reads `Extensions`. Each may occur once.
    pub(super) fn read(der: &[u8], leniency: &mut Leniency) -> Result<Self, BadDer> {
        let mut list = tlv::single(der, tlv::SEQUENCE, "extensions")?.inside();
        let mut seen: Vec<&[u8]> = Vec::new();
        let mut all = Self::default();
        while !list.is_empty() {
            let mut extension = list.expect(tlv::SEQUENCE, "extension")?.inside();
            let id = extension.expect(tlv::OID, "extension")?.value;
            let critical = match extension.optional(tlv::BOOLEAN)? {
                Some(critical) => critical.boolean()?,
                None => false,
            };
            let value = extension.expect(tlv::OCTET_STRING, "extension")?.value;
            extension.finish("extension")?;
            if seen.contains(&id) || seen.len() == MOST {
                return tlv::bad("an extension twice, or too many");
            }
            seen.push(id);
            let known = match all.take_in(id, value) {
                Err(why) if leniency.is_lenient => all.take_in_tolerantly(id, value, critical, leniency).ok_or(why)?,
                other => other?,
            };
            if !known && critical && !(leniency.is_lenient && tolerant::tells_of_the_subject_only(id)) {
                all.unknown_critical.push(object_id(id)?);
            }
        }
        Ok(all)
    }

    /// Whether the extension is one that is processed.
    fn take_in(&mut self, id: &[u8], value: &[u8]) -> Result<bool, BadDer> {
        let is = |known: ObjectIdentifier| known.as_bytes() == id;
        if is(oid::BASIC_CONSTRAINTS) {
            self.basic_constraints = Some(basic_constraints(value)?);
        } else if is(oid::KEY_USAGE) {
            self.key_usage = Some(key_usage(value)?);
        } else if is(oid::EXT_KEY_USAGE) {
            self.ext_key_usage = Some(ext_key_usage(value)?);
        } else if is(oid::SUBJECT_KEY_ID) {
            self.subject_key_id = Some(tlv::single(value, tlv::OCTET_STRING, "subject key identifier")?.value.to_vec());
        } else if is(oid::AUTHORITY_KEY_ID) {
            self.authority_key_id = authority_key_id(value)?.map(<[u8]>::to_vec);
        } else if is(oid::SUBJECT_ALT_NAME) {
            self.subject_alt_name = Some(whole_sequence(value)?);
        } else if is(oid::NAME_CONSTRAINTS) {
            self.name_constraints = Some(whole_sequence(value)?);
        } else if is(oid::CRL_DISTRIBUTION_POINTS) {
            self.crl_distribution_points = Some(whole_sequence(value)?);
        } else if is(oid::CERTIFICATE_POLICIES) {
            self.certificate_policies = Some(whole_sequence(value)?);
        } else if is(oid::POLICY_MAPPINGS) {
            self.policy_mappings = Some(whole_sequence(value)?);
        } else if is(oid::POLICY_CONSTRAINTS) {
            self.policy_constraints = Some(whole_sequence(value)?);
        } else if is(oid::INHIBIT_ANY_POLICY) {
            self.inhibit_any_policy = Some(tlv::single(value, tlv::INTEGER, "inhibitAnyPolicy")?.small()?);
        } else if is(oid::OCSP_NOCHECK) {
            self.ocsp_no_check = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// A value that is not DER, if it can be read otherwise. One that only helps to find a path is passed over.
    fn take_in_tolerantly(&mut self, id: &[u8], value: &[u8], critical: bool, leniency: &mut Leniency) -> Option<bool> {
        let known = ber::to_der(value).and_then(|der| self.take_in(id, &der).ok());
        let only_helps = [oid::SUBJECT_KEY_ID, oid::AUTHORITY_KEY_ID].iter().any(|known| known.as_bytes() == id);
        let known = known.or_else(|| (only_helps && !critical).then_some(true))?;
        leniency.note(Deviation::Extension);
        Some(known)
    }
}

pub(super) fn object_id(bytes: &[u8]) -> Result<ObjectIdentifier, BadDer> {
    ObjectIdentifier::from_bytes(bytes).map_err(|_| BadDer { what: "object identifier" })
}

fn whole_sequence(value: &[u8]) -> Result<Vec<u8>, BadDer> {
    Ok(tlv::single(value, tlv::SEQUENCE, "extension")?.whole.to_vec())
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, BadDer> {
    let mut inside = tlv::single(value, tlv::SEQUENCE, "basic constraints")?.inside();
    let ca = match inside.optional(tlv::BOOLEAN)? {
        Some(ca) => ca.boolean()?,
        None => false,
    };
    let path_len = match inside.optional(tlv::INTEGER)? {
        Some(length) => Some(length.small()?),
        None => None,
    };
    inside.finish("basic constraints")?;
    Ok(BasicConstraints { ca, path_len })
}

/// Trailing zero bits need not be trimmed: real certificates have `030200c0`.
fn key_usage(value: &[u8]) -> Result<KeyUsage, BadDer> {
    match tlv::single(value, tlv::BIT_STRING, "key usage")?.value {
        [unused @ 0..=7, first] => Ok(KeyUsage(u16::from(*first) << 8 & u16::MAX << (8 + unused))),
        [unused @ 0..=7, first, second] => Ok(KeyUsage(u16::from_be_bytes([*first, *second]) & u16::MAX << unused)),
        [0] => Ok(KeyUsage(0)),
        _ => tlv::bad("key usage"),
    }
}

fn ext_key_usage(value: &[u8]) -> Result<Vec<ObjectIdentifier>, BadDer> {
    let mut inside = tlv::single(value, tlv::SEQUENCE, "extended key usage")?.inside();
    let mut uses = Vec::new();
    while !inside.is_empty() {
        if uses.len() == MOST {
            return tlv::bad("too many extended key usages");
        }
        uses.push(object_id(inside.expect(tlv::OID, "extended key usage")?.value)?);
    }
    if uses.is_empty() { tlv::bad("extended key usage") } else { Ok(uses) }
}

/// The key identifier of an `AuthorityKeyIdentifier`.
pub(super) fn authority_key_id(value: &[u8]) -> Result<Option<&[u8]>, BadDer> {
    let mut inside: Reader<'_> = tlv::single(value, tlv::SEQUENCE, "authority key identifier")?.inside();
    let key = inside.optional(0x80)?;
    inside.optional(0xa1)?;
    inside.optional(0x82)?;
    inside.finish("authority key identifier")?;
    Ok(key.map(|key| key.value))
}
