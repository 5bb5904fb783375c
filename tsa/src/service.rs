//! [`Tsa`]: the only type others call. It orders the steps: core, clock, pool, store.
//!
//! `service/units.rs` keeps the units (keys and certificates that sign), `service/archive.rs` finds what was
//! stamped, `service/evidence.rs` renews it before it loses its force.
//!
//! # The order of tokens
//!
//! Times are handed out under one lock, each at least a microsecond after the one before, and at the first
//! stamp after a start none at or below the newest in the store. Where the clock has not moved on, the time is
//! nudged forward, by at most [`NUDGE`], and the stated accuracy grows by the nudge, so that the statement stays
//! true; a clock further behind is refused. Two processes never stamp from one data directory: its lock is
//! held by one.

mod archive;
mod evidence;
mod units;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crypto_pool::pool::Record;
use crypto_pool::to_sign::TstInfoToSign;
use crypto_pool::{PoolHandle, SignRequest, ToSign, cms};
use ledger::{AuditLog, Db, EntryDraft, Importance, Outcome, Seq, Tx};
use pki_config::config::{EvidenceConfig, StampAccess, TsaPolicy};
use pki_config::role::Role;
use pki_config::{Actor, Clock, Event, Random, Serial};

use crate::clock::{Change, TrustedClock};
use crate::core::moment::{Accuracy, Moment};
use crate::core::policy::{Policies, Policy};
use crate::core::renewal::Plan;
use crate::core::request::{Hash, StampRequest};
use crate::core::response::{self, FailInfo, Rejection};
use crate::core::token;
use crate::error::Error;
use crate::serial::Serials;
use crate::store;

pub use archive::{Archived, Page};
pub use evidence::Evidence;
pub use units::{NewUnit, Unit};

/// How far a time may be moved ahead of the clock so that it follows the one before. Unit: microseconds. At a
/// hundred thousand stamps a second it lasts for a hundred in one microsecond.
const NUDGE: i64 = 1000;

/// What the time-stamping authority is made of. Everything it touches comes in here.
pub struct TsaOptions {
    /// The database.
    pub db: Db,
    /// The audit log.
    pub audit: AuditLog,
    /// The only way to a signature.
    pub pool: PoolHandle,
    /// The time that is stamped.
    pub time: Arc<TrustedClock>,
    /// The machine's time, for validity periods.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for serials.
    pub random: Arc<dyn Random>,
    /// The policies, the first the one of requests that name none.
    pub policies: Vec<TsaPolicy>,
    /// When archived tokens are stamped again.
    pub evidence: EvidenceConfig,
}

/// Which unit signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// SM2 for an SM3 imprint, ECDSA for a SHA-2 imprint.
    #[default]
    Auto,
    /// SM2 with SM3.
    Sm2,
    /// ECDSA.
    Ec,
    /// Both, in one answer: see [`Tsa::answer`].
    Twin,
}

/// The kind of key a unit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// SM2 with SM3.
    Sm2,
    /// ECDSA on P-256 with SHA-256.
    Ec,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sm2, Self::Ec];

    /// The word in addresses and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sm2 => "sm2",
            Self::Ec => "ec",
        }
    }

    const fn for_hash(hash: Hash) -> Self {
        match hash {
            Hash::Sm3 => Self::Sm2,
            Hash::Sha256 | Hash::Sha384 | Hash::Sha512 => Self::Ec,
        }
    }
}

/// A time-stamp that was made and is durable.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The token: DER of a ContentInfo.
    pub token: Vec<u8>,
    /// Its number.
    pub serial: Serial,
    /// Its time.
    pub time: Moment,
    /// The log entry whose payload it is.
    pub seq: Seq,
}

/// The time-stamping authority. Cheap to clone.
#[derive(Clone)]
pub struct Tsa(Arc<Inner>);

struct Inner {
    options: TsaOptions,
    policies: Policies,
    plan: Plan,
    units: RwLock<Vec<Arc<Unit>>>,
    /// Made at the first stamp: until then nothing is written.
    start: tokio::sync::OnceCell<Serials>,
    last: Mutex<Moment>,
}

