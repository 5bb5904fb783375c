//! The one table of pages: method, path, who may, handler. The router is made from it, and a test walks it
//! against every kind of caller. What is checked before a handler runs stands in `portal/guard.rs`.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};
use pki_config::role::Permission;
use tokio::sync::Semaphore;

use super::guard::{Rule, guard};
use super::{account, claim, dashboard, desk, officers, signin, stamps, welcome};
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
    at_once: usize,
    handler: MethodRouter<App>,
}

impl Row {
    /// At both doors: for what is public.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.at_http = self.access == PageAccess::Open;
        self
    }

    /// Takes in no more than so many of these forms at the same time.
    #[must_use]
    pub fn at_once(mut self, most: usize) -> Self {
        self.at_once = most;
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
    Row { method: Method::GET, path, access, at_http: false, body: 0, at_once: 0, handler: get(handler) }
}

/// What a form does. The form carries the visitor's `csrf`; the answer is a redirect.
pub(super) fn act<H, T>(path: &'static str, access: PageAccess, handler: H) -> Row
where
    H: Handler<T, App>,
    T: 'static,
{
    Row { method: Method::POST, path, access, at_http: false, body: FORM, at_once: 0, handler: post(handler) }
}

/// Every page.
#[must_use]
pub fn rows() -> Vec<Row> {
    use PageAccess::{Needs, Open, SignedIn};
    use Permission as P;
    let mut rows = vec![
        show("/signin", Open, signin::show),
        act("/signin", Open, signin::with_password),
        act("/signin/passkey", Open, signin::with_passkey),
        act("/signout", SignedIn, signin::out),
        act("/setup/claim", Open, claim::claim),
        show("/desk", SignedIn, dashboard::show),
        show("/desk/welcome", SignedIn, welcome::show),
        act("/desk/welcome", Needs(P::ManageOfficers), welcome::save),
        act("/desk/welcome/mail", Needs(P::Diagnose), welcome::try_mail),
        show("/desk/account", SignedIn, account::show),
        show("/desk/account/password", SignedIn, account::first),
        act("/desk/account/password", SignedIn, account::change),
        act("/desk/account/password/first", SignedIn, account::add_password),
        act("/desk/account/passkeys", SignedIn, account::add_passkey),
        act("/desk/account/passkeys/remove", SignedIn, account::remove_passkey),
        act("/desk/account/sessions", SignedIn, account::end_others),
        show("/desk/officers", Needs(P::ReadOfficers), officers::show),
        act("/desk/officers", Needs(P::ManageOfficers), officers::invite),
        act("/desk/officers/{officer}/link", Needs(P::ManageOfficers), officers::link),
        show("/desk/officers/{officer}/disable", Needs(P::ManageOfficers), officers::confirm),
        act("/desk/officers/{officer}/disable", Needs(P::ManageOfficers), officers::disable),
        show("/desk/ocsp", Needs(P::ReadIssuers), desk::show),
        show("/desk/tsa", Needs(P::ReadStamps), stamps::show),
        show("/desk/tsa/{file}", Needs(P::ReadStamps), crate::edge::tsa::desk::download),
    ];
    rows.extend(super::ra::rows());
    rows.extend(super::seal::rows());
    rows.extend(super::house::rows());
    rows.extend(super::convert::rows());
    rows.extend(super::centre::rows());
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
        let places = (row.at_once > 0).then(|| Arc::new(Semaphore::new(row.at_once)));
        let rule = Rule { app: app.clone(), access: row.access, https, body: row.body, places };
        router = router.route(row.path, row.handler.layer(axum::middleware::from_fn_with_state(rule, guard)));
    }
    router.with_state(app.clone())
}
