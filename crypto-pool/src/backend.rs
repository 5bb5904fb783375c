//! Where private keys live: in software, wrapped under the root key, or in a device (PKCS#11, SDF) that they never
//! leave. [`Choice`] is all of them together.

use std::sync::Arc;

use pki_config::{KeyId, Random, TenantId, UnitId};

use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::key::Purpose;
use crate::public_key::PublicKey;

mod choice;
mod hands;
mod pin;
mod pkcs11;
mod pkcs8;
mod reference;
mod sdf;
mod soft;

pub use choice::{Choice, Takes};
pub(crate) use hands::Fault;
pub use pin::PinFile;
pub(crate) use pkcs8::write_sm2;
pub use pkcs8::{generate_pkcs8, sign_with_pkcs8, spki_of_pkcs8};
pub use pkcs11::{Pkcs11, Pkcs11Options};
pub use sdf::{Sdf, SdfDialect, SdfOptions};
pub use soft::Soft;

/// What a stored private key is bound to. It opens as nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// Which key.
    pub key: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// The name it signs for, if any.
    pub subject: Option<&'a [u8]>,
    /// The exclusive unit whose key-encryption key it is wrapped under; `None`: under the tenant's, which
    /// follows from the root key.
    pub unit: Option<UnitKek<'a>>,
}

/// The key-encryption key of an exclusive unit, as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct UnitKek<'a> {
    /// Whose.
    pub unit: UnitId,
    /// Wrapped: nothing without the backend's own secret.
    pub wrapped: &'a [u8],
}

/// A new key pair, its private half as the backend stores it.
pub struct Generated {
    /// The public half.
    pub public: PublicKey,
    /// The private half, wrapped: nothing without the backend's own secret.
    pub wrapped: Vec<u8>,
}

/// Whether a public key (SubjectPublicKeyInfo) was ever recorded.
pub type Known<'a> = dyn Fn(&[u8]) -> Result<bool, Error> + 'a;

/// Makes keys and signs with them.
pub trait Backend: Send + Sync {
    /// Makes a key pair.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Random`], [`Error::Algorithm`] if the backend does not have it.
    fn generate(&self, binding: Binding<'_>) -> Result<Generated, Error>;

    /// As [`Backend::generate`], for backends whose keys were made before and are given out: `known` says whether a
    /// public key was ever recorded here, and such a key is not given out again.
    ///
    /// # Errors
    /// As there, and those of `known`.
    fn generate_unknown(&self, binding: Binding<'_>, _known: &Known<'_>) -> Result<Generated, Error> {
        self.generate(binding)
    }

    /// Makes a stored key ready to sign.
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::KeyDamaged`] if it does not open under this binding and public key.
    fn load(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Arc<dyn Signer>, Error>;

    /// Draws the key-encryption key of a new unit of this tenant.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Random`].
    fn make_kek(&self, tenant: &TenantId, unit: UnitId) -> Result<Vec<u8>, Error>;

    /// The unit under whose key-encryption key a stored key is wrapped, as it says itself. [`Backend::load`] holds
    /// it to that.
    fn unit_of(&self, wrapped: &[u8]) -> Option<UnitId>;

    /// A stored key wrapped anew, under another key-encryption key: `to` is `from` but for its unit.
    ///
    /// # Errors
    /// As [`Backend::load`]; [`Error::Random`].
    fn rewrap(&self, from: Binding<'_>, to: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Vec<u8>, Error>;

    /// A stored key wrapped anew under the newest root key, if it is still wrapped under the one before it. `None`: it
    /// is already, or does not depend on the root key.
    ///
    /// # Errors
    /// As [`Backend::load`]; [`Error::Random`].
    fn renewed(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// As [`Backend::renewed`], for the key-encryption key of a unit.
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::Random`]; [`Error::UnsealFailed`] if it opens under neither root key.
    fn renewed_kek(&self, tenant: &TenantId, kek: UnitKek<'_>) -> Result<Option<Vec<u8>>, Error>;

    /// The private key as PKCS#8, for keys that are handed out ([`Purpose::Tls`] only).
    ///
    /// # Errors
    /// As [`Backend::load`]; [`Error::KeyPurpose`] for every other purpose.
    fn export(
        &self,
        binding: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error>;

    /// Destroys what there is of a stored key outside its row. Done before the row loses it: a crash between the
    /// two leaves a row whose key is gone, and destroying it again ends well.
    ///
    /// # Errors
    /// As [`Backend::load`], for keys in devices; what is not there any more is destroyed.
    fn destroy(&self, _: Binding<'_>, _: &PublicKey, _wrapped: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    /// Whether a stored key lives in a device: then its signatures have workers of their own, which nobody else
    /// waits for.
    fn in_device(&self, _wrapped: &[u8]) -> bool {
        false
    }

    /// Whether a stored key's device is known to be away, without asking it.
    ///
    /// # Errors
    /// [`Error::DeviceAway`].
    fn ready(&self, _wrapped: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    /// How many signatures the devices make at a time; none without devices.
    fn device_sessions(&self) -> usize {
        0
    }

    /// The devices, and whether each answers now. Asks them: may take as long as they may.
    fn devices(&self) -> Vec<DeviceStatus> {
        Vec::new()
    }
}

/// A device that keys live in.
#[derive(Debug, Clone)]
pub struct DeviceStatus {
    /// `pkcs11` or `sdf`.
    pub kind: &'static str,
    /// As the configuration calls it.
    pub name: String,
    /// What it says of itself, or why it says nothing.
    pub answer: Result<String, Error>,
}

/// A private key ready to sign. What it holds is wiped when it is dropped.
pub trait Signer: Send + Sync {
    /// Signs `message` with [`crate::SignatureAlgorithm::for_key`]: the bytes that go into a BIT STRING.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::PrivateKey`].
    fn sign(&self, message: &[u8], random: &dyn Random) -> Result<Vec<u8>, Error>;

    /// The key itself, if it is an SM2 key in the memory of this process: then many signatures, of several
    /// keys, are made in one call. A key in hardware gives `None` and is asked for one signature at a time.
    fn sm2(&self) -> Option<&engine::sm2::PrivateKey> {
        None
    }
}
