//! Opening the sealed root key: by its passphrase, or by shares that several people give one after another.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crypto_pool::RootKey;
use crypto_pool::root_key::shares::{BadShare, Share};
use crypto_pool::root_key::{Credential, PassphraseSeal, RootSeal as _, SealedBy, ShareSeal, sealed_by};
use ledger::audit::AuditError;
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Actor, ErrorCode, Event, Instant};

use super::App;
use super::root::Asked;
use crate::api::SharesGiven;
use crate::auth::Lockout;
use crate::problem::Failure;

/// How long given shares wait for the others.
const WAIT: Duration = Duration::from_secs(15 * 60);

/// What is under way with the root key. One thing at a time: Argon2 takes memory, and a change of the file must not
/// meet an opening or a backup.
pub(super) struct RootDesk {
    pub(super) turn: tokio::sync::Mutex<Turn>,
    /// For the status, which must not wait.
    progress: Mutex<Option<(SharesGiven, Instant)>>,
    /// Wrong passphrases and shares, by who gave them.
    guesses: Lockout<[u8; 32]>,
}

/// What whoever has the turn sees.
#[derive(Default)]
pub(super) struct Turn {
    given: Vec<Share>,
    /// Since the first of them.
    since: Option<Instant>,
    pub(super) asked: Option<Asked>,
    pub(super) prepared: Option<super::root::Prepared>,
}

impl RootDesk {
    pub(super) fn new(guesses: Lockout<[u8; 32]>) -> Self {
        Self { turn: tokio::sync::Mutex::default(), progress: Mutex::default(), guesses }
    }

