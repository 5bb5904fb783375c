//! Cuts a picture to its ink and brings it to its size on paper.

use image::{RgbaImage, imageops};

use crate::core::draw::{LARGEST_MM, SMALLEST_MM};
use crate::core::job::Refused;
use crate::core::picture::{Picture, png};

use super::{Ask, SMALLEST_SIDE, USUAL_MM, unsuitable};

/// Finest a picture becomes: more than printers show, and every document with the seal carries it.
const FINEST_DPI: f32 = 600.0;

pub fn fit(image: &RgbaImage, ask: &Ask) -> Result<Picture, Refused> {
    let (left, top, wide, high) = ink(image).ok_or_else(|| unsuitable("empty", "there is nothing in the picture"))?;
    if wide.max(high) < SMALLEST_SIDE {
        return Err(unsuitable("too-coarse", "the picture is too small to show a seal: 100 picture elements at least"));
    }
    let (width, height) = size(wide, high, ask)?;
    // The sides on paper are whole millimetres: the ink is in their middle, nothing is stretched.
    let per_mm = (wide as f32 / width as f32).max(high as f32 / height as f32);
    let shrink = (FINEST_DPI / 25.4 / per_mm).min(1.0);
    let cut = imageops::crop_imm(image, left, top, wide, high).to_image();
    let scaled = |side: u32| ((side as f32 * shrink).round() as u32).max(1);
    let cut = if shrink < 1.0 { smaller(cut, scaled(wide), scaled(high)) } else { cut };
    let full = |mm: u32, least: u32| ((mm as f32 * per_mm * shrink).round() as u32).max(least);
    let mut whole = RgbaImage::new(full(width, cut.width()), full(height, cut.height()));
    let (x, y) = ((whole.width() - cut.width()) / 2, (whole.height() - cut.height()) / 2);
    imageops::replace(&mut whole, &cut, i64::from(x), i64::from(y));
    let dpi = (per_mm * shrink * 25.4).round() as u32;
    let png = png(whole.as_raw(), whole.width(), whole.height(), Some(dpi))?;
    Ok(Picture { png, width: f64::from(width), height: f64::from(height) })
}

/// Where there is ink: left, top, width, height.
fn ink(image: &RgbaImage) -> Option<(u32, u32, u32, u32)> {
    let mut edges: Option<(u32, u32, u32, u32)> = None;
    for (x, y, pixel) in image.enumerate_pixels() {
        if pixel.0[3] > 12 {
            let (left, top, right, bottom) = edges.unwrap_or((x, y, x, y));
            edges = Some((left.min(x), top.min(y), right.max(x), bottom.max(y)));
        }
    }
    edges.map(|(left, top, right, bottom)| (left, top, right - left + 1, bottom - top + 1))
}

/// Width and height on paper. Unit: mm.
fn size(wide: u32, high: u32, ask: &Ask) -> Result<(u32, u32), Refused> {
    let other = |mm: u32, this: u32, that: u32| ((mm as f32 * that as f32 / this as f32).round() as u32).max(1);
    let (width, height) = match (ask.width, ask.height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => (width, other(width, wide, high)),
        (None, Some(height)) => (other(height, high, wide), height),
        (None, None) if wide >= high => (USUAL_MM, other(USUAL_MM, wide, high)),
        (None, None) => (other(USUAL_MM, high, wide), USUAL_MM),
    };
    let sides = SMALLEST_MM..=LARGEST_MM;
    if sides.contains(&width) && sides.contains(&height) {
        Ok((width, height))
    } else {
        Err(Refused::Malformed(format!("in this proportion the seal would not have {SMALLEST_MM} to {LARGEST_MM} mm")))
    }
}

/// Scales down. Colours are weighed with their alpha, or the colour of what is transparent would come in at the edges.
fn smaller(mut image: RgbaImage, wide: u32, high: u32) -> RgbaImage {
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel.0[3]);
        for value in pixel.0.iter_mut().take(3) {
            *value = ((u16::from(*value) * alpha + 127) / 255) as u8;
        }
    }
    let mut image = imageops::resize(&image, wide, high, imageops::FilterType::CatmullRom);
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel.0[3]).max(1);
        for value in pixel.0.iter_mut().take(3) {
            *value = ((u16::from(*value) * 255 + alpha / 2) / alpha).min(255) as u8;
        }
    }
    image
}
