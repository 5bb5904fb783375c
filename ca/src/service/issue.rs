//! The issuance pipeline. Store before signing, sign, then everything that follows from the signature
//! in one commit:
//!
//! 1. draft and lint (pure), so that what would break a rule never reaches the store;
//! 2. the intent: serial, request and the exact bytes to be signed, durable;
//! 3. the signature, made and verified by the pool;
//! 4. one commit: log entry with the certificate as its payload, certificate row, request row, status
//!    feeds. Only then does the certificate leave.
//!
//! A crash before 2 leaves nothing. A crash between 2 and 4 leaves an intent, whose serial
//! `recover` revokes: a certificate may exist or not, and cannot be used either way.

use std::sync::Arc;
use std::time::Duration;

use crypto_pool::kms::Ceremony;
use crypto_pool::pool::Record;
use crypto_pool::{PublicKey, SignRequest, ToSign};
use ledger::{Cover, Importance, Outcome, Seq, Tx};
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::ports::StatusFeed;
use pki_config::profile::Profile;
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::status::CertStatus;
use pki_config::{Actor, Event, Identity, Instant, IssuerId, RequestId, Role, Serial};

use super::{Ca, Certificate, InPair, Issuer, LoadedProfile, authority, split_sans};
use crate::core::approval::{Approved, Submitted};
use crate::core::csr::{BadRequest, ProvenRequest};
use crate::core::draft::{Draft, Subject};
use crate::core::issue::{IntentRow, Stored};
use crate::core::lint::Linted;
use crate::core::lint::record::{self, History};
use crate::error::Error;
use crate::store::{self, CertificateRow, CertificateState, RequestKind, RequestRow, RequestState};

/// The steps of an issuance, for [`super::CaOptions::probe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Nothing has happened yet.
    BeforeDraft,
    /// Linted; nothing stored.
    BeforeIntent,
    /// In the transaction that stores the intent, after its rows.
    InIntent,
    /// The intent is durable; nothing signed.
    BeforeSign,
    /// Signed; in the transaction, before any row.
    BeforeRows,
    /// In the transaction, after the rows and before the log entry.
    AfterRows,
    /// Everything is durable; the caller has no answer yet.
    BeforeAnswer,
    /// Of a pair: the signing certificate is drafted, there is no encryption key yet.
    BeforeKey,
    /// Of a pair: in the transaction, after the signing certificate's entry and before the other's rows.
    BetweenHalves,
    /// Of a pair: in the transaction, after the rows of the encryption certificate and its key, before their entry.
    AfterSecond,
}

impl Step {
    /// Every step of a pair, in order.
    pub const OF_PAIR: [Self; 10] = [
        Self::BeforeDraft,
        Self::BeforeKey,
        Self::BeforeIntent,
        Self::InIntent,
        Self::BeforeSign,
        Self::BeforeRows,
        Self::AfterRows,
        Self::BetweenHalves,
        Self::AfterSecond,
        Self::BeforeAnswer,
    ];

    /// Every step of a single certificate, in order.
    pub const ALL: [Self; 7] = [
        Self::BeforeDraft,
        Self::BeforeIntent,
        Self::InIntent,
        Self::BeforeSign,
        Self::BeforeRows,
        Self::AfterRows,
        Self::BeforeAnswer,
    ];
}

/// A subscriber's request.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// PKCS#10, DER or PEM. Its key and, unless given below, its names are used; nothing else.
    pub csr: Vec<u8>,
    /// Subject; from the PKCS#10 when absent.
    pub subject: Option<DistinguishedName>,
    /// Alternative names; from the PKCS#10 when empty.
    pub sans: SubjectAltName,
    /// Identity numbers; none of them comes from the PKCS#10.
    pub identity: Identity,
    /// Profile.
    pub profile: String,
    /// Issuer; found by the key's kind when absent.
    pub issuer: Option<IssuerId>,
    /// Validity in days, at most the profile's.
    pub days: Option<u32>,
}

/// A certificate for a key of our own, which needs no proof of possession.
#[derive(Debug, Clone)]
pub struct OwnRequest {
    /// DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// Subject.
    pub subject: DistinguishedName,
    /// Alternative names.
    pub sans: SubjectAltName,
    /// Profile.
    pub profile: String,
    /// Issuer.
    pub issuer: IssuerId,
    /// Validity in days, at most the profile's.
    pub days: Option<u32>,
}

/// All that a certificate says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) subject: DistinguishedName,
    pub(super) sans: SubjectAltName,
    pub(super) identity: Identity,
}

