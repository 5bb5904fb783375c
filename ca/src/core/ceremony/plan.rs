//! A plan: what shall be done in a ceremony, as one TOML text that is read aloud before anybody confirms it.
//!
//! ```toml
//! format = "yinxin ceremony plan 1"
//! title = "Root of 2026"
//! place = "Room 3"
//! persons = ["Li Ming", "Wang Fang"]
//!
//! [[step]]
//! do = "root"
//! issuer = "root-2026"
//! algorithm = "sm2"
//! subject = "CN=Example Root 2026,O=Example,C=CN"
//! url = "http://pki.example.cn"
//! days = 7300
//!
//! [[step]]
//! do = "crl"
//! issuer = "root-2026"
//! days = 180
//! ```

use std::fmt::Write as _;

use crypto_pool::{KeyAlgorithm, PublicKey};
use pki_config::IssuerId;
use pki_config::name::{DistinguishedName, HttpUrl};
use pki_config::status::Reason;
use serde::{Deserialize, Deserializer};

use super::{BadCeremony, unpem};
use crate::core::csr::ProvenRequest;

/// The longest plan that is read. Unit: octets.
pub const LONGEST_PLAN: usize = 128 * 1024;
/// The most steps of a plan: what two persons can still follow.
const MOST_STEPS: usize = 20;
/// The longest a list of authorities may serve. Unit: days. Source: CA/Browser BR 4.9.7 (12 months).
const LONGEST_LIST: u32 = 366;
/// The first line of every plan.
const FORMAT: &str = "yinxin ceremony plan 1";

/// A plan that was read and found sound as a text; whether it can be done is for the installation to say.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In one line.
    pub title: String,
    /// Where it happens.
    pub place: Option<String>,
    /// Who takes part, in their own words.
    pub persons: Vec<String>,
    /// What shall be done, in this order.
    pub steps: Vec<Step>,
    /// SM3 of the text.
    pub digest: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    title: String,
    place: Option<String>,
    #[serde(default)]
    persons: Vec<String>,
    #[serde(default)]
    step: Vec<Step>,
}

/// One thing to be done.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Make a root whose key stays on this machine and signs in ceremonies only.
    Root {
        /// Its word.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// Algorithm of its key.
        #[serde(deserialize_with = "parsed")]
        algorithm: KeyAlgorithm,
        /// Its name.
        #[serde(deserialize_with = "parsed")]
        subject: DistinguishedName,
        /// Base of the addresses at which its certificate and list will be published.
        #[serde(deserialize_with = "parsed")]
        url: HttpUrl,
        /// Validity.
        days: Option<u32>,
    },
    /// Make an issuing authority here, under one whose key is here.
    Issuer {
        /// Its word.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// Who certifies it.
        #[serde(deserialize_with = "parsed")]
        under: IssuerId,
        /// Algorithm of its key.
        #[serde(deserialize_with = "parsed")]
        algorithm: KeyAlgorithm,
        /// Its name.
        #[serde(deserialize_with = "parsed")]
        subject: DistinguishedName,
        /// Base of the addresses in what it issues; its parent's if absent.
        #[serde(default, deserialize_with = "perhaps")]
        url: Option<HttpUrl>,
        /// Validity.
        days: Option<u32>,
        /// How many authorities may stand below it.
        #[serde(default)]
        path_length: u8,
        /// Names it is confined to.
        #[serde(default)]
        permit: Vec<String>,
        /// Names it is kept from.
        #[serde(default)]
        exclude: Vec<String>,
    },
    /// Certify the issuing authority of an online installation, for which its request file comes along.
    Certify {
        /// Its word there, and how the request names it.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// Who certifies it.
        #[serde(deserialize_with = "parsed")]
        under: IssuerId,
        /// Algorithm of its key.
        #[serde(deserialize_with = "parsed")]
        algorithm: KeyAlgorithm,
        /// Its name.
        #[serde(deserialize_with = "parsed")]
        subject: DistinguishedName,
        /// Base of the addresses in what it will issue.
        #[serde(deserialize_with = "parsed")]
        url: HttpUrl,
        /// The issuer of that installation whose work it takes over, of the same name: a roll-over of its key.
        #[serde(default, deserialize_with = "perhaps")]
        follows: Option<IssuerId>,
        /// Validity.
        days: Option<u32>,
        /// How many authorities may stand below it.
        #[serde(default)]
        path_length: u8,
        /// Names it is confined to.
        #[serde(default)]
        permit: Vec<String>,
        /// Names it is kept from.
        #[serde(default)]
        exclude: Vec<String>,
    },
    /// Certify another authority's key and name (cross-certification).
    Cross {
        /// Who certifies it.
        #[serde(deserialize_with = "parsed")]
        under: IssuerId,
        /// PEM of its PKCS#10, or of a certificate it signed itself: both show that it has the key.
        of: String,
        /// Validity.
        days: Option<u32>,
        /// How many authorities may stand below it.
        #[serde(default)]
        path_length: u8,
        /// Names it is confined to.
        #[serde(default)]
        permit: Vec<String>,
        /// Names it is kept from.
        #[serde(default)]
        exclude: Vec<String>,
    },
    /// Take over a certificate by which another authority certified one of our issuers.
    Adopt {
        /// Our issuer.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// PEM of the certificate.
        certificate: String,
        /// PEM of the certificate of the authority that signed it.
        signed_by: String,
    },
    /// Give an issuer a new key under the same name and parent.
    Roll {
        /// The issuer.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// The word of the new one.
        #[serde(deserialize_with = "parsed")]
        new: IssuerId,
        /// Validity.
        days: Option<u32>,
    },
    /// Revoke an authority: one of our issuers by its word, or a certificate of `under` by its serial number.
    Revoke {
        /// Our issuer.
        #[serde(default, deserialize_with = "perhaps")]
        issuer: Option<IssuerId>,
        /// Who issued the certificate.
        #[serde(default, deserialize_with = "perhaps")]
        under: Option<IssuerId>,
        /// Its serial number, hexadecimal.
        serial: Option<String>,
        /// Why.
        #[serde(deserialize_with = "parsed")]
        reason: Reason,
    },
    /// Sign an issuer's revocation list now.
    Crl {
        /// The issuer.
        #[serde(deserialize_with = "parsed")]
        issuer: IssuerId,
        /// How long it serves; what the installation gives if absent.
        days: Option<u32>,
    },
}

fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(source: D) -> Result<T, D::Error> {
    String::deserialize(source)?.parse().map_err(serde::de::Error::custom)
}

fn perhaps<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(
    source: D,
) -> Result<Option<T>, D::Error> {
    parsed(source).map(Some)
}

/// Another authority, as a cross-certification has it.
#[derive(Debug, Clone)]
pub struct Other {
    /// Its name.
    pub subject: DistinguishedName,
    /// Its key.
    pub key: crate::core::csr::ProvenKey,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`BadCeremony`] says what to change.
    pub fn read(source: &str) -> Result<Self, BadCeremony> {
        let bad = |why: &str| Err(BadCeremony(why.to_owned()));
        if source.len() > LONGEST_PLAN {
            return bad("the plan is longer than 128 KiB");
        }
        let text: Text =
            toml::from_str(source).map_err(|why| BadCeremony(format!("the plan cannot be read: {why}")))?;
        if text.format != FORMAT {
            return Err(BadCeremony(format!(
                "this is no plan this version reads; it should say format = \"{FORMAT}\""
            )));
        }
        let sound =
            |words: &str| (1..=200).contains(&words.trim().chars().count()) && !words.chars().any(char::is_control);
        if !sound(&text.title) || !text.place.iter().chain(&text.persons).all(|words| sound(words)) {
            return bad("title, place and persons are of 1 to 200 characters, without control characters");
        }
        if text.persons.len() > 20 || !(1..=MOST_STEPS).contains(&text.step.len()) {
            return bad("a plan has 1 to 20 steps, and names at most 20 persons");
        }
        for (place, step) in text.step.iter().enumerate() {
            step.check().map_err(|why| BadCeremony(format!("step {}: {why}", place + 1)))?;
        }
        Ok(Self {
            title: text.title,
            place: text.place,
            persons: text.persons,
            steps: text.step,
            digest: engine::sm3::hash(source.as_bytes()),
        })
    }

    /// The steps that certify issuers of an online installation.
    pub fn certified(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step, Step::Certify { .. }))
    }

    /// What will happen, a line a step.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.steps.iter().map(Step::words).collect()
    }
}

fn constraints(permit: &[String], exclude: &[String]) -> String {
    let mut words = String::new();
    for (list, which) in [(permit, "only for"), (exclude, "never for")] {
        if !list.is_empty() {
            let _ = write!(words, ", {which} {}", list.join(" "));
        }
    }
    words
}

fn length(days: Option<u32>) -> String {
    days.map_or_else(|| "the usual time".to_owned(), |days| format!("{days} days"))
}

