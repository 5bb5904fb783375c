//! Queues of requests: what waits for whom, and what was decided.

use std::fmt;

use ledger::{DbError, Tx};
use pki_config::{BranchId, Instant, RequestId, TenantId};

use super::request::{RequestRow, read_request, readable, select_request};
use super::{read_time, unreadable};

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// For a review or an approval.
    Waiting,
    /// For a review.
    Review,
    /// For an approval.
    Approval,
    /// Filed by who asks and not decided.
    Mine,
    /// For the holder's key.
    Invited,
    /// Decided, newest first. The suite's own are nobody's work and are left out.
    Decided,
}

impl Queue {
    /// The word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Review => "review",
            Self::Approval => "approval",
            Self::Mine => "mine",
            Self::Invited => "invited",
            Self::Decided => "decided",
        }
    }

    /// From the word in the interface.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Review, Self::Approval, Self::Mine, Self::Invited, Self::Decided]
            .into_iter()
            .find(|queue| queue.as_str() == word)
    }
}

/// Which branches' requests an officer sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All, those of no branch too.
    All,
    /// These branches' only. Not empty.
    Branches(Vec<BranchId>),
}

impl Scope {
    /// Whether requests of `branch` are seen.
    #[must_use]
    pub fn covers(&self, branch: Option<&BranchId>) -> bool {
        match self {
            Self::All => true,
            Self::Branches(branches) => branch.is_some_and(|branch| branches.contains(branch)),
        }
    }

    /// `,a,b,` for comparing in SQL; branches' words hold no comma.
    fn words(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Branches(branches) => {
                Some(branches.iter().fold(",".to_owned(), |all, branch| format!("{all}{},", branch.as_str())))
            }
        }
    }
}

/// Where a page of a queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePlace {
    at: Instant,
    request: RequestId,
}

impl fmt::Display for QueuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.unix_millis(), self.request)
    }
}

impl std::str::FromStr for QueuePlace {
    type Err = pki_config::ids::BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || pki_config::ids::BadId { expected: "the place a page ended at, as that page told it" };
        let (at, request) = text.split_once('-').ok_or_else(bad)?;
        let at = at.parse().ok().and_then(read_time).ok_or_else(bad)?;
        Ok(Self { at, request: request.parse()? })
    }
}

/// What to show of a queue.
#[derive(Debug, Clone)]
pub struct QueueQuery {
    /// Which.
    pub queue: Queue,
    /// Only this branch.
    pub branch: Option<BranchId>,
    /// Only this profile.
    pub profile: Option<String>,
    /// Where the page before ended.
    pub after: Option<QueuePlace>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// One page of a queue, and where the next begins.
pub(crate) fn queue(
    tx: &Tx<'_>,
    tenant: &TenantId,
    person: &str,
    scope: &Scope,
    query: &QueueQuery,
) -> Result<(Vec<RequestRow>, Option<QueuePlace>), DbError> {
    let words = scope.words();
    let branch = query.branch.as_ref().map(BranchId::as_str);
    let one_more = query.limit.saturating_add(1);
    let mut rows = if query.queue == Queue::Decided {
        let (at, id) = query.after.map_or((i64::MAX, &[0xff_u8; 16][..]), |_| (0, &[]));
        let (at, id) =
            query.after.as_ref().map_or((at, id), |place| (place.at.unix_millis(), place.request.as_bytes()));
        readable(tx.query_all(
            select_request!(
                "WHERE tenant_id = $1 AND decided_at IS NOT NULL AND requester <> 'system' AND (decided_at, request_id) < ($2, $3) \
                 AND ($4 IS NULL OR instr($4, ',' || branch_id || ',') > 0) AND ($5 IS NULL OR branch_id = $5) \
                 AND ($6 IS NULL OR profile = $6) ORDER BY decided_at DESC, request_id DESC LIMIT $7"
            ),
            &[&tenant.as_str(), &at, &id, &words, &branch, &query.profile, &one_more],
            read_request,
        )?)?
    } else {
        let (at, id) = query.after.as_ref().map_or((i64::MIN, &[][..]), |p| (p.at.unix_millis(), p.request.as_bytes()));
        readable(tx.query_all(
            select_request!(
                "WHERE tenant_id = $1 AND state IN ('invited', 'submitted', 'reviewed') \
                 AND (submitted_at, request_id) > ($2, $3) \
                 AND ($4 IS NULL OR instr($4, ',' || branch_id || ',') > 0) AND ($5 IS NULL OR branch_id = $5) \
                 AND ($6 IS NULL OR profile = $6) \
                 AND CASE $7 WHEN 'waiting' THEN state <> 'invited' \
                 WHEN 'review' THEN state = 'submitted' AND needs_review = 1 \
                 WHEN 'approval' THEN state = 'reviewed' OR (state = 'submitted' AND needs_review = 0) \
                 WHEN 'mine' THEN requester = $8 ELSE state = 'invited' END \
                 ORDER BY submitted_at, request_id LIMIT $9"
            ),
            &[&tenant.as_str(), &at, &id, &words, &branch, &query.profile, &query.queue.as_str(), &person, &one_more],
            read_request,
        )?)?
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| {
        let at = if query.queue == Queue::Decided { row.decided_at } else { None };
        QueuePlace { at: at.unwrap_or(row.submitted_at), request: row.id }
    });
    Ok((rows, next))
}

/// How many requests wait where. The columns, in order: review, approval, invited, mine.
pub(crate) fn queue_lengths(tx: &Tx<'_>, tenant: &TenantId, person: &str, scope: &Scope) -> Result<[u32; 4], DbError> {
    tx.query_opt(
        "SELECT count(*) FILTER (WHERE state = 'submitted' AND needs_review = 1), \
         count(*) FILTER (WHERE state = 'reviewed' OR (state = 'submitted' AND needs_review = 0)), \
         count(*) FILTER (WHERE state = 'invited'), count(*) FILTER (WHERE requester = $3) \
         FROM (SELECT state, needs_review, requester FROM ca_request WHERE tenant_id = $1 \
         AND state IN ('invited', 'submitted', 'reviewed') \
         AND ($2 IS NULL OR instr($2, ',' || branch_id || ',') > 0) LIMIT 10000)",
        &[&tenant.as_str(), &scope.words(), &person],
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]),
    )?
    .ok_or_else(|| unreadable("ca_request", "a count"))
}

/// How many requests of a branch wait.
pub(crate) fn waiting_in(tx: &Tx<'_>, tenant: &TenantId, branch: &BranchId) -> Result<u32, DbError> {
    tx.query_opt(
        "SELECT count(*) FROM (SELECT 1 FROM ca_request WHERE tenant_id = $1 \
         AND state IN ('invited', 'submitted', 'reviewed') AND branch_id = $2 LIMIT 10000)",
        &[&tenant.as_str(), &branch.as_str()],
        |row| row.get(0),
    )?
    .ok_or_else(|| unreadable("ca_request", "a count"))
}
