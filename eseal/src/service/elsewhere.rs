//! Seals whose holders keep their keys: we make the document ready and say what is to be signed, the holder's device
//! signs it, and we put the signature in.

use std::sync::Arc;
use std::time::Duration;

use crypto_pool::path::Cert;
use crypto_pool::{PublicKey, SignatureAlgorithm};
use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::{Event, Instant, SealId};

use super::Eseal;
use super::sign::{Asked, Order, Receipt, Refused, admit};
use super::value::{Value, hash_of};
use crate::core::order::Form;
use crate::core::place::Stamp;
use crate::error::Error;
use crate::store::{
    self,
    used::{PreparedRow, Use},
};

/// How long a holder has to sign.
const TIME_TO_SIGN: Duration = Duration::from_secs(15 * 60);

/// What a holder's key is to sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The request, for [`Eseal::finish`].
    pub request: String,
    /// The bytes to be signed: `TBS_Sign`.
    pub to_sign: Vec<u8>,
    /// The time that is signed.
    pub at: Instant,
    /// Until when the signature is taken.
    pub until: Instant,
    /// Where the seal goes.
    pub stamps: Vec<Stamp>,
    /// The holders who may sign, DER.
    pub holders: Vec<Vec<u8>>,
}

impl Eseal {
    /// Makes a document ready for the signature of a holder's key. Asked again with the same request id and order, the
    /// answer is the same.
    ///
    /// # Errors
    /// As [`Eseal::seal`].
    pub async fn prepare(
        &self,
        by: &Authorized,
        order: &Order,
        request: Option<&str>,
        name: Option<&str>,
        document: Arc<[u8]>,
    ) -> Result<Prepared, Error> {
        Self::demand(by, &[Permission::UseSeal])?;
        if order.form != Form::Seal {
            return Err(Error::Order("keys held elsewhere sign with the form seal only".to_owned()));
        }
        let id = SealId::from_bytes(order.seal);
        let asked = self.asked(by, order, request, name, Arc::clone(&document)).await?;
        let before = self.used(&asked).await?;
        let (_, record) = self.for_use(by, id, before.as_ref()).await?;
        if record.house_key() {
            return Err(Error::Order("the installation keeps this seal's key: seal/sign".to_owned()));
        }
        let now = self.0.options.clock.now().whole_second();
        let row = PreparedRow {
            tenant: asked.tenant.clone(),
            request: asked.request.clone(),
            ordered: asked.ordered,
            seal: id,
            version: record.version,
            person: by.actor().person().to_owned(),
            asked: kept(order, asked.document.as_deref())?,
            at: now,
            until: now.plus(TIME_TO_SIGN),
        };
        let keep = move |tx: &Tx<'_>| -> Result<Option<PreparedRow>, ledger::DbError> {
            store::used::keep_prepared(tx, &row, now)?;
            store::used::prepared(tx, &row.tenant, &row.request)
        };
        let row = self.0.options.db.write(Importance::Normal, keep).await?.ok_or(Error::NotPrepared)?;
        if row.ordered != asked.ordered {
            return Err(Error::RequestReused);
        }
        let made = self.made(id, row.version).await?;
        let prepared = self.prepared(order, &record, &made, row.at, document).await?;
        let value = Value::new(&made, Form::Seal, row.at, &prepared.digest, &prepared.property, None)?;
        Ok(Prepared {
            request: asked.request,
            to_sign: value.bytes().to_vec(),
            at: row.at,
            until: row.until,
            stamps: prepared.stamps,
            holders: record.holders,
        })
    }

    /// Puts a holder's signature into the document that was prepared. `signature`: DER, or r and s one after the other.
    ///
    /// # Errors
    /// [`Error::NotPrepared`], [`Error::SignatureWrong`]; as [`Eseal::seal`].
    pub async fn finish(
        &self,
        by: &Authorized,
        request: &str,
        signature: &[u8],
        document: Arc<[u8]>,
    ) -> Result<(Receipt, Vec<u8>), Error> {
        Self::demand(by, &[Permission::UseSeal])?;
        let (tenant, asked_for) = (Self::tenant(by), request.to_owned());
        let read = move |tx: &Tx<'_>| store::used::prepared(tx, &tenant, &asked_for);
        let row = self.0.options.db.read(read).await?.ok_or(Error::NotPrepared)?;
        let now = self.0.options.clock.now();
        let (order, name): (Order, Option<String>) =
            postcard::from_bytes(&row.asked).map_err(|_| Error::Damaged("a prepared order"))?;
        let asked = self.asked(by, &order, Some(request), name.as_deref(), Arc::clone(&document)).await?;
        if asked.ordered != row.ordered {
            return Err(Error::RequestReused);
        }
        let before = self.used(&asked).await?;
        if before.is_none() && row.until < now {
            return Err(Error::NotPrepared);
        }
        let (_, record) = self.for_use(by, row.seal, before.as_ref()).await?;
        let made = self.made(row.seal, row.version).await?;
        let prepared = self.prepared(&order, &record, &made, row.at, document).await?;
        let value = Value::new(&made, Form::Seal, row.at, &prepared.digest, &prepared.property, None)?;
        let der = as_der(signature).ok_or(Error::SignatureWrong)?;
        let signer = signer(&record.holders, value.bytes(), &der, now).ok_or(Error::SignatureWrong)?;
        let used = match before {
            Some(used) => used,
            None => {
                let what = (row.at, prepared.digest.as_slice(), prepared.property.as_str());
                self.record_use(by, &asked, &row, what, &signer, der).await?
            }
        };
        let token = if order.stamp { Some(self.stamped(&used).await?) } else { None };
        let value = value.finish(&used.signer, None, &used.signature, token.as_deref())?;
        let stamps = prepared.stamps.clone();
        let sealed = prepared.finish(&value).map_err(Error::Document)?;
        let sealed = self.checked(sealed, &value, true).await?;
        let receipt = Receipt { request: asked.request, seal: row.seal, at: row.at, stamps, token, seq: used.seq };
        Ok((receipt, sealed))
    }

    /// The use and its log entry, whose payload the signature is, in one transaction.
    async fn record_use(
        &self,
        by: &Authorized,
        asked: &Asked,
        row: &PreparedRow,
        (at, digest, property): (Instant, &[u8], &str),
        signer: &[u8],
        signature: Vec<u8>,
    ) -> Result<Use, Error> {
        let used = Use {
            tenant: asked.tenant.clone(),
            request: asked.request.clone(),
            ordered: asked.ordered,
            seal: row.seal,
            version: row.version,
            person: by.actor().person().to_owned(),
            form: Form::Seal,
            hash: hash_of(Form::Seal),
            digest: digest.to_vec(),
            property: property.to_owned(),
            document: asked.document.clone(),
            at,
            signer: signer.to_vec(),
            signature,
            seq: 0,
        };
        let (audit, actor) = (self.0.options.audit.clone(), by.actor().clone());
        let work = move |tx: &Tx<'_>| -> Result<Use, Refused> {
            admit(tx, &used)?;
            let seq = audit.next_seq(tx)?;
            let used = Use { seq, ..used };
            let draft = EntryDraft {
                actor,
                event: Event::SealUsed,
                object: used.seal.to_string(),
                outcome: Outcome::Done,
                payload: used.signature.clone(),
                covers: vec![store::used::put(tx, &used, seq)?],
            };
            audit.append(tx, draft)?;
            Ok(used)
        };
        match self.0.options.db.write(Importance::Normal, work).await {
            Ok(used) => Ok(used),
            Err(Refused::Again) => {
                self.settled().await?;
                self.used(asked).await?.ok_or(Error::RequestReused)
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }
}

/// The order as it is kept, to be prepared again.
fn kept(order: &Order, name: Option<&str>) -> Result<Vec<u8>, Error> {
    postcard::to_allocvec(&(order, name)).map_err(|_| Error::Order("the order does not read".to_owned()))
}

/// An SM2 signature in DER, from DER or from r and s one after the other.
fn as_der(signature: &[u8]) -> Option<Vec<u8>> {
    let signature = match signature.len() {
        64 => engine::sm2::Signature::from_raw(signature.try_into().ok()?),
        _ => engine::sm2::Signature::from_der(signature),
    };
    Some(signature.ok()?.to_der())
}

/// The holder whose key made this signature, and whose certificate is valid.
fn signer(holders: &[Vec<u8>], message: &[u8], signature: &[u8], now: Instant) -> Option<Vec<u8>> {
    let made_it = |der: &&Vec<u8>| {
        let Ok(cert) = Cert::from_der(der) else { return false };
        let valid = cert.not_before() <= now && now <= cert.not_after();
        let verifies = |key: &PublicKey| key.verify(SignatureAlgorithm::Sm2Sm3, message, signature);
        valid && cert.public_key().is_ok_and(verifies)
    };
    holders.iter().find(made_it).cloned()
}
