//! Seals on documents: at once, in batches, by digest, and in two steps with keys held elsewhere.

use std::sync::Arc;

use axum::body::Bytes;
use eseal::core::order::Form;
use eseal::core::place::{Place, Stamp};
use eseal::{Level, Order, Receipt};
use pki_config::role::Authorized;
use pki_config::{ErrorCode, SealId};
use tsa::core::token::TstInfo;

use super::life::id;
use super::{base64, decoded};
use crate::api::seal::{
    BatchFile, SealBatch, SealFinish, SealHash, SealHashed, SealOrder, SealPrepared, SealReceipt, SealSign, Sealed,
    SealedBatch,
};
use crate::app::App;
use crate::problem::Failure;

/// Most documents of a batch.
pub(super) const LARGEST_BATCH: usize = 500;
/// Documents of a batch that are worked on at once.
const AT_ONCE: usize = 4;

/// `seal/sign`.
pub async fn sign(app: App, by: Authorized, ask: SealSign) -> Result<Sealed, Failure> {
    let document = decoded(&ask.document, "document")?;
    let (receipt, sealed) = sign_bytes(&app, &by, ask.order, document.into()).await?;
    Ok(Sealed { receipt, document: base64(&sealed) })
}

/// Puts a seal on a document.
///
/// # Errors
/// As the service reports; nothing is answered in part.
pub async fn sign_bytes(
    app: &App,
    by: &Authorized,
    order: SealOrder,
    document: Bytes,
) -> Result<(SealReceipt, Vec<u8>), Failure> {
    let asked = asked(app, &order)?;
    let (request, name) = (order.request.as_deref(), order.name.as_deref());
    let (done, sealed) = app.eseal()?.seal(by, &asked, request, name, octets(&document)).await?;
    Ok((receipt(done)?, sealed))
}

/// Where a seal would go; signs nothing.
///
/// # Errors
/// As [`sign_bytes`].
pub async fn stamps_bytes(
    app: &App,
    by: &Authorized,
    seal: &str,
    places: Vec<Place>,
    document: Bytes,
) -> Result<Vec<Stamp>, Failure> {
    let order = SealOrder { seal: seal.to_owned(), places, ..SealOrder::default() };
    Ok(app.eseal()?.stamps(by, &asked(app, &order)?, octets(&document)).await?)
}

fn octets(document: &Bytes) -> Arc<[u8]> {
    Arc::from(&document[..])
}

fn asked(app: &App, order: &SealOrder) -> Result<Order, Failure> {
    let bad = |why: &str| Failure::saying(ErrorCode::BadRequest, why);
    let form = order.form.unwrap_or(Form::Seal);
    let available = app.config().tsa.enabled;
    let level = match (order.level.as_deref().filter(|word| !word.is_empty()), order.time_stamp) {
        (Some("b-b"), _) => Level::BB,
        (Some("b-t"), _) => Level::BT,
        (Some("b-lt"), _) => Level::BLt,
        (Some(_), _) => return Err(bad("level is none of b-b, b-t, b-lt")),
        (None, Some(true)) => Level::BT,
        (None, None) if available => Level::BT,
        (None, _) => Level::BB,
    };
    let stamp = match form {
        Form::Pades => level != Level::BB,
        Form::Seal | Form::Cms if order.level.is_some() => return Err(bad("level goes with the form pades")),
        Form::Seal | Form::Cms => order.time_stamp.unwrap_or(available),
    };
    if form == Form::Pades && order.time_stamp.is_some_and(|wanted| wanted != stamp) {
        return Err(bad("level and time_stamp contradict each other"));
    }
    Ok(Order {
        seal: *id(&order.seal)?.as_bytes(),
        places: order.places.clone(),
        form,
        level: if form == Form::Pades { level } else { Level::BB },
        stamp,
        reason: order.reason.clone(),
        location: order.location.clone(),
    })
}

fn receipt(done: Receipt) -> Result<SealReceipt, Failure> {
    let time = |token: &Vec<u8>| {
        TstInfo::of_token(token).map(|info| info.time.to_string()).map_err(|e| Failure::inside(ErrorCode::Internal, e))
    };
    Ok(SealReceipt {
        request: done.request,
        seal: done.seal.to_string(),
        at: done.at.to_string(),
        stamps: done.stamps,
        time_stamp: done.token.as_ref().map(time).transpose()?,
        audit_seq: done.seq,
    })
}

/// `seal/batch`: each document by itself; one that fails does not hold up the others.
pub async fn batch(app: App, by: Authorized, ask: SealBatch) -> Result<SealedBatch, Failure> {
    if ask.documents.len() > LARGEST_BATCH {
        return Err(Failure::saying(ErrorCode::TooLarge, format!("a batch has at most {LARGEST_BATCH} documents")));
    }
    let files = ask.documents.into_iter().map(|one| (one.name, decoded(&one.document, "document").map(Bytes::from)));
    batch_bytes(&app, &by, &ask.order, files.collect()).await
}

