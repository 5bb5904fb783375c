//! Paths become picture elements, and SVG.

use std::fmt::Write;

use tiny_skia::{BlendMode, FillRule, Paint, Path, PathSegment, Pixmap, Stroke, Transform};

use crate::core::job::Refused;
use crate::core::picture::png;

use super::Colour;

/// A filled outline around the middle of the seal. Unit: mm.
pub struct Piece {
    pub path: Path,
    pub rule: FillRule,
    /// Drawn with a line of this width besides. Unit: mm.
    pub thicken: f32,
}

/// What is inked, and what is cut out of it.
pub struct Artwork {
    pub ink: Vec<Piece>,
    pub cut: Vec<Piece>,
}

impl Artwork {
    /// PNG and SVG.
    pub fn render(
        &self,
        width: u32,
        height: u32,
        colour: Colour,
        dpi: u32,
        title: &str,
    ) -> Result<(Vec<u8>, String), Refused> {
        let scale = dpi as f32 / 25.4;
        let pixels = |mm: u32| (mm as f32 * scale).ceil() as u32;
        let (wide, high) = (pixels(width), pixels(height));
        let mut pixmap = Pixmap::new(wide, high).ok_or_else(|| Refused::TooLarge("picture".to_owned()))?;
        let place = Transform::from_translate(width as f32 / 2.0, height as f32 / 2.0)
            .post_scale(wide as f32 / width as f32, high as f32 / height as f32);
        for (pieces, mode) in [(&self.ink, BlendMode::SourceOver), (&self.cut, BlendMode::DestinationOut)] {
            let paint = Paint { blend_mode: mode, anti_alias: true, ..Paint::default() };
            for piece in pieces {
                pixmap.fill_path(&piece.path, &paint, piece.rule, place, None);
                if piece.thicken > 0.0 {
                    let stroke = Stroke { width: piece.thicken, ..Stroke::default() };
                    pixmap.stroke_path(&piece.path, &paint, &stroke, place, None);
                }
            }
        }
        // One colour throughout: only how much of it differs, in sixteen steps. Nobody sees more, and every document
        // with the seal carries it.
        let step = |alpha: u8| ((u16::from(alpha) * 15 + 127) / 255 * 17) as u8;
        let pixels = pixmap.pixels().iter();
        let rgba: Vec<u8> = pixels.flat_map(|p| [colour.0, colour.1, colour.2, step(p.alpha())]).collect();
        let png = png(&rgba, wide, high, Some(dpi))?;
        Ok((png, self.svg(width, height, colour, title)))
    }

    fn svg(&self, width: u32, height: u32, colour: Colour, title: &str) -> String {
        let (x, y) = (f64::from(width) / -2.0, f64::from(height) / -2.0);
        let ink = String::from(colour);
        let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
             viewBox=\"{x} {y} {width} {height}\"><title>{title}</title>"
        );
        if !self.cut.is_empty() {
            let _ = write!(
                svg,
                "<mask id=\"cut\" maskUnits=\"userSpaceOnUse\" x=\"{x}\" y=\"{y}\" width=\"{width}\" \
                 height=\"{height}\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"
            );
            self.cut.iter().for_each(|piece| piece.svg(&mut svg, "#000"));
            svg.push_str("</mask>");
        }
        svg.push_str(if self.cut.is_empty() { "<g>" } else { "<g mask=\"url(#cut)\">" });
        self.ink.iter().for_each(|piece| piece.svg(&mut svg, &ink));
        svg.push_str("</g></svg>");
        svg
    }
}

impl Piece {
    fn svg(&self, to: &mut String, colour: &str) {
        let _ = write!(to, "<path fill=\"{colour}\"");
        if self.rule == FillRule::EvenOdd {
            to.push_str(" fill-rule=\"evenodd\"");
        }
        if self.thicken > 0.0 {
            let _ = write!(to, " stroke=\"{colour}\" stroke-width=\"{}\"", Short(self.thicken));
        }
        to.push_str(" d=\"");
        for segment in self.path.segments() {
            let (letter, points) = match segment {
                PathSegment::MoveTo(p) => ('M', vec![p]),
                PathSegment::LineTo(p) => ('L', vec![p]),
                PathSegment::QuadTo(c, p) => ('Q', vec![c, p]),
                PathSegment::CubicTo(c, d, p) => ('C', vec![c, d, p]),
                PathSegment::Close => ('Z', Vec::new()),
            };
            to.push(letter);
            for (nth, point) in points.iter().enumerate() {
                let space = if nth == 0 { "" } else { " " };
                let _ = write!(to, "{space}{} {}", Short(point.x), Short(point.y));
            }
        }
        to.push_str("\"/>");
    }
}

/// A length to a micrometre, without needless zeros.
struct Short(f32);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.3}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}
