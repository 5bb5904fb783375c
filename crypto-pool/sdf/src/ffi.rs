//! The functions of GM/T 0018 as a vendor's library exports them, called.
//!
//! The only file of the crate, and beside the engine's SIMD the only one of the suite, with `unsafe`: a library that is
//! loaded while the program runs can be called in no other way. Everything here that others see is safe to call. What
//! that rests on:
//!
//! - The library is the operator's choice, named by its whole path, and trusted like the program itself: that its
//!   functions have the types of the standard no compiler can check.
//! - Handles are made here alone, from what the library returned, never null; a device's outlives its sessions', since
//!   each session holds it; each is closed once, by its `Drop`.
//! - A session is `Send` and not `Sync`, and every call takes it by `&mut`: the standard has one thread at a time in a
//!   session. Opening and closing is done under the device's lock.
//! - Every pointer that is passed comes from a reference or slice that lives through the call, with its real length;
//!   no function of the standard keeps one.
//! - The library is never unloaded: function pointers stay good, and so do threads it may have started.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uchar, c_uint, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// `SGD_SM2_3`: encryption with SM2 (GM/T 0006).
const SM2_ENCRYPTION: c_uint = 0x0002_0800;
/// `ECCCipher` before its last field.
const CIPHER_HEAD: usize = 64 + 64 + 32 + 4;

/// Where calls differ between vendors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As the standard prints them and Tongsuo calls them.
    Standard,
    /// As GmSSL calls them: `SDF_InternalDecrypt_ECC` takes the algorithm after the index.
    GmSsl,
}

/// `ECCrefPublicKey`. Numbers stand right-aligned in their fields.
#[repr(C)]
pub(crate) struct RawPublicKey {
    pub(crate) bits: c_uint,
    pub(crate) x: [c_uchar; 64],
    pub(crate) y: [c_uchar; 64],
}

/// `ECCSignature`.
#[repr(C)]
pub(crate) struct RawSignature {
    pub(crate) r: [c_uchar; 64],
    pub(crate) s: [c_uchar; 64],
}

/// `DEVICEINFO`, and room behind it for vendors who made it longer.
#[repr(C)]
pub(crate) struct RawInfo {
    pub(crate) issuer: [c_uchar; 40],
    pub(crate) name: [c_uchar; 16],
    pub(crate) serial: [c_uchar; 16],
    pub(crate) version: c_uint,
    pub(crate) standard: c_uint,
    pub(crate) asymmetric: [c_uint; 2],
    pub(crate) symmetric: c_uint,
    pub(crate) hash: c_uint,
    pub(crate) buffer: c_uint,
    spare: [c_uchar; 256],
}

type Handle = *mut c_void;
type OnDevice = unsafe extern "C" fn(Handle) -> c_int;
type OpenDevice = unsafe extern "C" fn(*mut Handle) -> c_int;
type OpenSession = unsafe extern "C" fn(Handle, *mut Handle) -> c_int;
type GetDeviceInfo = unsafe extern "C" fn(Handle, *mut RawInfo) -> c_int;
type GenerateRandom = unsafe extern "C" fn(Handle, c_uint, *mut c_uchar) -> c_int;
type GetAccessRight = unsafe extern "C" fn(Handle, c_uint, *const c_uchar, c_uint) -> c_int;
type ReleaseAccessRight = unsafe extern "C" fn(Handle, c_uint) -> c_int;
type ExportPublicKey = unsafe extern "C" fn(Handle, c_uint, *mut RawPublicKey) -> c_int;
type InternalSign = unsafe extern "C" fn(Handle, c_uint, *const c_uchar, c_uint, *mut RawSignature) -> c_int;
type Decrypt = unsafe extern "C" fn(Handle, c_uint, *const c_uchar, *mut c_uchar, *mut c_uint) -> c_int;
type DecryptGmSsl = unsafe extern "C" fn(Handle, c_uint, c_uint, *const c_uchar, *mut c_uchar, *mut c_uint) -> c_int;

enum InternalDecrypt {
    Standard(Decrypt),
    GmSsl(DecryptGmSsl),
}

/// The functions that are used, found in a library.
pub(crate) struct Calls {
    open_device: OpenDevice,
    close_device: OnDevice,
    open_session: OpenSession,
    close_session: OnDevice,
    device_info: GetDeviceInfo,
    random: GenerateRandom,
    access: GetAccessRight,
    release: ReleaseAccessRight,
    export_sign: ExportPublicKey,
    export_encryption: ExportPublicKey,
    sign: InternalSign,
    /// Some devices only sign.
    decrypt: Option<InternalDecrypt>,
    /// Never dropped: see the top.
    _library: ManuallyDrop<libloading::Library>,
}

