//! A picture of a page, so that people see where a seal goes or went. Paths, text and pictures as most documents
//! use them; shadings appear in their first colour, and JBIG2 pictures not at all.

mod image;
mod path;
mod resources;
mod stamp;

use tiny_skia::{Color, FillRule, Paint, Path, Pixmap, Stroke, Transform};

use super::super::font::Fonts;
use super::super::job::{Limits, Refused};
use super::body::{self, Body, Documents};
use super::text::{self, Matrix};
use super::xml::Element;
use resources::{Ink, Resources};

/// Longest side of a picture. Unit: pixels.
const LONGEST: u32 = 8_192;
/// Most objects that are drawn.
const MOST_OBJECTS: usize = 200_000;
/// How deep composed objects may lie in one another.
const DEEPEST: usize = 8;

/// A page in the making.
struct Canvas<'a> {
    pixels: Pixmap,
    documents: &'a Documents<'a>,
    resources: Resources,
    fonts: &'a Fonts,
    objects: usize,
}

/// Draws a page (from 0), this many pixels wide, as PNG.
pub(super) fn preview(bytes: &[u8], page: u32, width: u32, fonts: &Fonts, limits: &Limits) -> Result<Vec<u8>, Refused> {
    let documents = Documents::open(bytes, limits)?;
    let missing = || Refused::Malformed(format!("there is no page {}", u64::from(page) + 1));
    let index = usize::try_from(page).map_err(|_| missing())?;
    let size = documents.pages().nth(index).ok_or_else(missing)?.size;
    let in_body = |body: &&Body| (body.first..body.first + body.pages.len()).contains(&index);
    let body = documents.bodies.iter().find(in_body).ok_or_else(missing)?;
    let large = || Refused::TooLarge("picture".to_owned());
    let scale = f64::from(width) / size.width;
    let height = (size.height * scale).round().max(1.0);
    if width == 0 || width > LONGEST || height > f64::from(LONGEST) {
        return Err(large());
    }
    // Within 1 to 8,192.
    let mut pixels = Pixmap::new(width, height as u32).ok_or_else(large)?;
    pixels.fill(Color::WHITE);
    let resources = Resources::read(&documents, body, limits);
    let mut canvas = Canvas { pixels, documents: &documents, resources, fonts, objects: 0 };
    let onto = Matrix([scale, 0.0, 0.0, scale, 0.0, 0.0]);
    for content in text::contents(&documents, page, limits)? {
        canvas.draw(&content, onto, None, 0);
    }
    canvas.annotations(body, index - body.first, onto, limits);
    stamp::draw(&mut canvas, body, index, onto, limits);
    canvas.pixels.encode_png().map_err(|_| large())
}

