#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out. `clock` is the one source of the time that is stamped,
//! and refuses when it is unsure. `serial` numbers tokens. `store` holds all SQL. `service` orders the steps.

pub mod clock;
pub mod core;
mod error;
mod serial;
mod service;
pub mod store;

pub use clock::{Reading, TrustedClock, Unsure};
pub use core::moment::{Accuracy, Moment};
pub use error::Error;
pub use service::{Archived, Choice, Evidence, Family, NewUnit, Page, Stamped, Tsa, TsaOptions, Unit, record_clock};
pub use store::COVERED;