impl Tsa {
    /// Opens the authority: migrates its tables, reads its units. Blocks.
    ///
    /// # Errors
    /// The database cannot be read, or a unit in it does not read back.
    pub fn open(options: TsaOptions) -> Result<Self, Error> {
        options.db.migrate("tsa", store::MIGRATIONS)?;
        let units = options.db.read_blocking(store::units)?;
        let units = units.into_iter().map(|row| Unit::of_row(row).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let policies = Policies::new(&options.policies, !options.time.is_trial());
        let policies = policies.ok_or(Error::Damaged("a policy of the configuration"))?;
        let plan = Plan::new(&options.evidence).ok_or(Error::Damaged("the evidence of the configuration"))?;
        Ok(Self(Arc::new(Inner {
            options,
            policies,
            plan,
            units: RwLock::new(units),
            start: tokio::sync::OnceCell::new(),
            last: Mutex::new(Moment::from(
                pki_config::Instant::from_unix_millis(0).unwrap_or(pki_config::Instant::LAST),
            )),
        })))
    }

    /// The policies, the first the one of requests that name none.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        self.0.policies.all()
    }

    /// The clock.
    #[must_use]
    pub fn time(&self) -> &TrustedClock {
        &self.0.options.time
    }

    /// Answers a request. A refusal is an answer too, so this gives bytes in any case: the DER of a
    /// `TimeStampResp`.
    ///
    /// With [`Choice::Twin`] they are two, over the same request, for verifiers of either kind:
    ///
    /// ```text
    /// TwinTimeStampResp ::= SEQUENCE { sm2 TimeStampResp, ec TimeStampResp }
    /// ```
    pub async fn answer(&self, caller: &Actor, der: &[u8], choice: Choice) -> Vec<u8> {
        let request = match StampRequest::parse(der) {
            Ok(request) => request,
            Err(rejection) if choice == Choice::Twin => return twin(&rejection.to_der(), &rejection.to_der()),
            Err(rejection) => return rejection.to_der(),
        };
        let family = match choice {
            Choice::Auto => Family::for_hash(request.imprint().hash()),
            Choice::Sm2 => Family::Sm2,
            Choice::Ec => Family::Ec,
            Choice::Twin => {
                let sm2 = self.response(caller, &request, Family::Sm2).await;
                return twin(&sm2, &self.response(caller, &request, Family::Ec).await);
            }
        };
        self.response(caller, &request, family).await
    }

    async fn response(&self, caller: &Actor, request: &StampRequest<'_>, family: Family) -> Vec<u8> {
        match self.stamp(caller, request, Some(family)).await {
            Ok(stamped) => response::granted(&stamped.token),
            Err(error) => error.rejection().to_der(),
        }
    }

