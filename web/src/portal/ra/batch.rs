//! Many requests from one CSV file: looked through first, then filed, then approved by somebody else.

use askama::Template;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pki_config::role::Permission;

use super::fields::Fields;
use super::words::{Words as _, worded};
use super::{file, form, on_to};
use crate::api::request::{Batch, BatchInfo, BatchRef, BatchResult};
use crate::api::{Nothing, Problem};
use crate::app::App;
use crate::csv;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// What shows how a file looks.
const SAMPLE: &str = "subject,sans,csr,profile,contact,method,note\r\n\
    \"CN=www.example.cn\",\"dns:www.example.cn;dns:example.cn\",,tls-server,webmaster@example.cn,domain-dns,TXT record seen\r\n\
    \"CN=张三,O=示例科技有限公司,C=CN\",email:zhangsan@example.cn,,person,zhangsan@example.cn,face-to-face,身份证已核对\r\n";

#[derive(Template)]
#[template(path = "ra/batch.html")]
struct BatchPage<'a> {
    visitor: &'a Visitor,
    batches: Vec<BatchInfo>,
    profiles: Vec<String>,
    branches: Vec<(String, String)>,
    refused: Option<Problem>,
    typed: &'a Fields,
}

worded!(BatchPage);

#[derive(Template)]
#[template(path = "ra/batch_rows.html")]
struct RowsPage<'a> {
    visitor: &'a Visitor,
    result: BatchResult,
    /// The file, while it is only looked through.
    preview: Option<&'a Batch>,
    /// Rows that hold a pick-up link, which is shown this once.
    links: usize,
    may_approve: bool,
    refused: Option<Problem>,
}

worded!(RowsPage);

/// `GET /desk/batch`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    started(&app, &visitor, &Fields::default(), None).await
}

/// `GET /desk/batch/sample.csv`.
pub(super) async fn sample(_: Visitor) -> Response {
    file("sample.csv", "text/csv; charset=utf-8", SAMPLE)
}

async fn started(app: &App, visitor: &Visitor, typed: &Fields, refused: Option<&Failure>) -> Result<Response, Failure> {
    let by = || visitor.by(Permission::ReadCertificates);
    let batches = edge::batch::list(app.clone(), by()?, Nothing {}).await?.batches;
    let branches = edge::branch::list(app.clone(), by()?, Nothing {}).await?.branches;
    let profiles = app.ca().profiles();
    let profiles = profiles.iter().filter(|p| !p.rules().internal && !p.rules().needs_ceremony);
    let mut response = page(&BatchPage {
        visitor,
        batches,
        profiles: profiles.map(|profile| profile.name().to_owned()).collect(),
        branches: branches.into_iter().filter(|one| one.open).map(|one| (one.branch, one.name)).collect(),
        refused: refused.map(|failure| failure.problem("")),
        typed,
    });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// `POST /desk/batch`: looks the file through (`step=preview`) or files it (`step=submit`).
pub(super) async fn send(State(app): State<App>, visitor: Visitor, sent: Multipart) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    let (typed, attached) = form::with_text(sent).await?;
    let ask = Batch {
        csv: attached.unwrap_or_else(|| typed.raw("csv").to_owned()),
        profile: typed.typed("profile"),
        branch: typed.typed("branch"),
        name: typed.typed("name"),
        skip_bad: typed.get("skip_bad") == "1",
    };
    if typed.get("step") == "submit" {
        return match edge::batch::submit(app.clone(), by, ask).await {
            Ok(result) => Ok(rows(&visitor, result, None, None)),
            Err(failure) => started(&app, &visitor, &typed, Some(&failure)).await,
        };
    }
    match edge::batch::preview(app.clone(), by, ask.clone()).await {
        Ok(result) => Ok(rows(&visitor, result, Some(&ask), None)),
        Err(failure) => started(&app, &visitor, &typed, Some(&failure)).await,
    }
}

fn rows(visitor: &Visitor, result: BatchResult, preview: Option<&Batch>, refused: Option<&Failure>) -> Response {
    page(&RowsPage {
        visitor,
        links: result.rows.iter().filter(|row| row.link.is_some()).count(),
        may_approve: visitor.may(Permission::ApproveRequest)
            && result.rows.iter().any(|row| matches!(row.state.as_str(), "submitted" | "reviewed")),
        refused: refused.map(|failure| failure.problem("")),
        result,
        preview,
    })
}

/// `GET /desk/batch/{batch}`; `…?format=csv` is `GET /desk/batch/{batch}/result.csv`.
pub(super) async fn one(
    State(app): State<App>,
    visitor: Visitor,
    Path(batch): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCertificates)?;
    Ok(rows(&visitor, edge::batch::show(app, by, BatchRef { batch }).await?, None, None))
}

/// `GET /desk/batch/{batch}/result.csv`: what became of each row.
pub(super) async fn export(
    State(app): State<App>,
    visitor: Visitor,
    Path(batch): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCertificates)?;
    let result = edge::batch::show(app, by, BatchRef { batch }).await?;
    let mut text = csv::row(&["line", "subject", "names", "profile", "state", "problem", "request", "serial"]);
    for row in &result.rows {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let (line, names) = (row.line.to_string(), row.sans.join(" "));
        let (problem, request, serial) = (or_none(&row.problem), or_none(&row.request), or_none(&row.serial));
        text += &csv::row(&[&line, &row.subject, &names, &row.profile, &row.state, &problem, &request, &serial]);
    }
    Ok(file("batch.csv", "text/csv; charset=utf-8", text))
}

/// `POST /desk/batch/{batch}/approve`: all rows that the visitor may approve.
pub(super) async fn approve(
    State(app): State<App>,
    visitor: Visitor,
    Path(batch): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveRequest)?;
    let address = format!("/desk/batch/{batch}");
    match edge::batch::approve(app.clone(), by, BatchRef { batch: batch.clone() }).await {
        Ok(result) if result.rows.iter().all(|row| row.problem.is_none()) => Ok(on_to(&address, "approved")),
        Ok(result) => Ok(rows(&visitor, result, None, None)),
        Err(failure) => {
            let by = visitor.by(Permission::ReadCertificates)?;
            let result = edge::batch::show(app, by, BatchRef { batch }).await?;
            Ok(rows(&visitor, result, None, Some(&failure)))
        }
    }
}
