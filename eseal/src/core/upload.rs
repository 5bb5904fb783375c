//! Pictures of seals that people send: read within bounds, freed of their paper, cut to their ink, and brought to a
//! PNG with alpha of known size on paper. To be called in a child process: these are strangers' bytes.

mod fit;
mod paper;
mod raster;
mod svg;

use serde::{Deserialize, Serialize};

use super::draw::{LARGEST_MM, SMALLEST_MM};
use super::job::{Limits, Refused};
use super::picture::Picture;

/// Longest file. Unit: bytes.
pub const LONGEST: usize = 5 << 20;
/// Longest side of a picture that is sent. Unit: picture elements.
pub const LARGEST_SIDE: u32 = 6_000;
/// Most picture elements that are decoded.
pub const MOST_PIXELS: u64 = 16_000_000;
/// Shortest longer side. Coarser pictures do not show what is written in them. Unit: picture elements.
pub const SMALLEST_SIDE: u32 = 100;
/// The longer side on paper if nothing is said: the round seal of an organisation. Unit: mm.
pub const USUAL_MM: u32 = 40;

/// How a picture that was sent is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ask {
    /// Width on paper, 8 to 60. By default in proportion to the height, or the longer side 40. Unit: mm.
    pub width: Option<u32>,
    /// Height on paper, 8 to 60. Unit: mm.
    pub height: Option<u32>,
    /// Whether the paper is taken away from a picture without alpha (a scan, a photograph).
    pub clear: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Self { width: None, height: None, clear: true }
    }
}

/// What kind of file it is, told by its first octets and not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF; its first picture.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// SVG.
    Svg,
}

impl Kind {
    /// By the first octets.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        if file.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if file.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if file.starts_with(b"GIF87a") || file.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if file.starts_with(b"BM") {
            Some(Self::Bmp)
        } else {
            let start = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).trim_ascii_start();
            let head = start.get(..start.len().min(4_096))?;
            let text = start.starts_with(b"<") && head.windows(4).any(|four| four == b"<svg");
            text.then_some(Self::Svg)
        }
    }
}

/// Makes a picture for pages of a file that somebody sent.
///
/// # Errors
/// [`Refused::UnknownFormat`] if it is none of the kinds read, [`Refused::TooLarge`] with what is too large before it
/// is decoded, [`Refused::Malformed`] with a sentence, [`Refused::Unsuitable`] with a word: `too-coarse`, `empty`,
/// `no-paper`, `script`, `external-reference`, `text`, `element`, `too-complex`.
pub fn normalise(file: &[u8], ask: &Ask, limits: &Limits) -> Result<Picture, Refused> {
    if file.len() > LONGEST.min(limits.document) {
        return Err(Refused::TooLarge("picture".to_owned()));
    }
    for side in [ask.width, ask.height].into_iter().flatten() {
        if !(SMALLEST_MM..=LARGEST_MM).contains(&side) {
            return Err(Refused::Malformed(format!("a seal has {SMALLEST_MM} to {LARGEST_MM} mm")));
        }
    }
    let kind = Kind::of(file).ok_or(Refused::UnknownFormat)?;
    let mut image = match kind {
        Kind::Svg => svg::read(file, limits)?,
        Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Bmp => raster::read(file, kind)?,
    };
    if ask.clear && kind != Kind::Svg && image.pixels().all(|pixel| pixel.0[3] == 255) {
        paper::take_away(&mut image)?;
    }
    fit::fit(&image, ask)
}

/// For fuzzing: any bytes, any answer, no panic.
pub fn fuzz(bytes: &[u8]) {
    let _ = normalise(bytes, &Ask::default(), &Limits::default());
}

fn unsuitable(word: &str, sentence: &str) -> Refused {
    Refused::Unsuitable(word.to_owned(), sentence.to_owned())
}

#[cfg(test)]
mod tests;
