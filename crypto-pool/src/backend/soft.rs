//! Private keys in software, stored under SM4-GCM with a key-encryption key per tenant that is derived
//! from the root key, or with that of the tenant's exclusive unit, which is drawn and stored under the root key.

use std::sync::Arc;

use engine::sm4::{Gcm, NONCE_LENGTH};
use pki_config::{Random, TenantId, UnitId};
use zeroize::Zeroizing;

use super::pkcs8::{SoftKey, generate_pkcs8};
use super::{Backend, Binding, Generated, Signer, UnitKek};
use crate::error::Error;
use crate::key::Purpose;
use crate::public_key::PublicKey;
use crate::root_key::{RootKey, RootKeySlot};

/// First octet of a key wrapped under its tenant's derived key: nonce and text follow.
const OF_TENANT: u8 = 1;
/// First octet of a key wrapped under a unit's key: the unit, nonce and text follow.
const OF_UNIT: u8 = 2;
/// First octet of a unit's key-encryption key, wrapped under the root key.
const KEK: u8 = 3;

/// For which use the key around units' key-encryption keys is derived.
const AROUND_KEKS: &str = "yinxin key of units' key-encryption keys, version 1";

type Kek = Zeroizing<[u8; 16]>;

/// Which root key something is wrapped under.
#[derive(Clone, Copy)]
enum Under {
    Newest,
    /// The one before, while it is being replaced.
    Previous,
}

/// For which use a tenant's key-encryption key is derived.
fn label(tenant: &TenantId) -> String {
    format!("yinxin key-encryption key, version 1, tenant {tenant}")
}

/// What is wrapped under a key derived from this root key or from the one before it.
fn opened(
    root: &RootKey,
    label: &str,
    nonce: &[u8; NONCE_LENGTH],
    aad: &[u8],
    text: &[u8],
) -> Option<(Zeroizing<Vec<u8>>, Under)> {
    let open = |root: &RootKey| Gcm::new(&root.derive::<16>(label)).open(nonce, aad, text).ok();
    let newest = open(root).map(|octets| (octets, Under::Newest));
    newest.or_else(|| root.previous().and_then(open).map(|octets| (octets, Under::Previous)))
}

/// The software backend.
pub struct Soft {
    root: RootKeySlot,
    random: Arc<dyn Random>,
}

impl Soft {
    /// Keys wrapped under what is in `root`.
    #[must_use]
    pub fn new(root: RootKeySlot, random: Arc<dyn Random>) -> Self {
        Self { root, random }
    }

    /// Where the root key is.
    pub(super) const fn root(&self) -> &RootKeySlot {
        &self.root
    }

    /// A unit's key-encryption key, and whether it is wrapped under the root key before.
    fn kek(&self, tenant: &TenantId, kek: UnitKek<'_>) -> Result<Option<(Kek, Under)>, Error> {
        let Some((nonce, text)) = kek.wrapped.strip_prefix(&[KEK]).and_then(|w| w.split_first_chunk()) else {
            return Ok(None);
        };
        let aad = kek_aad(tenant, kek.unit);
        let root = self.root.get()?;
        let opened = opened(&root, AROUND_KEKS, nonce, &aad, text);
        Ok(opened.and_then(|(octets, under)| {
            let mut kek = Zeroizing::new([0; 16]);
            if octets.len() != kek.len() {
                return None;
            }
            kek.copy_from_slice(&octets);
            Some((kek, under))
        }))
    }

    /// A unit's key-encryption key under the newest root key.
    fn wrap_kek(&self, tenant: &TenantId, unit: UnitId, kek: &Kek) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LENGTH];
        self.random.fill(&mut nonce)?;
        let around = Gcm::new(&self.root.get()?.derive::<16>(AROUND_KEKS));
        let mut wrapped = vec![KEK];
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&around.seal(&nonce, &kek_aad(tenant, unit), &**kek));
        Ok(wrapped)
    }

    /// What the key of this binding is wrapped with from now on.
    fn cipher(&self, binding: Binding<'_>) -> Result<Gcm, Error> {
        match binding.unit {
            None => Ok(Gcm::new(&self.root.get()?.derive::<16>(&label(binding.tenant)))),
            Some(unit) => {
                let kek = self.kek(binding.tenant, unit)?;
                kek.map(|(kek, _)| Gcm::new(&kek)).ok_or(Error::KeyDamaged { key: binding.key })
            }
        }
    }

    fn wrap(&self, binding: Binding<'_>, spki: &[u8], pkcs8: &[u8]) -> Result<Vec<u8>, Error> {
        let cipher = self.cipher(binding)?;
        let mut nonce = [0; NONCE_LENGTH];
        self.random.fill(&mut nonce)?;
        let mut wrapped = head(binding);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&cipher.seal(&nonce, &aad(binding, spki), pkcs8));
        Ok(wrapped)
    }

    fn open(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.open_told(binding, public, wrapped).map(|(pkcs8, _)| pkcs8)
    }

    /// As [`Soft::open`], and whether it was the root key before that it is wrapped under.
    fn open_told(
        &self,
        binding: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, Under), Error> {
        let damaged = Error::KeyDamaged { key: binding.key };
        let Some((nonce, text)) = wrapped.strip_prefix(&*head(binding)).and_then(|w| w.split_first_chunk()) else {
            return Err(damaged);
        };
        let aad = aad(binding, public.spki_der());
        match binding.unit {
            None => opened(&*self.root.get()?, &label(binding.tenant), nonce, &aad, text).ok_or(damaged),
            // The unit's own key stays the same whatever the root key is.
            Some(_) => {
                let pkcs8 = self.cipher(binding)?.open(nonce, &aad, text).map_err(|_| damaged)?;
                Ok((pkcs8, Under::Newest))
            }
        }
    }
}

