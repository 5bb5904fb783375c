//! How people come in: one-time links that become passwords or passkeys, signing in and out. The pages call
//! these; programs keep tokens and client certificates (`officer`).

use std::net::IpAddr;

use ledger::{EntryDraft, Importance};
use pki_config::{Actor, ErrorCode, Event, OfficerId, Role, TenantId};
use zeroize::Zeroizing;

use super::officer::{UNNAMED, channel, officer_name, open};
use crate::api::login::{Invited, InvitedInfo};
use crate::app::App;
use crate::auth::passkey::{self, NewPasskey, Site};
use crate::auth::password::{self, COST, Stored};
use crate::auth::totp::TotpSecret;
use crate::auth::{self, Known, Secret, SecretKind, session};
use crate::problem::Failure;
use crate::router::Stranger;
use crate::serve::Peer;
use crate::store::login::{self as rows, Login, Passkey};
use crate::store::{self, Link, Officer, OfficerState, session as sessions};

/// A password, as a page sends it.
pub struct NewPassword {
    /// The name that will be typed.
    pub login: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The secret of the app, in base 32, as the page was given it. Whoever puts in another weakens their own sign-in.
    pub totp: Zeroizing<String>,
    /// A code the app made: it has the secret.
    pub code: String,
}

/// What a browser sends for a new passkey. Texts are base64url.
pub struct NewKey {
    /// For its owner to tell it from others.
    pub name: String,
    /// What the browser collected.
    pub client_data: String,
    /// What the authenticator says.
    pub authenticator_data: String,
    /// The domain and origin of the page.
    pub site: Option<(String, String)>,
}

/// What a browser sends to sign in with a passkey. Texts are base64url.
pub struct KeyShown {
    /// The authenticator's name for it.
    pub credential: String,
    /// What the browser collected.
    pub client_data: String,
    /// What the authenticator says.
    pub authenticator_data: String,
    /// Its signature.
    pub signature: String,
    /// The domain and origin of the page.
    pub site: Option<(String, String)>,
}

/// How somebody wants to sign in from now on.
pub enum Wanted {
    /// With a password and codes.
    Password(NewPassword),
    /// With a passkey.
    Passkey(NewKey),
}

/// `officer/invited`: who the link is for. Needs no login: the secret is the right.
pub async fn invited(app: App, from: Stranger, ask: Invited) -> Result<InvitedInfo, Failure> {
    let (officer, link) = by_link(&app, &from.peer, &ask.secret).await?;
    let enrolment = enrolment(&app, &officer.name)?;
    Ok(InvitedInfo {
        officer: officer.id.to_string(),
        name: officer.name,
        role: officer.role.to_string(),
        until: link.until.to_string(),
        totp: enrolment.totp,
        totp_size: enrolment.size,
        totp_path: enrolment.path,
        challenge: app.gate().challenge(app.clock().now(), app.random())?,
    })
}

/// A new secret for an app that makes codes, and the picture the app reads it from.
pub struct Enrolment {
    /// In base 32.
    pub totp: String,
    /// Modules of the picture, each way.
    pub size: u32,
    /// Its dark modules, as the path of an SVG.
    pub path: String,
}

/// Draws one for the officer of this name.
///
/// # Errors
/// The random source failed.
pub fn enrolment(app: &App, name: &str) -> Result<Enrolment, Failure> {
    let totp = TotpSecret::draw(app.random())?;
    let uri = totp.uri(&format!("{name} {}", app.installation()));
    let picture = qrcodegen::QrCode::encode_text(&uri, qrcodegen::QrCodeEcc::Medium)
        .map_err(|why| Failure::inside(ErrorCode::Internal, why))?;
    let size = u32::try_from(picture.size()).unwrap_or_default();
    Ok(Enrolment { totp: totp.show(), size, path: path_of(&picture) })
}

