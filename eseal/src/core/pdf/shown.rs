//! Where the pages show a signature, and whether they show the seal that was used.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::Revision;
use super::form::text;
use super::likeness::{Likeness, of_appearance, of_seal};
use super::object::{Dict, Object, Ref};
use super::page::{Page, rectangle};
use super::signature::Signature;
use crate::core::finding::{Check, Finding, Outcome};
use crate::core::job::Refused;
use crate::core::place::Stamp;

/// The annotations on the pages.
pub struct Shown {
    by_name: HashMap<Ref, (u32, Dict)>,
    /// Stamps by what they are called.
    by_label: HashMap<String, Ref>,
    pages: Vec<Page>,
    rectangles: HashMap<Ref, [f64; 4]>,
}

impl Shown {
    /// Of a revision with these pages.
    pub fn of(latest: &Revision<'_, '_>, pages: &[Page]) -> Result<Self, Refused> {
        let mut shown = Self {
            by_name: HashMap::new(),
            by_label: HashMap::new(),
            pages: pages.to_vec(),
            rectangles: HashMap::new(),
        };
        for (number, page) in (0_u32..).zip(pages) {
            for name in latest.array_at(&page.dict, "Annots")?.iter().filter_map(Object::as_ref) {
                if shown.by_name.len() >= latest.file.limits.entries {
                    return Err(Refused::TooLarge("annotations".to_owned()));
                }
                let Object::Dict(dict) = latest.get(name)? else { continue };
                if !dict.is("Subtype", "Widget") && !dict.is("Subtype", "Stamp") {
                    continue;
                }
                if let Some(rectangle) = dict.get("Rect").map_or(Ok(None), |rect| rectangle(latest, rect))? {
                    shown.rectangles.insert(name, rectangle);
                }
                if let Some(label) = dict.get("NM").and_then(Object::as_str).filter(|_| dict.is("Subtype", "Stamp")) {
                    shown.by_label.insert(text(label), name);
                }
                shown.by_name.insert(name, (number, dict));
            }
        }
        Ok(shown)
    }

    fn stamp(&self, name: Ref) -> Option<Stamp> {
        let (page, _) = self.by_name.get(&name)?;
        let boundary = self.pages.get(usize::try_from(*page).ok()?)?.to_mm(*self.rectangles.get(&name)?);
        (boundary.width > 0.0 && boundary.height > 0.0).then_some(Stamp { page: *page, boundary, clip: None })
    }

    /// Where the signature is seen, and whether it is.
    pub fn stamps(&self, signature: &Signature, latest: &Revision<'_, '_>) -> Result<(Vec<Stamp>, Finding), Refused> {
        let mut names = signature.field.widgets.clone();
        names.extend((2_u32..).map_while(|number| self.by_label.get(&format!("{}.{number}", signature.field.name))));
        let stamps: Vec<Stamp> = names.iter().filter_map(|name| self.stamp(*name)).collect();
        let (outcome, code, en, zh) = if stamps.is_empty() {
            let en = "The signature is not shown on any page.";
            (Outcome::NotChecked, "invisible", en, "签名没有显示在任何页面上。")
        } else if self.is_hidden(&names, &stamps) {
            let en = "A place of the signature is hidden or lies off its page.";
            (Outcome::Warning, "hidden", en, "签名的某个显示位置被隐藏或在页面之外。")
        } else if self.differs(&names, signature, latest)? {
            let en = "The pages show another picture than that of the seal that was used.";
            (Outcome::Warning, "picture-differs", en, "页面上显示的图片与所用印章的图片不同。")
        } else {
            let en = "What the pages show of the signature is part of what it covers.";
            (Outcome::Pass, "shown", en, "页面上显示的印章在签名保护范围之内。")
        };
        Ok((stamps, Finding::new(Check::Appearance, outcome, code, en, zh)))
    }

    fn is_hidden(&self, names: &[Ref], stamps: &[Stamp]) -> bool {
        // 12.5.3: hidden, or not on the screen; or only with a layer that can be switched off.
        let hidden = names.iter().filter_map(|name| self.by_name.get(name)).any(|(_, dict)| {
            dict.get("F").and_then(Object::as_int).unwrap_or(0) & (2 | 32) != 0 || dict.get("OC").is_some()
        });
        let inside = stamps.iter().all(|stamp| {
            let size = usize::try_from(stamp.page).ok().and_then(|page| self.pages.get(page)).map(Page::size);
            size.is_some_and(|size| {
                let b = stamp.boundary;
                b.x < size.width && b.y < size.height && b.x + b.width > 0.0 && b.y + b.height > 0.0
            })
        });
        hidden || !inside
    }

    /// Whether a place shows a picture that is not the seal's. Only said where both are known to be pictures.
    fn differs(&self, names: &[Ref], signature: &Signature, latest: &Revision<'_, '_>) -> Result<bool, Refused> {
        let Some(seal) = of_seal(&signature.value) else { return Ok(false) };
        let mut images: Vec<Ref> = Vec::new();
        for (_, dict) in names.iter().filter_map(|name| self.by_name.get(name)) {
            let appearance = latest.dict_at(&latest.dict_at(dict, "AP")?, "N")?;
            let resources = latest.dict_at(&appearance, "Resources")?;
            let objects = latest.dict_at(&resources, "XObject")?;
            images.extend(objects.0.iter().filter_map(|(_, object)| object.as_ref()));
        }
        images.sort_unstable();
        images.dedup();
        for image in images.into_iter().take(8) {
            if of_appearance(latest, image)?.is_some_and(|shown: Rc<Likeness>| !shown.is_like(&seal)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
