//! An officer's own ways to sign in: another password, more passkeys, fewer sessions; and the organisation's name.

use ledger::{DbError, EntryDraft, Importance, Outcome};
use pki_config::{ErrorCode, Event};
use zeroize::Zeroizing;

use super::login::{Ready, Wanted, bytes, prepare, put, stretch};
use crate::app::App;
use crate::auth::password::{self, COST, Stored};
use crate::auth::{Known, session};
use crate::problem::Failure;
use crate::store::login::{self as rows, Login, Passkey};
use crate::store::{self, session as sessions};

/// Ends all other sessions of the visitor.
///
/// # Errors
/// As the log reports.
pub async fn sign_out_others(app: &App, known: &Known) -> Result<(), Failure> {
    let (audit, now, keep) = (app.audit().clone(), app.clock().now(), known.session());
    let (tenant, id) = (known.actor.tenant().clone(), known.id);
    let draft = session::entry(known.actor.clone(), Event::SignedOut, known.id, b"others");
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            sessions::end_all(tx, &tenant, id, now, keep)?;
            audit.append(tx, draft)?;
            Ok(())
        })
        .await
}

/// What the visitor can sign in with.
pub struct Own {
    /// A password.
    pub login: Option<Login>,
    /// Passkeys.
    pub passkeys: Vec<Passkey>,
    /// Sessions that go on.
    pub sessions: Vec<sessions::Session>,
    /// Whether there is a token or a client certificate, and which.
    pub credential: Option<&'static str>,
}

/// Looks up what the visitor can sign in with.
///
/// # Errors
/// The database cannot be read.
pub async fn own(app: &App, known: &Known) -> Result<Own, Failure> {
    let (tenant, id, now) = (known.actor.tenant().clone(), known.id, app.clock().now());
    let idle = app.config().web.session_idle.duration();
    let own = app
        .db()
        .read(move |tx| -> Result<Own, DbError> {
            let officer = store::officer(tx, &tenant, id)?;
            let mut live = sessions::of(tx, &tenant, id)?;
            live.retain(|session| now < session.until && now < session.seen.plus(idle));
            Ok(Own {
                login: rows::login_of(tx, &tenant, id)?,
                passkeys: rows::passkeys_of(tx, &tenant, id)?,
                sessions: live,
                credential: officer.and_then(|o| o.credential).map(|c| c.as_str()),
            })
        })
        .await?;
    Ok(own)
}

/// Another password, the codes staying the same. All other sessions end.
///
/// # Errors
/// `UNAUTHENTICATED` if the present password is wrong; `BAD_REQUEST` for a new one that is not taken.
pub async fn change_password(
    app: &App,
    known: &Known,
    present: Zeroizing<String>,
    new: Zeroizing<String>,
) -> Result<(), Failure> {
    let (tenant, id) = (known.actor.tenant().clone(), known.id);
    let found = app.db().read(move |tx| rows::login_of(tx, &tenant, id)).await?.ok_or(ErrorCode::NotFound)?;
    let account = engine::sm3::hash(found.login.as_bytes());
    app.gate().accounts().check(account)?;
    password::acceptable(&new, &found.login)?;
    let stored = found.stored.clone();
    let made = stretch(app, move |app| match stored.open(&present, id)? {
        Some(totp) => Ok(Some(Stored::make(&new, &totp, id, COST, app.random())?)),
        None => Ok(None),
    })
    .await?;
    let Some(stored) = made else {
        app.gate().accounts().failed(account);
        return Err(Failure::saying(ErrorCode::BadRequest, "当前密码不对。 / The present password is not right."));
    };
    let login = Login { stored, changed: app.clock().now(), ..found };
    bind(app, known, Ready::Password(login, 0)).await?;
    sign_out_others(app, known).await
}

/// One more passkey, or a first password.
///
/// # Errors
/// As [`super::login::claim`].
pub async fn add(app: &App, known: &Known, wanted: Wanted) -> Result<(), Failure> {
    let (tenant, id) = (known.actor.tenant().clone(), known.id);
    if matches!(wanted, Wanted::Passkey(_)) {
        let (tenant, held) = (tenant.clone(), 20);
        if app.db().read(move |tx| rows::passkeys_of(tx, &tenant, id)).await?.len() >= held {
            return Err(Failure::saying(ErrorCode::BadRequest, "最多 20 个通行密钥。 / At most 20 passkeys."));
        }
    }
    let ready = prepare(app, tenant, id, wanted).await?;
    bind(app, known, ready).await
}

async fn bind(app: &App, known: &Known, ready: Ready) -> Result<(), Failure> {
    let audit = app.audit().clone();
    let (actor, id) = (known.actor.clone(), known.id);
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            let seq = audit.next_seq(tx)?;
            let how: &[u8] = match &ready {
                Ready::Password(..) => b"password",
                Ready::Passkey(_) => b"passkey",
            };
            let covers = vec![put(tx, &ready, seq)?];
            audit.append(tx, EntryDraft { covers, ..session::entry(actor, Event::CredentialBound, id, how) })?;
            Ok(())
        })
        .await
}

/// A passkey is no longer taken. The last way to sign in cannot be removed.
///
/// # Errors
/// `NOT_FOUND`; `BAD_REQUEST` for the last one.
pub async fn remove_passkey(app: &App, known: &Known, credential: &str) -> Result<(), Failure> {
    let credential = bytes(credential)?;
    let own = own(app, known).await?;
    let mut key = own.passkeys.iter().find(|key| key.credential == credential).cloned().ok_or(ErrorCode::NotFound)?;
    if own.passkeys.len() == 1 && own.login.is_none() && own.credential.is_none() {
        let why = "这是您唯一的登录方式，请先添加另一种。 / It is your only way to sign in; add another first.";
        return Err(Failure::saying(ErrorCode::BadRequest, why));
    }
    key.active = false;
    let audit = app.audit().clone();
    let (actor, id) = (known.actor.clone(), known.id);
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            let seq = audit.next_seq(tx)?;
            let covers = vec![key.put(tx, seq)?];
            audit
                .append(tx, EntryDraft { covers, ..session::entry(actor, Event::CredentialRemoved, id, b"passkey") })?;
            Ok(())
        })
        .await
}

/// The organisation's name, for the frame of every page.
///
/// # Errors
/// `BAD_REQUEST` for a name that is too long or has invisible characters; as the log reports.
pub async fn set_organisation(app: &App, by: &pki_config::role::Authorized, name: &str) -> Result<(), Failure> {
    let name = name.trim().to_owned();
    if name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Failure::saying(ErrorCode::BadRequest, "名称最多 64 个字符。 / A name has at most 64 characters."));
    }
    let (audit, tenant, actor) = (app.audit().clone(), by.actor().tenant().clone(), by.actor().clone());
    let written = name.clone();
    app.db()
        .write(Importance::Normal, move |tx| -> Result<(), Failure> {
            let seq = audit.next_seq(tx)?;
            let covers = vec![store::setting::put_organisation(tx, &tenant, &written, seq)?];
            let draft = EntryDraft {
                actor,
                event: Event::SettingChanged,
                object: "organisation".to_owned(),
                outcome: Outcome::Done,
                payload: Vec::new(),
                covers,
            };
            audit.append(tx, draft)?;
            Ok(())
        })
        .await?;
    app.gate().set_organisation(&name);
    Ok(())
}
