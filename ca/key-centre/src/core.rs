//! What the centre is about, as values in and values out: time and randomness are arguments.

pub mod make;
pub mod order;
pub mod recipient;
