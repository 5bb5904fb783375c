//! Where the CRLs of a certificate are, and which of its certificates a CRL speaks of (RFC 5280 4.2.1.13, 5.2.5).

use super::names::same_name;
use crate::tlv::{self, BadDer, Tlv};

/// Most distribution points of one certificate, and most names of one point, that are looked at.
const MOST: usize = 32;
/// Tag of directoryName in a GeneralName.
const DIRECTORY: u8 = 0xa4;

/// Reasons of a revocation, as the bits of `ReasonFlags`: bit 1 keyCompromise to bit 8 aACompromise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reasons(u16);

impl Reasons {
    pub(super) const ALL: Self = Self(0x7f80);
    pub(super) const NONE: Self = Self(0);

    fn read(bits: Tlv<'_>) -> Result<Self, BadDer> {
        let (first, second) = match bits.value {
            [0..=7, first] => (*first, 0),
            [0..=7, first, second] => (*first, *second),
            _ => return tlv::bad("reasons"),
        };
        Ok(Self(u16::from_be_bytes([first, second]) & Self::ALL.0))
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// `DistributionPointName`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PointName {
    /// The names, each a GeneralName as received.
    Full(Vec<Vec<u8>>),
    /// The content of the RDN that follows the name of the CRL's issuer.
    Relative(Vec<u8>),
}

impl PointName {
    /// The content of `[0] EXPLICIT DistributionPointName`.
    fn read(content: &[u8]) -> Result<Self, BadDer> {
        let mut inside = tlv::Reader::new(content);
        let choice = inside.any()?;
        inside.finish("distribution point name")?;
        match choice.tag {
            0xa0 => Ok(Self::Full(general_names(choice)?)),
            0xa1 => Ok(Self::Relative(choice.value.to_vec())),
            _ => tlv::bad("distribution point name"),
        }
    }

    /// The names in full; a relative one follows one of these issuers.
    fn full(&self, issuers: &[&[u8]]) -> Vec<Vec<u8>> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(rdn) => {
                let following = |issuer: &&[u8]| {
                    let name = tlv::single(issuer, tlv::SEQUENCE, "name").ok()?;
                    let name = tlv::write(tlv::SEQUENCE, &[name.value, &tlv::write(tlv::SET, &[rdn])]);
                    Some(tlv::write(DIRECTORY, &[&name]))
                };
                issuers.iter().filter_map(following).collect()
            }
        }
    }
}

/// The GeneralNames in the content of an element.
fn general_names(list: Tlv<'_>) -> Result<Vec<Vec<u8>>, BadDer> {
    let mut list = list.inside();
    let mut names = Vec::new();
    while !list.is_empty() {
        if names.len() == MOST {
            return tlv::bad("too many names");
        }
        names.push(list.any()?.whole.to_vec());
    }
    Ok(names)
}

/// The Name within a GeneralName, if it is a directoryName.
pub(super) fn directory_name(name: &[u8]) -> Option<&[u8]> {
    let name = tlv::single(name, DIRECTORY, "directory name").ok()?;
    tlv::single(name.value, tlv::SEQUENCE, "name").ok().map(|name| name.whole)
}

fn same_general_name(one: &[u8], other: &[u8]) -> bool {
    let both = directory_name(one).zip(directory_name(other));
    one == other || both.is_some_and(|(one, other)| same_name(one, other))
}

fn share_a_name(some: &[Vec<u8>], others: &[Vec<u8>]) -> bool {
    some.iter().any(|one| others.iter().any(|other| same_general_name(one, other)))
}

/// One place where a certificate's revocation is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    name: Option<PointName>,
    pub(super) reasons: Reasons,
    /// The Names of who issues the CRL there, if that is not who issued the certificate.
    crl_issuers: Vec<Vec<u8>>,
}

impl Point {
    /// The points of a certificate of this issuer. The last one always is the issuer itself, for lists that lie
    /// nowhere in particular (RFC 5280 6.3.3, at its end).
    pub(super) fn all_of(extension: Option<&[u8]>, issuer: &[u8]) -> Vec<Self> {
        let mut points = extension.and_then(|der| Self::read_all(der).ok()).unwrap_or_default();
        let own = PointName::Full(vec![tlv::write(DIRECTORY, &[issuer])]);
        points.push(Self { name: Some(own), reasons: Reasons::ALL, crl_issuers: Vec::new() });
        points
    }

    /// Whether a certificate's own points say that its revocation is told by lists of its own subject.
    pub(super) fn leads_to_itself(extension: Option<&[u8]>, subject: &[u8]) -> bool {
        let points = extension.and_then(|der| Self::read_all(der).ok()).unwrap_or_default();
        points.iter().flat_map(|point| &point.crl_issuers).any(|name| same_name(name, subject))
    }

