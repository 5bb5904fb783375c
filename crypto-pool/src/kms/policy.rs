//! What a tenant may choose for its own signatures in bulk.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use ledger::audit::EntryDraft;
use ledger::{Importance, Outcome, Seq, Tx};
use pki_config::role::Authorized;
use pki_config::{Event, Permission, TenantId};
use tokio::sync::oneshot;

use super::{Kms, require};
use crate::error::Error;
use crate::store;

/// The tenants whose bulk signatures leave unverified. By default none.
#[derive(Default)]
pub(super) struct Policy(Arc<RwLock<HashSet<TenantId>>>);

impl Kms {
    /// Switches the verification of a tenant's own bulk signatures, before they leave, off or on again. Durable
    /// and logged when it returns. Off saves about as much time as signing takes; a fault in the machine could
    /// then give away the tenant's key. It never concerns keys of the house, single signatures, certificates,
    /// CRLs, time-stamps or OCSP answers: those are always verified.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ManageUnits`], for another tenant unless the caller is of the
    /// house, and for the house itself; the log's or the database's own.
    pub async fn set_bulk_verification(&self, by: &Authorized, tenant: &TenantId, verify: bool) -> Result<(), Error> {
        require(by, Permission::ManageUnits)?;
        let own = by.actor().tenant() == tenant || *by.actor().tenant() == TenantId::house();
        if !own || *tenant == TenantId::house() {
            return Err(Error::Forbidden);
        }
        let (answer, answered) = oneshot::channel();
        let (audit, actor, whose) = (self.inner.audit.clone(), by.actor().clone(), tenant.clone());
        let work = move |tx: &Tx<'_>| -> Result<Seq, Error> {
            let seq = audit.next_seq(tx)?;
            let cover = store::put_policy(tx, &whose, verify, seq)?;
            let payload = format!("verify_bulk={verify}").into_bytes();
            let (event, object) = (Event::BulkPolicyChanged, whose.to_string());
            let draft = EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers: vec![cover] };
            Ok(audit.append(tx, draft)?)
        };
        let (unverified, tenant) = (Arc::clone(&self.inner.policy.0), tenant.clone());
        self.inner.db.write_then(Importance::Normal, work, move |result: Result<Seq, Error>| {
            if result.is_ok() {
                let mut unverified = unverified.write().unwrap_or_else(PoisonError::into_inner);
                if verify {
                    unverified.remove(&tenant);
                } else {
                    unverified.insert(tenant);
                }
            }
            let _ = answer.send(result.map(drop));
        });
        answered.await.unwrap_or(Err(Error::Stopping))
    }

    /// Whether this tenant's bulk signatures are verified before they leave.
    #[must_use]
    pub fn verifies_bulk(&self, tenant: &TenantId) -> bool {
        !self.inner.policy.0.read().unwrap_or_else(PoisonError::into_inner).contains(tenant)
    }

    /// Reads the policies. Until then everything is verified. Blocks.
    pub(crate) fn load_policies(&self) -> Result<(), Error> {
        let tenants = self.inner.db.read_blocking(|tx| Ok::<_, Error>(store::unverified(tx)?))?;
        self.inner.policy.0.write().unwrap_or_else(PoisonError::into_inner).extend(tenants);
        Ok(())
    }
}
