#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` is the protocol as values in, values out: seals, pictures, documents, verification. `workshop` runs the
//! part of it that reads strangers' bytes in child processes that hold no key. `seal` is what the house keeps of a
//! seal. `store` holds all SQL. `service` orders the steps.

pub mod core;
pub mod error;
pub mod seal;
pub mod service;
mod store;
pub mod workshop;

pub use error::Error;
pub use seal::{Application, SealKind, SealRecord, SealState, Step};
pub use service::{
    Eseal, EsealOptions, Hashed, Level, NewKey, NewMaker, Order, Prepared, Receipt, SealView, Status, StatusAnswer,
    StatusWord, had_part,
};
pub use store::used::{Use, form_word, hash_word};
pub use store::{COVERED, SealQuery};
pub use workshop::{Failed, Workshop, WorkshopOptions};
