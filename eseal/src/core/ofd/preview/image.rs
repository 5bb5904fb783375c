//! Pictures on a page.

use std::io::Cursor;

use tiny_skia::{FilterQuality, IntSize, Mask, Pixmap, PixmapPaint};

use super::super::text::Matrix;

/// Most pixels on a side, and most memory of a picture.
const LONGEST: u32 = 16_384;
const MEMORY: u64 = 256 << 20;

/// Draws a picture over the square from (0, 0) to (1, 1) of this transformation. What does not read is left out.
pub(super) fn draw(onto: &mut Pixmap, file: &[u8], place: Matrix, alpha: f64, mask: Option<&Mask>) {
    let Some(picture) = decode(file) else { return };
    let unit = Matrix([1.0 / f64::from(picture.width()), 0.0, 0.0, 1.0 / f64::from(picture.height()), 0.0, 0.0]);
    let paint = PixmapPaint {
        opacity: alpha.clamp(0.0, 1.0) as f32,
        quality: FilterQuality::Bicubic,
        ..PixmapPaint::default()
    };
    onto.draw_pixmap(0, 0, picture.as_ref(), &paint, super::transform(unit.then(place)), mask);
}

fn decode(file: &[u8]) -> Option<Pixmap> {
    let mut reader = image::ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let picture = reader.decode().ok()?.into_rgba8();
    let (width, height) = picture.dimensions();
    let mut pixels = picture.into_raw();
    for pixel in pixels.as_chunks_mut::<4>().0 {
        let [red, green, blue, alpha] = pixel.map(u16::from);
        // Each is at most 255 after the division.
        let by = |value: u16| ((value * alpha + 127) / 255) as u8;
        *pixel = [by(red), by(green), by(blue), alpha as u8];
    }
    Pixmap::from_vec(pixels, IntSize::from_wh(width, height)?)
}
