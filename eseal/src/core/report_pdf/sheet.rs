//! Pages of text: what does not fit on one goes on the next.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

use crate::core::font::{EMBEDDED, Fonts};
use crate::core::job::Refused;

/// A4. Unit: mm.
pub const WIDTH: f32 = 210.0;
const HEIGHT: f32 = 297.0;
/// Unit: mm.
pub const MARGIN: f32 = 18.0;
/// Unit: points per mm.
const POINTS: f32 = 72.0 / 25.4;
/// Baseline to baseline, in sizes of the type.
const LEADING: f32 = 1.42;
/// Where values of fields begin. Unit: mm.
const VALUES: f32 = 40.0;
/// Most characters of one text: a stranger's certificate may hold more, no report needs them.
const LONGEST: usize = 1_500;

/// What a text means, by its colour. Never by that alone: the words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Faint,
    Good,
    Warn,
    Bad,
}

impl Tone {
    fn rgb(self) -> rgb::Color {
        match self {
            Self::Plain => rgb::Color::new(20, 24, 31),
            Self::Faint => rgb::Color::new(92, 100, 112),
            Self::Good => rgb::Color::new(11, 110, 60),
            Self::Warn => rgb::Color::new(146, 84, 0),
            Self::Bad => rgb::Color::new(176, 18, 30),
        }
    }
}

/// Something at its place. Unit: mm, type in points.
enum Mark {
    Text { x: f32, baseline: f32, size: f32, tone: Tone, text: String },
    Bar { x: f32, y: f32, width: f32, height: f32, tone: Tone, faint: bool },
}

/// The pages as they grow.
pub struct Sheets {
    fonts: Fonts,
    pages: Vec<Vec<Mark>>,
    most: usize,
    full: bool,
    y: f32,
    right: f32,
}

impl Sheets {
    pub fn new(most: usize) -> Self {
        let fonts = Fonts::embedded();
        Self { fonts, pages: vec![Vec::new()], most, full: false, y: MARGIN, right: MARGIN }
    }

    /// The margin on the right from here on. Unit: mm.
    pub fn right(&mut self, margin: f64) {
        self.right = margin as f32;
    }

    pub fn gap(&mut self, mm: f32) {
        self.y += mm;
    }

    /// Goes on no higher than this on the page. Unit: mm.
    pub fn down_to(&mut self, mm: f64) {
        if self.pages.len() == 1 {
            self.y = self.y.max(mm as f32);
        }
    }

    /// A text over the whole width.
    pub fn line(&mut self, size: f32, tone: Tone, text: &str) {
        self.block(MARGIN, size, tone, text);
    }

    pub fn heading(&mut self, zh: &str, en: &str) {
        self.gap(5.0);
        // A heading alone at the foot of a page helps nobody.
        self.room(30.0);
        self.line(13.0, Tone::Plain, &format!("{zh}  {en}"));
        let (y, width) = (self.y, WIDTH - MARGIN - self.right);
        self.mark(Mark::Bar { x: MARGIN, y, width, height: 0.35, tone: Tone::Faint, faint: false });
        self.gap(2.5);
    }

    /// A text on a ground of its colour.
    pub fn banner(&mut self, tone: Tone, text: &str) {
        self.room(9.0);
        let (y, width) = (self.y, WIDTH - MARGIN - self.right);
        self.mark(Mark::Bar { x: MARGIN, y, width, height: 9.0, tone, faint: true });
        self.mark(Mark::Bar { x: MARGIN, y, width: 1.2, height: 9.0, tone, faint: false });
        let text = self.shown(text);
        self.mark(Mark::Text { x: MARGIN + 4.0, baseline: y + 6.1, size: 12.5, tone, text });
        self.y += 9.0;
    }

    /// What something is called, and what it is.
    pub fn field(&mut self, zh: &str, en: &str, value: &str) {
        self.room(10.0);
        let (y, page) = (self.y, self.pages.len());
        self.block(MARGIN, 9.5, Tone::Faint, &format!("{zh} {en}"));
        let below = self.y;
        if self.pages.len() == page {
            self.y = y;
        }
        self.block(VALUES + MARGIN, 9.5, Tone::Plain, value);
        self.y = if self.pages.len() == page { self.y.max(below) } else { self.y } + 0.6;
    }

    /// One check: outcome, title and code in one line, sentences below.
    pub fn finding(&mut self, outcome: (Tone, &str), title: &str, code: &str, sentences: &[&str]) {
        self.room(18.0);
        let y = self.y;
        self.mark(Mark::Bar { x: MARGIN, y: y + 0.8, width: 0.8, height: 3.6, tone: outcome.0, faint: false });
        let page = self.pages.len();
        self.block(MARGIN + 3.0, 9.5, outcome.0, outcome.1);
        if self.pages.len() == page {
            self.y = y;
        }
        self.block(VALUES + MARGIN, 9.5, Tone::Plain, &format!("{title}   [{code}]"));
        for sentence in sentences {
            self.block(VALUES + MARGIN, 9.0, Tone::Faint, sentence);
        }
        self.gap(1.6);
    }

