//! One signature of a document: its dictionary, its value, the octets it covers and the revision that it ends.

use super::digest::Range;
use super::file::{File, Revision};
use super::form::{Field, form, text};
use super::object::{Dict, Object, Ref, is_space};
use super::xref::{Entry, end_of_file};
use crate::core::facts::Kind;
use crate::core::finding::{Check, Finding, Outcome};
use crate::core::job::Refused;

/// A signature.
#[derive(Debug)]
pub struct Signature {
    /// Where its field stands in the form as it is now.
    pub field: Field,
    /// Its dictionary.
    pub dict: Dict,
    /// What it covers, if that is sound.
    pub range: Option<Range>,
    /// Its value without padding.
    pub value: Vec<u8>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// What is wrong, and how it is said.
type Fault = (Check, &'static str, &'static str, &'static str);

const NOT_INDIRECT: Fault = (
    Check::Structure,
    "signature-dictionary",
    "The signature dictionary does not lie in the file by itself, so what surrounds its value cannot be told.",
    "签名字典不是文件中的独立对象，无法确定签名值所在的位置。",
);
const DOUBLED: Fault = (
    Check::Structure,
    "doubled-key",
    "The signature dictionary has a key twice; readers differ in which they take.",
    "签名字典中有重复的键，不同阅读器会取不同的值。",
);
const NO_CONTENTS: Fault = (Check::Structure, "no-contents", "The signature has no value.", "签名没有签名值。");
const PADDING: Fault = (
    Check::Structure,
    "contents-padding",
    "Something other than zeros follows the value of the signature in its place.",
    "签名值之后的填充区内有非零内容。",
);
const NO_RANGE: Fault = (
    Check::References,
    "no-byte-range",
    "The signature does not say which octets it covers.",
    "签名没有说明其保护的字节范围。",
);
const STRANGE_RANGE: Fault = (
    Check::References,
    "byte-range-malformed",
    "The octets that the signature says it covers are not two ranges that begin at the start of the file.",
    "签名声明的字节范围不是从文件开头起的两段。",
);
const GAP: Fault = (
    Check::References,
    "byte-range-gap",
    "Between the octets that the signature covers lies more, or something else, than its own value.",
    "签名保护的两段字节之间除签名值外还有其他内容。",
);
const NOT_A_REVISION: Fault = (
    Check::References,
    "byte-range-end",
    "What the signature covers does not end where a revision of the document ends.",
    "签名保护的范围不是文档的一个完整修订版本。",
);
const NOT_IN_REVISION: Fault = (
    Check::References,
    "not-in-its-revision",
    "The signature is not part of the revision of the document that it covers.",
    "签名不属于其所保护的文档修订版本。",
);

impl Signature {
    /// The signature of a field as the document shows it now; nothing if the field is empty.
    pub fn of(field: &Field, revision: &Revision<'_, '_>) -> Result<Option<Self>, Refused> {
        let Some(value) = &field.value else { return Ok(None) };
        let Object::Dict(dict) = revision.follow(value)? else { return Ok(None) };
        let mut signature = Self { field: field.clone(), dict, range: None, value: Vec::new(), findings: Vec::new() };
        if let Err(fault) = signature.examine(revision) {
            let (check, code, en, zh) = fault;
            signature.findings.push(Finding::new(check, Outcome::Fail, code, en, zh));
        }
        Ok(Some(signature))
    }

    fn examine(&mut self, revision: &Revision<'_, '_>) -> Result<(), Fault> {
        let contents = self
            .dict
            .get("Contents")
            .and_then(Object::as_str)
            .filter(|octets| !octets.is_empty())
            .ok_or(NO_CONTENTS)?;
        let length = der_length(contents);
        let (value, padding) = contents.split_at(length.unwrap_or(contents.len()).min(contents.len()));
        self.value = value.to_vec();
        let padded = padding.iter().all(|octet| *octet == 0);
        let name = self.name().ok_or(NOT_INDIRECT)?;
        let stored = revision.place(name).map_err(|_| NOT_INDIRECT)?;
        if self.dict.has_doubles() {
            return Err(DOUBLED);
        }
        if !padded {
            return Err(PADDING);
        }
        let range = match self.dict.get("ByteRange") {
            None => return Err(NO_RANGE),
            Some(range) => range_of(range).ok_or(STRANGE_RANGE)?,
        };
        let span = stored.spans.iter().rfind(|(key, _)| key == b"Contents").map(|(_, span)| span.clone());
        let span = span.ok_or(NO_CONTENTS)?;
        let hexadecimal = revision.bytes().get(span.start) == Some(&b'<');
        if !hexadecimal || range.before != span.start || range.from != span.end {
            return Err(GAP);
        }
        let end = range.end().ok_or(STRANGE_RANGE)?;
        let signed = revision.file.revision(end).map_err(|_| NOT_A_REVISION)?;
        if !ends_cleanly(&signed) {
            return Err(NOT_A_REVISION);
        }
        let there = form(&signed).map_err(|_| NOT_IN_REVISION)?;
        let same = there
            .fields
            .iter()
            .any(|field| field.node == self.field.node && field.value.as_ref().and_then(Object::as_ref) == Some(name));
        if !same
            || !matches!(signed.entry(name.number), Entry::At { .. })
            || signed.entry(name.number) != revision.entry(name.number)
        {
            return Err(NOT_IN_REVISION);
        }
        self.range = Some(range);
        Ok(())
    }

    /// The name of its dictionary.
    pub fn name(&self) -> Option<Ref> {
        self.field.value.as_ref().and_then(Object::as_ref)
    }

    /// Where what it covers ends.
    pub fn end(&self) -> Option<usize> {
        self.range.and_then(Range::end)
    }

    /// The revision that it covers.
    pub fn revision<'f, 'a>(&self, file: &'f File<'a>) -> Option<Revision<'f, 'a>> {
        self.end().and_then(|end| file.revision(end).ok())
    }

    /// What it is said to be.
    pub fn kind(&self) -> Kind {
        if self.dict.is("Type", "DocTimeStamp") || self.dict.is("SubFilter", "ETSI.RFC3161") {
            Kind::PdfTimeStamp
        } else {
            Kind::Pdf
        }
    }

    /// `/SubFilter`.
    pub fn form(&self) -> String {
        self.dict.get("SubFilter").and_then(Object::as_name).map(text).unwrap_or_default()
    }

    /// `/M`.
    pub fn time(&self) -> Option<pki_config::Instant> {
        date(&text(self.dict.get("M")?.as_str()?))
    }
}

/// Whether nothing but white space follows the end of a revision.
pub fn ends_cleanly(revision: &Revision<'_, '_>) -> bool {
    let after = end_of_file(revision.bytes(), revision.keyword).and_then(|end| revision.bytes().get(end..));
    after.is_some_and(|after| after.iter().all(|octet| is_space(*octet)))
}

fn range_of(value: &Object) -> Option<Range> {
    let numbers: Vec<usize> = value.as_array()?.iter().filter_map(|n| usize::try_from(n.as_int()?).ok()).collect();
    match (value.as_array()?.len(), numbers.as_slice()) {
        (4, [0, before, from, after]) => Some(Range { before: *before, from: *from, after: *after }),
        _ => None,
    }
}

/// How long the outermost element is, with its head; nothing if its head does not read.
fn der_length(octets: &[u8]) -> Option<usize> {
    let (first, rest) = octets.get(1..)?.split_first()?;
    if *first < 0x80 {
        return Some(2 + usize::from(*first));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let length = rest.get(..count)?.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    length.checked_add(2 + count)
}

/// `D:20261121160000+08'00'` (7.9.4).
fn date(text: &str) -> Option<pki_config::Instant> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let zone = text.get(digits.len()..)?;
    let part = |from: usize, length: usize, default: &'static str| match digits.get(from..from + length) {
        Some(part) => part.to_owned(),
        None => default.to_owned(),
    };
    let zone: String = match zone.chars().next() {
        Some(sign @ ('+' | '-')) => {
            let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
            format!("{sign}{}:{}", digits.get(..2)?, digits.get(2..4).unwrap_or("00"))
        }
        _ => "Z".to_owned(),
    };
    let year = digits.get(..4)?;
    let [month, day, hour, minute, second] =
        [(4, "01"), (6, "01"), (8, "00"), (10, "00"), (12, "00")].map(|(at, default)| part(at, 2, default));
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{date, der_length};

    #[test]
    fn a_date_is_read_in_its_zone() {
        let at = |text: &str| date(text).map(|at| at.to_string());
        assert_eq!(at("D:20261121160102+08'00'"), at("D:20261121080102Z"));
        assert_eq!(at("D:20261121080102Z").as_deref(), Some("2026-11-21T08:01:02Z"));
        assert_eq!(at("D:2026").as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(at("D:20261321"), None);
        assert_eq!(at("yesterday"), None);
    }

    #[test]
    fn padding_starts_where_the_element_ends() {
        assert_eq!(der_length(&[0x30, 3, 2, 1, 5, 0, 0]), Some(5));
        assert_eq!(der_length(&[0x30, 0x82, 1, 0]), Some(260));
        assert_eq!(der_length(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(der_length(&[0x30]), None);
    }
}
