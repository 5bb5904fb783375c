//! Keys in a PKCS#11 token: SoftHSM plays it. Each test runs in a process of its own, since a library is initialised
//! once for a process and SoftHSM then reads where its tokens are.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crypto_pool::backend::{Backend, Binding, Choice, PinFile, Pkcs11, Pkcs11Options, Soft, Takes};
use crypto_pool::random::SeededRandom;
use crypto_pool::{Error, KeyAlgorithm, KeyState, PublicKey, Purpose, RootKeySlot, SignatureAlgorithm, ToSign};
use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use pki_config::{ErrorCode, KeyId, TenantId};
use support::{House, manager, root_key, tbs_certificate, tbs_crl};

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "a pin of 31 letters and 4 digits";
const FOLDER: &str = "YINXIN_TEST_TOKENS";
const ALGORITHMS: [KeyAlgorithm; 3] = [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa { bits: 2048 }];

/// The token of one test.
struct Token {
    folder: PathBuf,
    module: PathBuf,
}

/// Runs `body` with a new token, in a child process that runs only the test of this name.
fn with_token(test: &str, body: impl FnOnce(Token)) {
    let Some(module) = MODULES.iter().map(PathBuf::from).find(|path| path.exists()) else {
        eprintln!("LEFT OUT: {test}: no SoftHSM here (Debian: softhsm2)");
        return;
    };
    if let Some(folder) = std::env::var_os(FOLDER) {
        return body(Token { folder: folder.into(), module });
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).unwrap();
    write_pin(&folder.path().join("pin"), PIN);
    let mut init = Command::new("softhsm2-util");
    init.args(["--init-token", "--free", "--label", "yinxin test", "--so-pin", "of the officer", "--pin", PIN]);
    let made = init.env("SOFTHSM2_CONF", &conf).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]).env("SOFTHSM2_CONF", &conf).env(FOLDER, folder.path());
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

