//! What the maker of electronic seals says of one of them to third parties.

use pki_config::Instant;

use super::Refusal;
use crate::algorithm::KeyAlgorithm;
use crate::key::KeyRecord;
use crate::tlv::{self, GENERALIZED_TIME, IA5_STRING, INTEGER, SEQUENCE};

/// The first field, by which this is told from everything else that such a key signs: the content of a seal begins
/// with a SEQUENCE.
pub const SEAL_STATUS: &str = "yinxin-seal-status";

/// What may be said of a seal.
pub const SEAL_STATES: [&str; 6] = ["valid", "suspended", "revoked", "expired", "not-yet-valid", "not-enabled"];

/// ```text
/// TBSSealStatus ::= SEQUENCE {
///   type       IA5String ("yinxin-seal-status"),
///   version    INTEGER (1),
///   esID       IA5String,
///   status     IA5String,        -- one of SEAL_STATES
///   since      GeneralizedTime,  -- since when it is so
///   validFrom  GeneralizedTime,
///   validUntil GeneralizedTime,
///   producedAt GeneralizedTime,
///   nextUpdate GeneralizedTime } -- until when it may be relied on
/// ```
pub(super) fn check(status: &[u8], record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    if record.algorithm != KeyAlgorithm::Sm2 {
        return Err(Refusal::Algorithm);
    }
    let mut fields = tlv::single(status, SEQUENCE, "seal status")?.inside();
    if fields.expect(IA5_STRING, "seal status")?.value != SEAL_STATUS.as_bytes() {
        return tlv::bad("seal status").map_err(Refusal::from);
    }
    if fields.expect(INTEGER, "seal status version")?.small()? != 1 {
        return tlv::bad("seal status version").map_err(Refusal::from);
    }
    fields.expect(IA5_STRING, "seal identifier")?;
    let word = fields.expect(IA5_STRING, "seal state")?.value;
    if !SEAL_STATES.iter().any(|known| known.as_bytes() == word) {
        return tlv::bad("seal state").map_err(Refusal::from);
    }
    let mut time = || fields.expect(GENERALIZED_TIME, "seal status time")?.time();
    let (since, _, _, at, until) = (time()?, time()?, time()?, time()?, time()?);
    fields.finish("seal status")?;
    let near = at <= now.plus(super::seal::TOLERANCE) && at >= now.whole_second().minus(super::seal::TOLERANCE);
    if near && since <= at && at <= until { Ok(()) } else { Err(Refusal::Times) }
}
