#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out. `store` holds all SQL, `cache` what memory holds of it together
//! with the answers made ahead, `feed` is where changes come in, `service` orders the steps.

mod answer;
mod cache;
pub mod core;
mod error;
mod feed;
mod metrics;
mod service;
mod store;

pub use answer::{Answer, Outcome};
pub use error::Error;
pub use metrics::{IssuerMetrics, Metrics};
pub use service::{Issuer, Ocsp, OcspOptions, Presigned, Responder};
