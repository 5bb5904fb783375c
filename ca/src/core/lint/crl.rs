//! Rules for revocation lists. They walk the encoded list once and keep nothing of its entries.

use std::time::Duration;

use const_oid::ObjectIdentifier as Oid;
use der::asn1::{AnyRef, IntRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use pki_config::name::HttpUrl;
use pki_config::status::Reason;
use pki_config::{Instant, oid};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::time::Time;

use super::{Finding, Severity};
use crate::core::crl::{REMOVE_FROM_CRL, extensions};
use crate::core::issuer::Issuer;

/// What a list is held against.
#[derive(Debug, Clone, Copy)]
pub struct CrlContext<'a> {
    /// Who will sign it.
    pub issuer: &'a Issuer,
    /// The number of the issuer's last list, if there was one.
    pub previous: Option<u64>,
    /// The most that may lie between thisUpdate and nextUpdate.
    pub longest: Duration,
    /// How many entries it should have.
    pub entries: u64,
    /// The full list it adds to, if it is a delta.
    pub base: Option<u64>,
    /// The address its certificates name, if it is for these only: the one in each of them.
    pub point: Option<&'a HttpUrl>,
    /// Where its delta is, if it is to have one.
    pub freshest: Option<&'a HttpUrl>,
}

type Check = fn(&Facts<'_>, &CrlContext<'_>) -> Option<String>;

const LINTS: [(&str, &str, Check); 11] = [
    ("crl_form", "5280 5.1; BR 7.2", crl_form),
    ("crl_entries", "5280 5.1.2.6", crl_entries),
    ("crl_entry_lost", "BR 7.2", crl_entry_lost),
    ("crl_reason", "5280 5.3.1", crl_reason),
    ("crl_window", "BR 4.9.7, 7.2", crl_window),
    ("crl_number", "5280 5.2.3; BR 7.2.2", crl_number),
    ("crl_number_rollback", "5280 5.2.3", crl_number_rollback),
    ("crl_aki", "5280 5.2.1", crl_aki),
    ("crl_idp", "5280 5.2.5; BR 7.2.2.1", crl_idp),
    ("crl_delta", "5280 5.2.4", crl_delta),
    ("crl_freshest", "5280 5.2.6", crl_freshest),
];

/// The identifier and clause of every rule for lists. All of them are errors.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINTS.into_iter().map(|(id, section, _)| (id, section))
}

/// Holds a list to be signed against every rule.
#[must_use]
pub fn examine(tbs: &[u8], context: &CrlContext<'_>) -> Vec<Finding> {
    let finding = |lint, section, detail| Finding { lint, section, severity: Severity::Error, detail };
    match Facts::read(tbs) {
        Err(why) => vec![finding("crl_form", "5280 5.1; BR 7.2", format!("the list does not parse: {why}"))],
        Ok(facts) => LINTS
            .into_iter()
            .filter_map(|(id, section, check)| check(&facts, context).map(|detail| finding(id, section, detail)))
            .collect(),
    }
}

/// What one walk over a list tells.
struct Facts<'a> {
    version: Option<&'a [u8]>,
    algorithm: &'a [u8],
    issuer: &'a [u8],
    this_update: Instant,
    next_update: Option<Instant>,
    times_ok: bool,
    empty_list: bool,
    entries: u64,
    /// The first thing wrong with an entry's order, time or extensions.
    bad_entry: Option<&'static str>,
    /// The first thing wrong with an entry's reason.
    bad_reason: Option<&'static str>,
    /// An entry takes a certificate off the list.
    removes: bool,
    extensions: Vec<Extension>,
}

impl<'a> Facts<'a> {
    /// ```text
    /// TBSCertList ::= SEQUENCE { version INTEGER OPTIONAL, signature AlgorithmIdentifier, issuer Name,
    ///   thisUpdate Time, nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE {
    ///     userCertificate INTEGER, revocationDate Time, crlEntryExtensions SEQUENCE OF Extension OPTIONAL
    ///   } OPTIONAL, crlExtensions [0] EXPLICIT SEQUENCE OF Extension OPTIONAL }
    /// ```
    fn read(tbs: &'a [u8]) -> der::Result<Self> {
        let whole = AnyRef::from_der(tbs)?;
        whole.tag().assert_eq(Tag::Sequence)?;
        let mut inside = SliceReader::new(whole.value())?;
        let version = match Tag::peek(&inside)? {
            Tag::Integer => Some(inside.decode::<IntRef<'a>>()?.as_bytes()),
            _ => None,
        };
        let (algorithm, issuer) = (inside.tlv_bytes()?, inside.tlv_bytes()?);
        let mut times_ok = true;
        let this_update = read_time(&mut inside, &mut times_ok)?;
        let is_time = |tag| matches!(tag, Tag::UtcTime | Tag::GeneralizedTime);
        let mut next_update = None;
        if !inside.is_finished() && is_time(Tag::peek(&inside)?) {
            next_update = Some(read_time(&mut inside, &mut times_ok)?);
        }
        let mut facts = Self {
            version,
            algorithm,
            issuer,
            this_update,
            next_update,
            times_ok,
            empty_list: false,
            entries: 0,
            bad_entry: None,
            bad_reason: None,
            removes: false,
            extensions: Vec::new(),
        };
        if !inside.is_finished() && Tag::peek(&inside)? == Tag::Sequence {
            facts.walk(inside.decode::<AnyRef<'a>>()?.value())?;
        }
        if !inside.is_finished() {
            let tagged = inside.decode::<AnyRef<'a>>()?;
            tagged.tag().assert_eq(Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) })?;
            facts.extensions = Vec::from_der(tagged.value())?;
        }
        inside.finish()?;
        Ok(facts)
    }

