//! The application for a seal, with its picture as it is described.

use askama::Template;
use axum::extract::{Multipart, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::words::{SealWords as _, mm, seal_worded};
use crate::api::Problem;
use crate::api::request::EvidenceFile;
use crate::api::seal::{DrawnAsk, PictureAsk, SealApply, UploadAsk};
use crate::app::App;
use crate::edge;
use crate::portal::ra::{Fields, form, on_to};
use crate::portal::{Visitor, page};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "seal/apply.html")]
struct ApplyPage<'a> {
    visitor: &'a Visitor,
    typed: &'a Fields,
    refused: Option<Problem>,
}

seal_worded!(ApplyPage);

impl ApplyPage<'_> {
    fn shape(&self, shape: &str) -> bool {
        let chosen = self.typed.get("shape");
        chosen == shape || chosen.is_empty() && shape == "round"
    }
}

fn shown(visitor: &Visitor, typed: &Fields, refused: Option<&Failure>) -> Response {
    let mut response = page(&ApplyPage { visitor, typed, refused: refused.map(|failure| failure.problem("")) });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    response
}

/// `GET /desk/seals/new`.
pub(super) async fn show(visitor: Visitor) -> Response {
    shown(&visitor, &Fields::default(), None)
}

/// `POST /desk/seals/new`. What cannot be filed comes back as it was typed, with the reason above it.
pub(super) async fn send(State(app): State<App>, visitor: Visitor, sent: Multipart) -> Result<Response, Failure> {
    let (typed, attached) = form::with_file(sent).await?;
    match filed(&app, &visitor, &typed, attached).await {
        Ok(seal) => Ok(on_to(&format!("/desk/seals/{seal}"), "seal-applied")),
        Err(failure) => Ok(shown(&visitor, &typed, Some(&failure))),
    }
}

async fn filed(
    app: &App,
    visitor: &Visitor,
    typed: &Fields,
    attached: Option<EvidenceFile>,
) -> Result<String, Failure> {
    let by = visitor.by(Permission::RequestSeal)?;
    let valid_until = typed.typed("until").map(|day| if day.len() == 10 { format!("{day}T15:59:59Z") } else { day });
    let ask = SealApply {
        name: typed.get("name").to_owned(),
        kind: typed.typed("kind"),
        owner: typed.typed("owner"),
        picture: asked(typed, attached)?,
        valid_until,
        holders: Vec::new(),
        holders_by_digest: false,
        users: Vec::new(),
        note: typed.typed("note"),
    };
    Ok(edge::seal::life::apply(app.clone(), by, ask).await?.info.id)
}

/// `POST /desk/seals/preview`: the picture, PNG, and its size in the header `X-Seal-Mm`; or why there is none yet.
pub(super) async fn preview(State(app): State<App>, visitor: Visitor, sent: Multipart) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestSeal)?;
    let (typed, attached) = form::with_file(sent).await?;
    let drawn = match asked(&typed, attached) {
        Ok(ask) => edge::seal::picture(app, by, ask).await,
        Err(failure) => Err(failure),
    };
    let drawn = match drawn {
        Ok(drawn) => drawn,
        // Nothing went wrong: somebody is typing.
        Err(failure) if matches!(failure.code(), ErrorCode::PictureRefused | ErrorCode::BadRequest) => {
            return Ok(axum::Json(failure.problem("")).into_response());
        }
        Err(failure) => return Err(failure),
    };
    let png = STANDARD.decode(&drawn.png).map_err(|error| Failure::inside(ErrorCode::Internal, error))?;
    let mut response =
        ([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")], png).into_response();
    if let Ok(size) = HeaderValue::try_from(format!("{}x{}", mm(drawn.width), mm(drawn.height))) {
        response.headers_mut().insert(HeaderName::from_static("x-seal-mm"), size);
    }
    Ok(response)
}

/// The picture that the form describes.
fn asked(typed: &Fields, attached: Option<EvidenceFile>) -> Result<PictureAsk, Failure> {
    let length = |name: &str| -> Result<Option<f64>, Failure> {
        let number = typed.typed(name).map(|text| text.parse::<f64>().ok().filter(|mm| mm.is_finite() && *mm > 0.0));
        number.map(|mm| mm.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, name))).transpose()
    };
    if typed.get("how") == "upload" {
        let file = attached.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "file"))?;
        let (width, height) = (length("width")?, length("height")?);
        return Ok(PictureAsk::Upload(UploadAsk { data: file.content, width, height }));
    }
    let shape = typed.typed("shape").unwrap_or_else(|| "round".to_owned());
    let personal = shape == "personal";
    Ok(PictureAsk::Drawn(DrawnAsk {
        text: ["text", "owner", "name"].into_iter().find_map(|field| typed.typed(field)),
        line: typed.typed("line").filter(|_| !personal),
        number: typed.typed("number").filter(|_| shape == "oval"),
        code: typed.typed("code").filter(|_| matches!(shape.as_str(), "round" | "oval")),
        white: personal && typed.get("carving") == "white",
        width: length("mm")?,
        shape,
        ..DrawnAsk::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, value));
        fields
    }

    fn drawn(pairs: &[(&str, &str)]) -> DrawnAsk {
        match asked(&typed(pairs), None).unwrap() {
            PictureAsk::Drawn(drawn) => drawn,
            PictureAsk::Upload(_) => panic!("it was to be drawn"),
        }
    }

    #[test]
    fn a_seal_shows_its_owner_unless_other_words_are_given() {
        assert_eq!(drawn(&[("owner", "甲公司"), ("name", "甲公司公章")]).text.as_deref(), Some("甲公司"));
        assert_eq!(drawn(&[("owner", "甲公司"), ("text", "甲")]).text.as_deref(), Some("甲"));
        assert_eq!(drawn(&[]).shape, "round");
    }

    #[test]
    fn fields_of_another_shape_are_not_taken_over() {
        let personal = drawn(&[("shape", "personal"), ("line", "合同专用章"), ("code", "1234"), ("carving", "white")]);
        assert!(personal.white && personal.line.is_none() && personal.code.is_none());
        let round = drawn(&[("shape", "round"), ("line", "合同专用章"), ("carving", "white"), ("mm", "42")]);
        assert_eq!((round.white, round.line.as_deref(), round.width), (false, Some("合同专用章"), Some(42.0)));
    }

    #[test]
    fn a_length_that_is_none_and_a_picture_that_is_missing_are_refused() {
        for bad in ["0", "-3", "NaN", "wide"] {
            assert!(asked(&typed(&[("mm", bad)]), None).is_err(), "{bad}");
        }
        assert!(asked(&typed(&[("how", "upload")]), None).is_err());
        let file = EvidenceFile { name: "a.png".into(), content: "QQ==".into() };
        assert!(matches!(asked(&typed(&[("how", "upload")]), Some(file)), Ok(PictureAsk::Upload(_))));
    }
}
