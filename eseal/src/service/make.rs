//! Making seals: the maker's key signs what an approved application says. A seal is made again, with the same
//! identifier, when the certificate of somebody who signs with it is renewed: the list of holders is signed.

use std::sync::{Arc, PoisonError};

use crypto_pool::path::Cert;
use crypto_pool::{KeyAlgorithm, PublicKey, Record, SignRequest};
use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::status::CertStatus;
use pki_config::{Actor, Event, Instant, KeyId, SealId, TenantId};

use super::life::outcome;
use super::{Eseal, Kept, Made};
use crate::core::ses::{self, ExtData, Holders, SealDraft, SealPicture, TbsSeal};
use crate::error::Error;
use crate::seal::{SealRecord, SealState, Step};
use crate::store::maker::Office;
use crate::store::{self, KeptKey, MadeRow};

/// Who we are in the seals we make.
const VENDOR: &str = "Yinxin";

/// A key of ours that is to sign with a seal.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key, in the pool, for [`crypto_pool::Purpose::SealSigner`].
    pub key: KeyId,
    /// Its certificate and then its issuers without the root, DER.
    pub chain: Vec<Vec<u8>>,
}

/// A key of ours that is to make seals.
#[derive(Debug, Clone)]
pub struct NewMaker {
    /// The key, in the pool, for [`crypto_pool::Purpose::SealMaker`].
    pub key: KeyId,
    /// Its certificate and then its issuers without the root, DER.
    pub chain: Vec<Vec<u8>>,
}

/// A certificate with which somebody elsewhere may sign: it reads, holds an SM2 key for signatures and is valid now.
pub(super) fn check_holder(der: &[u8], now: Instant) -> Result<Cert, Error> {
    let refused = |why: &str| Err(Error::Holder(why.to_owned()));
    let Ok(cert) = Cert::from_der(der) else { return refused("a holder's certificate does not read") };
    if cert.public_key().map(PublicKey::algorithm) != Ok(KeyAlgorithm::Sm2) {
        return refused("a holder's certificate has no SM2 key");
    }
    if cert.extensions().key_usage.is_some_and(|usage| !usage.digital_signature()) {
        return refused("a holder's certificate is not for signatures");
    }
    if now < cert.not_before() || cert.not_after() < now {
        return refused("a holder's certificate is not valid now");
    }
    Ok(cert)
}

impl Eseal {
    /// Takes a maker into use: from now on it makes the seals.
    ///
    /// # Errors
    /// [`Error::Holder`] if the certificate is none for that; the log's and the database's own.
    pub async fn add_maker(&self, by: Actor, new: NewMaker) -> Result<(), Error> {
        let certificate = new.chain.first().map(Vec::as_slice).unwrap_or_default();
        check_holder(certificate, self.0.options.clock.now())?;
        self.add_officer(by, Office::Maker, KeptKey { key: new.key, chain: new.chain }).await
    }

