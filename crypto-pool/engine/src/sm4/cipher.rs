//! The block cipher under one key, by the quickest way this processor has. The modes stand on it.

use super::key::{LaneKeys, RoundKeys};
use super::{BLOCK_LENGTH, KEY_LENGTH, bitsliced};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, gfni::Gfni};
use crate::detect::Features;

/// A block of text. Unit: 16 bytes.
pub(super) type Block = [u8; BLOCK_LENGTH];

/// How blocks are computed. None of the ways has a branch or an address that depends on key or text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Units {
    #[cfg(target_arch = "x86_64")]
    Gfni(Gfni),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable,
}

impl Units {
    /// The quickest way with the instruction sets of `features` at most.
    pub(super) fn within(features: Features) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(gfni) = Gfni::within(features) {
                return Self::Gfni(gfni);
            }
            if let Some(avx2) = Avx2::within(features) {
                return Self::Avx2(avx2);
            }
        }
        let _ = features;
        Self::Portable
    }

    fn expand(self, key: &[u8; KEY_LENGTH]) -> RoundKeys {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Gfni(gfni) => gfni.expand(key),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.expand(key),
            Self::Portable => bitsliced::expand(key),
        }
    }

    fn blocks(self, keys: &RoundKeys, blocks: &mut [Block]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Gfni(gfni) => gfni.blocks(keys, blocks),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.blocks(keys, blocks),
            Self::Portable => bitsliced::blocks(keys, blocks),
        }
    }

    /// Puts sixteen blocks through the cipher for each of the `keys`, each block under keys of its own. The
    /// block of lane `l` lies at [`Self::place`]`(l)` of its sixteen.
    pub(super) fn lanes(self, keys: &[LaneKeys], blocks: &mut [[Block; 16]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Gfni(gfni) => gfni.lanes(keys, blocks),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.lanes(keys, blocks),
            Self::Portable => bitsliced::lanes(keys, blocks),
        }
    }

    /// Where among sixteen blocks that of a lane lies, so that its words come to the lane's place in vector
    /// registers: those are filled by transposing four by four words.
    pub(super) fn place(self, lane: usize) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Gfni(_) => lane % 4 * 4 + lane / 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => lane / 8 * 8 + lane % 4 * 2 + lane % 8 / 4,
            Self::Portable => lane,
        }
    }
}

/// How many counters are put through the cipher together where the counters are made in memory.
const STREAM: usize = 64;

/// SM4 under one key, ready to encrypt. Its schedule is wiped on drop.
pub(super) struct Encryptor {
    keys: RoundKeys,
    units: Units,
}

impl Encryptor {
    pub(super) fn within(features: Features, key: &[u8; KEY_LENGTH]) -> Self {
        let units = Units::within(features);
        Self { keys: units.expand(key), units }
    }

    /// What undoes it.
    pub(super) fn decryptor(&self) -> Decryptor {
        Decryptor { keys: self.keys.reversed(), units: self.units }
    }

    /// Encrypts each block.
    pub(super) fn blocks(&self, blocks: &mut [Block]) {
        self.units.blocks(&self.keys, blocks);
    }

    /// Encrypts one block.
    pub(super) fn block(&self, mut block: Block) -> Block {
        self.blocks(std::slice::from_mut(&mut block));
        block
    }

    /// Adds the key stream that begins with the encrypted `counter` to a text, whatever its length. The last
    /// 32 bits of the counter wrap without a carry.
    pub(super) fn add_stream(&self, counter: &Block, text: &mut [u8]) {
        let [a, b, c, first] =
            [0, 4, 8, 12].map(|i| u32::from_be_bytes([counter[i], counter[i + 1], counter[i + 2], counter[i + 3]]));
        #[cfg(target_arch = "x86_64")]
        if let Units::Gfni(gfni) = self.units {
            gfni.add_stream(&self.keys, [a, b, c], first, text);
            return;
        }
        let _ = [a, b, c];
        let mut next = first;
        for part in text.chunks_mut(STREAM * BLOCK_LENGTH) {
            let mut stream = [*counter; STREAM];
            let used = &mut stream[..part.len().div_ceil(BLOCK_LENGTH)];
            for block in &mut *used {
                block[12..].copy_from_slice(&next.to_be_bytes());
                next = next.wrapping_add(1);
            }
            self.blocks(used);
            part.iter_mut().zip(used.as_flattened()).for_each(|(byte, key)| *byte ^= key);
        }
    }

    pub(super) fn keys(&self) -> &[u32; 32] {
        &self.keys.0
    }

    pub(super) fn units(&self) -> Units {
        self.units
    }
}

/// SM4 under one key, ready to decrypt. Its schedule is wiped on drop.
pub(super) struct Decryptor {
    keys: RoundKeys,
    units: Units,
}

impl Decryptor {
    /// Decrypts each block.
    pub(super) fn blocks(&self, blocks: &mut [Block]) {
        self.units.blocks(&self.keys, blocks);
    }
}