/// A request that was read and proven, before it is filed.
pub(super) struct Asked {
    pub(super) profile: Arc<LoadedProfile>,
    pub(super) issuer: Arc<Issuer>,
    pub(super) subject: Subject,
    pub(super) csr: Option<Vec<u8>>,
    pub(super) days: Option<u32>,
}

/// What the first commit of an issuance writes besides the intent.
pub(super) enum Filing {
    /// The request itself, one step: the certificate's entry will cover it.
    InOneStep,
    /// The approval of a filed request, with an entry of its own.
    Approval { expected: RequestState },
}

/// Writes rows that the certificate's own entry covers too, given the certificate's DER.
type MoreRows = Box<dyn FnOnce(&Tx<'_>, &[u8], Seq) -> Result<Vec<Cover>, Error> + Send>;

/// An authority's certificate: what else comes into being with it, and the ceremony it is made in.
pub(super) struct NewAuthority {
    pub(super) rows: MoreRows,
    pub(super) event: Event,
    pub(super) ceremony: Ceremony,
}

/// The two persons of a ceremony.
#[derive(Debug, Clone)]
pub(super) struct Persons {
    /// Who confirmed the plan, and carries it out.
    pub(super) actor: Actor,
    /// Who put it forward.
    pub(super) proposer: String,
}

impl Ca {
    /// Requests and issues in one step. A trial allows it to people; the suite does it for itself.
    ///
    /// # Errors
    /// Anything in [`Error`]; after [`Error::Pool`] or [`Error::Db`] the serial is revoked, and a new call
    /// draws a new one.
    pub async fn issue(&self, auth: &Authorized, request: NewRequest) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::IssueCertificate)?;
        self.probe(Step::BeforeDraft)?;
        let asked = self.read(&request)?;
        self.issue_asked(auth, asked, None).await
    }

    /// Issues for a key the pool holds. Only the suite itself calls this.
    ///
    /// # Errors
    /// As [`Ca::issue`].
    pub async fn issue_for_key(&self, auth: &Authorized, request: OwnRequest) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::IssueCertificate)?;
        let profile = self.profile(&request.profile)?;
        // A responder is the deputy of one key; everything else is issued by whoever issues now.
        let deputy = profile.profile.rules().ocsp_nocheck;
        let issuer = if deputy { self.issuer(&request.issuer)? } else { self.current(&request.issuer)? };
        let key = PublicKey::from_spki(&request.spki).map_err(BadRequest::Key)?;
        let subject = Subject::pooled(key, request.subject, request.sans);
        self.issue_asked(auth, Asked { profile, issuer, subject, csr: None, days: request.days }, None).await
    }

    pub(super) async fn issue_asked(
        &self,
        auth: &Authorized,
        asked: Asked,
        authority: Option<NewAuthority>,
    ) -> Result<Certificate, Error> {
        let filed = self.file(auth.actor(), &asked, true)?;
        let approved = Submitted::by(auth.actor(), filed.id).approve_in_one_step(auth)?;
        if let Some(half) = asked.profile.profile.encryption_half() {
            return self.certify_pair(auth.actor(), approved, &half, filed, &asked, Filing::InOneStep).await;
        }
        let linted = self.draft(approved, &asked)?;
        self.certify(auth.actor(), linted, filed, &asked, Filing::InOneStep, authority).await
    }

    /// Issues an authority's certificate as two persons agreed. The rights are the suite's own, the record names them.
    pub(super) async fn certify_authority(
        &self,
        persons: &Persons,
        asked: Asked,
        authority: NewAuthority,
    ) -> Result<Certificate, Error> {
        let suite = authorize(&Actor::system(), Permission::IssueCertificate, self.0.options.setup)?;
        let mut filed = self.file(&persons.actor, &asked, true)?;
        filed.requester.clone_from(&persons.proposer);
        filed.one_step = persons.proposer == persons.actor.person();
        let approved = Submitted::by(suite.actor(), filed.id).approve_in_one_step(&suite)?;
        let linted = self.draft(approved, &asked)?;
        self.certify(&persons.actor, linted, filed, &asked, Filing::InOneStep, Some(authority)).await
    }

    /// Reads a request and proves possession. Nothing is stored.
    pub(super) fn read(&self, request: &NewRequest) -> Result<Asked, Error> {
        let profile = self.open_profile(&request.profile)?;
        let proven = ProvenRequest::read(&request.csr)?;
        let names = Names {
            subject: request.subject.clone().unwrap_or_else(|| proven.subject().clone()),
            sans: if request.sans.is_empty() { proven.alt_names().clone() } else { request.sans.clone() },
            identity: request.identity.clone(),
        };
        self.ask(profile, proven, request.csr.clone(), names, request.issuer.as_ref(), request.days)
    }

    /// A profile that officers may ask for.
    pub(super) fn open_profile(&self, name: &str) -> Result<Arc<LoadedProfile>, Error> {
        let profile = self.profile(name)?;
        if profile.profile.rules().internal || profile.profile.rules().needs_ceremony {
            return Err(Error::UnknownProfile(name.chars().take(60).collect()));
        }
        Ok(profile)
    }

    /// Puts a proven key and names together, and finds who can certify them.
    pub(super) fn ask(
        &self,
        profile: Arc<LoadedProfile>,
        proven: ProvenRequest,
        csr: Vec<u8>,
        names: Names,
        issuer: Option<&IssuerId>,
        days: Option<u32>,
    ) -> Result<Asked, Error> {
        if let Some(authority) = self.issuers().iter().find(|issuer| issuer.public_key == *proven.key()) {
            return Err(Error::AuthorityKey(authority.id.clone()));
        }
        let issuer = self.issuer_for(&profile.profile, proven.key().algorithm(), issuer)?;
        let subject = Subject::named(proven.into_key(), names.subject, names.sans).identified(names.identity);
        Ok(Asked { profile, issuer, subject, csr: Some(csr), days })
    }

    /// The record of a request, not yet stored.
    pub(super) fn file(&self, actor: &Actor, asked: &Asked, one_step: bool) -> Result<RequestRow, Error> {
        let now = self.0.options.clock.now();
        Ok(RequestRow {
            id: RequestId::draw(self.0.options.random.as_ref())?,
            tenant: actor.tenant().clone(),
            state: if one_step { RequestState::Issuing } else { RequestState::Submitted },
            one_step,
            kind: RequestKind::New,
            branch: None,
            batch: None,
            requester: actor.person().to_owned(),
            reviewer: None,
            needs_review: asked.profile.profile.rules().approval.reviewer,
            needs_evidence: asked.profile.profile.rules().approval.evidence,
            approver: one_step.then(|| actor.person().to_owned()),
            profile: asked.profile.profile.name().to_owned(),
            profile_digest: asked.profile.digest,
            issuer: Some(asked.issuer.id.clone()),
            subject: asked.subject.name().to_der(),
            sans: asked.subject.alt_names().to_string(),
            identity: asked.subject.identity().to_string(),
            csr: asked.csr.clone(),
            spki: Some(asked.subject.key().spki_der().to_vec()),
            days: asked.days,
            contact: None,
            submitted_at: now,
            reviewed_at: None,
            decided_at: one_step.then_some(now),
            reason: None,
            serial: None,
            replaces: None,
            pickup: None,
        })
    }

    /// Draws a serial, drafts and lints.
    pub(super) fn draft(&self, approved: Approved, asked: &Asked) -> Result<Linted, Error> {
        // The log's time, not the clock's: it refuses while the clock is behind.
        let now = self.0.options.audit.ready()?;
        self.draft_as(approved, asked, &asked.profile.profile, asked.subject.clone(), now)
    }

    /// The same for a half of a pair, which has its own rules and its own key.
    pub(super) fn draft_as(
        &self,
        approved: Approved,
        asked: &Asked,
        profile: &Profile,
        subject: Subject,
        now: Instant,
    ) -> Result<Linted, Error> {
        let serial = Serial::draw(self.0.options.random.as_ref())?;
        let lifetime = asked.days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
        let facts = asked.issuer.facts_for(self.list_for(&asked.issuer.id, &serial))?;
        let draft = Draft::new(approved, profile, &facts, subject, serial, lifetime, now)?;
        draft.lint(now).map_err(Error::Lint)
    }

    /// Steps 2 to 4.
    pub(super) async fn certify(
        &self,
        actor: &Actor,
        linted: Linted,
        mut request: RequestRow,
        asked: &Asked,
        filing: Filing,
        authority: Option<NewAuthority>,
    ) -> Result<Certificate, Error> {
        let options = &self.0.options;
        let key = asked.issuer.key;
        // A pool that cannot sign now is found before a serial is spent on it.
        options.pool.ready(key).await?;
        self.probe(Step::BeforeIntent)?;

        request.state = RequestState::Issuing;
        // The profile in force now, which may be newer than the one the request was filed under.
        request.profile_digest = asked.profile.digest;
        request.serial = Some(linted.serial().clone());
        let row = intended(&linted, &request, asked, asked.subject.key());
        let in_ceremony = authority.is_some();
        let stored = self.store_intent(actor, linted, &row, &request, filing, in_ceremony).await?;

        let outcome =
            if request.one_step && actor.role() != Role::System { Outcome::DoneInOneStep } else { Outcome::Done };
        let signed = self.sign(actor, key, stored, row.clone(), request.clone(), outcome, authority).await;
        match signed {
            Ok(certificate) => {
                self.probe(Step::BeforeAnswer)?;
                Ok(certificate)
            }
            Err(error) => {
                // The answer is lost or the signature was refused: whatever exists under this serial must
                // not be usable. If this fails too, `recover` does it at the next start.
                if let Err(later) = self.abandon(actor, row, request).await {
                    tracing::error!(error = %later, "an intent could not be abandoned; it is revoked at the next start");
                }
                Err(error)
            }
        }
    }

    /// Step 2: the serial, the request and the exact bytes, durable together.
    async fn store_intent(
        &self,
        actor: &Actor,
        linted: Linted,
        row: &CertificateRow,
        request: &RequestRow,
        filing: Filing,
        in_ceremony: bool,
    ) -> Result<Stored, Error> {
        let options = &self.0.options;
        let (row, request, actor) = (row.clone(), request.clone(), actor.clone());
        let (audit, probe) = (options.audit.clone(), options.probe.clone());
        let evidence = options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                admit(tx, &row, &request, in_ceremony)?;
                match filing {
                    Filing::InOneStep => request.insert_uncovered(tx)?,
                    Filing::Approval { expected } => approve_row(tx, &audit, &actor, &request, None, expected)?,
                }
                row.insert_intent(tx)?;
                if let Some(probe) = &probe {
                    probe(Step::InIntent)?;
                }
                Ok(IntentRow::written(row.issuer, row.serial, row.tbs.unwrap_or_default()))
            })
            .await?;
        Ok(Stored::new(linted, &evidence)?)
    }

    /// Steps 3 and 4.
    #[expect(clippy::too_many_arguments, reason = "each is a different part of one commit")]
    async fn sign(
        &self,
        actor: &Actor,
        key: pki_config::KeyId,
        stored: Stored,
        mut row: CertificateRow,
        mut request: RequestRow,
        outcome: Outcome,
        authority: Option<NewAuthority>,
    ) -> Result<Certificate, Error> {
        self.probe(Step::BeforeSign)?;
        let options = &self.0.options;
        let (ceremony, more) = match authority {
            Some(authority) => (Some(authority.ceremony), Some((authority.rows, authority.event))),
            None => (None, None),
        };
        let sign = SignRequest {
            key,
            to_sign: ToSign::Certificate(stored.linted().tbs().to_vec()),
            actor: actor.clone(),
            ceremony,
            importance: Importance::Normal,
        };
        let (feeds, probe) = (options.feeds.clone(), options.probe.clone());
        options
            .pool
            .sign(sign, move |tx: &Tx<'_>, signed| -> Result<_, Error> {
                if let Some(probe) = &probe {
                    probe(Step::BeforeRows)?;
                }
                let der = stored.finish_signed(signed)?.into_der();
                let mut covers = issued(tx, &mut row, &mut request, &der, signed.seq)?;
                let event = match more {
                    Some((more, event)) => {
                        covers.extend(more(tx, &der, signed.seq)?);
                        event
                    }
                    None => Event::CertificateIssued,
                };
                row.index(tx, signed.seq)?;
                tell(&feeds, tx, &row)?;
                if let Some(probe) = &probe {
                    probe(Step::AfterRows)?;
                }
                let record =
                    Record { event, object: object(&row.issuer, &row.serial), outcome, payload: der.clone(), covers };
                Ok((record, fresh(row, request, der, signed.seq, None)))
            })
            .await
    }

    pub(super) fn probe(&self, step: Step) -> Result<(), Error> {
        match &self.0.options.probe {
            Some(probe) => probe(step),
            None => Ok(()),
        }
    }
}

