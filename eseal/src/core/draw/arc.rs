//! Text along an ellipse.

use tiny_skia::{FillRule, Transform};

use crate::core::font::{Fonts, Glyph};
use crate::core::job::Refused;

use super::output::Piece;

/// Middle of a CJK character above the baseline. Unit: em.
const MIDDLE: f32 = 0.38;
/// Middle of a digit above the baseline. Unit: em.
pub const MIDDLE_OF_DIGIT: f32 = 0.365;
/// Height of a digit. Unit: em.
pub const DIGIT: f32 = 0.73;
/// How far an ellipse is walked in one step. Unit: parts of a full turn.
const STEPS: usize = 2_880;

/// Half axes of an ellipse around the middle of the seal. Unit: mm.
#[derive(Clone, Copy)]
pub struct Ellipse {
    pub a: f32,
    pub b: f32,
}

impl Ellipse {
    /// This one, drawn in.
    pub fn inside(self, by: f32) -> Self {
        Self { a: self.a - by, b: self.b - by }
    }

    /// Lengths from the top to each step of the right half; the last one is half the way round.
    fn lengths(self) -> Vec<f32> {
        let at = |step: usize| {
            let t = std::f32::consts::PI * step as f32 / STEPS as f32;
            (self.a * t.sin(), -self.b * t.cos())
        };
        let mut sum = 0.0;
        let mut lengths = vec![0.0];
        for step in 1..=STEPS {
            let ((x0, y0), (x1, y1)) = (at(step - 1), at(step));
            sum += (x1 - x0).hypot(y1 - y0);
            lengths.push(sum);
        }
        lengths
    }

    /// Radius of curvature at the angle `t` from the top.
    fn bend(self, t: f32) -> f32 {
        let (a, b) = (self.a * t.cos(), self.b * t.sin());
        (a * a + b * b).powf(1.5) / (self.a * self.b)
    }
}

/// Where on an ellipse: by length from the top (negative: to the left).
struct Walk {
    on: Ellipse,
    lengths: Vec<f32>,
}

impl Walk {
    fn new(on: Ellipse) -> Self {
        Self { on, lengths: on.lengths() }
    }

    fn half(&self) -> f32 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// The angle from the top at a length from the top.
    fn angle(&self, length: f32) -> f32 {
        let after = self.lengths.partition_point(|l| *l < length.abs()).clamp(1, STEPS);
        let (low, high) =
            (self.lengths.get(after - 1).copied().unwrap_or(0.0), self.lengths.get(after).copied().unwrap_or(1.0));
        let part = ((length.abs() - low) / (high - low).max(1e-6)).clamp(0.0, 1.0);
        (std::f32::consts::PI * (after as f32 - 1.0 + part) / STEPS as f32).copysign(length)
    }
}

/// The name along the upper arc, feet towards the middle.
pub struct Name {
    /// What the characters touch with their heads.
    pub outer: Ellipse,
    /// Height of the characters if there is room, and the least. Unit: mm.
    pub heights: (f32, f32),
    /// Most of the way round that they may take, as part of it.
    pub most: f32,
    /// Distance from one character to the next if there is room, as part of the way round.
    pub pitch: f32,
    /// Widest and narrowest characters, as part of their height.
    pub widths: (f32, f32),
}

