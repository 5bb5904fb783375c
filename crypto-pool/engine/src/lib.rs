#![doc = include_str!("../README.md")]
//! # Map
//!
//! `sm2` signs and verifies, `sm3` hashes, authenticates and derives, `sm4` seals and opens.

pub mod sm2;
pub mod sm3;
pub mod sm4;
