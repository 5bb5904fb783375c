use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pki_config::ids::WellKnownIssuer;
use pki_config::role::{Permission, Setup};
use pki_config::status::Reason;
use pki_config::{ErrorCode, IssuerId};
use zeroize::Zeroizing;

use super::chunks::{CHUNK, ChunkReader, ChunkWriter};
use super::*;
use crate::api::BackupInfo;
use crate::data_dir::{DataDir, Found};
use crate::test_house::{CHEAP, COVERED, ROOT_PASSPHRASE, TestHouse};

const PASSPHRASE: &str = "a backup's own passphrase";

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

impl TestHouse {
    async fn source(&self) -> Source {
        Source {
            db: self.db.clone(),
            pool: self.pool.clone(),
            log_key: self.log_key.clone(),
            checkpoint: self.checkpointer.now().await.unwrap(),
            issuers: self.ca.issuers().iter().map(|one| (one.id.clone(), one.certificate.clone())).collect(),
            dir: self.dir.clone(),
            setup: self.setup.clone(),
            now: self.now(),
            random: self.random.clone(),
            cost: CHEAP,
        }
    }

    async fn back_up(&self, name: &str, passphrase: Option<&str>) -> Result<(PathBuf, BackupInfo), BackupError> {
        let file = self.temp.path().join(name);
        let by = self.administrator(Permission::Backup);
        let made = make_file(self.source().await, &by, &file, passphrase.map(secret)).await?;
        Ok((file, made))
    }

    fn order(&self, file: &Path, opener: Opener) -> RestoreOrder {
        RestoreOrder {
            file: file.to_owned(),
            dir: self.temp.path().join("new"),
            opener,
            expect: None,
            crls: Vec::new(),
            covered: &COVERED,
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn root_key(&self) -> Opener {
        Opener::RootKeyFile(self.dir.join("root.key"))
    }

    /// Restoring is refused and leaves nothing behind.
    async fn refused(&self, order: RestoreOrder) -> BackupError {
        let before = everything(self.temp.path());
        let error = restore(order).await.expect_err("it was restored");
        assert_eq!(everything(self.temp.path()), before, "something was left behind or touched");
        let said = error.to_string();
        assert!(!said.is_empty() && said.len() < 300 && !said.contains('\n'), "{said}");
        error
    }
}

/// Path, mode and content digest of all files but the running database's.
fn everything(path: &Path) -> BTreeMap<PathBuf, (u32, [u8; 32])> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), (path.metadata().unwrap().mode(), [0; 32]));
            found.extend(everything(&path));
        } else if !path.to_string_lossy().contains("yinxin.db-") {
            let digest = engine::sm3::hash(&std::fs::read(&path).unwrap());
            found.insert(path.clone(), (path.metadata().unwrap().mode() & 0o777, digest));
        }
    }
    found
}

#[tokio::test]
async fn a_restored_installation_is_the_one_that_was_backed_up() {
    let house = TestHouse::new(Setup::Trial).await;
    let issued = house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    std::fs::write(house.dir.join("yinxin.toml"), "[web]\nlogin_failures = 7\n").unwrap();
    let (file, made) = house.back_up("full.yxb", Some(PASSPHRASE)).await.unwrap();
    assert!(made.complete);
    assert_eq!(made.size, file.metadata().unwrap().len());
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);

    let order = house.order(&file, Opener::Passphrase(secret(PASSPHRASE)));
    let dir = order.dir.clone();
    let restored = restore(order).await.unwrap();
    assert!(restored.entries >= made.entries && !restored.compared);
    assert_eq!((restored.setup, restored.installation.as_str()), (Setup::Trial, "7F3A9C"));
    assert_eq!(DataDir::look(&dir).unwrap(), Found::Installation(house.setup.clone()));
    for name in ["root.key", "setup.toml", "yinxin.toml", "roots/sm2-root.pem", "roots/ec-root.pem"] {
        assert_eq!(std::fs::read(dir.join(name)).unwrap(), std::fs::read(house.dir.join(name)).unwrap(), "{name}");
    }
    for (path, (mode, _)) in everything(&dir) {
        assert_eq!(mode & 0o077, 0, "{} can be reached by others", path.display());
    }
    let mark = restored_mark(&dir).unwrap().expect("there is a mark");
    assert_eq!(mark.entries, restored.entries);
    mark.remove(&dir).unwrap();
    assert_eq!(restored_mark(&dir).unwrap(), None);

    let db = ledger::Db::open_read_only(dir.join("yinxin.db")).unwrap();
    let audit = ledger::AuditLog::stopped(db, house.clock.clone(), &COVERED, "a copy");
    assert_eq!(audit.entry(issued.issue_seq).await.unwrap().payload.unwrap(), issued.der);
}

