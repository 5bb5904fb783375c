//! The pages about the house itself: the authority, its profiles, the system, the log; and what is public.

use pki_config::Permission as P;

use super::table::PageAccess::Needs;
use super::table::{Row, act, show};
use super::{audit, authority, system};

/// Their lines of the table.
pub(super) fn rows() -> Vec<Row> {
    vec![
        show("/desk/issuers", Needs(P::ReadIssuers), authority::list),
        act("/desk/issuers/{issuer}/crl", Needs(P::PublishCrl), authority::publish),
        show("/desk/system", Needs(P::ReadSystem), system::show),
        act("/desk/system/doctor", Needs(P::Diagnose), system::doctor),
        act("/desk/system/verify", Needs(P::ReadAudit), system::verify),
        show("/desk/audit", Needs(P::ReadAudit), audit::list),
        show("/desk/audit/{seq}", Needs(P::ReadAudit), audit::show),
        show("/desk/audit/{seq}/receipt.json", Needs(P::ReadAudit), audit::receipt),
        show("/desk/audit/{seq}/payload", Needs(P::ReadAudit), audit::payload),
    ]
}
