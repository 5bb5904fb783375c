//! Sessions of the portal: what the cookie `__Host-yinxin` leads to.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::{ErrorCode, Event, OfficerId, TenantId};

use super::{Secret, SecretKind, actor, cookie};
use crate::app::App;
use crate::problem::Failure;
use crate::store::session::{self, Session};
use crate::store::{self, Officer, OfficerState};

/// The cookie. Its prefix has browsers refuse it unless it is Secure, for the whole host and no other.
pub const COOKIE: &str = "__Host-yinxin";
/// How exactly it is known when a session was last used: so seldom is that written.
const TO_THE_MINUTE: Duration = Duration::from_secs(60);
/// How long an ended session is remembered, beyond any code's time.
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// The officer and session of the cookie, if it counts: neither ended nor too old nor left alone too long, and the
/// officer still active.
///
/// # Errors
/// The database cannot be read.
pub async fn of(app: &App, headers: &HeaderMap) -> Result<Option<(Officer, Session)>, Failure> {
    let shown = cookie(headers, COOKIE).and_then(|text| Secret::read(SecretKind::Session, &text));
    let Some(hash) = shown.map(|secret| secret.hash()) else { return Ok(None) };
    let found = app
        .db()
        .read(move |tx| -> Result<_, ledger::DbError> {
            let Some(found) = session::find(tx, hash)? else { return Ok(None) };
            Ok(store::officer(tx, &found.tenant, found.officer)?.map(|officer| (officer, found)))
        })
        .await?;
    let now = app.clock().now();
    let idle = app.config().web.session_idle.duration();
    let counts = |officer: &Officer, session: &Session| {
        officer.state == OfficerState::Active && now < session.until && now < session.seen.plus(idle)
    };
    let Some((officer, session)) = found.filter(|(officer, session)| counts(officer, session)) else {
        return Ok(None);
    };
    if now.since(session.seen) >= TO_THE_MINUTE
        && let Err(error) = app.db().write(Importance::Normal, move |tx| session::seen(tx, hash, now)).await
    {
        // The page is shown all the same; the session may end early.
        tracing::warn!(?error, "the use of a session could not be noted");
    }
    Ok(Some((officer, session)))
}

/// Begins a session for an officer who proved to be one. `step` is that of the code that was typed.
///
/// # Errors
/// `UNAUTHENTICATED` if the code was used before or the officer was disabled meanwhile; as the log reports.
pub async fn begin(
    app: &App,
    tenant: TenantId,
    officer: OfficerId,
    how: &'static str,
    step: Option<i64>,
) -> Result<Secret, Failure> {
    let secret = Secret::draw(SecretKind::Session, app.random())?;
    let now = app.clock().now();
    let until = now.plus(app.config().web.session_lifetime.duration());
    let session =
        Session { hash: secret.hash(), tenant, officer, how: how.to_owned(), step, begun: now, seen: now, until };
    let audit = app.audit().clone();
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            let officer = store::officer(tx, &session.tenant, session.officer)?;
            let officer = officer.filter(|o| o.state == OfficerState::Active).ok_or(ErrorCode::Unauthenticated)?;
            // In the transaction: of two who type the same code at once, one comes in.
            if let Some(step) = session.step
                && session::step_used(tx, &session.tenant, session.officer, step)?
            {
                return Err(ErrorCode::Unauthenticated.into());
            }
            session::begin(tx, &session, now.minus(REMEMBERED))?;
            audit.append(tx, entry(actor(&officer), Event::SignedIn, officer.id, session.how.as_bytes()))?;
            Ok(())
        })
        .await?;
    Ok(secret)
}

/// An entry about the sessions or credentials of an officer.
pub(crate) fn entry(actor: pki_config::Actor, event: Event, officer: OfficerId, payload: &[u8]) -> EntryDraft {
    EntryDraft {
        actor,
        event,
        object: officer.to_string(),
        outcome: Outcome::Done,
        payload: payload.to_vec(),
        covers: Vec::new(),
    }
}

/// The header that gives the cookie to the browser. Strict: links on other sites lead to a page without it, which the
/// frame of the sign-in page knows how to mend.
#[must_use]
pub fn set_cookie(secret: &Secret) -> Option<HeaderValue> {
    let text = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", secret.show());
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that takes it away.
#[must_use]
pub fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-yinxin=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}
