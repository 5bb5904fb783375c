//! Drawn seals: a design in words and millimetres becomes a picture, PNG with alpha and SVG.
//!
//! Proportions are those in use in China: the round seal of an organisation has 40 mm, a line of 1.2 mm, a star of
//! 14 mm, the name along the upper arc with its feet towards the star, what it is for in a line below, the number of
//! its registration along the lower edge; the invoice seal is an oval of 40 mm × 30 mm with the tax number in the
//! middle (State Taxation Administration, announcement 7 of 2011); names of persons stand in a square, read from
//! the right.

mod arc;
mod block;
mod output;
mod shape;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::font::Fonts;
use super::job::Refused;
use super::picture::Picture;

/// Most characters of a name.
pub const LONGEST_NAME: usize = 40;
/// Most characters of another text.
pub const LONGEST_TEXT: usize = 24;
/// Shortest side. Unit: mm.
pub const SMALLEST_MM: u32 = 8;
/// Longest side. Unit: mm.
pub const LARGEST_MM: u32 = 60;
/// Least and most picture elements per inch.
pub const DPI: std::ops::RangeInclusive<u32> = 300..=1200;
/// Picture elements per inch if nothing is said.
pub const DEFAULT_DPI: u32 = 300;

/// Which kind of drawn seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Round, of an organisation: 40 mm, with star.
    Round,
    /// Oval: invoices, customs, business units: 40 mm × 30 mm.
    Oval,
    /// Square, of an organisation: the text in columns, read from the right. 25 mm.
    Square,
    /// Square, of a person: the name in columns, read from the right. 20 mm. With another height than width, the name
    /// in one row or one column.
    Personal,
    /// Rectangle: rows of text. 45 mm × 18 mm.
    Rectangle,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Round, Self::Oval, Self::Square, Self::Personal, Self::Rectangle];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Oval => "oval",
            Self::Square => "square",
            Self::Personal => "personal",
            Self::Rectangle => "rectangle",
        }
    }

    /// Width and height if nothing is said. Unit: mm.
    #[must_use]
    pub const fn size(self) -> (u32, u32) {
        match self {
            Self::Round => (40, 40),
            Self::Oval => (40, 30),
            Self::Square => (25, 25),
            Self::Personal => (20, 20),
            Self::Rectangle => (45, 18),
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// How ink and paper are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// The characters are inked (阳文).
    #[default]
    Raised,
    /// The ground is inked, the characters are not (阴文).
    Sunk,
}

/// The colour of the ink; written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub u8, pub u8, pub u8);

impl Default for Colour {
    /// Red.
    fn default() -> Self {
        Self(0xe0, 0x10, 0x18)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
    }
}

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Colour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = value.ok_or_else(|| "a colour is written #rrggbb".to_owned())?.to_be_bytes();
        Ok(Self(red, green, blue))
    }
}

/// What a drawn seal looks like. Everything but the kind and the name has a default that is customary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Design {
    /// The kind.
    pub kind: Kind,
    /// The name: along the arc, or in the frame. 1 to 40 characters.
    pub name: String,
    /// What the seal is for, `财务专用章`: in a line below the middle, or after the name. For a person `印` (after
    /// three characters) and `之印` (after two) come by themselves; an empty text keeps them away.
    #[serde(default)]
    pub line: Option<String>,
    /// A number in the middle: the tax number of an invoice seal.
    #[serde(default)]
    pub number: Option<String>,
    /// A number along the lower edge: the 13 digits of the public security registration.
    #[serde(default)]
    pub code: Option<String>,
    /// Whether there is a star in the middle. By default on round seals only.
    #[serde(default)]
    pub star: Option<bool>,
    /// Width. Unit: mm (whole ones: the seal has no others), 8 to 60.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height. Unit: mm, 8 to 60. By default in proportion to the width.
    #[serde(default)]
    pub height: Option<u32>,
    /// The colour of the ink.
    #[serde(default)]
    pub colour: Colour,
    /// How ink and paper are shared.
    #[serde(default)]
    pub style: Style,
    /// Fineness. Unit: picture elements per inch, 300 to 1,200. Default 300.
    #[serde(default)]
    pub dpi: Option<u32>,
}

