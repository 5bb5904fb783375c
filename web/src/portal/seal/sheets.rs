//! Putting a seal on documents: they are chosen, shown page by page, the seal is placed, and what comes of it is
//! downloaded. Documents stay on the shelf meanwhile.

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use eseal::core::facts::{Format, Overview};
use eseal::core::place::{PageSize, Place, Stamp, lay_out};
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::done::{Done, SealedFile};
use super::places::place;
use super::shelf::Shelf;
use super::words::{self, SealWords as _, mm, seal_worded};
use crate::api::Problem;
use crate::api::seal::{SealInfo, SealOrder, SealRef};
use crate::app::App;
use crate::edge;
use crate::portal::ra::Fields;
use crate::portal::ra::words::Words as _;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Documents at once.
const MOST_FILES: usize = 50;
/// Pages that are shown; others are named by their number.
const MOST_SHOWN: usize = 300;
/// Width of a page's picture. Unit: pixels.
const PIXELS: u32 = 900;

/// Documents that a seal is to be put on.
#[derive(Debug)]
pub(super) struct Sheet {
    seal: String,
    files: Vec<Waiting>,
}

#[derive(Debug, Clone)]
struct Waiting {
    name: String,
    content: Bytes,
    overview: Result<Overview, Problem>,
}

impl Waiting {
    /// What it is, if a seal can be put on it.
    fn fit(&self) -> Option<&Overview> {
        self.overview.as_ref().ok().filter(|overview| overview.refused.is_none())
    }
}

/// What the pages say of the seal.
pub(super) struct Brief {
    pub(super) id: String,
    pub(super) name: String,
    width: String,
    height: String,
}

impl Brief {
    pub(super) fn of(info: &SealInfo) -> Self {
        Self { id: info.id.clone(), name: info.name.clone(), width: mm(info.width), height: mm(info.height) }
    }
}

/// A page to be shown.
pub(super) struct Shown {
    pub(super) number: u32,
    pub(super) width: String,
    pub(super) height: String,
    /// Of its picture: so that the page keeps its shape while it loads.
    pub(super) pixels: (u32, u32),
}

impl Shown {
    pub(super) fn of(index: u32, size: PageSize) -> Self {
        let tall = (f64::from(PIXELS) * size.height / size.width.max(1.0)).clamp(1.0, 100_000.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let pixels = (PIXELS, tall as u32);
        Self { number: index + 1, width: format!("{:.3}", size.width), height: format!("{:.3}", size.height), pixels }
    }
}

#[derive(Template)]
#[template(path = "seal/start.html")]
struct StartPage<'a> {
    visitor: &'a Visitor,
    seal: Brief,
    limit: usize,
    refused: Option<Problem>,
}

seal_worded!(StartPage);

struct FileLine {
    name: String,
    bytes: u64,
    pages: usize,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "seal/place.html")]
struct PlacePage<'a> {
    visitor: &'a Visitor,
    seal: Brief,
    base: String,
    files: Vec<FileLine>,
    pages: Vec<Shown>,
    all: usize,
    /// The page on which the seal lies at first, from 0.
    start: usize,
    pdf: bool,
    typed: &'a Fields,
    request: String,
    refused: Option<Problem>,
}

seal_worded!(PlacePage);

pub(super) async fn info(app: &App, visitor: &Visitor, seal: &str) -> Result<SealInfo, Failure> {
    let by = visitor.by(Permission::ReadSeals)?;
    Ok(edge::seal::life::show(app.clone(), by, SealRef { seal: seal.to_owned() }).await?.info)
}

/// Whose things are on the shelf.
fn owner(visitor: &Visitor) -> Result<String, Failure> {
    Ok(visitor.officer().ok_or(ErrorCode::Unauthenticated)?.id.to_string())
}

/// The officer's thing of this name on a shelf.
pub(super) fn taken<T>(
    app: &App,
    visitor: &Visitor,
    shelf: &Shelf<T>,
    name: &str,
) -> Result<std::sync::Arc<T>, Failure> {
    let found = shelf.get(&owner(visitor)?, name, app.clock().steady());
    found.ok_or_else(|| Failure::saying(ErrorCode::NotFound, visitor.say(GONE.0, GONE.1)))
}

const GONE: (&str, &str) = (
    "文件已从内存中清除，请重新选择文件。",
    "The documents have left the server's memory meanwhile: choose them again.",
);

