//! Seals on documents, with keys of the house.

use std::sync::Arc;

use crypto_pool::{Record, SignRequest};
use ledger::{Importance, Outcome, Seq, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::{Event, Instant, SealId, TenantId};
use serde::{Deserialize, Serialize};

use super::value::{Value, hash_of, key_for};
use super::{Eseal, Kept, Made};
use crate::core::facts::Facts;
use crate::core::job::{Done, Job};
use crate::core::order::{self, Form};
use crate::core::picture::Picture;
use crate::core::place::{Place, Stamp};
use crate::error::Error;
use crate::seal::{SealRecord, SealState};
use crate::store::{self, used::Use};

/// Room for a signature beside the seal: certificates, time-stamp, attributes. Unit: bytes.
const ROOM: usize = 16 << 10;

/// How much a PAdES signature holds (ETSI EN 319 142-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The signature.
    BB,
    /// And a time-stamp.
    BT,
    /// And, in the document, what is needed to verify it later.
    BLt,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The seal.
    pub seal: [u8; 16],
    /// Where it goes.
    pub places: Vec<Place>,
    /// The form of the signature.
    pub form: Form,
    /// For PAdES: how much it holds.
    pub level: Level,
    /// Whether it is time-stamped.
    pub stamp: bool,
    /// Why; for PDF.
    pub reason: Option<String>,
    /// Where; for PDF.
    pub location: Option<String>,
}

/// A seal that was put on a document and is durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The request it answers.
    pub request: String,
    /// The seal.
    pub seal: SealId,
    /// The time that was signed.
    pub at: Instant,
    /// Where it was put.
    pub stamps: Vec<Stamp>,
    /// The time-stamp token.
    pub token: Option<Vec<u8>>,
    /// The log entry whose payload the signature is.
    pub seq: Seq,
}

/// An answer to a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Hashed {
    /// What is known of it; without stamps.
    pub receipt: Receipt,
    /// The `SES_Signature`, DER.
    pub signature: Vec<u8>,
}

/// A use that is being made.
pub(super) struct Asked {
    pub(super) tenant: TenantId,
    pub(super) request: String,
    pub(super) ordered: [u8; 32],
    pub(super) document: Option<String>,
}

impl Eseal {
    /// Puts a seal on a document. `request` is the caller's id of this order; asked again with the same id and the same
    /// order, the answer is the same and nothing is signed again. `name`: what the document is called.
    ///
    /// # Errors
    /// [`Error`]; nothing is answered in part.
    pub async fn seal(
        &self,
        by: &Authorized,
        order: &Order,
        request: Option<&str>,
        name: Option<&str>,
        document: Arc<[u8]>,
    ) -> Result<(Receipt, Vec<u8>), Error> {
        Self::demand(by, &[Permission::UseSeal])?;
        let asked = self.asked(by, order, request, name, Arc::clone(&document)).await?;
        // Twice: when somebody asked the same at the same time and came first.
        for _ in 0..2 {
            let before = self.used(&asked).await?;
            let id = SealId::from_bytes(order.seal);
            let (made, record) = self.for_use(by, id, before.as_ref()).await?;
            let at = before.as_ref().map_or_else(|| self.0.options.clock.now().whole_second(), |used| used.at);
            let prepared = self.prepared(order, &record, &made, at, Arc::clone(&document)).await?;
            let (digest, property) = (prepared.digest.as_slice(), prepared.property.as_str());
            if prepared.hash != hash_of(order.form) {
                return Err(Error::Workshop("the document was measured by another hash".to_owned()));
            }
            let kept = key_for(&made, order.form)?;
            let value = Value::new(&made, order.form, at, digest, property, Some(kept))?;
            let used = match before {
                Some(used) if used.digest == digest && used.property == property => used,
                Some(_) => return Err(Error::OwnResult("the document was made ready differently".to_owned())),
                None => {
                    match self.sign(by, &asked, &made, &record, order.form, (at, digest, property), &value).await? {
                        Some(used) => used,
                        None => continue,
                    }
                }
            };
            let token = if order.stamp { Some(self.stamped(&used).await?) } else { None };
            let value = value.finish(&used.signer, Some(kept), &used.signature, token.as_deref())?;
            let stamps = prepared.stamps.clone();
            let sealed = prepared.finish(&value).map_err(Error::Document)?;
            let sealed = if order.level == Level::BLt { self.with_evidence(sealed).await? } else { sealed };
            let sealed = self.checked(sealed, &value, false).await?;
            let receipt = Receipt { request: asked.request, seal: id, at, stamps, token, seq: used.seq };
            return Ok((receipt, sealed));
        }
        Err(Error::RequestReused)
    }

