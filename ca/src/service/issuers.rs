//! Issuers: made once, in a ceremony, and never changed. Their public URL is fixed when they are made,
//! because it stands in every certificate they issue. An issuer whose key is to be replaced gets a successor of the same
//! name, which is an issuer of its own with lists and addresses of its own: what the old key signed stays as it is.

use std::sync::Arc;

use crypto_pool::key::KeyRecord;
use crypto_pool::kms::{Ceremony, KeySpec};
use crypto_pool::path::Cert;
use crypto_pool::{KeyAlgorithm, PublicKey, Purpose};
use ledger::{Cover, Seq, Tx};
use pki_config::name::{DistinguishedName, HttpUrl, SubjectAltName};
use pki_config::profile::{KeyMaker, Profile};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Event, Instant, IssuerId, KeyId};

use super::issue::{Asked, NewAuthority, Persons};
use super::{Ca, Certificate, authority};
use crate::core::crl::List;
use crate::core::csr::BadRequest;
use crate::core::draft::Subject;
use crate::core::issuer::{Issuer as Facts, IssuerUrls, Limits, kind_of};
use crate::error::Error;
use crate::store::{self, IssuerRow, IssuerState};

/// An authority that issues certificates.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its word, in URLs and on the command line.
    pub id: IssuerId,
    /// Who issued its certificate; `None` for a root.
    pub parent: Option<IssuerId>,
    /// Subject of its certificate.
    pub subject: DistinguishedName,
    /// Its key's algorithm.
    pub algorithm: KeyAlgorithm,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Last second of its certificate.
    pub not_after: Instant,
    /// Base of the URLs in what it issues.
    pub public_url: HttpUrl,
    /// Its key in the pool.
    pub key: KeyId,
    /// Its public key.
    pub public_key: PublicKey,
    /// Whether it issues now.
    pub state: IssuerState,
    /// What drafts and lints need to know of it.
    pub(super) facts: Facts,
}

/// What to make.
#[derive(Debug, Clone)]
pub struct NewIssuer {
    /// Its word.
    pub id: IssuerId,
    /// Who issues its certificate; `None` for a self-signed root.
    pub parent: Option<IssuerId>,
    /// Subject.
    pub subject: DistinguishedName,
    /// Algorithm of its key.
    pub algorithm: KeyAlgorithm,
    /// Base of the URLs in what it will issue.
    pub public_url: HttpUrl,
}

/// What a ceremony's plan says of an issuer besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Making {
    /// Validity in days; what the profile gives if absent.
    pub(super) days: Option<u32>,
    /// How many authorities may stand below it.
    pub(super) path_length: u8,
    /// DER of the names it is confined to.
    pub(super) constraints: Option<Vec<u8>>,
    /// It signs in ceremonies only.
    pub(super) offline: bool,
    /// The issuer whose work it takes over.
    pub(super) rolls: Option<IssuerId>,
}

/// A chain of certificates, DER.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The issuing authority first, without the root.
    pub issuers: Vec<Vec<u8>>,
    /// The root.
    pub root: Vec<u8>,
}

impl Issuer {
    /// Where its whole CRL is published. It stands in every certificate it issues that is in no share.
    #[must_use]
    pub fn crl_url(&self) -> &HttpUrl {
        self.facts.urls.crl.as_ref().expect("every issuer is made with its addresses")
    }

    /// Where one of its lists is published.
    ///
    /// # Errors
    /// None for an issuer that was made: its addresses were found to fit then.
    pub fn list_url(&self, list: List) -> Result<HttpUrl, Error> {
        list_url(&self.id, &self.public_url, list)
    }

    /// What drafts and lints need to know of it when a certificate is to name this list.
    pub(super) fn facts_for(&self, list: List) -> Result<Facts, Error> {
        let mut facts = self.facts.clone();
        if facts.urls.crl.is_some() {
            facts.urls.crl = Some(self.list_url(list)?);
        }
        Ok(facts)
    }

    /// Where questions about what it issues are answered, if a responder answers.
    #[must_use]
    pub fn ocsp_url(&self) -> Option<&HttpUrl> {
        self.facts.urls.ocsp.as_ref()
    }

    /// Where its certificate is published. It stands in every certificate it issues.
    #[must_use]
    pub fn certificate_url(&self) -> &HttpUrl {
        self.facts.urls.ca_issuers.as_ref().expect("every issuer is made with its addresses")
    }
}

fn list_url(id: &IssuerId, base: &HttpUrl, list: List) -> Result<HttpUrl, Error> {
    base.join(&format!("crl/{}", list.file_name(id))).map_err(|why| Error::BadIssuer(why.to_string()))
}

/// The addresses that go into what an issuer issues.
fn urls(id: &IssuerId, base: &HttpUrl, ocsp: bool) -> Result<IssuerUrls, Error> {
    let at = |path: String| base.join(&path).map_err(|why| Error::BadIssuer(why.to_string()));
    Ok(IssuerUrls {
        crl: Some(list_url(id, base, List::WHOLE)?),
        ca_issuers: Some(at(format!("ca/{id}.cer"))?),
        // One address for all issuers: a question names the one it means. Without a responder there is none, for an
        // address nobody answers at would be published data that does not match operations.
        ocsp: if ocsp { Some(at("ocsp".to_owned())?) } else { None },
    })
}

