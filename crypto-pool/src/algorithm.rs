//! The algorithms of keys and signatures: their words, and the exact bytes that identify them.
//!
//! Source of the bytes: CA/Browser Forum BR 7.1.3 for RSA, ECDSA and Ed25519; GB/T 33560-2017 and
//! GM/T 0015 for SM2. Nothing else is recognised: no SHA-1, no RSA-PSS, no P-521.

use std::fmt;
use std::str::FromStr;

use der::Any;
use der::asn1::ObjectIdentifier;
use pki_config::ids::BadId;
use pki_config::oid;
use spki::AlgorithmIdentifierOwned;

pub use crate::public_key::{BadKey, PublicKey};

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// SM2 on sm2p256v1, GB/T 32918.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// RSA.
    Rsa {
        /// Length of the modulus. Unit: bits, 2048 to 8192, a multiple of 8.
        bits: u32,
    },
    /// Ed25519, RFC 8410.
    Ed25519,
}

impl KeyAlgorithm {
    /// The DER of the `AlgorithmIdentifier` in a `SubjectPublicKeyInfo`.
    #[must_use]
    pub const fn spki_identifier(self) -> &'static [u8] {
        match self {
            Self::Sm2 => b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d",
            Self::P256 => b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Self::P384 => b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
            Self::Rsa { .. } => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
            Self::Ed25519 => b"\x30\x05\x06\x03\x2b\x65\x70",
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    /// The word on the command line and in the log: `sm2`, `p256`, `p384`, `rsa3072`, `ed25519`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sm2 => f.write_str("sm2"),
            Self::P256 => f.write_str("p256"),
            Self::P384 => f.write_str("p384"),
            Self::Rsa { bits } => write!(f, "rsa{bits}"),
            Self::Ed25519 => f.write_str("ed25519"),
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = BadId;

    fn from_str(word: &str) -> Result<Self, BadId> {
        let expected = BadId { expected: "a key type: sm2, p256, p384, rsa2048 to rsa8192, or ed25519" };
        match word {
            "sm2" => Ok(Self::Sm2),
            "p256" => Ok(Self::P256),
            "p384" => Ok(Self::P384),
            "ed25519" => Ok(Self::Ed25519),
            _ => {
                let bits = word.strip_prefix("rsa").and_then(|bits| bits.parse().ok()).ok_or(expected.clone())?;
                let fits = (2048..=8192).contains(&bits) && bits % 8 == 0 && word.len() == 7;
                if fits { Ok(Self::Rsa { bits }) } else { Err(expected) }
            }
        }
    }
}

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// SM2 with SM3 and the default signer's ID `1234567812345678` (GM/T 0009 10).
    Sm2Sm3,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaSha512,
    /// Ed25519.
    Ed25519,
}

