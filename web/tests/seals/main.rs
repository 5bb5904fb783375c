//! Seals from end to end, with the real program: made, put on documents, verified by a stranger who has nothing but the
//! documents and the roots; judged by programs of others; attacked.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test stops where it cannot go on")]

#[path = "../../../tests/judges/mod.rs"]
mod judges;
#[path = "../../../tests/support/paper.rs"]
mod paper;

mod attacks;
mod flow;
mod house;
mod judged;
mod package;
