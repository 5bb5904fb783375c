//! `Signatures.xml` and `Signature.xml`, GB/T 33190-2016 chapter 18, as found in the field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::Instant;

use super::super::facts::{Hash, Kind};
use super::super::job::{Limits, Refused};
use super::super::place::{Rect, Stamp};
use super::body::{self, Body};
use super::fault::Fault;
use super::package::Package;
use super::path;
use super::xml::{self, BadXml, Element};

/// A line of `Signatures.xml`.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub id: String,
    pub kind: Kind,
    /// Its `Signature.xml`; `None` if the path leads out of the package.
    pub file: Option<String>,
}

/// `Signatures.xml`.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub file: String,
    pub root: Element,
    pub signatures: Vec<Listed>,
}

impl List {
    /// The list of a document; `None` if it has none.
    ///
    /// # Errors
    /// A fault if the list does not read.
    pub fn read(package: &Package<'_>, document: &Body, limits: &Limits) -> Result<Option<Self>, Fault> {
        let Some(file) = document.list.clone() else { return Ok(None) };
        let root = body::file(package, &file, "Signatures", limits)?;
        let exists = |name: &str| package.find(name).is_some();
        let signatures = root
            .children("Signature")
            .map(|line| Listed {
                id: line.attribute("ID").unwrap_or_default().to_owned(),
                kind: match line.attribute("Type") {
                    Some("Sign") => Kind::OfdSign,
                    _ => Kind::OfdSeal,
                },
                file: path::locate(&file, line.attribute("BaseLoc").unwrap_or_default(), exists).ok(),
            })
            .collect();
        Ok(Some(Self { file, root, signatures }))
    }

    /// Counts against the limit.
    ///
    /// # Errors
    /// [`Refused::TooLarge`].
    pub fn within(&self, limits: &Limits) -> Result<(), Refused> {
        if self.signatures.len() > limits.signatures {
            return Err(Refused::TooLarge("signatures".to_owned()));
        }
        Ok(())
    }
}

/// A protected file.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// As it is written.
    pub said: String,
    /// The file; `None` if the path leads out of the package.
    pub file: Option<String>,
    /// Its digest; `None` if what is written is none.
    pub digest: Option<Vec<u8>>,
}

/// `Signature.xml`.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub file: String,
    /// Where its value is; `None` if the path leads out of the package or is missing.
    pub value: Option<String>,
    /// Where its seal is, if it names one; the inner `None` if that leads out of the package.
    pub seal: Option<Option<String>>,
    /// What it calls its hash function.
    pub method: Option<String>,
    pub references: Vec<Reference>,
    pub stamps: Vec<StampAnnot>,
    pub time: Option<Instant>,
    /// Elements that must be there once and are there more often: readers differ on which they take.
    pub ambiguous: bool,
}

/// A stamp as the document writes it.
#[derive(Debug, Clone)]
pub(super) struct StampAnnot {
    pub id: String,
    pub page: String,
    pub boundary: Option<Rect>,
    /// The inner `None` if what is written is no rectangle.
    pub clip: Option<Option<Rect>>,
}

