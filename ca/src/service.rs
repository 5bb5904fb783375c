//! [`Ca`]: the only type others call. It orders the steps: core, store, pool, store.
//!
//! `service/issuers.rs` makes and finds issuers, `service/requests.rs` takes and decides requests,
//! `service/profiles.rs` keeps and changes profiles, `service/check.rs` tries a request out,
//! `service/evidence.rs` keeps what shows their names to be right, `service/pickup.rs` lets holders send their keys,
//! `service/follow.rs` renews, `service/batch.rs` takes many at once, `service/branches.rs` says who works where,
//! `service/revoke_all.rs` revokes many, `service/pair.rs` issues two certificates as one,
//! `service/issue.rs` is the issuance pipeline, `service/status.rs` revokes, `service/crl.rs` publishes lists,
//! `service/lists.rs` says which are due and keeps the newest at hand,
//! `service/ceremony.rs` has two persons agree on what becomes of authorities, `service/authority.rs` says which issue
//! and revokes them, `service/rollover.rs` gives them new keys, `service/cross.rs` connects them with others,
//! `service/recover.rs` settles at start what a crash left open.

mod authority;
mod batch;
mod branches;
mod ceremony;
mod check;
mod crl;
mod cross;
mod evidence;
mod expiring;
mod follow;
mod issue;
mod issuers;
mod lists;
mod pair;
mod pickup;
mod profiles;
mod recover;
mod requests;
mod revoke_all;
mod rollover;
mod status;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use crypto_pool::{Kms, PoolHandle};
use ledger::{AuditLog, Cover, Db, Tx};
use pki_config::config::CrlConfig;
use pki_config::ports::{PairKeys, StatusFeed};
use pki_config::profile::Profile;
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::status::CertStatus;
use pki_config::time::Validity;
use pki_config::{Clock, Instant, IssuerId, Random, RequestId, Role, Serial, TenantId};

use crate::core::crl::List;
use crate::error::Error;
use crate::store::{self, CertificateRow};

pub use batch::{BatchOptions, ReadBatch, ReadRow};
pub use branches::Branch;
pub use ceremony::Requested;
pub use check::{Checked, Trial};
pub use follow::Follow;
pub use issue::{NewRequest, OwnRequest, Step};
pub use issuers::{Chain, Issuer, NewIssuer};
pub use pair::{Half, InPair, Pair};
pub use pickup::Invitation;
pub use profiles::ProfileVersion;
pub use requests::{QueueLengths, Standing, Submission};
pub use revoke_all::{RevokedMany, RevokedOne, Which};

/// What a certificate authority is made of. Everything it touches comes in here.
pub struct CaOptions {
    /// The database.
    pub db: Db,
    /// The audit log.
    pub audit: AuditLog,
    /// Keys.
    pub kms: Kms,
    /// The only way to a signature.
    pub pool: PoolHandle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for serials and identifiers.
    pub random: Arc<dyn Random>,
    /// Trial or production.
    pub setup: Setup,
    /// Where CRL files are published.
    pub crl_dir: PathBuf,
    /// From thisUpdate to nextUpdate. At most 10 days (CA/Browser BR 4.9.7); CA certificates' CRLs use it too.
    pub crl_lifetime: Duration,
    /// A new CRL at least this often, and within a minute of a revocation.
    pub crl_every: Duration,
    /// How the lists of single issuers are made, by their words.
    pub lists: BTreeMap<String, CrlConfig>,
    /// Whether certificates name the OCSP responder at `ocsp` below the issuer's public address. Only if one
    /// answers there.
    pub ocsp: bool,
    /// Told of every change of status, inside the transaction that makes it.
    pub feeds: Vec<Arc<dyn for<'a> StatusFeed<Tx<'a>>>>,
    /// Makes the encryption keys of pairs of certificates. `None`: only single ones are issued.
    pub centre: Option<Centre>,
    /// Called before each step of an issuance; an error stops there. For fault injection in tests.
    pub probe: Option<Probe>,
}

