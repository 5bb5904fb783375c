//! A revocation list of anybody, walked without an allocation per entry.

use std::ops::Range;
use std::sync::Arc;

use pki_config::status::Reason;
use pki_config::{Instant, oid};

use super::extensions::authority_key_id;
use crate::algorithm::SignatureAlgorithm;
use crate::public_key::PublicKey;
use crate::tlv::{self, BadDer, Reader, Tlv};

/// Longest CRL that is read. Unit: bytes. A million entries take about 36 MB.
const LONGEST: usize = 256 << 20;

/// `removeFromCRL`, RFC 5280 5.3.1.
const REMOVE_FROM_CRL: u8 = 8;

/// A CRL (RFC 5280 5.1). Cheap to clone; the received bytes are kept.
#[derive(Clone)]
pub struct Crl(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    tbs: Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Range<usize>,
    issuer: Range<usize>,
    entries: Range<usize>,
    this_update: Instant,
    next_update: Option<Instant>,
    about: About,
}

/// What its extensions say.
#[derive(Default)]
struct About {
    number: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    scope: Scope,
}

/// Which certificates a CRL speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// Indirect, or of some reasons only, or with an unknown critical extension: not used here.
    pub(super) unsupported: bool,
    /// The number of the list it adds to, if it is a delta. Never used alone.
    pub(super) base: Option<Vec<u8>>,
    pub(super) only_users: bool,
    pub(super) only_authorities: bool,
    /// The DER of the distribution point's name, if it is bound to one.
    pub(super) point: Option<Vec<u8>>,
}

/// One revoked certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlEntry<'a> {
    /// The content octets of its serial number.
    pub serial: &'a [u8],
    /// When it was revoked.
    pub at: Instant,
    /// Why; unspecified if the entry does not say or says something unknown.
    pub reason: Reason,
    /// From when on it is not to be relied on, if the entry says so.
    pub invalidity: Option<Instant>,
    /// In a delta: it takes the certificate off the list (RFC 5280 5.3.1 `removeFromCRL`).
    pub removes: bool,
}

impl Crl {
    /// Reads a CRL of at most 256 MiB; every entry is looked at. A `Vec` is taken over without a copy.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, BadDer> {
        let der = der.into();
        if der.len() > LONGEST {
            return tlv::bad("CRL is too long");
        }
        let span = |part: &[u8]| {
            let start = part.as_ptr() as usize - der.as_ptr() as usize;
            start..start + part.len()
        };
        let mut outer = tlv::single(&der, tlv::SEQUENCE, "CRL")?.inside();
        let tbs = outer.expect(tlv::SEQUENCE, "TBSCertList")?;
        let algorithm = outer.expect(tlv::SEQUENCE, "signature algorithm")?;
        let signature = outer.expect(tlv::BIT_STRING, "signature")?.whole_bits()?;
        outer.finish("CRL")?;

