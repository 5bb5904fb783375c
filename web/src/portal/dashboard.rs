//! The first page after signing in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::visitor::framed;
use super::{Visitor, page};
use crate::app::App;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage<'a> {
    visitor: &'a Visitor,
}

framed!(DashboardPage);

/// `GET /desk`.
pub(super) async fn show(State(_app): State<App>, visitor: Visitor) -> Response {
    page(&DashboardPage { visitor: &visitor })
}
