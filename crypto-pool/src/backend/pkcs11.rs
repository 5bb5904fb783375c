//! Keys in a token reached through PKCS#11: RSA and ECDSA keys of issuers and services.
//!
//! A key is made on the token, cannot leave it, and is found there by the identifier of its record. The row holds a
//! [`Reference`]: the token's serial number and that identifier, bound to the record. Only digests go to the token; what
//! comes back is verified by the pool before anybody sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pki_config::Random;

use super::hands::{Fault, Hands};
use super::pin::PinFile;
use super::reference::Reference;
use super::{Binding, DeviceStatus, Generated, Signer};
use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::public_key::PublicKey;
use crate::root_key::RootKeySlot;

mod key;
mod token;

use token::{Opener, TokenSession};

/// First octet of what a row holds for a key in a token.
pub(super) const KIND: u8 = 4;
/// How much longer than a signature the making of a key may take: an RSA key is searched for.
const MAKING: u32 = 12;

/// Which token, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Pkcs11Options {
    /// The vendor's library. It runs in this process: as trusted as the program itself.
    pub module: PathBuf,
    /// The token's label, if it is to be found by that.
    pub label: Option<String>,
    /// The token's serial number, if it is to be found by that.
    pub serial: Option<String>,
    /// Where the user's PIN is.
    pub pin: PinFile,
    /// Most sessions, and with them most signatures at a time.
    pub sessions: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// Keys in one token. Cheap to clone.
#[derive(Clone)]
pub struct Pkcs11 {
    root: RootKeySlot,
    device: Arc<Device>,
}

struct Device {
    /// As the configuration calls it.
    name: String,
    sessions: usize,
    timeout: Duration,
    hands: Hands<TokenSession>,
}

impl Device {
    fn ask<T: Send + 'static>(
        &self,
        key: Option<pki_config::KeyId>,
        work: impl Fn(&mut TokenSession) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.hands.ask(self.timeout, true, work).map_err(|fault| self.told(key, fault))
    }

    fn told(&self, key: Option<pki_config::KeyId>, fault: Fault) -> Error {
        Error::of_device(&self.name, key, fault)
    }
}

impl Pkcs11 {
    /// Nothing is loaded or opened before a key is needed.
    #[must_use]
    pub fn new(options: Pkcs11Options, root: RootKeySlot) -> Self {
        let name = match (&options.label, &options.serial) {
            (Some(label), _) => format!("token {label}"),
            (None, Some(serial)) => format!("token with serial number {serial}"),
            (None, None) => format!("the only token of {}", options.module.display()),
        };
        let (sessions, timeout) = (options.sessions.max(1), options.timeout);
        let opener = Opener::new(options);
        let hands = Hands::new("pkcs11", sessions, move || opener.open());
        Self { root, device: Arc::new(Device { name, sessions, timeout, hands }) }
    }

    pub(super) const fn can_make(algorithm: KeyAlgorithm) -> bool {
        matches!(algorithm, KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::Rsa { bits: 2048 | 3072 | 4096 })
    }

    pub(super) fn sessions(&self) -> usize {
        self.device.sessions
    }

    pub(super) fn generate(&self, binding: Binding<'_>) -> Result<Generated, Error> {
        // First: a key that cannot be referred to need not be made.
        self.root.get()?;
        let (id, algorithm) = (binding.key, binding.algorithm);
        let label = format!("yinxin {} {}", binding.purpose, binding.key);
        let work = move |session: &mut TokenSession| {
            let spki = session.generate(id.as_bytes(), &label, algorithm)?;
            Ok((session.serial().to_owned(), spki))
        };
        // Not repeated: an answer that was lost may have left a key behind.
        let made = self.device.hands.ask(self.device.timeout * MAKING, false, work);
        let (token, spki) = made.map_err(|fault| self.device.told(Some(id), fault))?;
        let public = PublicKey::from_spki(&spki)?;
        let reference = Reference { token, key: id.as_bytes().to_vec() };
        let wrapped = reference.write(KIND, &self.root, binding, &spki)?;
        Ok(Generated { public, wrapped })
    }

    pub(super) fn load(
        &self,
        binding: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<Arc<dyn Signer>, Error> {
        let reference = Reference::open(wrapped, KIND, &self.root, binding, public.spki_der())?;
        let key = TokenKey {
            device: Arc::clone(&self.device),
            id: binding.key,
            algorithm: binding.algorithm,
            reference: Arc::new(reference),
            spki: public.spki_der().into(),
        };
        // Here already, and not with the first signature: a key that is gone or is another must not count as ready.
        key.ask(|session, key| session.look(key))?;
        Ok(Arc::new(key))
    }

    pub(super) fn rewrap(
        &self,
        from: Binding<'_>,
        to: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let reference = Reference::open(wrapped, KIND, &self.root, from, public.spki_der())?;
        reference.write(KIND, &self.root, to, public.spki_der())
    }

    pub(super) fn destroy(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<(), Error> {
        let reference = Reference::open(wrapped, KIND, &self.root, binding, public.spki_der())?;
        let work = move |session: &mut TokenSession| {
            session.must_be(&reference.token)?;
            session.destroy(&reference.key)
        };
        self.device.ask(Some(binding.key), work)
    }

    pub(super) fn ready(&self) -> Result<(), Error> {
        match self.device.hands.known_away() {
            Some(fault) => Err(self.device.told(None, fault)),
            None => Ok(()),
        }
    }

    pub(super) fn status(&self) -> DeviceStatus {
        let answer = self.device.ask(None, |session| session.about());
        DeviceStatus { kind: "pkcs11", name: self.device.name.clone(), answer }
    }
}

/// What a session needs to find a key and to be sure that it is the one.
#[derive(Clone)]
struct Wanted {
    reference: Arc<Reference>,
    spki: Arc<[u8]>,
    algorithm: KeyAlgorithm,
}

struct TokenKey {
    device: Arc<Device>,
    id: pki_config::KeyId,
    algorithm: KeyAlgorithm,
    reference: Arc<Reference>,
    spki: Arc<[u8]>,
}

impl TokenKey {
    fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut TokenSession, &Wanted) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let wanted =
            Wanted { reference: Arc::clone(&self.reference), spki: Arc::clone(&self.spki), algorithm: self.algorithm };
        self.device.ask(Some(self.id), move |session| work(session, &wanted))
    }
}

impl Signer for TokenKey {
    fn sign(&self, message: &[u8], _: &dyn Random) -> Result<Vec<u8>, Error> {
        let to_sign = key::to_sign(self.algorithm, message)?;
        let raw = self.ask(move |session, key| session.sign(key, &to_sign))?;
        key::signature(self.algorithm, &raw)
            .ok_or_else(|| self.device.told(Some(self.id), Fault::Refused("its signature has a wrong form".to_owned())))
    }
}
