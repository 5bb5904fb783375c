//! What memory holds of each certificate: its status, and the answers made ahead for it.
//!
//! One table for each issuer, in 64 parts with a lock each, so that a revocation never waits for a scan. The tables are
//! never ahead of the database: they change when a transaction is durable (see `feed`), and an answer is kept only if
//! the status it was signed for still stands.
//!
//! An answer made ahead is kept as its signature and a reference to what it shares with the others of its batch (the
//! responder's certificate, the times). Writing the whole answer again takes a fraction of a microsecond; keeping a
//! million of them written out would take three times the memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use pki_config::status::Revocation;
use pki_config::{Instant, Serial};

use crate::core::request::Form;
use crate::core::response::{Signer, Times};

/// Parts of a table.
pub(crate) const SHARDS: usize = 64;

/// A serial number as a key: its length, then its magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SerialKey([u8; 21]);

impl SerialKey {
    /// From the magnitude: 1 to 20 octets, the first not zero.
    pub(crate) fn from_magnitude(magnitude: &[u8]) -> Option<Self> {
        if !(1..=20).contains(&magnitude.len()) || magnitude[0] == 0 {
            return None;
        }
        let mut key = [0; 21];
        key[0] = magnitude.len().to_le_bytes()[0];
        key[1..=magnitude.len()].copy_from_slice(magnitude);
        Some(Self(key))
    }

    /// From the content octets of a DER INTEGER; `None` for what no certificate has: zero, negative, too long.
    pub(crate) fn from_content(content: &[u8]) -> Option<Self> {
        match content {
            [0, magnitude @ ..] => Self::from_magnitude(magnitude),
            [first, ..] if *first < 0x80 => Self::from_magnitude(content),
            _ => None,
        }
    }

    pub(crate) fn of(serial: &Serial) -> Option<Self> {
        Self::from_magnitude(serial.as_bytes())
    }

    /// The content octets of the DER INTEGER.
    pub(crate) fn content(&self) -> Vec<u8> {
        let magnitude = &self.0[1..=usize::from(self.0[0])];
        let mut content = Vec::with_capacity(21);
        if magnitude[0] >= 0x80 {
            content.push(0);
        }
        content.extend_from_slice(magnitude);
        content
    }

    /// Random serials spread by any of their octets, counted ones by the last.
    fn shard(&self) -> usize {
        let last = self.0[usize::from(self.0[0])];
        usize::from(last) % SHARDS
    }
}

/// What the answers of one batch share.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) signer: Arc<Signer>,
    pub(crate) times: Times,
}

/// An answer made ahead, without what its batch has.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) batch: Arc<Batch>,
    signature: Signature,
    form: Form,
    /// The same certificate asked about in another form.
    next: Option<Box<Made>>,
}

/// Most signatures are SM2 or P-256, at most 72 bytes; they need no allocation of their own.
#[derive(Debug)]
enum Signature {
    Short(u8, [u8; 72]),
    Long(Box<[u8]>),
}

impl Made {
    pub(crate) fn new(form: Form, batch: Arc<Batch>, signature: &[u8]) -> Self {
        let mut short = [0; 72];
        let signature = match short.get_mut(..signature.len()) {
            Some(room) => {
                room.copy_from_slice(signature);
                Signature::Short(signature.len().to_le_bytes()[0], short)
            }
            None => Signature::Long(signature.into()),
        };
        Self { batch, signature, form, next: None }
    }

    pub(crate) fn signature(&self) -> &[u8] {
        match &self.signature {
            Signature::Short(length, bytes) => &bytes[..usize::from(*length)],
            Signature::Long(bytes) => bytes,
        }
    }
}

/// One certificate. Good ones without an answer, the most there are, take no more than this.
#[derive(Debug, Default)]
struct Row {
    /// Unit: seconds since 1970; the highest stands for everything later.
    not_after: u32,
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    revocation: Option<Revocation>,
    made: Option<Box<Made>>,
}

impl Row {
    fn new(not_after: Instant, revocation: Option<Revocation>) -> Self {
        let more = revocation.map(|_| Box::new(More { revocation, made: None }));
        Self { not_after: u32::try_from(not_after.unix_seconds()).unwrap_or(u32::MAX), more }
    }

    fn not_after(&self) -> Instant {
        match self.not_after {
            u32::MAX => Instant::LAST,
            seconds => Instant::from_unix_seconds(i64::from(seconds)).unwrap_or(Instant::LAST),
        }
    }

