//! SM2 keys in a device behind GM/T 0018: made beforehand, at indexes, with the vendor's own tool.
//!
//! The operator says which indexes are the suite's. A new key is the first of them whose public key was never recorded
//! here, so that no index serves two records, not even after the first was destroyed. The row holds a [`Reference`]:
//! the device's serial number and the index. What is signed is the digest that this process makes; what comes back the
//! pool verifies before anybody sees it.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki_config::{KeyId, Random};
use sdf::{Dialect, Library, Session, Usage};

use super::hands::{Fault, Hands};
use super::pin::PinFile;
use super::reference::Reference;
use super::{Binding, DeviceStatus, Generated, Known, Signer};
use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::public_key::PublicKey;
use crate::root_key::RootKeySlot;
use crate::tlv;

/// First octet of what a row holds for a key in such a device.
pub(super) const KIND: u8 = 5;

/// Where calls differ between vendors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdfDialect {
    /// As the standard prints them and Tongsuo calls them.
    Standard,
    /// As GmSSL calls them.
    GmSsl,
}

/// Which device, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct SdfOptions {
    /// The vendor's library. It runs in this process: as trusted as the program itself.
    pub library: PathBuf,
    /// How its calls look.
    pub dialect: SdfDialect,
    /// The indexes whose keys are for this installation. No other one is touched.
    pub indexes: RangeInclusive<u32>,
    /// Where the password is that gives the right to the private keys; `None` for devices that want none.
    pub password: Option<PinFile>,
    /// Most sessions, and with them most signatures at a time.
    pub sessions: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// Keys in one device.
pub struct Sdf {
    root: RootKeySlot,
    indexes: RangeInclusive<u32>,
    device: Arc<Device>,
    /// Keys given out by this process whose rows may not be written yet.
    given_out: Mutex<Vec<Vec<u8>>>,
}

struct Device {
    name: String,
    sessions: usize,
    timeout: Duration,
    hands: Hands<Seat>,
}

impl Device {
    fn ask<T: Send + 'static>(
        &self,
        key: Option<KeyId>,
        work: impl Fn(&mut Seat) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.hands.ask(self.timeout, true, work).map_err(|fault| Error::of_device(&self.name, key, fault))
    }
}

impl Sdf {
    /// Nothing is loaded or opened before a key is needed.
    #[must_use]
    pub fn new(options: SdfOptions, root: RootKeySlot) -> Self {
        let SdfOptions { library, dialect, indexes, password, sessions, timeout } = options;
        let (name, sessions) = (format!("SDF device of {}", library.display()), sessions.max(1));
        let opener = Opener { library, dialect, password, open: Mutex::default(), refused: Refused::default() };
        let hands = Hands::new("sdf", sessions, move || opener.seat());
        let device = Arc::new(Device { name, sessions, timeout, hands });
        Self { root, indexes, device, given_out: Mutex::default() }
    }

    pub(super) fn sessions(&self) -> usize {
        self.device.sessions
    }

    /// Gives out the key of the first index that was never used.
    pub(super) fn generate(&self, binding: Binding<'_>, known: &Known<'_>) -> Result<Generated, Error> {
        self.root.get()?;
        let mut given_out = self.given_out.lock().unwrap_or_else(PoisonError::into_inner);
        for index in self.indexes.clone() {
            let found = self.device.ask(Some(binding.key), move |seat| {
                let point = seat.public_key(index);
                match point {
                    Err(Fault::KeyMissing) => Ok(None),
                    other => Ok(Some((seat.serial.clone(), other?))),
                }
            })?;
            let Some((token, point)) = found else { continue };
            let public = PublicKey::from_spki(&spki(&point))?;
            if given_out.iter().any(|one| one == public.spki_der()) || known(public.spki_der())? {
                continue;
            }
            // That it can be signed with is found out now, not when an issuer's certificate waits for it.
            self.device.ask(Some(binding.key), move |seat| seat.sign(index, &[1; 32]).map(drop))?;
            let reference = Reference { token, key: index.to_be_bytes().to_vec() };
            let wrapped = reference.write(KIND, &self.root, binding, public.spki_der())?;
            given_out.push(public.spki_der().to_vec());
            return Ok(Generated { public, wrapped });
        }
        let (first, last) = (self.indexes.start(), self.indexes.end());
        let why = format!(
            "no key is left at the indexes {first} to {last}; make new ones with the vendor's tool and widen the range"
        );
        Err(Error::DeviceRefused { device: self.device.name.clone(), why })
    }