        let mut fields = tbs.inside();
        if let Some(version) = fields.optional(tlv::INTEGER)?
            && version.small()? != 1
        {
            return tlv::bad("CRL version");
        }
        let inner = fields.expect(tlv::SEQUENCE, "signature algorithm")?;
        let issuer = fields.expect(tlv::SEQUENCE, "CRL issuer")?;
        let this_update = fields.any()?.time()?;
        let next_update = match (fields.optional(tlv::UTC_TIME)?, fields.optional(tlv::GENERALIZED_TIME)?) {
            (Some(time), None) | (None, Some(time)) => Some(time.time()?),
            (None, None) => None,
            (Some(_), Some(_)) => return tlv::bad("CRL times"),
        };
        let entries = fields.optional(tlv::SEQUENCE)?.map_or(&der[..0], |list| list.value);
        let about = match fields.optional(0xa0)? {
            Some(list) => About::read(list)?,
            None => About::default(),
        };
        fields.finish("TBSCertList")?;
        let mut walk = Reader::new(entries);
        while !walk.is_empty() {
            read_entry(&mut walk)?;
        }
        let algorithm = SignatureAlgorithm::from_identifier_der(algorithm.whole)
            .filter(|outer| SignatureAlgorithm::from_identifier_der(inner.whole) == Some(*outer));
        let (tbs, signature, issuer, entries) = (span(tbs.whole), span(signature), span(issuer.whole), span(entries));
        Ok(Self(Arc::new(Parts { tbs, algorithm, signature, issuer, entries, this_update, next_update, about, der })))
    }

    /// The CRL as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The to-be-signed part as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.0.der[self.0.tbs.clone()]
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.0.der[self.0.issuer.clone()]
    }

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> Instant {
        self.0.this_update
    }

    /// When the next one will be there at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<Instant> {
        self.0.next_update
    }

    /// The magnitude of its CRLNumber, big-endian.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.0.about.number.as_deref()
    }

    /// The key identifier of its issuer.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.about.authority_key_id.as_deref()
    }

    /// Whether it is a full CRL for all of its issuer's certificates and all reasons. One bound to a distribution
    /// point counts as such: whether others are bound to another only the issuer knows.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let scope = &self.0.about.scope;
        !scope.unsupported && scope.base.is_none() && !scope.only_users && !scope.only_authorities
    }

    /// Whether it is a delta that completes this full list: of the same issuer and key, for the same certificates, to
    /// this list or an earlier one, and made after it (RFC 5280 6.3.3 c).
    #[must_use]
    pub(super) fn completes(&self, full: &Self) -> bool {
        let (mine, its) = (&self.0.about, &full.0.about);
        let (Some(base), Some(number), Some(its_number)) = (&mine.scope.base, &mine.number, &its.number) else {
            return false;
        };
        let same_scope = its.scope.base.is_none() && Scope { base: None, ..mine.scope.clone() } == its.scope;
        let same_issuer = self.issuer() == full.issuer() && mine.authority_key_id == its.authority_key_id;
        let in_reach = is_at_most(base, its_number) && !is_at_most(number, its_number);
        same_scope && same_issuer && in_reach
    }

    /// Whether it was made, and its successor was not yet due, at this moment.
    #[must_use]
    pub(super) fn is_current(&self, at: Instant) -> bool {
        self.this_update() <= at && self.next_update().is_some_and(|next| at <= next)
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.0.about.scope
    }

    /// Whether this key made its signature. Hashes the whole CRL.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signature = &self.0.der[self.0.signature.clone()];
        self.0.algorithm.is_some_and(|algorithm| key.verify(algorithm, self.tbs(), signature))
    }

    /// Its entries, in their order.
    pub fn entries(&self) -> impl Iterator<Item = CrlEntry<'_>> {
        let mut walk = Reader::new(&self.0.der[self.0.entries.clone()]);
        // Every entry was read once when the CRL was, so none fails now.
        std::iter::from_fn(move || if walk.is_empty() { None } else { read_entry(&mut walk).ok() })
    }

    /// The entry of a serial number (content octets of the INTEGER), if it is listed.
    #[must_use]
    pub fn find(&self, serial: &[u8]) -> Option<CrlEntry<'_>> {
        let mut walk = Reader::new(&self.0.der[self.0.entries.clone()]);
        while let Ok(entry) = walk.expect(tlv::SEQUENCE, "CRL entry") {
            let listed = entry.inside().expect(tlv::INTEGER, "CRL entry serial").ok()?;
            if listed.value == serial {
                return read_entry(&mut Reader::new(entry.whole)).ok();
            }
        }
        None
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({} bytes of {})", self.0.der.len(), self.0.this_update)
    }
}

