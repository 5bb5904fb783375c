//! A pool over a database in a temporary directory, with a clock that tests move.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

use std::sync::Arc;

use crypto_pool::backend::{Backend, Soft};
use crypto_pool::random::SeededRandom;
use crypto_pool::{
    Ceremony, Error, KEY_TABLE, KeyAlgorithm, KeyRecord, KeySpec, Kms, POLICY_TABLE, PoolHandle, PoolOptions, Purpose,
    Record, RootKey, RootKeySlot, SignRequest, SignatureAlgorithm, Signed, ToSign, UNIT_TABLE, kms,
};
use ledger::audit::{Entry, VerifyReport};
use ledger::{AuditLog, Db, DbOptions, Importance, Outcome, Table, Tx};
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::time::FixedClock;
use pki_config::{Actor, Event, Instant, KeyId, Permission, TenantId};

pub static COVERED: &[&Table] = &[&KEY_TABLE, &UNIT_TABLE, &POLICY_TABLE];

pub struct House {
    pub directory: tempfile::TempDir,
    pub clock: Arc<FixedClock>,
    pub db: Db,
    pub audit: AuditLog,
    pub root: RootKeySlot,
    pub kms: Kms,
    pub pool: PoolHandle,
}

pub fn noon() -> Instant {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn manager() -> Authorized {
    authorize(&Actor::system(), Permission::ManageIssuers, Setup::Trial).unwrap()
}

/// The root key that every house has.
pub fn root_key() -> RootKey {
    RootKey::draw(&SeededRandom::new(100)).unwrap()
}

impl House {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// The house whose database is in this directory.
    pub fn at(directory: tempfile::TempDir) -> Self {
        Self::with(directory, 2, |soft| Arc::new(soft))
    }

    /// As [`House::at`], with so many workers and what `wrap` makes of the backend.
    pub fn with(directory: tempfile::TempDir, threads: usize, wrap: impl FnOnce(Soft) -> Arc<dyn Backend>) -> Self {
        Self::rooted(directory, threads, |soft, _| wrap(soft))
    }

    /// As [`House::with`]; `wrap` gets the slot of the root key too.
    pub fn rooted(
        directory: tempfile::TempDir,
        threads: usize,
        wrap: impl FnOnce(Soft, RootKeySlot) -> Arc<dyn Backend>,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(noon()));
        let options = DbOptions { reserve: 0, ..DbOptions::new(directory.path().join("yinxin.db")) };
        let db = Db::open(options).unwrap();
        kms::migrate(&db).unwrap();
        db.migrate("test", &["CREATE TABLE note (text TEXT NOT NULL) STRICT"]).unwrap();
        let audit = AuditLog::open(db.clone(), clock.clone(), COVERED).unwrap();
        let root = RootKeySlot::sealed();
        root.open(root_key());
        let random = Arc::new(crypto_pool::OsRandom::open().unwrap());
        let backend = wrap(Soft::new(root.clone(), random.clone()), root.clone());
        let kms = Kms::new(db.clone(), audit.clone(), backend, root.clone(), random, clock.clone());
        let options = PoolOptions { threads, queue: 10_000, ..PoolOptions::default() };
        let pool = PoolHandle::local(&options, db.clone(), audit.clone(), kms.clone()).unwrap();
        Self { directory, clock, db, audit, root, kms, pool }
    }

    /// Stops everything and opens it again from the disk.
    pub fn restart(self) -> Self {
        let Self { directory, db, pool, .. } = self;
        pool.stop();
        db.close();
        Self::at(directory)
    }

    pub async fn key(&self, purpose: Purpose, algorithm: KeyAlgorithm) -> KeyRecord {
        let subject = (purpose == Purpose::CertificateAuthority).then(name);
        let spec = KeySpec { purpose, algorithm, subject, tenant: TenantId::house() };
        self.kms.generate(&manager(), spec).await.unwrap()
    }

    pub async fn ca(&self) -> KeyRecord {
        self.key(Purpose::CertificateAuthority, KeyAlgorithm::Sm2).await
    }

    /// Signs and writes a note beside the entry.
    pub async fn sign(&self, key: KeyId, to_sign: ToSign, ceremony: Option<Ceremony>) -> Result<Signed, Error> {
        self.pool.sign(request(key, to_sign, ceremony), note).await
    }

    pub async fn entries(&self) -> Vec<Entry> {
        let stored = self.audit.entries(0, 10_000).await.unwrap();
        stored.iter().map(|entry| Entry::from_der(&entry.leaf).unwrap()).collect()
    }

    pub async fn notes(&self) -> i64 {
        let count = |tx: &Tx<'_>| tx.query_opt("SELECT count(*) FROM note", &[], |row| row.get(0));
        self.db.read(count).await.unwrap().unwrap()
    }

    pub fn verify(&self) -> VerifyReport {
        self.audit.verify_all(&mut |_, _| {}, &|_| true, None).unwrap()
    }
}

