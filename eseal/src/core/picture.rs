//! The picture of a seal.

use serde::{Deserialize, Serialize};

use super::job::Refused;

/// Longest side of a seal. Unit: mm. (The largest seal in use, of the State Council's departments, has 50.)
pub const LARGEST_MM: f64 = 200.0;

/// A picture ready to be put on pages: a PNG with alpha, and how large it is on paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// PNG, 8 bits, RGBA.
    #[serde(with = "serde_bytes")]
    pub png: Vec<u8>,
    /// Width. Unit: mm.
    pub width: f64,
    /// Height. Unit: mm.
    pub height: f64,
}

/// A PNG of 8-bit RGBA, not premultiplied, that knows its size on paper.
pub(crate) fn png(rgba: &[u8], width: u32, height: u32, dpi: Option<u32>) -> Result<Vec<u8>, Refused> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_pixel_dims(dpi.map(|dpi| {
        let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
        png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }
    }));
    let failed = |_| Refused::TooLarge("picture".to_owned());
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgba).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}
