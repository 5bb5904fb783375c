//! Passwords: Argon2id (RFC 9106), and the second factor sealed with what the password gives.
//!
//! Argon2id comes from the `argon2` crate that seals the root key already. It was chosen over PBKDF2-HMAC-SM3 because
//! it costs memory, which is what makes guessing on graphics cards dear; no secret of a subscriber rests on it.
//!
//! One computation gives 48 bytes: 32 to verify the password by, 16 as an SM4 key that seals the TOTP secret. So
//! whoever copies the database has neither factor before the password is guessed, and signing in needs no root key:
//! officers can sign in to unseal it.

use argon2::{Algorithm, Argon2, Params, Version};
use engine::sm4::Gcm;
use pki_config::{OfficerId, Random};
use zeroize::Zeroizing;

use super::totp::TotpSecret;
use crate::problem::Failure;
use pki_config::ErrorCode;

/// What one guess costs. Kept with each password, so that it can be raised.
///
/// Source: OWASP Password Storage Cheat Sheet (Argon2id, m = 19 MiB, t = 2, p = 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Unit: KiB.
    pub memory_kib: u32,
    /// Times over the memory.
    pub passes: u32,
}

/// For new passwords.
pub const COST: Cost = Cost { memory_kib: 19_456, passes: 2 };
/// Unit: characters. Longer than NIST SP 800-63B 3.1.1.2 asks beside a second factor.
const SHORTEST: usize = 10;
/// Unit: bytes.
const LONGEST: usize = 256;

/// A password as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Drawn anew with every password.
    pub salt: [u8; 16],
    /// What it cost.
    pub cost: Cost,
    /// SM3 over the first 32 bytes.
    pub verifier: [u8; 32],
    /// Nonce, sealed TOTP secret, tag.
    pub totp: Vec<u8>,
}

/// Whether a new password may be used.
///
/// # Errors
/// `BAD_REQUEST`, with the rule that it breaks.
pub fn acceptable(password: &str, login: &str) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::saying(ErrorCode::BadRequest, why));
    let mut letters: Vec<char> = password.chars().collect();
    if letters.len() < SHORTEST || password.len() > LONGEST {
        return refuse(
            "密码至少 10 个字符，最多 256 字节。 / A password has at least 10 characters and at most 256 bytes.",
        );
    }
    letters.sort_unstable();
    letters.dedup();
    let plain = password.to_lowercase();
    if letters.len() < 5 || (!login.is_empty() && plain.contains(login)) || plain.contains("yinxin") {
        return refuse(
            "密码太容易猜到：至少 5 种字符，不含登录名。 / Too easy to guess: at least five different characters, and not your sign-in name.",
        );
    }
    Ok(())
}

impl Stored {
    /// Computes what to store. Blocks for some 30 ms.
    ///
    /// # Errors
    /// The random source failed, or there is no memory.
    pub fn make(
        password: &str,
        totp: &TotpSecret,
        officer: OfficerId,
        cost: Cost,
        random: &dyn Random,
    ) -> Result<Self, Failure> {
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        random.fill(&mut salt)?;
        random.fill(&mut nonce)?;
        let keys = stretched(password, &salt, cost)?;
        let mut sealed = nonce.to_vec();
        sealed.extend(gcm(&keys).seal(&nonce, officer.as_bytes(), totp.as_bytes()));
        Ok(Self { salt, cost, verifier: engine::sm3::hash(&keys[..32]), totp: sealed })
    }

    /// The second factor, if this is the password. Blocks for some 30 ms.
    ///
    /// # Errors
    /// There is no memory.
    pub fn open(&self, password: &str, officer: OfficerId) -> Result<Option<TotpSecret>, Failure> {
        if password.len() > LONGEST {
            return Ok(None);
        }
        let keys = stretched(password, &self.salt, self.cost)?;
        let verifier = engine::sm3::hash(&keys[..32]);
        if aws_lc_rs::constant_time::verify_slices_are_equal(&verifier, &self.verifier).is_err() {
            return Ok(None);
        }
        let Some((nonce, sealed)) = self.totp.split_first_chunk::<12>() else { return Ok(None) };
        let opened = gcm(&keys).open(nonce, officer.as_bytes(), sealed).map(Zeroizing::new);
        Ok(opened.ok().and_then(|bytes| TotpSecret::from_bytes(&bytes)))
    }
}

/// As long as a real one takes: for a name nobody has, so that the time does not tell which names exist.
pub fn pretend(password: &str) {
    let password = password.get(..LONGEST.min(password.len())).unwrap_or_default();
    // What comes out matters to nobody.
    let _ = stretched(password, &[0; 16], COST);
}

fn gcm(keys: &Zeroizing<[u8; 48]>) -> Gcm {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&keys[32..]);
    Gcm::new(&key)
}

fn stretched(password: &str, salt: &[u8], cost: Cost) -> Result<Zeroizing<[u8; 48]>, Failure> {
    let inside = |why: &dyn std::fmt::Display| Failure::inside(ErrorCode::Internal, why);
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(48)).map_err(|why| inside(&why))?;
    let mut out = Zeroizing::new([0; 48]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut *out)
        .map_err(|why| inside(&why))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

    fn made() -> (Stored, OfficerId) {
        let random = crypto_pool::random::SeededRandom::new(5);
        let officer = OfficerId::draw(&random).unwrap();
        let totp = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        (Stored::make("correct horse 9", &totp, officer, CHEAP, &random).unwrap(), officer)
    }

    #[test]
    fn the_right_password_gives_the_second_factor_and_no_other_does() {
        let (stored, officer) = made();
        let opened = stored.open("correct horse 9", officer).unwrap().unwrap();
        assert_eq!(opened.as_bytes(), b"12345678901234567890");
        for wrong in ["", "correct horse 8", "Correct horse 9", "correct horse 9 "] {
            assert!(stored.open(wrong, officer).unwrap().is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_password_moved_to_another_officer_opens_nothing() {
        let (stored, _) = made();
        assert!(stored.open("correct horse 9", OfficerId::from_bytes([9; 16])).unwrap().is_none());
    }

    #[test]
    fn neither_factor_can_be_read_from_what_is_stored() {
        let (stored, _) = made();
        assert_eq!(stored.totp.len(), 12 + 20 + 16);
        assert!(!stored.totp.windows(4).any(|w| w == b"1234"));
    }

    #[test]
    fn short_long_and_obvious_passwords_are_refused() {
        assert!(acceptable("correct horse", "li").is_ok() && acceptable("密码要够长才安全，十个字", "li").is_ok());
        for bad in ["short 9ab", "aaaaaaaaaaaaaaaa", "li.lei-2026-x", "my Yinxin pass", &"x1y2z".repeat(60)] {
            assert!(acceptable(bad, "li.lei").is_err(), "{bad}");
        }
    }
}
