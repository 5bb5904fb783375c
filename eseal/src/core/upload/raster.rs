//! PNG, JPEG, GIF, BMP. The size is read and judged before anything is unpacked.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};

use crate::core::job::Refused;

use super::{Kind, LARGEST_SIDE, MOST_PIXELS};

/// Most memory that a decoder may take. Unit: bytes.
const MOST_MEMORY: u64 = 160 << 20;

pub fn read(file: &[u8], kind: Kind) -> Result<RgbaImage, Refused> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Gif => ImageFormat::Gif,
        Kind::Bmp | Kind::Svg => ImageFormat::Bmp,
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if width > LARGEST_SIDE || height > LARGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refused::TooLarge("picture elements".to_owned()));
    }
    decoder.set_limits(limits).map_err(refused)?;
    // A telephone says in the file which way it was held.
    let turned = decoder.orientation().map_err(refused)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(turned);
    Ok(image.into_rgba8())
}

fn refused(error: image::ImageError) -> Refused {
    match error {
        image::ImageError::Limits(_) => Refused::TooLarge("picture elements".to_owned()),
        image::ImageError::Unsupported(_) => Refused::Malformed("this form of the picture is not read".to_owned()),
        _ => Refused::Malformed("the picture does not read".to_owned()),
    }
}
