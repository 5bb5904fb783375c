//! The crate against a device that keeps to the standard, and against some that do not.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use engine::sm2::{PublicKey, Signature};
use sdf::{Ciphertext, Dialect, Error, Library, Session, Usage};
use support::double;

const PASSWORD: &[u8] = b"Sdf-1234";

/// A session to a double built so, which lives as long as the folder.
fn session(defines: &[&str], dialect: Dialect) -> Option<(tempfile::TempDir, Result<Session, Error>)> {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::load(&double(folder.path(), defines)?, dialect).unwrap();
    let opened = library.open().and_then(|device| device.session());
    Some((folder, opened))
}

fn good() -> Option<(tempfile::TempDir, Session)> {
    let (folder, session) = session(&[], Dialect::Standard)?;
    Some((folder, session.unwrap()))
}

fn word<T>(result: Result<T, Error>) -> Option<&'static str> {
    result.map(drop).unwrap_err().word()
}

#[test]
fn a_key_in_the_device_signs_what_another_implementation_verifies() {
    let Some((_folder, mut session)) = good() else { return };
    for index in [1, 2, 8] {
        let public = PublicKey::from_sec1(&session.public_key(index, Usage::Sign).unwrap()).unwrap();
        session.grant(index, PASSWORD).unwrap();
        let mut hasher = public.prehasher();
        hasher.update(b"message");
        let signature = session.sign(index, &hasher.finalize()).unwrap();
        let signature = Signature::from_raw(&signature).unwrap();
        assert!(public.verify(b"message", &signature));
        assert!(!public.verify(b"massage", &signature));
    }
}

#[test]
fn a_private_key_is_used_with_the_right_to_it_and_in_that_session_only() {
    let Some((folder, mut session)) = good() else { return };
    let e = [7; 32];
    assert_eq!(word(session.sign(1, &e)), Some("PARDENY"));
    assert_eq!(word(session.grant(1, b"Sdf-1235")), Some("PARDENY"));
    assert_eq!(word(session.grant(1, b"")), Some("PARDENY"));
    assert_eq!(word(session.sign(1, &e)), Some("PARDENY"));
    session.grant(1, PASSWORD).unwrap();
    assert!(session.sign(1, &e).is_ok());
    assert_eq!(word(session.sign(2, &e)), Some("PARDENY"), "another index");
    let library = Library::load(&folder.path().join("libdouble.so"), Dialect::Standard).unwrap();
    let mut other = library.open().unwrap().session().unwrap();
    assert_eq!(word(other.sign(1, &e)), Some("PARDENY"), "another session");
    session.release(1).unwrap();
    assert_eq!(word(session.sign(1, &e)), Some("PARDENY"));
    assert_eq!(word(session.release(1)), Some("INARGERR"));
}

#[test]
fn an_index_without_a_key_is_told() {
    let Some((_folder, mut session)) = good() else { return };
    for index in [0, 7, 9, u32::MAX] {
        assert_eq!(word(session.public_key(index, Usage::Sign)), Some("KEYNOTEXIST"));
        assert_eq!(word(session.public_key(index, Usage::Encryption)), Some("KEYNOTEXIST"));
        assert_eq!(word(session.grant(index, PASSWORD)), Some("KEYNOTEXIST"));
        assert_eq!(word(session.sign(index, &[1; 32])), Some("KEYNOTEXIST"));
    }
}

#[test]
fn a_device_says_who_it_is_and_gives_random_numbers() {
    let Some((_folder, mut session)) = good() else { return };
    let info = session.info().unwrap();
    assert_eq!((info.issuer.as_str(), info.name.as_str()), ("Yinxin tests", "double"));
    assert_eq!((info.serial.as_str(), info.version), ("2026112100000001", 0x0001_0203));
    let (mut one, mut two) = ([0; 32], [0; 32]);
    session.random(&mut one).unwrap();
    session.random(&mut two).unwrap();
    assert!(one != two && one != [0; 32]);
    session.random(&mut []).unwrap();
}

