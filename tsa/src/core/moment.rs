//! A moment with microseconds: see [`crypto_pool::token::moment`].

pub use crypto_pool::token::moment::*;
