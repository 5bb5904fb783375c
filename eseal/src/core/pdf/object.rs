//! PDF objects as values, read from octets (ISO 32000-1 7.3) and written back.
//!
//! Nothing here follows a reference: whoever needs an object behind one asks a [`super::file::Revision`].

use std::fmt::Write as _;
use std::ops::Range;

/// The name of an indirect object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ref {
    /// Object number.
    pub number: u32,
    /// Generation.
    pub generation: u16,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// `/Name`, escapes resolved.
    Name(Vec<u8>),
    /// A string, escapes resolved.
    Str(Vec<u8>),
    /// `[…]`.
    Array(Vec<Object>),
    /// `<<…>>`.
    Dict(Dict),
    /// A stream: its dictionary and where its octets lie in the file.
    Stream(Dict, Range<usize>),
    /// `12 0 R`.
    Ref(Ref),
}

impl Object {
    /// A name.
    pub fn name(name: &str) -> Self {
        Self::Name(name.as_bytes().to_vec())
    }

    /// The octets of a name.
    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The octets of a string.
    pub fn as_str(&self) -> Option<&[u8]> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// A number that is finite.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)]
            Self::Int(number) => Some(*number as f64),
            Self::Real(number) if number.is_finite() => Some(*number),
            _ => None,
        }
    }

    /// A dictionary, also that of a stream.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) | Self::Stream(dict, _) => Some(dict),
            _ => None,
        }
    }

    /// An array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A reference.
    pub fn as_ref(&self) -> Option<Ref> {
        match self {
            Self::Ref(to) => Some(*to),
            _ => None,
        }
    }

    /// Appends it as it stands in a file. A stream cannot be written so: its dictionary is.
    pub fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.extend_from_slice(b"null"),
            Self::Bool(true) => to.extend_from_slice(b"true"),
            Self::Bool(false) => to.extend_from_slice(b"false"),
            Self::Int(number) => to.extend_from_slice(number.to_string().as_bytes()),
            Self::Real(number) => to.extend_from_slice(real(*number).as_bytes()),
            Self::Name(name) => write_name(name, to),
            Self::Str(text) => write_string(text, to),
            Self::Array(items) => {
                to.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        to.push(b' ');
                    }
                    item.write(to);
                }
                to.push(b']');
            }
            Self::Dict(dict) | Self::Stream(dict, _) => dict.write(to),
            Self::Ref(Ref { number, generation }) => {
                to.extend_from_slice(format!("{number} {generation} R").as_bytes())
            }
        }
    }
}

/// A number as PDF writes it: no exponent, at most five digits after the point.
pub fn real(number: f64) -> String {
    let mut text = format!("{number:.5}");
    while text.contains('.') && (text.ends_with('0') || text.ends_with('.')) {
        text.pop();
    }
    if text == "-0" { "0".to_owned() } else { text }
}

fn write_name(name: &[u8], to: &mut Vec<u8>) {
    to.push(b'/');
    for &octet in name {
        if octet.is_ascii_graphic() && !is_delimiter(octet) && octet != b'#' {
            to.push(octet);
        } else {
            let mut escaped = String::new();
            let _ = write!(escaped, "#{octet:02X}");
            to.extend_from_slice(escaped.as_bytes());
        }
    }
}

fn write_string(text: &[u8], to: &mut Vec<u8>) {
    if text.iter().all(|octet| (0x20..0x7f).contains(octet)) {
        to.push(b'(');
        for &octet in text {
            if matches!(octet, b'(' | b')' | b'\\') {
                to.push(b'\\');
            }
            to.push(octet);
        }
        to.push(b')');
    } else {
        to.push(b'<');
        write_hex(text, to);
        to.push(b'>');
    }
}

/// Appends two digits for each octet.
pub fn write_hex(octets: &[u8], to: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for octet in octets {
        to.extend([octet >> 4, octet & 15].iter().filter_map(|&nibble| DIGITS.get(usize::from(nibble))));
    }
}

/// A dictionary, in the order of the file. Of a key that is there twice the last one counts, as in most readers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dict(pub Vec<(Vec<u8>, Object)>);

impl Dict {
    /// What stands at a key; `null` counts as nothing.
    pub fn get(&self, key: &str) -> Option<&Object> {
        let (_, value) = self.0.iter().rev().find(|(name, _)| name == key.as_bytes())?;
        (*value != Object::Null).then_some(value)
    }