    /// Makes a time-stamp; when this answers, token and log entry are durable. Without a family, that of the
    /// imprint's algorithm signs.
    ///
    /// # Errors
    /// [`Error::Rejected`] says what the client is told; [`Error::rejection`] turns every other into that too.
    pub async fn stamp(
        &self,
        caller: &Actor,
        request: &StampRequest<'_>,
        family: Option<Family>,
    ) -> Result<Stamped, Error> {
        let policy = self.0.policies.admit(request)?;
        if policy.access == StampAccess::Known && caller.role() == Role::Anyone {
            return Err(Rejection::new(FailInfo::BadRequest, "this policy is for those who log in").into());
        }
        let family = family.unwrap_or(Family::for_hash(request.imprint().hash()));
        let start = self.started().await?;
        let (time, accuracy) = self.next_time(policy)?;
        let unit = self.signing_unit(family, time)?;
        let serial = start.next().ok_or(Error::Random)?;
        let facts = token::Facts { serial: &serial, time, accuracy, authority: unit.signer().certificate().subject() };
        let tst_info = token::tst_info(request, policy, &facts);
        let arc = match family {
            Family::Sm2 if policy.gm_content_type => cms::Arc::Gm,
            Family::Sm2 | Family::Ec => cms::Arc::Cms,
        };
        let ask = SignRequest {
            key: unit.key(),
            to_sign: ToSign::TstInfo(TstInfoToSign::new(tst_info.clone(), Arc::clone(unit.signer()))),
            actor: caller.clone(),
            ceremony: None,
            importance: Importance::Normal,
        };
        let (imprint, with_chain) = (store::imprint_key(request.imprint().digest()), request.cert_req());
        let (tenant, signer) = (caller.tenant().clone(), Arc::clone(unit.signer()));
        let object = serial.to_string();
        let (token, seq) = self
            .0
            .options
            .pool
            .sign(ask, move |tx: &Tx<'_>, signed| -> Result<_, Error> {
                let token = signer.assemble(&tst_info, &signed.to_sign, &signed.signature, with_chain, arc);
                store::insert_token(tx, signed.seq, &tenant, time, imprint)?;
                let record = Record {
                    event: Event::TimeStamped,
                    object,
                    outcome: Outcome::Done,
                    payload: token.clone(),
                    covers: Vec::new(),
                };
                Ok((record, (token, signed.seq)))
            })
            .await?;
        Ok(Stamped { token, serial, time, seq })
    }

    /// The numbers of this start, drawn and recorded once; and the clock told where it must not go back to.
    async fn started(&self) -> Result<&Serials, Error> {
        self.0
            .start
            .get_or_try_init(|| async {
                let options = &self.0.options;
                let newest = options.db.read(store::newest_time).await?;
                if let Some(newest) = newest.and_then(Moment::from_unix_micros) {
                    options.time.raise_floor(newest.unix_micros());
                    let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
                    *last = newest.max(*last);
                }
                // A part that was used before: the source repeats itself. Once more, then it is broken.
                for _ in 0..2 {
                    let serials = Serials::draw(&*options.random)?;
                    let (prefix, now) = (serials.prefix(), options.clock.now());
                    let insert = move |tx: &Tx<'_>| store::insert_start(tx, prefix, now);
                    if options.db.write(Importance::Normal, insert).await? {
                        return Ok(serials);
                    }
                }
                Err(Error::Random)
            })
            .await
    }

    /// The time of the next token, after all before it, and how far it may be off.
    fn next_time(&self, policy: &Policy) -> Result<(Moment, Accuracy), Error> {
        let unsure = Rejection::new(FailInfo::TimeNotAvailable, "the clock is not sure of the time");
        let vague = Rejection::new(FailInfo::TimeNotAvailable, "the clock is less accurate than the policy promises");
        // Read under the lock, so that the order of readings is that of the tokens.
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.0.options.time.now().map_err(|_| unsure)?;
        let time = Moment::from_unix_micros(reading.unix_micros()).ok_or(unsure)?;
        let next = time.max(last.plus_micros(1));
        let nudge = next.unix_micros() - time.unix_micros();
        if nudge > NUDGE {
            return Err(unsure.into());
        }
        let accuracy = u32::try_from(nudge).ok().and_then(|nudge| reading.accuracy_micros().checked_add(nudge));
        let accuracy = accuracy.and_then(|micros| Accuracy::from_micros(micros.max(1))).ok_or(vague)?;
        // A stated accuracy is not made worse by a nudge that is far below it.
        let accuracy = if reading.is_measured() { accuracy } else { accuracy.min(policy.accuracy) };
        if accuracy > policy.accuracy {
            return Err(vague.into());
        }
        *last = next;
        Ok((next, accuracy))
    }

    /// Puts tokens that are not yet found by their imprint into that index; for the schedule. How many.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn index_imprints(&self) -> Result<usize, Error> {
        archive::index_imprints(&self.0.options.db).await
    }
}

impl fmt::Debug for Tsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tsa")
    }
}

fn twin(sm2: &[u8], ec: &[u8]) -> Vec<u8> {
    crypto_pool::tlv::write(crypto_pool::tlv::SEQUENCE, &[sm2, ec])
}

/// Records in the log, and tells the operator, that the clock became unsure or sure again: for
/// [`TrustedClock::on_change`]. Does not block; `refused` tokens are answered `timeNotAvailable` meanwhile.
pub fn record_clock(db: &Db, audit: &AuditLog, change: &Change) {
    let word = change.now.map_or("sure", |unsure| unsure.as_str());
    match change.now {
        Some(unsure) => tracing::error!(why = %unsure, "the clock is unsure: no time-stamps are made"),
        None => tracing::info!("the clock is sure again: time-stamps are made"),
    }
    let payload = change.now.map_or_else(|| "sure again".to_owned(), |unsure| unsure.to_string());
    let draft = EntryDraft {
        actor: Actor::system(),
        event: Event::StampClock,
        object: word.to_owned(),
        outcome: Outcome::Done,
        payload: payload.into_bytes(),
        covers: Vec::new(),
    };
    let audit = audit.clone();
    let work = move |tx: &Tx<'_>| audit.append(tx, draft);
    db.write_then(Importance::Normal, work, |recorded| {
        if let Err(error) = recorded {
            tracing::warn!(%error, "the change of the clock could not be recorded");
        }
    });
}
