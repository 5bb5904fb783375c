//! What came of putting a seal on documents: shown, and to be downloaded while it stays on the shelf.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use eseal::core::facts::Format;
use eseal::core::place::PageSize;
use pki_config::ErrorCode;

use super::sheets::{Brief, Shown, info, pictured, taken};
use super::words::seal_worded;
use crate::api::Problem;
use crate::api::seal::SealReceipt;
use crate::app::App;
use crate::edge::hex;
use crate::portal::ra::file;
use crate::portal::ra::words::Words as _;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Pages of a sealed document that are shown.
const MOST_SEALED: usize = 12;

/// What came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) seal: String,
    pub(super) files: Vec<(String, Result<SealedFile, Problem>)>,
}

/// A document with its seal.
#[derive(Debug)]
pub(super) struct SealedFile {
    pub(super) name: String,
    pub(super) content: Bytes,
    pub(super) receipt: SealReceipt,
    pub(super) pages: Vec<PageSize>,
}

struct SealedLine {
    number: usize,
    name: String,
    problem: Option<Problem>,
    done: Option<SealedView>,
}

struct SealedView {
    name: String,
    address: String,
    bytes: u64,
    sm3: String,
    facts: Vec<(&'static str, String)>,
    pages: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "seal/sealed.html")]
struct SealedPage<'a> {
    visitor: &'a Visitor,
    seal: Brief,
    base: String,
    files: Vec<SealedLine>,
}

seal_worded!(SealedPage);

impl SealedPage<'_> {
    fn all_failed(&self) -> bool {
        self.files.iter().all(|file| file.done.is_none())
    }
}

/// `GET /desk/seals/{seal}/done/{done}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((seal, done)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found = taken(&app, &visitor, &app.shelves().done, &done)?;
    if found.seal != seal {
        return Err(ErrorCode::NotFound.into());
    }
    let seal = Brief::of(&info(&app, &visitor, &seal).await?);
    let base = format!("/desk/seals/{}/done/{done}", seal.id);
    let files = (1..).zip(&found.files).map(|(number, (name, file))| SealedLine {
        number,
        name: name.clone(),
        problem: file.as_ref().err().cloned(),
        done: file.as_ref().ok().map(|file| view(&visitor, file)),
    });
    Ok(page(&SealedPage { visitor: &visitor, seal, base, files: files.collect() }))
}

fn view(visitor: &Visitor, file: &SealedFile) -> SealedView {
    let mut numbers: Vec<u32> = file.receipt.stamps.iter().map(|stamp| stamp.page).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let shown = numbers.iter().take(MOST_SEALED).filter_map(|index| {
        let size = file.pages.get(usize::try_from(*index).ok()?)?;
        Some(Shown::of(*index, *size))
    });
    let mut facts = vec![
        (visitor.language().say("签章时间", "Signed"), crate::portal::words::second(&file.receipt.at)),
        (visitor.language().say("请求编号", "Request"), file.receipt.request.clone()),
        (visitor.language().say("审计日志", "Log entry"), file.receipt.audit_seq.to_string()),
    ];
    if let Some(time) = &file.receipt.time_stamp {
        facts.insert(1, (visitor.language().say("时间戳", "Time-stamp"), crate::portal::words::second(time)));
    }
    SealedView {
        address: crate::portal::escaped(&file.name).replace('/', "%2F"),
        name: file.name.clone(),
        bytes: file.content.len() as u64,
        sm3: hex(&engine::sm3::hash(&file.content)),
        facts,
        pages: shown.collect(),
    }
}

/// `GET /desk/seals/{seal}/done/{done}/{number}/{file}`: the document, or `page-N.png`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path((_, done, number, name)): Path<(String, String, usize, String)>,
) -> Result<Response, Failure> {
    let found = taken(&app, &visitor, &app.shelves().done, &done)?;
    let place = number.checked_sub(1).ok_or(ErrorCode::NotFound)?;
    let (_, sealed) = found.files.get(place).ok_or(ErrorCode::NotFound)?;
    let sealed = sealed.as_ref().map_err(|_| ErrorCode::NotFound)?;
    if name == sealed.name {
        let kind = match Format::of(&sealed.content) {
            Some(Format::Pdf) => "application/pdf",
            _ => "application/ofd",
        };
        return Ok(file(&sealed.name, kind, sealed.content.clone()));
    }
    let number = name.strip_prefix("page-").and_then(|rest| rest.strip_suffix(".png"));
    let number: u32 = number.and_then(|n| n.parse().ok()).ok_or(ErrorCode::NotFound)?;
    pictured(&app, sealed.content.clone(), number).await
}