impl Ca {
    /// Every issuer, roots first.
    #[must_use]
    pub fn issuers(&self) -> Vec<Arc<Issuer>> {
        let known = self.0.issuers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut issuers: Vec<_> = known.values().cloned().collect();
        issuers.sort_by_key(|issuer| (issuer.parent.is_some(), issuer.id.clone()));
        issuers
    }

    /// One issuer.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`].
    pub fn issuer(&self, id: &IssuerId) -> Result<Arc<Issuer>, Error> {
        let known = self.0.issuers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(id).cloned().ok_or_else(|| Error::UnknownIssuer(id.to_string()))
    }

    /// The chain above what an issuer issues.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`]; [`Error::Damaged`] if a parent is missing.
    pub fn chain(&self, id: &IssuerId) -> Result<Chain, Error> {
        let mut issuer = self.issuer(id)?;
        let mut issuers = Vec::new();
        // As many hops as a chain may have; parents cannot loop, since each existed before its child.
        for _ in 0..16 {
            let Some(parent) = &issuer.parent else {
                return Ok(Chain { issuers, root: issuer.certificate.clone() });
            };
            issuers.push(issuer.certificate.clone());
            issuer = self.issuer(parent)?;
        }
        Err(Error::Damaged(format!("the chain above {id}")))
    }

    /// Makes an issuer: its key, its certificate and its record. All or nothing but the key, which stays
    /// unused if the rest fails.
    ///
    /// # Errors
    /// [`Error::IssuerExists`], [`Error::UnknownIssuer`] for the parent, and as [`Ca::issue`].
    pub async fn create_issuer(
        &self,
        auth: &Authorized,
        ceremony: &Ceremony,
        new: NewIssuer,
    ) -> Result<Arc<Issuer>, Error> {
        let id = new.id.clone();
        self.make_issuer(auth, None, ceremony, new, Making::default()).await?;
        self.issuer(&id)
    }