    fn revocation(&self) -> Option<Revocation> {
        self.more.as_ref().and_then(|more| more.revocation)
    }

    fn made(&self, form: Form) -> Option<&Made> {
        let mut made = self.more.as_ref()?.made.as_deref();
        while let Some(one) = made {
            if one.form == form {
                return Some(one);
            }
            made = one.next.as_deref();
        }
        None
    }

    fn count(&self) -> usize {
        let mut made = self.more.as_ref().and_then(|more| more.made.as_deref());
        let mut count = 0;
        while let Some(one) = made {
            count += 1;
            made = one.next.as_deref();
        }
        count
    }
}

/// What is known of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) not_after: Instant,
    pub(crate) revocation: Option<Revocation>,
}

/// A certificate for which an answer is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) serial: SerialKey,
    pub(crate) entry: Entry,
}

/// All certificates of one issuer.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<RwLock<HashMap<SerialKey, Row>>>,
    made: AtomicUsize,
}

impl Default for Index {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), made: AtomicUsize::new(0) }
    }
}

impl Index {
    fn read(&self, shard: usize) -> RwLockReadGuard<'_, HashMap<SerialKey, Row>> {
        self.shards[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shard: usize) -> RwLockWriteGuard<'_, HashMap<SerialKey, Row>> {
        self.shards[shard].write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a certificate is from now on. Answers made for what it was are dropped.
    pub(crate) fn set(&self, serial: SerialKey, entry: Entry) {
        let old = self.write(serial.shard()).insert(serial, Row::new(entry.not_after, entry.revocation));
        self.made.fetch_sub(old.map_or(0, |row| row.count()), Ordering::Relaxed);
    }

    /// What is known; `None` if it was never issued.
    pub(crate) fn get(&self, serial: &SerialKey) -> Option<Entry> {
        let shard = self.read(serial.shard());
        shard.get(serial).map(|row| Entry { not_after: row.not_after(), revocation: row.revocation() })
    }

    /// Looks at a certificate and at the answer made ahead in this form, if there is one.
    pub(crate) fn with_made<T>(
        &self,
        serial: &SerialKey,
        form: Form,
        look: impl FnOnce(Entry, &Made) -> Option<T>,
    ) -> Option<T> {
        let shard = self.read(serial.shard());
        let row = shard.get(serial)?;
        look(Entry { not_after: row.not_after(), revocation: row.revocation() }, row.made(form)?)
    }

