#![doc = include_str!("../README.md")]
//! # Map
//!
//! `sm2` signs and verifies, `sm3` hashes, authenticates and derives, `sm4` seals and opens. `detect` says
//! what the processor can do; every operation asks it and takes the fastest way there is.

pub mod detect;
pub mod sm2;
pub mod sm3;
pub mod sm4;