    /// Signs for a document that stays with whoever asks: its digest (SM3) and `propertyInfo` in, `SES_Signature` out.
    ///
    /// # Errors
    /// As [`Eseal::seal`].
    pub async fn seal_hash(
        &self,
        by: &Authorized,
        id: SealId,
        (digest, property): (&[u8], &str),
        stamp: bool,
        request: Option<&str>,
        name: Option<&str>,
    ) -> Result<Hashed, Error> {
        Self::demand(by, &[Permission::UseSeal])?;
        let order = Order {
            seal: *id.as_bytes(),
            places: Vec::new(),
            form: Form::Seal,
            level: Level::BB,
            stamp,
            reason: None,
            location: None,
        };
        let both: Arc<[u8]> = [b"digest\0", digest, property.as_bytes()].concat().into();
        let asked = self.asked(by, &order, request, name, both).await?;
        for _ in 0..2 {
            let before = self.used(&asked).await?;
            let (made, record) = self.for_use(by, id, before.as_ref()).await?;
            let at = before.as_ref().map_or_else(|| self.0.options.clock.now().whole_second(), |used| used.at);
            let kept = key_for(&made, Form::Seal)?;
            let value = Value::new(&made, Form::Seal, at, digest, property, Some(kept))?;
            let used = match before {
                Some(used) => used,
                None => {
                    match self.sign(by, &asked, &made, &record, Form::Seal, (at, digest, property), &value).await? {
                        Some(used) => used,
                        None => continue,
                    }
                }
            };
            let token = if stamp { Some(self.stamped(&used).await?) } else { None };
            let signature = value.finish(&used.signer, Some(kept), &used.signature, token.as_deref())?;
            let receipt = Receipt { request: asked.request, seal: id, at, stamps: Vec::new(), token, seq: used.seq };
            return Ok(Hashed { receipt, signature });
        }
        Err(Error::RequestReused)
    }

    /// Where the seal would go. Signs nothing.
    ///
    /// # Errors
    /// As [`Eseal::seal`].
    pub async fn stamps(&self, by: &Authorized, order: &Order, document: Arc<[u8]>) -> Result<Vec<Stamp>, Error> {
        Self::demand(by, &[Permission::UseSeal])?;
        let (made, record) = self.for_use(by, SealId::from_bytes(order.seal), None).await?;
        let at = self.0.options.clock.now().whole_second();
        Ok(self.prepared(order, &record, &made, at, document).await?.stamps)
    }

