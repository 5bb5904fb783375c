//! What pages refer to by number: fonts, pictures, composed objects, colour spaces, drawing parameters.

use std::collections::BTreeMap;

use super::super::super::font::Fonts;
use super::super::super::job::Limits;
use super::super::body::{self, Body, Documents};
use super::super::path;
use super::super::xml::Element;

/// Most levels of drawing parameters that rest on others.
const DEEPEST: usize = 8;
/// The width of lines where nothing says one (GB/T 33190-2016 table 25). Unit: mm.
const LINE: f64 = 0.353;

/// Red, green, blue, alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(pub [u8; 4]);

impl Ink {
    pub const BLACK: Self = Self([0, 0, 0, 255]);
}

/// The resources of a document.
#[derive(Default)]
pub(super) struct Resources {
    /// Elements by ID, with the folder their files are in.
    all: BTreeMap<String, (Element, String)>,
    fonts: BTreeMap<String, Option<Fonts>>,
}

impl Resources {
    /// Reads the resources of the document and its pages. What does not read is passed over.
    pub fn read(documents: &Documents<'_>, body: &Body, limits: &Limits) -> Self {
        let mut resources = Self::default();
        let exists = |name: &str| documents.package.find(name).is_some();
        let common = body.document.child("CommonData");
        for said in common.into_iter().flat_map(|common| &common.children) {
            if !matches!(said.name.as_str(), "PublicRes" | "DocumentRes") {
                continue;
            }
            let Ok(file) = path::locate(&body.file, &said.text, exists) else { continue };
            let Ok(list) = body::file(&documents.package, &file, "Res", limits) else { continue };
            let base = list.attribute("BaseLoc").unwrap_or_default();
            let folder = path::resolve(&file, &format!("{base}/.")).map(|folder| format!("{folder}/"));
            let folder = folder.unwrap_or_else(|_| path::folder(&file).to_owned());
            for resource in list.children.into_iter().flat_map(|group| group.children) {
                if let Some(id) = resource.attribute("ID") {
                    resources.all.insert(id.to_owned(), (resource, folder.clone()));
                }
            }
        }
        resources
    }

    fn element(&self, id: &str, name: &str) -> Option<&(Element, String)> {
        self.all.get(id).filter(|(element, _)| element.name == name)
    }

    /// The file of a picture.
    pub fn media(&self, id: &str) -> Option<String> {
        let (element, folder) = self.element(id, "MultiMedia")?;
        path::resolve(folder, element.text_of("MediaFile")?).ok()
    }

    /// The content of a composed object.
    pub fn unit(&self, id: &str) -> Option<Element> {
        self.element(id, "CompositeGraphicUnit")?.0.child("Content").cloned()
    }

    /// A font that the document brings.
    pub fn font(&mut self, id: &str, documents: &Documents<'_>) -> Option<Fonts> {
        if let Some(known) = self.fonts.get(id) {
            return known.clone();
        }
        let found = self.element(id, "Font").and_then(|(element, folder)| {
            let file = path::resolve(folder, element.text_of("FontFile")?).ok()?;
            Fonts::only(documents.package.read(&file)?.ok()?.into_owned())
        });
        self.fonts.insert(id.to_owned(), found.clone());
        found
    }

    /// What drawing parameters say, and those they rest on.
    fn parameters<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a Element> {
        let first = id.and_then(|id| self.element(id, "DrawParam"));
        let next = |found: &&'a (Element, String)| self.element(found.0.attribute("Relative")?, "DrawParam");
        std::iter::successors(first, next).take(DEEPEST).map(|(element, _)| element)
    }

    /// The colour that an object or its parameters give its inside or its outline.
    pub fn ink(&self, object: &Element, name: &str, parameters: Option<&str>) -> Option<Ink> {
        let own = object.child(name);
        let said = own.or_else(|| self.parameters(parameters).find_map(|element| element.child(name)))?;
        let Ink([red, green, blue, alpha]) = self.colour(said);
        let whole = object.attribute("Alpha").and_then(body::number).unwrap_or(255.0).clamp(0.0, 255.0);
        // Both within 0 to 255.
        Some(Ink([red, green, blue, (f64::from(alpha) * whole / 255.0).round() as u8]))
    }

    fn colour(&self, said: &Element) -> Ink {
        let alpha = said.attribute("Alpha").and_then(body::number).unwrap_or(255.0).clamp(0.0, 255.0) as u8;
        let Some(value) = said.attribute("Value") else {
            // A shading: its first colour stands for it.
            let segment = said.children.iter().flat_map(|shading| shading.children("Segment")).next();
            return segment.and_then(|segment| segment.child("Color")).map_or(Ink::BLACK, |first| {
                if first.attribute("Value").is_some() { self.colour(first) } else { Ink::BLACK }
            });
        };
        let values: Vec<f64> = value.split_ascii_whitespace().take(4).map(component).collect();
        let byte = |value: f64| value.clamp(0.0, 255.0).round() as u8;
        let [red, green, blue] = match values[..] {
            [grey] => [grey; 3],
            [red, green, blue] => [red, green, blue],
            [cyan, magenta, yellow, black] => {
                [cyan, magenta, yellow].map(|ink| (255.0 - ink) * (255.0 - black) / 255.0)
            }
            _ => [0.0; 3],
        }
        .map(byte);
        Ink([red, green, blue, alpha])
    }

    /// How thick the lines of an object are. Unit: mm.
    pub fn line_width(&self, object: &Element, parameters: Option<&str>) -> f64 {
        let said = |element: &Element| element.attribute("LineWidth").and_then(body::number);
        said(object)
            .or_else(|| self.parameters(parameters).find_map(said))
            .filter(|width| *width >= 0.0)
            .unwrap_or(LINE)
    }
}

/// A part of a colour: decimal, or hexadecimal with `#` in front.
fn component(text: &str) -> f64 {
    match text.strip_prefix('#') {
        Some(hex) => u8::from_str_radix(hex, 16).map_or(0.0, f64::from),
        None => body::number(text).unwrap_or(0.0),
    }
}
