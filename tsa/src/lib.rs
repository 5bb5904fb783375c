#![doc = include_str!("../README.md")]
//! # Map
//!
//! `clock` is the one source of the time that is stamped, and refuses when it is unsure.

pub mod clock;

pub use clock::{Reading, TrustedClock, Unsure};
