//! Branches (受理点): offices whose officers see and decide their own requests.

use std::collections::HashMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use pki_config::role::Permission;

use super::fields::Fields;
use super::on_to;
use super::words::worded;
use crate::api::request::{BranchAdd, BranchInfo, BranchMember, BranchRef};
use crate::api::{Nothing, OfficerInfo};
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "ra/branches.html")]
struct BranchesPage<'a> {
    visitor: &'a Visitor,
    branches: Vec<BranchInfo>,
    /// Who could join one.
    officers: Vec<OfficerInfo>,
    names: HashMap<String, String>,
    may_manage: bool,
}

worded!(BranchesPage);

impl BranchesPage<'_> {
    fn name(&self, officer: &str) -> String {
        self.names.get(officer).cloned().unwrap_or_else(|| officer.to_owned())
    }
}

/// `GET /desk/branches`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCertificates)?;
    let branches = edge::branch::list(app.clone(), by, Nothing {}).await?.branches;
    // Names of officers are for those who may read them; others see identifiers.
    let officers = match visitor.by(Permission::ReadOfficers) {
        Ok(by) => edge::officer::list(app, by, Nothing {}).await?.officers,
        Err(_) => Vec::new(),
    };
    let names = officers.iter().map(|one| (one.officer.clone(), one.name.clone())).collect();
    let officers = officers.into_iter().filter(|one| one.state == "active" && one.role == "ra-officer").collect();
    let may_manage = visitor.may(Permission::ManageBranches);
    Ok(page(&BranchesPage { visitor: &visitor, branches, officers, names, may_manage }))
}

/// `POST /desk/branches`.
pub(super) async fn add(State(app): State<App>, visitor: Visitor, body: Bytes) -> Result<Response, Failure> {
    let (fields, by) = (Fields::read(&body), visitor.by(Permission::ManageBranches)?);
    let ask = BranchAdd { branch: fields.get("branch").to_owned(), name: fields.get("name").to_owned() };
    edge::branch::add(app, by, ask).await?;
    Ok(on_to("/desk/branches", "added"))
}

/// `POST /desk/branches/{branch}/close`.
pub(super) async fn close(
    State(app): State<App>,
    visitor: Visitor,
    Path(branch): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageBranches)?;
    edge::branch::close(app, by, BranchRef { branch }).await?;
    Ok(on_to("/desk/branches", "saved"))
}

/// `POST /desk/branches/{branch}/join`.
pub(super) async fn join(
    State(app): State<App>,
    visitor: Visitor,
    Path(branch): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageBranches)?;
    let officer = Fields::read(&body).get("officer").to_owned();
    edge::branch::join(app, by, BranchMember { branch, officer }).await?;
    Ok(on_to("/desk/branches", "added"))
}

/// `POST /desk/branches/{branch}/leave`.
pub(super) async fn leave(
    State(app): State<App>,
    visitor: Visitor,
    Path(branch): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageBranches)?;
    let officer = Fields::read(&body).get("officer").to_owned();
    edge::branch::leave(app, by, BranchMember { branch, officer }).await?;
    Ok(on_to("/desk/branches", "removed"))
}
