#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out: seals, pictures, documents, verification. `workshop` runs the
//! part of it that reads strangers' bytes in child processes that hold no key. `store` holds all SQL. `service`
//! orders the steps.

pub mod core;
