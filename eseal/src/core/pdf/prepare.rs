//! A document made ready for a seal: an update that lacks nothing but the value of the signature.

use std::collections::BTreeSet;

use super::appearance::{Dialect, Image, form as form_body, image};
use super::digest::{Range, hash_of};
use super::file::{File, Revision, bad};
use super::form::{Form, form, text_string};
use super::keyword::Finder;
use super::object::{Dict, Object, Ref, real};
use super::page::{Page, tree};
use super::suitable::{archival, not_encrypted, obstacle, permission};
use super::update::Update;
use crate::core::job::{Limits, Refused};
use crate::core::order::{Form as Kind, Hole, Order, Prepared};
use crate::core::place::{PageSize, Rect, Stamp, lay_out};

/// Most room for a signature's value. Unit: bytes.
const MOST_ROOM: usize = 4 << 20;
/// Width of the numbers of `/ByteRange`, which are known last.
const DIGITS: usize = 10;
/// Printed, and neither moved nor changed by a viewer: 12.5.3, bits 3, 8.
const LOCKED: i64 = 4 | 128;
/// The same, and not to be written into: bits 7, 10.
const FROZEN: i64 = LOCKED | 64 | 512;

/// Makes the document ready.
pub fn prepare(document: &[u8], order: &Order, limits: &Limits) -> Result<Prepared, Refused> {
    let file = File::new(document, limits)?;
    let revision = file.latest()?;
    not_encrypted(&revision)?;
    let fields = form(&revision)?;
    if let Some((word, sentence)) = obstacle(&revision, &fields)? {
        return Err(Refused::Unsuitable(word.to_owned(), sentence.to_owned()));
    }
    if order.reserve == 0 || order.reserve > MOST_ROOM {
        return Err(Refused::TooLarge("signature".to_owned()));
    }
    let dialect = dialect(&revision, order.form)?;
    let pages = tree(&revision)?.pages;
    let sizes: Vec<PageSize> = pages.iter().map(Page::size).collect();
    let mut finder = Finder::new(document);
    let stamps = lay_out(&order.places, &sizes, (order.picture.width, order.picture.height), &mut |page, text| {
        let size = usize::try_from(page).ok().and_then(|page| sizes.get(page)).copied();
        finder.find(page, size.ok_or_else(|| bad("a page is missing"))?, text)
    })?;
    if stamps.len() > 1 && permission(&revision, &fields)? == Some(2) {
        let sentence =
            "its author certified it and allows signing but no other addition, so it takes a seal in one place only";
        return Err(Refused::Unsuitable("one-place-only".to_owned(), sentence.to_owned()));
    }
    let mut work = Work { update: Update::new(&revision)?, revision: &revision, pages: &pages, dialect };
    let value = work.update.name();
    let body = dictionary(order);
    work.show(&stamps, order, &fields, value)?;
    work.update.put(value, body);
    let (mut document, place) = work.update.write(value);
    let (start, range) = fill(&mut document, place, order.reserve)?;
    let hash = hash_of(order.form);
    let digest = range.digest(&document, hash).ok_or_else(|| bad("its octets do not add up"))?;
    Ok(Prepared {
        hole: Hole::Pdf { start, digits: order.reserve * 2 },
        hash,
        digest,
        property: range.to_string(),
        stamps,
        document,
    })
}

fn dialect(revision: &Revision<'_, '_>, form: Kind) -> Result<Dialect, Refused> {
    Ok(match archival(revision)? {
        None => Dialect::Plain,
        Some(1) => Dialect::ArchivalFirst,
        Some(_) if form == Kind::Seal => {
            let sentence =
                "it keeps to PDF/A-2 or later, which allows signatures in CMS only: choose the form cms or pades";
            return Err(Refused::Unsuitable("pdf-a-form".to_owned(), sentence.to_owned()));
        }
        Some(_) => Dialect::Archival,
    })
}