    /// Replaces or adds.
    pub fn set(&mut self, key: &str, value: Object) {
        self.0.retain(|(name, _)| name != key.as_bytes());
        self.0.push((key.as_bytes().to_vec(), value));
    }

    /// The same, for building.
    #[must_use]
    pub fn with(mut self, key: &str, value: Object) -> Self {
        self.set(key, value);
        self
    }

    /// Whether `key` names this.
    pub fn is(&self, key: &str, name: &str) -> bool {
        self.get(key).and_then(Object::as_name) == Some(name.as_bytes())
    }

    /// Whether a key stands there twice.
    pub fn has_doubles(&self) -> bool {
        self.0.iter().enumerate().any(|(index, (key, _))| self.0.iter().skip(index + 1).any(|(other, _)| other == key))
    }

    /// Appends it as it stands in a file.
    pub fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(b"<<");
        for (key, value) in &self.0 {
            write_name(key, to);
            to.push(b' ');
            value.write(to);
        }
        to.extend_from_slice(b">>");
    }
}

/// White space: 7.2.2, table 1.
pub fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// Delimiters: 7.2.2, table 2.
pub fn is_delimiter(octet: u8) -> bool {
    matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// The octets do not read as an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadObject;

/// Reads objects one after another.
#[derive(Debug, Clone)]
pub struct Parser<'a> {
    bytes: &'a [u8],
    /// The next octet.
    pub at: usize,
    depth: usize,
    /// Where the values of the outermost dictionary read last stand: key, from, to.
    pub spans: Vec<(Vec<u8>, Range<usize>)>,
}

impl<'a> Parser<'a> {
    /// Reads from `at` on, objects nested no deeper than `depth`.
    pub fn new(bytes: &'a [u8], at: usize, depth: usize) -> Self {
        Self { bytes, at, depth, spans: Vec::new() }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over white space and comments.
    pub fn skip_space(&mut self) {
        while let Some(octet) = self.peek() {
            if octet == b'%' {
                while self.peek().is_some_and(|octet| octet != b'\n' && octet != b'\r') {
                    self.at += 1;
                }
            } else if is_space(octet) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// Passes over a keyword if it stands here.
    pub fn keyword(&mut self, word: &[u8]) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(word)
            && self.bytes.get(self.at + word.len()).is_none_or(|&octet| is_space(octet) || is_delimiter(octet));
        if found {
            self.at += word.len();
        }
        found
    }

    /// A whole number without sign that has at most ten digits.
    pub fn number(&mut self) -> Option<u64> {
        self.skip_space();
        let start = self.at;
        let mut value = 0_u64;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if self.at - start >= 10 {
                self.at = start;
                return None;
            }
            value = value * 10 + u64::from(digit - b'0');
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    /// `12 0 obj`.
    pub fn header(&mut self) -> Option<Ref> {
        let number = u32::try_from(self.number()?).ok()?;
        let generation = u16::try_from(self.number()?).ok()?;
        self.skip_space();
        if !self.rest().starts_with(b"obj") {
            return None;
        }
        self.at += 3;
        Some(Ref { number, generation })
    }

    /// The next object; [`Object::Stream`] is never one (see [`super::file`]).
    pub fn object(&mut self) -> Result<Object, BadObject> {
        self.nested(0)
    }

    fn nested(&mut self, level: usize) -> Result<Object, BadObject> {
        if level > self.depth {
            return Err(BadObject);
        }
        self.skip_space();
        match self.peek().ok_or(BadObject)? {
            b'/' => Ok(Object::Name(self.read_name())),
            b'(' => self.literal(),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        return Ok(Object::Array(items));
                    }
                    items.push(self.nested(level + 1)?);
                }
            }
            b'<' if self.rest().starts_with(b"<<") => self.dict(level),
            b'<' => self.hex(),
            b'0'..=b'9' => Ok(self.reference().unwrap_or_else(|| self.any_number())),
            b'+' | b'-' | b'.' => Ok(self.any_number()),
            _ => {
                for (word, value) in
                    [(b"true".as_slice(), Object::Bool(true)), (b"false", Object::Bool(false)), (b"null", Object::Null)]
                {
                    if self.keyword(word) {
                        return Ok(value);
                    }
                }
                Err(BadObject)
            }
        }
    }