#[tokio::test]
async fn making_a_backup_is_logged_and_leaves_one_file() {
    let house = TestHouse::new(Setup::Trial).await;
    let before = everything(house.temp.path());
    let (file, _) = house.back_up("one.yxb", None).await.unwrap();
    let mut after = everything(house.temp.path());
    after.remove(&file).unwrap();
    let database = house.dir.join("yinxin.db");
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(after.iter().all(|(path, what)| *path == database || before[path] == *what));
    let last = house.audit.size().await.unwrap() - 1;
    let entry = ledger::audit::Entry::from_der(&house.audit.entry(last).await.unwrap().leaf).unwrap();
    assert_eq!((entry.event.as_str(), entry.person.as_str()), ("backup.made", "admin"));
}

#[tokio::test]
async fn without_a_passphrase_a_trial_s_root_key_stays_outside() {
    let house = TestHouse::new(Setup::Trial).await;
    let (file, made) = house.back_up("bare.yxb", None).await.unwrap();
    assert!(!made.complete);
    let wrong = house.order(&file, Opener::Passphrase(secret(PASSPHRASE)));
    assert!(matches!(house.refused(wrong).await, BackupError::DoesNotOpen));
    let other = house.temp.path().join("other.key");
    std::fs::write(&other, "00".repeat(32)).unwrap();
    let wrong = house.order(&file, Opener::RootKeyFile(other));
    assert!(matches!(house.refused(wrong).await, BackupError::DoesNotOpen));
    let order = house.order(&file, house.root_key());
    let dir = order.dir.clone();
    restore(order).await.unwrap();
    assert_eq!(std::fs::read(dir.join("root.key")).unwrap(), std::fs::read(house.dir.join("root.key")).unwrap());
}

#[tokio::test]
async fn in_production_either_passphrase_opens_and_no_other() {
    let house = TestHouse::new(Setup::Production).await;
    let (file, made) = house.back_up("production.yxb", Some(PASSPHRASE)).await.unwrap();
    assert!(made.complete);
    for good in [PASSPHRASE, ROOT_PASSPHRASE] {
        let order = house.order(&file, Opener::Passphrase(secret(good)));
        let dir = order.dir.clone();
        restore(order).await.unwrap();
        let sealed = |dir: &Path| std::fs::read(dir.join("root.sealed")).unwrap();
        assert_eq!(sealed(&dir), sealed(&house.dir));
        std::fs::remove_dir_all(dir).unwrap();
    }
    let wrong = house.order(&file, Opener::Passphrase(secret("neither of the two")));
    assert!(matches!(house.refused(wrong).await, BackupError::DoesNotOpen));
}

#[tokio::test]
async fn nothing_secret_lies_open_in_a_backup() {
    let house = TestHouse::new(Setup::Trial).await;
    let (file, _) = house.back_up("scan.yxb", Some(PASSPHRASE)).await.unwrap();
    let bytes = std::fs::read(file).unwrap();
    let key = std::fs::read_to_string(house.dir.join("root.key")).unwrap();
    let raw: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(&raw) && !holds(&key.as_bytes()[..64]) && !holds(b"SQLite format 3"));
    assert!(holds(b"7F3A9C"), "the search itself works");
}