/// A drawn seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// PNG, 8 bits, RGBA, with its size on paper (`pHYs`).
    #[serde(with = "serde_bytes")]
    pub png: Vec<u8>,
    /// The same as SVG: paths only, no text, script or reference.
    pub svg: String,
    /// Width. Unit: mm.
    pub width_mm: u32,
    /// Height. Unit: mm.
    pub height_mm: u32,
}

impl Drawing {
    /// As a picture that is put on pages.
    #[must_use]
    pub fn picture(&self) -> Picture {
        Picture { png: self.png.clone(), width: f64::from(self.width_mm), height: f64::from(self.height_mm) }
    }
}

impl Design {
    /// A design of this kind with all customary defaults.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            line: None,
            number: None,
            code: None,
            star: None,
            width: None,
            height: None,
            colour: Colour::default(),
            style: Style::default(),
            dpi: None,
        }
    }

    /// Width and height. Unit: mm.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.kind.size();
        match (self.width, self.height) {
            (None, None) => (width, height),
            (Some(given), None) => (given, given.saturating_mul(height).div_ceil(width)),
            (None, Some(given)) => (given.saturating_mul(width).div_ceil(height), given),
            (Some(given), Some(too)) => (given, too),
        }
    }

    /// The texts, checked: none too long, no control characters, none that no font has.
    fn checked(&self, fonts: &Fonts) -> Result<Words, Refused> {
        let name = text(&self.name, LONGEST_NAME, "name")?;
        if name.is_empty() {
            return Err(Refused::Malformed("a seal needs a name".to_owned()));
        }
        let of = |given: &Option<String>, what| given.as_deref().map(|t| text(t, LONGEST_TEXT, what)).transpose();
        let words = Words {
            name,
            line: of(&self.line, "line")?,
            number: of(&self.number, "number")?,
            code: of(&self.code, "code")?,
        };
        for text in [Some(&words.name), words.line.as_ref(), words.number.as_ref(), words.code.as_ref()] {
            fonts.cover(text.map_or("", String::as_str))?;
        }
        let (width, height) = self.size();
        let sides = SMALLEST_MM..=LARGEST_MM;
        if !sides.contains(&width) || !sides.contains(&height) {
            let sentence = format!("a drawn seal has {SMALLEST_MM} to {LARGEST_MM} mm");
            return Err(Refused::Malformed(sentence));
        }
        // Below that, ovals and rectangles have no room for what is in them.
        if width > 6 * height
            || height > 6 * width
            || (self.kind == Kind::Oval && (width > 2 * height || height > width))
        {
            return Err(Refused::Malformed("the sides of the seal do not go together".to_owned()));
        }
        if self.kind == Kind::Round && width != height {
            return Err(Refused::Malformed("a round seal is as high as it is wide".to_owned()));
        }
        if self.dpi.is_some_and(|dpi| !DPI.contains(&dpi)) {
            return Err(Refused::Malformed("a seal has 300 to 1,200 picture elements per inch".to_owned()));
        }
        Ok(words)
    }
}

/// The texts of a design, checked.
struct Words {
    name: String,
    line: Option<String>,
    number: Option<String>,
    code: Option<String>,
}

fn text(given: &str, longest: usize, what: &str) -> Result<String, Refused> {
    // Nothing is copied or looked at beyond the bound.
    if given.chars().nth(longest).is_some() {
        return Err(Refused::TooLarge(what.to_owned()));
    }
    let given = given.trim();
    if given.chars().any(char::is_control) {
        return Err(Refused::Malformed(format!("the {what} of the seal has control characters")));
    }
    Ok(given.to_owned())
}

/// Draws a seal. The same design and fonts give the same picture.
///
/// # Errors
/// [`Refused::TooLarge`] and [`Refused::Malformed`] for a design out of bounds, [`Refused::NoGlyph`] for characters
/// that no font has.
pub fn draw(design: &Design, fonts: &Fonts) -> Result<Drawing, Refused> {
    let words = design.checked(fonts)?;
    let (width_mm, height_mm) = design.size();
    let artwork = shape::artwork(design, &words, fonts)?;
    let (png, svg) =
        artwork.render(width_mm, height_mm, design.colour, design.dpi.unwrap_or(DEFAULT_DPI), &words.name)?;
    Ok(Drawing { png, svg, width_mm, height_mm })
}

#[cfg(test)]
mod tests;
