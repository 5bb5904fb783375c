#![doc = include_str!("../README.md")]
//! # Map
//!
//! `api` is the REST contract. `data_dir` makes and opens the data directory. `portal` shows pages to people.
//! `serve`, `stall` and `tls` are the doors; `problem` turns every error into their answer.

pub mod api;
pub mod backup;
pub mod cli;
pub mod data_dir;
pub mod portal;
pub mod receipt;
pub mod serve;
mod stall;
pub mod tls;
