#![doc = include_str!("../README.md")]
//! # Map
//!
//! `algorithm` names and verifies; `random` is the checked source; `root_key` seals; `key` is a key's
//! record and life cycle; `kms` makes and keeps keys; `backend` is where private keys live; `to_sign`
//! is what may be signed; `pool` signs; `checkpoint` signs the heads of the log; `path` validates chains.

pub mod algorithm;
pub mod public_key;
mod tlv;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use public_key::{BadKey, PublicKey};
