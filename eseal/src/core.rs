//! The protocol as values in and values out.
//!
//! No database, file, socket, thread, clock or randomness here: time, identifiers and fonts are arguments.
//!
//! # Map
//!
//! [`job`] is the list of what is done in a child process, each a function here: documents ([`ofd`], [`pdf`]) are
//! inspected, prepared for a signature, read back and drawn. [`place`] says where on which pages a seal goes,
//! [`order`] what is put there, [`facts`] what a reader found, [`finding`] how one check came out. [`ses`] reads and
//! writes seals and signatures with them; [`verify`] judges, [`report`] is what it says in the end, and [`report_pdf`]
//! writes that down for people. [`draw`] makes pictures of seals out of words and a [`font`], [`upload`] out of what
//! people send.

pub mod draw;
pub mod facts;
pub mod finding;
pub mod font;
pub mod job;
pub mod ofd;
pub mod order;
pub mod pdf;
pub mod picture;
pub mod place;
pub mod report;
pub mod report_pdf;
pub mod ses;
pub mod upload;
pub mod verify;
