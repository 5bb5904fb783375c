//! The picture of a seal.

use serde::{Deserialize, Serialize};

/// Longest side of a seal. Unit: mm. (The largest seal in use, of the State Council's departments, has 50.)
pub const LARGEST_MM: f64 = 200.0;

/// A picture ready to be put on pages: a PNG with alpha, and how large it is on paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// PNG, 8 bits, RGBA.
    #[serde(with = "serde_bytes")]
    pub png: Vec<u8>,
    /// Width. Unit: mm.
    pub width: f64,
    /// Height. Unit: mm.
    pub height: f64,
}
