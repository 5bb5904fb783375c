//! The text of pages, and where on a page a text stands.
//!
//! OFD has no lines or words, only characters with places, in the order in which a program wrote them. A text is
//! sought in that order first and, if it is not there, in the order in which people read: down, then right.

use std::collections::BTreeMap;

use super::super::job::{Limits, Refused};
use super::super::place::Rect;
use super::body::{self, Documents};
use super::path;
use super::xml::Element;

/// Most characters of one page that are looked at.
const MOST_GLYPHS: usize = 200_000;
/// How much of a character stands above its base line, in parts of its size.
const ABOVE: f64 = 0.86;

/// A character and where it stands on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    pub character: char,
    pub place: Rect,
}

/// A transformation of the plane: `x' = a x + c y + e`, `y' = b x + d y + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Matrix(pub [f64; 6]);

impl Matrix {
    pub const SAME: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// Moves.
    pub const fn by(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// The `CTM` of an object.
    pub fn of(object: &Element) -> Self {
        let numbers = object.attribute("CTM").and_then(body::numbers);
        numbers.and_then(|numbers| numbers.try_into().ok()).map_or(Self::SAME, Self)
    }

    /// This one, then `next`.
    pub fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [na, nb, nc, nd, ne, nf]) = (self.0, next.0);
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    pub fn point(self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// The smallest upright rectangle around a rectangle.
    fn around(self, rect: Rect) -> Rect {
        let (right, bottom) = (rect.x + rect.width, rect.y + rect.height);
        let corners = [(rect.x, rect.y), (right, rect.y), (rect.x, bottom), (right, bottom)];
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for (x, y) in corners.map(|(x, y)| self.point(x, y)) {
            (low, high) = ((low.0.min(x), low.1.min(y)), (high.0.max(x), high.1.max(y)));
        }
        Rect { x: low.0, y: low.1, width: high.0 - low.0, height: high.1 - low.1 }
    }
}

/// The distances between characters that `DeltaX` and `DeltaY` say: numbers, or `g n v` for `n` times `v`.
pub(super) fn deltas(text: Option<&str>, most: usize) -> Vec<f64> {
    let mut all = Vec::new();
    let mut words = text.unwrap_or_default().split_ascii_whitespace();
    while let Some(word) = words.next() {
        if all.len() >= most {
            break;
        }
        if word == "g" {
            let times = words.next().and_then(|times| times.parse::<usize>().ok()).unwrap_or(0);
            let value = words.next().and_then(body::number).unwrap_or(0.0);
            all.extend(std::iter::repeat_n(value, times.min(most - all.len())));
        } else {
            all.push(body::number(word).unwrap_or(0.0));
        }
    }
    all
}

/// How wide a character is likely to be, in parts of its size, where no font says so.
pub(super) fn likely_width(character: char) -> f64 {
    if character.is_ascii() || ('\u{a0}'..'\u{2000}').contains(&character) { 0.5 } else { 1.0 }
}

/// A character of a text object: the point on its base line, in the object's own coordinates.
pub(super) struct Placed {
    pub character: char,
    pub x: f64,
    pub y: f64,
    /// To the next one, if the document says so.
    pub advance: Option<f64>,
}

/// The characters of a text object.
pub(super) fn placed(object: &Element, size: f64) -> Vec<Placed> {
    let mut all = Vec::new();
    let (mut x, mut y) = (0.0, 0.0);
    for code in object.children("TextCode") {
        x = code.attribute("X").and_then(body::number).unwrap_or(x);
        y = code.attribute("Y").and_then(body::number).unwrap_or(y);
        let count = code.text.chars().count();
        let across = deltas(code.attribute("DeltaX"), count);
        let down = deltas(code.attribute("DeltaY"), count);
        let said = !across.is_empty() || !down.is_empty();
        for (index, character) in code.text.chars().enumerate() {
            if all.len() >= MOST_GLYPHS {
                return all;
            }
            let right = across.get(index).copied();
            let advance = right.filter(|right| *right > 0.0);
            all.push(Placed { character, x, y, advance });
            x += if said { right.unwrap_or(0.0) } else { likely_width(character) * size };
            y += down.get(index).copied().unwrap_or(0.0);
        }
    }
    all
}

/// Where an object lies on its page: its own coordinates, then the corner of its `Boundary`.
pub(super) fn onto_page(object: &Element) -> Matrix {
    let corner = object.attribute("Boundary").and_then(body::numbers);
    let [x, y, ..] = corner.as_deref().unwrap_or(&[0.0, 0.0])[..] else { return Matrix::of(object) };
    Matrix::of(object).then(Matrix::by(x, y))
}

/// The size of a text. Unit: mm.
pub(super) fn size_of(object: &Element) -> f64 {
    object.attribute("Size").and_then(body::number).filter(|size| *size > 0.0).unwrap_or(3.5)
}

fn collect(element: &Element, outer: Matrix, glyphs: &mut Vec<Glyph>) {
    for object in &element.children {
        match object.name.as_str() {
            "TextObject" => {
                let (size, onto) = (size_of(object), onto_page(object).then(outer));
                for placed in placed(object, size) {
                    if glyphs.len() >= MOST_GLYPHS {
                        return;
                    }
                    let width = placed.advance.unwrap_or_else(|| likely_width(placed.character) * size).min(size);
                    let cell = Rect { x: placed.x, y: placed.y - ABOVE * size, width, height: size };
                    glyphs.push(Glyph { character: placed.character, place: onto.around(cell) });
                }
            }
            "Layer" => collect(object, outer, glyphs),
            "PageBlock" => collect(object, onto_page(object).then(outer), glyphs),
            _ => {}
        }
    }
}

/// Finds texts on pages, and keeps the characters of pages that were asked for before.
pub(super) struct Finder<'a> {
    documents: &'a Documents<'a>,
    limits: &'a Limits,
    pages: BTreeMap<u32, Vec<Glyph>>,
}

