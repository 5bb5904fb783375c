//! Digests: see [`crypto_pool::digest`].

pub use crypto_pool::digest::*;
