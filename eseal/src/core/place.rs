//! Where seals go: places as people say them, and the stamps on pages that come of them.
//!
//! All lengths are millimetres, from the top left corner of the page as it is shown (its crop box, turned), `x` to
//! the right and `y` down: the coordinates of OFD (GB/T 33190-2016). A PDF's points are turned into these once,
//! where it is read.

use serde::{Deserialize, Serialize};

use super::job::Refused;

mod lay_out;
#[cfg(test)]
mod tests;

pub use lay_out::{Find, lay_out};

/// Longest length in a place. Unit: mm.
const LONGEST_MM: f64 = 10_000.0;

/// Most stamps that one signature puts on a document.
pub const MOST_STAMPS: usize = 2_000;

/// A rectangle. Unit: millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// The size of a page as it is shown. Unit: millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageSize {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Which pages. Pages count from 1, as people count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pages {
    /// Every one.
    All,
    /// These.
    These(Vec<u32>),
}

/// An edge of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Upper.
    Top,
    /// Lower.
    Bottom,
}

/// Where a seal is to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Its upper left corner at a point of each of these pages.
    At {
        /// The pages.
        pages: Pages,
        /// From the left. Unit: mm.
        x: f64,
        /// From the top. Unit: mm.
        y: f64,
    },
    /// Its middle over the middle of a text.
    Keyword {
        /// The text, as it can be read on the page.
        text: String,
        /// The pages where it is sought.
        pages: Pages,
        /// Which one of them, from 1; every one if absent.
        occurrence: Option<u32>,
        /// Moved by this much. Unit: mm.
        #[serde(default)]
        dx: f64,
        /// Moved by this much. Unit: mm.
        #[serde(default)]
        dy: f64,
    },
    /// A slice on each of these pages, so that the pages held together show it whole (骑缝章).
    Riding {
        /// The pages.
        pages: Pages,
        /// The edge at which they are held together.
        edge: Edge,
        /// The middle of the seal along that edge, from the top or the left; the middle of the page if absent.
        /// Unit: mm.
        along: Option<f64>,
        /// Between the slice and the edge. Unit: mm.
        #[serde(default)]
        margin: f64,
        /// Most pages that share one seal; more make several seals. At least 2; 20 when absent.
        #[serde(default = "twenty")]
        at_most: u32,
    },
}

const fn twenty() -> u32 {
    20
}

/// A seal, or a slice of it, on one page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// The page, from 0.
    pub page: u32,
    /// Where the whole picture would lie; parts outside the page or the slice are not seen.
    pub boundary: Rect,
    /// The part of the picture that is seen, measured from the corner of `boundary`; all if absent.
    pub clip: Option<Rect>,
}

/// Why places do not lead to stamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadPlace {
    /// Nothing says where.
    Nowhere,
    /// There is no such page.
    NoSuchPage(u32),
    /// The seal would not lie on the page.
    OffPage(u32),
    /// The text is not there.
    NoKeyword(String),
    /// A riding seal needs two pages.
    TooFewPages,
    /// More stamps than are put on one document.
    TooMany,
    /// A length is no number or out of range.
    BadLength,
}

impl From<BadPlace> for Refused {
    fn from(bad: BadPlace) -> Self {
        Self::Place(bad)
    }
}

impl std::fmt::Display for BadPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nothing says where the seal goes"),
            Self::NoSuchPage(page) => write!(f, "there is no page {page}"),
            Self::OffPage(page) => write!(f, "the seal would not lie on page {page}"),
            Self::NoKeyword(text) => write!(f, "\"{text}\" is not on these pages"),
            Self::TooFewPages => f.write_str("a riding seal needs at least two pages"),
            Self::TooMany => write!(f, "more than {MOST_STAMPS} stamps"),
            Self::BadLength => f.write_str("a length is no number or out of range"),
        }
    }
}