/// The row of a certificate that is about to be signed, for this key.
pub(super) fn intended(linted: &Linted, request: &RequestRow, asked: &Asked, key: &PublicKey) -> CertificateRow {
    CertificateRow {
        issuer: asked.issuer.id.clone(),
        serial: linted.serial().clone(),
        tenant: request.tenant.clone(),
        request: request.id,
        state: CertificateState::Intended,
        profile: request.profile.clone(),
        profile_digest: request.profile_digest,
        subject: asked.subject.name().to_string(),
        sans: request.sans.clone(),
        validity: linted.validity(),
        tbs: Some(linted.tbs().to_vec()),
        key_sm3: Some(engine::sm3::hash(key.spki_der())),
        sha256: None,
        issue_seq: None,
        status: CertStatus::Good,
        shard: linted.issuer().urls.list().number(),
        audit_seq: None,
    }
}

/// Refuses what the store knows against a key or serial. Asked inside the transaction: a revocation that comes at the
/// same time is before it or after.
pub(super) fn admit(tx: &Tx<'_>, row: &CertificateRow, request: &RequestRow, in_ceremony: bool) -> Result<(), Error> {
    if let Some(since) = store::blocked(tx, request.key()?)? {
        return Err(Error::BlockedKey { since });
    }
    authority::demand_issuing(row, &store::issuer_state(tx, &row.issuer)?, in_ceremony)?;
    let history = History {
        near: store::serial_near(tx, &row.issuer, &row.serial)?,
        shared: store::key_of_others(tx, &row.tenant, row.key_sm3.as_ref())?,
        serial: Some(row.serial.clone()),
        ..History::default()
    };
    let findings = record::examine(&history);
    if findings.is_empty() { Ok(()) } else { Err(Error::Lint(findings)) }
}

