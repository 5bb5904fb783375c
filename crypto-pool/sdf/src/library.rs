//! Library, device and session as their users see them.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::ffi::{Calls, Dialect, RawDevice, RawSession};

/// Longest ciphertext that is decrypted. Unit: bytes. Keys are wrapped this way, not documents.
const LONGEST: usize = 4096;

/// A vendor's library, loaded. Cheap to clone; it stays loaded until the process ends.
#[derive(Clone)]
pub struct Library(Arc<Calls>);

impl Library {
    /// Loads the library and looks its functions up. It runs in this process, with all its rights.
    ///
    /// # Errors
    /// [`Error::Load`], also for a path that is not absolute, by which another library might be found;
    /// [`Error::Missing`].
    pub fn load(path: &Path, dialect: Dialect) -> Result<Self, Error> {
        if !path.is_absolute() {
            return Err(Error::Load("name it by its whole path, or another library may be found".to_owned()));
        }
        Ok(Self(Arc::new(Calls::load(path, dialect)?)))
    }

    /// Opens the device.
    ///
    /// # Errors
    /// As the device says.
    pub fn open(&self) -> Result<Device, Error> {
        Ok(Device(Arc::new(RawDevice::open(Arc::clone(&self.0))?)))
    }
}

/// An open device. Cheap to clone; closed when the last clone and the last session are gone.
#[derive(Clone)]
pub struct Device(Arc<RawDevice>);

impl Device {
    /// Opens a session.
    ///
    /// # Errors
    /// As the device says.
    pub fn session(&self) -> Result<Session, Error> {
        Ok(Session(RawSession::open(Arc::clone(&self.0))?))
    }
}

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Who made it.
    pub issuer: String,
    /// Its model.
    pub name: String,
    /// Its serial number.
    pub serial: String,
    /// The vendor's version of it.
    pub version: u32,
}

/// Which of the two pairs at an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The pair that signs.
    Sign,
    /// The pair that decrypts.
    Encryption,
}

/// An SM2 ciphertext in its parts, as GM/T 0018 has them.
#[derive(Debug, Clone, Copy)]
pub struct Ciphertext<'a> {
    /// C1: the point, uncompressed with its leading 4.
    pub point: &'a [u8; 65],
    /// C3: the digest.
    pub digest: &'a [u8; 32],
    /// C2: what is encrypted.
    pub text: &'a [u8],
}

/// An open session: one thread's at a time, closed when dropped.
pub struct Session(RawSession);

impl Session {
    /// What the device says of itself.
    ///
    /// # Errors
    /// As the device says.
    pub fn info(&mut self) -> Result<DeviceInfo, Error> {
        let raw = self.0.info()?;
        Ok(DeviceInfo {
            issuer: text(&raw.issuer),
            name: text(&raw.name),
            serial: text(&raw.serial),
            version: raw.version,
        })
    }

    /// Fills `out` from the device's random source.
    ///
    /// # Errors
    /// As the device says.
    pub fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0.random(out)
    }

    /// Asks for the right to use the private keys at `index`, in this session.
    ///
    /// # Errors
    /// As the device says; `PARDENY` or `PRKRERR` for a wrong password.
    pub fn grant(&mut self, index: u32, password: &[u8]) -> Result<(), Error> {
        self.0.access(index, password)
    }

    /// Gives that right back.
    ///
    /// # Errors
    /// As the device says.
    pub fn release(&mut self, index: u32) -> Result<(), Error> {
        self.0.release(index)
    }

    /// The public key at `index`: the point, uncompressed with its leading 4. Not checked to be on the curve.
    ///
    /// # Errors
    /// As the device says; `KEYNOTEXIST` if there is none; [`Error::Malformed`] for what is no 256-bit point.
    pub fn public_key(&mut self, index: u32, usage: Usage) -> Result<[u8; 65], Error> {
        let malformed = |what| Error::Malformed { function: "SDF_Export…PublicKey_ECC", what };
        let raw = self.0.public_key(index, usage == Usage::Encryption)?;
        if raw.bits != 256 {
            return Err(malformed("a key of another size"));
        }
        let (x, y) = (number(&raw.x).ok_or(malformed("no point"))?, number(&raw.y).ok_or(malformed("no point"))?);
        let mut point = [4; 65];
        let (left, right) = point[1..].split_at_mut(32);
        left.copy_from_slice(&x);
        right.copy_from_slice(&y);
        Ok(point)
    }

    /// The SM2 signature (r and s, 32 octets each) of the digest `e` = SM3(Z and message) with the key at `index`.
    /// Whoever wants to use it verifies it first.
    ///
    /// # Errors
    /// As the device says; `PARDENY` without [`Session::grant`]; [`Error::Malformed`] for what cannot be a signature.
    pub fn sign(&mut self, index: u32, e: &[u8; 32]) -> Result<[u8; 64], Error> {
        let malformed = Error::Malformed { function: "SDF_InternalSign_ECC", what: "no signature" };
        let raw = self.0.sign(index, e)?;
        let (r, s) = (number(&raw.r).ok_or(malformed.clone())?, number(&raw.s).ok_or(malformed)?);
        let mut signature = [0; 64];
        let (left, right) = signature.split_at_mut(32);
        left.copy_from_slice(&r);
        right.copy_from_slice(&s);
        Ok(signature)
    }

    /// Decrypts with the encryption key at `index`.
    ///
    /// # Errors
    /// As the device says; [`Error::Missing`] if it only signs.
    pub fn decrypt(&mut self, index: u32, cipher: &Ciphertext<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let length = u32::try_from(cipher.text.len()).ok().filter(|_| (1..=LONGEST).contains(&cipher.text.len()));
        let too_long = Error::Malformed { function: "SDF_InternalDecrypt_ECC", what: "a length it is not called with" };
        let length = length.ok_or(too_long)?;
        let (x, y) = cipher.point[1..].split_at(32);
        let raw = [&[0; 32][..], x, &[0; 32], y, cipher.digest, &length.to_ne_bytes(), cipher.text].concat();
        let mut plain = Zeroizing::new(vec![0; cipher.text.len()]);
        let written = self.0.decrypt(index, &raw, &mut plain)?;
        plain.truncate(written);
        Ok(plain)
    }
}

/// A number of 256 bits that stands right-aligned in its field, and is not zero.
fn number(field: &[u8; 64]) -> Option<[u8; 32]> {
    let (left, right) = field.split_at(32);
    let number: [u8; 32] = right.try_into().ok()?;
    (left.iter().all(|b| *b == 0) && number.iter().any(|b| *b != 0)).then_some(number)
}

/// A text padded with zeros or spaces.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_right_aligned_and_is_not_zero() {
        let mut field = [0; 64];
        assert_eq!(number(&field), None);
        field[63] = 1;
        assert_eq!(number(&field).map(|n| n[31]), Some(1));
        field[31] = 1;
        assert_eq!(number(&field), None, "more than 256 bits");
    }

    #[test]
    fn a_text_ends_at_its_padding() {
        assert_eq!(text(b"maker\0\0\0"), "maker");
        assert_eq!(text(b"maker   "), "maker");
        assert_eq!(text(b"sixteen octets.."), "sixteen octets..");
        assert_eq!(text(b"\0"), "");
    }
}
