//! What a key's row holds in place of a wrapped private key when that lives in a device: which device and which of
//! its keys, in clear, and under the root key a tag that binds both to the record.

use subtle::ConstantTimeEq;

use super::Binding;
use super::soft::aad;
use crate::error::Error;
use crate::root_key::{RootKey, RootKeySlot};

/// Length of the tag. Unit: bytes.
const TAG: usize = 32;
const LABEL: &str = "yinxin references to keys in devices, version 1";

/// Where a key lives. `token` and `key` are the device's own names for itself and for the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) token: String,
    pub(super) key: Vec<u8>,
}

impl Reference {
    /// ```text
    /// kind (1) || length of token (1) || token || length of key (1) || key || HMAC-SM3 (32)
    /// ```
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::Algorithm`] for names that are too long.
    pub(super) fn write(
        &self,
        kind: u8,
        root: &RootKeySlot,
        binding: Binding<'_>,
        spki: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).map_err(|_| Error::Algorithm);
        let mut out = vec![kind, length(self.token.as_bytes())?];
        out.extend_from_slice(self.token.as_bytes());
        out.push(length(&self.key)?);
        out.extend_from_slice(&self.key);
        let tag = tag(&*root.get()?, binding, spki, &out);
        out.extend_from_slice(&tag);
        Ok(out)
    }

    /// Reads one, and holds it to its record.
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::KeyDamaged`] if it is of another kind or record, or was changed.
    pub(super) fn open(
        wrapped: &[u8],
        kind: u8,
        root: &RootKeySlot,
        binding: Binding<'_>,
        spki: &[u8],
    ) -> Result<Self, Error> {
        let damaged = || Error::KeyDamaged { key: binding.key };
        let (text, found) =
            wrapped.len().checked_sub(TAG).and_then(|at| wrapped.split_at_checked(at)).ok_or_else(damaged)?;
        let root = root.get()?;
        let fits = |root: &RootKey| bool::from(tag(root, binding, spki, text).as_slice().ct_eq(found));
        // While the root key is being replaced, the one before it counts too.
        if !fits(&root) && !root.previous().is_some_and(fits) {
            return Err(damaged());
        }
        Self::parts(text, kind).ok_or_else(damaged)
    }

    /// A reference with its tag under the newest root key, if it has one under the root key before.
    ///
    /// # Errors
    /// As [`Reference::open`].
    pub(super) fn renewed(
        wrapped: &[u8],
        root: &RootKeySlot,
        binding: Binding<'_>,
        spki: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let kind = *wrapped.first().ok_or(Error::KeyDamaged { key: binding.key })?;
        let newest = Self::open(wrapped, kind, root, binding, spki)?.write(kind, root, binding, spki)?;
        Ok((newest != wrapped).then_some(newest))
    }

    fn parts(text: &[u8], kind: u8) -> Option<Self> {
        let (length, rest) = text.strip_prefix(&[kind])?.split_first()?;
        let (token, rest) = rest.split_at_checked(usize::from(*length))?;
        let (length, key) = rest.split_first()?;
        let token = String::from_utf8(token.to_vec()).ok()?;
        (key.len() == usize::from(*length)).then(|| Self { token, key: key.to_vec() })
    }
}

fn tag(root: &RootKey, binding: Binding<'_>, spki: &[u8], text: &[u8]) -> [u8; TAG] {
    let key = root.derive::<32>(LABEL);
    // A key in a device belongs to no exclusive unit: those have their own keys in software.
    let bound = aad(Binding { unit: None, ..binding }, spki);
    engine::sm3::hmac(&*key, &[&(bound.len() as u64).to_be_bytes(), &bound, text])
}

#[cfg(test)]
mod tests {
    use pki_config::{KeyId, TenantId};

    use super::*;
    use crate::algorithm::KeyAlgorithm;
    use crate::key::Purpose;
    use crate::random::SeededRandom;

    fn root(seed: u64) -> RootKeySlot {
        let slot = RootKeySlot::sealed();
        slot.open(RootKey::draw(&SeededRandom::new(seed)).unwrap());
        slot
    }

    fn binding(tenant: &TenantId) -> Binding<'_> {
        let (key, purpose) = (KeyId::from_bytes([1; 16]), Purpose::CertificateAuthority);
        Binding { tenant, key, purpose, algorithm: KeyAlgorithm::P256, subject: Some(b"name"), unit: None }
    }

    fn reference() -> Reference {
        Reference { token: "0123456789abcdef".to_owned(), key: vec![7; 16] }
    }

    #[test]
    fn it_opens_as_what_it_was_written_for_and_nothing_else() {
        let (root, house, other) = (root(1), TenantId::house(), "other".parse().unwrap());
        let right = binding(&house);
        let wrapped = reference().write(4, &root, right, b"spki").unwrap();
        assert_eq!(Reference::open(&wrapped, 4, &root, right, b"spki").unwrap(), reference());
        let wrong = [
            Binding { tenant: &other, ..right },
            Binding { key: KeyId::from_bytes([2; 16]), ..right },
            Binding { purpose: Purpose::Ocsp, ..right },
            Binding { algorithm: KeyAlgorithm::P384, ..right },
            Binding { subject: Some(b"mane"), ..right },
        ];
        for wrong in wrong {
            assert!(matches!(Reference::open(&wrapped, 4, &root, wrong, b"spki"), Err(Error::KeyDamaged { .. })));
        }
        assert!(Reference::open(&wrapped, 4, &root, right, b"ikps").is_err(), "another public key");
        assert!(Reference::open(&wrapped, 5, &root, right, b"spki").is_err(), "another kind of device");
        assert!(Reference::open(&wrapped, 4, &self::root(2), right, b"spki").is_err(), "another root key");
        let sealed = Reference::open(&wrapped, 4, &RootKeySlot::sealed(), right, b"spki");
        assert!(matches!(sealed, Err(Error::Sealed)));
    }

    #[test]
    fn it_is_written_anew_when_the_root_key_is_replaced() {
        let (slot, house) = (root(1), TenantId::house());
        let old = reference().write(4, &slot, binding(&house), b"spki").unwrap();
        assert_eq!(Reference::renewed(&old, &slot, binding(&house), b"spki").unwrap(), None);
        let new = RootKey::draw(&SeededRandom::new(2)).unwrap();
        slot.replace(new.in_place_of(&slot.get().unwrap())).unwrap();
        let renewed = Reference::renewed(&old, &slot, binding(&house), b"spki").unwrap().unwrap();
        slot.replace(slot.get().unwrap().alone()).unwrap();
        assert_eq!(Reference::open(&renewed, 4, &slot, binding(&house), b"spki").unwrap(), reference());
        assert!(Reference::open(&old, 4, &slot, binding(&house), b"spki").is_err());
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_found() {
        let (root, house) = (root(1), TenantId::house());
        let wrapped = reference().write(4, &root, binding(&house), b"spki").unwrap();
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(Reference::open(&changed, 4, &root, binding(&house), b"spki").is_err(), "byte {at}");
            assert!(Reference::open(&wrapped[..at], 4, &root, binding(&house), b"spki").is_err(), "cut at {at}");
        }
    }
}
