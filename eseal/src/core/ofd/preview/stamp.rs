//! Seals on a page: the picture in the seal, where the signature puts it.

use tiny_skia::{FillRule, Mask, PathBuilder, Rect};

use super::super::super::job::Limits;
use super::super::super::ses::{Seal, SealSignature};
use super::super::body::{Body, Documents};
use super::super::signature::{List, Signature};
use super::super::text::Matrix;
use super::{Canvas, image, transform};

/// Draws the stamps that signatures put on a page. What does not read is left out: to judge it is not ours.
pub(super) fn draw(canvas: &mut Canvas<'_>, body: &Body, page: usize, onto: Matrix, limits: &Limits) {
    let documents = canvas.documents;
    let Ok(Some(list)) = List::read(&documents.package, body, limits) else { return };
    for line in list.signatures.iter().take(limits.signatures) {
        let Some((signature, stamps)) = line.file.as_deref().and_then(|file| stamps(documents, body, file, limits))
        else {
            continue;
        };
        let here: Vec<_> = stamps.into_iter().filter(|stamp| usize::try_from(stamp.page) == Ok(page)).collect();
        if here.is_empty() {
            continue;
        }
        let Some(picture) = picture(documents, &signature) else { continue };
        for stamp in here {
            let place = stamp.boundary;
            let clip = stamp.clip.map(|clip| (place.x + clip.x, place.y + clip.y, clip.width, clip.height));
            let mask = clip.and_then(|(x, y, width, height)| {
                let rect = Rect::from_xywh(x as f32, y as f32, width as f32, height as f32)?;
                let mut mask = Mask::new(canvas.pixels.width(), canvas.pixels.height())?;
                mask.fill_path(&PathBuilder::from_rect(rect), FillRule::Winding, true, transform(onto));
                Some(mask)
            });
            // A slice of nothing shows nothing.
            if clip.is_some() && mask.is_none() {
                continue;
            }
            let square = Matrix([place.width, 0.0, 0.0, place.height, place.x, place.y]).then(onto);
            image::draw(&mut canvas.pixels, &picture, square, 1.0, mask.as_ref());
        }
    }
}

fn stamps(
    documents: &Documents<'_>,
    body: &Body,
    file: &str,
    limits: &Limits,
) -> Option<(Signature, Vec<super::super::super::place::Stamp>)> {
    let package = &documents.package;
    let octets = package.read(file)?.ok()?;
    let signature = Signature::read(&octets, file, |name| package.find(name).is_some(), limits).ok()?;
    let (stamps, _) = signature.on_pages(body);
    Some((signature, stamps))
}

/// The picture of the seal: that in the value counts, the one beside it serves where the value does not read.
fn picture(documents: &Documents<'_>, signature: &Signature) -> Option<Vec<u8>> {
    let package = &documents.package;
    let read = |file: Option<&String>| package.read(file?)?.ok();
    let value = read(signature.value.as_ref());
    if let Some(signed) = value.and_then(|value| SealSignature::read(&value).ok()) {
        return Some(signed.seal.picture.data);
    }
    let beside = read(signature.seal.as_ref().and_then(Option::as_ref))?;
    Seal::read(&beside).ok().map(|seal| seal.picture.data)
}
