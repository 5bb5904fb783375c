//! SM2 keys in a device behind GM/T 0018: the double of the crate `sdf` plays it.

#![allow(clippy::unwrap_used)]

#[path = "../sdf/tests/support/mod.rs"]
mod device;
mod support;

use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto_pool::backend::{Backend, Binding, Choice, PinFile, Sdf, SdfDialect, SdfOptions, Soft, Takes};
use crypto_pool::random::SeededRandom;
use crypto_pool::{
    Error, KeyAlgorithm, KeySpec, KeyState, PublicKey, Purpose, RootKeySlot, SignatureAlgorithm, ToSign,
};
use pki_config::{ErrorCode, KeyId, TenantId};
use support::{House, manager, name, root_key, tbs_certificate, tbs_crl};

/// A device of a test: its library and the file with the password.
struct Device {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Device {
    fn new(defines: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let library = device::double(folder.path(), defines)?;
        write_password(&folder.path().join("password"), "Sdf-1234");
        Some(Self { folder, library })
    }

    fn password(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    fn options(&self) -> SdfOptions {
        SdfOptions {
            library: self.library.clone(),
            dialect: SdfDialect::Standard,
            indexes: 2..=4,
            password: Some(PinFile::new(&self.password())),
            sessions: 2,
            timeout: Duration::from_secs(20),
        }
    }

    fn backend(&self, options: SdfOptions) -> Choice {
        let root = RootKeySlot::sealed();
        root.open(root_key());
        choice(options, Soft::new(root.clone(), Arc::new(SeededRandom::new(1))), root)
    }

    fn house(&self, directory: tempfile::TempDir, options: SdfOptions) -> House {
        House::rooted(directory, 1, |soft, root| Arc::new(choice(options, soft, root)))
    }
}

fn choice(options: SdfOptions, soft: Soft, root: RootKeySlot) -> Choice {
    let takes = Takes { purposes: vec![Purpose::CertificateAuthority], algorithms: vec![KeyAlgorithm::Sm2] };
    Choice::new(soft).with_sdf(takes, Sdf::new(options, root))
}

fn write_password(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn binding(tenant: &TenantId, key: u8) -> Binding<'_> {
    let (key, purpose) = (KeyId::from_bytes([key; 16]), Purpose::CertificateAuthority);
    Binding { tenant, key, purpose, algorithm: KeyAlgorithm::Sm2, subject: Some(b"name"), unit: None }
}

fn spec() -> KeySpec {
    KeySpec {
        purpose: Purpose::CertificateAuthority,
        algorithm: KeyAlgorithm::Sm2,
        subject: Some(name()),
        tenant: TenantId::house(),
    }
}

#[tokio::test]
async fn keys_in_the_device_sign_certificates_and_crls_also_after_a_restart() {
    let Some(device) = Device::new(&[]) else { return };
    let mut house = device.house(tempfile::tempdir().unwrap(), device.options());
    let key = house.ca().await;
    assert!(house.kms.in_device(key.id).await.unwrap());
    for restarted in [false, true] {
        for to_sign in [ToSign::Certificate(tbs_certificate(&key, 1, false)), ToSign::Crl(tbs_crl(&key))] {
            let message = to_sign.bytes().to_vec();
            let signed = house.sign(key.id, to_sign, None).await.unwrap();
            let public = PublicKey::from_spki(&key.spki).unwrap();
            assert!(public.verify(SignatureAlgorithm::Sm2Sm3, &message, &signed.signature));
        }
        if !restarted {
            let House { directory, db, pool, .. } = house;
            pool.stop();
            db.close();
            house = device.house(directory, device.options());
        }
    }
    let devices = house.kms.devices().await.unwrap();
    assert!(devices[0].answer.as_ref().unwrap().contains("2026112100000001"));
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn an_index_is_never_given_out_twice() {
    let Some(device) = Device::new(&[]) else { return };
    let house = device.house(tempfile::tempdir().unwrap(), device.options());
    let keys = [house.ca().await, house.ca().await, house.ca().await];
    assert!(keys[0].spki != keys[1].spki && keys[1].spki != keys[2].spki && keys[0].spki != keys[2].spki);
    // Three indexes, three keys; not even after a restart is there a fourth.
    let full = house.kms.generate(&manager(), spec()).await;
    assert!(matches!(&full, Err(Error::DeviceRefused { why, .. }) if why.contains("indexes 2 to 4")), "{full:?}");
    let House { directory, db, pool, .. } = house;
    pool.stop();
    db.close();
    let house = device.house(directory, device.options());
    assert!(matches!(house.kms.generate(&manager(), spec()).await, Err(Error::DeviceRefused { .. })));
    // Nor after a key was given up: that it is still there is not called destroyed.
    house.kms.set_state(&manager(), keys[0].id, KeyState::Retired).await.unwrap();
    let destroyed = house.kms.set_state(&manager(), keys[0].id, KeyState::Destroyed).await;
    assert!(matches!(destroyed, Err(Error::DeviceRefused { why, .. }) if why.contains("index 2")));
    assert!(matches!(house.kms.generate(&manager(), spec()).await, Err(Error::DeviceRefused { .. })));
    assert_eq!(house.kms.record(keys[0].id).await.unwrap().state, KeyState::Retired);
    assert!(house.sign(keys[1].id, ToSign::Crl(tbs_crl(&keys[1])), None).await.is_ok());
}

#[test]
fn an_index_without_a_key_is_passed_over_and_others_are_not_touched() {
    let Some(device) = Device::new(&[]) else { return };
    let house = TenantId::house();
    let made = |indexes: RangeInclusive<u32>| {
        let options = SdfOptions { indexes, ..device.options() };
        device.backend(options).generate(binding(&house, 1)).map(|made| made.public)
    };
    // Nothing is at 7, something at 8.
    assert_eq!(made(7..=8).unwrap(), made(8..=8).unwrap());
    assert!(matches!(made(7..=7), Err(Error::DeviceRefused { .. })));
    assert!(matches!(made(9..=12), Err(Error::DeviceRefused { .. })));
}

#[tokio::test]
async fn a_wrong_signature_does_not_leave() {
    let Some(device) = Device::new(&["FAULT=WRONG_SIGNATURE"]) else { return };
    let house = device.house(tempfile::tempdir().unwrap(), device.options());
    let key = house.ca().await;
    let signed = house.sign(key.id, ToSign::Crl(tbs_crl(&key)), None).await;
    assert!(matches!(signed, Err(Error::SignatureFailed { .. })));
    assert_eq!(house.notes().await, 0);
}

#[tokio::test]
async fn a_device_that_hangs_is_away_and_everything_else_works() {
    let (Some(good), Some(slow)) = (Device::new(&[]), Device::new(&["FAULT=SLOW"])) else { return };
    let house = good.house(tempfile::tempdir().unwrap(), good.options());
    let key = house.ca().await;
    let House { directory, db, pool, .. } = house;
    pool.stop();
    db.close();
    let options = SdfOptions { timeout: Duration::from_millis(100), ..slow.options() };
    let house = slow.house(directory, options);
    let error = house.sign(key.id, ToSign::Crl(tbs_crl(&key)), None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeviceAway);
    assert!(error.code().retryable());
    assert!(matches!(house.pool.ready(key.id).await, Err(Error::DeviceAway { .. })));
    let soft = house.key(Purpose::Ocsp, KeyAlgorithm::Sm2).await;
    assert!(house.pool.ready(soft.id).await.is_ok() && !house.kms.in_device(soft.id).await.unwrap());
}

#[test]
fn faults_of_a_device_are_told() {
    let house = TenantId::house();
    let told = |fault: &str| {
        let device = Device::new(&[fault])?;
        Some(device.backend(device.options()).generate(binding(&house, 1)).map(drop).unwrap_err())
    };
    for (fault, code) in [
        ("FAULT=GONE", ErrorCode::DeviceAway),
        ("FAULT=NO_HANDLE", ErrorCode::DeviceRefused),
        ("FAULT=ZERO", ErrorCode::DeviceRefused),
        ("FAULT=WIDE", ErrorCode::DeviceRefused),
    ] {
        let Some(error) = told(fault) else { return };
        assert_eq!(error.code(), code, "{fault}: {error}");
    }
}

#[test]
fn a_wrong_password_is_told_and_a_file_for_everybody_refused() {
    let Some(device) = Device::new(&[]) else { return };
    let house = TenantId::house();
    write_password(&device.password(), "Sdf-4321");
    let backend = device.backend(device.options());
    for again in [false, true] {
        let Err(Error::DeviceRefused { why, .. }) = backend.generate(binding(&house, 1)) else { panic!("taken") };
        assert!(why.contains("password") && !why.contains("4321"), "{why}");
        assert_eq!(why.contains("not shown the same one again"), again, "{why}");
    }
    // Mended without a restart.
    write_password(&device.password(), "Sdf-1234");
    assert!(backend.generate(binding(&house, 1)).is_ok());
    std::fs::set_permissions(device.password(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let made = device.backend(device.options()).generate(binding(&house, 1));
    assert!(matches!(made, Err(Error::DeviceRefused { why, .. }) if why.contains("chmod 600")));
    // A device that wants a password, asked without one.
    let made = device.backend(SdfOptions { password: None, ..device.options() }).generate(binding(&house, 1));
    assert!(matches!(made, Err(Error::DeviceRefused { why, .. }) if why.contains("PARDENY")));
}

#[test]
fn swapped_references_and_other_keys_at_an_index_are_found() {
    let (Some(device), Some(other)) = (Device::new(&[]), Device::new(&["FAULT=OTHER_KEY"])) else { return };
    let house = TenantId::house();
    let backend = device.backend(device.options());
    let (one, two) = (binding(&house, 1), binding(&house, 2));
    let (first, second) = (backend.generate(one).unwrap(), backend.generate(two).unwrap());
    assert!(backend.load(one, &first.public, &first.wrapped).is_ok());
    for (binding, public, wrapped) in [
        (one, &first.public, &second.wrapped),
        (two, &first.public, &first.wrapped),
        (one, &second.public, &first.wrapped),
    ] {
        assert!(matches!(backend.load(binding, public, wrapped), Err(Error::KeyDamaged { .. })));
    }
    let exported = backend.export(Binding { purpose: Purpose::Tls, ..one }, &first.public, &first.wrapped);
    assert!(matches!(exported, Err(Error::KeyPurpose { .. })));
    let replaced = other.backend(other.options());
    let loaded = replaced.load(one, &first.public, &first.wrapped);
    assert!(matches!(loaded, Err(Error::DeviceKeyDiffers { .. })));
    // Gone from its index: destroyed.
    assert!(replaced.destroy(one, &first.public, &first.wrapped).is_ok());
    // And without the device in the configuration.
    let root = RootKeySlot::sealed();
    root.open(root_key());
    let none = Choice::new(Soft::new(root, Arc::new(SeededRandom::new(1))));
    let loaded = none.load(one, &first.public, &first.wrapped);
    assert!(matches!(loaded, Err(Error::DeviceRefused { why, .. }) if why.contains("[pool.sdf]")));
}