/// `GET /desk/seals/{seal}/use`.
pub(super) async fn start(
    State(app): State<App>,
    visitor: Visitor,
    Path(seal): Path<String>,
) -> Result<Response, Failure> {
    started(&app, &visitor, &seal, None).await
}

async fn started(app: &App, visitor: &Visitor, seal: &str, refused: Option<&Failure>) -> Result<Response, Failure> {
    let seal = Brief::of(&info(app, visitor, seal).await?);
    let limit = super::largest(app, super::DOCUMENTS) >> 20;
    let mut response = page(&StartPage { visitor, seal, limit, refused: refused.map(|failure| failure.problem("")) });
    marked(&mut response, refused);
    Ok(response)
}

/// A page that shows why something was refused says so in its status too.
fn marked(response: &mut Response, refused: Option<&Failure>) {
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
}

/// `POST /desk/seals/{seal}/use`: the documents.
pub(super) async fn upload(
    State(app): State<App>,
    visitor: Visitor,
    Path(seal): Path<String>,
    sent: Multipart,
) -> Result<Response, Failure> {
    visitor.by(Permission::UseSeal)?;
    match uploaded(&app, &visitor, &seal, sent).await {
        Ok(sheet) => Ok(Redirect::to(&format!("/desk/seals/{seal}/use/{sheet}")).into_response()),
        Err(failure) => started(&app, &visitor, &seal, Some(&failure)).await,
    }
}

async fn uploaded(app: &App, visitor: &Visitor, seal: &str, mut sent: Multipart) -> Result<String, Failure> {
    let bad = |e: axum::extract::multipart::MultipartError| Failure::saying(ErrorCode::BadRequest, e.body_text());
    let mut files = Vec::new();
    while let Some(field) = sent.next_field().await.map_err(bad)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = base_name(field.file_name().unwrap_or_default());
        let content = field.bytes().await.map_err(bad)?;
        if content.is_empty() {
            continue;
        }
        if files.len() == MOST_FILES {
            return Err(Failure::saying(ErrorCode::TooLarge, format!("at most {MOST_FILES} documents at once")));
        }
        let overview = edge::seal::inspect_bytes(app, content.clone()).await;
        files.push(Waiting { name, content, overview: overview.map_err(|failure| failure.problem("")) });
    }
    if files.is_empty() {
        return Err(Failure::saying(ErrorCode::BadRequest, visitor.say("请选择文件", "choose a document")));
    }
    let bytes = files.iter().map(|file| file.content.len()).sum();
    let sheet = Sheet { seal: seal.to_owned(), files };
    app.shelves().sheets.put(&owner(visitor)?, bytes, sheet, app.clock().steady(), app.random())
}

/// The name of a file without where it lay, of a length that pages can show.
pub(super) fn base_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let plain: String = name.chars().filter(|c| !c.is_control()).take(160).collect();
    if plain.is_empty() { "document".to_owned() } else { plain }
}

/// What the sealed document is called.
fn sealed_name(name: &str, mark: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-{mark}.{ending}"),
        _ => format!("{name}-{mark}"),
    }
}

/// `GET /desk/seals/{seal}/use/{sheet}`.
pub(super) async fn choose(
    State(app): State<App>,
    visitor: Visitor,
    Path((seal, sheet)): Path<(String, String)>,
) -> Result<Response, Failure> {
    chosen(&app, &visitor, &seal, &sheet, None).await
}

