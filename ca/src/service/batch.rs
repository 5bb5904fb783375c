//! Batches: many requests from one file, looked at together, filed together.

use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::{Authorized, Permission};
use pki_config::{Actor, BatchId, BranchId, Event, Identity};

use ledger::{EntryDraft, Importance, Outcome};

use super::pickup::Invitation;
use super::requests::Ready;
use super::{Ca, NewRequest, Submission};
use crate::core::batch::{self, Row};
use crate::core::evidence::Evidence;
use crate::error::Error;
use crate::store::{self, BatchRow, RequestRow, Scope};

/// The longest name of a batch. Unit: characters.
const LONGEST_TITLE: usize = 80;

/// How a file is taken.
#[derive(Debug, Clone, Default)]
pub struct BatchOptions {
    /// Profile of rows that name none.
    pub profile: Option<String>,
    /// The branch all of it belongs to.
    pub branch: Option<BranchId>,
    /// What it is called.
    pub title: String,
    /// Files the good rows although others are bad.
    pub skip_bad: bool,
}

/// A row and what became of it.
#[derive(Debug)]
pub struct ReadRow {
    /// As typed.
    pub row: Row,
    /// Its profile.
    pub profile: String,
    /// What is wrong with it; `None` if it is well.
    pub problem: Option<Error>,
    /// The index of the link it was given, for a row without a key.
    pub invited: Option<usize>,
    ready: Option<Ready>,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ready({})", self.row.id)
    }
}

impl ReadRow {
    /// The request it becomes or became, if it is well.
    #[must_use]
    pub fn request(&self) -> Option<pki_config::RequestId> {
        self.ready.as_ref().map(|ready| ready.row.id)
    }
}

/// A file that was read, each row proven and linted. Nothing is stored.
#[derive(Debug)]
pub struct ReadBatch {
    /// In the order of the file.
    pub rows: Vec<ReadRow>,
    options: BatchOptions,
}

impl ReadBatch {
    /// How many rows are not well.
    #[must_use]
    pub fn bad(&self) -> u32 {
        u32::try_from(self.rows.iter().filter(|row| row.problem.is_some()).count()).unwrap_or(u32::MAX)
    }
}

/// The request in a cell: PEM, or the base64 of its DER on one line.
fn csr_of(cell: &str) -> Result<Vec<u8>, Error> {
    use base64::Engine as _;
    if cell.contains("-----BEGIN") {
        return Ok(cell.as_bytes().to_vec());
    }
    let der = base64::engine::general_purpose::STANDARD.decode(cell.trim());
    der.map_err(|_| Error::Row("the csr is neither PEM nor base64"))
}