#[tokio::test]
async fn a_backup_is_refused_while_sealed_without_rights_or_over_a_file() {
    let house = TestHouse::new(Setup::Trial).await;
    let file = house.temp.path().join("there.yxb");
    std::fs::write(&file, "precious").unwrap();
    let refused = house.back_up("there.yxb", None).await.unwrap_err();
    assert!(matches!(refused, BackupError::Exists(_)) && refused.code() == ErrorCode::BadRequest);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert!(matches!(house.back_up("short.yxb", Some("short")).await.unwrap_err(), BackupError::PassphraseShort));
    let by = house.administrator(Permission::ReadSystem);
    let no_right = make_file(house.source().await, &by, &house.temp.path().join("x"), None).await;
    assert!(matches!(no_right.unwrap_err(), BackupError::Forbidden));
    let source = house.source().await;
    house.pool.kms().root().seal();
    let by = house.administrator(Permission::Backup);
    let sealed = make_file(source, &by, &house.temp.path().join("x"), None).await.unwrap_err();
    assert_eq!(sealed.code(), ErrorCode::Sealed);
    assert!(!house.temp.path().join("x").exists());
}

#[tokio::test]
async fn a_state_older_than_the_checkpoint_is_refused_with_what_would_be_lost() {
    let house = TestHouse::new(Setup::Trial).await;
    let (file, _) = house.back_up("monday.yxb", None).await.unwrap();
    let mut order = house.order(&file, house.root_key());
    let dir = order.dir.clone();
    let holds = restore(house.order(&file, house.root_key())).await.unwrap().entries;
    std::fs::remove_dir_all(&dir).unwrap();
    house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    let seen = house.checkpointer.now().await.unwrap();
    order.expect = Some(seen.to_der());
    let refused = house.refused(order).await.to_string();
    let lost = format!("entries {holds}..{} would be lost", seen.body.size - 1);
    assert_eq!(refused, format!("this backup is older than the checkpoint: {lost}"));
}

#[tokio::test]
async fn a_state_that_reaches_the_checkpoint_is_restored() {
    let house = TestHouse::new(Setup::Trial).await;
    let early = house.checkpointer.now().await.unwrap();
    house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    let (file, _) = house.back_up("later.yxb", None).await.unwrap();
    let order = RestoreOrder { expect: Some(early.to_der()), ..house.order(&file, house.root_key()) };
    assert!(restore(order).await.unwrap().compared);
}

#[tokio::test]
async fn a_log_that_went_another_way_than_the_checkpoint_is_refused() {
    // Two houses drawn from one seed have one log key, but ECDSA signatures make their logs differ.
    let (house, twin) = (TestHouse::new(Setup::Trial).await, TestHouse::new(Setup::Trial).await);
    assert_eq!(house.log_key.spki, twin.log_key.spki);
    let other = twin.checkpointer.now().await.unwrap();
    house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    let (file, _) = house.back_up("fork.yxb", None).await.unwrap();
    let order = RestoreOrder { expect: Some(other.to_der()), ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::Forked { size } if size == other.body.size));
}

#[tokio::test]
async fn a_checkpoint_of_another_log_or_no_checkpoint_is_refused() {
    let (house, stranger) = (TestHouse::new(Setup::Trial).await, TestHouse::new(Setup::Production).await);
    let (file, _) = house.back_up("mine.yxb", None).await.unwrap();
    let foreign = stranger.checkpointer.now().await.unwrap().to_der();
    let order = RestoreOrder { expect: Some(foreign), ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::ExpectOtherLog));
    for bytes in [vec![], vec![0x30, 0], vec![0xff; 100_000]] {
        let order = RestoreOrder { expect: Some(bytes), ..house.order(&file, house.root_key()) };
        assert!(matches!(house.refused(order).await, BackupError::ExpectMalformed));
    }
}

