//! The protocol as values in and values out.
//!
//! No database, file, socket, thread, clock or randomness here: time and serials are arguments.
//!
//! # Map
//!
//! [`request`] reads a `TimeStampReq`, [`policy`] says what is promised, [`token`] writes what a token says,
//! [`response`] writes a `TimeStampResp`, [`moment`] is a time with its microseconds and how it is written.
//! [`opened`] reads anybody's token and [`verify`] judges it; [`digest`] computes digests piece by piece;
//! [`evidence`] makes time-stamps outlive their algorithms, [`renewal`] those of the archive, many at once.

pub mod digest;
pub mod evidence;
pub mod moment;
pub mod opened;
pub mod policy;
pub mod renewal;
pub mod request;
pub mod response;
pub mod token;
pub mod verify;
