//! The root key: the one secret all others are wrapped under, and the slot that holds it while open.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use pki_config::Random;
use zeroize::Zeroizing;

use crate::error::Error;

mod credential;
mod file;
mod previous;
mod seal;
mod share_seal;
pub mod shares;

pub use credential::Credential;
pub use file::{SealedBy, replace_sealed, sealed_by};
pub use seal::{Argon2Cost, FileSeal, PassphraseSeal, RootSeal};
pub use share_seal::{ShareFile, ShareSeal};

/// Length of the root key. Unit: bytes.
const LENGTH: usize = 32;

/// The root key. Wiped when dropped; never shown.
///
/// While it is being replaced, the new one carries the one before it: what was wrapped before opens with that, and
/// everything is wrapped with the new one.
pub struct RootKey {
    bytes: Zeroizing<Vec<u8>>,
    previous: Option<Box<RootKey>>,
}

impl RootKey {
    /// Draws a new one.
    ///
    /// # Errors
    /// The random source failed.
    pub fn draw(random: &dyn Random) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        random.fill(&mut bytes)?;
        Ok(Self { bytes, previous: None })
    }

    /// From its 32 bytes; `None` for another length.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == LENGTH).then_some(Self { bytes, previous: None })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The root key before this one, while it is still needed.
    #[must_use]
    pub fn previous(&self) -> Option<&Self> {
        self.previous.as_deref()
    }

    /// This key in place of `old`, which it carries.
    #[must_use]
    pub fn in_place_of(self, old: &Self) -> Self {
        Self { bytes: self.bytes, previous: Some(Box::new(old.alone())) }
    }

    /// This key without the one before it: nothing is wrapped under that any more.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { bytes: self.bytes.clone(), previous: None }
    }

    /// A key of `N` bytes (at most 32) for the use that `label` names: HMAC-SM3 over the length and the
    /// label. Different labels or lengths give independent keys.
    #[must_use]
    pub fn derive<const N: usize>(&self, label: &str) -> Zeroizing<[u8; N]> {
        const { assert!(N <= 32) };
        let block = Zeroizing::new(engine::sm3::hmac(&self.bytes, &[&[N as u8], label.as_bytes()]));
        let mut out = Zeroizing::new([0; N]);
        out.copy_from_slice(&block[..N]);
        out
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

type Hook = Box<dyn Fn() + Send + Sync>;

/// Where the root key is while the service runs: empty while sealed. Cheap to clone.
#[derive(Clone, Default)]
pub struct RootKeySlot(Arc<Slot>);

#[derive(Default)]
struct Slot {
    root: RwLock<Option<Arc<RootKey>>>,
    /// Counts openings and sealings, so that what was unwrapped before is known to be stale.
    generation: AtomicU64,
    on_seal: Mutex<Vec<Hook>>,
}

impl RootKeySlot {
    /// A sealed slot.
    #[must_use]
    pub fn sealed() -> Self {
        Self::default()
    }

    /// Puts the root key in.
    pub fn open(&self, root: RootKey) {
        let mut slot = self.0.root.write().unwrap_or_else(PoisonError::into_inner);
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        *slot = Some(Arc::new(root));
    }

    /// Puts another root key in the place of the one that is there; what was unwrapped stays unwrapped, so that
    /// signing goes on.
    ///
    /// # Errors
    /// [`Error::Sealed`]: there is none to replace.
    pub fn replace(&self, root: RootKey) -> Result<(), Error> {
        let mut slot = self.0.root.write().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            return Err(Error::Sealed);
        }
        *slot = Some(Arc::new(root));
        Ok(())
    }

    /// Takes the root key out and drops every private key that was unwrapped under it.
    pub fn seal(&self) {
        {
            let mut slot = self.0.root.write().unwrap_or_else(PoisonError::into_inner);
            self.0.generation.fetch_add(1, Ordering::SeqCst);
            *slot = None;
        }
        self.0.on_seal.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|hook| hook());
    }

    /// Whether a root key is there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.get().is_ok()
    }

    /// The root key.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub fn get(&self) -> Result<Arc<RootKey>, Error> {
        self.0.root.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Sealed)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn on_seal(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.0.on_seal.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
    }
}

impl fmt::Debug for RootKeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "RootKeySlot(open)" } else { "RootKeySlot(sealed)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(byte: u8) -> RootKey {
        RootKey::from_bytes(Zeroizing::new(vec![byte; 32])).unwrap()
    }

    #[test]
    fn keys_for_different_uses_are_unrelated() {
        assert_ne!(*root(1).derive::<16>("a"), *root(1).derive::<16>("b"));
        assert_ne!(*root(1).derive::<16>("a"), *root(2).derive::<16>("a"));
        assert_ne!(root(1).derive::<16>("a")[..], root(1).derive::<32>("a")[..16]);
        assert_eq!(*root(1).derive::<16>("a"), *root(1).derive::<16>("a"));
    }

    #[test]
    fn debug_shows_nothing_of_the_root_key() {
        assert_eq!(format!("{:?}", root(0xab)), "RootKey(..)");
    }

    #[test]
    fn a_sealed_slot_answers_sealed() {
        let slot = RootKeySlot::sealed();
        assert!(matches!(slot.get(), Err(Error::Sealed)));
        slot.open(root(1));
        assert!(slot.get().is_ok());
        slot.seal();
        assert!(matches!(slot.get(), Err(Error::Sealed)));
    }
}
