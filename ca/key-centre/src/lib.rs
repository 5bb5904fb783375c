#![doc = include_str!("../README.md")]
//! # Map
//!
//! `core` makes keys and knows who may decide what, as values in and values out; `store` holds all SQL; `service`
//! orders the steps.

pub mod core;
mod error;
mod service;
mod store;

pub use error::Error;
pub use service::{Ask, Delivered, KeyCentre, KeyCentreOptions};
pub use store::{COVERED, KeyQuery, KeyRow, KeyState, OrderQuery, OrderRow};
