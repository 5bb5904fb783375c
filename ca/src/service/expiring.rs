//! How many certificates expire on which day.

use std::time::Duration;

use pki_config::{Instant, TenantId};

use super::Ca;
use crate::error::Error;
use crate::store;

/// The longest stretch one question may cover.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

impl Ca {
    /// Certificates of a tenant that are good or on hold, by the day (UTC) of their last second: the day's first
    /// moment, and how many. `until` is not included; days on which nothing expires are left out. Of more than 400
    /// days only the first 400 are told.
    ///
    /// # Errors
    /// The database.
    pub async fn expiring(
        &self,
        tenant: &TenantId,
        from: Instant,
        until: Instant,
    ) -> Result<Vec<(Instant, u64)>, Error> {
        let tenant = tenant.clone();
        let until = until.min(from.plus(LONGEST));
        let db = &self.0.options.db;
        Ok(db.read(move |tx| store::expiring(tx, &tenant, from, until)).await?)
    }
}
