//! Takes the paper away from a scanned or photographed seal.
//!
//! The paper's colour is the commonest light one along the edges. How much ink there is at a place is how far its colour is from
//! the paper's, and its own colour is what remains without the paper's share, so soft edges stay soft. Where there is
//! red ink it is the seal, and what is not red (a shadow, print under the seal) goes with the paper.

use image::{Rgba, RgbaImage};

use crate::core::job::Refused;

use super::unsuitable;

/// Below this share a place is paper: grain, JPEG's ringing.
const PAPER: f32 = 0.14;
/// From this share on it is all ink.
const INK: f32 = 0.62;

/// Makes what is paper transparent.
pub fn take_away(image: &mut RgbaImage) -> Result<(), Refused> {
    let paper = paper(image)
        .ok_or_else(|| unsuitable("no-paper", "the edges of the picture are not light paper; send it with alpha"))?;
    let (mut inked, mut red) = (0_u64, 0_u64);
    for pixel in image.pixels() {
        if share(pixel, paper) > 0.3 {
            inked += 1;
            red += u64::from(redness(pixel) > 0.35);
        }
    }
    let all = u64::from(image.width()) * u64::from(image.height());
    if inked * 1_000 < all {
        return Err(unsuitable("empty", "there is no ink in the picture"));
    }
    if inked * 10 > all * 9 {
        return Err(unsuitable("no-paper", "there is no paper in the picture; send it with alpha"));
    }
    // Grain and warm light are less than this; the smallest seal on a page is more.
    let red = red * 200 > all;
    for pixel in image.pixels_mut() {
        let mut ink = ((share(pixel, paper) - PAPER) / (INK - PAPER)).clamp(0.0, 1.0);
        if red {
            ink *= ((redness(pixel) - 0.06) / 0.2).clamp(0.0, 1.0);
        }
        *pixel = without(pixel, paper, ink);
    }
    Ok(())
}

/// The commonest light colour along the edges, refined to the mean of what is like it; none if hardly any is light.
fn paper(image: &RgbaImage) -> Option<[f32; 3]> {
    let (width, height) = image.dimensions();
    let band = (width.min(height) / 50).max(1);
    let mut bins = vec![(0_u32, [0_u64; 3]); 4_096];
    for (x, y, pixel) in image.enumerate_pixels() {
        if x < band || y < band || x + band >= width || y + band >= height {
            let [r, g, b, _] = pixel.0;
            let bin = usize::from(r >> 4) << 8 | usize::from(g >> 4) << 4 | usize::from(b >> 4);
            if let Some((count, sums)) = bins.get_mut(bin) {
                *count += 1;
                sums.iter_mut().zip([r, g, b]).for_each(|(sum, value)| *sum += u64::from(value));
            }
        }
    }
    let edges: u64 = bins.iter().map(|(count, _)| u64::from(*count)).sum();
    let means = bins.into_iter().map(|(count, sums)| (count, sums.map(|sum| sum as f32 / count.max(1) as f32)));
    let light = means.filter(|(_, mean)| mean.iter().all(|value| *value >= 96.0));
    let (count, mean) = light.max_by_key(|(count, _)| *count)?;
    (u64::from(count) * 20 > edges).then_some(mean)
}

/// The least share of ink that makes this colour of the paper's.
fn share(pixel: &Rgba<u8>, paper: [f32; 3]) -> f32 {
    let [r, g, b, _] = pixel.0;
    let of = |value: u8, paper: f32| (paper - f32::from(value)) / paper.max(1.0);
    of(r, paper[0]).max(of(g, paper[1])).max(of(b, paper[2])).clamp(0.0, 1.0)
}

/// How much more red there is than green and blue.
fn redness(pixel: &Rgba<u8>) -> f32 {
    let [r, g, b, _] = pixel.0.map(f32::from);
    (r - g.max(b)) / r.max(1.0)
}

/// The colour without the paper's share.
fn without(pixel: &Rgba<u8>, paper: [f32; 3], ink: f32) -> Rgba<u8> {
    if ink <= 0.0 {
        return Rgba([0, 0, 0, 0]);
    }
    let [r, g, b, _] = pixel.0;
    let of = |value: u8, paper: f32| ((f32::from(value) - (1.0 - ink) * paper) / ink).round().clamp(0.0, 255.0) as u8;
    Rgba([of(r, paper[0]), of(g, paper[1]), of(b, paper[2]), (ink * 255.0).round() as u8])
}
