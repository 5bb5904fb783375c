//! The one table of pages: method, path, who may, handler. The router is made from it, and a test walks it
//! against every kind of caller. What is checked before a handler runs stands in [`super::guard`].

use std::sync::LazyLock;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};
use pki_config::role::Permission;

use super::dashboard;
use super::guard::{Rule, guard};
use crate::app::App;

/// Who may see a page or send its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAccess {
    /// Everybody.
    Open,
    /// Every officer.
    SignedIn,
    /// Officers whose role grants this.
    Needs(Permission),
}

/// The largest form. Unit: bytes.
const FORM: usize = 256 * 1024;

/// One line of the table.
pub struct Row {
    /// GET (and HEAD), or POST.
    pub method: Method,
    /// As the router reads it.
    pub path: &'static str,
    /// Who may.
    pub access: PageAccess,
    /// Whether plain http has it too. Only open pages can be.
    pub at_http: bool,
    body: usize,
    handler: MethodRouter<App>,
}

impl Row {
    /// At both doors: for what is public.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.at_http = self.access == PageAccess::Open;
        self
    }

    /// Takes forms of up to `bytes`.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.body = bytes;
        // What reads forms has a limit of its own, which would be in the way.
        self.handler = self.handler.layer(axum::extract::DefaultBodyLimit::max(bytes));
        self
    }
}

/// A page.
pub(super) fn show<H, T>(path: &'static str, access: PageAccess, handler: H) -> Row
where
    H: Handler<T, App>,
    T: 'static,
{
    Row { method: Method::GET, path, access, at_http: false, body: 0, handler: get(handler) }
}

/// What a form does. The form carries the visitor's `csrf`; the answer is a redirect.
pub(super) fn act<H, T>(path: &'static str, access: PageAccess, handler: H) -> Row
where
    H: Handler<T, App>,
    T: 'static,
{
    Row { method: Method::POST, path, access, at_http: false, body: FORM, handler: post(handler) }
}

/// Every page.
#[must_use]
pub fn rows() -> Vec<Row> {
    #[allow(unused_imports, reason = "for the rows to come")]
    use PageAccess::{Needs, Open, SignedIn};
    #[allow(unused_imports, reason = "for the rows to come")]
    use Permission as P;
    let mut rows = vec![show("/desk", SignedIn, dashboard::show)];
    rows.extend(super::ra::rows());
    rows.extend(super::house::rows());
    rows
}

static ACCESS: LazyLock<Vec<(&'static str, PageAccess)>> = LazyLock::new(|| {
    rows().into_iter().filter(|row| row.method == Method::GET).map(|row| (row.path, row.access)).collect()
});

/// Who may see the page at this path; `None` if there is none.
pub(super) fn access_of(path: &str) -> Option<PageAccess> {
    ACCESS.iter().find(|(known, _)| *known == path).map(|(_, access)| *access)
}

/// The pages of a door: all over https, the open ones that say so over plain http.
pub(crate) fn routes(app: &App, https: bool) -> Router {
    let mut router = Router::new();
    for row in rows().into_iter().filter(|row| https || row.at_http) {
        let rule = Rule { app: app.clone(), access: row.access, https, body: row.body };
        router = router.route(row.path, row.handler.layer(axum::middleware::from_fn_with_state(rule, guard)));
    }
    router.with_state(app.clone())
}
