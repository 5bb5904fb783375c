//! A page drawn, so that people see where a seal goes.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use crate::core::job::Refused;

/// Widest picture. Unit: pixels.
const WIDEST: u32 = 4_000;
/// Highest picture. Unit: pixels.
const HIGHEST: f32 = 8_000.0;

/// Draws a page (from 0), this many pixels wide.
pub fn preview(document: &[u8], page: u32, width: u32) -> Result<Vec<u8>, Refused> {
    let bad = || Refused::Malformed("its pages cannot be drawn".to_owned());
    if width == 0 || width > WIDEST {
        return Err(Refused::TooLarge("picture".to_owned()));
    }
    let pdf = Pdf::new(document.to_vec()).map_err(|_| bad())?;
    let pages = pdf.pages();
    let number = page.saturating_add(1);
    let page = usize::try_from(page).ok().and_then(|page| pages.get(page));
    let page = page.ok_or(Refused::Place(crate::core::place::BadPlace::NoSuchPage(number)))?;
    let (wide, high) = page.render_dimensions();
    if !(wide >= 1.0 && high >= 1.0 && wide.is_finite() && high.is_finite()) {
        return Err(bad());
    }
    #[allow(clippy::cast_precision_loss)]
    let scale = (width as f32 / wide).min(HIGHEST / high);
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let pixmap =
        render(page, &RenderCache::new(), &InterpreterSettings::default(), &RenderSettings::default(), &settings);
    pixmap.into_png().map_err(|_| bad())
}
