//! Asking an authority elsewhere: a key is made here and never leaves; what leaves is a request that proves its
//! possession.

use crypto_pool::pool::Record;
use crypto_pool::{SignRequest, ToSign};
use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::{Event, IssuerId};

use crate::core::ceremony::plan::{Plan, Step};
use crate::core::ceremony::{BadCeremony, request};
use crate::core::csr;
use crate::error::Error;
use crate::service::Ca;
use crate::store::{self, AskedRow, AskedState, IssuerState};

/// A request file.
#[derive(Debug, Clone)]
pub struct Requested {
    /// Its text.
    pub text: String,
    /// SM3 of what its first line vouches for.
    pub digest: [u8; 32],
    /// The issuers it asks for.
    pub issuers: Vec<IssuerId>,
}

impl Ca {
    /// Makes the keys of the issuers that a plan has certified elsewhere, and the request file. A request made before
    /// for the same issuer is replaced: its answer is refused from now on.
    ///
    /// # Errors
    /// [`Error::Ceremony`], [`Error::IssuerExists`]; the pool's.
    pub async fn request_ceremony(
        &self,
        auth: &Authorized,
        installation: &str,
        source: &str,
    ) -> Result<Requested, Error> {
        Self::demand(auth, Permission::ManageIssuers)?;
        let plan = Plan::read(source)?;
        for step in plan.certified() {
            self.check_wanted(step)?;
        }
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        for step in plan.certified() {
            let Step::Certify { issuer, algorithm, subject, url, follows, .. } = step else { continue };
            let key = self.new_key(auth, *algorithm, subject).await?;
            let unwritten = |_| Error::Damaged("a request of ours".to_owned());
            let info = csr::info(&subject.to_der(), &key.spki).map_err(unwritten)?;
            let sign = SignRequest {
                key: key.id,
                to_sign: ToSign::CertificateRequest(info),
                actor: auth.actor().clone(),
                ceremony: None,
                importance: Importance::Normal,
            };
            let object = issuer.to_string();
            let csr = self
                .0
                .options
                .pool
                .sign(sign, move |_: &Tx<'_>, signed| -> Result<_, Error> {
                    let csr = csr::assemble(&signed.to_sign, signed.algorithm, &signed.signature);
                    let csr = csr.map_err(|_| Error::Damaged("a request of ours".to_owned()))?;
                    let payload = csr.clone();
                    let event = Event::CeremonyRequested;
                    Ok((Record { event, object, outcome: Outcome::Done, payload, covers: Vec::new() }, csr))
                })
                .await?;
            keys.push((issuer.clone(), csr));
            rows.push(AskedRow {
                key: key.id,
                tenant: auth.actor().tenant().clone(),
                issuer: issuer.clone(),
                public_url: url.as_str().to_owned(),
                follows: follows.clone(),
                plan: plan.digest,
                request: [0; 32],
                state: AskedState::Open,
                made_by: auth.actor().person().to_owned(),
                made_at: self.0.options.clock.now(),
            });
        }
        if keys.is_empty() {
            let why = "the plan certifies no issuer of an online installation: there is nothing to request";
            return Err(BadCeremony(why.to_owned()).into());
        }
        let (text, digest) = request::write(installation, self.0.options.clock.now(), &plan.digest, &keys)?;
        self.store_asked(auth, rows, digest, text.clone()).await?;
        Ok(Requested { text, digest, issuers: keys.into_iter().map(|(issuer, _)| issuer).collect() })
    }

    async fn store_asked(
        &self,
        auth: &Authorized,
        mut rows: Vec<AskedRow>,
        digest: [u8; 32],
        text: String,
    ) -> Result<(), Error> {
        let (actor, audit) = (auth.actor().clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let seq = audit.next_seq(tx)?;
                let mut covers = Vec::new();
                for row in &mut rows {
                    row.request = digest;
                    for mut old in store::asked(tx, None, Some(&row.issuer))? {
                        if old.state == AskedState::Open {
                            old.state = AskedState::Replaced;
                            covers.push(old.put(tx, seq)?);
                        }
                    }
                    covers.push(row.put(tx, seq)?);
                }
                let object = crate::core::ceremony::hex(&digest[..16]);
                let (event, payload) = (Event::CeremonyRequested, text.into_bytes());
                audit.append(tx, EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers })?;
                Ok(())
            })
            .await
    }

    /// Whether an issuer that a plan has certified elsewhere can come to be here.
    pub(super) fn check_wanted(&self, step: &Step) -> Result<(), Error> {
        let Step::Certify { issuer, algorithm, subject, follows, .. } = step else { return Ok(()) };
        if self.issuer(issuer).is_ok() {
            return Err(Error::IssuerExists(issuer.clone()));
        }
        if let Some(follows) = follows {
            let old = self.issuer(follows)?;
            if old.state != IssuerState::Active {
                return Err(Error::IssuerAtRest { issuer: follows.clone(), state: old.state.as_str() });
            }
            if old.facts.name != subject.to_der() || old.algorithm != *algorithm {
                let why = format!("{issuer} follows {follows} and so has its name, {}, and kind of key", old.subject);
                return Err(BadCeremony(why).into());
            }
        }
        Ok(())
    }
}