    fn dict(&mut self, level: usize) -> Result<Object, BadObject> {
        self.at += 2;
        let mut dict = Dict::default();
        let mut spans = Vec::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(b">>") {
                self.at += 2;
                if level == 0 {
                    self.spans = spans;
                }
                return Ok(Object::Dict(dict));
            }
            if self.peek() != Some(b'/') {
                return Err(BadObject);
            }
            let key = self.read_name();
            self.skip_space();
            let start = self.at;
            let value = self.nested(level + 1)?;
            if level == 0 {
                spans.push((key.clone(), start..self.at));
            }
            dict.0.push((key, value));
        }
    }

    fn reference(&mut self) -> Option<Object> {
        let start = self.at;
        let found = self.try_reference();
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn try_reference(&mut self) -> Option<Object> {
        let number = u32::try_from(self.number()?).ok()?;
        self.peek().filter(|&octet| is_space(octet))?;
        let generation = u16::try_from(self.number()?).ok()?;
        self.peek().filter(|&octet| is_space(octet))?;
        self.keyword(b"R").then_some(Object::Ref(Ref { number, generation }))
    }

    fn any_number(&mut self) -> Object {
        let start = self.at;
        while self.peek().is_some_and(|octet| octet.is_ascii_digit() || matches!(octet, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let text =
            self.bytes.get(start..self.at).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default();
        if let Ok(whole) = text.parse() {
            return Object::Int(whole);
        }
        // What does not read as a number counts as zero, as in other readers: `--5`, `.`.
        text.parse::<f64>().ok().filter(|number| number.is_finite()).map_or(Object::Int(0), Object::Real)
    }

    fn read_name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(octet) = self.peek().filter(|&octet| !is_space(octet) && !is_delimiter(octet)) {
            self.at += 1;
            let escaped = (octet == b'#').then(|| self.rest().get(..2).and_then(hex_pair)).flatten();
            if let Some(octet) = escaped {
                self.at += 2;
                name.push(octet);
            } else {
                name.push(octet);
            }
        }
        name
    }

    fn hex(&mut self) -> Result<Object, BadObject> {
        self.at += 1;
        let mut octets = Vec::new();
        let mut high = None;
        loop {
            let octet = self.peek().ok_or(BadObject)?;
            self.at += 1;
            match (octet, high) {
                (b'>', None) => break,
                (b'>', Some(nibble)) => {
                    octets.push(nibble << 4);
                    break;
                }
                (octet, _) if is_space(octet) => {}
                (octet, None) => high = Some(hex_digit(octet).ok_or(BadObject)?),
                (octet, Some(nibble)) => {
                    octets.push(nibble << 4 | hex_digit(octet).ok_or(BadObject)?);
                    high = None;
                }
            }
        }
        Ok(Object::Str(octets))
    }

    fn literal(&mut self) -> Result<Object, BadObject> {
        self.at += 1;
        let mut octets = Vec::new();
        let mut open = 1_u32;
        loop {
            let octet = self.peek().ok_or(BadObject)?;
            self.at += 1;
            match octet {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Object::Str(octets));
                    }
                }
                b'\\' => {
                    self.escape(&mut octets)?;
                    continue;
                }
                b'\r' => {
                    if self.peek() == Some(b'\n') {
                        self.at += 1;
                    }
                    octets.push(b'\n');
                    continue;
                }
                _ => {}
            }
            octets.push(octet);
        }
    }

    fn escape(&mut self, octets: &mut Vec<u8>) -> Result<(), BadObject> {
        let octet = self.peek().ok_or(BadObject)?;
        self.at += 1;
        match octet {
            b'n' => octets.push(b'\n'),
            b'r' => octets.push(b'\r'),
            b't' => octets.push(b'\t'),
            b'b' => octets.push(8),
            b'f' => octets.push(12),
            b'\n' => {}
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
            }
            b'0'..=b'7' => {
                let mut value = u32::from(octet - b'0');
                for _ in 0..2 {
                    let Some(digit) = self.peek().filter(|octet| (b'0'..=b'7').contains(octet)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                octets.push(value.to_le_bytes()[0]);
            }
            other => octets.push(other),
        }
        Ok(())
    }
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hex_pair(two: &[u8]) -> Option<u8> {
    match two {
        [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}