/// The signature dictionary, with room for what is known last.
fn dictionary(order: &Order) -> Vec<u8> {
    let (filter, sub) = match order.form {
        Kind::Seal => ("Yinxin.GMPkiLite", "GM.sm2seal"),
        Kind::Cms => ("Adobe.PPKLite", "adbe.pkcs7.detached"),
        Kind::Pades => ("Adobe.PPKLite", "ETSI.CAdES.detached"),
    };
    let mut body = format!("<</Type/Sig/Filter/{filter}/SubFilter/{sub}/ByteRange").into_bytes();
    body.extend(std::iter::repeat_n(b' ', 4 * DIGITS + 5));
    body.extend_from_slice(b"/Contents<");
    body.extend(std::iter::repeat_n(b'0', order.reserve * 2));
    body.push(b'>');
    let mut rest =
        Dict::default().with("M", Object::Str(date(order.at).into_bytes())).with("Name", text_string(&order.signer));
    if let Some(reason) = &order.reason {
        rest.set("Reason", text_string(reason));
    }
    if let Some(location) = &order.location {
        rest.set("Location", text_string(location));
    }
    let by = Dict::default().with("App", Object::Dict(Dict::default().with("Name", Object::name("Yinxin"))));
    rest.set("Prop_Build", Object::Dict(by));
    let mut tail = Vec::new();
    rest.write(&mut tail);
    body.extend_from_slice(tail.strip_prefix(b"<<").unwrap_or(&tail));
    body
}

/// `D:20261121080000Z`.
fn date(at: pki_config::Instant) -> String {
    let digits: String = at.whole_second().to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    format!("D:{digits}Z")
}

/// Writes `/ByteRange` into the dictionary that starts at `place`; gives the first digit of the hole.
fn fill(document: &mut [u8], place: usize, reserve: usize) -> Result<(usize, Range), Refused> {
    let lost = || bad("its octets do not add up");
    let find = |key: &[u8]| {
        let body = document.get(place..place + 512.min(document.len() - place))?;
        Some(place + body.windows(key.len()).position(|window| window == key)? + key.len())
    };
    let numbers = find(b"/ByteRange").ok_or_else(lost)?;
    let open = find(b"/Contents").ok_or_else(lost)?;
    let close = open + reserve * 2 + 2;
    let range = Range { before: open, from: close, after: document.len().checked_sub(close).ok_or_else(lost)? };
    let text = format!("[{range}]");
    document.get_mut(numbers..numbers + text.len()).ok_or_else(lost)?.copy_from_slice(text.as_bytes());
    Ok((open + 1, range))
}

struct Work<'r, 'f, 'a> {
    update: Update<'r, 'f, 'a>,
    revision: &'r Revision<'f, 'a>,
    pages: &'r [Page],
    dialect: Dialect,
}

