//! SM2 signatures (GB/T 32918.2-2016) on the curve of GB/T 32918.5-2017, with the default identity
//! `1234567812345678` (GM/T 0009 10).

#[cfg(target_arch = "x86_64")]
mod adx;
mod comb;
mod der;
pub mod encrypt;
mod field;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod inverse;
mod many;
mod multiply;
mod nonce;
mod point;
mod scalar;
mod signature;
mod wide;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use zeroize::{Zeroize, Zeroizing};

use self::comb::Comb;
use self::field::{Arith, fastest};
pub use self::many::{
    DecryptJob, EncryptJob, LANES, SignJob, VerifyJob, decrypt_many, encrypt_many, generate_many, sign_many,
    verify_many,
};
use self::nonce::NonceKey;
use self::point::{Affine, Jacobian};
use self::scalar::Scalar;
pub use self::signature::{BadSignature, Signature};
use crate::sm3::{HmacKey, Sm3};

/// The identity that goes into Z unless a protocol says otherwise (GM/T 0009 10).
pub const DEFAULT_ID: &str = "1234567812345678";

/// These bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadKey {
    /// A private key must lie in 1 to n-2 (GB/T 32918.1-2016 6.1: 1+d must have an inverse).
    OutOfRange,
    /// A public key must be an uncompressed point of the curve other than infinity.
    NotOnCurve,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "the SM2 private key is out of range",
            Self::NotOnCurve => "the SM2 public key is not an uncompressed point of the curve",
        })
    }
}

impl std::error::Error for BadKey {}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// A public key, checked to lie on the curve. Cheap to clone: what verification needs is made once.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    sec1: [u8; 65],
    z: [u8; 32],
    point: Affine,
    /// Signatures verified so far, up to [`KNOWN`].
    verified: AtomicU32,
    /// Made when the key has become a known one.
    comb: OnceLock<Comb>,
}

/// A key is known after this many verifications: making its comb takes as long as ten.
const KNOWN: u32 = 16;

impl PublicKey {
    /// From the SEC 1 form `04 || X || Y`; the compressed and hybrid forms are refused.
    ///
    /// # Errors
    /// [`BadKey::NotOnCurve`].
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, BadKey> {
        let sec1: [u8; 65] = bytes.try_into().map_err(|_| BadKey::NotOnCurve)?;
        if sec1[0] != 4 {
            return Err(BadKey::NotOnCurve);
        }
        let (coordinates, _) = sec1[1..].as_chunks();
        let point = Affine::from_bytes(&coordinates[0], &coordinates[1]).ok_or(BadKey::NotOnCurve)?;
        Ok(Self::from_parts(sec1, point))
    }

    fn from_parts(sec1: [u8; 65], point: Affine) -> Self {
        let (verified, comb) = (AtomicU32::new(0), OnceLock::new());
        Self(Arc::new(PublicParts { z: z_value(&sec1), sec1, point, verified, comb }))
    }

    /// The key of a point.
    fn from_point(point: Affine) -> Self {
        let mut sec1 = [4; 65];
        sec1[1..].copy_from_slice(&point.to_bytes());
        Self::from_parts(sec1, point)
    }

    /// The SEC 1 form `04 || X || Y`.
    #[must_use]
    pub fn as_sec1(&self) -> &[u8; 65] {
        &self.0.sec1
    }

    /// The SEC 1 form `04 || X || Y`.
    #[must_use]
    pub fn to_sec1(&self) -> [u8; 65] {
        self.0.sec1
    }

    /// Z for the default identity (GB/T 32918.2-2016 5.5).
    #[must_use]
    pub fn z(&self) -> [u8; 32] {
        self.0.z
    }

    /// A hash that has taken in Z; give it the message and it yields `e`.
    #[must_use]
    pub fn prehasher(&self) -> Sm3 {
        let mut hasher = Sm3::new();
        hasher.update(&self.0.z);
        hasher
    }

    /// Whether `signature` is this key's over `message` under the default identity.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let mut hasher = self.prehasher();
        hasher.update(message);
        self.verify_prehash(&hasher.finalize(), signature)
    }

    /// Whether `signature` is this key's over `e` = SM3(Z || message).
    #[must_use]
    pub fn verify_prehash(&self, e: &[u8; 32], signature: &Signature) -> bool {
        // GB/T 32918.2-2016 7.1; that r and s lie in [1, n-1] was checked when they were read (B1, B2).
        // Everything here is public: variable time is no leak.
        let Signature { r, s } = signature;
        let t = r.add(s);
        if t.is_zero() {
            return false;
        }
        let x = r.sub(&Scalar::reduce_bytes(e));
        fastest!(|arith| self.sum(arith, s, &t).has_x_vartime(arith, &x))
    }

    /// s·G + t times this key's point.
    fn sum<A: Arith>(&self, arith: A, s: &Scalar, t: &Scalar) -> Jacobian {
        match self.comb(arith) {
            Some(comb) => {
                let sum = multiply::BASE.add_times_vartime(arith, None, s);
                comb.add_times_vartime(arith, Some(sum), t).to_jacobian(arith)
            }
            None => multiply::base_and_point_vartime(arith, s, t, &self.0.point),
        }
    }

    /// The key itself.
    fn point(&self) -> &Affine {
        &self.0.point
    }

    /// The key's comb, if it has verified often enough to have one; this counts as one time more.
    fn comb<A: Arith>(&self, arith: A) -> Option<&Comb> {
        let parts = &self.0;
        parts.comb.get().or_else(|| {
            let known = parts.verified.fetch_add(1, Ordering::Relaxed) >= KNOWN;
            known.then(|| parts.comb.get_or_init(|| Comb::new(arith, &parts.point)))
        })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.sec1 == other.0.sec1
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sm2::PublicKey(")?;
        write_hex(f, &self.0.sec1)?;
        f.write_str(")")
    }
}