impl Calls {
    /// Loads the library and looks its functions up.
    pub(crate) fn load(path: &Path, dialect: Dialect) -> Result<Self, Error> {
        // SAFETY: runs the library's own start-up code, which the operator chose to trust by naming the file.
        let library = unsafe { libloading::Library::new(path) }.map_err(|why| Error::Load(why.to_string()))?;
        let library = ManuallyDrop::new(library);
        macro_rules! find {
            ($name:literal, $type:ty) => {{
                // SAFETY: the standard gives the function of this name this type. The pointer stays good since the
                // library is never unloaded.
                unsafe { library.get::<$type>(concat!($name, "\0").as_bytes()) }
                    .map(|symbol| *symbol)
                    .map_err(|_| Error::Missing($name))
            }};
        }
        let decrypt = match dialect {
            Dialect::Standard => find!("SDF_InternalDecrypt_ECC", Decrypt).map(InternalDecrypt::Standard),
            Dialect::GmSsl => find!("SDF_InternalDecrypt_ECC", DecryptGmSsl).map(InternalDecrypt::GmSsl),
        };
        Ok(Self {
            open_device: find!("SDF_OpenDevice", OpenDevice)?,
            close_device: find!("SDF_CloseDevice", OnDevice)?,
            open_session: find!("SDF_OpenSession", OpenSession)?,
            close_session: find!("SDF_CloseSession", OnDevice)?,
            device_info: find!("SDF_GetDeviceInfo", GetDeviceInfo)?,
            random: find!("SDF_GenerateRandom", GenerateRandom)?,
            access: find!("SDF_GetPrivateKeyAccessRight", GetAccessRight)?,
            release: find!("SDF_ReleasePrivateKeyAccessRight", ReleaseAccessRight)?,
            export_sign: find!("SDF_ExportSignPublicKey_ECC", ExportPublicKey)?,
            export_encryption: find!("SDF_ExportEncPublicKey_ECC", ExportPublicKey)?,
            sign: find!("SDF_InternalSign_ECC", InternalSign)?,
            decrypt: decrypt.ok(),
            _library: library,
        })
    }
}

fn checked(function: &'static str, answer: c_int) -> Result<(), Error> {
    // Numbers of the standard are unsigned; C's `int` carries the same bits.
    if answer == 0 { Ok(()) } else { Err(Error::Code { function, code: answer.cast_unsigned() }) }
}

fn length(bytes: &[u8], function: &'static str) -> Result<c_uint, Error> {
    c_uint::try_from(bytes.len()).map_err(|_| Error::Malformed { function, what: "more than fits" })
}

/// An open device.
pub(crate) struct RawDevice {
    calls: Arc<Calls>,
    /// Held while the device itself is spoken to.
    handle: Mutex<NonNull<c_void>>,
}

// SAFETY: a device handle is no thread's own: the standard hands one to all threads of a process. It is used under the
// lock alone.
unsafe impl Send for RawDevice {}
// SAFETY: as above.
unsafe impl Sync for RawDevice {}

impl RawDevice {
    pub(crate) fn open(calls: Arc<Calls>) -> Result<Self, Error> {
        const NAME: &str = "SDF_OpenDevice";
        let mut handle = ptr::null_mut();
        // SAFETY: the library writes one handle to a place that is there.
        checked(NAME, unsafe { (calls.open_device)(&raw mut handle) })?;
        let handle = NonNull::new(handle).ok_or(Error::Malformed { function: NAME, what: "no handle" })?;
        Ok(Self { calls, handle: Mutex::new(handle) })
    }
}

impl Drop for RawDevice {
    fn drop(&mut self) {
        let handle = self.handle.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the handle came from SDF_OpenDevice, is closed here alone, and no session is left: each holds the
        // device.
        let _ = unsafe { (self.calls.close_device)(handle.as_ptr()) };
    }
}

/// An open session.
pub(crate) struct RawSession {
    device: Arc<RawDevice>,
    /// A `NonNull` is neither `Send` nor `Sync`; the one is given back below, the other must not be.
    handle: NonNull<c_void>,
}

// SAFETY: a session may go from thread to thread as long as one has it at a time, which `&mut` sees to.
unsafe impl Send for RawSession {}

impl RawSession {
    pub(crate) fn open(device: Arc<RawDevice>) -> Result<Self, Error> {
        const NAME: &str = "SDF_OpenSession";
        let mut handle = ptr::null_mut();
        {
            let device_handle = device.handle.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the device is open; the library writes one handle to a place that is there.
            checked(NAME, unsafe { (device.calls.open_session)(device_handle.as_ptr(), &raw mut handle) })?;
        }
        let handle = NonNull::new(handle).ok_or(Error::Malformed { function: NAME, what: "no handle" })?;
        Ok(Self { device, handle })
    }

    fn calls(&self) -> &Calls {
        &self.device.calls
    }