pub fn request(key: KeyId, to_sign: ToSign, ceremony: Option<Ceremony>) -> SignRequest {
    SignRequest { key, to_sign, actor: Actor::system(), ceremony, importance: Importance::Normal }
}

pub fn recorded(object: &str) -> Record {
    Record {
        event: Event::CertificateIssued,
        object: object.to_owned(),
        outcome: Outcome::Done,
        payload: object.as_bytes().to_vec(),
        covers: Vec::new(),
    }
}

pub fn note(tx: &Tx<'_>, signed: &Signed) -> Result<(Record, Signed), Error> {
    tx.execute("INSERT INTO note VALUES ($1)", &[&"signed"])?;
    Ok((recorded("serial"), signed.clone()))
}

pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = match content.len() {
        0..=127 => vec![tag, length[1]],
        128..=255 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    out.extend(content);
    out
}

/// `CN=Test` as a DER name.
pub fn name() -> Vec<u8> {
    let attribute = tlv(0x30, &[&[6, 3, 0x55, 4, 3], &tlv(0x0c, &[b"Test"])]);
    tlv(0x30, &[&tlv(0x31, &[&attribute])])
}

fn authority_key_id(issuer: &KeyRecord) -> Vec<u8> {
    let id = tlv(0x30, &[&tlv(0x80, &[&issuer.key_id])]);
    tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x23], &tlv(4, &[&id])])
}

/// A TBSCertificate for nobody in particular, which this issuer may sign; `ca` needs a ceremony.
pub fn tbs_certificate(issuer: &KeyRecord, serial: u8, ca: bool) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::for_key(issuer.algorithm).identifier_der();
    let validity = tlv(0x30, &[&tlv(0x17, &[b"261121000000Z"]), &tlv(0x17, &[b"271120235959Z"])]);
    let subject = tlv(0x30, &[]);
    // The subject's key is P-256's 2G, as good as any here.
    let point = [
        &[4][..],
        &hex("7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"),
        &hex("07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"),
    ]
    .concat();
    let spki = tlv(0x30, &[KeyAlgorithm::P256.spki_identifier(), &tlv(3, &[&[0], &point])]);
    let constraints: &[u8] = if ca { &[0x30, 3, 1, 1, 0xff] } else { &[0x30, 0] };
    let constraints = tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff], &tlv(4, &[constraints])]);
    let extensions = tlv(0xa3, &[&tlv(0x30, &[&authority_key_id(issuer), &constraints])]);
    let parts: [&[u8]; 8] =
        [&[0xa0, 3, 2, 1, 2, 2, 1, serial], algorithm, &name(), &validity, &subject, &spki, &extensions, &[]];
    tlv(0x30, &parts)
}

/// A TBSCertList of this issuer without entries.
pub fn tbs_crl(issuer: &KeyRecord) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::for_key(issuer.algorithm).identifier_der();
    let extensions = tlv(0xa0, &[&tlv(0x30, &[&authority_key_id(issuer)])]);
    let times = b"\x17\x0d261121120000Z\x17\x0d261122120000Z";
    tlv(0x30, &[&[2, 1, 1], algorithm, &name(), times, &extensions])
}

pub fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
