//! A revocation list of anybody, walked without an allocation per entry.

use std::ops::Range;
use std::sync::Arc;

use pki_config::status::Reason;
use pki_config::{Instant, oid};

use index::Index;

use super::cert::{Outer, Signer};
use super::extensions::authority_key_id;
use super::names::same_name;
use super::points::{Reasons, Scope, directory_name};
use super::tolerant::{Deviation, Leniency};
use crate::algorithm::SignatureAlgorithm;
use crate::ber;
use crate::public_key::PublicKey;
use crate::tlv::{self, BadDer, Reader, Tlv};

mod index;

/// Longest CRL that is rewritten to DER before it is read. Unit: bytes.
const LONGEST_BER: usize = 16 << 20;

/// Longest CRL that is read. Unit: bytes. A million entries take about 36 MB.
const LONGEST: usize = 256 << 20;

/// `removeFromCRL`, RFC 5280 5.3.1.
const REMOVE_FROM_CRL: u8 = 8;

/// A CRL (RFC 5280 5.1). Cheap to clone; the received bytes are kept.
#[derive(Clone)]
pub struct Crl(Arc<Parts>);

struct Parts {
    /// As received.
    der: Vec<u8>,
    /// The same in DER, if what was received is not. All ranges but `tbs` lie in it then.
    copy: Option<Vec<u8>>,
    tbs: Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Range<usize>,
    issuer: Range<usize>,
    entries: Range<usize>,
    this_update: Instant,
    next_update: Option<Instant>,
    about: About,
    signer: Signer,
    index: Index,
    leniency: Leniency,
}

/// What its extensions say.
#[derive(Default)]
struct About {
    number: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    /// Up to when certificates that expired are still listed, counted from their end.
    expired_since: Option<Instant>,
    scope: Scope,
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
    /// Who issued it and those after it, where an indirect CRL says so: `GeneralNames`.
    pub issuer: Option<&'a [u8]>,
    /// Whether it has a critical extension that is not processed here.
    pub unknown_critical: bool,
}

impl Crl {
    /// Reads a CRL of at most 256 MiB; every entry is looked at. A `Vec` is taken over without a copy.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, BadDer> {
        let der = der.into();
        let tbs = Outer::read(&der)?.tbs;
        let tbs = range(tbs, &der);
        Self::read(der, None, tbs, Leniency::STRICT)
    }

    /// As [`Crl::from_der`], and puts up with what real CRLs have: see [`Deviation`]. For looking up what others revoked.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read even so.
    pub fn from_der_tolerant(der: impl Into<Vec<u8>>) -> Result<Self, BadDer> {
        let der = der.into();
        let unreadable = BadDer { what: "CRL" };
        if ber::is_der(&der) {
            let tbs = range(Outer::read(&der)?.tbs, &der);
            return Self::read(der, None, tbs, Leniency::lenient());
        }
        if der.len() > LONGEST_BER { Err(unreadable) } else { Self::ber(der).ok_or(unreadable) }
    }

    /// Reads the fields in a copy that is DER.
    fn ber(der: Vec<u8>) -> Option<Self> {
        let copy = ber::to_der(&der)?;
        let [tbs, _, _] = ber::parts(&der)?.try_into().ok()?;
        let tbs = range(tbs.whole, &der);
        let mut leniency = Leniency::lenient();
        leniency.note(Deviation::Encoding);
        Self::read(der, Some(copy), tbs, leniency).ok()
    }

    fn read(der: Vec<u8>, copy: Option<Vec<u8>>, tbs: Range<usize>, mut leniency: Leniency) -> Result<Self, BadDer> {
        if der.len() > LONGEST {
            return tlv::bad("CRL is too long");
        }
        let all = copy.as_deref().unwrap_or(&der);
        let span = |part: &[u8]| range(part, all);
        let outer = Outer::read(all)?;
        let mut fields = tlv::single(outer.tbs, tlv::SEQUENCE, "TBSCertList")?.inside();
        if let Some(version) = fields.optional(tlv::INTEGER)?
            && version.small()? != 1
        {
            return tlv::bad("CRL version");
        }
        let inner = fields.expect(tlv::SEQUENCE, "signature algorithm")?;
        let issuer = fields.expect(tlv::SEQUENCE, "CRL issuer")?;
        let this_update = leniency.time(fields.any()?)?;
        let next_update = match (fields.optional(tlv::UTC_TIME)?, fields.optional(tlv::GENERALIZED_TIME)?) {
            (Some(time), None) | (None, Some(time)) => Some(leniency.time(time)?),
            (None, None) => None,
            (Some(_), Some(_)) => return tlv::bad("CRL times"),
        };
        let entries = fields.optional(tlv::SEQUENCE)?.map_or(&all[..0], |list| list.value);
        let mut about = match fields.optional(0xa0)? {
            Some(list) => About::read(list)?,
            None => About::default(),
        };
        fields.finish("TBSCertList")?;
        let mut walk = Reader::new(entries);
        while !walk.is_empty() {
            // RFC 5280 5.3: such a CRL says nothing that could be relied on.
            about.scope.unsupported |= read_entry(&mut walk)?.unknown_critical;
        }
        let algorithm = leniency.algorithm(outer.algorithm, inner.whole);
        let (signature, issuer, entries) = (span(outer.signature), span(issuer.whole), span(entries));
        let signer = Signer::default();
        Ok(Self(Arc::new(Parts {
            tbs,
            algorithm,
            signature,
            issuer,
            entries,
            this_update,
            next_update,
            about,
            signer,
            index: Index::default(),
            leniency,
            copy,
            der,
        })))
    }

    /// The bytes in which the fields lie.
    fn all(&self) -> &[u8] {
        self.0.copy.as_deref().unwrap_or(&self.0.der)
    }

    /// How it deviates from the standard, if it was read tolerantly and does.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.0.leniency.found
    }

    /// The CRL as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The to-be-signed part as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.0.der.get(self.0.tbs.clone()).unwrap_or_default()
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.all().get(self.0.issuer.clone()).unwrap_or_default()
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
        let partial = scope.only_users || scope.only_authorities || scope.reasons != Reasons::ALL;
        !scope.unsupported && scope.base.is_none() && !scope.indirect && !partial
    }

    /// Whether it is a delta that completes this full list: of the same issuer and key, for the same certificates, to
    /// this list or an earlier one, and made after it (RFC 5280 6.3.3 c).
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

    pub(super) fn scope(&self) -> &Scope {
        &self.0.about.scope
    }

    /// Whether this key made its signature. Hashes the whole CRL; asked again with the same key, it costs nothing.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signature = self.all().get(self.0.signature.clone()).unwrap_or_default();
        let Some(algorithm) = self.0.algorithm else { return false };
        self.0.signer.is(key, || match self.0.leniency.is_lenient {
            true => key.verify_tolerant(algorithm, self.tbs(), signature),
            false => key.verify(algorithm, self.tbs(), signature),
        })
    }

    /// Whether that needs no computing any more for this key.
    pub(super) fn is_known_signed_by(&self, key: &PublicKey) -> bool {
        self.0.signer.is_known(key)
    }

    /// Since when certificates had to have expired to be no longer listed (X.509 expiredCertsOnCRL).
    pub(super) fn expired_since(&self) -> Option<Instant> {
        self.0.about.expired_since
    }

    fn entry_bytes(&self) -> &[u8] {
        self.all().get(self.0.entries.clone()).unwrap_or_default()
    }

    /// The entry of a serial number of this issuer: in an indirect CRL each entry is of the issuer that it or the last
    /// one before it names, at first of the CRL's own.
    pub(super) fn find_of(&self, issuer: &[u8], serial: &[u8]) -> Option<CrlEntry<'_>> {
        if !self.scope().indirect {
            return self.find(serial).filter(|entry| entry.issuer.is_none());
        }
        let mut is_meant = same_name(self.issuer(), issuer);
        self.entries().find(|entry| {
            if let Some(named) = entry.issuer {
                is_meant = names_directory(named, issuer);
            }
            is_meant && entry.serial == serial
        })
    }

    /// Its entries, in their order.
    pub fn entries(&self) -> impl Iterator<Item = CrlEntry<'_>> {
        let mut walk = Reader::new(self.entry_bytes());
        // Every entry was read once when the CRL was, so none fails now.
        std::iter::from_fn(move || if walk.is_empty() { None } else { read_entry(&mut walk).ok() })
    }

    /// The entry of a serial number (content octets of the INTEGER), if it is listed.
    #[must_use]
    pub fn find(&self, serial: &[u8]) -> Option<CrlEntry<'_>> {
        read_entry(&mut Reader::new(self.0.index.find(self.entry_bytes(), serial)?)).ok()
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({} bytes of {})", self.0.der.len(), self.0.this_update)
    }
}

