#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out. `clock` is the one source of the time that is stamped,
//! and refuses when it is unsure.

pub mod clock;
pub mod core;
mod error;

pub use clock::{Reading, TrustedClock, Unsure};
pub use core::moment::{Accuracy, Moment};
pub use error::Error;
