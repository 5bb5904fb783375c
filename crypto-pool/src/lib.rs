#![doc = include_str!("../README.md")]
//! # Map
//!
//! `algorithm` names and verifies; `random` is the checked source; `root_key` seals; `key` is a key's
//! record and life cycle; `kms` makes and keeps keys; `backend` is where private keys live; `to_sign`
//! is what may be signed; `pool` signs; `checkpoint` signs the heads of the log; `path` validates chains.

pub mod algorithm;
pub mod backend;
pub mod checkpoint;
pub mod error;
pub mod key;
pub mod kms;
pub mod path;
pub mod pool;
pub mod random;
pub mod root_key;
mod store;
pub mod to_sign;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use error::Error;
pub use key::{KeyRecord, Purpose};
pub use kms::Kms;
pub use pool::{PoolHandle, SignRequest, Signed};
pub use to_sign::ToSign;
