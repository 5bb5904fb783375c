//! `batch/*`: many requests from one file, looked at, filed and decided together.

use ca::store::{RequestRow, RequestState};
use ca::{BatchOptions, ReadBatch};
use pki_config::name::DistinguishedName;
use pki_config::role::Authorized;
use pki_config::{ErrorCode, RequestId};
use tokio::task::JoinSet;

use crate::api::Nothing;
use crate::api::request::{Batch, BatchInfo, BatchList, BatchRef, BatchResult, BatchRow};
use crate::app::App;
use crate::auth::{Secret, SecretKind};
use crate::problem::{Failure, broken_rules};

/// Certificates made at a time, so that their signatures are computed together.
const AT_ONCE: usize = 16;

/// `batch/preview`: what each row would become. Nothing is stored.
pub async fn preview(app: App, by: Authorized, ask: Batch) -> Result<BatchResult, Failure> {
    let (read, _) = read(&app, by, ask).await?;
    Ok(result(None, String::new(), read, &[], "good"))
}

/// `batch/submit`.
pub async fn submit(app: App, by: Authorized, ask: Batch) -> Result<BatchResult, Failure> {
    let name = ask.name.clone().unwrap_or_default();
    let (mut read, secrets) = read(&app, by.clone(), ask).await?;
    match app.ca().file_batch(&by, &mut read).await {
        Ok(id) => {
            let links: Vec<String> = secrets.iter().map(|secret| app.pickup_url(secret)).collect();
            Ok(result(Some(id.to_string()), name, read, &links, "submitted"))
        }
        // The rows tell what is wrong with them; nothing was filed.
        Err(ca::Error::BadRows(_)) => Ok(result(None, name, read, &[], "good")),
        Err(error) => Err(error.into()),
    }
}

/// Reads a file on a thread of its own: a thousand signatures take a while to verify.
async fn read(app: &App, by: Authorized, ask: Batch) -> Result<(ReadBatch, Vec<Secret>), Failure> {
    let options = BatchOptions {
        profile: ask.profile.filter(|profile| !profile.is_empty()),
        branch: ask.branch.as_deref().filter(|word| !word.is_empty()).map(str::parse).transpose()?,
        title: ask.name.unwrap_or_default(),
        skip_bad: ask.skip_bad,
    };
    let app = app.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut secrets = Vec::new();
        let read = app.ca().read_batch(&by, &ask.csv, options, || {
            let secret = Secret::draw(SecretKind::Pickup, app.random())?;
            let hash = secret.hash();
            secrets.push(secret);
            Ok(hash)
        })?;
        Ok::<_, ca::Error>((read, secrets))
    });
    let done = reading.await.map_err(|gone| Failure::inside(ErrorCode::Internal, gone))?;
    Ok(done?)
}

/// `batch/list`.
pub async fn list(app: App, by: Authorized, _: Nothing) -> Result<BatchList, Failure> {
    let batches = app.ca().batches(by.actor()).await?;
    let batches = batches.into_iter().map(|batch| BatchInfo {
        batch: batch.id.to_string(),
        name: batch.title,
        by: batch.officer,
        at: batch.submitted_at.to_string(),
        requests: batch.requests,
        open: batch.open,
    });
    Ok(BatchList { batches: batches.collect() })
}

/// `batch/show`.
pub async fn show(app: App, by: Authorized, ask: BatchRef) -> Result<BatchResult, Failure> {
    let (batch, rows) = app.ca().batch(by.actor(), ask.batch.parse()?).await?;
    Ok(shown(ask.batch, batch.title, rows, &[]))
}

/// `batch/approve`: approves whatever of it the caller may approve now, each by the same rules as one by one.
pub async fn approve(app: App, by: Authorized, ask: BatchRef) -> Result<BatchResult, Failure> {
    let ca = app.issuing().await?.clone();
    let batch = ask.batch.parse()?;
    let (_, rows) = ca.batch(by.actor(), batch).await?;
    let open = rows.iter().filter(|row| matches!(row.state, RequestState::Submitted | RequestState::Reviewed));
    let mut waiting: Vec<RequestId> = open.map(|row| row.id).collect();
    waiting.reverse();
    let mut running = JoinSet::new();
    let mut problems: Vec<(RequestId, ca::Error)> = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(id) = waiting.pop()
        {
            let (ca, by) = (ca.clone(), by.clone());
            running.spawn(async move { (id, ca.approve(&by, id).await.err()) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((id, Some(error)))) => problems.push((id, error)),
            Some(Ok((_, None))) => {}
            Some(Err(gone)) => return Err(Failure::inside(ErrorCode::Internal, gone)),
        }
    }
    // Read again: what was issued has its serial now.
    let (batch, rows) = ca.batch(by.actor(), batch).await?;
    Ok(shown(ask.batch, batch.title, rows, &problems))
}

fn result(batch: Option<String>, name: String, read: ReadBatch, links: &[String], state: &str) -> BatchResult {
    let bad = read.bad();
    let good = u32::try_from(read.rows.len()).unwrap_or(u32::MAX) - bad;
    let rows = read.rows.into_iter().map(|row| {
        let request = row.request().filter(|_| batch.is_some()).map(|id| id.to_string());
        let well = row.problem.is_none();
        let link = row.invited.filter(|_| well).and_then(|place| links.get(place)).cloned();
        let invited = link.is_some();
        let (problem, findings) = match row.problem.map(Failure::from) {
            Some(failure) => said(&failure),
            None => (None, Vec::new()),
        };
        BatchRow {
            line: row.row.line,
            subject: row.row.subject,
            sans: row.row.sans,
            profile: row.profile,
            state: if !well {
                "bad"
            } else if invited {
                "invited"
            } else {
                state
            }
            .to_owned(),
            problem,
            findings,
            request,
            link,
            serial: None,
        }
    });
    let rows = rows.collect();
    BatchResult { batch, name, good, bad, rows }
}

fn shown(batch: String, name: String, rows: Vec<RequestRow>, problems: &[(RequestId, ca::Error)]) -> BatchResult {
    let of = |id: RequestId| problems.iter().find(|(other, _)| *other == id).map(|(_, error)| error);
    let rows: Vec<BatchRow> = rows
        .into_iter()
        .map(|row| {
            let problem = of(row.id);
            let findings = problem.map(broken_rules).unwrap_or_default();
            BatchRow {
                line: row.batch.map_or(0, |(_, line)| line),
                subject: DistinguishedName::from_der(&row.subject).map(|name| name.to_string()).unwrap_or_default(),
                sans: row.sans.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
                profile: row.profile,
                state: row.state.as_str().to_owned(),
                problem: problem.map(ToString::to_string).or(row.reason),
                findings,
                request: Some(row.id.to_string()),
                link: None,
                serial: row.serial.map(|serial| serial.to_string()),
            }
        })
        .collect();
    let bad = rows.iter().filter(|row| row.problem.is_some()).count();
    let (all, bad) = (u32::try_from(rows.len()).unwrap_or(u32::MAX), u32::try_from(bad).unwrap_or(u32::MAX));
    BatchResult { batch: Some(batch), name, good: all - bad, bad, rows }
}

/// What is wrong with a row, in a sentence and as rules.
fn said(failure: &Failure) -> (Option<String>, Vec<crate::api::LintFinding>) {
    let problem = failure.problem("");
    (Some(problem.detail.unwrap_or(problem.message.en)), problem.findings)
}
