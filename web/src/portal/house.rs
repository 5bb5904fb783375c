//! The pages about the house itself: the authority, its profiles, the system, the log; and what is public.

use pki_config::Permission as P;

use super::table::PageAccess::{Needs, Open};
use super::table::{Row, act, show};
use super::{audit, authority, ceremonies, find, profiles, system};

/// The most a plan and its request take in a form, where some characters are three. Unit: octets.
const FILES: usize = 2 << 20;

/// Their lines of the table.
pub(super) fn rows() -> Vec<Row> {
    vec![
        show("/find", Open, find::show).everywhere(),
        show("/trust", Open, find::trust).everywhere(),
        show("/desk/profiles", Needs(P::ReadProfiles), profiles::list),
        act("/desk/profiles", Needs(P::ProposeProfile), profiles::propose),
        show("/desk/profiles/{profile}", Needs(P::ReadProfiles), profiles::show),
        act("/desk/profiles/{profile}/approve", Needs(P::ApproveProfile), profiles::approve),
        act("/desk/profiles/{profile}/reject", Needs(P::ApproveProfile), profiles::reject),
        show("/desk/issuers", Needs(P::ReadIssuers), authority::list),
        act("/desk/issuers/{issuer}/crl", Needs(P::PublishCrl), authority::publish),
        show("/desk/ceremonies", Needs(P::ReadIssuers), ceremonies::list),
        act("/desk/ceremonies", Needs(P::ManageIssuers), ceremonies::propose).up_to(FILES),
        show("/desk/ceremonies/{ceremony}", Needs(P::ReadIssuers), ceremonies::show),
        act("/desk/ceremonies/{ceremony}/confirm", Needs(P::ManageIssuers), ceremonies::confirm),
        act("/desk/ceremonies/{ceremony}/reject", Needs(P::ManageIssuers), ceremonies::reject),
        show("/desk/system", Needs(P::ReadSystem), system::show),
        act("/desk/system/doctor", Needs(P::Diagnose), system::doctor),
        act("/desk/system/verify", Needs(P::ReadAudit), system::verify),
        show("/desk/audit", Needs(P::ReadAudit), audit::list),
        show("/desk/audit/{seq}", Needs(P::ReadAudit), audit::show),
        show("/desk/audit/{seq}/receipt.json", Needs(P::ReadAudit), audit::receipt),
        show("/desk/audit/{seq}/payload", Needs(P::ReadAudit), audit::payload),
    ]
}
