#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out. `store` holds all SQL. `service` orders the steps.

pub mod core;
mod error;
mod service;
pub mod store;

pub use error::{BadBranch, Error};
pub use service::{
    BatchOptions, Branch, Ca, CaOptions, Centre, Certificate, Chain, Checked, Follow, Half, InPair, Invitation, Issuer,
    Listed, NewIssuer, NewRequest, OwnRequest, Page, Pair, Probe, ProfileVersion, QueueLengths, ReadBatch, ReadRow,
    Requested, RevokedMany, RevokedOne, Standing, Step, Submission, Trial, Which,
};
pub use store::COVERED;