    /// ```text
    /// DistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL,
    ///                                  reasons [1] ReasonFlags OPTIONAL, cRLIssuer [2] GeneralNames OPTIONAL }
    /// ```
    fn read_all(der: &[u8]) -> Result<Vec<Self>, BadDer> {
        let mut list = tlv::single(der, tlv::SEQUENCE, "distribution points")?.inside();
        let mut points = Vec::new();
        while !list.is_empty() {
            let mut inside = list.expect(tlv::SEQUENCE, "distribution point")?.inside();
            let name = inside.optional(0xa0)?.map(|name| PointName::read(name.value)).transpose()?;
            let reasons = inside.optional(0x81)?.map_or(Ok(Reasons::ALL), Reasons::read)?;
            let crl_issuers = inside.optional(0xa2)?.map_or(Ok(Vec::new()), general_names)?;
            inside.finish("distribution point")?;
            if points.len() == MOST {
                return tlv::bad("too many distribution points");
            }
            let crl_issuers = crl_issuers.iter().filter_map(|name| directory_name(name)).map(<[u8]>::to_vec).collect();
            points.push(Self { name, reasons, crl_issuers });
        }
        Ok(points)
    }
}

/// Which certificates a CRL speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// With an unknown critical extension, or for attribute certificates only: not used.
    pub(super) unsupported: bool,
    /// The number of the list it adds to, if it is a delta. Never used alone.
    pub(super) base: Option<Vec<u8>>,
    pub(super) only_users: bool,
    pub(super) only_authorities: bool,
    /// Whether it also tells of certificates of other issuers.
    pub(super) indirect: bool,
    pub(super) reasons: Reasons,
    /// The distribution point it is bound to.
    pub(super) point: Option<PointName>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            unsupported: false,
            base: None,
            only_users: false,
            only_authorities: false,
            indirect: false,
            reasons: Reasons::ALL,
            point: None,
        }
    }
}

impl Scope {
    /// ```text
    /// IssuingDistributionPoint ::= SEQUENCE {
    ///   distributionPoint [0] DistributionPointName OPTIONAL, onlyContainsUserCerts [1] BOOLEAN,
    ///   onlyContainsCACerts [2] BOOLEAN, onlySomeReasons [3] ReasonFlags, indirectCRL [4] BOOLEAN,
    ///   onlyContainsAttributeCerts [5] BOOLEAN }
    /// ```
    pub(super) fn take_in(&mut self, value: &[u8]) -> Result<(), BadDer> {
        let mut inside = tlv::single(value, tlv::SEQUENCE, "issuing distribution point")?.inside();
        while !inside.is_empty() {
            let part = inside.any()?;
            let yes = part.value != [0];
            match part.tag {
                0xa0 => self.point = Some(PointName::read(part.value)?),
                0x81 => self.only_users |= yes,
                0x82 => self.only_authorities |= yes,
                0x83 => self.reasons = Reasons::read(part)?,
                0x84 => self.indirect |= yes,
                0x85 => self.unsupported |= yes,
                _ => self.unsupported = true,
            }
        }
        Ok(())
    }

    /// The reasons for which a list of this scope and issuer speaks of a certificate by one of its points; none if it
    /// does not (RFC 5280 6.3.3 b, d).
    pub(super) fn reasons_for(
        &self,
        crl_issuer: &[u8],
        points: &[Point],
        cert_issuer: &[u8],
        is_authority: bool,
    ) -> Reasons {
        let right_kind = if is_authority { !self.only_users } else { !self.only_authorities };
        if self.unsupported || self.base.is_some() || !right_kind {
            return Reasons::NONE;
        }
        let speaks = |point: &&Point| match point.crl_issuers.is_empty() {
            true => same_name(crl_issuer, cert_issuer) && self.is_at(crl_issuer, point),
            false => {
                let named = point.crl_issuers.iter().any(|name| same_name(name, crl_issuer));
                named && self.indirect && self.is_at(crl_issuer, point)
            }
        };
        let speaking = points.iter().filter(speaks).map(|point| point.reasons.and(self.reasons));
        speaking.fold(Reasons::NONE, Reasons::or)
    }

    /// Whether the list is bound to no point, or to this one.
    fn is_at(&self, crl_issuer: &[u8], point: &Point) -> bool {
        let Some(bound) = &self.point else { return true };
        let bound = bound.full(&[crl_issuer]);
        match &point.name {
            Some(name @ PointName::Relative(_)) if !point.crl_issuers.is_empty() => {
                let issuers: Vec<&[u8]> = point.crl_issuers.iter().map(Vec::as_slice).collect();
                share_a_name(&bound, &name.full(&issuers))
            }
            Some(name) => share_a_name(&bound, &name.full(&[crl_issuer])),
            None => {
                let issuers: Vec<Vec<u8>> =
                    point.crl_issuers.iter().map(|name| tlv::write(DIRECTORY, &[name])).collect();
                share_a_name(&bound, &issuers)
            }
        }
    }
}