impl<'a> Finder<'a> {
    pub fn new(documents: &'a Documents<'a>, limits: &'a Limits) -> Self {
        Self { documents, limits, pages: BTreeMap::new() }
    }

    /// Where the text stands on a page (from 0), in the order in which it is written there.
    ///
    /// # Errors
    /// [`Refused`] if the page does not read.
    pub fn find(&mut self, page: u32, text: &str) -> Result<Vec<Rect>, Refused> {
        if !self.pages.contains_key(&page) {
            let glyphs = self.glyphs(page)?;
            self.pages.insert(page, glyphs);
        }
        Ok(self.pages.get(&page).map(|glyphs| find(glyphs, text)).unwrap_or_default())
    }

    fn glyphs(&self, number: u32) -> Result<Vec<Glyph>, Refused> {
        let mut glyphs = Vec::new();
        for element in contents(self.documents, number, self.limits)? {
            collect(&element, Matrix::SAME, &mut glyphs);
        }
        glyphs.retain(|glyph| !glyph.character.is_whitespace());
        Ok(glyphs)
    }
}

/// The content of a page with that of its templates: those behind it first, those before it last.
pub(super) fn contents(documents: &Documents<'_>, number: u32, limits: &Limits) -> Result<Vec<Element>, Refused> {
    let missing = || Refused::Malformed(format!("there is no page {}", u64::from(number) + 1));
    let index = usize::try_from(number).map_err(|_| missing())?;
    let mut bodies = documents.bodies.iter();
    let in_body = |body: &&super::body::Body| (body.first..body.first + body.pages.len()).contains(&index);
    let body = bodies.find(in_body).ok_or_else(missing)?;
    let page = body.pages.get(index - body.first).ok_or_else(missing)?;
    let read = |file: &str| body::file(&documents.package, file, "Page", limits);
    let element = read(&page.file).map_err(|fault| Refused::Malformed(fault.en))?;
    let common = body.document.child("CommonData");
    let (mut behind, mut before) = (Vec::new(), Vec::new());
    for template in element.children("Template").take(100) {
        let id = template.attribute("TemplateID");
        let of_id = |page: &&Element| page.attribute("ID") == id;
        let found = common.and_then(|common| common.children("TemplatePage").find(of_id));
        let exists = |name: &str| documents.package.find(name).is_some();
        let place = found.and_then(|found| found.attribute("BaseLoc"));
        let file = place.and_then(|place| path::locate(&body.file, place, exists).ok());
        let content = file.and_then(|file| read(&file).ok()).and_then(take_content);
        match template.attribute("ZOrder") {
            Some("Foreground") => before.extend(content),
            _ => behind.extend(content),
        }
    }
    behind.extend(take_content(element));
    behind.extend(before);
    Ok(behind)
}

fn take_content(page: Element) -> Option<Element> {
    page.children.into_iter().find(|child| child.name == "Content")
}