impl Name {
    /// Lays the text out: few characters stand apart and wide, many close and narrow; when they would become too
    /// narrow, all become smaller.
    pub fn lay(&self, text: &str, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
        let glyphs = glyphs(text, fonts)?;
        let ems: f32 = glyphs.iter().map(|g| g.advance).sum();
        // Letters are read as words and not spread out.
        let letters = glyphs.iter().filter(|g| g.advance < 0.9).count() * 2 > glyphs.len();
        let mut height = self.heights.0;
        loop {
            let walk = Walk::new(self.outer.inside(height / 2.0));
            let round = 2.0 * walk.half();
            let customary = if letters { height * self.widths.0 * 1.05 } else { round * self.pitch };
            let pitch = customary.min(round * self.most / ems.max(1.0));
            // At the feet there is less room than in the middle.
            let end = walk.angle(pitch * ems / 2.0);
            let bend = walk.on.bend(end).min(walk.on.bend(end.min(std::f32::consts::FRAC_PI_2)));
            let feet = pitch * (1.0 - 0.44 * height / bend).max(0.3);
            let width = feet.min(height * self.widths.0);
            if width >= height * self.widths.1 || height <= self.heights.1 {
                let mut at = -pitch * ems / 2.0;
                let mut pieces = Vec::new();
                for glyph in &glyphs {
                    let t = walk.angle(at + pitch * glyph.advance / 2.0);
                    at += pitch * glyph.advance;
                    let (x, y) = (walk.on.a * t.sin(), -walk.on.b * t.cos());
                    let turn = (t.sin() / walk.on.a).atan2(t.cos() / walk.on.b).to_degrees();
                    pieces.extend(set(glyph, (width, height), MIDDLE, turn, (x, y)));
                }
                return Ok(pieces);
            }
            height -= 0.05;
        }
    }
}

/// A number along the lower arc, heads towards the middle, read from the left. `outer` is what its feet touch.
pub fn number_below(text: &str, outer: Ellipse, height: f32, most: f32, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    let glyphs = glyphs(text, fonts)?;
    let ems: f32 = glyphs.iter().map(|g| g.advance).sum();
    let em = height / DIGIT;
    let walk = Walk::new(outer.inside(height / 2.0));
    let pitch = (em * 1.75).min(2.0 * walk.half() * most / ems.max(1.0));
    let width = (em * 1.1).min(pitch * 0.98);
    let mut at = -pitch * ems / 2.0;
    let mut pieces = Vec::new();
    for glyph in &glyphs {
        let t = walk.angle(at + pitch * glyph.advance / 2.0);
        at += pitch * glyph.advance;
        let (x, y) = (walk.on.a * t.sin(), walk.on.b * t.cos());
        let turn = -(t.sin() / walk.on.a).atan2(t.cos() / walk.on.b).to_degrees();
        pieces.extend(set(glyph, (width, em), MIDDLE_OF_DIGIT, turn, (x, y)));
    }
    Ok(pieces)
}

/// A row of text around a point, `height` high and at most `room` wide; digits and letters by the height of digits.
pub fn row(
    text: &str,
    middle: (f32, f32),
    height: f32,
    room: f32,
    widest: f32,
    fonts: &Fonts,
) -> Result<Vec<Piece>, Refused> {
    let glyphs = glyphs(text, fonts)?;
    let ems: f32 = glyphs.iter().map(|g| g.advance).sum();
    let letters = glyphs.iter().all(|g| g.advance < 0.9);
    let (em, up) = if letters { (height / DIGIT, MIDDLE_OF_DIGIT) } else { (height, MIDDLE) };
    let pitch = (em * widest * 1.06).min(room / ems.max(0.3));
    let mut at = middle.0 - pitch * ems / 2.0;
    let mut pieces = Vec::new();
    for glyph in &glyphs {
        pieces.extend(set(glyph, (pitch / 1.06, em), up, 0.0, (at + pitch * glyph.advance / 2.0, middle.1)));
        at += pitch * glyph.advance;
    }
    Ok(pieces)
}

/// The outlines of a text.
pub fn glyphs(text: &str, fonts: &Fonts) -> Result<Vec<Glyph>, Refused> {
    text.chars().map(|c| fonts.glyph(c)).collect()
}

/// One character: its em made this wide and high, turned (clockwise), its middle at a point.
pub fn set(glyph: &Glyph, em: (f32, f32), middle: f32, turn: f32, at: (f32, f32)) -> Option<Piece> {
    let place = Transform::from_translate(-glyph.advance / 2.0, middle)
        .post_scale(em.0, em.1)
        .post_rotate(turn)
        .post_translate(at.0, at.1);
    let path = glyph.path.clone()?.transform(place)?;
    Some(Piece { path, rule: FillRule::Winding, thicken: 0.012 * (em.0 * em.1).sqrt() })
}
