//! Time-stamp tokens (RFC 3161, GM/T 0033-2014) of anybody: read by [`opened`], judged by [`verify`]. Whoever makes
//! them and whoever finds one in a document judge them alike. [`moment`] is a time with its microseconds.

pub mod moment;
pub mod opened;
pub mod verify;
