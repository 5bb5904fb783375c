//! Text in columns, read from the right, as in square seals.

use crate::core::font::Fonts;
use crate::core::job::Refused;

use super::arc::{glyphs, set};
use super::output::Piece;

/// Fills a rectangle around the middle with columns of text. Each column is filled to its full height, so the first,
/// which has fewer characters when they do not come out even, has higher ones: as in seals of names with three
/// characters.
pub fn columns(text: &str, room: (f32, f32), columns: usize, fonts: &Fonts) -> Result<Vec<Piece>, Refused> {
    let glyphs = glyphs(&text.replace(' ', ""), fonts)?;
    let columns = columns.clamp(1, glyphs.len().max(1));
    let (fewest, more) = (glyphs.len() / columns, glyphs.len() % columns);
    let width = room.0 / columns as f32;
    let mut rest = glyphs.iter();
    let mut pieces = Vec::new();
    for column in 0..columns {
        // The last ones take what does not come out even.
        let rows = fewest + usize::from(column + more >= columns);
        let height = room.1 / rows.max(1) as f32;
        let x = room.0 / 2.0 - width * (column as f32 + 0.5);
        for (row, glyph) in rest.by_ref().take(rows).enumerate() {
            let y = -room.1 / 2.0 + height * (row as f32 + 0.5);
            // A Latin letter is as wide as it is; a Chinese character fills its place.
            let em = width.min(height * 1.6);
            let high = height.min(width * 2.1);
            pieces.extend(set(glyph, (em * 1.02, high * 1.02), 0.38, 0.0, (x, y)));
        }
    }
    Ok(pieces)
}

/// How many columns make the places of `characters` in this room nearest to square, rather high than wide.
pub fn best_columns(characters: usize, room: (f32, f32)) -> usize {
    let shape = |columns: usize| {
        let rows = characters.div_ceil(columns) as f32;
        let high_to_wide = (room.1 / rows) / (room.0 / columns as f32);
        (high_to_wide / 1.15).ln().abs()
    };
    (1..=characters.max(1)).min_by(|a, b| shape(*a).total_cmp(&shape(*b))).unwrap_or(1)
}
