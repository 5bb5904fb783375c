//! What officers asked of the centre. A row is added, decided once, and stays.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{CentreKeyId, CentreOrderId, Instant, TenantId};

use super::{optional, position, read_time, text, time, unreadable};
use crate::core::order::{Aim, OrderState};

pub(super) static ORDER: Table = Table {
    name: "centre_order",
    key: 1,
    columns: &[
        "order_id",
        "tenant_id",
        "key_id",
        "aim",
        "state",
        "reason",
        "ground",
        "recipient",
        "asked_by",
        "asked_at",
        "asked_seq",
        "decided_by",
        "decided_at",
        "refusal",
        "envelope",
    ],
    pending: None,
};

/// An order.
#[derive(Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Which.
    pub id: CentreOrderId,
    /// Whose.
    pub tenant: TenantId,
    /// For which key.
    pub key: CentreKeyId,
    /// What is asked for.
    pub aim: Aim,
    /// Where it stands.
    pub state: OrderState,
    /// Why.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
    /// The certificate it is for, DER.
    pub recipient: Option<Vec<u8>>,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Instant,
    /// The log entry of that.
    pub asked_seq: Seq,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Instant>,
    /// Why it was refused.
    pub refusal: Option<String>,
    pub(crate) envelope: Option<Vec<u8>>,
}

impl std::fmt::Debug for OrderRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderRow({}, {}, {})", self.id, self.aim.as_str(), self.state.as_str())
    }
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    /// Only those in this state.
    pub state: Option<OrderState>,
    /// The place where the page before ended.
    pub after: Option<Seq>,
    /// At most this many.
    pub limit: u32,
}

impl OrderRow {
    /// Writes the row as it now is, for the entry `seq`.
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            Value::Blob(self.key.as_bytes().to_vec()),
            text(self.aim.as_str()),
            text(self.state.as_str()),
            text(&self.reason),
            text(&self.ground),
            optional(self.recipient.clone(), Value::Blob),
            text(&self.asked_by),
            time(self.asked_at),
            position(self.asked_seq),
            optional(self.decided_by.as_deref(), text),
            optional(self.decided_at, time),
            optional(self.refusal.as_deref(), text),
            optional(self.envelope.clone(), Value::Blob),
        ];
        tx.put(&ORDER, &values, seq)
    }
}

macro_rules! select_order {
    ($rest:literal) => {
        concat!(
            "SELECT order_id, tenant_id, key_id, aim, state, reason, ground, recipient, asked_by, asked_at, asked_seq, \
             decided_by, decided_at, refusal, envelope FROM centre_order ",
            $rest
        )
    };
}

fn read_order(row: &Row<'_>) -> RowResult<Option<OrderRow>> {
    let (tenant, aim, state): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let (asked_at, asked_seq): (i64, i64) = (row.get(9)?, row.get(10)?);
    let decided_at: Option<i64> = row.get(12)?;
    let (Ok(tenant), Some(aim), Some(state), Some(asked_at), Ok(asked_seq)) = (
        tenant.parse(),
        Aim::from_word(&aim),
        OrderState::from_word(&state),
        read_time(asked_at),
        Seq::try_from(asked_seq),
    ) else {
        return Ok(None);
    };
    Ok(Some(OrderRow {
        id: CentreOrderId::from_bytes(row.get(0)?),
        tenant,
        key: CentreKeyId::from_bytes(row.get(2)?),
        aim,
        state,
        reason: row.get(5)?,
        ground: row.get(6)?,
        recipient: row.get(7)?,
        asked_by: row.get(8)?,
        asked_at,
        asked_seq,
        decided_by: row.get(11)?,
        decided_at: decided_at.and_then(read_time),
        refusal: row.get(13)?,
        envelope: row.get(14)?,
    }))
}

fn readable(rows: Vec<Option<OrderRow>>) -> Result<Vec<OrderRow>, DbError> {
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("centre_order"))).collect()
}

/// One order of this tenant.
pub(crate) fn order(tx: &Tx<'_>, tenant: &TenantId, id: CentreOrderId) -> Result<Option<OrderRow>, DbError> {
    let found = tx.query_opt(
        select_order!("WHERE order_id = $1 AND tenant_id = $2"),
        &[id.as_bytes(), &tenant.as_str()],
        read_order,
    )?;
    found.map(|row| row.ok_or_else(|| unreadable("centre_order"))).transpose()
}

/// One page of this tenant's orders, newest first.
pub(crate) fn orders(tx: &Tx<'_>, tenant: &TenantId, query: &OrderQuery) -> Result<Vec<OrderRow>, DbError> {
    let after = query.after.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    readable(tx.query_all(
        select_order!(
            "WHERE tenant_id = $1 AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR asked_seq < $3) \
             ORDER BY asked_seq DESC LIMIT $4"
        ),
        &[&tenant.as_str(), &query.state.map(OrderState::as_str), &after, &query.limit],
        read_order,
    )?)
}

/// What was asked for one key, oldest first; at most 1,000.
pub(crate) fn orders_of(tx: &Tx<'_>, tenant: &TenantId, key: CentreKeyId) -> Result<Vec<OrderRow>, DbError> {
    readable(tx.query_all(
        select_order!("WHERE key_id = $1 AND tenant_id = $2 ORDER BY asked_seq LIMIT 1000"),
        &[key.as_bytes(), &tenant.as_str()],
        read_order,
    )?)
}