fn below(path_length: u8) -> String {
    match path_length {
        0 => "no authority below it".to_owned(),
        1 => "one level of authorities below it".to_owned(),
        more => format!("{more} levels of authorities below it"),
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Root { days, .. } | Self::Roll { days, .. } => days_fit(*days, 9132),
            Self::Issuer { days, permit, exclude, .. } | Self::Certify { days, permit, exclude, .. } => {
                days_fit(*days, 3660)?;
                super::super::constraints::encode(permit, exclude).map(drop)
            }
            Self::Cross { days, permit, exclude, of, .. } => {
                days_fit(*days, 3660)?;
                super::super::constraints::encode(permit, exclude)?;
                other(of).map(drop).map_err(|why| why.to_string())
            }
            Self::Adopt { certificate, signed_by, .. } => [certificate, signed_by]
                .into_iter()
                .try_for_each(|pem| unpem(pem, "CERTIFICATE").map(drop))
                .map_err(|why| why.to_string()),
            Self::Revoke { issuer, under, serial, reason } => {
                match (issuer, under, serial) {
                    (Some(_), None, None) | (None, Some(_), Some(_)) => {}
                    _ => return Err("name an issuer, or under and serial".to_owned()),
                }
                let held = matches!(reason, Reason::CertificateHold | Reason::AaCompromise);
                if held {
                    Err("an authority is revoked for good, for a reason of authorities".to_owned())
                } else {
                    Ok(())
                }
            }
            Self::Crl { days, .. } => days_fit(*days, LONGEST_LIST),
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Root { issuer, algorithm, subject, url, days } => format!(
                "Make root {issuer}: a new {algorithm} key that signs in ceremonies only, named {subject}, good for {}; \
                 published below {url}.",
                length(*days)
            ),
            Self::Issuer { issuer, under, algorithm, subject, days, path_length, permit, exclude, .. } => format!(
                "Make issuer {issuer} under {under}: a new {algorithm} key, named {subject}, good for {}, {}{}.",
                length(*days),
                below(*path_length),
                constraints(permit, exclude)
            ),
            Self::Certify {
                issuer, under, algorithm, subject, follows, days, path_length, permit, exclude, ..
            } => {
                let follows = follows.as_ref().map_or_else(String::new, |id| format!(", taking over from {id}"));
                format!(
                    "Certify issuer {issuer} of the installation whose request comes along, under {under}: its {algorithm} key, \
                     named {subject}, good for {}, {}{}{follows}.",
                    length(*days),
                    below(*path_length),
                    constraints(permit, exclude)
                )
            }
            Self::Cross { under, of, days, path_length, permit, exclude } => {
                let named = other(of).map_or_else(
                    |why| why.to_string(),
                    |other| {
                        let sm3 = super::hex(&engine::sm3::hash(other.key.key().spki_der()));
                        format!("{} (SM3 of its key {sm3})", other.subject)
                    },
                );
                format!(
                    "Certify another authority under {under}: {named}, good for {}, {}{}.",
                    length(*days),
                    below(*path_length),
                    constraints(permit, exclude)
                )
            }
            Self::Adopt { issuer, .. } => {
                format!("Take over a certificate by which another authority certified issuer {issuer}.")
            }
            Self::Roll { issuer, new, days } => format!(
                "Give issuer {issuer} a new key of the same name and parent, as issuer {new}, good for {}; {issuer} then \
                 signs its own revocation lists only.",
                length(*days)
            ),
            Self::Revoke { issuer: Some(issuer), reason, .. } => format!(
                "REVOKE issuer {issuer} for good ({reason}): it issues nothing any more, and nothing it issued is believed."
            ),
            Self::Revoke { under, serial, reason, .. } => format!(
                "REVOKE the authority's certificate {} of {} for good ({reason}).",
                serial.as_deref().unwrap_or_default(),
                under.as_ref().map_or("", IssuerId::as_str)
            ),
            Self::Crl { issuer, days } => format!("Sign the revocation list of {issuer}, good for {}.", length(*days)),
        }
    }
}

fn days_fit(days: Option<u32>, most: u32) -> Result<(), String> {
    match days {
        Some(days) if !(1..=most).contains(&days) => Err(format!("days lies between 1 and {most}")),
        _ => Ok(()),
    }
}

/// Another authority's name and key, shown to be its own.
///
/// # Errors
/// [`BadCeremony`]: neither a PKCS#10 nor a self-signed certificate, or the signature does not verify.
pub fn other(pem: &str) -> Result<Other, BadCeremony> {
    if pem.contains("CERTIFICATE REQUEST-----") {
        let proven = ProvenRequest::read(pem.as_bytes()).map_err(BadCeremony::because)?;
        return Ok(Other { subject: proven.subject().clone(), key: proven.into_key() });
    }
    let der = unpem(pem, "CERTIFICATE")?;
    let no_name = |why| BadCeremony(format!("the authority's name cannot be repeated octet by octet: {why}"));
    let key = crate::core::csr::ProvenKey::of_self_signed(&der).ok_or_else(|| {
        BadCeremony(
            "give a PKCS#10 of the authority, or a certificate it signed itself: what others signed does not show that it \
             has the key"
                .to_owned(),
        )
    })?;
    let certificate = crypto_pool::path::Cert::from_der(&der).map_err(BadCeremony::because)?;
    let subject = DistinguishedName::from_der(certificate.subject()).map_err(|why| no_name(why.to_string()))?;
    if subject.to_der() != certificate.subject() {
        return Err(no_name("its string types or their order are not those written here".to_owned()));
    }
    Ok(Other { subject, key })
}

/// Whether an issuer key may certify such a key at all: one family in a chain.
#[must_use]
pub fn is_of_family(issuer: &PublicKey, subject: &PublicKey) -> bool {
    (issuer.algorithm() == KeyAlgorithm::Sm2) == (subject.algorithm() == KeyAlgorithm::Sm2)
}