#[tokio::test]
async fn a_crl_the_world_has_seen_and_the_backup_has_not_is_refused() {
    let house = TestHouse::new(Setup::Trial).await;
    let publish = house.system(Permission::PublishCrl);
    let ec = IssuerId::well_known(WellKnownIssuer::EcIssuing);
    let issued = house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    house.ca.publish_crl(&publish, &ec).await.unwrap();
    let first = house.ca.crl(&ec).await.unwrap().1.to_vec();
    let (file, _) = house.back_up("before.yxb", None).await.unwrap();
    let revoke = house.system(Permission::RevokeCertificate);
    house.ca.revoke(&revoke, &issued.serial, Some(&ec), Reason::KeyCompromise, None).await.unwrap();
    house.clock.advance(Duration::from_secs(60));
    let second = house.ca.publish_crl(&publish, &ec).await.unwrap();
    let newer = house.ca.crl(&ec).await.unwrap().1.to_vec();

    let order = RestoreOrder { crls: vec![first.clone(), newer], ..house.order(&file, house.root_key()) };
    let refused = house.refused(order).await;
    assert!(
        matches!(&refused, BackupError::CrlNewer { issuer, number } if issuer == "ec-issuing" && *number == second.number)
    );
    let stranger = TestHouse::new(Setup::Production).await;
    stranger.ca.publish_crl(&stranger.system(Permission::PublishCrl), &ec).await.unwrap();
    let foreign = stranger.ca.crl(&ec).await.unwrap().1.to_vec();
    let order = RestoreOrder { crls: vec![foreign], ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::CrlUnknownIssuer));
    let order = RestoreOrder { crls: vec![b"no CRL".to_vec()], ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::CrlMalformed));
    let order = RestoreOrder { crls: vec![first], ..house.order(&file, house.root_key()) };
    restore(order).await.unwrap();
}

#[tokio::test]
async fn only_an_absent_or_empty_directory_is_restored_into() {
    let house = TestHouse::new(Setup::Trial).await;
    let (file, _) = house.back_up("target.yxb", None).await.unwrap();
    let order = RestoreOrder { dir: house.dir.clone(), ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::NotEmpty(_)));
    let order = RestoreOrder { dir: file.clone(), ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::Io { .. }));
    let missing = house.temp.path().join("no/such");
    let order = RestoreOrder { dir: missing, ..house.order(&file, house.root_key()) };
    assert!(matches!(house.refused(order).await, BackupError::Io { .. }));
    let empty = house.temp.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    restore(RestoreOrder { dir: empty, ..house.order(&file, house.root_key()) }).await.unwrap();
}

#[tokio::test]
async fn a_backup_changed_cut_or_lengthened_anywhere_is_refused() {
    let house = TestHouse::new(Setup::Trial).await;
    let (file, _) = house.back_up("good.yxb", None).await.unwrap();
    let good = std::fs::read(&file).unwrap();
    let bad = house.temp.path().join("bad.yxb");
    let head = 600.min(good.len());
    // Every byte of the frame at both ends, and samples of the rest.
    let mut places: Vec<usize> = (0..head).step_by(3).chain(good.len() - 400..good.len()).collect();
    places.extend((0..good.len()).step_by(good.len() / 60));
    for (count, at) in places.into_iter().enumerate() {
        let mut bytes = good.clone();
        match count % 3 {
            0 => bytes[at] ^= 1 << (at % 8),
            1 => bytes.truncate(at),
            _ => drop(bytes.remove(at)),
        }
        std::fs::write(&bad, bytes).unwrap();
        restore(house.order(&bad, house.root_key())).await.expect_err("a changed backup was restored");
    }
    std::fs::write(&bad, [good.as_slice(), b"x"].concat()).unwrap();
    assert!(matches!(house.refused(house.order(&bad, house.root_key())).await, BackupError::Malformed(_)));
    assert!(restore(house.order(&file, house.root_key())).await.is_ok(), "the unchanged one is good");
}

#[test]
fn lengths_are_bounded_before_they_are_believed() {
    let huge = |version: u16, length: u32| {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes
    };
    assert!(matches!(outer::verify(&huge(1, u32::MAX)[..]), Err(BackupError::Malformed(_))));
    assert!(matches!(outer::verify(&huge(1, 100)[..]), Err(BackupError::Malformed(_))));
    assert!(matches!(outer::verify(&huge(2, 0)[..]), Err(BackupError::Newer(2))));
    assert!(matches!(outer::verify(&huge(0, 0)[..]), Err(BackupError::Malformed(_))));
    assert!(matches!(outer::verify(&b""[..]), Err(BackupError::NotABackup)));
    assert!(matches!(outer::verify(&b"-----BEGIN CERTIFICATE-----"[..]), Err(BackupError::NotABackup)));
}

