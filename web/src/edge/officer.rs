//! `officer/*`: who has which role, and how they log in.
//!
//! The log names officers by identifier only; their names are in the covered row.

use ca::NewRequest;
use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::Authorized;
use pki_config::status::Reason;
use pki_config::{Actor, Channel, ErrorCode, Event, OfficerId, Role, TenantId};

use super::{pem, pem_chain};
use crate::api::{
    CredentialAsk, Nothing, OfficerAdd, OfficerAdded, OfficerClaim, OfficerInfo, OfficerList, OfficerRef,
};
use crate::app::App;
use crate::auth::{self, Secret, SecretKind};
use crate::problem::Failure;
use crate::router::Stranger;
use crate::serve::Peer;
use crate::store::{self, Credential, Link, Officer, OfficerState};

/// Officers' names by their identifiers.
pub(crate) async fn names(app: &App, actor: &Actor) -> Result<std::collections::HashMap<String, String>, Failure> {
    let tenant = actor.tenant().clone();
    let officers = app.db().read(move |tx| store::all_officers(tx, &tenant)).await?;
    Ok(officers.into_iter().map(|officer| (officer.id.to_string(), officer.name)).collect())
}

/// `officer/add`.
pub async fn add(app: App, by: Authorized, ask: OfficerAdd) -> Result<OfficerAdded, Failure> {
    let role: Role = ask.role.parse()?;
    let name = officer_name(&ask.name)?;
    let id = OfficerId::draw(app.random())?;
    let now = app.clock().now();
    let mut officer = Officer {
        tenant: by.actor().tenant().clone(),
        id,
        name,
        role,
        state: OfficerState::Active,
        credential: None,
        link: None,
        created: now,
        changed: now,
    };
    let given = match ask.credential {
        CredentialAsk::Link => {
            let secret = Secret::draw(SecretKind::Link, app.random())?;
            officer.state = OfficerState::Invited;
            officer.link = Some(app.link(&secret));
            Given { link: Some(app.link_url(&secret)), ..Given::default() }
        }
        CredentialAsk::Token | CredentialAsk::Csr(_) => {
            let (credential, given) = make(&app, &officer, ask.credential).await?;
            officer.credential = Some(credential);
            given
        }
    };
    let event = Event::OfficerAdded;
    write(&app, by.actor().clone(), event, officer.clone(), |_, _| Ok(())).await?;
    answer(&app, &officer, given)
}

/// `officer/list`.
pub async fn list(app: App, by: Authorized, _: Nothing) -> Result<OfficerList, Failure> {
    let tenant = by.actor().tenant().clone();
    let (officers, logins, passkeys) = app
        .db()
        .read(move |tx| -> Result<_, ledger::DbError> {
            let logins = store::login::all_logins(tx, &tenant)?;
            Ok((store::all_officers(tx, &tenant)?, logins, store::login::all_passkeys(tx, &tenant)?))
        })
        .await?;
    let info = |officer: &Officer| {
        let password = logins.iter().any(|login| login.officer == officer.id).then_some("password");
        let passkey = passkeys.iter().any(|key| key.officer == officer.id).then_some("passkey");
        OfficerInfo { portal: password.into_iter().chain(passkey).map(str::to_owned).collect(), ..info(officer) }
    };
    Ok(OfficerList { officers: officers.iter().map(info).collect() })
}

/// `officer/link`: another link for somebody who was invited and has not come yet. The one before opens nothing.
pub async fn link(app: App, by: Authorized, ask: OfficerRef) -> Result<OfficerAdded, Failure> {
    let id: OfficerId = ask.officer.parse()?;
    let tenant = by.actor().tenant().clone();
    let found = app.db().read(move |tx| store::officer(tx, &tenant, id)).await?;
    let mut officer = found.ok_or(ErrorCode::NotFound)?;
    let secret = Secret::draw(SecretKind::Link, app.random())?;
    officer.link = Some(app.link(&secret));
    officer.changed = app.clock().now();
    write(&app, by.actor().clone(), Event::LinkMade, officer.clone(), only_invited).await?;
    answer(&app, &officer, Given { link: Some(app.link_url(&secret)), ..Given::default() })
}

/// Links are for those who were invited and have no way to sign in yet.
fn only_invited(tx: &Tx<'_>, officer: &Officer) -> Result<(), Failure> {
    match store::officer(tx, &officer.tenant, officer.id)? {
        Some(now) if now.state == OfficerState::Invited => Ok(()),
        _ => Err(ErrorCode::LinkUsed.into()),
    }
}

