//! How many certificates expire on which day.

use ledger::{DbError, Tx};
use pki_config::status::Reason;
use pki_config::{Instant, TenantId};

use super::{read_time, unreadable};

const DAY_MILLIS: i64 = 86_400_000;

/// Certificates of a tenant that are good or on hold, by the day of their last second: the day's first moment in UTC,
/// and how many. `until` is not included. Reads the index of expiry alone.
pub(crate) fn expiring(
    tx: &Tx<'_>,
    tenant: &TenantId,
    from: Instant,
    until: Instant,
) -> Result<Vec<(Instant, u64)>, DbError> {
    let rows = tx.query_all(
        "SELECT not_after / $4 * $4, COUNT(*) FROM ca_certificate WHERE tenant_id = $1 AND issue_seq >= 0 \
         AND not_after >= $2 AND not_after < $3 AND (revoked_at IS NULL OR reason = $5) GROUP BY 1 ORDER BY 1 LIMIT 1000",
        &[
            &tenant.as_str(),
            &from.unix_millis(),
            &until.unix_millis(),
            &DAY_MILLIS,
            &i64::from(Reason::CertificateHold.code()),
        ],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    )?;
    let read = |(day, count)| {
        let day = read_time(day).ok_or_else(|| unreadable("ca_certificate", "a last second"))?;
        Ok((day, u64::try_from(count).unwrap_or(0)))
    };
    rows.into_iter().map(read).collect()
}
