//! Hash functions by name, and digests computed piece by piece.

use aws_lc_rs::digest;
use const_oid::ObjectIdentifier as Oid;
use pki_config::oid;

/// A hash algorithm of a time-stamp or a signed message. There is no SHA-1 and no MD5: a signature over a broken
/// hash proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SM3, GB/T 32905.
    Sm3,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sm3, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its identifier.
    #[must_use]
    pub const fn oid(self) -> Oid {
        match self {
            Self::Sm3 => oid::SM3,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    /// From the content octets of its identifier.
    #[must_use]
    pub fn from_oid_content(content: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.oid().as_bytes() == content)
    }

    /// Length of its digests. Unit: bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sm3 | Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The word in the configuration and the interface: `sm3`, `sha256`…
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sm3 => "sm3",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// From that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A digest in the making.
pub struct Digester(Inner);

enum Inner {
    Sm3(Box<engine::sm3::Sm3>),
    Other(digest::Context),
}

impl Digester {
    /// A new one.
    #[must_use]
    pub fn new(hash: Hash) -> Self {
        let other = |algorithm| Inner::Other(digest::Context::new(algorithm));
        Self(match hash {
            Hash::Sm3 => Inner::Sm3(Box::new(engine::sm3::Sm3::new())),
            Hash::Sha256 => other(&digest::SHA256),
            Hash::Sha384 => other(&digest::SHA384),
            Hash::Sha512 => other(&digest::SHA512),
        })
    }

    /// Takes in more.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sm3(sm3) => sm3.update(bytes),
            Inner::Other(context) => context.update(bytes),
        }
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            Inner::Sm3(sm3) => sm3.finalize().to_vec(),
            Inner::Other(context) => context.finish().as_ref().to_vec(),
        }
    }
}

/// The digest of a whole.
#[must_use]
pub fn of(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    let mut digester = Digester::new(hash);
    digester.update(bytes);
    digester.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn abc_has_the_digests_of_the_standards() {
        // GB/T 32905-2016 A.1; FIPS 180-4 examples.
        for (hash, digest) in [
            (Hash::Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Hash::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                Hash::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
                 454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            assert_eq!(hex(&of(hash, b"abc")), digest);
            let mut pieces = Digester::new(hash);
            pieces.update(b"a");
            pieces.update(b"bc");
            assert_eq!(hex(&pieces.finish()), digest);
        }
    }
}
