//! Certificates whose end is near.

use ledger::{DbError, Seq, Tx};
use pki_config::time::Validity;
use pki_config::{Instant, IssuerId, Serial, TenantId};

use super::{read_time, serial_of, unreadable};

/// A certificate that is good and will end soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
    /// Profile that shaped it.
    pub profile: String,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Alternative names, such as `email:zhang@example.cn`, separated by commas.
    pub sans: String,
    /// First and last second.
    pub validity: Validity,
    /// The log entry whose payload it is.
    pub issue_seq: Seq,
    /// Who filed its request.
    pub requester: String,
    /// Where its holder gets mail, if the request said so.
    pub contact: Option<String>,
}

/// The next good certificates that no other has followed and whose last second lies between two moments, those that end first first; after the one
/// that ends at a moment and was issued with this entry.
pub(crate) fn ending(
    tx: &Tx<'_>,
    tenant: &TenantId,
    (after, after_seq): (Instant, Seq),
    until: Instant,
    limit: u32,
) -> Result<Vec<Ending>, DbError> {
    let seq = i64::try_from(after_seq).unwrap_or(i64::MAX);
    let rows = tx.query_all(
        "SELECT c.issuer_id, c.serial, c.profile, c.subject, c.sans, c.not_before, c.not_after, c.issue_seq, \
         r.requester, r.contact FROM ca_certificate AS c JOIN ca_request AS r ON r.request_id = c.request_id \
         WHERE c.tenant_id = $1 AND c.issue_seq >= 0 AND c.state = 'issued' AND c.revoked_at IS NULL \
         AND (c.not_after, c.issue_seq) > ($2, $3) AND c.not_after <= $4 \
         AND NOT EXISTS (SELECT 1 FROM ca_request AS f WHERE f.old_issuer = c.issuer_id AND f.old_serial = c.serial \
         AND f.state = 'issued') \
         ORDER BY c.not_after, c.issue_seq LIMIT $5",
        &[&tenant.as_str(), &after.unix_millis(), &seq, &until.unix_millis(), &limit],
        |row| {
            let (issuer, serial): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let (profile, subject, sans): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            let (not_before, not_after, issue_seq): (i64, i64, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
            let (requester, contact): (String, Option<String>) = (row.get(8)?, row.get(9)?);
            let validity = read_time(not_before).zip(read_time(not_after)).and_then(|(b, a)| Validity::between(b, a));
            let (Ok(issuer), Some(serial), Some(validity), Ok(issue_seq)) =
                (issuer.parse(), serial_of(&serial), validity, Seq::try_from(issue_seq))
            else {
                return Ok(None);
            };
            Ok(Some(Ending { issuer, serial, profile, subject, sans, validity, issue_seq, requester, contact }))
        },
    )?;
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_certificate", "a row"))).collect()
}