#[test]
fn what_was_encrypted_elsewhere_is_decrypted_in_both_dialects() {
    for (defines, dialect) in [(&[][..], Dialect::Standard), (&["GMSSL"], Dialect::GmSsl)] {
        let Some((_folder, session)) = session(defines, dialect) else { return };
        let mut session = session.unwrap();
        let public = PublicKey::from_sec1(&session.public_key(3, Usage::Encryption).unwrap()).unwrap();
        let text = [0x5a; 48];
        let sealed = public.encrypt(&text, &[9; 32]).unwrap().to_bytes();
        let (point, rest) = sealed.split_first_chunk::<65>().unwrap();
        let (digest, inside) = rest.split_first_chunk::<32>().unwrap();
        let cipher = Ciphertext { point, digest, text: inside };
        assert_eq!(word(session.decrypt(3, &cipher)), Some("PARDENY"));
        session.grant(3, PASSWORD).unwrap();
        assert_eq!(*session.decrypt(3, &cipher).unwrap(), text);
        let wrong = Ciphertext { digest: &[1; 32], ..cipher };
        assert_eq!(word(session.decrypt(3, &wrong)), Some("ENCDATAERR"));
        assert!(session.decrypt(3, &Ciphertext { text: &[], ..cipher }).is_err());
        assert!(session.decrypt(3, &Ciphertext { text: &[0; 5000], ..cipher }).is_err());
    }
}

#[test]
fn answers_that_cannot_be_are_refused() {
    for fault in ["FAULT=ZERO", "FAULT=WIDE"] {
        let Some((_folder, session)) = session(&[fault], Dialect::Standard) else { return };
        let mut session = session.unwrap();
        session.grant(1, PASSWORD).unwrap();
        assert!(matches!(session.public_key(1, Usage::Sign), Err(Error::Malformed { .. })), "{fault}");
        assert!(matches!(session.sign(1, &[1; 32]), Err(Error::Malformed { .. })), "{fault}");
    }
    let Some((_folder, opened)) = session(&["FAULT=NO_HANDLE"], Dialect::Standard) else { return };
    assert!(matches!(opened.map(drop), Err(Error::Malformed { function: "SDF_OpenSession", .. })));
}

#[test]
fn a_device_that_was_unplugged_is_told() {
    let Some((_folder, opened)) = session(&["FAULT=GONE"], Dialect::Standard) else { return };
    assert_eq!(word(opened), Some("COMMFAIL"));
}

#[test]
fn a_library_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libtext.so");
    std::fs::write(&text, "no library").unwrap();
    for path in [text.as_path(), Path::new("/nowhere/libsdf.so"), Path::new("libsdf.so")] {
        assert!(matches!(Library::load(path, Dialect::Standard).map(drop), Err(Error::Load(_))));
    }
    // A library, and not of a device.
    let empty = folder.path().join("empty.c");
    std::fs::write(&empty, "int SDF_OpenDevice(void **d) { return 0; }\n").unwrap();
    let library = folder.path().join("libempty.so");
    let mut cc = std::process::Command::new("cc");
    if cc.args(["-shared", "-o"]).arg(&library).arg(&empty).status().is_ok_and(|status| status.success()) {
        let loaded = Library::load(&library, Dialect::Standard).map(drop);
        assert!(matches!(loaded, Err(Error::Missing("SDF_CloseDevice"))));
    } else {
        eprintln!("LEFT OUT: a library without its functions: no cc (Debian: gcc)");
    }
}

#[test]
fn sessions_go_from_thread_to_thread_and_close_before_their_device() {
    let Some((_folder, mut first)) = good() else { return };
    first.grant(1, PASSWORD).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let library = Library::load(&double(folder.path(), &[]).unwrap(), Dialect::Standard).unwrap();
    let device = library.open().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let device = device.clone();
            scope.spawn(move || {
                let mut session = device.session().unwrap();
                drop(device);
                session.grant(2, PASSWORD).unwrap();
                for n in 1..20 {
                    session.sign(2, &[n; 32]).unwrap();
                }
            });
        }
    });
    drop(device);
    // The double ends the process for a device closed under a session, or two threads in one.
    assert!(first.sign(1, &[1; 32]).is_ok());
}
