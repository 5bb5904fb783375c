//! `seal/*`: seals and their life (`seal/life.rs`), seals on documents (`seal/sign.rs`), what documents bear
//! (`seal/verify.rs`), and the same calls with documents as files (`seal/multipart.rs`).
//!
//! Here are pictures and what all of these share. Strangers' documents and pictures are never read in this process.

pub mod life;
pub mod multipart;
pub mod sign;
pub mod verify;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal::core::draw::{self, Colour, Design, Kind, Style};
use eseal::core::facts::Overview;
use eseal::core::font::Fonts;
use eseal::core::job::{Done, Job};
use eseal::core::picture::Picture;
use eseal::core::upload;
use pki_config::ErrorCode;
use pki_config::role::Authorized;

use super::base64;
use crate::api::seal::{DocumentAsk, DrawnAsk, FileAnswer, PageAsk, PictureAsk, PictureInfo, UploadAsk};
use crate::app::App;
use crate::problem::Failure;

pub use sign::{sign_bytes, stamps_bytes};
pub use verify::{admitted, report_bytes, status_of, verify_bytes};

/// Largest picture file that is taken. Unit: bytes.
const LARGEST_UPLOAD: usize = 4 << 20;

/// `seal/picture`.
pub async fn picture(app: App, _: Authorized, ask: PictureAsk) -> Result<PictureInfo, Failure> {
    let picture = made(&app, ask, "").await?;
    Ok(PictureInfo { png: base64(&picture.png), width: picture.width, height: picture.height })
}

/// The picture that was asked for; `name` stands in it where the drawing names none.
pub(super) async fn made(app: &App, ask: PictureAsk, name: &str) -> Result<Picture, Failure> {
    match ask {
        PictureAsk::Drawn(drawn) => {
            let design = design(drawn, name)?;
            // Tens of milliseconds of arithmetic, and no octet of a stranger's.
            let drawn = tokio::task::spawn_blocking(move || draw::draw(&design, &Fonts::embedded()));
            let drawing = drawn.await.map_err(|e| Failure::inside(ErrorCode::Internal, e))?.map_err(bad_picture)?;
            Ok(drawing.picture())
        }
        PictureAsk::Upload(UploadAsk { data, width, height }) => {
            if data.len() > LARGEST_UPLOAD.div_ceil(3) * 4 + 4 {
                return Err(Failure::saying(ErrorCode::TooLarge, "a picture has at most 4 MiB"));
            }
            let ask = upload::Ask { width: whole(width)?, height: whole(height)?, clear: true };
            match app.eseal()?.workshop().run(Job::Picture(ask), decoded(&data, "data")?).await {
                Ok(Done::Picture(picture)) => Ok(picture),
                Ok(_) => Err(ErrorCode::WorkshopFailed.into()),
                Err(eseal::Failed::Refused(why)) => Err(bad_picture(why)),
                Err(other) => Err(eseal::Error::from(other).into()),
            }
        }
    }
}

fn bad_picture(why: eseal::core::job::Refused) -> Failure {
    Failure::saying(ErrorCode::PictureRefused, eseal::error::sentence(&why))
}

fn design(ask: DrawnAsk, name: &str) -> Result<Design, Failure> {
    let DrawnAsk { shape, text, line, number, code, star, white, yin, colour, width, height } = ask;
    let bad = |why: &str| Failure::saying(ErrorCode::PictureRefused, why);
    let kind = if shape == "invoice" { Ok(Kind::Oval) } else { shape.parse::<Kind>() };
    let kind = kind.map_err(|()| bad("shape is none of round, oval, square, personal, rectangle, invoice"))?;
    let text = text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| name.to_owned());
    let colour = colour.map(|colour| colour.parse::<Colour>()).transpose().map_err(|why| bad(&why))?;
    let line = if yin == Some(false) && line.is_none() { Some(String::new()) } else { line };
    Ok(Design {
        line,
        number,
        code,
        star,
        width: whole(width)?,
        height: whole(height)?,
        colour: colour.unwrap_or_default(),
        style: if white { Style::Sunk } else { Style::Raised },
        ..Design::new(kind, text.trim())
    })
}

