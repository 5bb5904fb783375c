//! The protocol, as values in and values out.
//!
//! No database, file, socket, thread, clock or randomness here: time and status are arguments.
//!
//! # Map
//!
//! [`request`] reads a question, [`decide`] says what is answered, [`response`] writes the answer. [`names`] is how
//! a question names an issuer.

pub mod decide;
pub mod names;
pub mod request;
pub mod response;
mod walk;
mod write;
