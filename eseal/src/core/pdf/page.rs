//! The pages, and the way from millimetres on a page as it is shown to PDF's points.

use std::collections::HashSet;

use super::file::{Revision, bad};
use super::object::{Dict, Object, Ref};
use crate::core::job::Refused;
use crate::core::place::{PageSize, Rect};

/// Points in a millimetre.
const POINTS: f64 = 72.0 / 25.4;
/// What a page inherits from the nodes above it (7.7.3.4).
const INHERITED: [&str; 4] = ["Resources", "MediaBox", "CropBox", "Rotate"];

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its name.
    pub name: Ref,
    /// Its own dictionary.
    pub dict: Dict,
    /// What it inherits and has not itself.
    pub inherited: Dict,
    /// What is shown: left, lower, right, upper. Unit: points of the page.
    shown: [f64; 4],
    /// Clockwise: 0, 90, 180 or 270.
    rotate: i64,
    /// Size of a unit. Unit: 1/72 inch.
    unit: f64,
}

impl Page {
    /// The page as it is shown.
    pub fn size(&self) -> PageSize {
        let [left, lower, right, upper] = self.shown;
        let scale = self.unit / POINTS;
        let (width, height) = ((right - left) * scale, (upper - lower) * scale);
        if self.rotate % 180 == 0 { PageSize { width, height } } else { PageSize { width: height, height: width } }
    }

    /// A rectangle on the page as it is shown becomes left, lower, right, upper in points.
    pub fn to_points(&self, rect: Rect) -> [f64; 4] {
        let k = POINTS / self.unit;
        let (x0, y0) = (rect.x * k, rect.y * k);
        let (x1, y1) = ((rect.x + rect.width) * k, (rect.y + rect.height) * k);
        let [left, lower, right, upper] = self.shown;
        match self.rotate {
            90 => [left + y0, lower + x0, left + y1, lower + x1],
            180 => [right - x1, lower + y0, right - x0, lower + y1],
            270 => [right - y1, upper - x1, right - y0, upper - x0],
            _ => [left + x0, upper - y1, left + x1, upper - y0],
        }
    }

    /// The way back.
    pub fn to_mm(&self, points: [f64; 4]) -> Rect {
        let [a, b, c, d] = points;
        let [left, lower, right, upper] = self.shown;
        let (x0, y0, x1, y1) = match self.rotate {
            90 => (b - lower, a - left, d - lower, c - left),
            180 => (right - c, b - lower, right - a, d - lower),
            270 => (upper - d, right - c, upper - b, right - a),
            _ => (a - left, upper - d, c - left, upper - b),
        };
        let k = self.unit / POINTS;
        Rect { x: x0 * k, y: y0 * k, width: (x1 - x0) * k, height: (y1 - y0) * k }
    }

    /// What turns a picture so that it stands upright on the page as it is shown.
    pub fn upright(&self) -> &'static str {
        match self.rotate {
            90 => "0 1 -1 0 0 0",
            180 => "-1 0 0 -1 0 0",
            270 => "0 -1 1 0 0 0",
            _ => "1 0 0 1 0 0",
        }
    }

    /// Millimetres in points of this page.
    pub fn points(&self, mm: f64) -> f64 {
        mm * POINTS / self.unit
    }
}

/// Four numbers as left, lower, right, upper.
pub fn rectangle(revision: &Revision<'_, '_>, value: &Object) -> Result<Option<[f64; 4]>, Refused> {
    let Object::Array(items) = revision.follow(value)? else { return Ok(None) };
    let mut numbers = [0.0; 4];
    if items.len() != 4 {
        return Ok(None);
    }
    for (to, item) in numbers.iter_mut().zip(&items) {
        match revision.follow(item)?.as_number() {
            Some(number) => *to = number,
            None => return Ok(None),
        }
    }
    let [a, b, c, d] = numbers;
    Ok(Some([a.min(c), b.min(d), a.max(c), b.max(d)]))
}

