//! A session to the token: opened, logged in, and what is done with it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Refusal, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use super::super::hands::Fault;
use super::{Pkcs11Options, Wanted, key};
use crate::algorithm::KeyAlgorithm;

/// Most keys that a session keeps found.
const FOUND: usize = 1024;

/// The libraries that were loaded: one is initialised once for the whole process, and never unloaded.
static MODULES: Mutex<BTreeMap<PathBuf, Arc<Mutex<Option<Pkcs11>>>>> = Mutex::new(BTreeMap::new());

/// The library at this path, loaded and initialised.
fn module(path: &Path) -> Result<Pkcs11, Fault> {
    let slot = {
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(modules.entry(path.to_owned()).or_default())
    };
    // Per library: one that hangs while it is initialised holds up nobody else's.
    let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = &*loaded {
        return Ok(module.clone());
    }
    let refused = |why: &dyn std::fmt::Display| Fault::Refused(format!("PKCS#11 library {}: {why}", path.display()));
    if !path.is_absolute() {
        return Err(refused(&"name it by its whole path, or another library may be found"));
    }
    let module = Pkcs11::new(path).map_err(|why| refused(&why))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Refusal::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(why) => return Err(Fault::Away(format!("its library does not start: {why}"))),
    }
    *loaded = Some(module.clone());
    Ok(module)
}

/// Opens sessions to one token.
pub(super) struct Opener {
    options: Pkcs11Options,
    /// One session is opened at a time; and the SM3 of a PIN that the token refused: a token locks after a few wrong
    /// ones, so none is shown twice.
    refused: Mutex<Option<[u8; 32]>>,
}

impl Opener {
    pub(super) fn new(options: Pkcs11Options) -> Self {
        Self { options, refused: Mutex::new(None) }
    }

    pub(super) fn open(&self) -> Result<TokenSession, Fault> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let module = module(&self.options.module)?;
        let (slot, info) = self.find(&module)?;
        let pin = self.options.pin.read().map_err(Fault::Refused)?;
        let digest = engine::sm3::hash(pin.as_bytes());
        if *refused == Some(digest) {
            return Err(Fault::Refused(
                "it does not accept the PIN; it is not shown the same one again, so that it does not lock: \
                 put the right one into the PIN file"
                    .to_owned(),
            ));
        }
        if info.user_pin_final_try() {
            return Err(Fault::Refused(
                "one more wrong PIN would lock it: log in once with the token's own tool, then this goes on".to_owned(),
            ));
        }
        let session = module.open_rw_session(slot).map_err(fault)?;
        let shown = AuthPin::from(pin.as_str().to_owned());
        match session.login(UserType::User, Some(&shown)) {
            // The login is the process's, not the session's.
            Ok(()) | Err(Refusal::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => *refused = None,
            Err(Refusal::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                *refused = Some(digest);
                return Err(Fault::Refused("it does not accept the PIN".to_owned()));
            }
            Err(Refusal::Pkcs11(RvError::PinLocked, _)) => {
                return Err(Fault::Refused("its PIN is locked; the token's security officer must reset it".to_owned()));
            }
            Err(why) => return Err(fault(why)),
        }
        let about = format!("{} {}, serial number {}", info.manufacturer_id(), info.model(), info.serial_number());
        Ok(TokenSession { session, serial: info.serial_number().to_owned(), about, found: HashMap::new() })
    }