impl Backend for Soft {
    fn generate(&self, binding: Binding<'_>) -> Result<Generated, Error> {
        // First: a key that cannot be wrapped need not be made.
        self.cipher(binding)?;
        let (pkcs8, spki) = generate_pkcs8(binding.algorithm, &*self.random)?;
        let public = PublicKey::from_spki(&spki)?;
        let wrapped = self.wrap(binding, &spki, &pkcs8)?;
        Ok(Generated { public, wrapped })
    }

    fn make_kek(&self, tenant: &TenantId, unit: UnitId) -> Result<Vec<u8>, Error> {
        let mut kek = Zeroizing::new([0; 16]);
        self.random.fill(&mut *kek)?;
        self.wrap_kek(tenant, unit, &kek)
    }

    fn renewed(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.open_told(binding, public, wrapped)? {
            (_, Under::Newest) => Ok(None),
            (pkcs8, Under::Previous) => self.wrap(binding, public.spki_der(), &pkcs8).map(Some),
        }
    }

    fn renewed_kek(&self, tenant: &TenantId, kek: UnitKek<'_>) -> Result<Option<Vec<u8>>, Error> {
        match self.kek(tenant, kek)? {
            Some((_, Under::Newest)) => Ok(None),
            Some((octets, Under::Previous)) => self.wrap_kek(tenant, kek.unit, &octets).map(Some),
            None => Err(Error::UnsealFailed),
        }
    }

    fn unit_of(&self, wrapped: &[u8]) -> Option<UnitId> {
        let (unit, _) = wrapped.strip_prefix(&[OF_UNIT])?.split_first_chunk()?;
        Some(UnitId::from_bytes(*unit))
    }

    fn rewrap(&self, from: Binding<'_>, to: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        let pkcs8 = self.open(from, public, wrapped)?;
        self.wrap(to, public.spki_der(), &pkcs8)
    }

