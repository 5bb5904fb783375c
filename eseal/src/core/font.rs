//! Fonts: one embedded, others given by the caller for rare characters. A font is asked for outlines only.

use std::sync::Arc;

use skrifa::raw::types::NameId;
use skrifa::{DrawMemory, Font, PathSink, ScalerFont};
use tiny_skia::{Path, PathBuilder, Transform};

use super::job::Refused;

/// Noto Serif CJK SC Medium, cut down to GB 2312 and the 通用规范汉字表; see `assets/README.md`.
pub const EMBEDDED: &[u8] = include_bytes!("../../assets/NotoSerifCJKsc-Medium-subset.otf");

/// Fonts in the order in which they are asked for a character. Cloning is cheap.
#[derive(Clone)]
pub struct Fonts {
    faces: Arc<Vec<ScalerFont>>,
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts({})", self.faces.len())
    }
}

impl Default for Fonts {
    fn default() -> Self {
        Self::embedded()
    }
}

/// A character's outline. Unit: the font's em; `y` down, the baseline at 0.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    /// The outline; none for a space.
    pub path: Option<Path>,
    /// How far the next one stands.
    pub advance: f32,
}

impl Fonts {
    /// The embedded one alone.
    #[must_use]
    pub fn embedded() -> Self {
        Self::with(Vec::new())
    }

    /// The embedded one, and after it these files (TrueType, OpenType, or collections of them). What does not read
    /// as a font is passed over: it could only add characters.
    #[must_use]
    pub fn with(files: Vec<Vec<u8>>) -> Self {
        let embedded = Font::new(EMBEDDED, 0);
        let others = files.into_iter().filter_map(simplified);
        let faces = embedded.into_iter().chain(others).map(|font| ScalerFont::unhinted(font, None)).collect();
        Self { faces: Arc::new(faces) }
    }

    /// A document's own font, alone; `None` if it does not read.
    pub(crate) fn only(file: Vec<u8>) -> Option<Self> {
        let font = simplified(file)?;
        Some(Self { faces: Arc::new(vec![ScalerFont::unhinted(font, None)]) })
    }

    /// Whether every character of `text` can be drawn; if not, those that cannot.
    ///
    /// # Errors
    /// [`Refused::NoGlyph`].
    pub fn cover(&self, text: &str) -> Result<(), Refused> {
        let missing: String = text.chars().filter(|c| self.face(*c).is_none()).take(8).collect();
        if missing.is_empty() { Ok(()) } else { Err(Refused::NoGlyph(missing)) }
    }

    fn face(&self, c: char) -> Option<(&ScalerFont, skrifa::GlyphId)> {
        self.faces.iter().find_map(|face| {
            let id = face.font().charmap().map_unicode(c)?;
            (id.to_u32() != 0).then_some((face, id))
        })
    }

    /// How far the next character stands from this one. Unit: the font's em.
    pub(crate) fn advance(&self, c: char) -> Option<f32> {
        let (face, id) = self.face(c)?;
        Some(face.font().glyph_metrics().h_advance(id) / f32::from(face.font().units_per_em().max(1)))
    }

    /// The outline of a character.
    pub(crate) fn glyph(&self, c: char) -> Result<Glyph, Refused> {
        let missing = || Refused::NoGlyph(c.to_string());
        let (face, id) = self.face(c).ok_or_else(missing)?;
        outline(face, id).ok_or_else(missing)
    }

    /// The outline with this number in the first of the fonts.
    pub(crate) fn glyph_numbered(&self, number: u32) -> Option<Glyph> {
        outline(self.faces.first()?, skrifa::GlyphId::new(number))
    }
}

fn outline(face: &ScalerFont, id: skrifa::GlyphId) -> Option<Glyph> {
    let em = f32::from(face.font().units_per_em().max(1));
    let advance = face.font().glyph_metrics().h_advance(id) / em;
    let mut pen = Pen(PathBuilder::new());
    if let Some(outline) = face.outline(id) {
        outline.draw(DrawMemory::Scratch, &mut pen).ok()?;
    }
    let path = pen.0.finish().and_then(|path| path.transform(Transform::from_scale(1.0 / em, -1.0 / em)));
    Some(Glyph { path, advance })
}

/// The font in a file; of a collection the one for simplified Chinese, else the first.
fn simplified(file: Vec<u8>) -> Option<Font> {
    let file: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(file);
    let faces = (0..16).map_while(|index| Font::new(file.clone(), index));
    let mut first = None;
    for face in faces {
        let name = family(&face);
        if name.split(' ').any(|word| word == "SC") {
            return Some(face);
        }
        first = first.or(Some(face));
    }
    first
}

struct Pen(PathBuilder);

impl PathSink for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }
    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.0.quad_to(cx0, cy0, x, y);
    }
    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.0.cubic_to(cx0, cy0, cx1, cy1, x, y);
    }
    fn close(&mut self) {
        self.0.close();
    }
}

fn family(face: &Font) -> String {
    let names = face.names();
    let name = names.get(NameId::FAMILY_NAME).and_then(|name| name.english_or_first());
    name.map(|name| name.name().chars().take(64).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