fn read_entry<'a>(walk: &mut Reader<'a>) -> Result<CrlEntry<'a>, BadDer> {
    let mut entry = walk.expect(tlv::SEQUENCE, "CRL entry")?.inside();
    let serial = entry.expect(tlv::INTEGER, "CRL entry serial")?.value;
    let at = entry.any()?.time()?;
    let mut read = CrlEntry { serial, at, reason: Reason::Unspecified, invalidity: None, removes: false };
    if let Some(extensions) = entry.optional(tlv::SEQUENCE)? {
        let mut list = extensions.inside();
        while !list.is_empty() {
            let (id, _, value) = read_extension(&mut list)?;
            if id == oid::CRL_REASON.as_bytes() {
                let code = tlv::single(value, tlv::ENUMERATED, "CRL reason")?.value;
                let known = code.first().copied().filter(|_| code.len() == 1).and_then(Reason::from_code);
                read.reason = known.unwrap_or(Reason::Unspecified);
                read.removes = code == [REMOVE_FROM_CRL];
            } else if id == oid::INVALIDITY_DATE.as_bytes() {
                read.invalidity = Some(tlv::single(value, tlv::GENERALIZED_TIME, "invalidity date")?.time()?);
            }
        }
    }
    entry.finish("CRL entry")?;
    Ok(read)
}

fn read_extension<'a>(list: &mut Reader<'a>) -> Result<(&'a [u8], bool, &'a [u8]), BadDer> {
    let mut extension = list.expect(tlv::SEQUENCE, "CRL extension")?.inside();
    let id = extension.expect(tlv::OID, "CRL extension")?.value;
    let critical = match extension.optional(tlv::BOOLEAN)? {
        Some(critical) => critical.boolean()?,
        None => false,
    };
    let value = extension.expect(tlv::OCTET_STRING, "CRL extension")?.value;
    extension.finish("CRL extension")?;
    Ok((id, critical, value))
}

/// Whether a magnitude, big-endian and without leading zeros, is no larger than another.
fn is_at_most(one: &[u8], other: &[u8]) -> bool {
    (one.len(), one) <= (other.len(), other)
}

impl About {
    fn read(list: Tlv<'_>) -> Result<Self, BadDer> {
        let mut list = tlv::single(list.value, tlv::SEQUENCE, "CRL extensions")?.inside();
        let mut about = Self::default();
        while !list.is_empty() {
            let (id, critical, value) = read_extension(&mut list)?;
            if id == oid::CRL_NUMBER.as_bytes() {
                about.number = Some(tlv::single(value, tlv::INTEGER, "CRL number")?.magnitude()?.to_vec());
            } else if id == oid::AUTHORITY_KEY_ID.as_bytes() {
                about.authority_key_id = authority_key_id(value)?.map(<[u8]>::to_vec);
            } else if id == oid::ISSUING_DISTRIBUTION_POINT.as_bytes() {
                about.scope.take_in(value)?;
            } else if id == oid::DELTA_CRL_INDICATOR.as_bytes() {
                about.scope.base = Some(tlv::single(value, tlv::INTEGER, "base CRL number")?.magnitude()?.to_vec());
            } else if critical {
                about.scope.unsupported = true;
            }
        }
        Ok(about)
    }
}

impl Scope {
    /// ```text
    /// IssuingDistributionPoint ::= SEQUENCE {
    ///   distributionPoint [0] DistributionPointName OPTIONAL, onlyContainsUserCerts [1] BOOLEAN,
    ///   onlyContainsCACerts [2] BOOLEAN, onlySomeReasons [3], indirectCRL [4], onlyContainsAttributeCerts [5] }
    /// ```
    fn take_in(&mut self, value: &[u8]) -> Result<(), BadDer> {
        let mut inside = tlv::single(value, tlv::SEQUENCE, "issuing distribution point")?.inside();
        while !inside.is_empty() {
            let part = inside.any()?;
            let yes = part.value == [0xff];
            match part.tag {
                0xa0 => self.point = Some(part.value.to_vec()),
                0x81 => self.only_users |= yes,
                0x82 => self.only_authorities |= yes,
                0x84 | 0x85 => self.unsupported |= yes,
                _ => self.unsupported = true,
            }
        }
        Ok(())
    }
}
