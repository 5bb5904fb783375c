//! Anybody's token, read: see [`crypto_pool::token::opened`].

pub use crypto_pool::token::opened::*;
