//! What comes out: things, their facts in order, and remarks about their form.

use std::fmt::Write as _;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::cli::language::Language;
use crate::cli::table::plain;

/// Most octets of a value in JSON.
const MOST_OCTETS: usize = 4_096;
/// Most octets of a value for people.
const FOR_PEOPLE: usize = 72;

/// What a fact is about: a stable word for programs, and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Stable.
    pub name: &'static str,
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

/// A label.
pub(super) const fn l(name: &'static str, en: &'static str, zh: &'static str) -> Label {
    Label { name, en, zh }
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The same in every language.
    Text(String),
    /// Words.
    Words(String, String),
    /// Octets, hexadecimal.
    Octets(Vec<u8>),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(octets: &[u8]) -> Self {
        Self::Octets(octets.to_vec())
    }
}

impl From<(&str, &str)> for Value {
    fn from((en, zh): (&str, &str)) -> Self {
        Self::Words(en.to_owned(), zh.to_owned())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        if yes { ("yes", "是").into() } else { ("no", "否").into() }
    }
}

impl Value {
    /// Several words, separated as each language does.
    pub(super) fn list(words: &[(&str, &str)]) -> Self {
        let (en, zh): (Vec<&str>, Vec<&str>) = words.iter().copied().unzip();
        Self::Words(en.join(", "), zh.join("、"))
    }
}

/// One fact, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub label: Label,
    /// What is said; nothing where only parts follow.
    pub value: Option<Value>,
    /// Of extensions: whether it is critical.
    pub critical: Option<bool>,
    /// Its parts.
    pub facts: Vec<Fact>,
}

/// That the form is not as the standards have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// A stable word.
    pub rule: String,
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: Label,
    /// As what it stands in another thing.
    pub role: Option<(&'static str, &'static str)>,
    /// Unit: bytes.
    pub size: usize,
    /// What it says, in its order.
    pub facts: Vec<Fact>,
    /// What is not as the standards have it.
    pub remarks: Vec<Remark>,
    /// Things within it: certificates of a message, the seal of a signature.
    pub inside: Vec<Thing>,
}

/// Facts are put one after another.
pub(super) trait Facts {
    fn add(&mut self, fact: Fact);

    /// A fact with a value.
    fn put(&mut self, label: Label, value: impl Into<Value>)
    where
        Self: Sized,
    {
        self.add(Fact { label, value: Some(value.into()), critical: None, facts: Vec::new() });
    }

    /// A fact with parts.
    fn group(&mut self, label: Label, value: Option<Value>, facts: Vec<Fact>) {
        self.add(Fact { label, value, critical: None, facts });
    }
}

impl Facts for Vec<Fact> {
    fn add(&mut self, fact: Fact) {
        self.push(fact);
    }
}

impl Facts for Thing {
    fn add(&mut self, fact: Fact) {
        self.facts.push(fact);
    }
}

impl Thing {
    pub(super) const fn new(kind: Label, size: usize) -> Self {
        Self { kind, role: None, size, facts: Vec::new(), remarks: Vec::new(), inside: Vec::new() }
    }

    /// Adds a remark, once.
    pub(super) fn remark(&mut self, rule: &str, en: &str, zh: &str) {
        let remark = Remark { rule: rule.to_owned(), en: en.to_owned(), zh: zh.to_owned() };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// What could be read is told; then this.
    pub(super) fn ends_with(mut self, read: Result<(), crypto_pool::BadDer>) -> Self {
        if let Err(why) = read {
            let what = why.what;
            self.remark(
                "unreadable",
                &format!("it does not read on from here: {what}"),
                &format!("从此处起无法读取：{what}"),
            );
        }
        self
    }

    /// Whether it is a kind that is known here.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.kind != super::kind::UNKNOWN
    }

    /// The first fact of this name, at any depth.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        fn find<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Fact> {
            facts.iter().find_map(|fact| if fact.label.name == name { Some(fact) } else { find(&fact.facts, name) })
        }
        find(&self.facts, name)
    }

    /// For people. Whatever strangers wrote in it steers no terminal.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, language);
        text
    }

    fn write(&self, text: &mut String, depth: usize, language: Language) {
        let indent = "  ".repeat(depth);
        let (kind, bytes) = (language.of(self.kind.en, self.kind.zh), language.of("bytes", "字节"));
        let colon = language.of(": ", "：");
        let role = self.role.map_or_else(String::new, |(en, zh)| format!("{colon}{}", language.of(en, zh)));
        let _ = writeln!(text, "{indent}{kind} ({} {bytes}){role}", self.size);
        self.facts.iter().for_each(|fact| fact.write(text, depth + 1, language));
        for remark in &self.remarks {
            let (head, words) = (language.of("Remark", "注意"), language.of(&remark.en, &remark.zh));
            let _ = writeln!(text, "{indent}  ! {head}{colon}{}", plain(words));
        }
        self.inside.iter().for_each(|thing| thing.write(text, depth + 1, language));
    }
}

impl Fact {
    /// What is said, in this language.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        match &self.value {
            None => String::new(),
            Some(Value::Text(text)) => plain(text),
            Some(Value::Words(en, zh)) => plain(language.of(en, zh)),
            Some(Value::Octets(octets)) if octets.len() <= FOR_PEOPLE => hex(octets),
            Some(Value::Octets(octets)) => {
                let (begin, bytes) = (octets.get(..FOR_PEOPLE / 2).unwrap_or_default(), language.of("bytes", "字节"));
                format!("{}… ({} {bytes})", hex(begin), octets.len())
            }
        }
    }

    fn write(&self, text: &mut String, depth: usize, language: Language) {
        let indent = "  ".repeat(depth);
        let critical = if self.critical == Some(true) { language.of(" [critical]", " [关键]") } else { "" };
        let label = language.of(self.label.en, self.label.zh);
        let value = self.to_text(language);
        let line = format!("{indent}{label}{critical}{}{value}", language.of(": ", "："));
        let _ = writeln!(text, "{}", line.trim_end());
        self.facts.iter().for_each(|fact| fact.write(text, depth + 1, language));
    }
}

/// Upper case, as serial numbers are written everywhere else.
pub(super) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    octets.iter().for_each(|octet| {
        let _ = write!(text, "{octet:02X}");
    });
    text
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Fact", 6)?;
        out.serialize_field("name", self.label.name)?;
        match &self.value {
            None => {}
            Some(Value::Text(text)) => out.serialize_field("value", text)?,
            Some(Value::Words(en, zh)) => {
                out.serialize_field("value", en)?;
                out.serialize_field("value_zh", zh)?;
            }
            Some(Value::Octets(octets)) => {
                out.serialize_field("value", &hex(octets.get(..MOST_OCTETS).unwrap_or(octets)))?;
                if octets.len() > MOST_OCTETS {
                    out.serialize_field("octets", &octets.len())?;
                }
            }
        }
        if let Some(critical) = self.critical {
            out.serialize_field("critical", &critical)?;
        }
        if !self.facts.is_empty() {
            out.serialize_field("facts", &self.facts)?;
        }
        out.end()
    }
}

impl Serialize for Thing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Thing", 7)?;
        out.serialize_field("kind", self.kind.name)?;
        if let Some((en, zh)) = self.role {
            out.serialize_field("role", en)?;
            out.serialize_field("role_zh", zh)?;
        }
        out.serialize_field("size", &self.size)?;
        out.serialize_field("facts", &self.facts)?;
        out.serialize_field("remarks", &self.remarks)?;
        out.serialize_field("inside", &self.inside)?;
        out.end()
    }
}
