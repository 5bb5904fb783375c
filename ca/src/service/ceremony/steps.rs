//! Carries a plan out, step by step, after it was checked as a whole.

use std::time::Duration;

use crypto_pool::kms::Ceremony;
use crypto_pool::path::Cert;
use pki_config::role::Authorized;
use pki_config::{IssuerId, Serial, TenantId};

use super::Outcomes;
use crate::core::ceremony::plan::{Other, Plan, Step, other};
use crate::core::ceremony::request::Request;
use crate::core::ceremony::response::{Response, Root};
use crate::core::ceremony::transcript::Done;
use crate::core::ceremony::{BadCeremony, hex};
use crate::core::constraints;
use crate::core::crl::List;
use crate::error::Error;
use crate::service::cross::Wording;
use crate::service::issue::{Persons, fingerprint};
use crate::service::issuers::Making;
use crate::service::{Ca, NewIssuer};
use crate::store::{CeremonyRow, CertificateRow, CrlRecord, IssuerState};

/// What goes into an answer.
#[derive(Debug, Default)]
struct Answer {
    certificates: Vec<(IssuerId, Vec<u8>)>,
    lists: Vec<(IssuerId, Vec<u8>)>,
    roots: Vec<IssuerId>,
}

/// What the steps of one plan share.
struct Carrying<'a> {
    auth: &'a Authorized,
    persons: &'a Persons,
    ceremony: Ceremony,
    request: Option<Request>,
    answer: Answer,
}

/// What people compare of a certificate.
pub(super) fn facts(der: &[u8]) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Ok(read) = Cert::from_der(der) {
        if let Ok(name) = pki_config::name::DistinguishedName::from_der(read.subject()) {
            facts.push(("Name", name.to_string()));
        }
        facts.push(("Serial", hex(read.serial()).to_uppercase()));
        facts.push(("Good", format!("{} to {}", read.not_before(), read.not_after())));
        facts.push(("Key SM3", hex(&engine::sm3::hash(read.spki()))));
    }
    facts.push(("SM3", hex(&engine::sm3::hash(der))));
    facts.push(("SHA-256", hex(&fingerprint(der))));
    facts
}

pub(super) fn list_facts(record: &CrlRecord) -> Vec<(&'static str, String)> {
    vec![
        ("Number", record.number.to_string()),
        ("Entries", record.entries.to_string()),
        ("Good", format!("{} to {}", record.this_update, record.next_update)),
        ("SM3", hex(&record.sm3)),
    ]
}

fn words(permit: &[String], exclude: &[String]) -> Result<Option<Vec<u8>>, BadCeremony> {
    constraints::encode(permit, exclude).map_err(BadCeremony)
}

fn refused<T>(why: String) -> Result<T, Error> {
    Err(BadCeremony(why).into())
}

impl Ca {
    /// Carries out a plan. What was done before a failing step is in the outcomes.
    pub(super) async fn carry_out(
        &self,
        auth: &Authorized,
        persons: &Persons,
        installation: &str,
        row: &CeremonyRow,
    ) -> Result<Outcomes, Error> {
        let plan = Plan::read(&row.source)?;
        let request = row.request.as_deref().map(Request::read).transpose()?;
        // Things may have changed since it was put forward.
        self.check_plan(installation, &row.tenant, &plan, request.as_ref()).await?;
        let ceremony = self.0.options.kms.begin_ceremony(auth, &format!("{} {}", row.id, hex(&row.sm3))).await?;
        let asked = request.as_ref().map(|request| request.digest);
        let mut carrying = Carrying { auth, persons, ceremony, request, answer: Answer::default() };
        let mut outcomes = Outcomes::default();
        for (place, step) in plan.steps.iter().enumerate() {
            match self.step(&mut carrying, step).await {
                Ok(facts) => outcomes.done.push(Done { what: step.words(), facts }),
                Err(why) => {
                    outcomes.failed = Some((place + 1, why));
                    break;
                }
            }
        }
        let Answer { certificates, lists, roots } = carrying.answer;
        if outcomes.failed.is_none() && !(certificates.is_empty() && lists.is_empty()) {
            let response = Response {
                installation: installation.to_owned(),
                made: self.0.options.clock.now(),
                title: plan.title.clone(),
                plan: plan.digest,
                request: asked,
                persons: vec![persons.proposer.clone(), persons.actor.person().to_owned()],
                roots: roots.iter().map(|id| self.root_of(id)).collect::<Result<_, _>>()?,
                certificates,
                lists,
                digest: [0; 32],
            };
            outcomes.response = Some(response.write()?);
        }
        Ok(outcomes)
    }