    fn extension(&self, id: Oid) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.extn_id == id)
    }

    /// Whether an extension is critical, and its value.
    fn value(&self, id: Oid) -> Option<(bool, Vec<u8>)> {
        self.extension(id).map(|extension| (extension.critical, extension.extn_value.as_bytes().to_vec()))
    }

    /// The number that is an extension's value, if it is one.
    fn number(&self, id: Oid) -> Option<u64> {
        self.extension(id).and_then(|extension| u64::from_der(extension.extn_value.as_bytes()).ok())
    }

    fn walk(&mut self, entries: &'a [u8]) -> der::Result<()> {
        self.empty_list = entries.is_empty();
        let mut last: &[u8] = &[];
        let mut rest = SliceReader::new(entries)?;
        while !rest.is_finished() {
            let entry = rest.decode::<AnyRef<'a>>()?;
            entry.tag().assert_eq(Tag::Sequence)?;
            let mut inside = SliceReader::new(entry.value())?;
            let serial = inside.decode::<IntRef<'a>>()?.as_bytes();
            let magnitude = serial.strip_prefix(&[0]).unwrap_or(serial);
            let positive = serial[0] < 0x80 && !magnitude.is_empty();
            if !positive || magnitude <= last {
                self.bad_entry.get_or_insert("a serial number is out of order, stands twice or is not positive");
            }
            last = magnitude;
            let mut time_ok = true;
            if read_time(&mut inside, &mut time_ok)? > self.this_update || !time_ok {
                self.bad_entry.get_or_insert("a revocation date is after thisUpdate or of the wrong type");
            }
            if !inside.is_finished() {
                self.entry_extensions(inside.decode::<AnyRef<'a>>()?)?;
            }
            inside.finish()?;
            self.entries += 1;
        }
        rest.finish()
    }

    /// Reason and invalidity date, read without an allocation as there may be millions.
    fn entry_extensions(&mut self, list: AnyRef<'a>) -> der::Result<()> {
        list.tag().assert_eq(Tag::Sequence)?;
        if list.value().is_empty() {
            self.bad_entry.get_or_insert("entry extensions are empty");
        }
        let mut rest = SliceReader::new(list.value())?;
        let mut seen = [false; 2];
        while !rest.is_finished() {
            let extension = rest.decode::<AnyRef<'a>>()?;
            extension.tag().assert_eq(Tag::Sequence)?;
            let mut inside = SliceReader::new(extension.value())?;
            let id = inside.decode::<Oid>()?;
            if Tag::peek(&inside)? == Tag::Boolean {
                inside.decode::<bool>()?;
                self.bad_entry.get_or_insert("an entry extension is critical");
            }
            let value = inside.decode::<AnyRef<'a>>()?;
            value.tag().assert_eq(Tag::OctetString)?;
            inside.finish()?;
            let place = usize::from(id != oid::CRL_REASON);
            if std::mem::replace(&mut seen[place], true) {
                self.bad_entry.get_or_insert("an entry extension stands twice or is unknown");
            }
            match id {
                oid::CRL_REASON => self.reason(value.value()),
                oid::INVALIDITY_DATE => {
                    let date = AnyRef::from_der(value.value())?;
                    if date.tag() != Tag::GeneralizedTime {
                        self.bad_entry.get_or_insert("an invalidity date is no GeneralizedTime");
                    }
                    Time::from_der(value.value())?;
                }
                _ => {
                    self.bad_entry.get_or_insert("an entry extension stands twice or is unknown");
                }
            }
        }
        rest.finish()
    }

    fn reason(&mut self, value: &[u8]) {
        let wrong = match value {
            [0x0a, 0x01, 0] => Some("unspecified is written out"),
            [0x0a, 0x01, REMOVE_FROM_CRL] => {
                self.removes = true;
                None
            }
            [0x0a, 0x01, code] if Reason::from_code(*code).is_some() => None,
            _ => Some("a reason that is none of RFC 5280's"),
        };
        self.bad_reason = self.bad_reason.or(wrong);
    }
}

/// A time, and whether its type is that of its year (RFC 5280 5.1.2.4).
fn read_time<'a>(reader: &mut SliceReader<'a>, ok: &mut bool) -> der::Result<Instant> {
    let time: Time = reader.decode()?;
    if matches!(time, Time::GeneralTime(t) if t.to_date_time().year() < 2050) {
        *ok = false;
    }
    Instant::from_der_time(time).map_err(|_| Tag::GeneralizedTime.value_error().into())
}

