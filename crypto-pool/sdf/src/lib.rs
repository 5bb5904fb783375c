#![doc = include_str!("../README.md")]

mod error;
mod ffi;
mod library;

pub use error::Error;
pub use ffi::Dialect;
pub use library::{Ciphertext, Device, DeviceInfo, Library, Session, Usage};
