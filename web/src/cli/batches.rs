//! Batches of requests, and the branches they go to.

use crate::api::Nothing;
use crate::api::request::{Batch, BatchList, BatchRef, BatchResult, BranchAdd, BranchList, BranchMember, BranchRef};
use crate::cli::args::{BatchCommand, BatchFile, BranchCommand, Global};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::table::Table;

/// The largest file of requests. Unit: bytes.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// `yinxin batch`.
///
/// # Errors
/// The file cannot be read, or the server refuses; rows that are not accepted are in the answer.
pub async fn batch(global: &Global, console: Console, command: BatchCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let result: BatchResult = match command {
        BatchCommand::Check(args) => client.call("batch/preview", &ask(args)?).await?,
        BatchCommand::Submit(args) => client.call("batch/submit", &ask(args)?).await?,
        BatchCommand::Show { batch } => client.call("batch/show", &BatchRef { batch: batch.to_string() }).await?,
        BatchCommand::Approve { batch } => client.call("batch/approve", &BatchRef { batch: batch.to_string() }).await?,
        BatchCommand::List => return list(&client, console).await,
    };
    console.answer(&result, || result_text(&result))
}

fn ask(args: BatchFile) -> Result<Batch, Failure> {
    let csv = String::from_utf8(file::read(&args.file, LARGEST_BATCH)?)
        .map_err(|_| Failure::Here(format!("{} is not UTF-8.", args.file.display())))?;
    let stem = || args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Batch {
        csv,
        profile: args.profile,
        branch: args.branch.map(|branch| branch.to_string()),
        name: args.name.clone().or_else(stem),
        skip_bad: args.skip_bad,
    })
}

fn result_text(result: &BatchResult) -> String {
    let mut table = Table::new(["LINE", "STATE", "SUBJECT", "REQUEST", "SERIAL", "PROBLEM OR LINK"]);
    for row in &result.rows {
        let findings: Vec<String> = row.findings.iter().map(|f| format!("{} ({})", f.lint, f.section)).collect();
        let said = row.link.clone().or_else(|| row.problem.clone()).unwrap_or_default();
        let said = if findings.is_empty() { said } else { findings.join(", ") };
        table.row([
            &row.line.to_string(),
            &row.state,
            &row.subject,
            row.request.as_deref().unwrap_or("-"),
            row.serial.as_deref().unwrap_or("-"),
            &said,
        ]);
    }
    let filed = match &result.batch {
        Some(batch) => format!("Batch {batch}: {} well, {} not.", result.good, result.bad),
        None => format!("{} rows are well, {} are not; nothing was filed.", result.good, result.bad),
    };
    format!("{table}{filed}")
}

async fn list(client: &Client, console: Console) -> Result<(), Failure> {
    let list: BatchList = client.call("batch/list", &Nothing {}).await?;
    console.answer(&list, || {
        let mut table = Table::new(["BATCH", "FILED", "BY", "REQUESTS", "OPEN", "NAME"]);
        for batch in &list.batches {
            let (requests, open) = (batch.requests.to_string(), batch.open.to_string());
            table.row([&batch.batch, &batch.at, &batch.by, &requests, &open, &batch.name]);
        }
        table.to_string()
    })
}

/// `yinxin branch`.
///
/// # Errors
/// The server refuses.
pub async fn branch(global: &Global, console: Console, command: BranchCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let member = |branch: pki_config::BranchId, officer: pki_config::OfficerId| BranchMember {
        branch: branch.to_string(),
        officer: officer.to_string(),
    };
    let list: BranchList = match command {
        BranchCommand::List => client.call("branch/list", &Nothing {}).await?,
        BranchCommand::Add { branch, name } => {
            client.call("branch/add", &BranchAdd { branch: branch.to_string(), name }).await?
        }
        BranchCommand::Close { branch } => {
            client.call("branch/close", &BranchRef { branch: branch.to_string() }).await?
        }
        BranchCommand::Join { branch, officer } => client.call("branch/join", &member(branch, officer)).await?,
        BranchCommand::Leave { branch, officer } => client.call("branch/leave", &member(branch, officer)).await?,
    };
    console.answer(&list, || {
        if list.branches.is_empty() {
            return "No branch: every officer sees every request. Open one with `yinxin branch add WORD NAME`."
                .to_owned();
        }
        let mut table = Table::new(["BRANCH", "NAME", "STATE", "WAITING", "OFFICERS"]);
        for branch in &list.branches {
            let state = if branch.open { "open" } else { "closed" };
            let (waiting, officers) = (branch.waiting.to_string(), branch.officers.join(" "));
            table.row([&branch.branch, &branch.name, state, &waiting, &officers]);
        }
        table.to_string()
    })
}
