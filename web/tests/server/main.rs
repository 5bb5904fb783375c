//! The whole server in one process: real routers, real database, a clock and a random source in hand.

#![allow(clippy::unwrap_used)] // A test that cannot go on ends.

mod browser;
mod calls;
mod clock;
mod convert_page;
mod damage;
mod desk;
mod doors;
mod evidence;
mod first_start;
mod front;
mod house;
mod letters;
mod officers;
mod pairs;
mod passkeys;
mod profiles;
mod registration;
mod repository;
mod responders;
mod routes;
mod seal_pages;
mod sealed;
mod seals;
mod sessions;
mod stamps;
mod time_sources;
mod watch;