impl Ca {
    /// Reads a file of requests, proves and lints each row. Takes as long as a thousand signatures to check: not for
    /// a thread that others wait for. `link` draws the digest of a pick-up link's secret for each row without a key.
    ///
    /// # Errors
    /// [`Error::Batch`] if the file as a whole cannot be read; what concerns a row stands with it.
    pub fn read_batch(
        &self,
        auth: &Authorized,
        text: &str,
        options: BatchOptions,
        mut link: impl FnMut() -> Result<[u8; 32], Error>,
    ) -> Result<ReadBatch, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let mut links = 0;
        let rows = batch::parse(text)?
            .into_iter()
            .map(|row| {
                let profile =
                    row.profile.clone().or_else(|| options.profile.clone()).unwrap_or_else(|| "tls-server".to_owned());
                let invited = row.csr.is_empty().then(|| {
                    links += 1;
                    links - 1
                });
                let ready = self.read_row(auth.actor(), &row, &profile, &options, &mut link);
                let (ready, problem) = match ready {
                    Ok(ready) => (Some(ready), None),
                    Err(problem) => (None, Some(problem)),
                };
                ReadRow { row, profile, problem, invited, ready }
            })
            .collect();
        Ok(ReadBatch { rows, options })
    }

    fn read_row(
        &self,
        actor: &Actor,
        row: &Row,
        profile: &str,
        options: &BatchOptions,
        link: &mut impl FnMut() -> Result<[u8; 32], Error>,
    ) -> Result<Ready, Error> {
        // Drawn for every row without a key, well or not, so that links and rows keep in step.
        let secret = if row.csr.is_empty() { Some(link()?) } else { None };
        if let Some(fault) = row.fault {
            return Err(Error::Row(fault));
        }
        let now = self.0.options.clock.now();
        let subject: Option<DistinguishedName> =
            (!row.subject.is_empty()).then(|| row.subject.parse()).transpose().map_err(Error::Name)?;
        let sans: SubjectAltName = row.sans.join(",").parse().map_err(Error::Name)?;
        let identity: Identity =
            row.identity.join(",").parse().map_err(|_| Error::Row("an identity number is not right"))?;
        let evidence = match &row.method {
            Some(method) => vec![Evidence::new(method, &row.note, None, None, now)?],
            None => Vec::new(),
        };
        let issuer =
            row.issuer.as_deref().map(|id| id.parse().map_err(|_| Error::UnknownIssuer(short(id)))).transpose()?;
        match secret {
            Some(link) => self.prepare_invitation(
                actor,
                &Invitation {
                    subject: subject.ok_or(Error::Row("a row without a key needs a subject"))?,
                    sans,
                    identity,
                    profile: profile.to_owned(),
                    issuer,
                    days: row.days,
                    branch: options.branch.clone(),
                    contact: row.contact.clone(),
                    evidence,
                    link_days: 14,
                    link,
                },
            ),
            None => {
                let request = NewRequest {
                    csr: csr_of(&row.csr)?,
                    subject,
                    sans,
                    identity,
                    profile: profile.to_owned(),
                    issuer,
                    days: row.days,
                };
                let (branch, contact) = (options.branch.clone(), row.contact.clone());
                self.prepare(actor, &Submission { request, evidence, branch, contact })
            }
        }
    }

    /// Files the rows of a file that are well. All of them, or none.
    ///
    /// # Errors
    /// [`Error::BadRows`] if some are not well and those were not to be skipped, or if none is; as [`Ca::submit`].
    pub async fn file_batch(&self, auth: &Authorized, read: &mut ReadBatch) -> Result<BatchId, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let bad = read.bad();
        let good = read.rows.iter().filter(|row| row.ready.is_some()).count();
        if good == 0 || (bad > 0 && !read.options.skip_bad) {
            return Err(Error::BadRows(bad));
        }
        let id = BatchId::draw(self.0.options.random.as_ref())?;
        let actor = auth.actor().clone();
        let title: String = read.options.title.trim().chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect();
        let batch = BatchRow {
            id,
            tenant: actor.tenant().clone(),
            title,
            officer: actor.person().to_owned(),
            submitted_at: self.0.options.clock.now(),
            requests: 0,
            open: 0,
        };
        let mut all = Vec::with_capacity(good);
        for row in &mut read.rows {
            let line = row.row.line;
            if let Some(ready) = &mut row.ready {
                ready.row.batch = Some((id, line));
                all.push(ready.clone());
            }
        }
        let audit = self.0.options.audit.clone();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let seq = audit.next_seq(tx)?;
                let covers = vec![batch.put(tx, seq)?];
                let object = id.to_string();
                let (event, actor_here) = (Event::CertificateRequested, actor.clone());
                audit.append(
                    tx,
                    EntryDraft {
                        actor: actor_here,
                        event,
                        object,
                        outcome: Outcome::Done,
                        payload: Vec::new(),
                        covers,
                    },
                )?;
                all.into_iter().try_for_each(|ready| super::requests::file_ready(tx, &audit, &actor, ready))
            })
            .await?;
        Ok(id)
    }

    /// The newest batches, at most 100. An officer of branches sees those it filed itself.
    ///
    /// # Errors
    /// The database.
    pub async fn batches(&self, actor: &Actor) -> Result<Vec<BatchRow>, Error> {
        let actor = actor.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let mut batches = store::batches(tx, actor.tenant(), 100)?;
                if store::scope(tx, actor.tenant(), actor.person())? != Scope::All {
                    batches.retain(|batch| batch.officer == actor.person());
                }
                Ok(batches)
            })
            .await
    }

    /// A batch and those of its requests that this officer's branches have, in the order of the file.
    ///
    /// # Errors
    /// [`Error::UnknownBatch`].
    pub async fn batch(&self, actor: &Actor, id: BatchId) -> Result<(BatchRow, Vec<RequestRow>), Error> {
        let actor = actor.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let batch = store::batch(tx, actor.tenant(), id)?.ok_or(Error::UnknownBatch)?;
                let scope = store::scope(tx, actor.tenant(), actor.person())?;
                let mut requests = store::requests_of_batch(tx, actor.tenant(), id)?;
                requests.retain(|row| scope.covers(row.branch.as_ref()));
                Ok((batch, requests))
            })
            .await
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
