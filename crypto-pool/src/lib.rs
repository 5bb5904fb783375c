#![doc = include_str!("../README.md")]
//! # Map
//!
//! `algorithm` names, `public_key` reads and verifies; `random` is the checked source; `root_key` seals;
//! `key` is a key's record and life cycle; `kms` makes and keeps keys; `backend` is where private keys
//! live; `to_sign` is what may be signed; `pool` signs; `unit` gives a tenant workers and keys apart from all
//! others; `checkpoint` signs the heads of the log; `cms` is a signed message; `path` validates chains;
//! `password` and `pkcs12` put keys under a password, as files for people; `envelope` hands a key to its holder;
//! `token` reads and judges time-stamps; `digest` names hash functions; `process` keeps keys out of core dumps;
//! `store` has all SQL; `tlv` reads DER, `ber` what others send in its place.

pub mod algorithm;
pub mod backend;
pub mod ber;
pub mod checkpoint;
pub mod cms;
pub mod digest;
pub mod envelope;
pub mod error;
#[cfg(test)]
mod fixture;
mod hex;
pub mod key;
pub mod kms;
pub mod password;
pub mod path;
pub mod pkcs12;
pub mod pool;
pub mod process;
pub mod public_key;
pub mod random;
pub mod root_key;
mod store;
pub mod tlv;
pub mod to_sign;
pub mod token;
pub mod unit;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use checkpoint::{CheckpointOptions, Checkpointer};
pub use error::Error;
pub use key::{KeyRecord, KeyState, Purpose};
pub use kms::{Ceremony, KeySpec, Kms, Renewal, UnitRecord, UnitSpec};
pub use pool::{BulkRequest, MOST_IN_BULK, PoolHandle, PoolOptions, Record, Shares, SignRequest, Signed};
pub use process::{MemoryLock, harden_process, lock_memory};
pub use public_key::{BadKey, PublicKey};
pub use random::OsRandom;
pub use root_key::{RootKey, RootKeySlot};
pub use store::{KEY_TABLE, POLICY_TABLE, UNIT_TABLE};
pub use tlv::BadDer;
pub use to_sign::{Refusal, ToSign};
pub use unit::Unit;