    fn root_of(&self, id: &IssuerId) -> Result<Root, Error> {
        let root = self.issuer(id)?;
        Ok(Root { issuer: id.clone(), url: root.public_url.clone(), certificate: root.certificate.clone() })
    }

    async fn step(&self, carrying: &mut Carrying<'_>, step: &Step) -> Result<Vec<(&'static str, String)>, Error> {
        let (auth, persons, ceremony) = (carrying.auth, carrying.persons, carrying.ceremony.clone());
        match step {
            Step::Root { issuer, algorithm, subject, url, days } => {
                let new = NewIssuer {
                    id: issuer.clone(),
                    parent: None,
                    subject: subject.clone(),
                    algorithm: *algorithm,
                    public_url: url.clone(),
                };
                let making = Making { days: *days, offline: true, ..Making::default() };
                Ok(facts(&self.make_issuer(auth, Some(persons), &ceremony, new, making).await?.der))
            }
            Step::Issuer { issuer, under, algorithm, subject, url, days, path_length, permit, exclude } => {
                let parent = self.issuer(under)?;
                let new = NewIssuer {
                    id: issuer.clone(),
                    parent: Some(under.clone()),
                    subject: subject.clone(),
                    algorithm: *algorithm,
                    public_url: url.clone().unwrap_or_else(|| parent.public_url.clone()),
                };
                let making = Making {
                    days: *days,
                    path_length: *path_length,
                    constraints: words(permit, exclude)?,
                    ..Making::default()
                };
                Ok(facts(&self.make_issuer(auth, Some(persons), &ceremony, new, making).await?.der))
            }
            Step::Certify { issuer, under, subject, days, path_length, permit, exclude, .. } => {
                let request = carrying.request.as_ref().ok_or_else(no_request)?;
                let key = request.key(issuer)?.proven.clone().into_key();
                let wording = Wording {
                    days: *days,
                    path_length: *path_length,
                    constraints: words(permit, exclude)?,
                    ocsp: false,
                    cross: false,
                };
                let named = Other { subject: subject.clone(), key };
                let made = self.certify_other(persons, &ceremony, under, named, wording).await?;
                carrying.answer.certificates.push((issuer.clone(), made.der.clone()));
                carrying.answer.note(under);
                Ok(facts(&made.der))
            }
            Step::Cross { under, of, days, path_length, permit, exclude } => {
                let wording = Wording {
                    days: *days,
                    path_length: *path_length,
                    constraints: words(permit, exclude)?,
                    ocsp: self.issuer(under)?.state == IssuerState::Active,
                    cross: true,
                };
                Ok(facts(&self.certify_other(persons, &ceremony, under, other(of)?, wording).await?.der))
            }
            Step::Adopt { issuer, certificate, signed_by } => {
                let (certificate, above) = (der_of(certificate)?, der_of(signed_by)?);
                let row = self.check_adopted(issuer, &certificate, &above)?;
                self.adopt(auth, row).await?;
                Ok(facts(&certificate))
            }
            Step::Roll { issuer, new, days } => {
                Ok(facts(&self.roll_issuer(auth, persons, &ceremony, issuer, new.clone(), *days).await?.der))
            }
            Step::Revoke { issuer, under, serial, reason } => {
                let tenant = auth.actor().tenant();
                let found = self.to_revoke(tenant, issuer.as_ref(), under.as_ref(), serial.as_deref()).await?;
                let done = self.revoke_authority(auth, found, *reason).await?;
                let told = done.list.map_or_else(
                    || format!("by the next list of {}", done.row.issuer),
                    |number| format!("by list {number} of {}", done.row.issuer),
                );
                Ok(vec![
                    ("Name", done.row.subject.clone()),
                    ("Serial", done.row.serial.to_string()),
                    ("Told", told),
                    ("Below it", format!("{} certificates that were good are believed no more", done.below)),
                ])
            }
            Step::Crl { issuer, days } => {
                let lifetime = days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
                let record = self.publish_for(auth.actor(), issuer, List::WHOLE, lifetime).await?;
                let (record, der) = match self.crl(issuer).await {
                    Ok((served, der)) if served.number == record.number => (record, der),
                    Ok(_) => return Err(Error::CrlRace(issuer.clone())),
                    Err(why) => return Err(why),
                };
                // Others import lists of roots; those of issuers are fetched where they are published.
                if self.issuer(issuer)?.parent.is_none() {
                    carrying.answer.lists.retain(|(listed, _)| listed != issuer);
                    carrying.answer.lists.push((issuer.clone(), der.to_vec()));
                    carrying.answer.note(issuer);
                }
                Ok(list_facts(&record))
            }
        }
    }