/// Writes the rows of a certificate that was just signed.
pub(super) fn issued(
    tx: &Tx<'_>,
    row: &mut CertificateRow,
    request: &mut RequestRow,
    der: &[u8],
    seq: Seq,
) -> Result<Vec<Cover>, Error> {
    row.state = CertificateState::Issued;
    row.tbs = None;
    row.issue_seq = Some(seq);
    row.sha256 = Some(fingerprint(der));
    request.state = RequestState::Issued;
    Ok(vec![row.put(tx, seq)?, request.put(tx, seq)?])
}

/// A certificate that was just signed.
pub(super) fn fresh(
    row: CertificateRow,
    request: RequestRow,
    der: Vec<u8>,
    seq: Seq,
    pair: Option<InPair>,
) -> Certificate {
    Certificate {
        sans: split_sans(&row.sans),
        issuer: row.issuer,
        serial: row.serial,
        der,
        profile: row.profile,
        profile_digest: row.profile_digest,
        subject: row.subject,
        validity: row.validity,
        request: row.request,
        requester: request.requester,
        approver: request.approver,
        issue_seq: seq,
        audit_seq: seq,
        status: CertStatus::Good,
        pair,
    }
}

/// Tells every responder, inside the transaction: what one of them cannot take does not happen.
pub(super) fn tell(
    feeds: &[Arc<dyn for<'a> StatusFeed<Tx<'a>>>],
    tx: &Tx<'_>,
    row: &CertificateRow,
) -> Result<(), Error> {
    let news = row.news();
    feeds.iter().try_for_each(|feed| feed.apply(tx, &news).map_err(Error::Feed))
}