    fn load(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Arc<dyn Signer>, Error> {
        let pkcs8 = self.open(binding, public, wrapped)?;
        let key = SoftKey::read(binding.algorithm, &pkcs8)?;
        // Authentic bytes under this public key cannot hold another key, unless this code is wrong.
        if key.spki(binding.algorithm) == public.spki_der() {
            Ok(Arc::new(key))
        } else {
            Err(Error::KeyDamaged { key: binding.key })
        }
    }

    fn export(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        if binding.purpose != Purpose::Tls {
            return Err(Error::KeyPurpose { key: binding.key, purpose: binding.purpose });
        }
        self.open(binding, public, wrapped)
    }
}

/// How a wrapped key begins.
fn head(binding: Binding<'_>) -> Vec<u8> {
    match binding.unit {
        None => vec![OF_TENANT],
        Some(kek) => [&[OF_UNIT], &kek.unit.as_bytes()[..]].concat(),
    }
}

fn kek_aad(tenant: &TenantId, unit: UnitId) -> Vec<u8> {
    format!("yinxin unit's key-encryption key, version 1, unit {unit} of {tenant}").into_bytes()
}

/// What the wrapped key is bound to, each part with its length so that no two bindings look alike.
pub(super) fn aad(binding: Binding<'_>, spki: &[u8]) -> Vec<u8> {
    let algorithm = binding.algorithm.to_string();
    let (version, unit): (&[u8], _) = match &binding.unit {
        None => (b"yinxin wrapped key, version 1", None),
        Some(kek) => (b"yinxin wrapped key of a unit, version 1", Some(&kek.unit.as_bytes()[..])),
    };
    let parts: [&[u8]; 7] = [
        version,
        binding.tenant.as_str().as_bytes(),
        binding.key.as_bytes(),
        binding.purpose.as_str().as_bytes(),
        algorithm.as_bytes(),
        // An empty name and none are the same here: neither signs anything.
        binding.subject.unwrap_or_default(),
        spki,
    ];
    let mut out = Vec::with_capacity(256);
    for part in parts.into_iter().chain(unit) {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
    use crate::random::SeededRandom;
    use pki_config::KeyId;

    fn soft(seed: u64) -> Soft {
        let random = Arc::new(SeededRandom::new(seed));
        let root = RootKeySlot::sealed();
        root.open(RootKey::draw(&*random).unwrap());
        Soft::new(root, random)
    }

    fn binding(tenant: &TenantId, algorithm: KeyAlgorithm) -> Binding<'_> {
        let (key, purpose) = (KeyId::from_bytes([1; 16]), Purpose::CertificateAuthority);
        Binding { tenant, key, purpose, algorithm, subject: Some(b"name"), unit: None }
    }

    #[test]
    fn every_algorithm_signs_and_its_own_key_verifies() {
        let (soft, house) = (soft(1), TenantId::house());
        for word in ["sm2", "p256", "p384", "rsa2048", "ed25519"] {
            let algorithm = word.parse().unwrap();
            let made = soft.generate(binding(&house, algorithm)).unwrap();
            let signer = soft.load(binding(&house, algorithm), &made.public, &made.wrapped).unwrap();
            let signature = signer.sign(b"message", &SeededRandom::new(2)).unwrap();
            let way = SignatureAlgorithm::for_key(algorithm);
            assert!(made.public.verify(way, b"message", &signature), "{word}");
            assert!(!made.public.verify(way, b"massage", &signature), "{word}");
        }
    }

    #[test]
    fn a_wrapped_key_opens_only_as_what_it_was_made() {
        let (soft, house, other) = (soft(1), TenantId::house(), "other".parse().unwrap());
        let right = binding(&house, KeyAlgorithm::Sm2);
        let made = soft.generate(right).unwrap();
        let foreign = soft.generate(right).unwrap();
        let wrong = [
            Binding { tenant: &other, ..right },
            Binding { key: KeyId::from_bytes([2; 16]), ..right },
            Binding { purpose: Purpose::Tls, ..right },
            Binding { algorithm: KeyAlgorithm::P256, ..right },
            Binding { subject: Some(b"mane"), ..right },
            Binding { subject: None, ..right },
        ];
        assert!(soft.load(right, &made.public, &made.wrapped).is_ok());
        for binding in wrong {
            assert!(matches!(soft.load(binding, &made.public, &made.wrapped), Err(Error::KeyDamaged { .. })));
        }
        assert!(matches!(soft.load(right, &foreign.public, &made.wrapped), Err(Error::KeyDamaged { .. })));
    }

    #[test]
    fn a_wrapped_key_does_not_open_under_another_root_key() {
        let (house, other) = (TenantId::house(), soft(2));
        let made = soft(1).generate(binding(&house, KeyAlgorithm::Sm2)).unwrap();
        let loaded = other.load(binding(&house, KeyAlgorithm::Sm2), &made.public, &made.wrapped);
        assert!(matches!(loaded, Err(Error::KeyDamaged { .. })));
    }

    #[test]
    fn every_flipped_byte_of_a_wrapped_key_is_found() {
        let (soft, house) = (soft(1), TenantId::house());
        let right = binding(&house, KeyAlgorithm::Sm2);
        let made = soft.generate(right).unwrap();
        for at in 0..made.wrapped.len() {
            let mut wrapped = made.wrapped.clone();
            wrapped[at] ^= 1;
            assert!(soft.load(right, &made.public, &wrapped).is_err(), "byte {at}");
        }
        assert!(soft.load(right, &made.public, &made.wrapped[..12]).is_err());
        assert!(soft.load(right, &made.public, &[]).is_err());
    }

    #[test]
    fn a_wrapped_key_does_not_hold_the_scalar() {
        let (soft, house) = (soft(1), TenantId::house());
        let tls = Binding { purpose: Purpose::Tls, ..binding(&house, KeyAlgorithm::Sm2) };
        let made = soft.generate(tls).unwrap();
        let pkcs8 = soft.export(tls, &made.public, &made.wrapped).unwrap();
        // The scalar starts after the headers and identifiers: found by its OCTET STRING (04 20).
        let at = pkcs8.windows(2).position(|w| w == [4, 32]).unwrap() + 2;
        let scalar = &pkcs8[at..at + 32];
        assert!(engine::sm2::PrivateKey::from_bytes(scalar.try_into().unwrap()).is_ok());
        for part in scalar.chunks(8) {
            assert!(!made.wrapped.windows(8).any(|w| w == part));
        }
    }

    #[test]
    fn only_tls_keys_are_handed_out() {
        let (soft, house) = (soft(1), TenantId::house());
        let made = soft.generate(binding(&house, KeyAlgorithm::P256)).unwrap();
        let answer = soft.export(binding(&house, KeyAlgorithm::P256), &made.public, &made.wrapped);
        assert!(matches!(answer, Err(Error::KeyPurpose { .. })));
    }

    #[test]
    fn a_sealed_root_key_makes_and_loads_nothing() {
        let (soft, house) = (soft(1), TenantId::house());
        let right = binding(&house, KeyAlgorithm::Sm2);
        let made = soft.generate(right).unwrap();
        soft.root.seal();
        assert!(matches!(soft.generate(right), Err(Error::Sealed)));
        assert!(matches!(soft.load(right, &made.public, &made.wrapped), Err(Error::Sealed)));
    }
}
