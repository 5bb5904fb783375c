//! OFD documents from outside: written, sealed, read back, attacked; and documents of other programs.

mod attack;
mod judged;
mod package;
mod paper;
mod preview;
mod samples;
mod seal;
