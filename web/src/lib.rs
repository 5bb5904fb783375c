#![doc = include_str!("../README.md")]
//! # Map
//!
//! `api` is the REST contract and `cli` the command line that speaks it. `up` goes from a data directory
//! (`data_dir`) to a running service: `app` plugs everything together, `router` is the map of addresses,
//! `auth` finds out who calls, `edge` decodes, calls and encodes, `problem` turns every error into an
//! answer, `store` has all SQL of this crate. `receipt` proves what is in
//! the log, `backup` keeps and restores it, `doctor` tries everything once, `mail` writes to holders, `csv` writes tables, `portal` shows pages to people.
//! `serve`, `stall` and `tls` are the doors. `show` tells in words what is in a file.

pub mod api;
pub mod app;
pub mod auth;
pub mod backup;
pub mod cli;
mod convert;
mod csv;
pub mod data_dir;
pub mod doctor;
mod edge;
pub mod front;
pub mod mail;
pub mod metrics;
pub mod portal;
pub mod problem;
pub mod receipt;
pub mod router;
pub mod serve;
pub mod show;
mod stall;
mod store;
pub mod tls;
pub mod up;

#[cfg(test)]
mod test_house;