    /// The slot with the one token that is meant.
    fn find(&self, module: &Pkcs11) -> Result<(Slot, TokenInfo), Fault> {
        let Pkcs11Options { label, serial, .. } = &self.options;
        let mut found = Vec::new();
        for slot in module.get_slots_with_token().map_err(fault)? {
            // A slot whose token cannot be read is not the one.
            let Ok(info) = module.get_token_info(slot) else { continue };
            let meant = label.as_ref().is_none_or(|label| label == info.label())
                && serial.as_ref().is_none_or(|serial| serial == info.serial_number());
            if meant && info.token_initialized() {
                found.push((slot, info));
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => {
                Err(Fault::Refused("several tokens are called so; name it by its serial number".to_owned()))
            }
            (None, _) => Err(Fault::Away("it is not there; plug it in, or check its name".to_owned())),
        }
    }
}

/// A session that is logged in.
pub(super) struct TokenSession {
    session: Session,
    serial: String,
    about: String,
    /// Keys that were found and held to their record in this session.
    found: HashMap<Vec<u8>, ObjectHandle>,
}

impl TokenSession {
    pub(super) fn serial(&self) -> &str {
        &self.serial
    }

    /// Makes a key that cannot leave the token; its public half, as SubjectPublicKeyInfo.
    pub(super) fn generate(&mut self, id: &[u8], label: &str, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Fault> {
        let Some((mechanism, mut public)) = key::making(algorithm) else {
            return Err(Fault::Refused(format!("it makes no {algorithm} keys")));
        };
        let name = [Attribute::Id(id.to_vec()), Attribute::Label(label.as_bytes().to_vec()), Attribute::Token(true)];
        public.extend_from_slice(&name);
        public.extend([Attribute::Verify(true), Attribute::Private(false)]);
        let mut private = name.to_vec();
        private.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
        ]);
        let (public, private) = self.session.generate_key_pair(&mechanism, &public, &private).map_err(fault)?;
        let checked = self.cannot_leave(private).and_then(|()| self.spki(public, algorithm));
        if checked.is_err() {
            // It is no use to us, and nobody will ever refer to it.
            self.remove(&[public, private]);
        }
        checked
    }

    /// What was asked of the key is what the token made of it.
    fn cannot_leave(&self, private: ObjectHandle) -> Result<(), Fault> {
        let asked = [
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::AlwaysSensitive,
            AttributeType::NeverExtractable,
            AttributeType::Local,
        ];
        let told = self.session.get_attributes(private, &asked).map_err(fault)?;
        let right = |attribute: &Attribute| {
            matches!(
                attribute,
                Attribute::Sensitive(true)
                    | Attribute::Extractable(false)
                    | Attribute::AlwaysSensitive(true)
                    | Attribute::NeverExtractable(true)
                    | Attribute::Local(true)
            )
        };
        if told.len() == asked.len() && told.iter().all(right) {
            Ok(())
        } else {
            Err(Fault::Refused("it makes keys that could be taken out of it".to_owned()))
        }
    }

    fn spki(&self, public: ObjectHandle, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Fault> {
        let asked: &[AttributeType] = match algorithm {
            KeyAlgorithm::Rsa { .. } => &[AttributeType::Modulus, AttributeType::PublicExponent],
            _ => &[AttributeType::EcPoint],
        };
        let told = self.session.get_attributes(public, asked).map_err(fault)?;
        let spki = match told.as_slice() {
            [Attribute::EcPoint(point)] => key::spki_of_point(algorithm, point),
            [Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)] => {
                key::spki_of_rsa(algorithm, modulus, exponent)
            }
            _ => None,
        };
        // A key of another algorithm or size reads as none.
        spki.ok_or(Fault::KeyDiffers)
    }

    /// The token that a reference names is the one that this session is to.
    pub(super) fn must_be(&self, token: &str) -> Result<(), Fault> {
        if self.serial == token {
            return Ok(());
        }
        Err(Fault::Refused(format!("the key is on the token with serial number {token}; this one has {}", self.serial)))
    }

