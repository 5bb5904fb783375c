//! Whether what was taken out of a backup is sound, and not older than what the world has seen.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crypto_pool::path::Crl;
use ledger::audit::{AuditError, Checkpoint, Entry, leaf_hash, verify_inclusion};
use ledger::{AuditLog, Db};
use pki_config::Event;
use tokio::runtime::Handle;

use super::RestoreOrder;
use crate::backup::archive;
use crate::backup::error::BackupError;
use crate::backup::header::ReadHeader;

/// The set-up in the content must be the one the header says.
pub(super) fn setup(header: &ReadHeader, place: &Path) -> Result<(), BackupError> {
    let text = fs::read_to_string(place.join(archive::SETUP)).map_err(|_| BackupError::Malformed("setup.toml"))?;
    let table: toml::Table = text.parse().map_err(|_| BackupError::Malformed("setup.toml"))?;
    let says = |key: &str, value: &str| table.get(key).and_then(toml::Value::as_str) == Some(value);
    let fits = says("installation", &header.raw.installation) && says("setup", &header.raw.setup);
    if fits { Ok(()) } else { Err(BackupError::Malformed("setup.toml is of another installation")) }
}

/// Verifies the whole log and compares it with what the world has seen. How many entries it has.
pub(super) fn log(
    order: &RestoreOrder,
    header: &ReadHeader,
    expect: Option<&Checkpoint>,
    place: &Path,
    runtime: &Handle,
) -> Result<u64, BackupError> {
    let database = place.join(archive::DATABASE);
    if !database.exists() {
        return Err(BackupError::Malformed("the database is missing"));
    }
    let db = Db::open_read_only(&database)?;
    let checked = open_log(order, header, expect, &db, runtime);
    db.close();
    // Reading leaves SQLite's empty side files; the new directory shall hold only what was in the backup.
    for side in ["-wal", "-shm"] {
        let _ = fs::remove_file(place.join(format!("{}{side}", archive::DATABASE)));
    }
    checked
}

fn open_log(
    order: &RestoreOrder,
    header: &ReadHeader,
    expect: Option<&Checkpoint>,
    db: &Db,
    runtime: &Handle,
) -> Result<u64, BackupError> {
    db.full_check()?;
    let audit = AuditLog::open(db.clone(), Arc::clone(&order.clock), order.covered)?;
    let genuine = |checkpoint: &Checkpoint| crypto_pool::checkpoint::verify(checkpoint, &header.raw.log_key.0);
    audit.check_signature(&genuine)?;
    let holds = runtime.block_on(audit.size())?;
    for checkpoint in [Some(&header.checkpoint), expect].into_iter().flatten() {
        let size = checkpoint.body.size;
        if size > holds {
            return Err(BackupError::Older { holds, seen: size });
        }
        // The last leaf's way to the root fixes every other hash of the tree of that size.
        let Some(last) = size.checked_sub(1) else { continue };
        let entry = runtime.block_on(audit.entry(last))?;
        let proof = runtime.block_on(audit.inclusion(last, size))?;
        if !verify_inclusion(&leaf_hash(&entry.leaf), &proof, &checkpoint.body.root) {
            return Err(BackupError::Forked { size });
        }
    }
    let report = audit.verify_all(&mut |_, _| {}, &genuine, expect)?;
    if let Some(first) = report.findings.first() {
        return Err(BackupError::LogDamaged(first.clone()));
    }
    for crl in &order.crls {
        known_crl(crl, header, &audit, runtime)?;
    }
    Ok(holds)
}

/// Refuses if the backup does not know a CRL that its issuer published.
fn known_crl(der: &[u8], header: &ReadHeader, audit: &AuditLog, runtime: &Handle) -> Result<(), BackupError> {
    let crl = Crl::from_der(der).map_err(|_| BackupError::CrlMalformed)?;
    let issuer = header
        .issuers
        .iter()
        .find(|(_, cert)| cert.subject() == crl.issuer() && cert.public_key().is_ok_and(|key| crl.is_signed_by(key)));
    let (issuer, _) = issuer.ok_or(BackupError::CrlUnknownIssuer)?;
    let octets = crl.number().filter(|octets| octets.len() <= 8).ok_or(BackupError::CrlMalformed)?;
    let number = octets.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    // The entry of each CRL carries its SM3. Whoever knows this CRL knows every one before it.
    let found = match runtime.block_on(audit.find(&format!("{issuer}/{number}"), 100)) {
        Ok(found) => found,
        Err(AuditError::NoSuchEntry) => Vec::new(),
        Err(why) => return Err(why.into()),
    };
    let digest = engine::sm3::hash(&engine::sm3::hash(der));
    let known = found
        .iter()
        .filter_map(|stored| Entry::from_der(&stored.leaf).ok())
        .any(|entry| entry.event == Event::CrlPublished.as_str() && entry.payload_digest == digest);
    if known { Ok(()) } else { Err(BackupError::CrlNewer { issuer: issuer.to_string(), number }) }
}
