//! Whether two pictures look alike: that of the seal that was used, and that on the page.

use std::cell::RefCell;
use std::io::Cursor;
use std::rc::Rc;

use super::file::Revision;
use super::filter::unpack;
use super::object::{Dict, Object, Ref};
use crate::core::job::Refused;
use crate::core::ses::SealSignature;

/// Cells on each side.
const SIDE: u32 = 32;
/// Mean difference of cells from which two pictures are not alike. Unit: 1/255.
const APART: u32 = 12;
/// Longest side of a picture. Unit: pixels.
const MOST_PIXELS: u32 = 4_096;
/// How many are kept.
const KEPT: usize = 8;

/// A picture over white, as a few coarse cells of red, green and blue.
#[derive(Debug)]
pub struct Likeness(Vec<[u8; 3]>);

/// The octets it came from, and what came of them.
type Remembered = (Vec<u8>, Option<Rc<Likeness>>);

thread_local! {
    /// Those worked out last, by the octets they came from: the same seal is verified again and again.
    static LAST: RefCell<Vec<Remembered>> = const { RefCell::new(Vec::new()) };
}

fn remembered(octets: &[u8], make: impl FnOnce() -> Option<Likeness>) -> Option<Rc<Likeness>> {
    let known = LAST.with_borrow(|last| last.iter().find(|(from, _)| from == octets).map(|(_, found)| found.clone()));
    if let Some(found) = known {
        return found;
    }
    let found = make().map(Rc::new);
    LAST.with_borrow_mut(|last| {
        last.truncate(KEPT - 1);
        last.insert(0, (octets.to_vec(), found.clone()));
    });
    found
}

impl Likeness {
    /// Of pixels: red, green, blue, opacity.
    fn new(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Option<Self> {
        let sides = 1..=MOST_PIXELS;
        if !sides.contains(&width) || !sides.contains(&height) {
            return None;
        }
        let mut sums = vec![([0_u64; 3], 0_u64); usize::try_from(SIDE * SIDE).ok()?];
        for y in 0..height {
            for x in 0..width {
                let [red, green, blue, alpha] = pixel(x, y).map(u64::from);
                let cell = usize::try_from(y * SIDE / height * SIDE + x * SIDE / width).ok()?;
                let (sum, count) = sums.get_mut(cell)?;
                for (sum, colour) in sum.iter_mut().zip([red, green, blue]) {
                    *sum += (colour * alpha + 255 * (255 - alpha)) / 255;
                }
                *count += 1;
            }
        }
        let mean = |(sum, count): ([u64; 3], u64)| sum.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(255));
        Some(Self(sums.into_iter().map(mean).collect()))
    }

    /// Whether they look alike.
    pub fn is_like(&self, other: &Self) -> bool {
        let pairs = self.0.iter().flatten().zip(other.0.iter().flatten());
        let total: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        total / (3 * SIDE * SIDE) < APART
    }
}

/// Of the picture in the seal that a value carries, if it is a PNG.
pub fn of_seal(value: &[u8]) -> Option<Rc<Likeness>> {
    let picture = SealSignature::read(value).ok()?.seal.picture;
    if !picture.kind.eq_ignore_ascii_case("png") {
        return None;
    }
    remembered(&picture.data, || {
        let mut reader = image::ImageReader::with_format(Cursor::new(&picture.data), image::ImageFormat::Png);
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MOST_PIXELS);
        limits.max_image_height = Some(MOST_PIXELS);
        limits.max_alloc = Some(128 << 20);
        reader.limits(limits);
        let pixels = reader.decode().ok()?.into_rgba8();
        Likeness::new(pixels.width(), pixels.height(), |x, y| pixels.get_pixel(x, y).0)
    })
}

/// Of an image of a document, if it is of the plainest kind: 8 bits of red, green and blue, and of opacity.
pub fn of_appearance(revision: &Revision<'_, '_>, name: Ref) -> Result<Option<Rc<Likeness>>, Refused> {
    let Object::Stream(dict, range) = revision.get(name)? else { return Ok(None) };
    let mask = revision.at(&dict, "SMask")?;
    let Object::Stream(mask, mask_range) = mask else { return Ok(None) };
    let plain = |dict: &Dict, space: &str| {
        let of_space = match dict.get("ColorSpace") {
            Some(Object::Name(name)) => name == space.as_bytes(),
            Some(Object::Array(parts)) => parts.first().and_then(Object::as_name) == Some(b"CalRGB"),
            _ => false,
        };
        let whole = dict.get("Decode").is_none() && dict.get("DecodeParms").is_none();
        (of_space && whole && dict.get("BitsPerComponent").and_then(Object::as_int) == Some(8)).then_some(())
    };
    let size = |dict: &Dict, key: &str| dict.get(key).and_then(Object::as_int).and_then(|n| u32::try_from(n).ok());
    let sides = |dict: &Dict| Some((size(dict, "Width")?, size(dict, "Height")?));
    let same =
        sides(&dict).filter(|found| sides(&mask) == Some(*found) && found.0 <= MOST_PIXELS && found.1 <= MOST_PIXELS);
    let (Some((width, height)), Some(()), Some(())) = (same, plain(&dict, "DeviceRGB"), plain(&mask, "DeviceGray"))
    else {
        return Ok(None);
    };
    let octets = |range| revision.bytes().get(range).unwrap_or_default();
    let (colours, opacity) = (octets(range), octets(mask_range));
    Ok(remembered(&[colours, opacity].concat(), || {
        let most = usize::try_from(u64::from(width) * u64::from(height) * 3).ok()?;
        let (colours, opacity) = (unpack(&dict, colours, most).ok()?, unpack(&mask, opacity, most).ok()?);
        Likeness::new(width, height, |x, y| {
            let at = usize::try_from(y * width + x).unwrap_or(usize::MAX / 4);
            let colour = |part: usize| colours.get(at * 3 + part).copied().unwrap_or(255);
            [colour(0), colour(1), colour(2), opacity.get(at).copied().unwrap_or(0)]
        })
    }))
}
