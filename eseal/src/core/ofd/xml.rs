//! XML as OFD uses it: elements in its namespace (whatever their prefix), attributes, text. No DTD and no entities
//! but the five of XML itself, UTF-8 only, bounded depth and number of elements.

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::super::job::Limits;

/// The namespace of OFD, and what its drafts used.
const NAMESPACE: &str = "http://www.ofdspec.org";
/// Most elements of one file.
const MOST_ELEMENTS: usize = 2_000_000;

/// Why a file does not read. A sentence part for its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadXml(pub String);

fn bad(what: impl std::fmt::Display) -> BadXml {
    BadXml(what.to_string())
}

/// An element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without prefix.
    pub name: String,
    /// Its prefix with the colon, or nothing.
    pub prefix: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// Its own text, that of its children left out.
    pub text: String,
    /// Where it stands in the file, tags included.
    pub whole: Range<usize>,
    /// What stands between its tags; empty at its end for an element without a closing tag.
    pub inner: Range<usize>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Its children of this name.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The trimmed text of its first child of this name, if there is any text.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Whether it has a closing tag, so that something can stand in it.
    pub fn is_open(&self) -> bool {
        self.inner.end < self.whole.end
    }
}

/// The file as text, and how many octets were left out in front (the mark of UTF-8).
pub(super) fn text(bytes: &[u8]) -> Result<(&str, usize), BadXml> {
    let skipped = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let text = std::str::from_utf8(bytes.get(skipped..).unwrap_or_default()).map_err(|_| bad("it is not UTF-8"))?;
    Ok((text, skipped))
}

/// Reads a file whose root must have this name.
///
/// # Errors
/// [`BadXml`].
pub(super) fn parse(bytes: &[u8], root: &str, limits: &Limits) -> Result<Element, BadXml> {
    let (text, skipped) = text(bytes)?;
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut done: Option<Element> = None;
    let mut elements = 0_usize;
    // How deep in an element of somebody else's namespace; what is in there is not OFD's.
    let mut foreign = 0_usize;
    loop {
        let before = position(&reader, skipped);
        let (namespace, event) = reader.read_resolved_event().map_err(bad)?;
        let ours = match namespace {
            ResolveResult::Bound(namespace) => namespace.0.starts_with(NAMESPACE),
            ResolveResult::Unbound => true,
            ResolveResult::Unknown(_) => false,
        };
        if let Event::Start(_) | Event::Empty(_) = event {
            elements += 1;
            if elements > MOST_ELEMENTS {
                return Err(bad("too many elements"));
            }
            if done.is_some() {
                return Err(bad("something stands after its root element"));
            }
            if open.len() + foreign >= limits.depth {
                return Err(bad("its elements are nested too deeply"));
            }
        }
        match event {
            Event::Start(_) if foreign > 0 || !ours => foreign += 1,
            Event::Empty(_) if foreign > 0 || !ours => {}
            Event::End(_) if foreign > 0 => foreign -= 1,
            Event::Start(start) => {
                let after = position(&reader, skipped);
                open.push(element(&start, before..after, after..after)?);
            }
            Event::Empty(start) => {
                let after = position(&reader, skipped);
                close(element(&start, before..after, after..after)?, &mut open, &mut done);
            }
            Event::End(_) => {
                let mut ended = open.pop().ok_or_else(|| bad("a tag closes nothing"))?;
                ended.inner.end = before;
                ended.whole.end = position(&reader, skipped);
                close(ended, &mut open, &mut done);
            }
            Event::Text(text) if foreign == 0 => match open.last_mut() {
                Some(element) => element.text.push_str(&text),
                None if text.trim_ascii().is_empty() => {}
                None => return Err(bad("text stands outside of its root element")),
            },
            Event::CData(text) if foreign == 0 => {
                open.last_mut().ok_or_else(|| bad("text stands outside of its root element"))?.text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let character = match &*reference {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "apos" => '\'',
                    "quot" => '"',
                    _ => reference.resolve_char_ref().map_err(bad)?.ok_or_else(|| bad("it uses an entity"))?,
                };
                if let (Some(element), 0) = (open.last_mut(), foreign) {
                    element.text.push(character);
                }
            }
            // What a DTD can do - pull in files, grow without bound - has no place in a sealed document.
            Event::DocType(_) => return Err(bad("it has a document type declaration")),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(bad)?;
                if encoding
                    .is_some_and(|name| !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("utf8"))
                {
                    return Err(bad("it is not UTF-8"));
                }
            }
            Event::Eof => break,
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
    let found = done.filter(|_| open.is_empty()).ok_or_else(|| bad("it is cut off"))?;
    if found.name == root { Ok(found) } else { Err(bad(format!("its root is {} and not {root}", found.name))) }
}

fn position(reader: &NsReader<&[u8]>, skipped: usize) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(skipped)
}

