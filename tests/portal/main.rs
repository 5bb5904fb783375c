//! A person's way through the pages, in a real browser: from the first link to a revoked certificate in the list.
//!
//! On every page on the way: nothing on the console, nothing that the page's policy forbade, nothing that axe-core calls
//! serious, and no page wider than a telephone. `YINXIN_SCREENSHOTS=1` leaves pictures of all of them in
//! `target/screenshots`.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../clients/mod.rs"]
mod clients;
#[path = "../judges/mod.rs"]
mod judges;
#[path = "../support/mod.rs"]
mod support;

mod batch;
mod convert;
mod dual;
mod journey;
mod pages;
mod people;
mod pickup;
mod seal;