/// The sealed chunks of a text, each with its frame.
fn sealed(text: &[u8]) -> Vec<Vec<u8>> {
    let mut writer = ChunkWriter::new(Vec::new(), &[7; 16], [1; 32]);
    writer.write_all(text).unwrap();
    let all = writer.finish().unwrap();
    let mut rest = &all[..];
    let mut chunks = Vec::new();
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let (chunk, after) = rest.split_at(4 + (u32::from_be_bytes(*length) & 0x7fff_ffff) as usize);
        chunks.push(chunk.to_vec());
        rest = after;
    }
    chunks
}

fn opened(chunks: &[Vec<u8>], header: [u8; 32]) -> Result<Vec<u8>, BackupError> {
    let bytes = chunks.concat();
    let mut reader = ChunkReader::new(&bytes[..], &[7; 16], header);
    let mut text = Vec::new();
    loop {
        let part = reader.some(1000)?;
        if part.is_empty() {
            return Ok(text);
        }
        text.extend_from_slice(part);
    }
}

#[test]
fn chunks_give_back_texts_of_every_length_around_their_own() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let chunks = sealed(&text);
        assert_eq!(chunks.len(), length.div_ceil(CHUNK).max(1));
        assert!(opened(&chunks, [1; 32]).unwrap() == text, "{length}");
    }
}

#[test]
fn chunks_cannot_be_dropped_swapped_repeated_cut_or_moved_to_another_header() {
    let good = sealed(&vec![5; 3 * CHUNK]);
    let refused = |chunks: &[Vec<u8>]| opened(chunks, [1; 32]).is_err();
    assert!(refused(&[good[1].clone(), good[2].clone()]));
    assert!(refused(&[good[1].clone(), good[0].clone(), good[2].clone()]));
    assert!(refused(&[good[0].clone(), good[0].clone(), good[1].clone(), good[2].clone()]));
    assert!(refused(&good[..2]));
    let mut ended_early = good[..2].to_vec();
    ended_early[1][0] |= 0x80;
    assert!(refused(&ended_early));
    assert!(opened(&good, [2; 32]).is_err());
    assert!(!refused(&good));
}

#[test]
fn files_of_other_names_are_not_taken_out() {
    let temp = tempfile::tempdir().unwrap();
    let long = "x".repeat(200);
    for name in ["../evil", "/etc/passwd", "yinxin.db-wal", "roots/../x.pem", "roots/A.pem", "roots/", "lock", &long] {
        let mut writer = ChunkWriter::new(Vec::new(), &[7; 16], [1; 32]);
        writer.write_all(&u16::try_from(name.len()).unwrap().to_be_bytes()).unwrap();
        writer.write_all(name.as_bytes()).unwrap();
        writer.write_all(&1_u64.to_be_bytes()).unwrap();
        writer.write_all(b"x").unwrap();
        archive::end(&mut writer).unwrap();
        let bytes = writer.finish().unwrap();
        let mut reader = ChunkReader::new(&bytes[..], &[7; 16], [1; 32]);
        assert!(archive::take_out(&mut reader, temp.path()).is_err(), "{name}");
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn a_setting_of_argon2_out_of_bounds_is_refused_and_not_tried() {
    let random = crypto_pool::random::SeededRandom::new(1);
    let key = slots::draw(&random).unwrap();
    for cost in [
        crypto_pool::root_key::Argon2Cost { memory_kib: u32::MAX, ..CHEAP },
        crypto_pool::root_key::Argon2Cost { memory_kib: 8, ..CHEAP },
        crypto_pool::root_key::Argon2Cost { passes: 1000, ..CHEAP },
        crypto_pool::root_key::Argon2Cost { lanes: 0, ..CHEAP },
    ] {
        let made = slots::PassphraseSlot::make(&key, PASSPHRASE, cost, "7F3A9C", &random);
        assert!(matches!(made, Err(BackupError::Cost)));
    }
    let slot = slots::PassphraseSlot::make(&key, PASSPHRASE, CHEAP, "7F3A9C", &random).unwrap();
    assert!(slot.open(PASSPHRASE, "7F3A9C").is_ok_and(|opened| opened == key));
    assert!(slot.open(PASSPHRASE, "000000").is_err(), "a slot belongs to one installation");
}