    async fn to_revoke(
        &self,
        tenant: &TenantId,
        issuer: Option<&IssuerId>,
        under: Option<&IssuerId>,
        serial: Option<&str>,
    ) -> Result<CertificateRow, Error> {
        match (issuer, under, serial) {
            (Some(issuer), ..) => {
                let issuer = self.issuer(issuer)?;
                self.row_of_issuer(tenant, &issuer).await
            }
            (None, Some(under), Some(serial)) => {
                let serial: Serial =
                    serial.parse().map_err(|_| BadCeremony("serial is no serial number".to_owned()))?;
                self.row(tenant, &serial, Some(under)).await
            }
            _ => refused("name an issuer, or under and serial".to_owned()),
        }
    }

    /// Whether every step can be done, given those before it. What only the signature can tell is left to it.
    pub(super) async fn check_plan(
        &self,
        installation: &str,
        tenant: &TenantId,
        plan: &Plan,
        request: Option<&Request>,
    ) -> Result<(), Error> {
        match (request, plan.certified().next()) {
            (None, Some(_)) => return Err(no_request().into()),
            (Some(_), None) => return refused("a request came along, but the plan certifies nothing of it".to_owned()),
            (Some(request), Some(_)) => {
                request.fits(plan)?;
                if request.installation == installation {
                    return refused(
                        "the request was made by this installation itself: carry it to the one with the root's key, or use \
                         do = \"issuer\""
                            .to_owned(),
                    );
                }
            }
            (None, None) => {}
        }
        // Words of the issuers that the plan makes, and whether they are roots.
        let mut made: Vec<(&IssuerId, bool)> = Vec::new();
        for (place, step) in plan.steps.iter().enumerate() {
            let at = |why: Error| match why {
                Error::Ceremony(BadCeremony(why)) => BadCeremony(format!("step {}: {why}", place + 1)).into(),
                other => BadCeremony(format!("step {}: {other}", place + 1)).into(),
            };
            self.check_step(tenant, plan, place, step, &made).await.map_err(|why: Error| -> Error { at(why) })?;
            match step {
                Step::Root { issuer, .. } => made.push((issuer, true)),
                Step::Issuer { issuer, .. } | Step::Roll { new: issuer, .. } => made.push((issuer, false)),
                _ => {}
            }
        }
        Ok(())
    }

