//! What a signature covers of the file, and its digest.

use aws_lc_rs::digest;

use crate::core::facts::Hash;
use crate::core::order::Form;

/// `/ByteRange`: the file from its start to the value of the signature, and from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Octets before the value.
    pub before: usize,
    /// The first octet after the value.
    pub from: usize,
    /// How many there are after the value.
    pub after: usize,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0 {:010} {:010} {:010}", self.before, self.from, self.after)
    }
}

impl Range {
    /// After the last octet it covers.
    pub fn end(self) -> Option<usize> {
        self.from.checked_add(self.after)
    }

    /// The digest of what it covers of `file`.
    pub fn digest(self, file: &[u8], hash: Hash) -> Option<Vec<u8>> {
        let mut state = State::new(hash)?;
        state.update(file.get(..self.before)?);
        state.update(file.get(self.from..self.end()?)?);
        Some(state.finish())
    }
}

/// What each form signs.
pub fn hash_of(form: Form) -> Hash {
    match form {
        Form::Seal | Form::Cms => Hash::Sm3,
        Form::Pades => Hash::Sha256,
    }
}

/// A digest being computed; a clone goes on from the same point.
#[derive(Clone)]
pub enum State {
    /// SM3.
    Sm3(Box<engine::sm3::Sm3>),
    /// One of the SHA family.
    Sha(Box<digest::Context>),
    /// MD5.
    Md5(Box<md5::Md5>),
}

impl State {
    /// Of nothing so far.
    pub fn new(hash: Hash) -> Option<Self> {
        let sha = |algorithm| Some(Self::Sha(Box::new(digest::Context::new(algorithm))));
        match hash {
            Hash::Sm3 => Some(Self::Sm3(Box::default())),
            Hash::Sha256 => sha(&digest::SHA256),
            Hash::Sha384 => sha(&digest::SHA384),
            Hash::Sha512 => sha(&digest::SHA512),
            Hash::Sha1 => sha(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            Hash::Md5 => Some(Self::Md5(Box::default())),
        }
    }

    /// Takes in more.
    pub fn update(&mut self, part: &[u8]) {
        match self {
            Self::Sm3(state) => state.update(part),
            Self::Sha(state) => state.update(part),
            Self::Md5(state) => md5::Digest::update(state.as_mut(), part),
        }
    }

    /// The digest.
    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Sm3(state) => state.finalize().to_vec(),
            Self::Sha(state) => state.finish().as_ref().to_vec(),
            Self::Md5(state) => md5::Digest::finalize(*state).to_vec(),
        }
    }
}

/// The hash functions that a value names, by their identifiers in DER; SM3 always.
pub fn wanted(value: &[u8]) -> Vec<Hash> {
    const NAMES: [(&[u8], Hash); 5] = [
        (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], Hash::Sha256),
        (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02], Hash::Sha384),
        (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03], Hash::Sha512),
        (&[0x2b, 0x0e, 0x03, 0x02, 0x1a], Hash::Sha1),
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05], Hash::Md5),
    ];
    let named = NAMES.iter().filter(|(name, _)| value.windows(name.len()).any(|window| window == *name));
    std::iter::once(Hash::Sm3).chain(named.map(|(_, hash)| *hash)).collect()
}