/// Whole millimetres: a seal has no others.
fn whole(length: Option<f64>) -> Result<Option<u32>, Failure> {
    let Some(length) = length else { return Ok(None) };
    let rounded = length.round();
    if (1.0..=200.0).contains(&rounded) {
        Ok(Some(rounded as u32))
    } else {
        Err(Failure::saying(ErrorCode::PictureRefused, "a seal is 1 to 200 mm wide and high"))
    }
}

/// `seal/inspect`.
pub async fn inspect(app: App, _: Authorized, ask: DocumentAsk) -> Result<Overview, Failure> {
    inspect_bytes(&app, decoded(&ask.document, "document")?.into()).await
}

/// What a document is, without judging what it bears.
///
/// # Errors
/// `DOCUMENT_REFUSED` and its kin.
pub async fn inspect_bytes(app: &App, document: Bytes) -> Result<Overview, Failure> {
    match app.eseal()?.workshop().run(Job::Inspect, document).await.map_err(eseal::Error::from)? {
        Done::Overview(overview) => Ok(overview),
        _ => Err(ErrorCode::WorkshopFailed.into()),
    }
}

/// `seal/page`.
pub async fn page(app: App, _: Authorized, ask: PageAsk) -> Result<FileAnswer, Failure> {
    let page = ask.page.checked_sub(1).ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "pages count from 1"))?;
    let width = ask.width.unwrap_or(1000);
    let png = page_bytes(&app, decoded(&ask.document, "document")?.into(), page, width).await?;
    Ok(FileAnswer { kind: "image/png".to_owned(), data: base64(&png) })
}

/// A picture (PNG) of a page, from 0.
///
/// # Errors
/// `DOCUMENT_REFUSED` and its kin.
pub async fn page_bytes(app: &App, document: Bytes, page: u32, width: u32) -> Result<Vec<u8>, Failure> {
    if !(16..=4_000).contains(&width) {
        return Err(Failure::saying(ErrorCode::BadRequest, "width is not between 16 and 4,000"));
    }
    let done = app.eseal()?.workshop().run(Job::Preview { page, width }, document).await;
    match done.map_err(eseal::Error::from)? {
        Done::Png(png) => Ok(png),
        _ => Err(ErrorCode::WorkshopFailed.into()),
    }
}

/// Base64 as it stands in JSON.
fn decoded(text: &str, what: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(text.trim()).map_err(|_| Failure::saying(ErrorCode::BadRequest, format!("{what} is not base64")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_takes_the_name_of_the_application_and_whole_millimetres() {
        let ask = DrawnAsk { shape: "round".into(), width: Some(41.6), ..DrawnAsk::default() };
        let design = design(ask, "示例公司").unwrap();
        assert_eq!((design.name.as_str(), design.width, design.style), ("示例公司", Some(42), Style::Raised));
        let ask =
            DrawnAsk { shape: "personal".into(), text: Some("王小明".into()), white: true, ..DrawnAsk::default() };
        assert_eq!(super::design(ask, "其他").unwrap().style, Style::Sunk);
    }

    #[test]
    fn a_shape_a_colour_or_a_length_that_makes_no_sense_is_refused() {
        let round = || DrawnAsk { shape: "round".into(), text: Some("x".into()), ..DrawnAsk::default() };
        for bad in [
            DrawnAsk { shape: "star".into(), ..round() },
            DrawnAsk { colour: Some("red".into()), ..round() },
            DrawnAsk { width: Some(0.2), ..round() },
            DrawnAsk { height: Some(f64::NAN), ..round() },
        ] {
            assert_eq!(design(bad, "x").unwrap_err().code(), ErrorCode::PictureRefused);
        }
    }
}
