//! Where a text stands on a page: the glyphs as they would be drawn, in the order of the page's content.

use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt as _, interpret_page,
};
use hayro::hayro_syntax::Pdf;
use hayro::kurbo::{BezPath, Point, Rect as Area};

use crate::core::job::Refused;
use crate::core::place::{PageSize, Rect};

/// Most characters of one page.
const MOST_CHARACTERS: usize = 500_000;

/// A character and where its origin lies. Unit: points from the upper left corner.
#[derive(Debug, Clone)]
struct Letter {
    text: char,
    at: Point,
    /// Height of the font and width of a square of it.
    em: f64,
}

/// Finds texts in one document. It is read when the first text is sought.
pub struct Finder<'a> {
    document: &'a [u8],
    open: Option<Pdf>,
    /// The letters of the page looked at last.
    page: Option<(u32, Vec<Letter>)>,
}

impl<'a> Finder<'a> {
    /// Nothing is read yet.
    pub fn new(document: &'a [u8]) -> Self {
        Self { document, open: None, page: None }
    }

    /// Where `text` stands on a page (from 0) of that size. White space does not count.
    pub fn find(&mut self, page: u32, size: PageSize, text: &str) -> Result<Vec<Rect>, Refused> {
        let wanted: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        if self.page.as_ref().is_none_or(|(known, _)| *known != page) {
            let letters = self.letters(page)?;
            self.page = Some((page, letters));
        }
        let letters = self.page.as_ref().map(|(_, letters)| letters.as_slice()).unwrap_or_default();
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(window) = letters.get(from..from + wanted.len()) {
            if window.iter().map(|letter| letter.text).eq(wanted.iter().copied()) {
                found.push(boundary(window, size));
                from += wanted.len();
            } else {
                from += 1;
            }
        }
        Ok(found)
    }

    fn letters(&mut self, page: u32) -> Result<Vec<Letter>, Refused> {
        if self.open.is_none() {
            let pdf = Pdf::new(self.document.to_vec())
                .map_err(|_| Refused::Malformed("its text does not read".to_owned()))?;
            self.open = Some(pdf);
        }
        let pdf = self.open.as_ref().ok_or_else(|| Refused::Malformed("its text does not read".to_owned()))?;
        let pages = pdf.pages();
        let page = usize::try_from(page).ok().and_then(|page| pages.get(page));
        let page = page.ok_or_else(|| Refused::Malformed("its text does not read".to_owned()))?;
        let (width, height) = page.render_dimensions();
        let cache = InterpreterCache::new();
        let area = Area::new(0.0, 0.0, f64::from(width), f64::from(height));
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, area, &cache, page.xref(), InterpreterSettings::default());
        let mut letters = Letters { found: Vec::new(), shown: area.inflate(1.0, 1.0) };
        interpret_page(page, &mut context, &mut letters);
        Ok(letters.found)
    }
}

/// Around the letters, from the foot of the first to the head of the last.
fn boundary(letters: &[Letter], size: PageSize) -> Rect {
    let mm = 25.4 / 72.0;
    let area = letters.iter().map(|letter| {
        // The origin is at the left on the base line; a Chinese character fills its square from 0.12 below it.
        let width = if letter.text.is_ascii() { letter.em * 0.5 } else { letter.em };
        Area::new(letter.at.x, letter.at.y - letter.em * 0.88, letter.at.x + width, letter.at.y + letter.em * 0.12)
    });
    let area = area.reduce(|all, one| all.union(one)).unwrap_or_default();
    let (x, y) = ((area.x0 * mm).clamp(0.0, size.width), (area.y0 * mm).clamp(0.0, size.height));
    Rect { x, y, width: (area.x1 * mm).min(size.width) - x, height: (area.y1 * mm).min(size.height) - y }
}

/// Collects the letters and draws nothing.
struct Letters {
    found: Vec<Letter>,
    shown: Area,
}

impl<'a> Device<'a> for Letters {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            if self.found.len() >= MOST_CHARACTERS {
                return;
            }
            let transform = props.transform * glyph.transform();
            let at = transform * Point::ZERO;
            // Glyphs are drawn in a square of 1,000.
            let em = (transform * Point::new(0.0, 1000.0) - at).hypot();
            if !self.shown.contains(at) || !em.is_finite() {
                continue;
            }
            let mut put = |text: char| {
                if !text.is_whitespace() {
                    self.found.push(Letter { text, at, em });
                }
            };
            match glyph.as_unicode() {
                Some(BfString::Char(text)) => put(text),
                Some(BfString::String(texts)) => texts.chars().for_each(put),
                None => {}
            }
        }
    }
}
