//! Two certificates for one holder, issued as one: the signing certificate for the key of the request, the encryption
//! certificate for a key that the key centre makes (GM/T 0034). Both or neither.
//!
//! The holder's request is the one that officers see and decide. With it goes a second one for the encryption
//! certificate: same names, same deciders, the centre's key. Then as for a single certificate, each step for both:
//!
//! 1. draft and lint the signing half; a key from the centre, wrapped; draft and lint the encryption half;
//! 2. both intents and the key's own, in one commit;
//! 3. both signatures, made and verified by the pool;
//! 4. one commit: an entry for each certificate with its rows, the key kept, the pair recorded, status feeds.
//!
//! A crash between 2 and 4 leaves two intents and an intended key: `recover` revokes both serials and voids the key.

use crypto_pool::path::Cert;
use crypto_pool::pool::Record;
use crypto_pool::{PublicKey, SignRequest, ToSign};
use ledger::{Importance, Outcome, Tx};
use pki_config::ports::{HolderLookup, KeyOwner, Later, MadeKey, NoAnswer};
use pki_config::profile::Profile;
use pki_config::status::CertStatus;
use pki_config::{Actor, CentreKeyId, Event, IssuerId, RequestId, Role, Serial, TenantId};

use super::issue::{Asked, Filing, Step, admit, approve_row, fresh, intended, issued, object, tell};
use super::{Ca, Certificate};
use crate::core::approval::Approved;
use crate::core::csr::BadRequest;
use crate::core::issue::{IntentRow, Stored};
use crate::core::issuer::kind_of;
use crate::core::lint::Linted;
use crate::core::stand_in;
use crate::error::Error;
use crate::store::{self, CertificateRow, PairRow, RequestKind, RequestRow, RequestState};

/// Which of the two certificates of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// For the holder's own key.
    Sign,
    /// For the key of the key centre.
    Encryption,
}

impl Half {
    /// The word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Encryption => "encryption",
        }
    }
}

/// A certificate's place in a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPair {
    /// Which half it is.
    pub half: Half,
    /// Serial of the other half, which the same issuer issued.
    pub twin: Serial,
}

/// Both certificates of a pair.
#[derive(Debug, Clone)]
pub struct Pair {
    /// For the holder's own key.
    pub sign: Certificate,
    /// For the key of the key centre.
    pub encryption: Certificate,
    /// What the key centre calls that key.
    pub key: CentreKeyId,
    /// The request of the encryption certificate: what the key centre knows the key by.
    pub encryption_request: RequestId,
}

/// One half on its way.
struct Going {
    linted: Linted,
    row: CertificateRow,
    request: RequestRow,
}