/// See [`CaOptions::centre`].
pub type Centre = Arc<dyn for<'a> PairKeys<Tx<'a>, Cover>>;

/// See [`CaOptions::probe`].
pub type Probe = Arc<dyn Fn(Step) -> Result<(), Error> + Send + Sync>;

/// The certificate authority. Cheap to clone.
#[derive(Clone)]
pub struct Ca(Arc<Inner>);

struct Inner {
    options: CaOptions,
    /// In force, by name. Changed when an officer approves another version.
    profiles: RwLock<HashMap<String, Arc<LoadedProfile>>>,
    /// Issuers never change once made, but for their state, so they are kept.
    issuers: RwLock<HashMap<IssuerId, Arc<Issuer>>>,
    /// The newest of each list, as served.
    crls: RwLock<HashMap<(IssuerId, List), lists::Published>>,
    /// How many shares of an issuer's list are published.
    ready_shards: RwLock<HashMap<IssuerId, u16>>,
    /// Whose list is being published.
    turns: Mutex<HashMap<IssuerId, Arc<tokio::sync::Mutex<()>>>>,
}

/// A profile with the digest that is pinned into every record it shaped.
struct LoadedProfile {
    profile: Profile,
    digest: [u8; 32],
    state: store::ProfileState,
}

/// A certificate as the authority knows it.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
    /// DER.
    pub der: Vec<u8>,
    /// Profile that shaped it.
    pub profile: String,
    /// SM3 of that profile's text.
    pub profile_digest: [u8; 32],
    /// Subject, RFC 4514.
    pub subject: String,
    /// Alternative names, such as `dns:www.example.cn`.
    pub sans: Vec<String>,
    /// First and last second.
    pub validity: Validity,
    /// The request it answers.
    pub request: RequestId,
    /// Who filed that request.
    pub requester: String,
    /// Who approved it; the requester itself in a one-step issue.
    pub approver: Option<String>,
    /// The log entry whose payload it is.
    pub issue_seq: u64,
    /// The newest log entry about it.
    pub audit_seq: u64,
    /// Good or revoked.
    pub status: CertStatus,
    /// Which half of a pair it is, if it is one.
    pub pair: Option<InPair>,
}

/// A line of a list: everything but the certificate itself.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
    /// Profile that shaped it.
    pub profile: String,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// First and last second.
    pub validity: Validity,
    /// Good or revoked.
    pub status: CertStatus,
    /// The log entry whose payload it is.
    pub issue_seq: u64,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the order asked for.
    pub certificates: Vec<Listed>,
    /// Ask again with this as `after`; `None` on the last page.
    pub next: Option<u64>,
}

impl Ca {
    /// Opens the authority: brings its tables up to date and loads profiles and issuers.
    ///
    /// # Errors
    /// The database, or a stored issuer that does not read back.
    pub fn open(options: CaOptions) -> Result<Self, Error> {
        options.db.migrate("ca", store::MIGRATIONS)?;
        let profiles = RwLock::new(profiles::load(options.db.read_blocking(store::approved_profiles)?)?);
        let ca = Self(Arc::new(Inner {
            options,
            profiles,
            issuers: RwLock::new(HashMap::new()),
            crls: RwLock::default(),
            ready_shards: RwLock::default(),
            turns: Mutex::default(),
        }));
        let rows = ca.0.options.db.read_blocking(store::issuers)?;
        for row in &rows {
            let id = row.id.clone();
            let shards = ca.0.options.db.read_blocking(move |tx| store::published_shards(tx, &id))?;
            ca.know_shards(&row.id, shards);
        }
        let states = ca.0.options.db.read_blocking(store::issuer_states)?;
        ca.remember_all(rows, states)?;
        Ok(ca)
    }

    /// One certificate, the DER read from the log.
    ///
    /// # Errors
    /// [`Error::UnknownCertificate`], also for another tenant's; [`Error::Ambiguous`].
    pub async fn certificate(
        &self,
        tenant: &TenantId,
        serial: &Serial,
        issuer: Option<&IssuerId>,
    ) -> Result<Certificate, Error> {
        let row = self.row(tenant, serial, issuer).await?;
        self.with_der(row).await
    }

