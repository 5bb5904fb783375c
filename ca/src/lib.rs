#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out. `store` holds all SQL. `service` orders the steps.

pub mod core;
mod error;
mod service;
pub mod store;

pub use error::Error;
pub use service::{
    Ca, CaOptions, Certificate, Chain, Checked, Issuer, Listed, NewIssuer, NewRequest, OwnRequest, Page, Probe,
    ProfileVersion, Step, Trial,
};
pub use store::COVERED;