impl Ca {
    /// Both certificates of the pair that this one is half of.
    ///
    /// # Errors
    /// [`Error::UnknownCertificate`], also for another tenant's; [`Error::NoPair`]; [`Error::Ambiguous`].
    pub async fn pair(&self, tenant: &TenantId, serial: &Serial, issuer: Option<&IssuerId>) -> Result<Pair, Error> {
        let row = self.row(tenant, serial, issuer).await?;
        let (whose, request) = (tenant.clone(), row.request);
        let found = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let Some(pair) = store::pair_of(tx, &whose, request)? else { return Ok(None) };
                let of = |request| {
                    let missing = || Error::Damaged(format!("a certificate of the pair of request {request}"));
                    store::certificate_of_request(tx, &whose, request)?.ok_or_else(missing)
                };
                Ok(Some((of(pair.sign)?, of(pair.encryption)?, pair)))
            })
            .await?;
        let Some((sign, encryption, pair)) = found else { return Err(Error::NoPair(serial.clone())) };
        let (sign, encryption) = (self.with_der(sign).await?, self.with_der(encryption).await?);
        Ok(Pair { sign, encryption, key: pair.key, encryption_request: pair.encryption })
    }

    /// Whether a profile is for pairs of certificates.
    #[must_use]
    pub fn is_for_pairs(&self, profile: &str) -> bool {
        self.open_profile(profile).is_ok_and(|profile| profile.profile.rules().encryption.is_some())
    }

    /// Drafts both halves only to see whether the rules hold, the encryption half with a key nobody uses.
    pub(super) fn try_pair(&self, approved: Approved, half: &Profile, asked: &Asked) -> Result<(), Error> {
        let now = self.0.options.audit.ready()?;
        let (one, other) = approved.for_pair();
        self.draft_as(one, asked, &asked.profile.profile, asked.subject.clone(), now)?;
        let key = stand_in::key(kind_of(asked.subject.key().algorithm())).ok_or(Error::NoCentre)?;
        self.draft_as(other, asked, half, asked.subject.clone().with_key_of_centre(key), now)?;
        Ok(())
    }

    /// Issues both certificates; the answer is the signing half.
    pub(super) async fn certify_pair(
        &self,
        actor: &Actor,
        approved: Approved,
        half: &Profile,
        mut request: RequestRow,
        asked: &Asked,
        filing: Filing,
    ) -> Result<Certificate, Error> {
        let options = &self.0.options;
        let centre = options.centre.as_ref().ok_or(Error::NoCentre)?;
        let now = options.audit.ready()?;
        let (for_sign, for_encryption) = approved.for_pair();
        let signing = self.draft_as(for_sign, asked, &asked.profile.profile, asked.subject.clone(), now)?;
        // A pool that cannot sign now is found before a key is made and serials are spent.
        options.pool.ready(asked.issuer.key).await?;
        self.probe(Step::BeforeKey)?;
        let made = centre.make(asked.subject.key().spki_der()).await.map_err(Error::Centre)?;
        let key = PublicKey::from_spki(&made.spki).map_err(BadRequest::Key)?;
        let subject = asked.subject.clone().with_key_of_centre(key.clone());
        let enciphering = self.draft_as(for_encryption, asked, half, subject, now)?;
        self.probe(Step::BeforeIntent)?;

        request.state = RequestState::Issuing;
        request.profile_digest = asked.profile.digest;
        request.serial = Some(signing.serial().clone());
        let second = self.second(&request, &made, &enciphering).await?;
        let sign = Going { row: intended(&signing, &request, asked, asked.subject.key()), linted: signing, request };
        let encryption =
            Going { row: intended(&enciphering, &second, asked, &key), linted: enciphering, request: second };
        let left = [&sign, &encryption].map(|half| (half.row.clone(), half.request.clone()));
        let stored = self.store_intents(actor, sign, encryption, &made, filing).await?;
        match self.sign_pair(actor, asked.issuer.key, stored, made.id).await {
            Ok(certificate) => {
                self.probe(Step::BeforeAnswer)?;
                Ok(certificate)
            }
            Err(error) => {
                // Nothing of either may be usable. What fails here, `recover` does at the next start.
                for (row, request) in left {
                    if let Err(later) = self.abandon(actor, row, request).await {
                        tracing::error!(error = %later, "an intent could not be abandoned; it is revoked at the next start");
                    }
                }
                Err(error)
            }
        }
    }

    /// The request of the encryption certificate: decided with the holder's own, and in no queue.
    async fn second(&self, first: &RequestRow, made: &MadeKey, linted: &Linted) -> Result<RequestRow, Error> {
        let replaces = match first.replaces.clone() {
            None => None,
            // Where a pair follows a pair, each half follows its own.
            Some((issuer, serial)) => {
                let old = self.row(&first.tenant, &serial, Some(&issuer)).await?;
                let (tenant, request) = (first.tenant.clone(), old.request);
                let read = move |tx: &Tx<'_>| in_pair(tx, &tenant, request);
                self.0.options.db.read(read).await?.map(|pair| (issuer, pair.twin))
            }
        };
        Ok(RequestRow {
            id: RequestId::draw(self.0.options.random.as_ref())?,
            kind: if replaces.is_some() { first.kind } else { RequestKind::New },
            replaces,
            batch: None,
            csr: None,
            spki: Some(made.spki.clone()),
            contact: None,
            // What has no time of decision is listed nowhere: the holder's request is.
            decided_at: None,
            serial: Some(linted.serial().clone()),
            pickup: None,
            ..first.clone()
        })
    }

    /// Step 2: both requests, both intents, the key: durable together.
    async fn store_intents(
        &self,
        actor: &Actor,
        sign: Going,
        encryption: Going,
        made: &MadeKey,
        filing: Filing,
    ) -> Result<[(Stored, CertificateRow, RequestRow); 2], Error> {
        let options = &self.0.options;
        let (audit, probe, actor) = (options.audit.clone(), options.probe.clone(), actor.clone());
        let centre = options.centre.clone().ok_or(Error::NoCentre)?;
        let made = made.clone();
        let owner = KeyOwner {
            tenant: sign.request.tenant.clone(),
            request: encryption.request.id,
            requester: sign.request.requester.clone(),
            approver: sign.request.approver.clone(),
            subject: sign.request.subject.clone(),
            issuer: sign.row.issuer.clone(),
            serial: encryption.row.serial.clone(),
            sign_serial: sign.row.serial.clone(),
        };
        let rows = [&sign, &encryption].map(|half| (half.row.clone(), half.request.clone()));
        let written = options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let [(sign, sign_request), (encryption, encryption_request)] = rows;
                admit(tx, &sign, &sign_request, false)?;
                admit(tx, &encryption, &encryption_request, false)?;
                match filing {
                    Filing::InOneStep => {
                        sign_request.insert_uncovered(tx)?;
                        encryption_request.insert_uncovered(tx)?;
                    }
                    Filing::Approval { expected } => {
                        approve_row(tx, &audit, &actor, &sign_request, Some(&encryption_request), expected)?;
                    }
                }
                sign.insert_intent(tx)?;
                encryption.insert_intent(tx)?;
                centre.intend(tx, &made, &owner).map_err(Error::Feed)?;
                if let Some(probe) = &probe {
                    probe(Step::InIntent)?;
                }
                Ok([sign, encryption]
                    .map(|row| IntentRow::written(row.issuer, row.serial, row.tbs.unwrap_or_default())))
            })
            .await?;
        let [first, second] = written;
        let stored = |half: Going, written: &IntentRow| -> Result<_, Error> {
            Ok((Stored::new(half.linted, written)?, half.row, half.request))
        };
        Ok([stored(sign, &first)?, stored(encryption, &second)?])
    }

    /// Steps 3 and 4.
    async fn sign_pair(
        &self,
        actor: &Actor,
        key: pki_config::KeyId,
        halves: [(Stored, CertificateRow, RequestRow); 2],
        centre_key: CentreKeyId,
    ) -> Result<Certificate, Error> {
        self.probe(Step::BeforeSign)?;
        let options = &self.0.options;
        let centre = options.centre.clone().ok_or(Error::NoCentre)?;
        let [(sign, mut sign_row, mut sign_request), (encryption, mut row, mut request)] = halves;
        let outcome =
            if sign_request.one_step && actor.role() != Role::System { Outcome::DoneInOneStep } else { Outcome::Done };
        let ask = SignRequest {
            key,
            to_sign: ToSign::Certificate(sign.linted().tbs().to_vec()),
            actor: actor.clone(),
            ceremony: None,
            importance: Importance::Normal,
        };
        let other = ToSign::Certificate(encryption.linted().tbs().to_vec());
        let (feeds, probe) = (options.feeds.clone(), options.probe.clone());
        let (feeds_after, probe_after) = (feeds.clone(), probe.clone());
        let twin = row.serial.clone();
        let pair = PairRow {
            sign: sign_request.id,
            tenant: sign_request.tenant.clone(),
            encryption: request.id,
            key: centre_key,
        };
        let record = move |row: &CertificateRow, payload, covers| Record {
            event: Event::CertificateIssued,
            object: object(&row.issuer, &row.serial),
            outcome,
            payload,
            covers,
        };
        options
            .pool
            .sign_two(
                ask,
                other,
                move |tx: &Tx<'_>, signed| -> Result<_, Error> {
                    let met = |step| probe.as_ref().map_or(Ok(()), |probe| probe(step));
                    met(Step::BeforeRows)?;
                    let der = sign.finish_signed(signed)?.into_der();
                    let covers = issued(tx, &mut sign_row, &mut sign_request, &der, signed.seq)?;
                    sign_row.index(tx, signed.seq)?;
                    tell(&feeds, tx, &sign_row)?;
                    met(Step::AfterRows)?;
                    let record = record(&sign_row, der.clone(), covers);
                    let pair = InPair { half: Half::Sign, twin };
                    Ok((record, fresh(sign_row, sign_request, der, signed.seq, Some(pair))))
                },
                move |tx: &Tx<'_>, signed, certificate| -> Result<_, Error> {
                    let met = |step| probe_after.as_ref().map_or(Ok(()), |probe| probe(step));
                    met(Step::BetweenHalves)?;
                    let der = encryption.finish_signed(signed)?.into_der();
                    let mut covers = issued(tx, &mut row, &mut request, &der, signed.seq)?;
                    covers.push(centre.keep(tx, centre_key, signed.seq).map_err(Error::Feed)?);
                    covers.push(pair.put(tx, signed.seq)?);
                    row.index(tx, signed.seq)?;
                    tell(&feeds_after, tx, &row)?;
                    met(Step::AfterSecond)?;
                    Ok((record(&row, der, covers), certificate))
                },
            )
            .await
    }

    /// Nothing follows an encryption certificate by itself: its key is not the holder's to prove.
    pub(super) async fn refuse_encryption_half(&self, old: &CertificateRow) -> Result<(), Error> {
        let (tenant, request) = (old.tenant.clone(), old.request);
        match self.0.options.db.read(move |tx| in_pair(tx, &tenant, request)).await? {
            Some(InPair { half: Half::Encryption, twin }) => {
                Err(Error::HalfOfPair { serial: old.serial.clone(), sign: twin })
            }
            _ => Ok(()),
        }
    }
}

