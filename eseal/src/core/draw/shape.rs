//! The kinds of seals: frames, and where the texts stand in them.

use tiny_skia::{FillRule, Path, PathBuilder, Rect};

use crate::core::font::Fonts;
use crate::core::job::Refused;

use super::arc::{Ellipse, Name, number_below, row};
use super::block::{best_columns, columns};
use super::output::{Artwork, Piece};
use super::{Design, Kind, Style, Words};

/// Everything of a seal, around its middle. Unit: mm.
pub fn artwork(design: &Design, words: &Words, fonts: &Fonts) -> Result<Artwork, Refused> {
    let (width, height) = design.size();
    let half = Ellipse { a: width as f32 / 2.0, b: height as f32 / 2.0 };
    let round = matches!(design.kind, Kind::Round | Kind::Oval);
    let line = match design.kind {
        Kind::Round => half.a * 0.06,
        Kind::Oval => half.b.min(half.a) * 0.0667,
        Kind::Square | Kind::Personal => half.a.min(half.b) * 0.085,
        Kind::Rectangle => half.a.min(half.b) * 0.08,
    };
    let inner = half.inside(line);
    let pieces = match design.kind {
        Kind::Round => circular(design, words, inner, fonts)?,
        Kind::Oval => oval(design, words, inner, fonts)?,
        Kind::Square | Kind::Personal => square(design, words, inner, fonts)?,
        Kind::Rectangle => rectangle(words, inner, fonts)?,
    };
    let ground = outline(half, round)?;
    Ok(match design.style {
        Style::Raised => {
            let mut ring = PathBuilder::new();
            ring.push_path(&ground);
            ring.push_path(&outline(inner, round)?);
            let path = ring.finish().ok_or_else(unfit)?;
            let mut ink = vec![Piece { path, rule: FillRule::EvenOdd, thicken: 0.0 }];
            ink.extend(pieces);
            Artwork { ink, cut: Vec::new() }
        }
        Style::Sunk => Artwork {
            ink: vec![Piece { path: ground, rule: FillRule::Winding, thicken: 0.0 }],
            cut: pieces.into_iter().map(|piece| Piece { thicken: piece.thicken * 1.5, ..piece }).collect(),
        },
    })
}

fn unfit() -> Refused {
    Refused::Malformed("the seal has no room for its texts".to_owned())
}

fn outline(half: Ellipse, round: bool) -> Result<Path, Refused> {
    let rect = Rect::from_xywh(-half.a, -half.b, 2.0 * half.a, 2.0 * half.b).ok_or_else(unfit)?;
    if round { PathBuilder::from_oval(rect).ok_or_else(unfit) } else { Ok(PathBuilder::from_rect(rect)) }
}