    pub(super) async fn add_officer(&self, by: Actor, office: Office, kept: KeptKey) -> Result<(), Error> {
        let options = &self.0.options;
        let now = options.clock.now();
        let one = Arc::new(Kept::of(&kept)?);
        let audit = options.audit.clone();
        options
            .db
            .write(Importance::Normal, move |tx: &Tx<'_>| -> Result<(), Error> {
                let seq = audit.next_seq(tx)?;
                let draft = EntryDraft {
                    actor: by,
                    event: Event::CredentialBound,
                    object: format!("seal-{}/{}", office.as_str(), kept.key),
                    outcome: Outcome::Done,
                    payload: kept.chain.first().cloned().unwrap_or_default(),
                    covers: vec![store::maker::put(tx, office, &kept, now, seq)?],
                };
                audit.append(tx, draft)?;
                Ok(())
            })
            .await?;
        let list = match office {
            Office::Maker => &self.0.makers,
            Office::Reporter => &self.0.reporters,
        };
        list.write().unwrap_or_else(PoisonError::into_inner).insert(0, one);
        Ok(())
    }

    /// The newest maker's key and certificate.
    #[must_use]
    pub fn maker(&self) -> Option<(KeyId, Vec<u8>)> {
        self.newest_maker().map(|maker| (maker.key, maker.cert.der().to_vec()))
    }

    /// Takes a key into use that signs reports: ECDSA on P-256.
    ///
    /// # Errors
    /// The certificate does not read; the log's and the database's own.
    pub async fn add_reporter(&self, by: Actor, new: NewMaker) -> Result<(), Error> {
        self.add_officer(by, Office::Reporter, KeptKey { key: new.key, chain: new.chain }).await
    }

    /// The key that signs reports, and its certificate.
    #[must_use]
    pub fn reporter(&self) -> Option<(KeyId, Vec<u8>)> {
        self.newest_reporter().map(|one| (one.key, one.cert.der().to_vec()))
    }

    pub(super) fn newest_reporter(&self) -> Option<Arc<Kept>> {
        self.0.reporters.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    pub(super) fn newest_maker(&self) -> Option<Arc<Kept>> {
        self.0.makers.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// Applications that were approved and whose seals are to be made, and seals in use: for the schedule.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn to_make(&self) -> Result<Vec<SealRecord>, Error> {
        let read = |tx: &Tx<'_>| store::in_state(tx, SealState::Approved, SealState::Approved);
        Ok(self.0.options.db.read(read).await?)
    }

    /// Seals whose keys the house keeps and that are in use or set aside: their certificates are to be kept alive.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn kept(&self) -> Result<Vec<SealRecord>, Error> {
        let read = |tx: &Tx<'_>| {
            let mut all = store::in_state(tx, SealState::Enabled, SealState::Suspended)?;
            all.extend(store::in_state(tx, SealState::Made, SealState::Made)?);
            Ok::<_, ledger::DbError>(all)
        };
        let mut found = self.0.options.db.read(read).await?;
        found.retain(SealRecord::house_key);
        Ok(found)
    }

    /// The keys that sign with a seal, and their certificates, DER: of its last making.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn keys(&self, record: &SealRecord) -> Result<Vec<(KeyId, Vec<u8>)>, Error> {
        let (id, version) = (record.id, record.version);
        let made = self.0.options.db.read(move |tx: &Tx<'_>| store::made(tx, id, version)).await?;
        let keys = made.into_iter().flat_map(|made| [made.sm2, made.ec]).flatten();
        Ok(keys.filter_map(|kept| Some((kept.key, kept.chain.first()?.clone()))).collect())
    }

    /// Makes a seal that was approved, or makes one again whose signers' certificates were renewed. `keys`: those of
    /// the house for it, SM2 and then the one for PAdES; none where its holders keep theirs.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::Unready`] without a maker; the pool's own. What there was stays.
    pub async fn make(
        &self,
        by: &Actor,
        record: &SealRecord,
        keys: Vec<NewKey>,
        one_step: bool,
    ) -> Result<SealRecord, Error> {
        let again = matches!(record.state, SealState::Made | SealState::Enabled | SealState::Suspended);
        if record.state != SealState::Approved && !again {
            return Err(Error::State { seal: record.id, state: record.state.as_str() });
        }
        let options = &self.0.options;
        let now = options.clock.now().whole_second();
        let maker = self.newest_maker().ok_or_else(|| Error::Unready("there is no maker of seals yet".into()))?;
        let kept: Vec<KeptKey> = keys.into_iter().map(|key| KeptKey { key: key.key, chain: key.chain }).collect();
        let (sm2, ec) = sorted(kept)?;
        let valid_until = record.valid_until.min(maker.cert.not_after());
        if valid_until <= now {
            return Err(Error::Unready("the seal, or its maker's certificate, is over".into()));
        }
        let id = record.id;
        let png = options.db.read(move |tx: &Tx<'_>| store::picture(tx, id)).await?;
        let png =
            png.filter(|png| engine::sm3::hash(png) == record.picture).ok_or(Error::Damaged("a seal's picture"))?;
        let holders = match &sm2 {
            Some(kept) => kept.chain.iter().take(1).cloned().collect(),
            None => record.holders.clone(),
        };
        let holders = if record.by_digest {
            Holders::Digests(holders.iter().map(|der| ("SM3".to_owned(), engine::sm3::hash(der).to_vec())).collect())
        } else {
            Holders::Certificates(holders)
        };
        // Whoever gets a sealed document has the root at most: what leads there goes with the seal.
        let signer_issuers = sm2.iter().flat_map(|kept| kept.chain.iter().skip(1));
        let issuers = maker.issuers.iter().chain(signer_issuers).map(Vec::as_slice);
        let draft = SealDraft {
            id: id.to_string(),
            vendor: VENDOR.to_owned(),
            kind: record.kind.number(),
            name: record.name.clone(),
            holders,
            created: now,
            from: record.valid_from.unwrap_or(now),
            until: valid_until,
            picture: SealPicture {
                kind: "PNG".to_owned(),
                data: png,
                width: record.width as u64,
                height: record.height as u64,
            },
            extensions: ExtData::issuers(issuers).into_iter().collect(),
        };
        let tbs = TbsSeal::new(&draft).map_err(|why| Error::Application(why.to_string()))?;
        let ask = SignRequest {
            key: maker.key,
            to_sign: tbs.to_sign(&maker.cert),
            actor: if *by.tenant() == TenantId::house() { by.clone() } else { Actor::system() },
            ceremony: None,
            importance: Importance::Normal,
        };
        let (version, tenant) = (record.version + 1, record.tenant.clone());
        let (from_state, old_version) = (record.state, record.version);
        let (valid_from, holders, person) = (draft.from, record.holders.clone(), by.person().to_owned());
        let done = options
            .pool
            .sign(ask, move |tx: &Tx<'_>, signed| -> Result<_, Error> {
                let seal = store::seal(tx, id, None)?.ok_or(Error::UnknownSeal)?;
                // Somebody changed it while its keys were made.
                if seal.version != old_version || seal.state != from_state {
                    return Err(Error::State { seal: id, state: seal.state.as_str() });
                }
                let der = tbs.finish(maker.cert.der(), &signed.signature);
                let made = MadeRow { id, version, tenant, seal: der.clone(), sm2, ec };
                let seal = if again {
                    SealRecord { version, holders, ..seal }
                } else {
                    let (state, valid_from) = (SealState::Made, Some(valid_from));
                    SealRecord { state, since: signed.at, reason: None, valid_from, valid_until, version, ..seal }
                };
                let state = if again { "renewed" } else { seal.state.as_str() }.to_owned();
                let step = Step { state, at: signed.at, person, one_step, reason: None, seq: signed.seq };
                let covers = vec![
                    store::put_seal(tx, &seal, signed.seq)?,
                    store::put_made(tx, &made, signed.seq)?,
                    store::put_step(tx, &seal, &step, signed.seq)?,
                ];
                let object = id.to_string();
                let record =
                    Record { event: Event::SealMade, object, outcome: outcome(one_step), payload: der, covers };
                Ok((record, seal))
            })
            .await?;
        self.0.told.forget(id);
        Ok(done)
    }

    /// Makes a seal again whose holders keep their keys, with their new certificates. Each must be of the subject of
    /// one that the seal has now; whoever applied for the seal may not do it.
    ///
    /// # Errors
    /// [`Error::Holder`], [`Error::SameOfficer`]; as [`Eseal::make`].
    pub async fn renew(&self, by: &Authorized, id: SealId, holders: Vec<Vec<u8>>) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ApproveSeal, Permission::MakeSeal])?;
        let record = self.record(by.actor().tenant(), id).await?;
        let one_step = by.permission() == Permission::MakeSeal;
        if !one_step && record.applicant == by.actor().person() {
            return Err(Error::SameOfficer);
        }
        if record.house_key() {
            return Err(Error::Holder("the installation keeps this seal's key and renews its certificate".to_owned()));
        }
        let now = self.0.options.clock.now();
        let old: Vec<Cert> = record.holders.iter().filter_map(|der| Cert::from_der(der).ok()).collect();
        if holders.is_empty() {
            return Err(Error::Holder("no new certificate is given".to_owned()));
        }
        for der in &holders {
            let new = check_holder(der, now)?;
            if !old.iter().any(|cert| cert.subject() == new.subject()) {
                return Err(Error::Holder("a new certificate is of nobody who holds this seal now".to_owned()));
            }
        }
        self.make(by.actor(), &SealRecord { holders, ..record }, Vec::new(), one_step).await
    }

    /// A seal as it was made that time.
    pub(super) async fn made(&self, id: SealId, version: u32) -> Result<Made, Error> {
        let found = self.0.options.db.read(move |tx: &Tx<'_>| store::made(tx, id, version)).await?;
        let row = found.ok_or(Error::Damaged("a seal that was made"))?;
        let seal = ses::Seal::read(&row.seal).map_err(|_| Error::Damaged("a seal that was made"))?;
        let kept = |kept: Option<KeptKey>| kept.as_ref().map(Kept::of).transpose();
        Ok(Made { version, seal, sm2: kept(row.sm2)?, ec: kept(row.ec)? })
    }

    /// Refuses to sign for a certificate of ours that does not count any more.
    pub(super) async fn still_good(&self, kept: &Kept) -> Result<(), Error> {
        let now = self.0.options.clock.now();
        let unready =
            |why: &str| Error::Unready(format!("the signer's certificate {why}; it is renewed by the schedule"));
        if now < kept.cert.not_before() || kept.cert.not_after() < now {
            return Err(unready("is not valid now"));
        }
        let status = self.0.options.status.status(kept.cert.der()).await;
        match status.map_err(|why| Error::Unready(format!("the signer's status is not known: {why}")))? {
            Some(CertStatus::Good) => Ok(()),
            _ => Err(unready("was revoked")),
        }
    }
}

/// The SM2 key and the one for PAdES.
fn sorted(keys: Vec<KeptKey>) -> Result<(Option<KeptKey>, Option<KeptKey>), Error> {
    let (mut sm2, mut ec) = (None, None);
    for kept in keys {
        let cert = Kept::of(&kept)?.cert;
        match cert.public_key().map(PublicKey::algorithm) {
            Ok(KeyAlgorithm::Sm2) => sm2 = Some(kept),
            Ok(KeyAlgorithm::P256) => ec = Some(kept),
            _ => return Err(Error::Unready("a key for a seal is neither SM2 nor ECDSA on P-256".to_owned())),
        }
    }
    Ok((sm2, ec))
}
