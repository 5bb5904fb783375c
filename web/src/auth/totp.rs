//! Codes that change every thirty seconds (TOTP, RFC 6238), as the apps on telephones make them: HMAC-SHA-1, six digits.
//! SHA-1 is what every such app speaks; HMAC does not rest on its resistance to collisions.

use aws_lc_rs::hmac;
use pki_config::ports::RandomFailed;
use pki_config::{Instant, Random};
use zeroize::Zeroizing;

/// RFC 4226 4, R6: a shared secret of 160 bits.
pub const SECRET_LENGTH: usize = 20;
/// RFC 6238 5.2. Unit: seconds.
const STEP: i64 = 30;
const DIGITS: u32 = 6;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What the server and the officer's app share. Wiped on drop.
pub struct TotpSecret(Zeroizing<[u8; SECRET_LENGTH]>);

impl TotpSecret {
    /// Draws a new one.
    ///
    /// # Errors
    /// The random source failed.
    pub fn draw(random: &dyn Random) -> Result<Self, RandomFailed> {
        let mut bytes = Zeroizing::new([0; SECRET_LENGTH]);
        random.fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// From its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// As it is typed into an app: base 32 (RFC 4648 6), 32 letters.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = String::new();
        for chunk in self.0.chunks_exact(5) {
            let bits = chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                text.push(char::from(BASE32[(bits >> (place * 5) & 31) as usize]));
            }
        }
        text
    }

    /// Reads what [`TotpSecret::show`] gave.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; SECRET_LENGTH]);
        if text.len() != 32 {
            return None;
        }
        for (chunk, out) in text.as_bytes().chunks_exact(8).zip(bytes.chunks_exact_mut(5)) {
            let mut bits = 0_u64;
            for letter in chunk {
                let value = BASE32.iter().position(|known| known == letter)?;
                bits = bits << 5 | u64::try_from(value).ok()?;
            }
            out.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Some(Self(bytes))
    }

    /// What an app reads from a picture. `label` is shown there; it stands in percent form.
    #[must_use]
    pub fn uri(&self, label: &str) -> String {
        format!("otpauth://totp/{}?secret={}&issuer=Yinxin", crate::portal::escaped(label), self.show())
    }

    /// The step whose code this is, if it is the current one or a neighbour: clocks of telephones are off by seconds
    /// (RFC 6238 5.2 allows one step).
    #[must_use]
    pub fn step_of(&self, code: &str, now: Instant) -> Option<i64> {
        let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if typed.len() != DIGITS as usize || !typed.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let current = now.unix_seconds().div_euclid(STEP);
        // All three are computed, whichever fits.
        let fits = [current, current - 1, current + 1].map(|step| {
            let right = format!("{:06}", self.code(step, DIGITS));
            aws_lc_rs::constant_time::verify_slices_are_equal(right.as_bytes(), typed.as_bytes())
                .is_ok()
                .then_some(step)
        });
        fits.into_iter().flatten().next()
    }

    /// RFC 4226 5.3 for the counter `step`.
    fn code(&self, step: i64, digits: u32) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &*self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let word = tag[offset..offset + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        (word & 0x7fff_ffff) % 10_u32.pow(digits)
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: the ASCII secret "12345678901234567890".
    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_unix_seconds(seconds).unwrap()
    }

    #[test]
    fn codes_match_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(secret().code(seconds / STEP, 8), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_in_its_own_step_and_its_neighbours_only() {
        // 1111111109 is in step 37037036; its code ends in 081804.
        let step = 37_037_036;
        for (now, expected) in [
            (1_111_111_109, Some(step)),
            (1_111_111_109 + 30, Some(step)),
            (1_111_111_109 - 30, Some(step)),
            (1_111_111_109 + 60, None),
            (1_111_111_109 - 60, None),
        ] {
            assert_eq!(secret().step_of("081804", at(now)), expected, "{now}");
        }
        assert_eq!(secret().step_of("081 804", at(1_111_111_109)), Some(step), "as apps show it");
        for bad in ["", "81804", "0818040", "o81804", "０８１８０４", "081805"] {
            assert_eq!(secret().step_of(bad, at(1_111_111_109)), None, "{bad}");
        }
    }

    #[test]
    fn the_secret_is_written_as_rfc_4648_says_and_reads_back() {
        // Checked with `base32` of GNU coreutils.
        assert_eq!(secret().show(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::read("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap().as_bytes(), b"12345678901234567890");
        for bad in [
            "",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ",
            "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
        ] {
            assert!(TotpSecret::read(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", secret()), "TotpSecret");
    }
}
