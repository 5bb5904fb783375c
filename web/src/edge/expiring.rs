//! `cert/expiring`: how many certificates expire on which day.

use pki_config::Instant;
use pki_config::role::Authorized;

use crate::api::calendar::{Expiring, ExpiringDay, ExpiringDays};
use crate::app::App;
use crate::problem::Failure;

/// `cert/expiring`.
pub async fn expiring(app: App, by: Authorized, ask: Expiring) -> Result<ExpiringDays, Failure> {
    let days = app.ca().expiring(by.actor().tenant(), ask.from.parse()?, ask.before.parse()?).await?;
    let day = |(day, count): (Instant, u64)| ExpiringDay { day: day.to_string().chars().take(10).collect(), count };
    Ok(ExpiringDays { days: days.into_iter().map(day).collect() })
}
