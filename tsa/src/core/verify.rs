//! Judging a token: see [`crypto_pool::token::verify`].

pub use crypto_pool::token::verify::*;

#[cfg(test)]
mod tests;