async fn chosen(
    app: &App,
    visitor: &Visitor,
    seal: &str,
    sheet: &str,
    refused: Option<(&Fields, &Failure)>,
) -> Result<Response, Failure> {
    let info = info(app, visitor, seal).await?;
    let found = taken(app, visitor, &app.shelves().sheets, sheet)?;
    let first = found.files.iter().find_map(Waiting::fit);
    let sizes = first.map_or(&[][..], |overview| &overview.pages);
    let pages = (0..).zip(sizes).take(MOST_SHOWN).map(|(index, size)| Shown::of(index, *size)).collect();
    let language = visitor.language();
    let files = found.files.iter().map(|file| FileLine {
        name: file.name.clone(),
        bytes: file.content.len() as u64,
        pages: file.overview.as_ref().map_or(0, |overview| overview.pages.len()),
        refused: match &file.overview {
            Err(problem) => Some(match &problem.detail {
                Some(detail) => format!("{} {detail}", visitor.say(&problem.message.zh, &problem.message.en)),
                None => visitor.say(&problem.message.zh, &problem.message.en).to_owned(),
            }),
            Ok(overview) => overview.refused.as_ref().map(|word| words::unsuitable(word, language)),
        },
    });
    let usual = usual(sizes, &info);
    let typed = refused.map_or(&usual, |(typed, _)| typed);
    let start = sizes.len().min(MOST_SHOWN).saturating_sub(1);
    let mut response = page(&PlacePage {
        visitor,
        seal: Brief::of(&info),
        base: format!("/desk/seals/{seal}/use/{sheet}"),
        files: files.collect(),
        pages,
        all: sizes.len(),
        start,
        pdf: found.files.iter().filter_map(Waiting::fit).any(|overview| overview.format == Format::Pdf),
        typed,
        request: app.draw_request_id(),
        refused: refused.map(|(_, failure)| failure.problem("")),
    });
    marked(&mut response, refused.map(|(_, failure)| failure));
    Ok(response)
}

/// Where a seal usually goes: to the lower right of the last page.
fn usual(pages: &[PageSize], seal: &SealInfo) -> Fields {
    let mut fields = Fields::default();
    let last = pages.get(pages.len().min(MOST_SHOWN).saturating_sub(1));
    let last = last.copied().unwrap_or(PageSize { width: 210.0, height: 297.0 });
    let x = (last.width - seal.width - 25.0).max(0.0);
    let y = (last.height - seal.height - 40.0).max(0.0);
    for (name, value) in [
        ("mode", "at".to_owned()),
        ("pages", pages.len().clamp(1, MOST_SHOWN).to_string()),
        ("x", mm(x)),
        ("y", mm(y)),
        ("edge", "right".to_owned()),
        ("margin", "0".to_owned()),
        ("form", "seal".to_owned()),
    ] {
        fields.add(name, &value);
    }
    fields
}

/// `GET /desk/seals/{seal}/use/{sheet}/{file}`: `N.png`, a page of the first document.
pub(super) async fn paper(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, sheet, name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let number: u32 = name.strip_suffix(".png").and_then(|n| n.parse().ok()).ok_or(ErrorCode::NotFound)?;
    let found = taken(&app, &visitor, &app.shelves().sheets, &sheet)?;
    let file = found.files.iter().find(|file| file.fit().is_some()).ok_or(ErrorCode::NotFound)?;
    pictured(&app, file.content.clone(), number).await
}

/// A page of a document, counted from 1.
pub(super) async fn pictured(app: &App, document: Bytes, number: u32) -> Result<Response, Failure> {
    let index = number.checked_sub(1).ok_or(ErrorCode::NotFound)?;
    Ok(super::list::picture(edge::seal::page_bytes(app, document, index, PIXELS).await?))
}