/// A private key. `Debug` does not show it; it is wiped on drop.
pub struct PrivateKey {
    /// On the heap, so that moving the key leaves no copy behind.
    secret: Box<Secret>,
    public: PublicKey,
}

struct Secret {
    d: Scalar,
    /// (1+d)^-1: it would be half the cost of a signature were it computed each time.
    inverse: Scalar,
    nonces: NonceKey,
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.d.zeroize();
        self.inverse.zeroize();
    }
}

impl PrivateKey {
    /// From the 32 bytes of d, big endian.
    ///
    /// # Errors
    /// [`BadKey::OutOfRange`] outside 1 to n-2.
    pub fn from_bytes(d: &[u8; 32]) -> Result<Self, BadKey> {
        let mut d = Scalar::from_bytes(d).ok_or(BadKey::OutOfRange)?;
        // n-1 has no inverse of 1+d.
        let usable = !d.is_zero() && !d.add(&Scalar::ONE).is_zero();
        let key = usable.then(|| Self::from_scalar(&d)).ok_or(BadKey::OutOfRange);
        d.zeroize();
        key
    }

    /// A key made of 64 random bytes: d = (seed mod (n-2)) + 1, the seed big endian, which favours no key by more
    /// than one part in 2^256.
    #[must_use]
    pub fn from_seed(seed: &[u8; 64]) -> Self {
        let mut d = Scalar::key_from_wide(seed);
        let key = Self::from_scalar(&d);
        d.zeroize();
        key
    }

    /// `d` is in 1 to n-2.
    fn from_scalar(d: &Scalar) -> Self {
        let point = fastest!(|arith| multiply::BASE.times(arith, d).to_affine(arith));
        Self::from_parts(d, &d.add(&Scalar::ONE).invert(), PublicKey::from_point(point))
    }

    /// From d, (1+d)^-1 and d G.
    fn from_parts(d: &Scalar, inverse: &Scalar, public: PublicKey) -> Self {
        let bytes = Zeroizing::new(d.to_bytes());
        let secret = Secret { d: *d, inverse: *inverse, nonces: NonceKey::new(&bytes) };
        Self { secret: Box::new(secret), public }
    }

    /// The 32 bytes of d, big endian; wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.d.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` under the default identity.
    ///
    /// `randomness` should be fresh; it is mixed into the nonce, which is safe even if it is constant or
    /// known.
    #[must_use]
    pub fn sign(&self, message: &[u8], randomness: &[u8; 32]) -> Signature {
        let mut hasher = self.public.prehasher();
        hasher.update(message);
        self.sign_prehash(&hasher.finalize(), randomness)
    }

    /// Signs `e` = SM3(Z || message). The caller answers for what `e` stands for.
    #[must_use]
    pub fn sign_prehash(&self, e: &[u8; 32], randomness: &[u8; 32]) -> Signature {
        let mut nonces = self.secret.nonces.nonces(e, randomness);
        loop {
            // A nonce that gives r = 0, r + k = n or s = 0 (once in 2^255) is thrown away, the next one tried.
            let mut k = nonces.next();
            let signature = self.sign_with(e, &k);
            k.zeroize();
            if let Some(signature) = signature {
                return signature;
            }
        }
    }

    /// GB/T 32918.2-2016 6.1, steps A4 to A7, with the nonce `k`.
    fn sign_with(&self, e: &[u8; 32], k: &Scalar) -> Option<Signature> {
        let x = fastest!(|arith| multiply::BASE.times(arith, k).affine_x(arith));
        self.finish(e, k, &x.to_plain())
    }

    /// Steps A5 to A7, `x` being the first coordinate of k G.
    fn finish(&self, e: &[u8; 32], k: &Scalar, x: &[u64; 4]) -> Option<Signature> {
        let r = Scalar::reduce_bytes(e).add(&Scalar::reduce(x));
        // s = (1+d)^-1 (k - r·d), and k - r·d = (k + r) - r·(1+d).
        let sum = k.add(&r);
        let s = self.secret.inverse.mul(&sum).sub(&r);
        (!r.is_zero() && !sum.is_zero() && !s.is_zero()).then_some(Signature { r, s })
    }

    /// What the nonces are made with.
    #[cfg(target_arch = "x86_64")]
    fn nonce_key(&self) -> &HmacKey {
        self.secret.nonces.hmac()
    }

    /// d.
    #[cfg(target_arch = "x86_64")]
    fn scalar(&self) -> &Scalar {
        &self.secret.d
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("sm2::PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Z = SM3(ENTL || ID || a || b || Gx || Gy || Px || Py) for the default identity (GB/T 32918.2-2016 5.5).
fn z_value(sec1: &[u8; 65]) -> [u8; 32] {
    let mut hasher = Sm3::new();
    // ENTL is the length of the identity in bits: 16 characters, 128 bits.
    hasher.update(&128_u16.to_be_bytes());
    hasher.update(DEFAULT_ID.as_bytes());
    hasher.update(&CURVE);
    hasher.update(&sec1[1..]);
    hasher.finalize()
}

/// a, b, Gx, Gy of the curve (GB/T 32918.5-2017 2), 32 bytes each.
const CURVE: [u8; 128] = hex(b"fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc\
      28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93\
      32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7\
      bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0");

const fn hex<const N: usize>(digits: &[u8]) -> [u8; N] {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    assert!(digits.len() == 2 * N);
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests;