/// The place of a request's certificate in a pair, if it is half of one.
pub(super) fn in_pair(tx: &Tx<'_>, tenant: &TenantId, request: RequestId) -> Result<Option<InPair>, Error> {
    let Some(pair) = store::pair_of(tx, tenant, request)? else { return Ok(None) };
    let (half, other) =
        if pair.sign == request { (Half::Sign, pair.encryption) } else { (Half::Encryption, pair.sign) };
    let twin = store::certificate_of_request(tx, tenant, other)?
        .ok_or_else(|| Error::Damaged(format!("the other certificate of the pair of request {request}")))?;
    Ok(Some(InPair { half, twin: twin.serial }))
}

impl HolderLookup for Ca {
    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        certificate: &'a [u8],
    ) -> Later<'a, Result<Option<CertStatus>, NoAnswer>> {
        Box::pin(async move {
            let Ok(cert) = Cert::from_der(certificate) else { return Ok(None) };
            let Ok(serial) = Serial::from_der_content(cert.serial()) else { return Ok(None) };
            // Several issuers may have used a serial; the certificate says which it means, byte for byte.
            for issuer in self.issuers().into_iter().filter(|issuer| issuer.facts.name == cert.issuer()) {
                match self.certificate(tenant, &serial, Some(&issuer.id)).await {
                    Ok(known) if known.der == certificate => return Ok(Some(known.status)),
                    Ok(_) | Err(Error::UnknownCertificate(_)) => {}
                    Err(error) => return Err(NoAnswer(error.to_string())),
                }
            }
            Ok(None)
        })
    }
}
