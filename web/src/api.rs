//! The REST contract: one request and one response type per `POST /api/v1/{area}/{verb}`.
//!
//! Server and command line share these types, so they cannot drift apart. Unknown keys are refused.
//! Binary values are base64; times are RFC 3339 in UTC; serials are upper-case hexadecimal; identifiers
//! are as they print. The tenant is never in a body: it comes from the session.

use serde::{Deserialize, Serialize};

pub mod audit;
pub mod authority;
pub mod calendar;
pub mod centre;
pub mod ceremony;
mod cert;
pub mod dual;
mod issuer;
mod log;
pub mod login;
pub mod mail;
mod officer;
mod problem;
pub mod profile;
pub mod request;
mod root;
pub mod seal;
mod system;
pub mod tsa;

pub use cert::*;
pub use issuer::*;
pub use log::*;
pub use officer::*;
pub use problem::*;
pub use root::*;
pub use system::*;

/// No arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
