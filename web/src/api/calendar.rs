//! When certificates expire, day by day.

use serde::{Deserialize, Serialize};

/// `cert/expiring`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiring {
    /// The first moment, RFC 3339.
    pub from: String,
    /// The first moment after, at most 400 days later.
    pub before: String,
}

/// Answer of `cert/expiring`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExpiringDays {
    /// Days on which something expires, in their order.
    pub days: Vec<ExpiringDay>,
}

/// One day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExpiringDay {
    /// The day in UTC, such as `2026-11-21`.
    pub day: String,
    /// Certificates that are good or on hold and whose last second is on that day.
    pub count: u64,
}
