//! `branch/*`: branches of the registration authority (受理点) and who works there.

use pki_config::role::Authorized;
use pki_config::{ErrorCode, OfficerId};

use crate::api::Nothing;
use crate::api::request::{BranchAdd, BranchInfo, BranchList, BranchMember, BranchRef};
use crate::app::App;
use crate::problem::Failure;
use crate::store;

/// `branch/list`.
pub async fn list(app: App, by: Authorized, _: Nothing) -> Result<BranchList, Failure> {
    all(&app, &by).await
}

/// `branch/add`: opens one, or opens a closed one again.
pub async fn add(app: App, by: Authorized, ask: BranchAdd) -> Result<BranchList, Failure> {
    app.ca().open_branch(&by, ask.branch.parse()?, &ask.name).await?;
    all(&app, &by).await
}

/// `branch/close`.
pub async fn close(app: App, by: Authorized, ask: BranchRef) -> Result<BranchList, Failure> {
    app.ca().close_branch(&by, ask.branch.parse()?).await?;
    all(&app, &by).await
}

/// `branch/join`.
pub async fn join(app: App, by: Authorized, ask: BranchMember) -> Result<BranchList, Failure> {
    assign(&app, &by, &ask, true).await
}

/// `branch/leave`. Who leaves the last branch sees the requests of all again.
pub async fn leave(app: App, by: Authorized, ask: BranchMember) -> Result<BranchList, Failure> {
    assign(&app, &by, &ask, false).await
}

async fn assign(app: &App, by: &Authorized, ask: &BranchMember, active: bool) -> Result<BranchList, Failure> {
    let officer: OfficerId = ask.officer.parse()?;
    let tenant = by.actor().tenant().clone();
    let officers = app.db().read(move |tx| store::all_officers(tx, &tenant)).await?;
    if !officers.iter().any(|known| known.id == officer) {
        return Err(ErrorCode::NotFound.into());
    }
    app.ca().assign(by, ask.branch.parse()?, &officer.to_string(), active).await?;
    all(app, by).await
}

async fn all(app: &App, by: &Authorized) -> Result<BranchList, Failure> {
    let branches = app.ca().branches(by.actor().tenant()).await?;
    let branches = branches.into_iter().map(|branch| BranchInfo {
        branch: branch.id.to_string(),
        name: branch.title,
        open: branch.open,
        officers: branch.officers,
        waiting: branch.waiting,
    });
    Ok(BranchList { branches: branches.collect() })
}