/// Where the text stands among these characters.
fn find(glyphs: &[Glyph], text: &str) -> Vec<Rect> {
    let wanted: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let found = runs(glyphs, &wanted);
    if !found.is_empty() {
        return found;
    }
    let mut sorted = glyphs.to_vec();
    sorted.sort_by(|a, b| a.place.y.total_cmp(&b.place.y).then(a.place.x.total_cmp(&b.place.x)));
    // Characters of one line do not have quite the same height above it.
    let mut lines: Vec<Vec<Glyph>> = Vec::new();
    for glyph in sorted {
        let middle = glyph.place.y + glyph.place.height / 2.0;
        match lines.last_mut() {
            Some(line) if line.first().is_some_and(|first| middle < first.place.y + first.place.height) => {
                line.push(glyph)
            }
            _ => lines.push(vec![glyph]),
        }
    }
    for line in &mut lines {
        line.sort_by(|a, b| a.place.x.total_cmp(&b.place.x));
    }
    runs(&lines.concat(), &wanted)
}

fn runs(glyphs: &[Glyph], wanted: &[char]) -> Vec<Rect> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(run) = glyphs.get(at..at + wanted.len()) {
        let same = run.iter().zip(wanted).all(|(glyph, character)| glyph.character == *character);
        if same && run.windows(2).all(|pair| matches!(pair, [one, next] if are_neighbours(one, next))) {
            found.extend(run.iter().map(|glyph| glyph.place).reduce(union));
            at += wanted.len();
        } else {
            at += 1;
        }
    }
    found
}

/// Whether two characters stand together as in one word: on one line or in one column, not far apart.
fn are_neighbours(one: &Glyph, next: &Glyph) -> bool {
    let size = one.place.height.max(one.place.width).max(next.place.height).max(next.place.width);
    let middle = |rect: &Rect| (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    let ((x1, y1), (x2, y2)) = (middle(&one.place), middle(&next.place));
    let (across, down) = ((x2 - x1).abs(), (y2 - y1).abs());
    (across <= size * 4.0 && down <= size * 0.6) || (down <= size * 4.0 && across <= size * 0.6)
}

fn union(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let (right, bottom) = ((a.x + a.width).max(b.x + b.width), (a.y + a.height).max(b.y + b.height));
    Rect { x, y, width: right - x, height: bottom - y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_read_with_their_repetitions() {
        assert_eq!(deltas(Some("3 3 g 3 1.5 2"), 10), [3.0, 3.0, 1.5, 1.5, 1.5, 2.0]);
        assert_eq!(deltas(Some("g 1000000000000 1"), 4), [1.0; 4]);
        assert_eq!(deltas(Some("g 2"), 4), [0.0; 2]);
        assert_eq!(deltas(None, 4), [0.0; 0]);
    }

    #[test]
    fn transformations_follow_one_another() {
        // Turned by a quarter, then moved: (1, 0) -> (0, 1) -> (10, 21).
        let turned = Matrix([0.0, 1.0, -1.0, 0.0, 0.0, 0.0]).then(Matrix::by(10.0, 20.0));
        assert_eq!(turned.point(1.0, 0.0), (10.0, 21.0));
    }

    fn line(text: &str, x: f64, y: f64) -> Vec<Glyph> {
        let place = |i: usize| Rect { x: x + 5.0 * i as f64, y, width: 5.0, height: 5.0 };
        text.chars().enumerate().map(|(i, character)| Glyph { character, place: place(i) }).collect()
    }

    #[test]
    fn a_text_is_found_in_writing_order_and_in_reading_order() {
        let mut glyphs = line("甲方盖章", 100.0, 200.0);
        assert_eq!(find(&glyphs, "盖 章"), [Rect { x: 110.0, y: 200.0, width: 10.0, height: 5.0 }]);
        assert_eq!(find(&glyphs, "章盖"), []);
        assert_eq!(find(&glyphs, ""), []);
        glyphs.reverse();
        assert_eq!(find(&glyphs, "盖章"), [Rect { x: 110.0, y: 200.0, width: 10.0, height: 5.0 }]);
    }

    #[test]
    fn characters_that_do_not_stand_together_are_no_text() {
        let mut glyphs = line("盖", 20.0, 20.0);
        glyphs.extend(line("章", 120.0, 220.0));
        assert_eq!(find(&glyphs, "盖章"), []);
    }

    #[test]
    fn every_occurrence_is_found() {
        let mut glyphs = line("盖章盖章", 20.0, 20.0);
        glyphs.extend(line("盖章", 20.0, 40.0));
        assert_eq!(find(&glyphs, "盖章").len(), 3);
    }
}