    /// The request, and the digest of everything that is asked for.
    pub(super) async fn asked(
        &self,
        by: &Authorized,
        order: &Order,
        request: Option<&str>,
        name: Option<&str>,
        document: Arc<[u8]>,
    ) -> Result<Asked, Error> {
        let request = match request {
            Some(request) if is_request_id(request) => request.to_owned(),
            Some(_) => return Err(Error::Order("a request id has 1 to 64 of A-Z a-z 0-9 . _ -".to_owned())),
            None => SealId::draw(&*self.0.options.random)?.to_string(),
        };
        if name.is_some_and(|name| name.len() > 300) {
            return Err(Error::Order("a document's name has at most 300 bytes".to_owned()));
        }
        let text = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > 1000);
        if text(&order.reason) || text(&order.location) {
            return Err(Error::Order("a reason and a location have at most 1,000 bytes".to_owned()));
        }
        if order.form != Form::Pades && order.level == Level::BLt {
            return Err(Error::Order("evidence (b-lt) goes with the form pades only".to_owned()));
        }
        let bytes = postcard::to_allocvec(order).map_err(|_| Error::Order("the order does not read".to_owned()))?;
        // A large document is measured where nobody waits for this thread.
        let digest = if document.len() > 1 << 20 {
            let measured = tokio::task::spawn_blocking(move || engine::sm3::hash(&document)).await;
            measured.map_err(|panic| Error::Workshop(panic.to_string()))?
        } else {
            engine::sm3::hash(&document)
        };
        let ordered = engine::sm3::hash(&[&bytes[..], &digest].concat());
        Ok(Asked { tenant: Self::tenant(by), request, ordered, document: name.map(str::to_owned) })
    }

    /// What this request was answered with before, if it was.
    pub(super) async fn used(&self, asked: &Asked) -> Result<Option<Use>, Error> {
        let (tenant, request) = (asked.tenant.clone(), asked.request.clone());
        let read = move |tx: &Tx<'_>| store::used::of_request(tx, &tenant, &request);
        match self.0.options.db.read(read).await? {
            Some(used) if used.ordered == asked.ordered => Ok(Some(used)),
            Some(_) => Err(Error::RequestReused),
            None => Ok(None),
        }
    }

    /// The seal, if the caller may use it now. What was signed before may be had again even if it is suspended since.
    pub(super) async fn for_use(
        &self,
        by: &Authorized,
        id: SealId,
        before: Option<&Use>,
    ) -> Result<(Made, SealRecord), Error> {
        let record = self.record(by.actor().tenant(), id).await?;
        if !record.is_for(by.actor().person()) {
            return Err(Error::NotYours);
        }
        if let Some(used) = before {
            return Ok((self.made(id, used.version).await?, record));
        }
        self.usable(&record)?;
        let made = self.made(id, record.version).await?;
        Ok((made, record))
    }

    pub(super) fn usable(&self, record: &SealRecord) -> Result<(), Error> {
        if record.state != SealState::Enabled {
            return Err(Error::State { seal: record.id, state: record.state.as_str() });
        }
        let now = self.0.options.clock.now();
        if record.valid_from.is_none_or(|from| now < from) || record.valid_until < now.whole_second() {
            return Err(Error::State { seal: record.id, state: "outside its validity" });
        }
        Ok(())
    }

    /// The document, ready for the signature: the same octets each time for the same order and time.
    pub(super) async fn prepared(
        &self,
        order: &Order,
        record: &SealRecord,
        made: &Made,
        at: Instant,
        document: Arc<[u8]>,
    ) -> Result<order::Prepared, Error> {
        let picture = Picture {
            png: made.seal.picture.data.clone(),
            width: made.seal.picture.width as f64,
            height: made.seal.picture.height as f64,
        };
        let seal = made.seal.der().to_vec();
        let chain = |kept: &Kept| kept.cert.der().len() + kept.issuers.iter().map(Vec::len).sum::<usize>();
        let certificates = [&made.sm2, &made.ec].into_iter().flatten().map(chain).max().unwrap_or(4096);
        let reserve = match order.form {
            Form::Seal => seal.len() + certificates + ROOM,
            Form::Cms | Form::Pades => certificates + ROOM,
        };
        let order = order::Order {
            form: order.form,
            places: order.places.clone(),
            picture,
            seal,
            at,
            signer: record.owner.clone(),
            reason: order.reason.clone(),
            location: order.location.clone(),
            reserve,
        };
        match self.workshop().run(Job::Prepare(Box::new(order)), document).await? {
            Done::Prepared(prepared) => Ok(*prepared),
            _ => Err(Error::Workshop("another answer than was asked for".to_owned())),
        }
    }

    /// Returns when everything that was being written is durable: then what another request wrote can be read.
    pub(super) async fn settled(&self) -> Result<(), Error> {
        Ok(self.0.options.db.write(Importance::Normal, |_: &Tx<'_>| Ok::<(), ledger::DbError>(())).await?)
    }

    /// Signs and records. `None`: the same request was answered meanwhile; nothing was kept of this signature.
    #[allow(clippy::too_many_arguments)]
    async fn sign(
        &self,
        by: &Authorized,
        asked: &Asked,
        made: &Made,
        record: &SealRecord,
        form: Form,
        (at, digest, property): (Instant, &[u8], &str),
        value: &Value,
    ) -> Result<Option<Use>, Error> {
        let kept = key_for(made, form)?;
        self.still_good(kept).await?;
        let used = Use {
            tenant: asked.tenant.clone(),
            request: asked.request.clone(),
            ordered: asked.ordered,
            seal: record.id,
            version: made.version,
            person: by.actor().person().to_owned(),
            form,
            hash: hash_of(form),
            digest: digest.to_vec(),
            property: property.to_owned(),
            document: asked.document.clone(),
            at,
            signer: kept.cert.der().to_vec(),
            signature: Vec::new(),
            seq: 0,
        };
        let ask = SignRequest {
            key: kept.key,
            to_sign: value.to_sign(kept),
            actor: by.actor().clone(),
            ceremony: None,
            importance: Importance::Normal,
        };
        let commit = move |tx: &Tx<'_>, signed: &crypto_pool::Signed| -> Result<(Record, Use), Refused> {
            admit(tx, &used)?;
            let used = Use { signature: signed.signature.clone(), seq: signed.seq, ..used };
            let record = Record {
                event: Event::SealUsed,
                object: used.seal.to_string(),
                outcome: Outcome::Done,
                payload: signed.signature.clone(),
                covers: vec![store::used::put(tx, &used, signed.seq)?],
            };
            Ok((record, used))
        };
        match self.0.options.pool.sign(ask, commit).await {
            Ok(used) => Ok(Some(used)),
            Err(Refused::Again) => {
                self.settled().await?;
                Ok(None)
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    /// The time-stamp of a use: the one it got first.
    pub(super) async fn stamped(&self, used: &Use) -> Result<Vec<u8>, Error> {
        let db = &self.0.options.db;
        let (tenant, request) = (used.tenant.clone(), used.request.clone());
        let kept = db.read({
            let (tenant, request) = (tenant.clone(), request.clone());
            move |tx: &Tx<'_>| store::used::stamp(tx, &tenant, &request)
        });
        if let Some(token) = kept.await? {
            return Ok(token);
        }
        let token = self.time_stamp(used.form, &used.signature).await?;
        let keep = move |tx: &Tx<'_>| -> Result<Option<Vec<u8>>, ledger::DbError> {
            store::used::keep_stamp(tx, &tenant, &request, &token)?;
            store::used::stamp(tx, &tenant, &request)
        };
        db.write(Importance::Normal, keep).await?.ok_or(Error::Damaged("a time-stamp over a seal"))
    }

    /// The same with what its verifiers will need later.
    async fn with_evidence(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Error> {
        let evidence = self.0.options.believes.evidence().await;
        let evidence = evidence.map_err(|why| Error::Workshop(format!("evidence cannot be had: {why}")))?;
        match self.workshop().run(Job::Embed(Box::new(evidence)), sealed).await? {
            Done::Document(document) => Ok(document),
            _ => Err(Error::Workshop("another answer than was asked for".to_owned())),
        }
    }

    /// Opens our own result as a stranger would, before it leaves.
    pub(super) async fn checked(&self, sealed: Vec<u8>, value: &[u8], elsewhere: bool) -> Result<Vec<u8>, Error> {
        let sealed: Arc<Vec<u8>> = Arc::new(sealed);
        let facts = self.facts(Shared(Arc::clone(&sealed))).await.map_err(|error| match error {
            Error::Document(why) => Error::OwnResult(crate::error::sentence(&why)),
            other => other,
        })?;
        self.own_result(&facts, value, elsewhere).await?;
        Ok(Arc::unwrap_or_clone(sealed))
    }

    /// What a reader finds in a document.
    ///
    /// # Errors
    /// The document cannot be read.
    pub async fn facts(&self, document: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Facts, Error> {
        match self.workshop().run(Job::Read, document).await? {
            Done::Facts(facts) => Ok(*facts),
            _ => Err(Error::Workshop("another answer than was asked for".to_owned())),
        }
    }
}

/// Octets that are read elsewhere while we keep them.
pub(super) struct Shared(pub(super) Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why a use was not recorded.
pub(super) enum Refused {
    /// The same request was answered meanwhile.
    Again,
    Error(Error),
}

impl From<crypto_pool::Error> for Refused {
    fn from(error: crypto_pool::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<ledger::DbError> for Refused {
    fn from(error: ledger::DbError) -> Self {
        Self::Error(error.into())
    }
}

impl From<ledger::AuditError> for Refused {
    fn from(error: ledger::AuditError) -> Self {
        Self::Error(error.into())
    }
}

/// In the transaction of the signature: nobody suspended or remade the seal meanwhile, and the request is new.
pub(super) fn admit(tx: &Tx<'_>, used: &Use) -> Result<(), Refused> {
    if store::used::is_used(tx, &used.tenant, &used.request)? {
        return Err(Refused::Again);
    }
    let seal = store::seal(tx, used.seal, Some(&used.tenant))?.ok_or(Refused::Error(Error::UnknownSeal))?;
    if seal.state != SealState::Enabled {
        return Err(Refused::Error(Error::State { seal: used.seal, state: seal.state.as_str() }));
    }
    Ok(())
}

fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_short_and_plain() {
        assert!(is_request_id("order-2026_11.21") && is_request_id(&"a".repeat(64)));
        for bad in ["", "a b", "a/b", "单号", &"a".repeat(65)] {
            assert!(!is_request_id(bad), "{bad}");
        }
    }
}