/// Names of the nodes of the page tree, and its pages.
pub struct Tree {
    /// Nodes that are no pages.
    pub nodes: Vec<Ref>,
    /// The pages in their order.
    pub pages: Vec<Page>,
}

/// Walks the page tree.
pub fn tree(revision: &Revision<'_, '_>) -> Result<Tree, Refused> {
    let (_, catalog) = revision.catalog()?;
    let root = catalog.get("Pages").and_then(Object::as_ref).ok_or_else(|| bad("its catalog names no pages"))?;
    let limits = revision.file.limits;
    let mut tree = Tree { nodes: Vec::new(), pages: Vec::new() };
    let mut seen = HashSet::new();
    let mut open = vec![(root, Dict::default(), 0_usize)];
    while let Some((name, mut inherited, depth)) = open.pop() {
        if !seen.insert(name) {
            return Err(bad("its page tree runs in a circle"));
        }
        if depth > limits.depth || seen.len() > limits.pages.saturating_mul(2) {
            return Err(Refused::TooLarge("pages".to_owned()));
        }
        let Object::Dict(dict) = revision.get(name)? else { return Err(bad("a page is missing")) };
        let Some(kids) = dict.get("Kids").filter(|_| !dict.is("Type", "Page")) else {
            if tree.pages.len() >= limits.pages {
                return Err(Refused::TooLarge("pages".to_owned()));
            }
            tree.pages.push(page(revision, name, dict, inherited)?);
            continue;
        };
        for key in INHERITED {
            if let Some(value) = dict.get(key) {
                inherited.set(key, value.clone());
            }
        }
        let Object::Array(kids) = revision.follow(kids)? else { return Err(bad("its page tree does not read")) };
        if open.len().saturating_add(kids.len()) > limits.pages.saturating_mul(2) {
            return Err(Refused::TooLarge("pages".to_owned()));
        }
        for kid in kids.iter().rev() {
            let kid = kid.as_ref().ok_or_else(|| bad("its page tree does not read"))?;
            open.push((kid, inherited.clone(), depth + 1));
        }
        tree.nodes.push(name);
    }
    Ok(tree)
}

fn page(revision: &Revision<'_, '_>, name: Ref, dict: Dict, mut inherited: Dict) -> Result<Page, Refused> {
    inherited.0.retain(|(key, _)| !dict.0.iter().any(|(own, _)| own == key));
    let value = |key: &str| dict.get(key).or_else(|| inherited.get(key));
    let letter = [0.0, 0.0, 612.0, 792.0];
    let boxed = |key: &str| value(key).map_or(Ok(None), |value| rectangle(revision, value));
    let media = boxed("MediaBox")?.unwrap_or(letter);
    let crop = boxed("CropBox")?.unwrap_or(media);
    // What lies outside the medium is not shown (14.11.2.1).
    let cut = [crop[0].max(media[0]), crop[1].max(media[1]), crop[2].min(media[2]), crop[3].min(media[3])];
    let shown = if cut[0] < cut[2] && cut[1] < cut[3] { cut } else { media };
    if shown[2] - shown[0] < 1.0 || shown[3] - shown[1] < 1.0 || shown.iter().any(|side| side.abs() > 1e7) {
        return Err(bad("a page has no size"));
    }
    let rotate = match value("Rotate") {
        Some(value) => revision.follow(value)?.as_number().unwrap_or(0.0),
        None => 0.0,
    };
    #[allow(clippy::cast_possible_truncation)]
    let rotate = if rotate % 90.0 == 0.0 { (rotate % 360.0) as i64 } else { 0 };
    let unit = match dict.get("UserUnit") {
        Some(value) => {
            revision.follow(value)?.as_number().filter(|unit| (0.001..=75_000.0).contains(unit)).unwrap_or(1.0)
        }
        None => 1.0,
    };
    Ok(Page { name, inherited, shown, rotate: rotate.rem_euclid(360), unit, dict })
}