/// The dark modules, each run of a row as one rectangle.
fn path_of(picture: &qrcodegen::QrCode) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    for y in 0..picture.size() {
        let mut x = 0;
        while x < picture.size() {
            let run = (x..picture.size()).take_while(|x| picture.get_module(*x, y)).count();
            let run = i32::try_from(run).unwrap_or(1);
            if run > 0 {
                let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    path
}

/// The invited officer and their link, if `secret` opens it. Guesses count as failed logins.
async fn by_link(app: &App, peer: &Peer, secret: &str) -> Result<(Officer, Link), Failure> {
    let address = address_of(peer);
    if let Some(address) = address {
        app.lockout().check(address)?;
    }
    let hash = Secret::read(SecretKind::Link, secret.trim()).map(|secret| secret.hash());
    let found = match hash {
        Some(hash) => app.db().read(move |tx| store::officer_by_link(tx, hash)).await?,
        None => None,
    };
    let Some((officer, link)) = found.and_then(|o| o.link.map(|l| (o, l))) else {
        if let Some(address) = address {
            auth::failed_login(app, address).await;
        }
        return Err(ErrorCode::LinkUsed.into());
    };
    open(&officer, link, app)?;
    Ok((officer, link))
}

fn address_of(peer: &Peer) -> Option<IpAddr> {
    match peer {
        Peer::Https { address, .. } | Peer::Http { address } => Some(address.ip()),
        Peer::Socket { .. } | Peer::Front => None,
    }
}

/// A way to sign in, ready to be written.
pub(super) enum Ready {
    Password(Login, i64),
    Passkey(Passkey),
}

/// The one-time link becomes a password or a passkey, and its holder is signed in. `person` is the name of the first
/// administrator, whom nobody could name before.
///
/// # Errors
/// `LINK_USED`; `BAD_REQUEST` for a password, code or passkey that is not taken: the link still works then.
pub async fn claim(app: &App, peer: &Peer, secret: &str, person: &str, wanted: Wanted) -> Result<Secret, Failure> {
    let (mut officer, link) = by_link(app, peer, secret).await?;
    // Nobody named the first administrator; all others were named by whoever invited them.
    if !person.trim().is_empty() && officer.name == UNNAMED && officer.role == Role::Administrator {
        officer.name = officer_name(person)?;
    }
    let ready = prepare(app, officer.tenant.clone(), officer.id, wanted).await?;
    officer.state = OfficerState::Active;
    officer.link = None;
    officer.changed = app.clock().now();
    let actor = Actor::new(officer.tenant.clone(), officer.id, officer.role, channel(peer));
    let (tenant, id) = (officer.tenant.clone(), officer.id);
    let (how, step) = match &ready {
        Ready::Password(_, step) => ("password", Some(*step)),
        Ready::Passkey(_) => ("passkey", None),
    };
    let (checker, audit) = (app.clone(), app.audit().clone());
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            // Compare and set: of two claims at the same moment one finds the link gone.
            let still = store::officer_by_link(tx, link.hash)?.ok_or(ErrorCode::LinkUsed)?;
            open(&still, link, &checker)?;
            let seq = audit.next_seq(tx)?;
            let covers = vec![officer.put(tx, seq)?, put(tx, &ready, seq)?];
            let draft =
                EntryDraft { covers, ..session::entry(actor, Event::CredentialBound, officer.id, how.as_bytes()) };
            audit.append(tx, draft)?;
            Ok(())
        })
        .await?;
    app.forget_link_file(&link);
    session::begin(app, tenant, id, how, step).await
}

pub(super) fn put(tx: &ledger::Tx<'_>, ready: &Ready, seq: ledger::Seq) -> Result<ledger::Cover, Failure> {
    match ready {
        Ready::Password(login, _) => {
            if rows::login_by_name(tx, &login.login)?.is_some_and(|other| other.officer != login.officer) {
                return Err(Failure::saying(
                    ErrorCode::BadRequest,
                    "此登录名已被使用，请另选一个。 / Somebody has this sign-in name; choose another.",
                ));
            }
            Ok(login.put(tx, seq)?)
        }
        Ready::Passkey(key) => {
            if rows::passkey(tx, &key.credential)?.is_some() {
                return Err(refused(passkey::Refusal::Elsewhere));
            }
            Ok(key.put(tx, seq)?)
        }
    }
}

