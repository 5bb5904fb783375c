//! The rest of the set-up, for an administrator who has just come in: the organisation's name, mail, more officers.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::Role;
use pki_config::role::Permission;
use serde::Deserialize;

use super::visitor::framed;
use super::{Visitor, page};
use crate::api::Nothing;
use crate::api::mail::MailTest;
use crate::app::App;
use crate::edge::{account, mail, officer};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage<'a> {
    visitor: &'a Visitor,
    organisation: &'a str,
    /// The mail server of the configuration.
    mail: Option<&'a str>,
    officers: usize,
    ra_officers: usize,
}

framed!(WelcomePage);

/// The first step's form.
#[derive(Deserialize)]
pub(super) struct Organisation {
    organisation: String,
}

/// The third step's form.
#[derive(Deserialize)]
pub(super) struct Letter {
    to: String,
}

/// `GET /desk/welcome`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let Ok(by) = visitor.by(Permission::ManageOfficers) else {
        let told = if visitor.told().is_some() { "/desk?done=claimed" } else { "/desk" };
        return Ok(Redirect::to(told).into_response());
    };
    let all = officer::list(app.clone(), by, Nothing {}).await?.officers;
    let able = || all.iter().filter(|officer| officer.state != "disabled");
    let organisation = app.gate().organisation();
    Ok(page(&WelcomePage {
        visitor: &visitor,
        organisation: &organisation,
        mail: app.config().mail.server.as_deref(),
        officers: able().count(),
        ra_officers: able().filter(|officer| officer.role == Role::RaOfficer.as_str()).count(),
    }))
}

/// `POST /desk/welcome`.
pub(super) async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<Organisation>,
) -> Result<Redirect, Failure> {
    account::set_organisation(&app, &visitor.by(Permission::ManageOfficers)?, &ask.organisation).await?;
    Ok(Redirect::to("/desk/welcome?done=saved"))
}

/// `POST /desk/welcome/mail`: a letter to try the mail server with.
pub(super) async fn try_mail(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<Letter>,
) -> Result<Redirect, Failure> {
    mail::test(app, visitor.by(Permission::Diagnose)?, MailTest { to: ask.to.trim().to_owned() }).await?;
    Ok(Redirect::to("/desk/welcome?done=mailed"))
}
