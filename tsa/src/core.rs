//! The protocol as values in and values out.
//!
//! No database, file, socket, thread, clock or randomness here: time and serials are arguments.
//!
//! # Map
//!
//! [`request`] reads a `TimeStampReq`, [`policy`] says what is promised, [`token`] writes what a token says,
//! [`response`] writes a `TimeStampResp`, [`moment`] is a time with its microseconds and how it is written.

pub mod moment;
pub mod policy;
pub mod request;
pub mod response;
pub mod token;
