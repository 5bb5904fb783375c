//! Who calls. The channel decides what counts: the Unix socket knows the user of the process, https
//! takes a client certificate, a bearer token or the cookie of a session, http knows nobody.
//!
//! `password`, `totp` and `passkey` are how people sign in, as values in and values out; `session` is what the cookie
//! leads to; `gate` is what is remembered while the program runs.

mod gate;
mod lockout;
mod origin;
pub mod passkey;
pub(crate) mod password;
mod secret;
pub(crate) mod session;
pub(crate) mod totp;

use axum::http::{HeaderMap, header};
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::{Actor, Channel, ErrorCode, Event, OfficerId, Role, TenantId};

use crate::app::App;
use crate::problem::Failure;
use crate::serve::Peer;
use crate::store::{self, Credential, Officer, OfficerState};

pub use gate::Gate;
pub use lockout::Lockout;
pub use origin::{cookie, known_host, passkey_site, same_origin};
pub use secret::{Secret, SecretKind};

/// Finds out who calls.
///
/// # Errors
/// `UNAUTHENTICATED` without a credential or with one that does not count; `TOO_MANY_TRIES` after
/// several of those from one address.
pub async fn authenticate(app: &App, peer: &Peer, headers: &HeaderMap) -> Result<Actor, Failure> {
    match peer {
        Peer::Http { .. } | Peer::Front => Err(Failure::new(ErrorCode::Unauthenticated)),
        Peer::Socket { uid } if *uid == app.owner() => {
            Ok(Actor::new(TenantId::house(), "owner", Role::Administrator, Channel::Socket))
        }
        Peer::Socket { .. } => Err(Failure::new(ErrorCode::Unauthenticated)),
        Peer::Https { address, certificate } => {
            let address = address.ip();
            if let Some(value) = headers.get(header::AUTHORIZATION) {
                app.lockout().check(address)?;
                return match holder(app, token_hash(value)).await? {
                    Some(officer) => Ok(actor(&officer)),
                    None => Err(failed_login(app, address).await),
                };
            }
            // A cookie is sent by browsers on their own, so it counts for calls of our own pages only.
            if same_origin(headers)
                && let Some((officer, _)) = session::of(app, headers).await?
            {
                return Ok(actor(&officer));
            }
            let Some(certificate) = certificate else { return Err(Failure::new(ErrorCode::Unauthenticated)) };
            let officer = holder(app, Some(engine::sm3::hash(certificate))).await?;
            officer.map(|officer| actor(&officer)).ok_or(Failure::new(ErrorCode::Unauthenticated))
        }
    }
}

/// How somebody who looks at pages is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the client certificate of the connection.
    Certificate,
    /// By the cookie of a session.
    Session,
    /// By a token: a program that fetches a page or a list.
    Token,
}

/// An officer who looks at pages.
#[derive(Debug, Clone)]
pub struct Known {
    /// As every call into a service carries it.
    pub actor: Actor,
    /// Which officer.
    pub id: OfficerId,
    /// For people to read; never for the log.
    pub name: String,
    /// How it is known.
    pub how: How,
    /// What its forms are bound to: the certificate or the session.
    binding: [u8; 32],
}

impl Known {
    /// The hash of its session, if it signed in.
    #[must_use]
    pub fn session(&self) -> Option<[u8; 32]> {
        self.is_session().then_some(self.binding)
    }

    /// Whether it signed in, and so can sign out.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        matches!(self.how, How::Session)
    }
}

/// Who looks at a page; `None` for a stranger. A credential that does not count makes a stranger too: pages say how to
/// sign in. Whoever signed in is that officer, whatever certificate the browser shows.
///
/// # Errors
/// The database cannot be read.
pub async fn visitor(app: &App, peer: &Peer, headers: &HeaderMap) -> Result<Option<Known>, Failure> {
    let Peer::Https { address, certificate } = peer else { return Ok(None) };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let hash = token_hash(value);
        app.lockout().check(address.ip())?;
        return match holder(app, hash).await? {
            Some(officer) => Ok(Some(known(officer, How::Token, hash.unwrap_or_default()))),
            None => Err(failed_login(app, address.ip()).await),
        };
    }
    if let Some((officer, session)) = session::of(app, headers).await? {
        return Ok(Some(known(officer, How::Session, session.hash)));
    }
    let Some(certificate) = certificate else { return Ok(None) };
    let hash = engine::sm3::hash(certificate);
    Ok(holder(app, Some(hash)).await?.map(|officer| known(officer, How::Certificate, hash)))
}

fn known(officer: Officer, how: How, binding: [u8; 32]) -> Known {
    Known { actor: actor(&officer), id: officer.id, name: officer.name, how, binding }
}

fn actor(officer: &Officer) -> Actor {
    Actor::new(officer.tenant.clone(), officer.id, officer.role, Channel::Https)
}

/// The hash of the token in an `Authorization` header, if there is one of the right form.
fn token_hash(value: &axum::http::HeaderValue) -> Option<[u8; 32]> {
    let token = value.to_str().ok()?.strip_prefix("Bearer ")?;
    Secret::read(SecretKind::Token, token.trim()).map(|secret| secret.hash())
}

/// The active officer whose credential has this hash. The look-up is by the hash of what was shown, so
/// its timing says nothing about what is stored.
async fn holder(app: &App, hash: Option<[u8; 32]>) -> Result<Option<Officer>, Failure> {
    let Some(hash) = hash else { return Ok(None) };
    let officer = app.db().read(move |tx| store::officer_by_credential(tx, hash)).await?;
    let Some(officer) = officer.filter(|o| o.state == OfficerState::Active) else { return Ok(None) };
    if let Some(Credential::Certificate { issuer, serial, .. }) = &officer.credential {
        let certificate = app.ca().certificate(&officer.tenant, serial, Some(issuer)).await?;
        if certificate.status != pki_config::status::CertStatus::Good {
            return Ok(None);
        }
    }
    Ok(Some(officer))
}

/// Counts a failed login and records it, unless so many are recorded already that strangers would fill
/// the log. The address counts as personal data, so it is in the payload.
pub async fn failed_login(app: &App, address: std::net::IpAddr) -> Failure {
    if !app.lockout().failed(address) {
        return Failure::new(ErrorCode::Unauthenticated);
    }
    let refused = Outcome::Refused(ErrorCode::Unauthenticated);
    let payload = address.to_string().into_bytes();
    let draft = EntryDraft {
        actor: Actor::system(),
        event: Event::AccessDenied,
        object: "login".to_owned(),
        outcome: refused,
        payload,
        covers: Vec::new(),
    };
    // The login is refused whether or not that can be written down.
    if let Err(error) = app.audit().record(Importance::Normal, draft).await {
        tracing::warn!(?error, "a failed login could not be recorded");
    }
    Failure::new(ErrorCode::Unauthenticated)
}