/// A star with five points around a point; `radius` to its points, one of them up.
fn star(middle: (f32, f32), radius: f32) -> Option<Piece> {
    // The golden ratio: sides of neighbouring points lie in one line.
    let inner = radius * 0.381_966;
    let mut path = PathBuilder::new();
    for corner in 0..10_u8 {
        let reach = if corner % 2 == 0 { radius } else { inner };
        let angle = std::f32::consts::PI * f32::from(corner) / 5.0;
        let (x, y) = (middle.0 + reach * angle.sin(), middle.1 - reach * angle.cos());
        if corner == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    Some(Piece { path: path.finish()?, rule: FillRule::Winding, thicken: 0.0 })
}

fn circular(design: &Design, words: &Words, inner: Ellipse, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    // Everything in parts of the whole seal, which has 40 mm as a rule.
    let mm = inner.a / 18.8;
    let below = words.code.is_some() || words.line.is_some();
    let name = Name {
        outer: inner.inside(0.55 * mm),
        heights: (6.0 * mm, 3.6 * mm),
        most: if below { 0.72 } else { 0.78 },
        pitch: 0.083,
        widths: (0.82, 0.6),
    };
    let mut pieces = name.lay(&words.name, fonts)?;
    let has_star = design.star.unwrap_or(true);
    if has_star {
        pieces.extend(star((0.0, 0.0), 7.0 * mm));
    }
    if let Some(number) = words.number.as_deref().filter(|_| !has_star) {
        pieces.extend(row(number, (0.0, 0.0), 3.7 * mm, 23.0 * mm, 0.9, fonts)?);
    }
    if let Some(line) = words.line.as_deref().filter(|line| !line.is_empty()) {
        let alone = !has_star && words.number.is_none();
        let (y, height, room) = if alone { (1.0, 5.2, 23.0) } else { (10.2, 4.4, 17.6) };
        pieces.extend(row(line, (0.0, y * mm), height * mm, room * mm, 0.85, fonts)?);
    }
    if let Some(code) = words.code.as_deref().filter(|code| !code.is_empty()) {
        pieces.extend(number_below(code, inner.inside(0.7 * mm), 1.5 * mm, 0.2, fonts)?);
    }
    Ok(pieces)
}

fn oval(design: &Design, words: &Words, inner: Ellipse, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    let (wide, high) = (inner.a / 19.0, inner.b / 14.0);
    let mm = wide.min(high);
    let name = Name {
        outer: inner.inside(0.5 * mm),
        heights: (4.2 * mm, 2.8 * mm),
        most: 0.66,
        pitch: 0.075,
        widths: (0.82, 0.5),
    };
    let mut pieces = name.lay(&words.name, fonts)?;
    let number = words.number.as_deref().filter(|number| !number.is_empty());
    if let Some(number) = number {
        pieces.extend(row(number, (0.0, 0.0), 3.7 * high, 26.0 * wide, 0.9, fonts)?);
    } else if design.star.unwrap_or(false) {
        pieces.extend(star((0.0, -0.6 * high), 4.2 * mm));
    }
    let alone = number.is_none() && !design.star.unwrap_or(false);
    if let Some(line) = words.line.as_deref().filter(|line| !line.is_empty()) {
        let (y, height, room) = if alone { (1.2, 5.0, 24.0) } else { (7.4, 4.6, 18.0) };
        pieces.extend(row(line, (0.0, y * high), height * high, room * wide, 0.7, fonts)?);
    }
    if let Some(code) = words.code.as_deref().filter(|code| !code.is_empty()) {
        pieces.extend(number_below(code, inner.inside(0.6 * mm), 1.3 * mm, 0.22, fonts)?);
    }
    Ok(pieces)
}

fn square(design: &Design, words: &Words, inner: Ellipse, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    let code = words.code.as_deref().filter(|code| !code.is_empty());
    let margin = inner.a.min(inner.b) * 0.07;
    let digits = if code.is_some() { inner.b * 0.11 } else { 0.0 };
    let room = (2.0 * (inner.a - margin), 2.0 * (inner.b - margin) - digits * 1.3);
    let mut text = words.name.clone();
    let characters = text.chars().filter(|c| *c != ' ').count();
    let square = (inner.a / inner.b - 1.0).abs() < 0.2;
    let personal = design.kind == Kind::Personal;
    match words.line.as_deref() {
        Some(line) => text.push_str(line),
        None if personal && square && characters == 2 => text.push_str("之印"),
        None if personal && square && characters == 3 => text.push('印'),
        None => {}
    }
    let characters = text.chars().filter(|c| *c != ' ').count();
    // A name in one row is read from the left, as people write today.
    let mut pieces = if personal && inner.a > inner.b * 1.3 {
        row(&text, (0.0, 0.0), room.1 * 0.92, room.0, 1.1, fonts)?
    } else {
        let count = match characters {
            _ if personal && inner.b > inner.a * 1.3 => 1,
            1 => 1,
            2..=4 => 2,
            _ => best_columns(characters, room),
        };
        columns(&text, room, count, fonts)?
    };
    let shift = -digits * 0.65;
    if let Some(code) = code {
        for piece in &mut pieces {
            let moved = piece.path.clone().transform(tiny_skia::Transform::from_translate(0.0, shift));
            piece.path = moved.ok_or_else(unfit)?;
        }
        let y = inner.b - margin * 0.8 - digits / 2.0;
        pieces.extend(row(code, (0.0, y), digits, room.0, 1.0, fonts)?);
    }
    Ok(pieces)
}

fn rectangle(words: &Words, inner: Ellipse, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    let rows: Vec<(&str, f32)> = [
        (Some(&words.name), 1.0),
        (words.number.as_ref(), 0.6),
        (words.line.as_ref(), 0.9),
        (words.code.as_ref(), 0.45),
    ]
    .into_iter()
    .filter_map(|(text, share)| Some((text?.as_str(), share)))
    .filter(|(text, _)| !text.is_empty())
    .collect();
    let margin = inner.b * 0.12;
    let room = (2.0 * (inner.a - margin), 2.0 * (inner.b - margin));
    let shares: f32 = rows.iter().map(|(_, share)| share).sum();
    let mut top = -room.1 / 2.0;
    let mut pieces = Vec::new();
    for (text, share) in rows {
        let height = room.1 * share / shares.max(1.0);
        pieces.extend(row(text, (0.0, top + height / 2.0), height * 0.86, room.0, 0.95, fonts)?);
        top += height;
    }
    Ok(pieces)
}
