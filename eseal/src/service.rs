//! [`Eseal`]: the only type others call. It orders the steps: core, store, workshop, pool, store.
//!
//! `service/life.rs` leads a seal from its application to its end, `service/make.rs` makes it, `service/sign.rs` puts it
//! on documents (`service/value.rs` makes the signatures), `service/elsewhere.rs` does that with keys held elsewhere, and
//! `service/judge.rs` judges what documents bear, and `service/status.rs` tells third parties how a seal is.
//!
//! # One request, one signature
//!
//! A request is known by its tenant and the id its sender gave it. Its use is written in the same transaction as the
//! log entry of its signature, and there can be one only: a second signature under the same id is thrown away before
//! anybody sees it. Documents are not kept. Who asks again with the same document gets the same signature in it, for
//! making a document ready gives the same octets each time.

mod elsewhere;
mod judge;
mod life;
mod make;
mod report;
mod sign;
mod status;
mod value;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crypto_pool::PoolHandle;
use crypto_pool::cms::Signer;
use crypto_pool::path::Cert;
use ledger::{AuditLog, Db, Tx};
use pki_config::ports::{StatusLookup, TimeStamper};
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Clock, KeyId, Random, TenantId, oid};

use crate::core::ses;
use crate::error::Error;
use crate::store::maker::Office;
use crate::store::{self, KeptKey};
use crate::workshop::Workshop;

pub use elsewhere::Prepared;
pub use judge::Believes;
pub use life::{SealView, had_part};
pub use make::{NewKey, NewMaker};
pub use sign::{Hashed, Level, Order, Receipt};
pub use status::{Status, StatusAnswer, StatusWord};

/// What the service of seals is made of. Everything it touches comes in here.
pub struct EsealOptions {
    /// The database.
    pub db: Db,
    /// The audit log.
    pub audit: AuditLog,
    /// The only way to a signature.
    pub pool: PoolHandle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Trial or production.
    pub setup: Setup,
    /// Where documents are read.
    pub workshop: Workshop,
    /// The status of our own certificates.
    pub status: Arc<dyn StatusLookup>,
    /// What is believed of documents.
    pub believes: Arc<dyn Believes>,
    /// The time-stamping authority, if there is one.
    pub time_stamper: Option<Arc<dyn TimeStamper>>,
    /// How long a seal is valid when its application does not say.
    pub validity: Duration,
    /// For how long an answer about a seal's status may be relied on.
    pub status_lifetime: Duration,
}

/// The service of seals. Cheap to clone.
#[derive(Clone)]
pub struct Eseal(Arc<Inner>);

struct Inner {
    options: EsealOptions,
    makers: RwLock<Vec<Arc<Kept>>>,
    reporters: RwLock<Vec<Arc<Kept>>>,
    told: status::Told,
}

/// A key of ours with its certificate, ready to sign with.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) key: KeyId,
    pub(crate) cert: Cert,
    /// Its issuers, the nearest first, without the root.
    pub(crate) issuers: Vec<Vec<u8>>,
    pub(crate) signer: Arc<Signer>,
}

impl Kept {
    fn of(kept: &KeptKey) -> Result<Self, Error> {
        let bad = Error::Damaged("a certificate of a seal");
        let Some((own, issuers)) = kept.chain.split_first() else { return Err(bad) };
        let cert = Cert::from_der(own).map_err(|_| Error::Damaged("a certificate of a seal"))?;
        let signer = Signer::new(own, issuers, oid::DATA).map_err(|_| bad)?;
        Ok(Self { key: kept.key, cert, issuers: issuers.to_vec(), signer: Arc::new(signer) })
    }
}

/// A seal as it was made, with what signs for it.
pub(crate) struct Made {
    pub(crate) version: u32,
    pub(crate) seal: ses::Seal,
    pub(crate) sm2: Option<Kept>,
    pub(crate) ec: Option<Kept>,
}

impl Eseal {
    /// Opens the service: migrates its tables, reads who makes seals. Blocks.
    ///
    /// # Errors
    /// The database cannot be read, or a maker in it does not read back.
    pub fn open(options: EsealOptions) -> Result<Self, Error> {
        options.db.migrate("eseal", store::MIGRATIONS)?;
        let of = |office| -> Result<RwLock<Vec<Arc<Kept>>>, Error> {
            let kept = options.db.read_blocking(move |tx: &Tx<'_>| store::maker::all(tx, office))?;
            let kept = kept.iter().map(|kept| Kept::of(kept).map(Arc::new)).collect::<Result<_, _>>()?;
            Ok(RwLock::new(kept))
        };
        let (makers, reporters) = (of(Office::Maker)?, of(Office::Reporter)?);
        Ok(Self(Arc::new(Inner { options, makers, reporters, told: status::Told::default() })))
    }

    /// Where documents are read.
    #[must_use]
    pub fn workshop(&self) -> &Workshop {
        &self.0.options.workshop
    }

    /// Who made seals, DER, the newest first: certificate, then its issuers without the root.
    #[must_use]
    pub fn makers(&self) -> Vec<Vec<Vec<u8>>> {
        let makers = self.0.makers.read().unwrap_or_else(PoisonError::into_inner);
        let chain = |maker: &Arc<Kept>| [&[maker.cert.der().to_vec()], maker.issuers.as_slice()].concat();
        makers.iter().map(chain).collect()
    }

    fn demand(by: &Authorized, permissions: &[Permission]) -> Result<(), Error> {
        if permissions.contains(&by.permission()) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Whose seals the caller sees.
    fn tenant(by: &Authorized) -> TenantId {
        by.actor().tenant().clone()
    }
}

impl fmt::Debug for Eseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eseal")
    }
}