/// `officer/disable`: no credential of theirs works from now on. A client certificate is revoked too.
pub async fn disable(app: App, by: Authorized, ask: OfficerRef) -> Result<OfficerInfo, Failure> {
    let id: OfficerId = ask.officer.parse()?;
    let tenant = by.actor().tenant().clone();
    let all = app.db().read(move |tx| store::all_officers(tx, &tenant)).await?;
    let found = all.iter().find(|o| o.id == id).cloned().ok_or(ErrorCode::NotFound)?;
    if found.state == OfficerState::Disabled {
        return Ok(info(&found));
    }
    let mut officer = found;
    officer.state = OfficerState::Disabled;
    officer.link = None;
    officer.changed = app.clock().now();
    let event = Event::OfficerDisabled;
    write(&app, by.actor().clone(), event, officer.clone(), move |tx, officer| {
        // In the transaction: two administrators who disable each other must not both succeed.
        let others = store::all_officers(tx, &officer.tenant)?;
        let remains = others
            .iter()
            .any(|o| o.id != officer.id && o.role == Role::Administrator && o.state != OfficerState::Disabled);
        if officer.role == Role::Administrator && !remains {
            return Err(Failure::saying(ErrorCode::BadRequest, "the last administrator cannot be disabled"));
        }
        // Their sessions would be refused anyway; ended, they are not in anybody's list either.
        store::session::end_all(tx, &officer.tenant, officer.id, officer.changed, None)?;
        Ok(())
    })
    .await?;
    if let Some(Credential::Certificate { issuer, serial, .. }) = &officer.credential {
        let system = app.as_system(pki_config::role::Permission::RevokeCertificate)?;
        // Already revoked or expired is as good; anything else the operator must know.
        if let Err(error) = app.ca().revoke(&system, serial, Some(issuer), Reason::CessationOfOperation, None).await {
            tracing::warn!(%error, "the certificate of a disabled officer was not revoked; it is refused all the same");
        }
    }
    Ok(info(&officer))
}

/// `officer/claim`: the one-time link becomes a credential. Needs no login: the secret is the right.
pub async fn claim(app: App, from: Stranger, ask: OfficerClaim) -> Result<OfficerAdded, Failure> {
    let address = match &from.peer {
        Peer::Https { address, .. } | Peer::Http { address } => Some(address.ip()),
        // The owner of the data directory holds the key file anyway.
        Peer::Socket { .. } | Peer::Front => None,
    };
    if let Some(address) = address {
        app.lockout().check(address)?;
    }
    if matches!(ask.credential, CredentialAsk::Link) {
        return Err(Failure::saying(ErrorCode::BadRequest, "a link is turned into a certificate or a token"));
    }
    let hash = Secret::read(SecretKind::Link, ask.secret.trim()).map(|secret| secret.hash());
    let invited = match hash {
        Some(hash) => app.db().read(move |tx| store::officer_by_link(tx, hash)).await?,
        None => None,
    };
    let Some((invited, link)) = invited.and_then(|o| o.link.map(|l| (o, l))) else {
        if let Some(address) = address {
            auth::failed_login(&app, address).await;
        }
        return Err(ErrorCode::LinkUsed.into());
    };
    open(&invited, link, &app)?;
    let (credential, given) = make(&app, &invited, ask.credential).await?;
    let mut officer = invited;
    officer.state = OfficerState::Active;
    officer.link = None;
    officer.credential = Some(credential.clone());
    officer.changed = app.clock().now();
    let actor = Actor::new(officer.tenant.clone(), officer.id, officer.role, channel(&from.peer));
    let checker = app.clone();
    let claimed = write(&app, actor, Event::CredentialBound, officer.clone(), move |tx, _| {
        // Compare and set: of two claims at the same moment one finds the link gone.
        let still = store::officer_by_link(tx, link.hash)?.ok_or(ErrorCode::LinkUsed)?;
        open(&still, link, &checker)
    })
    .await;
    if let (Err(_), Credential::Certificate { issuer, serial, .. }) = (&claimed, &credential) {
        let system = app.as_system(pki_config::role::Permission::RevokeCertificate)?;
        // The certificate was made for nobody; it logs nobody in whether or not this succeeds.
        let _ = app.ca().revoke(&system, serial, Some(issuer), Reason::CessationOfOperation, None).await;
    }
    claimed?;
    app.forget_link_file(&link);
    answer(&app, &officer, given)
}

/// Whether the link of an invited officer still opens.
pub(super) fn open(officer: &Officer, link: Link, app: &App) -> Result<(), Failure> {
    let fits = officer.state == OfficerState::Invited && officer.link == Some(link) && app.clock().now() <= link.until;
    if fits { Ok(()) } else { Err(ErrorCode::LinkUsed.into()) }
}

pub(super) const fn channel(peer: &Peer) -> Channel {
    match peer {
        Peer::Socket { .. } => Channel::Socket,
        Peer::Https { .. } | Peer::Http { .. } | Peer::Front => Channel::Https,
    }
}

