//! What becomes of issuers, and certificates that connect them with authorities elsewhere.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, IssuerId, TenantId};

use super::{optional, read_time, text, time, unreadable};

/// What became of issuers.
pub(super) static ISSUER_STATE: Table = Table {
    name: "ca_issuer_state",
    key: 1,
    columns: &["issuer_id", "tenant_id", "state", "successor", "since", "reason"],
    pending: None,
};

/// Certificates between authorities.
pub(super) static CROSS: Table = Table {
    name: "ca_cross",
    key: 1,
    columns: &["sha256", "tenant_id", "direction", "issuer_id", "other", "not_after", "certificate", "created_at"],
    pending: None,
};

/// What an issuer may do now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IssuerState {
    /// It issues.
    #[default]
    Active,
    /// Its successor issues instead; it still signs its own lists and certifies its own responder.
    Rolled {
        /// Who issues instead.
        successor: IssuerId,
        /// Since when.
        since: Instant,
    },
    /// Its certificate was revoked; it issues nothing any more.
    Revoked {
        /// Since when.
        since: Instant,
        /// Why, as revocation lists spell it.
        reason: String,
    },
    /// It signs in ceremonies only, here or on the machine that has its key.
    Offline {
        /// Since when.
        since: Instant,
    },
}

impl IssuerState {
    /// The word in the store and in the interface.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rolled { .. } => "rolled",
            Self::Revoked { .. } => "revoked",
            Self::Offline { .. } => "offline",
        }
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, id: &IssuerId, tenant: &TenantId, seq: Seq) -> Result<Cover, DbError> {
        let (successor, since, reason) = match self {
            Self::Active => return Err(unreadable("ca_issuer_state", "an active issuer has no row and")),
            Self::Rolled { successor, since } => (Some(successor.as_str()), *since, None),
            Self::Revoked { since, reason } => (None, *since, Some(reason.as_str())),
            Self::Offline { since } => (None, *since, None),
        };
        let values = [
            text(id.as_str()),
            text(tenant.as_str()),
            text(self.as_str()),
            optional(successor, text),
            time(since),
            optional(reason, text),
        ];
        tx.put(&ISSUER_STATE, &values, seq)
    }

    fn read(row: &Row<'_>) -> RowResult<Option<(IssuerId, Self)>> {
        let (id, state): (String, String) = (row.get(0)?, row.get(1)?);
        let successor: Option<String> = row.get(2)?;
        let since: i64 = row.get(3)?;
        let reason: Option<String> = row.get(4)?;
        let (Ok(id), Some(since)) = (id.parse(), read_time(since)) else { return Ok(None) };
        let state = match (state.as_str(), successor.map(|id| id.parse()), reason) {
            ("rolled", Some(Ok(successor)), None) => Self::Rolled { successor, since },
            ("revoked", None, Some(reason)) => Self::Revoked { since, reason },
            ("offline", None, None) => Self::Offline { since },
            _ => return Ok(None),
        };
        Ok(Some((id, state)))
    }
}

/// The state of every issuer that is not active.
pub(crate) fn issuer_states(tx: &Tx<'_>) -> Result<Vec<(IssuerId, IssuerState)>, DbError> {
    let rows = tx.query_all(
        "SELECT issuer_id, state, successor, since, reason FROM ca_issuer_state ORDER BY issuer_id LIMIT 10000",
        &[],
        IssuerState::read,
    )?;
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_issuer_state", "a row"))).collect()
}

/// The state of one issuer.
pub(crate) fn issuer_state(tx: &Tx<'_>, id: &IssuerId) -> Result<IssuerState, DbError> {
    let row = tx.query_opt(
        "SELECT issuer_id, state, successor, since, reason FROM ca_issuer_state WHERE issuer_id = $1",
        &[&id.as_str()],
        IssuerState::read,
    )?;
    match row {
        None => Ok(IssuerState::Active),
        Some(row) => row.map(|(_, state)| state).ok_or_else(|| unreadable("ca_issuer_state", id.as_str())),
    }
}

/// Which way a certificate between authorities goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Our issuer certified another's key.
    Given,
    /// Another certified our issuer's key.
    Received,
}

impl Direction {
    /// The word in the store and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Received => "received",
        }
    }
}

/// A certificate between one of our issuers and an authority elsewhere.
#[derive(Debug, Clone)]
pub struct CrossRow {
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// For which tenant the issuer works.
    pub tenant: TenantId,
    /// Which way it goes.
    pub direction: Direction,
    /// Our issuer.
    pub issuer: IssuerId,
    /// The other authority's name, RFC 4514.
    pub other: String,
    /// Its last second.
    pub not_after: Instant,
    /// DER.
    pub certificate: Vec<u8>,
    /// When it came to be, or came here.
    pub created_at: Instant,
}

impl CrossRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.sha256.to_vec()),
            text(self.tenant.as_str()),
            text(self.direction.as_str()),
            text(self.issuer.as_str()),
            text(&self.other),
            time(self.not_after),
            Value::Blob(self.certificate.clone()),
            time(self.created_at),
        ];
        tx.put(&CROSS, &values, seq)
    }
}

/// Every certificate between our issuers and others, oldest first. There are few: the list is not paged.
pub(crate) fn crosses(tx: &Tx<'_>) -> Result<Vec<CrossRow>, DbError> {
    let rows = tx.query_all(
        "SELECT sha256, tenant_id, direction, issuer_id, other, not_after, certificate, created_at FROM ca_cross \
         ORDER BY created_at, sha256 LIMIT 10000",
        &[],
        |row| {
            let (tenant, direction, issuer): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (not_after, created_at): (i64, i64) = (row.get(5)?, row.get(7)?);
            let direction = [Direction::Given, Direction::Received].into_iter().find(|d| d.as_str() == direction);
            let (Ok(tenant), Ok(issuer), Some(direction), Some(not_after), Some(created_at)) =
                (tenant.parse(), issuer.parse(), direction, read_time(not_after), read_time(created_at))
            else {
                return Ok(None);
            };
            Ok(Some(CrossRow {
                sha256: row.get(0)?,
                tenant,
                direction,
                issuer,
                other: row.get(4)?,
                not_after,
                certificate: row.get(6)?,
                created_at,
            }))
        },
    )?;
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_cross", "a row"))).collect()
}
