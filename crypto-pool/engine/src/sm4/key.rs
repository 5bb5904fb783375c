//! The key schedule of SM4 (GB/T 32907-2016 7.3).

use zeroize::Zeroize;

/// One word for each of the 32 rounds. Wiped on drop.
#[derive(Clone)]
pub(super) struct RoundKeys(pub(super) [u32; 32]);

impl RoundKeys {
    /// In the other order: what decrypts (GB/T 32907-2016 6.2).
    pub(super) fn reversed(&self) -> Self {
        let mut other = self.clone();
        other.0.reverse();
        other
    }
}

impl Drop for RoundKeys {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The round keys of sixteen lanes: `keys[i][l]` is round key `i` of lane `l`.
pub(super) type LaneKeys = [[u32; 16]; 32];

/// FK.
const SYSTEM: [u32; 4] = [0xa3b1_bac6, 0x56aa_3350, 0x677d_9197, 0xb270_22dc];

/// CK: byte `j` of constant `i` is `(4 i + j) 7` modulo 256.
const CONSTANTS: [u32; 32] = {
    let mut all = [0; 32];
    let mut i = 0;
    while i < 32 {
        let mut j = 0;
        while j < 4 {
            all[i] = all[i] << 8 | ((4 * i + j) * 7 % 256) as u32;
            j += 1;
        }
        i += 1;
    }
    all
};

/// The round keys, with the S-box given: it is applied to each byte of a word.
#[inline(always)]
pub(super) fn expand_with(key: &[u8; 16], sbox: impl Fn(u32) -> u32) -> RoundKeys {
    let mut k = [0; 4];
    for ((word, bytes), system) in k.iter_mut().zip(key.as_chunks().0).zip(SYSTEM) {
        *word = u32::from_be_bytes(*bytes) ^ system;
    }
    let mut keys = RoundKeys([0; 32]);
    for (i, constant) in CONSTANTS.into_iter().enumerate() {
        let s = sbox(k[(i + 1) % 4] ^ k[(i + 2) % 4] ^ k[(i + 3) % 4] ^ constant);
        k[i % 4] ^= s ^ s.rotate_left(13) ^ s.rotate_left(23);
        keys.0[i] = k[i % 4];
    }
    k.zeroize();
    keys
}