impl Work<'_, '_, '_> {
    /// Puts the field on the first stamp and a stamp annotation on each of the others: a signature field has one
    /// place only (ISO 32000-2 12.7.5.5).
    fn show(&mut self, stamps: &[Stamp], order: &Order, fields: &Form, value: Ref) -> Result<(), Refused> {
        let picture = self.picture(&*image(&order.picture)?);
        let name = free_name(fields);
        let mut forms: Vec<(String, Ref)> = Vec::new();
        let mut on_pages: Vec<(u32, Ref)> = Vec::new();
        let mut field = None;
        for (index, stamp) in stamps.iter().enumerate() {
            let page = usize::try_from(stamp.page)
                .ok()
                .and_then(|page| self.pages.get(page))
                .ok_or_else(|| bad("a page is missing"))?;
            let whole = Rect { x: 0.0, y: 0.0, width: stamp.boundary.width, height: stamp.boundary.height };
            let seen = stamp.clip.unwrap_or(whole);
            let on_page = Rect { x: stamp.boundary.x + seen.x, y: stamp.boundary.y + seen.y, ..seen };
            let points = |rect: Rect| Rect {
                x: page.points(rect.x),
                y: page.points(rect.y),
                width: page.points(rect.width),
                height: page.points(rect.height),
            };
            let whole = points(whole);
            let body = form_body((whole.width, whole.height), points(seen), page.upright(), picture);
            let key = String::from_utf8_lossy(&body).into_owned();
            let known = forms.iter().find(|(known, _)| *known == key).map(|(_, form)| *form);
            let form = known.unwrap_or_else(|| {
                let form = self.update.add(body);
                forms.push((key, form));
                form
            });
            let rect = page.to_points(on_page).map(|side| real(side).parse().unwrap_or(side));
            let annotation = Dict::default()
                .with("Type", Object::name("Annot"))
                .with("Rect", Object::Array(rect.map(Object::Real).to_vec()))
                .with("P", Object::Ref(page.name))
                .with("AP", Object::Dict(Dict::default().with("N", Object::Ref(form))));
            let annotation = if index == 0 {
                annotation
                    .with("Subtype", Object::name("Widget"))
                    .with("FT", Object::name("Sig"))
                    .with("T", text_string(&name))
                    .with("TU", text_string(&order.signer))
                    .with("F", Object::Int(LOCKED))
                    .with("V", Object::Ref(value))
            } else {
                annotation
                    .with("Subtype", Object::name("Stamp"))
                    .with("NM", text_string(&format!("{name}.{}", index + 1)))
                    .with("Contents", text_string(&order.signer))
                    .with("F", Object::Int(FROZEN))
            };
            let mut body = Vec::new();
            annotation.write(&mut body);
            let annotation = self.update.add(body);
            field = field.or(Some(annotation));
            on_pages.push((stamp.page, annotation));
        }
        self.annotate(&on_pages)?;
        self.enter(field.ok_or_else(|| bad("the seal lies nowhere"))?)
    }

    fn picture(&mut self, image: &Image) -> Ref {
        let mask = self.update.add(image.mask(self.dialect));
        self.update.add(image.body(self.dialect, mask))
    }

    /// Adds the annotations to their pages.
    fn annotate(&mut self, added: &[(u32, Ref)]) -> Result<(), Refused> {
        let numbers: BTreeSet<u32> = added.iter().map(|(page, _)| *page).collect();
        for number in numbers {
            let page = usize::try_from(number)
                .ok()
                .and_then(|page| self.pages.get(page))
                .ok_or_else(|| bad("a page is missing"))?;
            let mut annotations = self.revision.array_at(&page.dict, "Annots")?;
            annotations.extend(added.iter().filter(|(on, _)| *on == number).map(|(_, name)| Object::Ref(*name)));
            let list = page.dict.get("Annots").and_then(Object::as_ref);
            let shared = list.is_some_and(|list| {
                self.pages
                    .iter()
                    .filter(|other| other.dict.get("Annots").and_then(Object::as_ref) == Some(list))
                    .count()
                    > 1
            });
            match list {
                Some(list) if !shared => self.update.put_value(list, &Object::Array(annotations)),
                _ => {
                    let mut dict = page.dict.clone();
                    dict.set("Annots", Object::Array(annotations));
                    self.update.put_value(page.name, &Object::Dict(dict));
                }
            }
        }
        Ok(())
    }

    /// Enters the field into the form.
    fn enter(&mut self, field: Ref) -> Result<(), Refused> {
        let (root, mut catalog) = self.revision.catalog()?;
        let mut acroform = self.revision.dict_at(&catalog, "AcroForm")?;
        let mut fields = self.revision.array_at(&acroform, "Fields")?;
        fields.push(Object::Ref(field));
        let mut changed = acroform.get("SigFlags").and_then(Object::as_int) != Some(3);
        acroform.set("SigFlags", Object::Int(3));
        match acroform.get("Fields").and_then(Object::as_ref) {
            Some(list) => self.update.put_value(list, &Object::Array(fields)),
            None => {
                acroform.set("Fields", Object::Array(fields));
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        match catalog.get("AcroForm").and_then(Object::as_ref) {
            Some(name) => self.update.put_value(name, &Object::Dict(acroform)),
            None => {
                catalog.set("AcroForm", Object::Dict(acroform));
                self.update.put_value(root, &Object::Dict(catalog));
            }
        }
        Ok(())
    }
}

/// `Seal 1`, or the first such name that no field has.
fn free_name(form: &Form) -> String {
    let names: BTreeSet<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    (1_u32..).map(|number| format!("Seal {number}")).find(|name| !names.contains(name.as_str())).unwrap_or_default()
}
