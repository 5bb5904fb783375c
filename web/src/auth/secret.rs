//! Secrets that are shown once and kept as hashes only: tokens, one-time links and sessions.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pki_config::Random;
use pki_config::ports::RandomFailed;
use zeroize::Zeroizing;

/// What a secret is for. One kind is never taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A bearer token, `yx_…`.
    Token,
    /// The secret of a one-time link, `yl_…`.
    Link,
    /// The secret of a holder's pick-up link, `yp_…`.
    Pickup,
    /// The cookie of a session, `ys_…`.
    Session,
}

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "yx_",
            Self::Link => "yl_",
            Self::Pickup => "yp_",
            Self::Session => "ys_",
        }
    }
}

/// 256 random bits. `Debug` shows nothing; wiped on drop.
pub struct Secret {
    kind: SecretKind,
    bytes: Zeroizing<[u8; 32]>,
}

impl Secret {
    /// Draws a new one.
    ///
    /// # Errors
    /// The random source failed.
    pub fn draw(kind: SecretKind, random: &dyn Random) -> Result<Self, RandomFailed> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes)?;
        Ok(Self { kind, bytes })
    }

    /// Reads what somebody typed or sent; `None` unless it has the exact form.
    #[must_use]
    pub fn read(kind: SecretKind, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(kind.prefix())?;
        if encoded.len() != 43 {
            return None;
        }
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(decoded.get(..32)?);
        Some(Self { kind, bytes })
    }

    /// As it is shown, once.
    #[must_use]
    pub fn show(&self) -> String {
        format!("{}{}", self.kind.prefix(), URL_SAFE_NO_PAD.encode(*self.bytes))
    }

    /// What is stored: SM3 over the kind and the bits. 256 random bits need no slow hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = engine::sm3::Sm3::new();
        hash.update(self.kind.prefix().as_bytes());
        hash.update(&*self.bytes);
        hash.finalize()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Secret {
        Secret::draw(SecretKind::Token, &crypto_pool::random::SeededRandom::new(1)).unwrap()
    }

    #[test]
    fn a_shown_secret_reads_back_to_the_same_hash() {
        let token = token();
        let again = Secret::read(SecretKind::Token, &token.show()).unwrap();
        assert_eq!(again.hash(), token.hash());
        assert_eq!(token.show().len(), 46);
    }

    #[test]
    fn a_token_is_no_link_and_a_link_no_token() {
        let shown = token().show();
        assert!(Secret::read(SecretKind::Link, &shown).is_none());
        let swapped = Secret::read(SecretKind::Link, &shown.replace("yx_", "yl_")).unwrap();
        assert_ne!(swapped.hash(), token().hash());
    }

    #[test]
    fn other_texts_are_no_secrets() {
        let shown = token().show();
        for text in ["", "yx_", &shown[..45], &format!("{shown}A"), &shown.replace("yx_", ""), "yx_!!!!"] {
            assert!(Secret::read(SecretKind::Token, text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", token()), "Secret(Token)");
    }
}
