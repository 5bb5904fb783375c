//! Trying a request out: what would be said to it, as far as it is filled in. Nothing is stored, approved or drawn on.

use crypto_pool::PublicKey;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::profile::{KeyMaker, Profile};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::time::Validity;
use pki_config::{Actor, Identity, IssuerId, RequestId, Serial};

use super::{Ca, Issuer};
use crate::core::approval::Submitted;
use crate::core::csr::ProvenRequest;
use crate::core::draft::{Draft, Subject, Undraftable};
use crate::core::issuer::kind_of;
use crate::core::lint::{self, About, Finding};
use crate::core::stand_in;
use crate::error::Error;
use crate::store;

use std::sync::Arc;
use std::time::Duration;

/// A request that may not be complete.
#[derive(Debug, Clone)]
pub struct Trial {
    /// PKCS#10, DER or PEM.
    pub csr: Option<Vec<u8>>,
    /// Subject; from the PKCS#10 when absent.
    pub subject: Option<DistinguishedName>,
    /// Alternative names; from the PKCS#10 when empty.
    pub sans: SubjectAltName,
    /// Identity numbers.
    pub identity: Identity,
    /// Profile.
    pub profile: String,
    /// Issuer; found by the key's kind when absent.
    pub issuer: Option<IssuerId>,
    /// Validity in days.
    pub days: Option<u32>,
}

/// What would be said to a request.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the PKCS#10 holds, if it could be read and proves possession: key, subject, alternative names.
    pub request: Option<(PublicKey, DistinguishedName, SubjectAltName)>,
    /// Who would sign, once that is known.
    pub issuer: Option<IssuerId>,
    /// The validity that would be given.
    pub validity: Option<Validity>,
    /// What refuses it before any rule is looked at.
    pub refused: Vec<Error>,
    /// Rules broken, warnings among them.
    pub findings: Vec<Finding>,
}

impl Ca {
    /// Says all that stands against a request and not only the first of it. Without a PKCS#10, or with one that
    /// cannot be used, the names are held against the rules with a key nobody uses.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`], [`Error::UnknownIssuer`], [`Error::WrongProof`], the random source; everything else
    /// is in the answer.
    pub async fn check(&self, auth: &Authorized, trial: Trial) -> Result<Checked, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let loaded = self.profile(&trial.profile)?;
        let profile = &loaded.profile;
        if profile.rules().internal || profile.rules().needs_ceremony {
            return Err(Error::UnknownProfile(profile.name().to_owned()));
        }
        if let Some(issuer) = &trial.issuer {
            self.issuer(issuer)?;
        }
        let mut checked = Checked::default();
        if let Some(csr) = &trial.csr {
            match ProvenRequest::read(csr) {
                Ok(proven) => {
                    let parts = (proven.key().clone(), proven.subject().clone(), proven.alt_names().clone());
                    checked.refused.extend(self.refused_key(&parts.0).await?);
                    checked.request = Some(parts);
                }
                Err(bad) => checked.refused.push(bad.into()),
            }
        }
        let (mut name, mut sans) = (trial.subject, trial.sans);
        if let Some((_, in_request, alt_names)) = &checked.request {
            name.get_or_insert_with(|| in_request.clone());
            if sans.is_empty() {
                sans = alt_names.clone();
            }
        }
        let name = name.unwrap_or_default();
        let Some((issuer, key, maker)) = self.signer(profile, trial.issuer.as_ref(), &mut checked)? else {
            return Ok(checked);
        };
        let held = maker == KeyMaker::Csr && checked.request.is_some();
        checked.issuer = Some(issuer.id.clone());
        let subject = Subject::unheld(key, maker, name, sans).identified(trial.identity);
        self.try_names(profile, &issuer, subject, trial.days, held, &mut checked)?;
        Ok(checked)
    }

    /// What stands against a key that was read.
    async fn refused_key(&self, key: &PublicKey) -> Result<Vec<Error>, Error> {
        let mut refused = Vec::new();
        if let Some(authority) = self.issuers().iter().find(|issuer| issuer.public_key == *key) {
            refused.push(Error::AuthorityKey(authority.id.clone()));
        }
        let spki = key.spki_der().to_vec();
        let blocked = self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::blocked(tx, &spki)?) }).await?;
        refused.extend(blocked.map(|since| Error::BlockedKey { since }));
        Ok(refused)
    }

    /// Who would sign which key: the request's own if there is an issuer for it, or else one nobody uses.
    pub(super) fn signer(
        &self,
        profile: &Profile,
        named: Option<&IssuerId>,
        checked: &mut Checked,
    ) -> Result<Option<(Arc<Issuer>, PublicKey, KeyMaker)>, Error> {
        if let Some((key, ..)) = &checked.request {
            match self.issuer_for(profile, key.algorithm(), named) {
                Ok(issuer) => return Ok(Some((issuer, key.clone(), KeyMaker::Csr))),
                Err(refused @ Error::NoIssuerForKey { .. }) => {
                    checked.refused.push(refused);
                    checked.request = None;
                }
                Err(other) => return Err(other),
            }
        }
        let maker = profile.rules().key.makers.first().copied().unwrap_or(KeyMaker::Csr);
        let issuers = match named {
            Some(id) => vec![self.issuer(id)?],
            None => self.issuers(),
        };
        let below = issuers.into_iter().filter(|issuer| issuer.parent.is_some());
        Ok(below.into_iter().find_map(|issuer| {
            let kind = kind_of(issuer.algorithm);
            let key = stand_in::key(kind)?;
            profile.rules().key.may_certify(kind, kind).then_some((issuer, key, maker))
        }))
    }

    pub(super) fn try_names(
        &self,
        profile: &Profile,
        issuer: &Issuer,
        subject: Subject,
        days: Option<u32>,
        held: bool,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let suite = authorize(&Actor::system(), Permission::IssueCertificate, self.0.options.setup)?;
        let request = RequestId::draw(self.0.options.random.as_ref())?;
        let serial = Serial::draw(self.0.options.random.as_ref())?;
        let now = self.0.options.clock.now();
        let mut subject = subject;
        let mut lifetime = days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
        // What cannot be drafted is left out in turn, so that one wrong field does not hide what is wrong with others.
        for _ in 0..3 {
            let approved = Submitted::by(suite.actor(), request).approve_in_one_step(&suite)?;
            let (trial, facts) = (subject.clone(), &issuer.facts);
            match Draft::new(approved, profile, facts, trial, serial.clone(), lifetime, now) {
                Ok(draft) => {
                    checked.validity = Some(draft.validity());
                    // Nothing is said about a key that is not the applicant's.
                    let said = |finding: &Finding| held || lint::about(finding.lint) != About::Key;
                    checked.findings = draft.findings(now).into_iter().filter(said).collect();
                    return Ok(());
                }
                Err(refused) => {
                    match refused {
                        Undraftable::Lifetime { .. } => lifetime = None,
                        Undraftable::Identity(_) | Undraftable::IdentityTwice(..) => {
                            subject = subject.identified(Identity::none());
                        }
                        _ => {
                            checked.refused.push(refused.into());
                            return Ok(());
                        }
                    }
                    checked.refused.push(refused.into());
                }
            }
        }
        Ok(())
    }
}