/// SHA-256 of a certificate, by which people compare it.
pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref());
    out
}

/// How the log names a certificate.
pub(super) fn object(issuer: &IssuerId, serial: &Serial) -> String {
    format!("{issuer}/{serial}")
}

/// Moves a filed request to `issuing`, if it still is where it was seen: of two officers who approve at
/// once, one gets here first and the other finds the state changed.
pub(super) fn approve_row(
    tx: &Tx<'_>,
    audit: &ledger::AuditLog,
    actor: &Actor,
    request: &RequestRow,
    other: Option<&RequestRow>,
    expected: RequestState,
) -> Result<(), Error> {
    let now = store::request(tx, &request.tenant, request.id)?.ok_or(Error::UnknownRequest(request.id))?;
    if now.state != expected {
        return Err(Error::RequestState { request: request.id, state: now.state });
    }
    let seq: Seq = audit.next_seq(tx)?;
    let mut covers: Vec<Cover> = vec![request.put(tx, seq)?];
    // The other half of a pair, decided with it.
    if let Some(other) = other {
        covers.push(other.put(tx, seq)?);
    }
    audit.append(
        tx,
        ledger::EntryDraft {
            actor: actor.clone(),
            event: Event::CertificateApproved,
            object: request.id.to_string(),
            outcome: Outcome::Done,
            payload: Vec::new(),
            covers,
        },
    )?;
    Ok(())
}