pub(super) async fn prepare(app: &App, tenant: TenantId, officer: OfficerId, wanted: Wanted) -> Result<Ready, Failure> {
    match wanted {
        Wanted::Password(new) => {
            let login = login_name(&new.login)?;
            password::acceptable(&new.password, &login)?;
            let totp = TotpSecret::read(&new.totp).ok_or(ErrorCode::BadRequest)?;
            let step = totp.step_of(&new.code, app.clock().now()).ok_or_else(|| {
                Failure::saying(
                    ErrorCode::BadRequest,
                    "验证码不对：请用刚才扫描的条目显示的 6 位数字；若仍不对，请校准手机时间。 / The code is not right: take the \
                     six digits of the entry you just scanned; if they fail again, set the telephone's clock.",
                )
            })?;
            let stored =
                stretch(app, move |app| Stored::make(&new.password, &totp, officer, COST, app.random())).await?;
            Ok(Ready::Password(Login { tenant, officer, login, stored, changed: app.clock().now() }, step))
        }
        Wanted::Passkey(new) => {
            let name: String = new.name.trim().chars().filter(|c| !c.is_control()).take(64).collect();
            let (domain, made) = registered(app, &new)?;
            let (credential, point) = (made.credential, made.point);
            let created = app.clock().now();
            Ok(Ready::Passkey(Passkey { tenant, credential, officer, name, domain, point, active: true, created }))
        }
    }
}

/// Runs the computation of a password where it holds up nobody.
pub(super) async fn stretch<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&App) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let _place = app.gate().stretching().await;
    let app = app.clone();
    tokio::task::spawn_blocking(move || work(&app)).await.map_err(|e| Failure::inside(ErrorCode::Internal, e))?
}

fn registered(app: &App, new: &NewKey) -> Result<(String, NewPasskey), Failure> {
    let (domain, origin) = new.site.clone().ok_or_else(no_domain)?;
    let (client, data) = (bytes(&new.client_data)?, bytes(&new.authenticator_data)?);
    let challenge = passkey::challenge_of(&client).map_err(refused)?;
    let made = passkey::register(&client, &data, Site { domain: &domain, origin: &origin }).map_err(refused)?;
    spend(app, &challenge)?;
    Ok((domain, made))
}

fn spend(app: &App, challenge: &str) -> Result<(), Failure> {
    if app.gate().spend(challenge, app.clock().now()) { Ok(()) } else { Err(ErrorCode::FormExpired.into()) }
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    passkey::bytes(text).ok_or_else(|| refused(passkey::Refusal::Malformed))
}

fn refused(why: passkey::Refusal) -> Failure {
    Failure::saying(ErrorCode::BadRequest, format!("该通行密钥无法使用。 / The passkey cannot be used ({why:?})."))
}

fn no_domain() -> Failure {
    Failure::saying(
        ErrorCode::BadRequest,
        "通行密钥只能用于域名：请用 https://localhost 或服务器的域名打开此页。 / Passkeys work on names only: open this page by \
         https://localhost or the server's name.",
    )
}