fn crl_form(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let extension = |id| {
        matches!(
            id,
            oid::AUTHORITY_KEY_ID
                | oid::CRL_NUMBER
                | oid::DELTA_CRL_INDICATOR
                | oid::ISSUING_DISTRIBUTION_POINT
                | oid::FRESHEST_CRL
        )
    };
    let ids: Vec<Oid> = facts.extensions.iter().map(|extension| extension.extn_id).collect();
    let checks = [
        (facts.version == Some(&[1]), "the version is not 2"),
        (
            facts.algorithm == context.issuer.signature_algorithm().identifier_der(),
            "the algorithm is not that of the issuer's key",
        ),
        (facts.issuer == context.issuer.name, "the issuer is not, byte for byte, the issuer's name"),
        (facts.times_ok, "GeneralizedTime for a year before 2050"),
        (!facts.empty_list, "an empty revokedCertificates"),
        (ids.iter().copied().all(extension), "an extension that is none of ours"),
        (!ids.iter().enumerate().any(|(i, id)| ids[..i].contains(id)), "an extension stands twice"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, detail)| detail.to_owned())
}

fn crl_entries(facts: &Facts<'_>, _: &CrlContext<'_>) -> Option<String> {
    facts.bad_entry.map(str::to_owned)
}

/// As many entries as there are certificates to tell of, counted apart from writing them.
fn crl_entry_lost(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    (facts.entries != context.entries).then(|| format!("{} entries instead of {}", facts.entries, context.entries))
}

fn crl_reason(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let removes = facts.removes && context.base.is_none();
    facts.bad_reason.or(removes.then_some("removeFromCRL in a full list")).map(str::to_owned)
}

/// nextUpdate is there, after thisUpdate, and both counted not further away than allowed.
fn crl_window(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let Some(next) = facts.next_update else { return Some("no nextUpdate".to_owned()) };
    let length = next.since(facts.this_update) + Duration::from_secs(1);
    let fits = next > facts.this_update && length <= context.longest;
    (!fits).then(|| format!("{} s to nextUpdate, where {} s are the most", length.as_secs(), context.longest.as_secs()))
}

fn crl_number(facts: &Facts<'_>, _: &CrlContext<'_>) -> Option<String> {
    let Some(extension) = facts.extension(oid::CRL_NUMBER) else {
        return Some("no CRL number".to_owned());
    };
    if extension.critical {
        return Some("the CRL number is critical".to_owned());
    }
    match u64::from_der(extension.extn_value.as_bytes()) {
        Ok(0) | Err(_) => Some("the CRL number is not a positive number".to_owned()),
        Ok(_) => None,
    }
}

fn crl_number_rollback(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let (number, previous) = (facts.number(oid::CRL_NUMBER)?, context.previous?);
    (number <= previous).then(|| format!("CRL number {number} is not above the last one"))
}

fn crl_aki(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let wanted = AuthorityKeyIdentifier {
        key_identifier: der::asn1::OctetString::new(context.issuer.key.key_id()).ok(),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    let extension = facts.extension(oid::AUTHORITY_KEY_ID);
    let same = extension.is_some_and(|e| !e.critical && wanted.to_der().is_ok_and(|w| w == e.extn_value.as_bytes()));
    (!same).then(|| "the authority key identifier is not the issuer's key".to_owned())
}

/// A list for some certificates says so, critically, with the very address that stands in them; a list for all says
/// nothing.
fn crl_idp(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let wanted = context.point.map(|url| (true, extensions::issuing_point(url)));
    let wrong = facts.value(oid::ISSUING_DISTRIBUTION_POINT) != wanted;
    wrong.then(|| "the issuing distribution point is not, critical and byte for byte, the certificates'".to_owned())
}

/// A delta says so, critically, and which earlier list it adds to; a full list does not.
fn crl_delta(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let critical = facts.extension(oid::DELTA_CRL_INDICATOR).map(|extension| extension.critical);
    let right = match (context.base, critical) {
        (None, None) => true,
        (Some(base), Some(true)) => {
            let earlier = facts.number(oid::CRL_NUMBER).is_none_or(|number| base < number);
            facts.number(oid::DELTA_CRL_INDICATOR) == Some(base) && earlier
        }
        _ => false,
    };
    (!right).then(|| "the delta indicator is not, critical, the number of the full list it adds to".to_owned())
}

/// A full list with a delta says where that is, not critically; no other says so.
fn crl_freshest(facts: &Facts<'_>, context: &CrlContext<'_>) -> Option<String> {
    let wanted = context.freshest.filter(|_| context.base.is_none()).map(|url| (false, extensions::freshest(url)));
    let wrong = facts.value(oid::FRESHEST_CRL) != wanted;
    wrong.then(|| "the address of the delta is not, uncritical, the one it has".to_owned())
}

#[cfg(test)]
mod tests;
