//! The picture of a seal as PDF shows it: an image with a mask, and a form for each slice of it.

use std::cell::RefCell;
use std::io::{Cursor, Write as _};
use std::rc::Rc;

use super::object::{Dict, Object, Ref, real};
use crate::core::job::Refused;
use crate::core::picture::Picture;
use crate::core::place::Rect;

/// Longest side of a picture. Unit: pixels.
const MOST_PIXELS: u32 = 8_192;
/// How many pictures are kept unpacked.
const KEPT: usize = 4;

/// What the document allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Anything.
    Plain,
    /// PDF/A-1: nothing half transparent; colours of a known space.
    ArchivalFirst,
    /// PDF/A-2 and later: colours of a known space.
    Archival,
}

/// A picture as PDF keeps it.
#[derive(Debug)]
pub struct Image {
    width: u32,
    height: u32,
    /// Red, green, blue; deflated.
    colours: Vec<u8>,
    /// How opaque, 8 bits; deflated.
    opacity: Vec<u8>,
    /// Where it is not seen at all, 1 bit; deflated.
    stencil: Vec<u8>,
}

thread_local! {
    /// The pictures used last. A seal is used again and again, and unpacking its PNG and packing it anew takes
    /// longer than everything else together. Nobody can tell but by the clock: the result is the same.
    static LAST: RefCell<Vec<(Vec<u8>, Rc<Image>)>> = const { RefCell::new(Vec::new()) };
}

/// The picture, unpacked or remembered.
pub fn image(picture: &Picture) -> Result<Rc<Image>, Refused> {
    let known =
        LAST.with_borrow(|last| last.iter().find(|(png, _)| *png == picture.png).map(|(_, image)| Rc::clone(image)));
    if let Some(image) = known {
        return Ok(image);
    }
    let image = Rc::new(convert(&picture.png)?);
    LAST.with_borrow_mut(|last| {
        last.truncate(KEPT - 1);
        last.insert(0, (picture.png.clone(), Rc::clone(&image)));
    });
    Ok(image)
}

fn convert(png: &[u8]) -> Result<Image, Refused> {
    let bad = |_| Refused::Malformed("the picture of the seal is no PNG".to_owned());
    let mut reader = image::ImageReader::with_format(Cursor::new(png), image::ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let pixels = reader.decode().map_err(bad)?.into_rgba8();
    let (width, height) = pixels.dimensions();
    // Pixels that are not seen take the mean colour of those that are: viewers that scale colours and opacity
    // apart would else draw a rim of whatever stood there.
    let (mut sums, mut weight) = ([0_u64; 3], 0_u64);
    for pixel in pixels.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        for (sum, colour) in sums.iter_mut().zip([red, green, blue]) {
            *sum += u64::from(colour) * u64::from(alpha);
        }
        weight += u64::from(alpha);
    }
    let mean = sums.map(|sum| u8::try_from(sum / weight.max(1)).unwrap_or(255));
    let count = pixels.len() / 4;
    let (mut colours, mut opacity) = (Vec::with_capacity(count * 3), Vec::with_capacity(count));
    for pixel in pixels.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        colours.extend(if alpha == 0 { mean } else { [red, green, blue] });
        opacity.push(alpha);
    }
    let mut stencil = Vec::new();
    for row in opacity.chunks(usize::try_from(width).unwrap_or(usize::MAX).max(1)) {
        for eight in row.chunks(8) {
            let bits = eight.iter().enumerate().filter(|(_, alpha)| **alpha < 128).map(|(bit, _)| 0x80_u8 >> bit);
            stencil.push(bits.fold(0, |octet, bit| octet | bit));
        }
    }
    Ok(Image { width, height, colours: deflate(&colours), opacity: deflate(&opacity), stencil: deflate(&stencil) })
}

/// Packed for `FlateDecode`.
pub fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail.
    let _ = packer.write_all(plain);
    packer.finish().unwrap_or_default()
}

impl Image {
    fn frame(&self) -> Dict {
        Dict::default()
            .with("Type", Object::name("XObject"))
            .with("Subtype", Object::name("Image"))
            .with("Width", Object::Int(self.width.into()))
            .with("Height", Object::Int(self.height.into()))
            .with("Filter", Object::name("FlateDecode"))
    }

    /// The body of the mask.
    pub fn mask(&self, dialect: Dialect) -> Vec<u8> {
        if dialect == Dialect::ArchivalFirst {
            let frame = self.frame().with("ImageMask", Object::Bool(true)).with("BitsPerComponent", Object::Int(1));
            return stream(frame, &self.stencil);
        }
        let frame =
            self.frame().with("ColorSpace", Object::name("DeviceGray")).with("BitsPerComponent", Object::Int(8));
        stream(frame, &self.opacity)
    }

    /// The body of the colours, with the mask of that name.
    pub fn body(&self, dialect: Dialect, mask: Ref) -> Vec<u8> {
        let key = if dialect == Dialect::ArchivalFirst { "Mask" } else { "SMask" };
        let space = if dialect == Dialect::Plain { Object::name("DeviceRGB") } else { calibrated() };
        let frame = self
            .frame()
            .with("ColorSpace", space)
            .with("BitsPerComponent", Object::Int(8))
            .with(key, Object::Ref(mask));
        stream(frame, &self.colours)
    }
}

/// sRGB without a profile to embed: its white, its primaries, and its curve as nearly as one exponent gives it.
fn calibrated() -> Object {
    let numbers = |numbers: &[f64]| Object::Array(numbers.iter().map(|number| Object::Real(*number)).collect());
    let parameters = Dict::default()
        .with("WhitePoint", numbers(&[0.9505, 1.0, 1.089]))
        .with("Gamma", numbers(&[2.2, 2.2, 2.2]))
        .with("Matrix", numbers(&[0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]));
    Object::Array(vec![Object::name("CalRGB"), Object::Dict(parameters)])
}

/// The body of a form that shows the part `seen` of a picture of `whole` points.
///
/// `seen` is measured from the upper left corner of the picture. `matrix` turns it upright on the page.
pub fn form(whole: (f64, f64), seen: Rect, matrix: &str, image: Ref) -> Vec<u8> {
    let (width, height) = whole;
    let lower = height - seen.y - seen.height;
    let content = format!("q {} 0 0 {} {} {} cm /Seal Do Q", real(width), real(height), real(-seen.x), real(-lower));
    let resources = Dict::default().with("XObject", Object::Dict(Dict::default().with("Seal", Object::Ref(image))));
    let mut body = b"<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 ".to_vec();
    body.extend_from_slice(
        format!("{} {}]/Matrix[{matrix}]/Resources ", real(seen.width), real(seen.height)).as_bytes(),
    );
    resources.write(&mut body);
    body.extend_from_slice(format!("/Length {}>>\nstream\n{content}\nendstream", content.len()).as_bytes());
    body
}

/// The body of a stream.
pub fn stream(dict: Dict, octets: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(octets.len() + 256);
    dict.with("Length", Object::Int(i64::try_from(octets.len()).unwrap_or(i64::MAX))).write(&mut body);
    body.extend_from_slice(b"\nstream\n");
    body.extend_from_slice(octets);
    body.extend_from_slice(b"\nendstream");
    body
}
