//! Many certificates revoked at once: those of one organisation, of one key, or of a list.

use pki_config::role::{Authorized, Permission, Setup};
use pki_config::status::{CertStatus, Reason};
use pki_config::{Instant, IssuerId, Serial, TenantId};

use ledger::{Importance, Seq};

use super::Ca;
use super::status::{Wanted, change_row, is_authority};
use crate::core::revoke::Impossible;
use crate::error::Error;
use crate::store::{self, CertificateRow, Common};

/// Revoked in one transaction: as many as keep others waiting for no longer than they notice.
const AT_ONCE: u32 = 50;

/// Shown of what is about to be revoked.
const SHOWN: u32 = 500;

/// Which certificates.
#[derive(Debug, Clone)]
pub enum Which {
    /// All that have something in common.
    Common(Common),
    /// These.
    Listed(Vec<(Serial, Option<IssuerId>)>),
}

/// One certificate of many.
#[derive(Debug, Clone)]
pub struct RevokedOne {
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
    /// Its subject.
    pub subject: String,
    /// Its alternative names: many servers have no other.
    pub sans: Vec<String>,
    /// Why it was not revoked; `None` if it was, or if nobody tried.
    pub problem: Option<String>,
}

/// What was or would be revoked.
#[derive(Debug, Clone)]
pub struct RevokedMany {
    /// How many certificates it is about.
    pub count: u64,
    /// The first of them.
    pub certificates: Vec<RevokedOne>,
}

impl Ca {
    /// What [`Ca::revoke_all`] would revoke: all that are good or on hold and have not expired.
    ///
    /// # Errors
    /// [`Error::UnknownCertificate`] and [`Error::Ambiguous`] for a list.
    pub async fn revoke_all_preview(&self, tenant: &TenantId, which: &Which) -> Result<RevokedMany, Error> {
        let rows = match which {
            Which::Common(common) => {
                let (tenant, common, now) = (tenant.clone(), common.clone(), self.0.options.clock.now());
                let (count, rows) = self
                    .0
                    .options
                    .db
                    .read(move |tx| -> Result<_, Error> {
                        let count = store::unrevoked_count(tx, &tenant, &common, now)?;
                        Ok((count, store::unrevoked(tx, &tenant, &common, None, now, SHOWN)?))
                    })
                    .await?;
                return Ok(RevokedMany { count, certificates: rows.into_iter().map(|row| line(row, None)).collect() });
            }
            Which::Listed(listed) => self.listed(tenant, listed).await?,
        };
        let open = rows.into_iter().filter(is_open);
        let certificates: Vec<RevokedOne> = open.map(|row| line(row, None)).collect();
        Ok(RevokedMany { count: u64::try_from(certificates.len()).unwrap_or(u64::MAX), certificates })
    }

    /// Revokes them for good, if they are as many as the caller saw. Some dozens are durable at a time; what was
    /// revoked before an error stays revoked, and the same call goes on with the rest after another look.
    ///
    /// # Errors
    /// [`Error::CountChanged`]; [`Error::Change`] for a reason that is none; the database.
    pub async fn revoke_all(
        &self,
        auth: &Authorized,
        which: &Which,
        reason: Reason,
        invalidity: Option<Instant>,
        expected: u64,
    ) -> Result<RevokedMany, Error> {
        Self::demand(auth, Permission::RevokeCertificate)?;
        if reason == Reason::CertificateHold {
            return Err(Impossible::Reason(reason).into());
        }
        let tenant = auth.actor().tenant();
        let preview = self.revoke_all_preview(tenant, which).await?;
        if preview.count != expected {
            return Err(Error::CountChanged { now: preview.count });
        }
        let wanted = Wanted::Revoke { reason, invalidity };
        let mut done = RevokedMany { count: 0, certificates: Vec::new() };
        match which {
            Which::Listed(listed) => {
                let rows: Vec<_> = self.listed(tenant, listed).await?.into_iter().filter(is_open).collect();
                for some in rows.chunks(AT_ONCE as usize) {
                    self.revoke_some(auth, some.to_vec(), wanted, &mut done).await?;
                }
            }
            Which::Common(common) => {
                let mut after: Option<Seq> = None;
                // Those issued meanwhile are revoked too: whoever revokes an organisation means all of it.
                loop {
                    let (tenant, common, now) = (tenant.clone(), common.clone(), self.0.options.clock.now());
                    let rows = self
                        .0
                        .options
                        .db
                        .read(move |tx| -> Result<_, Error> {
                            Ok(store::unrevoked(tx, &tenant, &common, after, now, AT_ONCE)?)
                        })
                        .await?;
                    let Some(last) = rows.last() else { break };
                    after = last.issue_seq;
                    self.revoke_some(auth, rows, wanted, &mut done).await?;
                }
            }
        }
        Ok(done)
    }

    /// Revokes these in one transaction, each with an entry of its own.
    async fn revoke_some(
        &self,
        auth: &Authorized,
        rows: Vec<CertificateRow>,
        wanted: Wanted,
        done: &mut RevokedMany,
    ) -> Result<(), Error> {
        let options = &self.0.options;
        let (actor, audit, feeds) = (auth.actor().clone(), options.audit.clone(), options.feeds.clone());
        let now = options.audit.ready()?;
        let apart = |row: &CertificateRow| is_authority(row) && options.setup == Setup::Production;
        let (authorities, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(apart);
        let touched = rows.iter().any(is_authority);
        let mut lines = options
            .db
            .write(Importance::Essential, move |tx| -> Result<_, Error> {
                let mut lines = Vec::with_capacity(rows.len());
                for row in rows {
                    // What is impossible is found before anything is written; any other error undoes all of them.
                    match change_row(tx, &audit, &actor, &feeds, &row, wanted, now) {
                        Ok(changed) => lines.push(line(changed, None)),
                        Err(Error::Change(why)) => lines.push(line(row, Some(why.to_string()))),
                        Err(error) => return Err(error),
                    }
                }
                Ok(lines)
            })
            .await?;
        if touched {
            self.look_again().await?;
        }
        lines.extend(authorities.into_iter().map(|row| {
            let why = Error::AuthorityCertificate(row.serial.clone()).to_string();
            line(row, Some(why))
        }));
        for one in lines {
            done.count += u64::from(one.problem.is_none());
            if done.certificates.len() < SHOWN as usize {
                done.certificates.push(one);
            }
        }
        Ok(())
    }

    async fn listed(
        &self,
        tenant: &TenantId,
        listed: &[(Serial, Option<IssuerId>)],
    ) -> Result<Vec<CertificateRow>, Error> {
        let mut rows: Vec<CertificateRow> = Vec::with_capacity(listed.len());
        for (serial, issuer) in listed {
            let row = self.row(tenant, serial, issuer.as_ref()).await?;
            if !rows.iter().any(|other| other.serial == row.serial && other.issuer == row.issuer) {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

fn is_open(row: &CertificateRow) -> bool {
    match row.status {
        CertStatus::Good => row.issue_seq.is_some(),
        CertStatus::Revoked(revocation) => revocation.reason == Reason::CertificateHold,
    }
}

fn line(row: CertificateRow, problem: Option<String>) -> RevokedOne {
    let sans = row.sans.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    RevokedOne { issuer: row.issuer, serial: row.serial, subject: row.subject, sans, problem }
}
