//! Certificates that follow one another: renewed (same names, same key), re-keyed (same names, another key), issued
//! again with changed names. Each files a request that is decided like any other; the old certificate stays as it is.

use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::{Authorized, Permission};
use pki_config::status::CertStatus;
use pki_config::{Event, IssuerId, RequestId, Serial};

use super::Ca;
use super::issue::Names;
use super::requests::{Ready, names};
use crate::core::csr::ProvenRequest;
use crate::core::evidence::Evidence;
use crate::error::Error;
use crate::store::{self, CertificateRow, CertificateState, RequestKind, RequestRow};

/// What is to follow a certificate.
#[derive(Debug, Clone)]
pub enum Follow {
    /// The same names and the same key.
    Renew,
    /// The same names with another key: its PKCS#10, DER or PEM.
    Rekey(Vec<u8>),
    /// Changed names: those given, with the key of this PKCS#10 or the same key.
    Reissue {
        /// The subject from now on; the old one when absent.
        subject: Option<DistinguishedName>,
        /// The alternative names from now on; the old ones when absent.
        sans: Option<SubjectAltName>,
        /// Another key.
        csr: Option<Vec<u8>>,
    },
}

impl Ca {
    /// Files a request for a certificate that follows another.
    ///
    /// What has not expired of the old request's evidence is taken over where the names stay.
    ///
    /// # Errors
    /// [`Error::NotFollowed`] for a certificate that is revoked or whose key is kept here; [`Error::SameKey`],
    /// [`Error::SameNames`] where they must differ; as [`Ca::submit`].
    pub async fn follow(
        &self,
        auth: &Authorized,
        serial: &Serial,
        issuer: Option<&IssuerId>,
        follow: Follow,
        days: Option<u32>,
        evidence: Vec<Evidence>,
    ) -> Result<RequestId, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let actor = auth.actor();
        let old = self.row(actor.tenant(), serial, issuer).await?;
        let (request, old_evidence) = self.origin(&old).await?;
        self.refuse_encryption_half(&old).await?;
        let old_csr = request.csr.clone().filter(|_| old.status == CertStatus::Good && is_followed(&old));
        let Some(old_csr) = old_csr else { return Err(Error::NotFollowed(old.serial)) };
        let old_names = names(&request)?;
        let (kind, csr, names) = match follow {
            Follow::Renew => (RequestKind::Renew, old_csr, old_names),
            Follow::Rekey(csr) => (RequestKind::Rekey, csr, old_names),
            Follow::Reissue { subject, sans, csr } => {
                let names = Names {
                    subject: subject.unwrap_or_else(|| old_names.subject.clone()),
                    sans: sans.unwrap_or_else(|| old_names.sans.clone()),
                    identity: old_names.identity.clone(),
                };
                if names == old_names {
                    return Err(Error::SameNames);
                }
                (RequestKind::Reissue, csr.unwrap_or(old_csr), names)
            }
        };
        let proven = ProvenRequest::read(&csr)?;
        if kind == RequestKind::Rekey && request.spki.as_deref() == Some(proven.key().spki_der()) {
            return Err(Error::SameKey);
        }
        let profile = self.open_profile(&old.profile)?;
        let asked = self.ask(profile, proven, csr, names, Some(&old.issuer), days)?;
        let mut row = self.file(actor, &asked, false)?;
        row.kind = kind;
        row.branch = request.branch;
        row.contact = request.contact;
        row.replaces = Some((old.issuer, old.serial));
        self.try_draft(row.id, &asked)?;
        let mut kept = match kind {
            // Whoever checked the old names did not check these.
            RequestKind::Reissue => Vec::new(),
            _ => self.carry_over(&row, old_evidence)?,
        };
        kept.extend(self.keep_evidence(actor, &row, &evidence)?);
        kept.truncate(crate::core::evidence::MOST);
        self.demand_evidence(&row, kept.iter().map(|kept| (kept.row.added_at, kept.row.expires_at)))?;
        let id = row.id;
        self.store_filed(actor, vec![Ready { row, evidence: kept, event: Event::CertificateRequested }]).await?;
        Ok(id)
    }

    /// The request a certificate came from, and its evidence.
    async fn origin(&self, old: &CertificateRow) -> Result<(RequestRow, Vec<store::EvidenceRow>), Error> {
        let (tenant, id, serial) = (old.tenant.clone(), old.request, old.serial.clone());
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let request = store::request(tx, &tenant, id)?
                    .ok_or_else(|| Error::Damaged(format!("the request of certificate {serial}")))?;
                let evidence = store::evidence_of(tx, &tenant, id)?;
                Ok((request, evidence))
            })
            .await
    }
}

/// Whether a certificate was issued and not given up.
fn is_followed(row: &CertificateRow) -> bool {
    row.state == CertificateState::Issued
}
