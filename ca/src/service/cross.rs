//! Certificates between our issuers and authorities elsewhere, both ways.

use std::sync::Arc;

use crypto_pool::kms::Ceremony;
use crypto_pool::path::Cert;
use ledger::{Cover, EntryDraft, Importance, Outcome, Seq, Tx};
use pki_config::name::SubjectAltName;
use pki_config::profile::KeyMaker;
use pki_config::role::Authorized;
use pki_config::{Event, IssuerId};

use super::issue::{Asked, NewAuthority, Persons, fingerprint};
use super::{Ca, Certificate};
use crate::core::ceremony::BadCeremony;
use crate::core::ceremony::plan::{Other, is_of_family};
use crate::core::draft::Subject;
use crate::error::Error;
use crate::store::{self, CrossRow, Direction};

/// How another authority's certificate is worded.
#[derive(Debug, Clone)]
pub(super) struct Wording {
    pub(super) days: Option<u32>,
    pub(super) path_length: u8,
    pub(super) constraints: Option<Vec<u8>>,
    /// Whether our responder answers for it.
    pub(super) ocsp: bool,
    /// Whether it is kept as a certificate between authorities: not if it goes to an installation that asked us.
    pub(super) cross: bool,
}

impl Ca {
    /// Certifies another authority's name and key, which it was shown to have.
    pub(super) async fn certify_other(
        &self,
        persons: &Persons,
        ceremony: &Ceremony,
        under: &IssuerId,
        other: Other,
        wording: Wording,
    ) -> Result<Certificate, Error> {
        let mut issuer = self.issuer(under)?;
        if !is_of_family(&issuer.public_key, other.key.key()) {
            let why =
                format!("{under} certifies keys of its own family only: SM2 under SM2, the others under the others");
            return Err(BadCeremony(why).into());
        }
        if let Some(ours) = self.issuers().iter().find(|ours| ours.public_key == *other.key.key() && ours.id == *under)
        {
            return Err(Error::AuthorityKey(ours.id.clone()));
        }
        if !wording.ocsp {
            let mut silent = (*issuer).clone();
            silent.facts.urls.ocsp = None;
            issuer = Arc::new(silent);
        }
        let profile = self.profile("sub-ca")?.for_authority(wording.path_length, KeyMaker::Csr)?;
        let name = other.subject.to_string();
        let subject = Subject::named(other.key, other.subject, SubjectAltName::none()).constrained(wording.constraints);
        let asked = Asked { profile, issuer, subject, csr: None, days: wording.days };
        let (now, tenant, issuer) = (self.0.options.clock.now(), persons.actor.tenant().clone(), under.clone());
        let rows = move |tx: &Tx<'_>, der: &[u8], seq: Seq| -> Result<Vec<Cover>, Error> {
            if !wording.cross {
                return Ok(Vec::new());
            }
            let not_after =
                Cert::from_der(der).map_err(|_| Error::Damaged("a new certificate".to_owned()))?.not_after();
            let row = CrossRow {
                sha256: fingerprint(der),
                tenant,
                direction: Direction::Given,
                issuer,
                other: name,
                not_after,
                certificate: der.to_vec(),
                created_at: now,
            };
            Ok(vec![row.put(tx, seq)?])
        };
        let authority =
            NewAuthority { rows: Box::new(rows), event: Event::CertificateIssued, ceremony: ceremony.clone() };
        self.certify_authority(persons, asked, authority).await
    }

    /// Checks a certificate by which another authority certified one of our issuers.
    pub(super) fn check_adopted(&self, id: &IssuerId, certificate: &[u8], signed_by: &[u8]) -> Result<CrossRow, Error> {
        let issuer = self.issuer(id)?;
        let bad = |why: &str| Err(BadCeremony(why.to_owned()).into());
        let read = Cert::from_der(certificate).map_err(BadCeremony::because)?;
        let above = Cert::from_der(signed_by).map_err(BadCeremony::because)?;
        if read.public_key().ok() != Some(&issuer.public_key) || read.subject() != issuer.facts.name {
            return bad("the certificate is for another name or key than our issuer's");
        }
        if above.subject() != read.issuer() || !above.public_key().is_ok_and(|key| read.is_signed_by(key)) {
            return bad("the certificate is not signed by the authority that came along");
        }
        if above.public_key().ok() == Some(&issuer.public_key) {
            return bad("our issuer signed this certificate itself: it connects it with nobody");
        }
        let extensions = read.extensions();
        let authority = extensions.basic_constraints.is_some_and(|constraints| constraints.ca);
        if !authority || !extensions.key_usage.is_none_or(|usage| usage.key_cert_sign()) {
            return bad("the certificate does not let our issuer sign certificates");
        }
        let now = self.0.options.clock.now();
        if now < read.not_before() || read.not_after() < now {
            return bad("the certificate is not good now");
        }
        let other = pki_config::name::DistinguishedName::from_der(read.issuer());
        Ok(CrossRow {
            sha256: fingerprint(certificate),
            tenant: pki_config::TenantId::house(),
            direction: Direction::Received,
            issuer: id.clone(),
            // A name written in ways of its own is still a name.
            other: other.map_or_else(|_| "a name that is not printed here".to_owned(), |name| name.to_string()),
            not_after: read.not_after(),
            certificate: certificate.to_vec(),
            created_at: now,
        })
    }

    /// Takes over such a certificate, with its log entry.
    pub(super) async fn adopt(&self, auth: &Authorized, row: CrossRow) -> Result<CrossRow, Error> {
        let options = &self.0.options;
        let (actor, audit) = (auth.actor().clone(), options.audit.clone());
        options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                if store::crosses(tx)?.iter().any(|known| known.sha256 == row.sha256) {
                    return Err(BadCeremony("this certificate was taken over before".to_owned()).into());
                }
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                let (object, payload) = (row.issuer.to_string(), row.certificate.clone());
                let event = Event::IssuerImported;
                audit.append(tx, EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers })?;
                Ok(row)
            })
            .await
    }

    /// Every certificate between our issuers and authorities elsewhere, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn cross_certificates(&self) -> Result<Vec<CrossRow>, Error> {
        self.0.options.db.read(|tx| -> Result<_, Error> { Ok(store::crosses(tx)?) }).await
    }
}