/// Writes an officer's row with its entry, if `check` agrees inside the transaction.
pub(crate) async fn write(
    app: &App,
    actor: Actor,
    event: Event,
    officer: Officer,
    check: impl FnOnce(&Tx<'_>, &Officer) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let audit = app.audit().clone();
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            check(tx, &officer)?;
            let seq = audit.next_seq(tx)?;
            let covers = vec![officer.put(tx, seq)?];
            let object = officer.id.to_string();
            let payload = officer.role.as_str().as_bytes().to_vec();
            audit.append(tx, EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers })?;
            Ok(())
        })
        .await
}

/// What the officer is given, once.
#[derive(Default)]
struct Given {
    certificate: Option<String>,
    token: Option<String>,
    link: Option<String>,
}

async fn make(app: &App, officer: &Officer, ask: CredentialAsk) -> Result<(Credential, Given), Failure> {
    let CredentialAsk::Csr(csr) = ask else {
        let secret = Secret::draw(SecretKind::Token, app.random())?;
        let given = Given { token: Some(secret.show()), ..Given::default() };
        return Ok((Credential::Token { hash: secret.hash() }, given));
    };
    let request = NewRequest {
        csr: csr.into_bytes(),
        subject: Some(DistinguishedName::common_name(&officer.name)?),
        sans: SubjectAltName::default(),
        identity: pki_config::Identity::none(),
        profile: "tls-client".to_owned(),
        issuer: Some(app.ec_issuing()),
        days: None,
    };
    let system = app.as_system(pki_config::role::Permission::IssueCertificate)?;
    let certificate = app.issuing().await?.issue(&system, request).await?;
    let chain = app.ca().chain(&certificate.issuer)?;
    let text = pem("CERTIFICATE", &certificate.der) + &pem_chain(&chain.issuers);
    let hash = engine::sm3::hash(&certificate.der);
    let credential = Credential::Certificate { hash, issuer: certificate.issuer, serial: certificate.serial };
    Ok((credential, Given { certificate: Some(text), ..Given::default() }))
}

fn answer(app: &App, officer: &Officer, given: Given) -> Result<OfficerAdded, Failure> {
    Ok(OfficerAdded {
        officer: officer.id.to_string(),
        role: officer.role.to_string(),
        certificate: given.certificate,
        token: given.token,
        link: given.link,
        server_root: pem("CERTIFICATE", &app.ca().chain(&app.ec_issuing())?.root),
    })
}

fn info(officer: &Officer) -> OfficerInfo {
    OfficerInfo {
        officer: officer.id.to_string(),
        name: officer.name.clone(),
        role: officer.role.to_string(),
        state: officer.state.as_str().to_owned(),
        credential: officer.credential.as_ref().map(|c| c.as_str().to_owned()),
        portal: Vec::new(),
        at: officer.changed.to_string(),
    }
}

/// What the first administrator is called until they come.
pub(super) const UNNAMED: &str = "Administrator";

/// A name fits into a certificate: 1 to 64 characters, none of them invisible.
pub(super) fn officer_name(text: &str) -> Result<String, Failure> {
    let name = text.trim();
    DistinguishedName::common_name(name)?;
    Ok(name.to_owned())
}

/// An administrator who is invited by a one-time link: the first of an installation.
pub(crate) async fn invite_administrator(app: &App) -> Result<Secret, Failure> {
    let secret = Secret::draw(SecretKind::Link, app.random())?;
    let now = app.clock().now();
    let officer = Officer {
        tenant: TenantId::house(),
        id: OfficerId::draw(app.random())?,
        name: UNNAMED.to_owned(),
        role: Role::Administrator,
        state: OfficerState::Invited,
        credential: None,
        link: Some(app.link(&secret)),
        created: now,
        changed: now,
    };
    write(app, Actor::system(), Event::OfficerAdded, officer, |_, _| Ok(())).await?;
    Ok(secret)
}

/// A new link for the administrator who was invited and never came, if there is no other. Without it a
/// production installation whose first link expired could be administered by nobody.
pub(crate) async fn renew_invitation(app: &App) -> Result<Option<Secret>, Failure> {
    let house = TenantId::house();
    let all = app.db().read(move |tx| store::all_officers(tx, &house)).await?;
    let administrators = || all.iter().filter(|o| o.role == Role::Administrator);
    if administrators().any(|o| o.state == OfficerState::Active) {
        return Ok(None);
    }
    let Some(mut officer) = administrators().find(|o| o.state == OfficerState::Invited).cloned() else {
        return Ok(None);
    };
    let secret = Secret::draw(SecretKind::Link, app.random())?;
    officer.link = Some(app.link(&secret));
    officer.changed = app.clock().now();
    write(app, Actor::system(), Event::LinkMade, officer, only_invited).await?;
    Ok(Some(secret))
}