    /// Keeps an answer, if what it says still stands.
    pub(crate) fn keep(&self, serial: &SerialKey, signed_as: Entry, made: Made) {
        let mut shard = self.write(serial.shard());
        let Some(row) = shard.get_mut(serial) else { return };
        if row.revocation() != signed_as.revocation {
            return;
        }
        let more = row.more.get_or_insert_default();
        let mut place = &mut more.made;
        while let Some(one) = place {
            if one.form == made.form {
                one.batch = made.batch;
                one.signature = made.signature;
                return;
            }
            place = &mut one.next;
        }
        *place = Some(Box::new(made));
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// The certificates of one part that need an answer in the usual form: those without one, and those whose answer
    /// was made before `oldest`. Expired certificates lose the answers that ended. Also tells the thisUpdate of the
    /// oldest answer that stays.
    pub(crate) fn due(&self, shard: usize, now: Instant, oldest: Instant) -> (Vec<Due>, Option<Instant>) {
        let (mut due, mut eldest, mut over) = (Vec::new(), None::<Instant>, Vec::new());
        for (serial, row) in &*self.read(shard) {
            let made = row.made(Form::USUAL).map(|made| made.batch.times);
            if row.not_after() < now {
                if row.count() > 0 && made.is_none_or(|times| times.next_update < now) {
                    over.push(*serial);
                }
            } else if made.is_none_or(|times| times.this_update <= oldest) {
                let entry = Entry { not_after: row.not_after(), revocation: row.revocation() };
                due.push(Due { serial: *serial, entry });
            } else if let Some(times) = made {
                eldest = Some(eldest.map_or(times.this_update, |e| e.min(times.this_update)));
            }
        }
        if !over.is_empty() {
            let mut rows = self.write(shard);
            for serial in over {
                let Some(row) = rows.get_mut(&serial) else { continue };
                self.made.fetch_sub(row.count(), Ordering::Relaxed);
                if let Some(more) = &mut row.more {
                    more.made = None;
                }
            }
        }
        (due, eldest)
    }

    /// Room for so many certificates, when they are about to be read from the database.
    pub(crate) fn len(&self) -> usize {
        (0..SHARDS).map(|shard| self.read(shard).len()).sum()
    }

    /// Answers that lie ready.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_pool::SignatureAlgorithm;
    use pki_config::status::Reason;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn entry(revoked: Option<&str>) -> Entry {
        let revocation =
            revoked.map(|at| Revocation { at: at.parse().unwrap(), reason: Reason::Superseded, invalidity: None });
        Entry { not_after: at("2027-01-01T00:00:00Z"), revocation }
    }

    fn batch(this_update: &str) -> Arc<Batch> {
        let this_update = at(this_update);
        let next_update = this_update.plus(std::time::Duration::from_secs(3600));
        let times = Times { produced: this_update, this_update, next_update };
        Arc::new(Batch { signer: Arc::new(Signer::new(SignatureAlgorithm::Sm2Sm3, &[4; 65], &[0x30, 0])), times })
    }

    fn serial() -> SerialKey {
        SerialKey::from_magnitude(&[0x80, 1]).unwrap()
    }

    #[test]
    fn a_serial_is_found_by_its_content_octets() {
        assert_eq!(SerialKey::from_content(&[0, 0x80, 1]), Some(serial()));
        assert_eq!(serial().content(), [0, 0x80, 1]);
        assert_eq!(SerialKey::from_content(&[1]).unwrap().content(), [1]);
        for never in [&[0][..], &[], &[0x80, 1], &[1; 21], &[0, 0]] {
            assert_eq!(SerialKey::from_content(never), None, "{never:x?}");
        }
    }

    #[test]
    fn a_change_of_status_drops_the_answers_made_before() {
        let index = Index::default();
        index.set(serial(), entry(None));
        for form in [Form::USUAL, Form { null: false, ..Form::USUAL }] {
            index.keep(&serial(), entry(None), Made::new(form, batch("2026-01-01T00:00:00Z"), &[1; 71]));
        }
        assert_eq!(index.made(), 2);
        let signature = index.with_made(&serial(), Form::USUAL, |_, made| Some(made.signature().to_vec()));
        assert_eq!(signature, Some(vec![1; 71]));
        index.set(serial(), entry(Some("2026-01-01T00:00:01Z")));
        assert_eq!((index.made(), index.len()), (0, 1));
        assert_eq!(index.with_made(&serial(), Form::USUAL, |_, _| Some(())), None);
    }

    #[test]
    fn an_answer_signed_before_a_revocation_is_not_kept_after_it() {
        let index = Index::default();
        let before = entry(None);
        index.set(serial(), before);
        index.set(serial(), entry(Some("2026-01-01T00:00:01Z")));
        index.keep(&serial(), before, Made::new(Form::USUAL, batch("2026-01-01T00:00:00Z"), &[1; 71]));
        assert_eq!(index.made(), 0);
        // Nor for a certificate nobody knows.
        let other = SerialKey::from_magnitude(&[9]).unwrap();
        index.keep(&other, before, Made::new(Form::USUAL, batch("2026-01-01T00:00:00Z"), &[1; 71]));
        assert_eq!((index.get(&other), index.made()), (None, 0));
    }

    #[test]
    fn long_signatures_are_kept_too() {
        let made = Made::new(Form::USUAL, batch("2026-01-01T00:00:00Z"), &[5; 256]);
        assert_eq!(made.signature(), [5; 256]);
    }

    #[test]
    fn what_has_no_answer_or_an_old_one_is_due_and_what_expired_is_not() {
        let index = Index::default();
        let (now, oldest) = (at("2026-01-01T00:30:00Z"), at("2026-01-01T00:10:00Z"));
        let shard = serial().shard();
        index.set(serial(), entry(None));
        assert_eq!(index.due(shard, now, oldest).0.len(), 1);
        index.keep(&serial(), entry(None), Made::new(Form::USUAL, batch("2026-01-01T00:05:00Z"), &[1; 71]));
        assert_eq!(index.due(shard, now, oldest).0.len(), 1);
        index.keep(&serial(), entry(None), Made::new(Form::USUAL, batch("2026-01-01T00:20:00Z"), &[1; 71]));
        let (due, eldest) = index.due(shard, now, oldest);
        assert_eq!((due.len(), eldest), (0, Some(at("2026-01-01T00:20:00Z"))));
        let late = at("2027-01-02T00:00:00Z");
        assert!(index.due(shard, late, late).0.is_empty());
        assert_eq!(index.made(), 0, "an expired certificate's ended answer is dropped");
    }
}
