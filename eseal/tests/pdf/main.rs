//! Seals on PDF: what we make judged by the programs of others, and attacks.

mod attacks;
mod judges;
mod paper;
mod seal;
mod signed;
mod suitable;
