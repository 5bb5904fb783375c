//! Identifiers of things that have one: tenants, keys, issuers, requests, officers.
//!
//! Random identifiers carry 128 bits and are written as 32 lower-case hexadecimal digits, so that
//! a foreign identifier cannot be guessed. Issuer and tenant identifiers are short words that
//! people type and that stand in URLs.

use std::fmt;

use crate::ports::{Random, RandomFailed};

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId {
    /// What was expected, for the message.
    pub expected: &'static str,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for BadId {}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Draws a new identifier: 128 random bits.
            ///
            /// # Errors
            /// The random source failed its health test.
            pub fn draw(random: &dyn Random) -> Result<Self, RandomFailed> {
                let mut bytes = [0; 16];
                random.fill(&mut bytes)?;
                Ok(Self(bytes))
            }

            /// The identifier with these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                hex16(text).map(Self).ok_or(BadId { expected: "32 hexadecimal digits" })
            }
        }
    };
}

fn hex16(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut out = [0; 16];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}

random_id!(
    /// A key held by the pool.
    KeyId
);
random_id!(
    /// An exclusive unit of the signing pool: a tenant's own virtual crypto machine.
    UnitId
);
random_id!(
    /// A request for a certificate.
    RequestId
);
random_id!(
    /// Requests that were filed together from one file.
    BatchId
);
random_id!(
    /// A ceremony: a plan or an answer that one person put forward and another confirms.
    CeremonyId
);
random_id!(
    /// A piece of evidence kept with a request.
    EvidenceId
);
random_id!(
    /// An electronic seal; also the identifier within it.
    SealId
);
random_id!(
    /// An encryption key that the key centre made and keeps.
    CentreKeyId
);
random_id!(
    /// An order to the key centre: a recovery or destruction asked for.
    CentreOrderId
);
random_id!(
    /// A person or program with a role. The audit log names people by this identifier only.
    OfficerId
);

macro_rules! word_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            /// 1 to 40 characters of `a-z`, `0-9`, `-`, starting with a letter.
            fn from_str(text: &str) -> Result<Self, BadId> {
                let fits = (1..=40).contains(&text.len())
                    && text.starts_with(|c: char| c.is_ascii_lowercase())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if fits { Ok(Self(text.to_owned())) } else { Err(BadId { expected: "a word of 1 to 40 characters a-z, 0-9 and -, starting with a letter" }) }
            }
        }
    };
}

word_id!(
    /// A tenant. Taken from the session of the caller, never from the body of a request.
    TenantId
);
word_id!(
    /// An issuing authority, such as `sm2-issuing`. Part of its public URLs, so never renamed.
    IssuerId
);

word_id!(
    /// A branch of the registration authority (受理点).
    BranchId
);

impl TenantId {
    /// The tenant that runs this installation.
    #[must_use]
    pub fn house() -> Self {
        Self("house".to_owned())
    }

    /// Everybody who did not say who they are.
    #[must_use]
    pub fn public() -> Self {
        Self("public".to_owned())
    }
}

impl IssuerId {
    /// One of the issuers the first start makes.
    #[must_use]
    pub fn well_known(word: WellKnownIssuer) -> Self {
        Self(word.as_str().to_owned())
    }
}

/// The four issuers of a new installation: one hierarchy per algorithm family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WellKnownIssuer {
    /// SM2 root.
    Sm2Root,
    /// SM2 issuing authority under `sm2-root`.
    Sm2Issuing,
    /// ECDSA P-256 root.
    EcRoot,
    /// ECDSA P-256 issuing authority under `ec-root`.
    EcIssuing,
}

impl WellKnownIssuer {
    /// The word in URLs and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sm2Root => "sm2-root",
            Self::Sm2Issuing => "sm2-issuing",
            Self::EcRoot => "ec-root",
            Self::EcIssuing => "ec-issuing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_survives_its_text_form() {
        let id = KeyId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse::<KeyId>(), Ok(id));
    }

    #[test]
    fn a_random_id_of_wrong_length_or_digits_is_refused() {
        for text in ["", "ab", &"ab".repeat(17), &"zz".repeat(16), &"é".repeat(16)] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_id_takes_only_what_is_safe_in_a_url() {
        assert!("sm2-issuing".parse::<IssuerId>().is_ok());
        for text in ["", "2sm", "a/b", "A", "a b", "..", &"a".repeat(41)] {
            assert!(text.parse::<IssuerId>().is_err(), "{text}");
        }
    }
}