fn write_pin(path: &Path, pin: &str) {
    std::fs::write(path, format!("{pin}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl Token {
    fn pin(&self) -> PathBuf {
        self.folder.join("pin")
    }

    fn options(&self) -> Pkcs11Options {
        Pkcs11Options {
            module: self.module.clone(),
            label: Some("yinxin test".to_owned()),
            serial: None,
            pin: PinFile::new(&self.pin()),
            sessions: 2,
            timeout: Duration::from_secs(20),
        }
    }

    fn takes() -> Takes {
        Takes { purposes: vec![Purpose::CertificateAuthority], algorithms: ALGORITHMS.to_vec() }
    }

    fn choice(&self, soft: Soft, root: RootKeySlot) -> Choice {
        Choice::new(soft).with_pkcs11(Self::takes(), Pkcs11::new(self.options(), root))
    }

    /// A backend of its own, over the root key of every house.
    fn backend(&self) -> Choice {
        let root = RootKeySlot::sealed();
        root.open(root_key());
        self.choice(Soft::new(root.clone(), Arc::new(SeededRandom::new(1))), root)
    }

    fn house(&self) -> House {
        self.house_at(tempfile::tempdir().unwrap())
    }

    fn house_at(&self, directory: tempfile::TempDir) -> House {
        House::rooted(directory, 1, |soft, root| Arc::new(self.choice(soft, root)))
    }

    /// The private keys on the token, each with what it says of these attributes.
    fn keys(&self, asked: &[AttributeType]) -> Vec<Vec<Attribute>> {
        let module = cryptoki::context::Pkcs11::new(&self.module).unwrap();
        // Refused if it is initialised already, which is as good.
        let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slots = module.get_slots_with_initialized_token().unwrap();
        let session = module.open_rw_session(slots[0]).unwrap();
        let _ = session.login(UserType::User, Some(&PIN.to_owned().into()));
        let found = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap();
        found.into_iter().map(|key| session.get_attributes(key, asked).unwrap()).collect()
    }
}

fn binding(tenant: &TenantId, key: u8, algorithm: KeyAlgorithm) -> Binding<'_> {
    let (key, purpose) = (KeyId::from_bytes([key; 16]), Purpose::CertificateAuthority);
    Binding { tenant, key, purpose, algorithm, subject: Some(b"name"), unit: None }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn issuers_keys_in_a_token_sign_certificates_and_crls_also_after_a_restart() {
    with_token("issuers_keys_in_a_token_sign_certificates_and_crls_also_after_a_restart", |token| {
        run(async {
            let mut house = token.house();
            for algorithm in ALGORITHMS {
                let key = house.key(Purpose::CertificateAuthority, algorithm).await;
                assert!(house.kms.in_device(key.id).await.unwrap());
                for restarted in [false, true] {
                    let to_sign = [ToSign::Certificate(tbs_certificate(&key, 1, false)), ToSign::Crl(tbs_crl(&key))];
                    for to_sign in to_sign {
                        let message = to_sign.bytes().to_vec();
                        let signed = house.sign(key.id, to_sign, None).await.unwrap();
                        let public = PublicKey::from_spki(&key.spki).unwrap();
                        let way = SignatureAlgorithm::for_key(algorithm);
                        assert!(public.verify(way, &message, &signed.signature), "{algorithm}");
                        assert!(!public.verify(way, &message[1..], &signed.signature), "{algorithm}");
                    }
                    if !restarted {
                        let House { directory, db, pool, .. } = house;
                        pool.stop();
                        db.close();
                        house = token.house_at(directory);
                    }
                }
            }
            assert!(house.verify().is_clean());
        });
    });
}

#[test]
fn a_key_made_on_the_token_cannot_be_taken_out_of_it() {
    with_token("a_key_made_on_the_token_cannot_be_taken_out_of_it", |token| {
        run(async {
            let house = token.house();
            let key = house.key(Purpose::CertificateAuthority, KeyAlgorithm::P256).await;
            let asked = [
                AttributeType::Id,
                AttributeType::Sensitive,
                AttributeType::Extractable,
                AttributeType::NeverExtractable,
                AttributeType::Value,
            ];
            let keys = token.keys(&asked);
            // No Value among them: the token does not give it.
            let right = [
                Attribute::Id(key.id.as_bytes().to_vec()),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::NeverExtractable(true),
            ];
            assert_eq!(keys, [right]);
            let exported = house.kms.export_tls(key.id).await;
            assert!(matches!(exported, Err(Error::KeyPurpose { .. })));
            let backend = token.backend();
            let house = TenantId::house();
            let made = backend.generate(binding(&house, 1, KeyAlgorithm::P256)).unwrap();
            let tls = Binding { purpose: Purpose::Tls, ..binding(&house, 1, KeyAlgorithm::P256) };
            assert!(backend.export(tls, &made.public, &made.wrapped).is_err());
        });
    });
}

#[test]
fn keys_for_other_purposes_and_algorithms_stay_in_software() {
    with_token("keys_for_other_purposes_and_algorithms_stay_in_software", |token| {
        run(async {
            let house = token.house();
            let sm2 = house.ca().await;
            let tls = house.key(Purpose::Tls, KeyAlgorithm::P256).await;
            for key in [&sm2, &tls] {
                assert!(!house.kms.in_device(key.id).await.unwrap());
            }
            assert!(house.kms.export_tls(tls.id).await.is_ok());
            assert!(house.sign(sm2.id, ToSign::Certificate(tbs_certificate(&sm2, 1, false)), None).await.is_ok());
            // And those of tenants, which move with their unit.
            let tenant: TenantId = "tenant".parse().unwrap();
            let made = token.backend().generate(binding(&tenant, 1, KeyAlgorithm::P256)).unwrap();
            assert!(!token.backend().in_device(&made.wrapped));
            assert!(token.keys(&[AttributeType::Id]).is_empty());
        });
    });
}

#[test]
fn a_destroyed_key_is_gone_from_the_token() {
    with_token("a_destroyed_key_is_gone_from_the_token", |token| {
        run(async {
            let house = token.house();
            let key = house.key(Purpose::CertificateAuthority, KeyAlgorithm::P256).await;
            let other = house.key(Purpose::CertificateAuthority, KeyAlgorithm::P256).await;
            house.kms.set_state(&manager(), key.id, KeyState::Retired).await.unwrap();
            house.kms.set_state(&manager(), key.id, KeyState::Destroyed).await.unwrap();
            assert_eq!(token.keys(&[AttributeType::Id]), [[Attribute::Id(other.id.as_bytes().to_vec())]]);
            assert!(house.sign(other.id, ToSign::Crl(tbs_crl(&other)), None).await.is_ok());
            assert!(house.verify().is_clean());
        });
    });
}

#[test]
fn a_wrong_pin_is_shown_to_the_token_once() {
    with_token("a_wrong_pin_is_shown_to_the_token_once", |token| {
        write_pin(&token.pin(), "wrong");
        let (backend, house) = (token.backend(), TenantId::house());
        let right = binding(&house, 1, KeyAlgorithm::P256);
        let told = |n: usize| {
            let Err(Error::DeviceRefused { why, .. }) = backend.generate(right) else { panic!("try {n}") };
            assert!(!why.contains("wrong"), "{why}");
            why
        };
        assert!(!told(1).contains("not shown the same one again"));
        assert!(told(2).contains("not shown the same one again"));
        // Mended without a restart.
        write_pin(&token.pin(), PIN);
        assert!(backend.generate(right).is_ok());
    });
}

#[test]
fn a_pin_file_for_everybody_is_refused() {
    with_token("a_pin_file_for_everybody_is_refused", |token| {
        std::fs::set_permissions(token.pin(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let house = TenantId::house();
        let made = token.backend().generate(binding(&house, 1, KeyAlgorithm::P256));
        assert!(matches!(made, Err(Error::DeviceRefused { why, .. }) if why.contains("chmod 600")));
    });
}

#[test]
fn a_token_that_is_not_there_is_away_and_everything_else_works() {
    with_token("a_token_that_is_not_there_is_away_and_everything_else_works", |token| {
        run(async {
            let house = token.house();
            let key = house.key(Purpose::CertificateAuthority, KeyAlgorithm::P256).await;
            let soft = house.ca().await;
            let House { directory, db, pool, .. } = house;
            pool.stop();
            db.close();
            // The configuration names a token that is not plugged in.
            let house = House::rooted(directory, 1, |soft, root| {
                let options = Pkcs11Options { label: Some("another".to_owned()), ..token.options() };
                Arc::new(Choice::new(soft).with_pkcs11(Token::takes(), Pkcs11::new(options, root)))
            });
            let error = house.sign(key.id, ToSign::Crl(tbs_crl(&key)), None).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::DeviceAway);
            assert!(error.code().retryable() && error.to_string().contains("token another"), "{error}");
            // Told beforehand, before a serial is spent.
            assert!(matches!(house.pool.ready(key.id).await, Err(Error::DeviceAway { .. })));
            assert!(house.pool.ready(soft.id).await.is_ok());
            assert!(house.sign(soft.id, ToSign::Crl(tbs_crl(&soft)), None).await.is_ok());
            let devices = house.kms.devices().await.unwrap();
            assert!(matches!(devices[0].answer, Err(Error::DeviceAway { .. })));
        });
    });
}

#[test]
fn a_library_that_is_none_is_told() {
    with_token("a_library_that_is_none_is_told", |token| {
        let house = TenantId::house();
        for module in [token.pin(), token.folder.join("none.so"), PathBuf::from("libsofthsm2.so")] {
            let root = RootKeySlot::sealed();
            root.open(root_key());
            let options = Pkcs11Options { module, ..token.options() };
            let backend = Choice::new(Soft::new(root.clone(), Arc::new(SeededRandom::new(1))))
                .with_pkcs11(Token::takes(), Pkcs11::new(options, root));
            let made = backend.generate(binding(&house, 1, KeyAlgorithm::P256));
            assert!(matches!(made, Err(Error::DeviceRefused { .. })));
        }
    });
}

#[test]
fn a_swapped_reference_is_found() {
    with_token("a_swapped_reference_is_found", |token| {
        let (backend, house) = (token.backend(), TenantId::house());
        let [one, two] = [1, 2].map(|n| binding(&house, n, KeyAlgorithm::P256));
        let [first, second] = [one, two].map(|binding| backend.generate(binding).unwrap());
        assert!(backend.load(one, &first.public, &first.wrapped).is_ok());
        for (binding, public, wrapped) in [
            (one, &first.public, &second.wrapped),
            (two, &first.public, &first.wrapped),
            (one, &second.public, &first.wrapped),
        ] {
            assert!(matches!(backend.load(binding, public, wrapped), Err(Error::KeyDamaged { .. })));
            assert!(matches!(backend.destroy(binding, public, wrapped), Err(Error::KeyDamaged { .. })));
        }
        assert_eq!(token.keys(&[AttributeType::Id]).len(), 2, "nothing was destroyed");
        // Wrapped anew, as when the root key changes, it opens as before.
        let again = backend.rewrap(one, one, &first.public, &first.wrapped).unwrap();
        assert!(backend.load(one, &first.public, &again).is_ok());
    });
}

#[test]
fn a_key_deleted_on_the_token_or_put_in_another_s_place_is_found() {
    with_token("a_key_deleted_on_the_token_or_put_in_another_s_place_is_found", |token| {
        let (backend, vandal, house) = (token.backend(), token.backend(), TenantId::house());
        let right = binding(&house, 1, KeyAlgorithm::P256);
        let made = backend.generate(right).unwrap();
        let signer = backend.load(right, &made.public, &made.wrapped).unwrap();
        let random = SeededRandom::new(3);
        assert!(signer.sign(b"message", &random).is_ok());
        vandal.destroy(right, &made.public, &made.wrapped).unwrap();
        assert!(matches!(signer.sign(b"message", &random), Err(Error::DeviceKeyMissing { .. })));
        assert!(matches!(backend.load(right, &made.public, &made.wrapped), Err(Error::DeviceKeyMissing { .. })));
        // To destroy what is gone already ends well.
        assert!(backend.destroy(right, &made.public, &made.wrapped).is_ok());
        // Another key under the same identifier, of the same kind and of another.
        for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384] {
            let other = Binding { algorithm, ..right };
            let another = vandal.generate(other).unwrap();
            assert!(matches!(signer.sign(b"message", &random), Err(Error::DeviceKeyDiffers { .. })));
            let loaded = backend.load(right, &made.public, &made.wrapped);
            assert!(matches!(loaded, Err(Error::DeviceKeyDiffers { .. })));
            vandal.destroy(other, &another.public, &another.wrapped).unwrap();
        }
    });
}

#[test]
fn a_key_of_another_token_is_not_looked_for_on_this_one() {
    with_token("a_key_of_another_token_is_not_looked_for_on_this_one", |token| {
        // Before the library is initialised, which is when SoftHSM reads its tokens.
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", "second", "--so-pin", "of the officer", "--pin", PIN]);
        assert!(init.output().unwrap().status.success());
        let (backend, house) = (token.backend(), TenantId::house());
        let right = binding(&house, 1, KeyAlgorithm::P256);
        let made = backend.generate(right).unwrap();
        let root = RootKeySlot::sealed();
        root.open(root_key());
        let options = Pkcs11Options { label: Some("second".to_owned()), ..token.options() };
        let other = Choice::new(Soft::new(root.clone(), Arc::new(SeededRandom::new(1))))
            .with_pkcs11(Token::takes(), Pkcs11::new(options, root));
        let Err(Error::DeviceRefused { why, .. }) = other.load(right, &made.public, &made.wrapped) else {
            panic!("a key of another token was loaded")
        };
        assert!(why.contains("serial number"), "{why}");
        // Without a name, which of the two is meant would be chance.
        let root = RootKeySlot::sealed();
        root.open(root_key());
        let options = Pkcs11Options { label: None, ..token.options() };
        let unnamed = Choice::new(Soft::new(root.clone(), Arc::new(SeededRandom::new(1))))
            .with_pkcs11(Token::takes(), Pkcs11::new(options, root));
        let made = unnamed.generate(right);
        assert!(matches!(made, Err(Error::DeviceRefused { why, .. }) if why.contains("serial number")));
    });
}

#[test]
fn many_sign_at_the_same_time() {
    with_token("many_sign_at_the_same_time", |token| {
        let (backend, house) = (token.backend(), TenantId::house());
        let right = binding(&house, 1, KeyAlgorithm::P256);
        let made = backend.generate(right).unwrap();
        let signer = backend.load(right, &made.public, &made.wrapped).unwrap();
        let way = SignatureAlgorithm::for_key(KeyAlgorithm::P256);
        std::thread::scope(|scope| {
            for n in 0..8_u8 {
                let (signer, public) = (&signer, &made.public);
                scope.spawn(move || {
                    for m in 0..20_u8 {
                        let signature = signer.sign(&[n, m], &SeededRandom::new(1)).unwrap();
                        assert!(public.verify(way, &[n, m], &signature));
                    }
                });
            }
        });
    });
}