/// `POST /desk/seals/{seal}/use/{sheet}/places`: the stamps that the form asks for, for the page's script.
pub(super) async fn places(
    State(app): State<App>,
    visitor: Visitor,
    Path((seal, sheet)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Vec<Stamp>>, Failure> {
    let by = visitor.by(Permission::UseSeal)?;
    let place = place(&Fields::read(&body))?;
    let found = taken(&app, &visitor, &app.shelves().sheets, &sheet)?;
    let file = found.files.iter().find(|file| file.fit().is_some()).ok_or(ErrorCode::NotFound)?;
    if matches!(place, Place::Keyword { .. }) {
        // Only who reads the document knows where a text stands.
        let stamps = edge::seal::stamps_bytes(&app, &by, &seal, vec![place], file.content.clone()).await?;
        return Ok(Json(stamps));
    }
    let info = info(&app, &visitor, &seal).await?;
    let sizes = file.fit().map_or(&[][..], |overview| &overview.pages);
    let laid = lay_out(&[place], sizes, (info.width, info.height), &mut |_, _| Ok(Vec::new()));
    laid.map(Json).map_err(|refused| eseal::Error::from(eseal::Failed::Refused(refused)).into())
}

/// `POST /desk/seals/{seal}/use/{sheet}`: puts it on.
pub(super) async fn seal(
    State(app): State<App>,
    visitor: Visitor,
    Path((seal, sheet)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Failure> {
    let typed = Fields::read(&body);
    match sealed(&app, &visitor, &seal, &sheet, &typed).await {
        Ok(done) => Ok(Redirect::to(&format!("/desk/seals/{seal}/done/{done}")).into_response()),
        Err(failure) => chosen(&app, &visitor, &seal, &sheet, Some((&typed, &failure))).await,
    }
}

async fn sealed(app: &App, visitor: &Visitor, seal: &str, sheet: &str, typed: &Fields) -> Result<String, Failure> {
    let by = visitor.by(Permission::UseSeal)?;
    let found = taken(app, visitor, &app.shelves().sheets, sheet)?;
    if found.seal != seal {
        return Err(ErrorCode::NotFound.into());
    }
    let place = place(typed)?;
    let form = match typed.get("form") {
        "" => None,
        word => Some(word_of(word).ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "form"))?),
    };
    let request = typed.get("request");
    let mark = visitor.say("已盖章", "sealed");
    let mut files = Vec::new();
    for (number, file) in (1..).zip(&found.files) {
        let Some(overview) = file.fit() else {
            let problem = match &file.overview {
                Err(problem) => problem.clone(),
                Ok(overview) => {
                    let why = words::unsuitable(overview.refused.as_deref().unwrap_or_default(), visitor.language());
                    Failure::saying(ErrorCode::DocumentRefused, why).problem("")
                }
            };
            files.push((file.name.clone(), Err(problem)));
            continue;
        };
        let order = SealOrder {
            seal: seal.to_owned(),
            places: vec![place.clone()],
            // OFD knows one form.
            form: form.filter(|_| overview.format == Format::Pdf),
            reason: typed.typed("reason").filter(|_| overview.format == Format::Pdf),
            location: typed.typed("location").filter(|_| overview.format == Format::Pdf),
            request: (!request.is_empty()).then(|| format!("{request}.{number}")),
            name: Some(file.name.clone()),
            ..SealOrder::default()
        };
        let tried = edge::seal::sign_bytes(app, &by, order, file.content.clone()).await;
        let tried = tried.map(|(receipt, content)| SealedFile {
            name: sealed_name(&file.name, mark),
            content: content.into(),
            receipt,
            pages: overview.pages.clone(),
        });
        // One document alone: what is wrong is said where it can be mended.
        match tried {
            Err(failure) if found.files.len() == 1 => return Err(failure),
            tried => files.push((file.name.clone(), tried.map_err(|failure| failure.problem("")))),
        }
    }
    let bytes = files.iter().filter_map(|(_, file)| file.as_ref().ok()).map(|file| file.content.len()).sum();
    let done = Done { seal: seal.to_owned(), files };
    app.shelves().done.put(&owner(visitor)?, bytes, done, app.clock().steady(), app.random())
}

fn word_of(word: &str) -> Option<eseal::core::order::Form> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_loses_its_folders_and_keeps_its_ending() {
        assert_eq!(base_name("C:\\temp\\合同.pdf"), "合同.pdf");
        assert_eq!(base_name("../../etc/passwd"), "passwd");
        assert_eq!(base_name("a\r\nb"), "ab");
        assert_eq!(base_name("/"), "document");
        assert_eq!(sealed_name("合同.v2.pdf", "已盖章"), "合同.v2-已盖章.pdf");
        assert_eq!(sealed_name("合同", "sealed"), "合同-sealed");
        assert_eq!(sealed_name(".pdf", "sealed"), ".pdf-sealed");
    }

    #[test]
    fn a_seal_lies_at_first_on_the_last_page_to_the_lower_right_and_never_off_it() {
        let info = SealInfo {
            id: String::new(),
            name: String::new(),
            owner: String::new(),
            kind: "official".into(),
            state: "enabled".into(),
            since: String::new(),
            reason: None,
            valid_from: None,
            valid_until: String::new(),
            width: 42.0,
            height: 42.0,
            house_key: true,
            version: 1,
            applied: String::new(),
        };
        let a4 = PageSize { width: 210.0, height: 297.0 };
        let fields = usual(&[a4; 3], &info);
        // 210 - 42 - 25 and 297 - 42 - 40.
        assert_eq!((fields.get("pages"), fields.get("x"), fields.get("y")), ("3", "143", "215"));
        let label = PageSize { width: 60.0, height: 40.0 };
        let fields = usual(&[label], &info);
        assert_eq!((fields.get("pages"), fields.get("x"), fields.get("y")), ("1", "0", "0"));
    }
}