    /// The private key, after its public half was held to the record.
    fn find(&mut self, wanted: &Wanted) -> Result<ObjectHandle, Fault> {
        let id = &wanted.reference.key;
        if let Some(handle) = self.found.get(id) {
            return Ok(*handle);
        }
        self.must_be(&wanted.reference.token)?;
        let private = self.one(ObjectClass::PRIVATE_KEY, id)?;
        let public = self.one(ObjectClass::PUBLIC_KEY, id)?;
        if self.spki(public, wanted.algorithm)? != *wanted.spki {
            return Err(Fault::KeyDiffers);
        }
        if self.found.len() >= FOUND {
            self.found.clear();
        }
        self.found.insert(id.clone(), private);
        Ok(private)
    }

    /// Whether the key is there now, whatever was found before.
    pub(super) fn look(&mut self, wanted: &Wanted) -> Result<(), Fault> {
        self.found.remove(&wanted.reference.key);
        self.find(wanted).map(drop)
    }

    fn one(&self, class: ObjectClass, id: &[u8]) -> Result<ObjectHandle, Fault> {
        match self.all(class, id)?.as_slice() {
            [one] => Ok(*one),
            [] => Err(Fault::KeyMissing),
            // Which of them signs would be chance.
            _ => Err(Fault::KeyDiffers),
        }
    }

    fn all(&self, class: ObjectClass, id: &[u8]) -> Result<Vec<ObjectHandle>, Fault> {
        let template = [Attribute::Class(class), Attribute::Token(true), Attribute::Id(id.to_vec())];
        self.session.find_objects(&template).map_err(fault)
    }

    pub(super) fn sign(&mut self, wanted: &Wanted, to_sign: &[u8]) -> Result<Vec<u8>, Fault> {
        let private = self.find(wanted)?;
        let mechanism = key::mechanism(wanted.algorithm);
        let signed = self.session.sign(&mechanism, private, to_sign);
        let gone = matches!(signed, Err(Refusal::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid, _)));
        if !gone {
            return signed.map_err(fault);
        }
        // Deleted, or deleted and made again, since it was found.
        self.found.remove(&wanted.reference.key);
        let private = self.find(wanted)?;
        self.session.sign(&mechanism, private, to_sign).map_err(fault)
    }

    /// Destroys what has this identifier. What is not there is destroyed already.
    pub(super) fn destroy(&mut self, id: &[u8]) -> Result<(), Fault> {
        self.found.remove(id);
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            for object in self.all(class, id)? {
                self.session.destroy_object(object).map_err(fault)?;
            }
        }
        Ok(())
    }

    fn remove(&self, objects: &[ObjectHandle]) {
        for object in objects {
            if let Err(error) = self.session.destroy_object(*object) {
                tracing::warn!(%error, "a key that was made in vain stays on the token");
            }
        }
    }

    /// What the token says of itself, asked anew.
    pub(super) fn about(&self) -> Result<String, Fault> {
        self.session.get_session_info().map_err(fault)?;
        // Cheap, and it needs the token: the information of a session some libraries keep themselves.
        self.all(ObjectClass::PRIVATE_KEY, b"yinxin: is anybody there?")?;
        Ok(self.about.clone())
    }
}

/// What a return value means for whoever asked.
fn fault(why: Refusal) -> Fault {
    use RvError::{
        CryptokiNotInitialized, DeviceError, DeviceMemory, DeviceRemoved, FunctionFailed, GeneralError, HostMemory,
        SessionClosed, SessionCount, SessionHandleInvalid, SlotIdInvalid, TokenNotPresent, TokenNotRecognized,
        UserNotLoggedIn,
    };
    let text = why.to_string();
    match why {
        Refusal::Pkcs11(
            DeviceRemoved
            | TokenNotPresent
            | TokenNotRecognized
            | SlotIdInvalid
            | SessionClosed
            | SessionHandleInvalid
            | UserNotLoggedIn
            | CryptokiNotInitialized
            | DeviceError
            | GeneralError
            | FunctionFailed,
            _,
        ) => Fault::Session(text),
        Refusal::Pkcs11(HostMemory | DeviceMemory | SessionCount, _) => Fault::Away(text),
        _ => Fault::Refused(text),
    }
}
