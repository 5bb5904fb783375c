#![doc = include_str!("../README.md")]
//! # Map
//!
//! One file per noun. A new noun of the whole suite gets its own file here; a noun only one
//! service knows belongs into that service's crate.

pub mod actor;
pub mod code;
pub mod config;
pub mod event;
pub mod identity;
pub mod ids;
pub mod name;
pub mod oid;
pub mod ports;
pub mod profile;
pub mod role;
pub mod serial;
pub mod status;
pub mod time;

pub use actor::{Actor, Channel};
pub use code::ErrorCode;
pub use event::Event;
pub use identity::{Identity, IdentityKind};
pub use ids::{
    BatchId, BranchId, CentreKeyId, CentreOrderId, CeremonyId, EvidenceId, IssuerId, KeyId, OfficerId, RequestId,
    SealId, TenantId, UnitId,
};
pub use ports::{Clock, Random};
pub use role::{Permission, Role};
pub use serial::Serial;
pub use time::Instant;