/// The documents of a batch, as far as they could be had.
pub(super) type Files = Vec<(Option<String>, Result<Bytes, Failure>)>;

pub(super) async fn batch_bytes(
    app: &App,
    by: &Authorized,
    order: &SealOrder,
    files: Files,
) -> Result<SealedBatch, Failure> {
    // What is wrong with the order itself is said once.
    asked(app, order)?;
    let request = match &order.request {
        Some(request) => request.clone(),
        None => SealId::draw(app.random())?.to_string(),
    };
    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut working = Vec::new();
    for (number, (name, document)) in (1..).zip(files) {
        let order = SealOrder { request: Some(format!("{request}.{number}")), name: name.clone(), ..order.clone() };
        let (app, by, places) = (app.clone(), by.clone(), Arc::clone(&places));
        working.push((
            name,
            tokio::spawn(async move {
                // Never closed.
                let _place = places.acquire_owned().await.map_err(|_| ErrorCode::Stopping)?;
                sign_bytes(&app, &by, order, document?).await
            }),
        ));
    }
    let mut files = Vec::new();
    for (name, work) in working {
        let done = work.await.map_err(|e| Failure::inside(ErrorCode::Internal, e)).and_then(|done| done);
        files.push(match done {
            Ok((receipt, sealed)) => {
                let sealed = Sealed { receipt, document: base64(&sealed) };
                BatchFile { name, sealed: Some(sealed), problem: None }
            }
            Err(failure) => {
                failure.log(&request, "seal/batch");
                BatchFile { name, sealed: None, problem: Some(failure.problem(&request)) }
            }
        });
    }
    let sealed = files.iter().filter(|file| file.sealed.is_some()).count();
    Ok(SealedBatch { sealed, failed: files.len() - sealed, files })
}

/// `seal/hash`.
pub async fn hash(app: App, by: Authorized, ask: SealHash) -> Result<SealHashed, Failure> {
    let digest = decoded(&ask.digest, "digest")?;
    if digest.len() != 32 {
        return Err(Failure::saying(ErrorCode::BadRequest, "an SM3 digest has 32 bytes"));
    }
    let stamp = ask.time_stamp.unwrap_or(app.config().tsa.enabled);
    let what = (digest.as_slice(), ask.property.as_str());
    let (request, name) = (ask.request.as_deref(), ask.name.as_deref());
    let hashed = app.eseal()?.seal_hash(&by, id(&ask.seal)?, what, stamp, request, name).await?;
    Ok(SealHashed { receipt: receipt(hashed.receipt)?, signature: base64(&hashed.signature) })
}

/// `seal/prepare`.
pub async fn prepare(app: App, by: Authorized, ask: SealSign) -> Result<SealPrepared, Failure> {
    let document = decoded(&ask.document, "document")?;
    prepare_bytes(&app, &by, ask.order, document.into()).await
}

pub(super) async fn prepare_bytes(
    app: &App,
    by: &Authorized,
    order: SealOrder,
    document: Bytes,
) -> Result<SealPrepared, Failure> {
    let asked = asked(app, &order)?;
    let (request, name) = (order.request.as_deref(), order.name.as_deref());
    let prepared = app.eseal()?.prepare(by, &asked, request, name, octets(&document)).await?;
    let digest = |der: &Vec<u8>| digest_for(der, &prepared.to_sign);
    Ok(SealPrepared {
        digest: prepared.holders.first().and_then(digest).unwrap_or_default(),
        request: prepared.request,
        to_sign: base64(&prepared.to_sign),
        at: prepared.at.to_string(),
        until: prepared.until.to_string(),
        stamps: prepared.stamps,
    })
}

/// What a device signs that takes a digest only: it depends on the key.
fn digest_for(holder: &[u8], message: &[u8]) -> Option<String> {
    let cert = crypto_pool::path::Cert::from_der(holder).ok()?;
    // The point is the last of a SubjectPublicKeyInfo.
    let spki = cert.spki();
    let key = engine::sm2::PublicKey::from_sec1(spki.get(spki.len().checked_sub(65)?..)?).ok()?;
    let mut hasher = key.prehasher();
    hasher.update(message);
    Some(base64(&hasher.finalize()))
}

/// `seal/finish`.
pub async fn finish(app: App, by: Authorized, ask: SealFinish) -> Result<Sealed, Failure> {
    let document = decoded(&ask.document, "document")?;
    let (receipt, sealed) = finish_bytes(&app, &by, &ask, document.into()).await?;
    Ok(Sealed { receipt, document: base64(&sealed) })
}

pub(super) async fn finish_bytes(
    app: &App,
    by: &Authorized,
    ask: &SealFinish,
    document: Bytes,
) -> Result<(SealReceipt, Vec<u8>), Failure> {
    let signature = decoded(&ask.signature, "signature")?;
    let (done, sealed) = app.eseal()?.finish(by, &ask.request, &signature, octets(&document)).await?;
    Ok((receipt(done)?, sealed))
}