impl Signature {
    /// Reads the octets of the file `file`.
    ///
    /// # Errors
    /// [`BadXml`].
    pub fn read(bytes: &[u8], file: &str, exists: impl Fn(&str) -> bool, limits: &Limits) -> Result<Self, BadXml> {
        let root = xml::parse(bytes, "Signature", limits)?;
        let info = root.child("SignedInfo").ok_or_else(|| BadXml("it has no SignedInfo".to_owned()))?;
        let find = |said: &str| path::locate(file, said, &exists).ok();
        let references = info.child("References");
        let lines = references.into_iter().flat_map(|list| list.children("Reference"));
        let once = |parent: &Element, name: &str| parent.children(name).count() > 1;
        Ok(Self {
            file: file.to_owned(),
            value: root.text_of("SignedValue").and_then(find),
            seal: info.child("Seal").and_then(|seal| seal.text_of("BaseLoc")).map(find),
            method: references.and_then(|list| list.attribute("CheckMethod")).map(|name| name.trim().to_owned()),
            references: lines
                .map(|line| {
                    let said = line.attribute("FileRef").unwrap_or_default().to_owned();
                    let digest = line.text_of("CheckValue").and_then(decode);
                    Reference { file: find(&said), said, digest }
                })
                .collect(),
            stamps: info
                .children("StampAnnot")
                .map(|stamp| StampAnnot {
                    id: stamp.attribute("ID").unwrap_or_default().trim().to_owned(),
                    page: stamp.attribute("PageRef").unwrap_or_default().trim().to_owned(),
                    boundary: stamp.attribute("Boundary").and_then(rectangle),
                    clip: stamp.attribute("Clip").map(rectangle),
                })
                .collect(),
            time: info.text_of("SignatureDateTime").and_then(time),
            ambiguous: once(&root, "SignedInfo")
                || once(&root, "SignedValue")
                || once(info, "References")
                || once(info, "Seal"),
        })
    }

    /// Its hash function: MD5 if it names none, as the standard has it; `None` if we do not know it.
    pub fn hash(&self) -> Option<Hash> {
        Some(match self.method.as_deref().unwrap_or("MD5").to_ascii_uppercase().as_str() {
            "SM3" | "1.2.156.10197.1.401" | "1.2.156.10197.1.401.1" | "1.2.156.10197.1.401.2" => Hash::Sm3,
            "SHA256" | "SHA-256" | "2.16.840.1.101.3.4.2.1" => Hash::Sha256,
            "SHA384" | "SHA-384" | "2.16.840.1.101.3.4.2.2" => Hash::Sha384,
            "SHA512" | "SHA-512" | "2.16.840.1.101.3.4.2.3" => Hash::Sha512,
            "SHA1" | "SHA-1" | "1.3.14.3.2.26" => Hash::Sha1,
            "MD5" | "1.2.840.113549.2.5" => Hash::Md5,
            _ => return None,
        })
    }

    /// Its stamps on the pages of its document, and how many of them lie on no page or are no rectangles.
    pub fn on_pages(&self, document: &Body) -> (Vec<Stamp>, usize) {
        let place = |stamp: &StampAnnot| {
            let page = document.pages.iter().position(|page| page.id == stamp.page)? + document.first;
            let clip = stamp.clip.map_or(Some(None), |clip| clip.map(Some))?;
            Some(Stamp { page: u32::try_from(page).ok()?, boundary: stamp.boundary?, clip })
        };
        let stamps: Vec<Stamp> = self.stamps.iter().filter_map(place).collect();
        let lost = self.stamps.len() - stamps.len();
        (stamps, lost)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}

fn rectangle(text: &str) -> Option<Rect> {
    let [x, y, width, height] = body::numbers(text)?[..] else { return None };
    (width >= 0.0 && height >= 0.0).then_some(Rect { x, y, width, height })
}

/// The time a signature says: `2020-10-23 19:45:37`, `20201010151120`, `20201010065840.923Z`. Without `Z` it is
/// what clocks in China show.
fn time(text: &str) -> Option<Instant> {
    let text = text.trim();
    let (digits, utc) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| whole.get(range);
    if whole.len() != 14 || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let zone = if utc { "Z" } else { "+08:00" };
    format!(
        "{}-{}-{}T{}:{}:{}{zone}",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    )
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_of_the_field() {
        for (text, means) in [
            ("2020-10-23 19:45:37", "2020-10-23T11:45:37Z"),
            ("20201010065840.923Z", "2020-10-10T06:58:40Z"),
            ("20201010151120", "2020-10-10T07:11:20Z"),
            ("2020-10-23T19:45:37Z", "2020-10-23T19:45:37Z"),
        ] {
            assert_eq!(time(text), means.parse().ok(), "{text}");
        }
        for text in ["", "yesterday", "20201310065840Z", "2020101006584"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
