//! Seals on PDF: what we make judged by the programs of others, and attacks.

#![allow(clippy::unwrap_used)] // A panic here is a failed test.

mod attacks;
mod judges;
mod likeness;
mod paper;
mod seal;
mod signed;
mod suitable;