impl Canvas<'_> {
    /// Draws what is in an element: layers, blocks, objects.
    fn draw(&mut self, element: &Element, outer: Matrix, parameters: Option<&str>, depth: usize) {
        for object in &element.children {
            self.objects += 1;
            if self.objects > MOST_OBJECTS || depth > DEEPEST {
                return;
            }
            let own = object.attribute("DrawParam").or(parameters);
            if matches!(object.attribute("Visible"), Some("false" | "0")) {
                continue;
            }
            let onto = || text::onto_page(object).then(outer);
            match object.name.as_str() {
                "Layer" => self.draw(object, outer, own, depth),
                "PageBlock" => self.draw(object, onto(), own, depth + 1),
                "CompositeObject" => {
                    let unit = object.attribute("ResourceID").and_then(|id| self.resources.unit(id));
                    if let Some(content) = unit {
                        self.draw(&content, onto(), own, depth + 1);
                    }
                }
                "PathObject" => self.path(object, onto(), own),
                "TextObject" => self.text(object, onto(), own),
                "ImageObject" => {
                    let file = object.attribute("ResourceID").and_then(|id| self.resources.media(id));
                    let octets = file.and_then(|file| self.documents.package.read(&file)).and_then(Result::ok);
                    let alpha = object.attribute("Alpha").and_then(body::number).map_or(1.0, |alpha| alpha / 255.0);
                    if let Some(octets) = octets {
                        image::draw(&mut self.pixels, &octets, onto(), alpha, None);
                    }
                }
                _ => {}
            }
        }
    }

    fn path(&mut self, object: &Element, onto: Matrix, parameters: Option<&str>) {
        let Some(path) = object.child("AbbreviatedData").and_then(|data| path::read(&data.text)) else { return };
        let flag = |name: &str, usual| object.attribute(name).map_or(usual, |said| matches!(said, "true" | "1"));
        if flag("Fill", false) {
            let rule = match object.attribute("Rule") {
                Some("Even-Odd") => FillRule::EvenOdd,
                _ => FillRule::Winding,
            };
            let ink = self.resources.ink(object, "FillColor", parameters);
            // Without a colour a filling is not seen (GB/T 33190-2016 9.1).
            if let Some(ink) = ink {
                self.pixels.fill_path(&path, &paint(ink), rule, transform(onto), None);
            }
        }
        if flag("Stroke", true) {
            let ink = self.resources.ink(object, "StrokeColor", parameters).unwrap_or(Ink::BLACK);
            self.stroke(&path, object, ink, onto, parameters);
        }
    }

    fn stroke(&mut self, path: &Path, object: &Element, ink: Ink, onto: Matrix, parameters: Option<&str>) {
        let width = self.resources.line_width(object, parameters);
        // What is thinner than a pixel is drawn a pixel wide, in a paler colour.
        let stroke = Stroke { width: width as f32, ..Stroke::default() };
        self.pixels.stroke_path(path, &paint(ink), &stroke, transform(onto), None);
    }

    fn text(&mut self, object: &Element, onto: Matrix, parameters: Option<&str>) {
        let size = text::size_of(object);
        let own = object.attribute("Font").and_then(|id| self.resources.font(id, self.documents));
        let ink = self.resources.ink(object, "FillColor", parameters).unwrap_or(Ink::BLACK);
        let flag = |name: &str, usual| object.attribute(name).map_or(usual, |said| matches!(said, "true" | "1"));
        let (fill, stroke) = (flag("Fill", true), flag("Stroke", false));
        let stretch = object.attribute("HScale").and_then(body::number).filter(|by| *by > 0.0).unwrap_or(1.0);
        let numbers = numbered(object);
        for (position, placed) in text::placed(object, size).into_iter().enumerate() {
            self.objects += 1;
            if self.objects > MOST_OBJECTS {
                return;
            }
            let number = numbers.get(&position).copied();
            let by_number = || own.as_ref()?.glyph_numbered(number?);
            let by_character = || own.as_ref().and_then(|own| own.glyph(placed.character).ok());
            let glyph = by_number().or_else(by_character).or_else(|| self.fonts.glyph(placed.character).ok());
            let Some(path) = glyph.and_then(|glyph| glyph.path) else { continue };
            let onto = Matrix([size * stretch, 0.0, 0.0, size, placed.x, placed.y]).then(onto);
            if fill {
                self.pixels.fill_path(&path, &paint(ink), FillRule::Winding, transform(onto), None);
            }
            if stroke {
                let ink = self.resources.ink(object, "StrokeColor", parameters).unwrap_or(Ink::BLACK);
                let stroke = Stroke { width: 0.02, ..Stroke::default() };
                self.pixels.stroke_path(&path, &paint(ink), &stroke, transform(onto), None);
            }
        }
    }

    /// What annotations show on a page of the body.
    fn annotations(&mut self, body: &Body, page: usize, onto: Matrix, limits: &Limits) {
        let exists = |name: &str| self.documents.package.find(name).is_some();
        let locate = |holder: &str, said: &str| super::path::locate(holder, said, exists).ok();
        let Some(id) = body.pages.get(page).map(|page| page.id.clone()) else { return };
        let list = body.document.text_of("Annotations").and_then(|said| locate(&body.file, said));
        let Some(list) = list else { return };
        let Ok(pages) = body::file(&self.documents.package, &list, "Annotations", limits) else { return };
        let of_page = pages.children("Page").filter(|page| page.attribute("PageID") == Some(&id)).take(100);
        let files: Vec<String> = of_page.filter_map(|page| locate(&list, page.text_of("FileLoc")?)).collect();
        for file in files {
            let Ok(all) = body::file(&self.documents.package, &file, "PageAnnot", limits) else { continue };
            for annotation in all.children("Annot").filter(|annot| annot.attribute("Visible") != Some("false")) {
                if let Some(appearance) = annotation.child("Appearance") {
                    self.draw(appearance, text::onto_page(appearance).then(onto), None, 1);
                }
            }
        }
    }
}

/// The numbers that `CGTransform` gives characters in the document's own font, by position.
fn numbered(object: &Element) -> std::collections::BTreeMap<usize, u32> {
    let mut numbers = std::collections::BTreeMap::new();
    let mut before = 0_usize;
    for element in &object.children {
        match element.name.as_str() {
            "TextCode" => before += element.text.chars().count(),
            "CGTransform" => {
                let said = element.attribute("CodePosition").and_then(|said| said.parse::<usize>().ok()).unwrap_or(0);
                let glyphs = element.text_of("Glyphs").unwrap_or_default().split_ascii_whitespace();
                let at = |index| said.checked_add(index);
                numbers.extend(glyphs.enumerate().take(100_000).filter_map(|(i, n)| Some((at(i)?, n.parse().ok()?))));
            }
            _ => {}
        }
    }
    numbers.retain(|position, _| *position < before);
    numbers
}

fn paint(ink: Ink) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let [red, green, blue, alpha] = ink.0;
    paint.set_color_rgba8(red, green, blue, alpha);
    paint
}

fn transform(matrix: Matrix) -> Transform {
    let [a, b, c, d, e, f] = matrix.0.map(|value| value as f32);
    Transform::from_row(a, b, c, d, e, f)
}
