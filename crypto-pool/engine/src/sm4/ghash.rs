//! GHASH (GB/T 36624-2018, NIST SP 800-38D 6.4): the polynomial over the field of 2^128 elements that
//! authenticates in GCM.
//!
//! Computed in the reflected form of RFC 8452 appendix A: with a block read as a little-endian number after its bytes
//! are turned round, GHASH under `h` is POLYVAL under `h x`, and the product there needs no shift.

use zeroize::Zeroize;

use super::cipher::Block;
#[cfg(target_arch = "x86_64")]
use super::clmul::{Pclmul, Vpclmul};
use crate::detect::Features;

/// How many powers of the key are kept, so that so many blocks are reduced together.
pub(super) const POWERS: usize = 16;

#[derive(Debug, Clone, Copy)]
enum Units {
    #[cfg(target_arch = "x86_64")]
    Vpclmul(Vpclmul),
    #[cfg(target_arch = "x86_64")]
    Pclmul(Pclmul),
    Portable,
}

/// GHASH under one key. Wiped on drop.
pub(super) struct GhashKey {
    /// The key in the form of POLYVAL to the power of 16, 15, ... 1.
    powers: [u128; POWERS],
    units: Units,
}

impl GhashKey {
    pub(super) fn within(features: Features, h: &Block) -> Self {
        let units = Self::units(features);
        let mut key = Self { powers: [0; POWERS], units };
        let mut power = times_x(u128::from_be_bytes(*h));
        key.powers[POWERS - 1] = power;
        // The portable way takes one block at a time, with the first power.
        if !matches!(units, Units::Portable) {
            for i in (0..POWERS - 1).rev() {
                power = key.multiply(power, key.powers[POWERS - 1]);
                key.powers[i] = power;
            }
        }
        power.zeroize();
        key
    }

    fn units(features: Features) -> Units {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(vpclmul) = Vpclmul::within(features) {
                return Units::Vpclmul(vpclmul);
            }
            if let Some(pclmul) = Pclmul::within(features) {
                return Units::Pclmul(pclmul);
            }
        }
        let _ = features;
        Units::Portable
    }

    fn multiply(&self, x: u128, y: u128) -> u128 {
        match self.units {
            #[cfg(target_arch = "x86_64")]
            Units::Vpclmul(vpclmul) => vpclmul.pclmul().multiply(x, y),
            #[cfg(target_arch = "x86_64")]
            Units::Pclmul(pclmul) => pclmul.multiply(x, y),
            Units::Portable => multiply(x, y),
        }
    }

    /// A hash of nothing so far.
    pub(super) fn start(&self) -> Ghash<'_> {
        Ghash { key: self, sum: 0 }
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> String {
        format!("{:?}", self.units)
    }
}

impl Drop for GhashKey {
    fn drop(&mut self) {
        self.powers.zeroize();
    }
}

/// A hash being computed. Wiped on drop.
pub(super) struct Ghash<'a> {
    key: &'a GhashKey,
    sum: u128,
}

impl Ghash<'_> {
    /// Takes in a text, with zeros behind it up to a whole block.
    pub(super) fn update(&mut self, text: &[u8]) {
        let (blocks, rest) = text.as_chunks();
        self.blocks(blocks);
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            self.blocks(&[last]);
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        self.sum = match self.key.units {
            #[cfg(target_arch = "x86_64")]
            Units::Vpclmul(vpclmul) => vpclmul.update(&self.key.powers, self.sum, blocks),
            #[cfg(target_arch = "x86_64")]
            Units::Pclmul(pclmul) => pclmul.update(&self.key.powers, self.sum, blocks),
            Units::Portable => {
                let h = self.key.powers[POWERS - 1];
                blocks.iter().fold(self.sum, |sum, block| multiply(sum ^ u128::from_be_bytes(*block), h))
            }
        };
    }

    /// The hash with the two lengths as its last block. Unit: bytes.
    pub(super) fn finish(mut self, aad: usize, text: usize) -> Block {
        let mut lengths = [0; 16];
        lengths[..8].copy_from_slice(&(aad as u64).wrapping_mul(8).to_be_bytes());
        lengths[8..].copy_from_slice(&(text as u64).wrapping_mul(8).to_be_bytes());
        self.blocks(&[lengths]);
        self.sum.to_be_bytes()
    }
}

impl Drop for Ghash<'_> {
    fn drop(&mut self) {
        self.sum.zeroize();
    }
}

/// The product with x modulo x^128 + x^127 + x^126 + x^121 + 1.
fn times_x(h: u128) -> u128 {
    let carry = h >> 127;
    // All ones if the top bit was set.
    let fold = 0_u128.wrapping_sub(carry) & (1 | 1 << 121 | 1 << 126 | 1 << 127);
    (h << 1) ^ fold
}

/// The lower 64 bits of a product without carries, by integer products of numbers with three empty bits
/// between any two: what carries stays in those. The time of an integer product does not depend on its
/// factors on the processors this is for.
fn low_product(x: u64, y: u64) -> u64 {
    const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;
    let x: [u64; 4] = std::array::from_fn(|i| x & EVERY_FOURTH << i);
    let y: [u64; 4] = std::array::from_fn(|i| y & EVERY_FOURTH << i);
    (0..4).fold(0, |product, n| {
        let part = (0..4).fold(0, |part, i| part ^ x[i].wrapping_mul(y[(n + 4 - i) % 4]));
        product | part & EVERY_FOURTH << n
    })
}

/// A product of 64 by 64 bits without carries.
fn product(x: u64, y: u64) -> u128 {
    // The upper half is the lower half of the mirrored product, mirrored and moved by one.
    let high = low_product(x.reverse_bits(), y.reverse_bits()).reverse_bits() >> 1;
    u128::from(high) << 64 | u128::from(low_product(x, y))
}

/// The product in the field, times x^-128 (RFC 8452: dot).
fn multiply(x: u128, y: u128) -> u128 {
    let (x0, x1, y0, y1) = (x as u64, (x >> 64) as u64, y as u64, (y >> 64) as u64);
    let (low, high) = (product(x0, y0), product(x1, y1));
    let middle = product(x0 ^ x1, y0 ^ y1) ^ low ^ high;
    let low = low ^ middle << 64;
    let high = high ^ middle >> 64;
    // Twice: the lowest 64 bits times x^-64, which is what x^127 + x^126 + x^121 make of them.
    let folded = |low: u128| {
        let bottom = u128::from(low as u64);
        let spread = bottom << 63 ^ bottom << 62 ^ bottom << 57;
        (low >> 64 | bottom << 64) ^ spread
    };
    folded(folded(low)) ^ high
}