fn element(start: &BytesStart<'_>, whole: Range<usize>, inner: Range<usize>) -> Result<Element, BadXml> {
    let (name, prefix) = start.name().decompose();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(bad)?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(bad)?;
        attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
    }
    let prefix = prefix.map(|prefix| format!("{}:", prefix.into_inner())).unwrap_or_default();
    let name = name.into_inner().to_owned();
    Ok(Element { name, prefix, attributes, whole, inner, ..Element::default() })
}

fn close(element: Element, open: &mut [Element], done: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *done = Some(element),
    }
}

/// Text as it stands in an attribute or between tags. What XML 1.0 cannot say is left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Result<Element, BadXml> {
        parse(xml.as_bytes(), "a", &Limits::default())
    }

    #[test]
    fn elements_are_found_whatever_their_prefix() {
        for xml in [
            r#"<?xml version="1.0" encoding="UTF-8"?><o:a xmlns:o="http://www.ofdspec.org/2016"><o:b c="1 &amp; 2">x&lt;&#x4e2d;</o:b></o:a>"#,
            r#"<a xmlns="http://www.ofdspec.org/2016"><b c="1 &amp; 2">x&lt;中</b></a>"#,
            "\u{feff}<a><b c='1 &amp; 2'>x<![CDATA[<]]>中</b></a> <!-- end -->",
        ] {
            let a = read(xml).unwrap();
            let b = a.child("b").unwrap();
            assert_eq!((b.attribute("c"), b.text.as_str()), (Some("1 & 2"), "x<中"), "{xml}");
        }
    }

    #[test]
    fn positions_are_those_in_the_file() {
        let xml = "\u{feff}<a><b>中</b><c/></a>";
        let a = read(xml).unwrap();
        let b = a.child("b").unwrap();
        assert_eq!(&xml[b.whole.clone()], "<b>中</b>");
        assert_eq!(&xml[b.inner.clone()], "中");
        let c = a.child("c").unwrap();
        assert_eq!((&xml[c.whole.clone()], c.is_open(), b.is_open()), ("<c/>", false, true));
        assert_eq!(&xml[a.inner.clone()], "<b>中</b><c/>");
    }

    #[test]
    fn elements_of_another_namespace_are_not_ours() {
        let a = read(r#"<a xmlns:x="urn:x"><x:b><b>no</b></x:b><b>yes</b><x:b/></a>"#).unwrap();
        assert_eq!(a.children("b").map(|b| b.text.as_str()).collect::<Vec<_>>(), ["yes"]);
    }

    #[test]
    fn what_is_no_plain_xml_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        for (xml, why) in [
            ("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "document type"),
            ("<a>&e;</a>", "entity"),
            ("<a b=\"&e;\"/>", "entity"),
            ("<a><b></a></b>", ""),
            ("<a/><a/>", "after its root"),
            ("<a/>x", "outside"),
            ("<a>", "cut off"),
            ("", "cut off"),
            ("<b/>", "root is b"),
            ("<a b='1' b='2'/>", ""),
            ("<?xml version='1.0' encoding='GBK'?><a/>", "UTF-8"),
            (deep.as_str(), "deeply"),
        ] {
            let BadXml(said) = read(xml).unwrap_err();
            assert!(said.contains(why), "{xml}: {said}");
        }
        assert!(parse(b"<a>\xff</a>", "a", &Limits::default()).is_err());
        assert!(read(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))).is_ok());
    }

    #[test]
    fn what_is_escaped_reads_back() {
        let text = "<甲> & \"乙\" 'c'\u{1}";
        let a = read(&format!("<a b=\"{0}\">{0}</a>", escape(text))).unwrap();
        assert_eq!(a.attribute("b"), Some("<甲> & \"乙\" 'c'"));
        assert_eq!(a.text, "<甲> & \"乙\" 'c'");
    }
}