    async fn check_step(
        &self,
        tenant: &TenantId,
        plan: &Plan,
        place: usize,
        step: &Step,
        made: &[(&IssuerId, bool)],
    ) -> Result<(), Error> {
        let free = |id: &IssuerId| {
            let taken = self.issuer(id).is_ok() || made.iter().any(|(known, _)| *known == id);
            if taken { Err(Error::IssuerExists(id.clone())) } else { Ok(()) }
        };
        let listed_after = |id: &IssuerId| {
            plan.steps.iter().skip(place).any(|step| matches!(step, Step::Crl { issuer, .. } if issuer == id))
        };
        match step {
            Step::Root { issuer, .. } => free(issuer),
            Step::Issuer { issuer, under, .. } => {
                free(issuer)?;
                self.check_signer(under, made).await
            }
            Step::Certify { under, .. } => {
                self.check_signer(under, made).await?;
                let root = made.iter().any(|(id, root)| *id == under && *root)
                    || self.issuer(under).is_ok_and(|issuer| issuer.parent.is_none());
                if !root {
                    return refused(format!("{under} is no root; only roots certify issuers of other installations"));
                }
                if !listed_after(under) {
                    return refused(format!(
                        "add a step do = \"crl\" for {under}: its list goes along with the certificate"
                    ));
                }
                Ok(())
            }
            Step::Cross { under, .. } => self.check_signer(under, made).await,
            Step::Adopt { issuer, certificate, signed_by } => {
                self.check_adopted(issuer, &der_of(certificate)?, &der_of(signed_by)?).map(drop)
            }
            Step::Roll { issuer, new, .. } => {
                free(new)?;
                let old = self.issuer(issuer)?;
                if old.state != IssuerState::Active {
                    return Err(Error::IssuerAtRest { issuer: issuer.clone(), state: old.state.as_str() });
                }
                match &old.parent {
                    Some(parent) => self.check_signer(parent, made).await,
                    None => {
                        refused(format!("{issuer} is a root; make a new root, and cross-certify it under {issuer}"))
                    }
                }
            }
            Step::Revoke { issuer, under, serial, .. } => {
                let found = self.to_revoke(tenant, issuer.as_ref(), under.as_ref(), serial.as_deref()).await?;
                if !crate::service::status::is_authority(&found) {
                    return refused(format!("certificate {} is no authority's", found.serial));
                }
                if let pki_config::status::CertStatus::Revoked(by) = found.status {
                    return Err(crate::core::revoke::Impossible::AlreadyRevoked(by).into());
                }
                let parent = self.issuer(&found.issuer)?;
                let by_hand = matches!(parent.state, IssuerState::Offline { .. });
                if by_hand && !listed_after(&parent.id) {
                    let why = format!("add a step do = \"crl\" for {} after it: else nobody hears of it", parent.id);
                    return refused(why);
                }
                Ok(())
            }
            Step::Crl { issuer, .. } if made.iter().any(|(known, _)| *known == issuer) => Ok(()),
            Step::Crl { issuer, .. } => {
                let known = self.issuer(issuer)?;
                self.demand_key(&known).await
            }
        }
    }

    /// Whether an issuer can certify authorities here.
    async fn check_signer(&self, id: &IssuerId, made: &[(&IssuerId, bool)]) -> Result<(), Error> {
        if made.iter().any(|(known, _)| *known == id) {
            return Ok(());
        }
        let issuer = self.issuer(id)?;
        if !matches!(issuer.state, IssuerState::Active | IssuerState::Offline { .. }) {
            return Err(Error::IssuerAtRest { issuer: id.clone(), state: issuer.state.as_str() });
        }
        if issuer.facts.path_length == Some(0) {
            return refused(format!("{id} may have no authority below it"));
        }
        self.demand_key(&issuer).await
    }

    async fn demand_key(&self, issuer: &super::super::Issuer) -> Result<(), Error> {
        match self.0.options.kms.record(issuer.key).await {
            Ok(_) => Ok(()),
            Err(crypto_pool::Error::NoSuchKey { .. }) => {
                refused(format!("the key of {} is not here: carry the plan to the machine that has it", issuer.id))
            }
            Err(why) => Err(why.into()),
        }
    }
}

impl Answer {
    /// Its certificate goes along.
    fn note(&mut self, root: &IssuerId) {
        if !self.roots.contains(root) {
            self.roots.push(root.clone());
        }
    }
}

fn no_request() -> BadCeremony {
    BadCeremony(
        "the plan certifies an issuer of another installation: bring the request made there (yinxin ceremony plan PLAN \
         --out REQUEST) with --request"
            .to_owned(),
    )
}

fn der_of(pem: &str) -> Result<Vec<u8>, Error> {
    Ok(crate::core::ceremony::certificate_of(pem)?)
}