    pub(crate) fn info(&mut self) -> Result<RawInfo, Error> {
        let mut info = RawInfo {
            issuer: [0; 40],
            name: [0; 16],
            serial: [0; 16],
            version: 0,
            standard: 0,
            asymmetric: [0; 2],
            symmetric: 0,
            hash: 0,
            buffer: 0,
            spare: [0; 256],
        };
        // SAFETY: the session is open and ours; the library fills a structure that is there and has room to spare.
        let answer = unsafe { (self.calls().device_info)(self.handle.as_ptr(), &raw mut info) };
        checked("SDF_GetDeviceInfo", answer)?;
        Ok(info)
    }

    pub(crate) fn random(&mut self, out: &mut [u8]) -> Result<(), Error> {
        const NAME: &str = "SDF_GenerateRandom";
        let length = length(out, NAME)?;
        // SAFETY: the session is open and ours; the library writes `length` octets into a slice of that length.
        checked(NAME, unsafe { (self.calls().random)(self.handle.as_ptr(), length, out.as_mut_ptr()) })
    }

    pub(crate) fn access(&mut self, index: u32, password: &[u8]) -> Result<(), Error> {
        const NAME: &str = "SDF_GetPrivateKeyAccessRight";
        let length = length(password, NAME)?;
        // SAFETY: the session is open and ours; the library reads `length` octets of a slice of that length.
        let answer = unsafe { (self.calls().access)(self.handle.as_ptr(), index, password.as_ptr(), length) };
        checked(NAME, answer)
    }

    pub(crate) fn release(&mut self, index: u32) -> Result<(), Error> {
        // SAFETY: the session is open and ours; there are no pointers.
        let answer = unsafe { (self.calls().release)(self.handle.as_ptr(), index) };
        checked("SDF_ReleasePrivateKeyAccessRight", answer)
    }

    pub(crate) fn public_key(&mut self, index: u32, encryption: bool) -> Result<RawPublicKey, Error> {
        let mut key = RawPublicKey { bits: 0, x: [0; 64], y: [0; 64] };
        let (name, call) = if encryption {
            ("SDF_ExportEncPublicKey_ECC", self.calls().export_encryption)
        } else {
            ("SDF_ExportSignPublicKey_ECC", self.calls().export_sign)
        };
        // SAFETY: the session is open and ours; the library fills a structure that is there.
        checked(name, unsafe { call(self.handle.as_ptr(), index, &raw mut key) })?;
        Ok(key)
    }

    pub(crate) fn sign(&mut self, index: u32, e: &[u8; 32]) -> Result<RawSignature, Error> {
        let mut signature = RawSignature { r: [0; 64], s: [0; 64] };
        // SAFETY: the session is open and ours; the library reads 32 octets of an array of 32 and fills a structure
        // that is there.
        let answer = unsafe { (self.calls().sign)(self.handle.as_ptr(), index, e.as_ptr(), 32, &raw mut signature) };
        checked("SDF_InternalSign_ECC", answer)?;
        Ok(signature)
    }

    /// `cipher` is an `ECCCipher` with its last field at its length; `out` has at least that length.
    pub(crate) fn decrypt(&mut self, index: u32, cipher: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        const NAME: &str = "SDF_InternalDecrypt_ECC";
        let Some(call) = &self.calls().decrypt else { return Err(Error::Missing(NAME)) };
        let malformed = |what| Error::Malformed { function: NAME, what };
        let inside = cipher.len().checked_sub(CIPHER_HEAD).ok_or(malformed("no ciphertext to decrypt"))?;
        let told = cipher.get(CIPHER_HEAD - 4..CIPHER_HEAD).and_then(|l| Some(u32::from_ne_bytes(l.try_into().ok()?)));
        // The library goes by what the structure says of itself, so that must be true.
        if told.map(usize::try_from) != Some(Ok(inside)) || out.len() < inside {
            return Err(malformed("no ciphertext to decrypt"));
        }
        let mut written = length(out, NAME)?;
        // At a place where a structure with a `u32` may stand.
        let words: Vec<u32> = cipher
            .chunks(4)
            .map(|chunk| {
                let mut word = [0; 4];
                word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
                u32::from_ne_bytes(word)
            })
            .collect();
        let handle = self.handle.as_ptr();
        let (input, output) = (words.as_ptr().cast(), out.as_mut_ptr());
        let answer = match call {
            // SAFETY: the session is open and ours; the structure holds as many octets as it says, and the library
            // writes at most as many plain ones, for which there is room.
            InternalDecrypt::Standard(call) => unsafe { call(handle, index, input, output, &raw mut written) },
            // SAFETY: as above.
            InternalDecrypt::GmSsl(call) => unsafe {
                call(handle, index, SM2_ENCRYPTION, input, output, &raw mut written)
            },
        };
        checked(NAME, answer)?;
        let written = usize::try_from(written).ok().filter(|written| *written <= out.len());
        written.ok_or(malformed("more than there was room for"))
    }
}

impl Drop for RawSession {
    fn drop(&mut self) {
        let _device = self.device.handle.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the handle came from SDF_OpenSession and is closed here alone; the device is still open.
        let _ = unsafe { (self.device.calls.close_session)(self.handle.as_ptr()) };
    }
}