/// Where `part` lies within `all`, of which it is a slice.
fn range(part: &[u8], all: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - all.as_ptr() as usize;
    start..start + part.len()
}

/// Whether `GeneralNames` have this directory name.
fn names_directory(names: &[u8], name: &[u8]) -> bool {
    let mut list = Reader::new(names);
    while let Ok(one) = list.any() {
        if directory_name(one.whole).is_some_and(|one| same_name(one, name)) {
            return true;
        }
    }
    false
}

fn read_entry<'a>(walk: &mut Reader<'a>) -> Result<CrlEntry<'a>, BadDer> {
    let mut entry = walk.expect(tlv::SEQUENCE, "CRL entry")?.inside();
    let serial = entry.expect(tlv::INTEGER, "CRL entry serial")?.value;
    let at = entry.any()?.time()?;
    let mut read = CrlEntry {
        serial,
        at,
        reason: Reason::Unspecified,
        invalidity: None,
        removes: false,
        issuer: None,
        unknown_critical: false,
    };
    if let Some(extensions) = entry.optional(tlv::SEQUENCE)? {
        let mut list = extensions.inside();
        while !list.is_empty() {
            let (id, critical, value) = read_extension(&mut list)?;
            if id == oid::CRL_REASON.as_bytes() {
                let code = tlv::single(value, tlv::ENUMERATED, "CRL reason")?.value;
                let known = code.first().copied().filter(|_| code.len() == 1).and_then(Reason::from_code);
                read.reason = known.unwrap_or(Reason::Unspecified);
                read.removes = code == [REMOVE_FROM_CRL];
            } else if id == oid::INVALIDITY_DATE.as_bytes() {
                read.invalidity = Some(tlv::single(value, tlv::GENERALIZED_TIME, "invalidity date")?.time()?);
            } else if id == oid::CERTIFICATE_ISSUER.as_bytes() {
                read.issuer = Some(tlv::single(value, tlv::SEQUENCE, "certificate issuer")?.value);
            } else {
                read.unknown_critical |= critical;
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
            } else if id == oid::EXPIRED_CERTS_ON_CRL.as_bytes() {
                about.expired_since =
                    tlv::single(value, tlv::GENERALIZED_TIME, "expired certs").and_then(Tlv::time).ok();
            } else if critical {
                about.scope.unsupported = true;
            }
        }
        Ok(about)
    }
}