/// The name that is typed to sign in: 2 to 64 letters, digits, `.`, `_`, `-`, `@`; case does not matter.
fn login_name(text: &str) -> Result<String, Failure> {
    let name = text.trim().to_lowercase();
    let fits = (2..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    fits.then_some(name).ok_or_else(|| {
        Failure::saying(
            ErrorCode::BadRequest,
            "登录名为 2 至 64 个字母、汉字、数字或 . _ - @。 / A sign-in name has 2 to 64 letters, digits or . _ - @.",
        )
    })
}

/// Signs in with a password and a code.
///
/// # Errors
/// `UNAUTHENTICATED`, whatever of the three was wrong; `TOO_MANY_TRIES`.
pub async fn with_password(
    app: &App,
    peer: &Peer,
    login: &str,
    typed: Zeroizing<String>,
    code: &str,
) -> Result<Secret, Failure> {
    let address = address_of(peer).ok_or(ErrorCode::Unauthenticated)?;
    let name = login.trim().to_lowercase();
    let account = engine::sm3::hash(name.as_bytes());
    app.lockout().check(address)?;
    app.gate().accounts().check(account)?;
    let found = match login_name(&name) {
        Ok(name) => app.db().read(move |tx| rows::login_by_name(tx, &name)).await?,
        Err(_) => None,
    };
    let (looked_up, code, now) = (found.clone(), code.to_owned(), app.clock().now());
    let step = stretch(app, move |_| match looked_up {
        Some(login) => {
            let totp = login.stored.open(&typed, login.officer)?;
            Ok(totp.and_then(|totp| totp.step_of(&code, now)))
        }
        None => {
            password::pretend(&typed);
            Ok(None)
        }
    })
    .await?;
    let begun = match (found, step) {
        (Some(login), Some(step)) => session::begin(app, login.tenant, login.officer, "password", Some(step)).await,
        _ => Err(ErrorCode::Unauthenticated.into()),
    };
    failures_count(app, address, Some(account), begun).await
}

/// Signs in with a passkey.
///
/// # Errors
/// `UNAUTHENTICATED`; `FORM_EXPIRED` if the page was open for more than five minutes; `TOO_MANY_TRIES`.
pub async fn with_passkey(app: &App, peer: &Peer, shown: KeyShown) -> Result<Secret, Failure> {
    let address = address_of(peer).ok_or(ErrorCode::Unauthenticated)?;
    app.lockout().check(address)?;
    let (domain, origin) = shown.site.clone().ok_or_else(no_domain)?;
    let (credential, client) = (bytes(&shown.credential)?, bytes(&shown.client_data)?);
    let (data, signature) = (bytes(&shown.authenticator_data)?, bytes(&shown.signature)?);
    spend(app, &passkey::challenge_of(&client).map_err(refused)?)?;
    let found = app.db().read(move |tx| rows::passkey(tx, &credential)).await?;
    let site = Site { domain: &domain, origin: &origin };
    let fits = found
        .filter(|key| key.active)
        .filter(|key| passkey::verify(&client, &data, &signature, &key.point, site).is_ok());
    let begun = match fits {
        Some(key) => session::begin(app, key.tenant, key.officer, "passkey", None).await,
        None => Err(ErrorCode::Unauthenticated.into()),
    };
    failures_count(app, address, None, begun).await
}

/// A failed sign-in is counted by address and account, and recorded.
async fn failures_count(
    app: &App,
    address: IpAddr,
    account: Option<[u8; 32]>,
    begun: Result<Secret, Failure>,
) -> Result<Secret, Failure> {
    match begun {
        Err(failure) if failure.code() == ErrorCode::Unauthenticated => {
            if let Some(account) = account {
                app.gate().accounts().failed(account);
            }
            Err(auth::failed_login(app, address).await)
        }
        other => other,
    }
}

/// Ends the visitor's own session.
///
/// # Errors
/// As the log reports.
pub async fn sign_out(app: &App, known: &Known) -> Result<(), Failure> {
    let Some(hash) = known.session() else { return Ok(()) };
    let (audit, now) = (app.audit().clone(), app.clock().now());
    let draft = session::entry(known.actor.clone(), Event::SignedOut, known.id, b"this");
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            sessions::end(tx, hash, now)?;
            audit.append(tx, draft)?;
            Ok(())
        })
        .await
}