    pub(super) fn load(
        &self,
        binding: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<Arc<dyn Signer>, Error> {
        let wanted = self.wanted(binding, public, wrapped)?;
        let looked_for = wanted.clone();
        self.device.ask(Some(binding.key), move |seat| seat.look(&looked_for))?;
        Ok(Arc::new(SdfKey { device: Arc::clone(&self.device), id: binding.key, public: public.clone(), wanted }))
    }

    fn wanted(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Wanted, Error> {
        let damaged = || Error::KeyDamaged { key: binding.key };
        let reference = Reference::open(wrapped, KIND, &self.root, binding, public.spki_der())?;
        let index = u32::from_be_bytes(reference.key.as_slice().try_into().map_err(|_| damaged())?);
        let point = *public.sm2().ok_or_else(damaged)?.as_sec1();
        Ok(Wanted { serial: reference.token, index, point })
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

    /// The standard has no call that destroys a key at an index. It is destroyed when the operator has done so with
    /// the vendor's tool; until then it must not be called destroyed.
    pub(super) fn destroy(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<(), Error> {
        let wanted = self.wanted(binding, public, wrapped)?;
        let index = wanted.index;
        match self.device.ask(Some(binding.key), move |seat| seat.look(&wanted)) {
            Err(Error::DeviceKeyMissing { .. } | Error::DeviceKeyDiffers { .. }) => Ok(()),
            Err(other) => Err(other),
            Ok(()) => Err(Error::DeviceRefused {
                device: self.device.name.clone(),
                why: format!("destroy the key at index {index} with the vendor's tool first, then call it destroyed"),
            }),
        }
    }

    pub(super) fn ready(&self) -> Result<(), Error> {
        match self.device.hands.known_away() {
            Some(fault) => Err(Error::of_device(&self.device.name, None, fault)),
            None => Ok(()),
        }
    }

    pub(super) fn status(&self) -> DeviceStatus {
        let answer = self.device.ask(None, |seat| {
            let info = seat.session.info().map_err(fault)?;
            Ok(format!("{} {}, serial number {}", info.issuer, info.name, info.serial))
        });
        DeviceStatus { kind: "sdf", name: self.device.name.clone(), answer }
    }
}

fn spki(point: &[u8; 65]) -> Vec<u8> {
    let bits = tlv::write(tlv::BIT_STRING, &[&[0], point]);
    tlv::write(tlv::SEQUENCE, &[KeyAlgorithm::Sm2.spki_identifier(), &bits])
}

/// Opens the device once, and a session for each thread.
struct Opener {
    library: PathBuf,
    dialect: SdfDialect,
    password: Option<PinFile>,
    open: Mutex<Opened>,
    refused: Refused,
}

/// The SM3 of a password that the device refused: one that locks after a few wrong ones is not shown it again.
type Refused = Arc<Mutex<Option<[u8; 32]>>>;

#[derive(Default)]
struct Opened {
    library: Option<Library>,
    device: Option<sdf::Device>,
}

impl Opener {
    fn seat(&self) -> Result<Seat, Fault> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let library = match &open.library {
            Some(library) => library.clone(),
            None => {
                let dialect = match self.dialect {
                    SdfDialect::Standard => Dialect::Standard,
                    SdfDialect::GmSsl => Dialect::GmSsl,
                };
                let library = Library::load(&self.library, dialect).map_err(|why| Fault::Refused(why.to_string()))?;
                open.library.insert(library).clone()
            }
        };
        let device = match open.device.take() {
            Some(device) => device,
            None => library.open().map_err(fault)?,
        };
        // Kept only while it gives sessions: a device that was unplugged must be opened anew.
        let mut session = device.session().map_err(fault)?;
        let serial = session.info().map_err(fault)?.serial;
        open.device = Some(device);
        Ok(Seat {
            session,
            serial,
            password: self.password.clone(),
            refused: Arc::clone(&self.refused),
            granted: HashSet::new(),
        })
    }
}

/// A session, and what it has the right to.
struct Seat {
    session: Session,
    serial: String,
    password: Option<PinFile>,
    refused: Refused,
    /// The indexes whose private keys this session may use.
    granted: HashSet<u32>,
}

/// Which key is meant, and what it must be.
#[derive(Clone)]
struct Wanted {
    serial: String,
    index: u32,
    point: [u8; 65],
}

impl Seat {
    fn public_key(&mut self, index: u32) -> Result<[u8; 65], Fault> {
        self.session.public_key(index, Usage::Sign).map_err(fault)
    }

    fn look(&mut self, wanted: &Wanted) -> Result<(), Fault> {
        if self.serial != wanted.serial {
            let (there, here) = (&wanted.serial, &self.serial);
            return Err(Fault::Refused(format!(
                "the key is in the device with serial number {there}; this one has {here}"
            )));
        }
        if self.public_key(wanted.index)? == wanted.point { Ok(()) } else { Err(Fault::KeyDiffers) }
    }

    fn sign(&mut self, index: u32, e: &[u8; 32]) -> Result<[u8; 64], Fault> {
        self.grant(index)?;
        self.session.sign(index, e).map_err(fault)
    }

    /// Asks for the right to the key, once in a session.
    fn grant(&mut self, index: u32) -> Result<(), Fault> {
        let Some(file) = self.password.as_ref().filter(|_| !self.granted.contains(&index)) else { return Ok(()) };
        let password = file.read().map_err(Fault::Refused)?;
        let digest = engine::sm3::hash(password.as_bytes());
        // Held while it is shown, so that a wrong one is shown once however many sessions there are.
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let told = format!("it does not accept the password for the key at index {index}");
        if *refused == Some(digest) {
            return Err(Fault::Refused(format!(
                "{told}; it is not shown the same one again, so that it does not lock: \
                 put the right one into the password file"
            )));
        }
        match self.session.grant(index, password.as_bytes()) {
            Ok(()) => {
                *refused = None;
                self.granted.insert(index);
                Ok(())
            }
            Err(why) if matches!(why.word(), Some("PARDENY" | "PRKRERR")) => {
                *refused = Some(digest);
                Err(Fault::Refused(told))
            }
            Err(why) => Err(fault(why)),
        }
    }
}

struct SdfKey {
    device: Arc<Device>,
    id: KeyId,
    public: PublicKey,
    wanted: Wanted,
}

impl Signer for SdfKey {
    fn sign(&self, message: &[u8], _: &dyn Random) -> Result<Vec<u8>, Error> {
        let Some(key) = self.public.sm2() else { return Err(Error::KeyDamaged { key: self.id }) };
        let mut hasher = key.prehasher();
        hasher.update(message);
        let (e, index) = (hasher.finalize(), self.wanted.index);
        let raw = self.device.ask(Some(self.id), move |seat| seat.sign(index, &e))?;
        match engine::sm2::Signature::from_raw(&raw) {
            Ok(signature) => Ok(signature.to_der()),
            Err(_) => Err(Error::SignatureFailed { key: self.id }),
        }
    }
}

/// What a device's answer means for whoever asked.
fn fault(why: sdf::Error) -> Fault {
    let text = why.to_string();
    match why.word() {
        Some("KEYNOTEXIST") => Fault::KeyMissing,
        Some("COMMFAIL" | "HARDFAIL" | "OPENDEVICE" | "OPENSESSION" | "UNKNOWERR" | "STEPERR") => Fault::Session(text),
        _ => Fault::Refused(text),
    }
}