    fn tell(&self, progress: Option<(SharesGiven, Instant)>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

fn account(actor: &Actor) -> [u8; 32] {
    engine::sm3::hash(actor.person().as_bytes())
}

impl App {
    /// Opens the sealed root key of a production installation, or takes shares until there are enough. Every
    /// attempt is recorded.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` for a wrong passphrase; `SHARE_REFUSED` with the reason for a share that is wrong, stale, of
    /// another installation or given twice; `TOO_MANY_TRIES`; `BAD_REQUEST` for a trial, which is never sealed.
    pub async fn unseal(&self, by: &Authorized, given: Credential) -> Result<(), Failure> {
        if by.permission() != Permission::Unseal {
            return Err(ErrorCode::Forbidden.into());
        }
        if self.setup() == Setup::Trial {
            return Err(Failure::saying(ErrorCode::BadRequest, "a trial is never sealed"));
        }
        self.open_root(by.actor(), given).await
    }

    /// Opens the root key with what the service manager handed over, if it did.
    pub(crate) async fn unseal_unattended(&self, directory: &Path) {
        let name = &self.config().root_key.credential;
        let file = directory.join(name);
        if name.is_empty() || self.setup() == Setup::Trial || self.is_open() || !file.exists() {
            return;
        }
        let opened = match Credential::read(&file) {
            Ok(given) => self.open_root(&Actor::system(), given).await.map_err(|why| why.code()),
            Err(error) => {
                tracing::warn!(%error, "the credential of the root key is not used");
                Err(error.code())
            }
        };
        if let Err(code) = opened {
            tracing::warn!(%code, "the root key stays sealed: run `yinxin unseal`");
        }
    }

    /// Shares given so far, while more are waited for.
    pub(crate) fn shares_given(&self) -> Option<SharesGiven> {
        let progress = self.0.root_desk.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |since: Instant| self.clock().now().since(since) < WAIT;
        progress.as_ref().filter(|(_, since)| fresh(*since) && !self.is_open()).map(|(given, _)| given.clone())
    }

    async fn open_root(&self, actor: &Actor, given: Credential) -> Result<(), Failure> {
        let mut turn = self.0.root_desk.turn.lock().await;
        if self.is_open() {
            return Ok(());
        }
        let given = match given {
            Credential::Shares(shares) => match self.take_shares(&mut turn, actor, shares).await? {
                Some(shares) => Credential::Shares(shares),
                None => return Ok(()),
            },
            passphrase => passphrase,
        };
        let opened = self.opened_by(actor, &given).await;
        let outcome = match &opened {
            Ok(_) => Outcome::Done,
            Err(failure) => Outcome::Refused(failure.code()),
        };
        let recorded = self.record_root(actor, Event::SystemUnsealed, outcome, Vec::new()).await;
        let key = opened?;
        // Not opened without a record of who did.
        match recorded {
            // The clock must be mended by somebody, and signing stays refused until then.
            Ok(()) | Err(AuditError::ClockBehind { .. }) => self.0.kms.root().open(key),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.settle().await {
            tracing::warn!(code = %error.code(), "the start is not complete");
        }
        if let Err(error) = self.finish_rotation(Some(&given)).await {
            tracing::warn!(code = %error.code(), "an interrupted change of the root key is not finished");
        }
        self.work_when_open().await;
        self.renew_invitation().await;
        // Until now heads could not be signed; the next second would, and the status says so at once.
        self.checkpoint_now().await?;
        Ok(())
    }

    /// Adds shares to those given before. All of them when there are enough.
    async fn take_shares(
        &self,
        turn: &mut Turn,
        actor: &Actor,
        shares: Vec<Share>,
    ) -> Result<Option<Vec<Share>>, Failure> {
        let desk = &self.0.root_desk;
        desk.guesses.check(account(actor))?;
        let now = self.clock().now();
        if turn.since.is_some_and(|since| now.since(since) >= WAIT) {
            turn.given.clear();
            turn.since = None;
        }
        let SealedBy::Shares(set) = self.sealed_by().await? else {
            return Err(Failure::saying(ErrorCode::ShareRefused, "the root key is sealed by a passphrase"));
        };
        let file = ShareSeal::new(self.dir().path()).read()?;
        for share in shares {
            let twice = turn.given.iter().any(|before| before.number() == share.number());
            let number = share.number();
            let admitted = match file.admits(&share) {
                Ok(()) if twice => Err(BadShare::Twice { number }),
                other => other,
            };
            if let Err(why) = admitted {
                if !matches!(why, BadShare::Twice { .. }) {
                    desk.guesses.failed(account(actor));
                }
                let words = format!("share {number}: {why}").into_bytes();
                let refused = Outcome::Refused(ErrorCode::ShareRefused);
                self.record_root(actor, Event::ShareGiven, refused, words).await?;
                return Err(Failure::saying(ErrorCode::ShareRefused, why));
            }
            if turn.since.is_none() {
                turn.since = Some(now);
                self.forget_shares_later(now);
            }
            turn.given.push(share);
            let given = u8::try_from(turn.given.len()).unwrap_or(u8::MAX);
            let words = format!("share {number}, {given} of {}", set.quorum.threshold()).into_bytes();
            match self.record_root(actor, Event::ShareGiven, Outcome::Done, words).await {
                Ok(()) | Err(AuditError::ClockBehind { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let given = SharesGiven { given, needed: set.quorum.threshold() };
            desk.tell(Some((given, turn.since.unwrap_or(now))));
        }
        if turn.given.len() < usize::from(set.quorum.threshold()) {
            return Ok(None);
        }
        turn.since = None;
        desk.tell(None);
        Ok(Some(std::mem::take(&mut turn.given)))
    }

    /// Shares that waited too long do not stay in memory, even if nobody asks any more.
    fn forget_shares_later(&self, since: Instant) {
        let app = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(WAIT).await;
            let Some(app) = app.upgrade() else { return };
            let mut turn = app.root_desk.turn.lock().await;
            if turn.since == Some(since) {
                turn.given.clear();
                turn.since = None;
            }
        });
    }

    /// The root key that the file holds, opened with this. Guesses are counted.
    pub(super) async fn opened_by(&self, actor: &Actor, given: &Credential) -> Result<RootKey, Failure> {
        let desk = &self.0.root_desk;
        desk.guesses.check(account(actor))?;
        let sealed_by = self.sealed_by().await?;
        let dir = self.dir().path().to_owned();
        let opened = match (given, sealed_by) {
            (Credential::Passphrase(passphrase), SealedBy::Passphrase) => {
                let seal = PassphraseSeal::new(&dir, passphrase.clone(), self.argon2());
                tokio::task::spawn_blocking(move || seal.open())
                    .await
                    .map_err(|e| Failure::inside(ErrorCode::Internal, e))?
            }
            (Credential::Shares(shares), SealedBy::Shares(_)) => {
                ShareSeal::new(&dir).read().and_then(|file| file.open(shares))
            }
            (Credential::Passphrase(_), SealedBy::Shares(set)) => {
                let why = format!("the root key is sealed by shares, {}: give those", set.quorum);
                return Err(Failure::saying(ErrorCode::UnsealFailed, why));
            }
            (Credential::Shares(_), SealedBy::Passphrase) => {
                return Err(Failure::saying(ErrorCode::ShareRefused, "the root key is sealed by a passphrase"));
            }
        };
        if let Err(error) = &opened
            && matches!(error.code(), ErrorCode::UnsealFailed | ErrorCode::ShareRefused)
        {
            desk.guesses.failed(account(actor));
        }
        Ok(opened?)
    }

    pub(super) async fn sealed_by(&self) -> Result<SealedBy, Failure> {
        Ok(sealed_by(self.dir().path())?)
    }

    pub(super) async fn record_root(
        &self,
        actor: &Actor,
        event: Event,
        outcome: Outcome,
        payload: Vec<u8>,
    ) -> Result<(), AuditError> {
        let (actor, object) = (actor.clone(), self.installation().to_owned());
        let draft = EntryDraft { actor, event, object, outcome, payload, covers: Vec::new() };
        self.0.audit.record(Importance::Essential, draft).await.map(drop)
    }
}