    /// Makes an issuer as two persons agreed, or for the suite itself at its first start.
    pub(super) async fn make_issuer(
        &self,
        auth: &Authorized,
        persons: Option<&Persons>,
        ceremony: &Ceremony,
        new: NewIssuer,
        making: Making,
    ) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::ManageIssuers)?;
        if self.issuer(&new.id).is_ok() {
            return Err(Error::IssuerExists(new.id));
        }
        let parent = new.parent.as_ref().map(|id| self.issuer(id)).transpose()?;
        let mut profile = self.profile(if parent.is_some() { "sub-ca" } else { "root" })?;
        if parent.is_some() && making.path_length > 0 {
            profile = profile.for_authority(making.path_length, KeyMaker::Pool)?;
        }
        // Addresses that do not fit are found now and not by the first certificate.
        urls(&new.id, &new.public_url, self.0.options.ocsp)?;
        let key = self.new_key(auth, new.algorithm, &new.subject).await?;
        let public_key = PublicKey::from_spki(&key.spki).map_err(BadRequest::Key)?;
        let subject = Subject::pooled(public_key.clone(), new.subject.clone(), SubjectAltName::none())
            .constrained(making.constraints.clone());
        let signer = match parent {
            Some(parent) => parent,
            None => Arc::new(Issuer {
                id: new.id.clone(),
                parent: None,
                subject: new.subject.clone(),
                algorithm: new.algorithm,
                certificate: Vec::new(),
                not_after: Instant::LAST,
                public_url: new.public_url.clone(),
                key: key.id,
                facts: Facts::self_signed(new.id.clone(), new.subject.to_der(), public_key.clone()),
                state: IssuerState::Active,
                public_key,
            }),
        };
        let asked = Asked { profile, issuer: signer, subject, csr: None, days: making.days };
        let now = self.0.options.clock.now();
        let tenant = auth.actor().tenant().clone();
        let rows = {
            let (new, key, making) = (new.clone(), key.id, making.clone());
            move |tx: &Tx<'_>, der: &[u8], seq: Seq| -> Result<Vec<Cover>, Error> {
                let row = IssuerRow {
                    id: new.id.clone(),
                    tenant: tenant.clone(),
                    parent: new.parent,
                    key,
                    certificate: der.to_vec(),
                    public_url: new.public_url.as_str().to_owned(),
                    created_at: now,
                };
                let mut covers = vec![row.put(tx, seq)?];
                if making.offline {
                    covers.push(IssuerState::Offline { since: now }.put(tx, &new.id, &tenant, seq)?);
                }
                if let Some(old) = &making.rolls {
                    covers.push(authority::roll(tx, old, &new.id, &tenant, now, seq)?);
                }
                Ok(covers)
            }
        };
        let event = if making.rolls.is_some() { Event::IssuerRolled } else { Event::IssuerCreated };
        let authority = NewAuthority { rows: Box::new(rows), event, ceremony: ceremony.clone() };
        let made = match persons {
            Some(persons) => self.certify_authority(persons, asked, authority).await?,
            None => {
                let issuing = authorize(auth.actor(), Permission::IssueCertificate, self.0.options.setup)?;
                self.issue_asked(&issuing, asked, Some(authority)).await?
            }
        };
        self.look_again().await?;
        Ok(made)
    }

    /// A key for an issuer of this name.
    pub(super) async fn new_key(
        &self,
        auth: &Authorized,
        algorithm: KeyAlgorithm,
        subject: &DistinguishedName,
    ) -> Result<KeyRecord, Error> {
        let spec = KeySpec {
            purpose: Purpose::CertificateAuthority,
            algorithm,
            subject: Some(subject.to_der()),
            tenant: auth.actor().tenant().clone(),
        };
        Ok(self.0.options.kms.generate(auth, spec).await?)
    }

    /// Reads again which issuers there are and what became of them, after a change.
    pub(super) async fn look_again(&self) -> Result<(), Error> {
        let read = |tx: &Tx<'_>| -> Result<_, Error> { Ok((store::issuers(tx)?, store::issuer_states(tx)?)) };
        let (rows, states) = self.0.options.db.read(read).await?;
        self.remember_all(rows, states)
    }

    /// Keeps the stored issuers at hand, each with its state.
    pub(super) fn remember_all(&self, rows: Vec<IssuerRow>, states: Vec<(IssuerId, IssuerState)>) -> Result<(), Error> {
        let mut states: std::collections::HashMap<_, _> = states.into_iter().collect();
        for row in rows {
            let state = states.remove(&row.id).unwrap_or_default();
            self.remember(row, state)?;
        }
        Ok(())
    }

    /// Keeps a stored issuer at hand. Its certificate is read again rather than trusted.
    fn remember(&self, row: IssuerRow, state: IssuerState) -> Result<(), Error> {
        let bad = || Error::Damaged(format!("issuer {}", row.id));
        let certificate = Cert::from_der(&row.certificate).map_err(|_| bad())?;
        let subject = DistinguishedName::from_der(certificate.subject()).map_err(|_| bad())?;
        let public_key = PublicKey::from_spki(certificate.spki()).map_err(|_| bad())?;
        let public_url: HttpUrl = row.public_url.parse().map_err(|_| bad())?;
        let not_after = certificate.not_after();
        let facts = Facts {
            id: row.id.clone(),
            name: certificate.subject().to_vec(),
            key: public_key.clone(),
            not_after,
            path_length: certificate
                .extensions()
                .basic_constraints
                .and_then(|constraints| constraints.path_len)
                .and_then(|length| u8::try_from(length).ok()),
            self_signed: false,
            limits: Limits::of(certificate.tbs()).map_err(|_| bad())?,
            urls: urls(&row.id, &public_url, self.0.options.ocsp)?,
        };
        let issuer = Issuer {
            subject,
            algorithm: public_key.algorithm(),
            not_after,
            public_url,
            public_key,
            state,
            facts,
            id: row.id.clone(),
            parent: row.parent,
            certificate: row.certificate,
            key: row.key,
        };
        let mut known = self.0.issuers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(row.id, Arc::new(issuer));
        Ok(())
    }

    /// The issuer a request goes to: the one named, or the one that certifies such keys. Issuers that are
    /// roots sign no leaves (CA/Browser BR 6.1.7).
    pub(super) fn issuer_for(
        &self,
        profile: &Profile,
        key: KeyAlgorithm,
        named: Option<&IssuerId>,
    ) -> Result<Arc<Issuer>, Error> {
        let fits = |issuer: &Issuer| {
            let certifies = profile.rules().key.may_certify(kind_of(issuer.algorithm), kind_of(key));
            certifies && issuer.parent.is_some()
        };
        let refused = || Error::NoIssuerForKey { profile: profile.name().to_owned(), key: key.to_string() };
        if let Some(id) = named {
            let issuer = self.current(id)?;
            return if fits(&issuer) { Ok(issuer) } else { Err(refused()) };
        }
        let active = |issuer: &Issuer| issuer.state == IssuerState::Active;
        self.issuers().into_iter().find(|issuer| active(issuer) && fits(issuer)).ok_or_else(refused)
    }

    /// Who issues now where this issuer is named: itself, or whoever took over its work.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`]; [`Error::IssuerAtRest`] if nobody does.
    pub fn current(&self, id: &IssuerId) -> Result<Arc<Issuer>, Error> {
        let mut issuer = self.issuer(id)?;
        // A successor is younger, so this ends; bounded all the same.
        for _ in 0..100 {
            match &issuer.state {
                IssuerState::Active => return Ok(issuer),
                IssuerState::Rolled { successor, .. } => issuer = self.issuer(successor)?,
                state => return Err(Error::IssuerAtRest { issuer: issuer.id.clone(), state: state.as_str() }),
            }
        }
        Err(Error::Damaged(format!("the successors of {id}")))
    }
}