    /// Lines of text from `x` to the right margin.
    fn block(&mut self, x: f32, size: f32, tone: Tone, text: &str) {
        let text = self.shown(text);
        for line in self.wrap(&text, size, WIDTH - x - self.right) {
            let height = size * LEADING / POINTS;
            self.room(height);
            let baseline = self.y + height * 0.74;
            self.mark(Mark::Text { x, baseline, size, tone, text: line });
            self.y += height;
        }
    }

    /// Begins a page if there is less room than this on the present one. Unit: mm.
    fn room(&mut self, height: f32) {
        if self.y + height > HEIGHT - MARGIN - 4.0 {
            if self.pages.len() == self.most {
                self.full = true;
            } else {
                self.pages.push(Vec::new());
            }
            self.y = MARGIN;
            self.right = MARGIN;
        }
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut().filter(|_| !self.full) {
            page.push(mark);
        }
    }

    /// A text with nothing in it that the font lacks: such characters as their code points.
    fn shown(&self, text: &str) -> String {
        let mut shown = String::new();
        for (nth, c) in text.chars().enumerate() {
            if nth == LONGEST {
                shown.push('…');
                break;
            }
            match c {
                '\n' | '\r' | '\t' => shown.push(' '),
                c if !c.is_control() && self.fonts.advance(c).is_some() => shown.push(c),
                c => shown.push_str(&format!("[U+{:04X}]", u32::from(c))),
            }
        }
        shown
    }

    /// Cuts a text into lines of this width: after spaces and marks, and beside Chinese characters; a word that is
    /// longer than a line anywhere.
    fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut line, mut wide) = (String::new(), 0.0_f32);
        // Octets of the line up to where it may be cut.
        let mut cut = 0;
        for c in text.chars() {
            let advance = self.fonts.advance(c).unwrap_or(1.0) * size / POINTS;
            if wide + advance > width && !line.is_empty() && c != ' ' {
                let rest = if cut > 0 { line.split_off(cut) } else { String::new() };
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                wide = rest.chars().map(|c| self.fonts.advance(c).unwrap_or(1.0)).sum::<f32>() * size / POINTS;
                line = rest;
                cut = 0;
            }
            let chinese = c >= '\u{2e80}' && !"，。；：！？）》」』、”’…".contains(c);
            if chinese && !line.is_empty() && !line.ends_with(['（', '《', '「', '『', '“', '‘']) {
                cut = line.len();
            }
            line.push(c);
            wide += advance;
            if matches!(c, ' ' | '-' | ',' | ';' | '/' | '，' | '。' | '；' | '、') {
                cut = line.len();
            }
        }
        if !line.trim().is_empty() || lines.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    /// Puts the pages into the document, each with its number.
    pub fn draw(mut self, document: &mut Document) -> Result<(), Refused> {
        let unfit = || Refused::Malformed("the report cannot be written: font or page".to_owned());
        let font = Font::new(EMBEDDED.into(), 0).ok_or_else(unfit)?;
        let all = self.pages.len();
        let full = self.full;
        for (nth, marks) in std::mem::take(&mut self.pages).into_iter().enumerate() {
            let settings = PageSettings::from_wh(WIDTH * POINTS, HEIGHT * POINTS).ok_or_else(unfit)?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let cut = if full && nth + 1 == all { "后续内容从略 the rest is left out   " } else { "" };
            let foot = format!("{cut}第 {} 页，共 {all} 页   Page {} of {all}", nth + 1, nth + 1);
            let foot = Mark::Text { x: MARGIN, baseline: HEIGHT - 11.0, size: 8.0, tone: Tone::Faint, text: foot };
            marks.iter().chain([&foot]).for_each(|mark| mark.draw(&mut surface, &font));
            surface.finish();
            page.finish();
        }
        Ok(())
    }
}

impl Mark {
    fn draw(&self, surface: &mut Surface<'_>, font: &Font) {
        match self {
            Self::Text { x, baseline, size, tone, text } => {
                surface.set_fill(Some(Fill { paint: tone.rgb().into(), ..Fill::default() }));
                let at = Point::from_xy(x * POINTS, baseline * POINTS);
                surface.draw_text(at, font.clone(), *size, text, false, TextDirection::LeftToRight);
            }
            Self::Bar { x, y, width, height, tone, faint } => {
                let opacity = if *faint { 0.1 } else { 1.0 };
                let opacity = NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE);
                surface.set_fill(Some(Fill { paint: tone.rgb().into(), opacity, ..Fill::default() }));
                let rect = Rect::from_xywh(x * POINTS, y * POINTS, width * POINTS, height * POINTS);
                let mut path = PathBuilder::new();
                if let Some(rect) = rect {
                    path.push_rect(rect);
                }
                if let Some(path) = path.finish() {
                    surface.draw_path(&path);
                }
            }
        }
    }
}