impl SignatureAlgorithm {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sm2Sm3,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::Ed25519,
    ];

    /// What a key of ours signs with.
    #[must_use]
    pub const fn for_key(key: KeyAlgorithm) -> Self {
        match key {
            KeyAlgorithm::Sm2 => Self::Sm2Sm3,
            KeyAlgorithm::P256 => Self::EcdsaSha256,
            KeyAlgorithm::P384 => Self::EcdsaSha384,
            KeyAlgorithm::Rsa { .. } => Self::RsaSha256,
            KeyAlgorithm::Ed25519 => Self::Ed25519,
        }
    }

    /// The object identifier.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sm2Sm3 => oid::SM2_WITH_SM3,
            Self::EcdsaSha256 => oid::ECDSA_SHA256,
            Self::EcdsaSha384 => oid::ECDSA_SHA384,
            Self::RsaSha256 => oid::RSA_SHA256,
            Self::RsaSha384 => oid::RSA_SHA384,
            Self::RsaSha512 => oid::RSA_SHA512,
            Self::Ed25519 => oid::ED25519,
        }
    }

    /// The DER of the identifier as we write it: no parameters, but `NULL` for RSA.
    #[must_use]
    pub const fn identifier_der(self) -> &'static [u8] {
        match self {
            Self::Sm2Sm3 => b"\x30\x0a\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75",
            Self::EcdsaSha256 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
            Self::EcdsaSha384 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
            Self::RsaSha256 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00",
            Self::RsaSha384 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00",
            Self::RsaSha512 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00",
            Self::Ed25519 => b"\x30\x05\x06\x03\x2b\x65\x70",
        }
    }

    /// As [`SignatureAlgorithm::identifier_der`], as a value.
    #[must_use]
    pub fn identifier(self) -> AlgorithmIdentifierOwned {
        let rsa = matches!(self, Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512);
        AlgorithmIdentifierOwned { oid: self.oid(), parameters: rsa.then(Any::null) }
    }

    /// Which algorithm an identifier names; `None` for any other.
    ///
    /// SM2 is also recognised with `NULL` parameters, as nine of ten certificates in the field have
    /// them, and RSA without (RFC 4055 5 asks for both to be accepted).
    #[must_use]
    pub fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|a| a.oid() == identifier.oid)?;
        let fits = match (&identifier.parameters, found) {
            (None, _) => true,
            (Some(any), Self::Sm2Sm3 | Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512) => *any == Any::null(),
            (Some(_), _) => false,
        };
        fits.then_some(found)
    }

    /// As [`SignatureAlgorithm::from_identifier`], from DER.
    #[must_use]
    pub fn from_identifier_der(der: &[u8]) -> Option<Self> {
        let mut inside = crate::tlv::single(der, crate::tlv::SEQUENCE, "algorithm").ok()?.inside();
        let oid = inside.expect(crate::tlv::OID, "algorithm").ok()?;
        let found = Self::ALL.into_iter().find(|a| a.oid().as_bytes() == oid.value)?;
        let null = [5, 0];
        let fits = match found {
            _ if inside.is_empty() => true,
            Self::Sm2Sm3 | Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => {
                inside.any().ok().is_some_and(|p| p.whole == null) && inside.is_empty()
            }
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::Ed25519 => false,
        };
        fits.then_some(found)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sm2Sm3 => "sm2-sm3",
            Self::EcdsaSha256 => "ecdsa-sha256",
            Self::EcdsaSha384 => "ecdsa-sha384",
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha384 => "rsa-sha384",
            Self::RsaSha512 => "rsa-sha512",
            Self::Ed25519 => "ed25519",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::{Decode, Encode};

    #[test]
    fn identifiers_are_the_bytes_of_the_baseline_requirements() {
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(algorithm.identifier().to_der().unwrap(), algorithm.identifier_der(), "{algorithm}");
            assert_eq!(SignatureAlgorithm::from_identifier(&algorithm.identifier()), Some(algorithm));
            assert_eq!(SignatureAlgorithm::from_identifier_der(algorithm.identifier_der()), Some(algorithm));
        }
    }

    #[test]
    fn sm2_with_null_parameters_is_read_and_ecdsa_with_them_is_not() {
        let null = |a: SignatureAlgorithm| {
            let id = AlgorithmIdentifierOwned { oid: a.oid(), parameters: Some(Any::null()) };
            let der = id.to_der().unwrap();
            let read = SignatureAlgorithm::from_identifier(&AlgorithmIdentifierOwned::from_der(&der).unwrap());
            assert_eq!(read, SignatureAlgorithm::from_identifier_der(&der));
            read
        };
        assert_eq!(null(SignatureAlgorithm::Sm2Sm3), Some(SignatureAlgorithm::Sm2Sm3));
        assert_eq!(null(SignatureAlgorithm::EcdsaSha256), None);
        assert_eq!(null(SignatureAlgorithm::Ed25519), None);
    }

    #[test]
    fn key_words_lead_back_to_their_algorithm() {
        for word in ["sm2", "p256", "p384", "rsa2048", "rsa3072", "rsa8192", "ed25519"] {
            assert_eq!(word.parse::<KeyAlgorithm>().unwrap().to_string(), word);
        }
        for word in ["", "rsa", "rsa1024", "rsa2049", "rsa+3072", "rsa03072", "SM2", "p521"] {
            assert!(word.parse::<KeyAlgorithm>().is_err(), "{word}");
        }
    }
}