    async fn row(
        &self,
        tenant: &TenantId,
        serial: &Serial,
        issuer: Option<&IssuerId>,
    ) -> Result<CertificateRow, Error> {
        let (tenant, key, issuer) = (tenant.clone(), serial.clone(), issuer.cloned());
        let mut rows = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                Ok(match issuer {
                    Some(issuer) => store::certificate(tx, &tenant, &issuer, &key)?.into_iter().collect(),
                    None => store::certificates(tx, &tenant, &key)?,
                })
            })
            .await?;
        match rows.len() {
            0 => Err(Error::UnknownCertificate(serial.clone())),
            1 => Ok(rows.remove(0)),
            _ => Err(Error::Ambiguous(serial.clone())),
        }
    }

    async fn with_der(&self, row: CertificateRow) -> Result<Certificate, Error> {
        // An intent or an abandoned serial has no certificate to show.
        let issue_seq = row.issue_seq.ok_or_else(|| Error::UnknownCertificate(row.serial.clone()))?;
        let entry = self.0.options.audit.entry(issue_seq).await?;
        let der = entry.payload.ok_or_else(|| Error::Damaged(format!("the certificate in log entry {issue_seq}")))?;
        let (tenant, request) = (row.tenant.clone(), row.request);
        let (request, pair) = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let pair = pair::in_pair(tx, &tenant, request)?;
                Ok((store::request(tx, &tenant, request)?, pair))
            })
            .await?;
        let request = request.ok_or_else(|| Error::Damaged(format!("the request of certificate {}", row.serial)))?;
        Ok(Certificate {
            der,
            sans: split_sans(&row.sans),
            requester: request.requester,
            approver: request.approver,
            audit_seq: row.audit_seq.unwrap_or(issue_seq),
            issuer: row.issuer,
            serial: row.serial,
            profile: row.profile,
            profile_digest: row.profile_digest,
            subject: row.subject,
            validity: row.validity,
            request: row.request,
            issue_seq,
            status: row.status,
            pair,
        })
    }

    /// One page of certificates.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, tenant: &TenantId, query: store::Query) -> Result<Page, Error> {
        let (tenant, now) = (tenant.clone(), self.0.options.clock.now());
        let limit = query.limit.clamp(1, 500);
        let query = store::Query { limit, ..query };
        let store::Found { rows, next } = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> { Ok(store::list(tx, &tenant, &query, now)?) })
            .await?;
        let certificates = rows
            .into_iter()
            .filter_map(|row| {
                Some(Listed {
                    issue_seq: row.issue_seq?,
                    sans: split_sans(&row.sans),
                    issuer: row.issuer,
                    serial: row.serial,
                    profile: row.profile,
                    subject: row.subject,
                    validity: row.validity,
                    status: row.status,
                })
            })
            .collect();
        Ok(Page { certificates, next })
    }

    /// The next good certificates that end until a moment, those that end first first. `after` is the end and the
    /// entry of the last one of the page before; the moment it is now, and 0, for the first page.
    ///
    /// # Errors
    /// The database.
    pub async fn ending(
        &self,
        tenant: &TenantId,
        after: (Instant, u64),
        until: Instant,
        limit: u32,
    ) -> Result<Vec<store::Ending>, Error> {
        let tenant = tenant.clone();
        let limit = limit.clamp(1, 500);
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> { Ok(store::ending(tx, &tenant, after, until, limit)?) })
            .await
    }

    /// Refuses a proof of rights that is for something else. The suite itself may do all it is granted.
    fn demand(auth: &Authorized, needed: Permission) -> Result<(), Error> {
        if auth.permission() == needed || auth.actor().role() == Role::System {
            Ok(())
        } else {
            Err(Error::WrongProof { needed })
        }
    }
}

/// Alternative names are stored as one text; no kind we issue contains a comma.
fn split_sans(text: &str) -> Vec<String> {
    text.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect()
}
