//! OFD documents from outside: written, sealed, read back, attacked; and documents of other programs.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod attack;
mod judged;
mod package;
mod paper;
mod preview;
mod samples;
mod seal;
