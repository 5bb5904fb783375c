//! Takes over what an authority elsewhere answered: its certificates for our issuers, its root and its lists, all in one
//! commit with the log entry, whose payload is the answer itself.
//!
//! A file that answers nothing of ours, answers it twice, tells an older list than is known, or names another root by a
//! known word is refused, and says why.

use std::sync::Arc;

use crypto_pool::key::KeyState;
use crypto_pool::path::Cert;
use ledger::{Cover, EntryDraft, Importance, Outcome, Seq, Tx};
use pki_config::ports::StatusFeed;
use pki_config::role::Authorized;
use pki_config::status::{CertStatus, Revocation, StatusChange};
use pki_config::{Actor, Event, Instant, IssuerId, KeyId, Serial, TenantId};

use super::Outcomes;
use super::steps::{facts, list_facts};
use crate::core::ceremony::response::Response;
use crate::core::ceremony::transcript::Done;
use crate::core::ceremony::{BadCeremony, hex};
use crate::core::crl::List;
use crate::error::Error;
use crate::service::lists::Published;
use crate::service::{Ca, authority, crl};
use crate::store::{self, AskedRow, AskedState, CrlRecord, IssuerRow, IssuerState};

/// An answer that fits what is known here.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) title: String,
    pub(super) digest: [u8; 32],
    installation: String,
    /// Roots that are new here: their rows.
    roots: Vec<IssuerRow>,
    /// Our issuers that come to be, and what they were asked with.
    issuers: Vec<(IssuerRow, AskedRow)>,
    lists: Vec<(CrlRecord, Vec<u8>)>,
    /// Issuers of ours that a list revokes, with the serial number and how.
    revoked: Vec<(IssuerId, IssuerId, Serial, Revocation, Instant)>,
}

fn refused<T>(why: String) -> Result<T, Error> {
    Err(BadCeremony(why).into())
}

/// The identifier of a key that is not here: of the pool's own none is made from a digest.
fn absent_key(spki: &[u8]) -> KeyId {
    let mut id = [0; 16];
    id.copy_from_slice(&engine::sm3::hash(spki)[..16]);
    KeyId::from_bytes(id)
}

impl Ca {
    /// Holds an answer against what was asked and what is known. Nothing is stored.
    pub(super) async fn check_import(&self, installation: &str, source: &str) -> Result<Import, Error> {
        let response = Response::read(source)?;
        let now = self.0.options.audit.ready()?;
        if response.installation == installation {
            return refused(
                "this installation wrote the answer itself; import it where the request was made".to_owned(),
            );
        }
        let digest = response.digest;
        let read = move |tx: &Tx<'_>| -> Result<_, Error> { Ok(store::ceremonies_of(tx, &digest)?) };
        let before = self.0.options.db.read(read).await?;
        if let Some(done) = before.iter().find(|row| row.state == store::CeremonyState::Done) {
            let when = done.decided_at.map_or_else(String::new, |at| at.to_string());
            return refused(format!("this answer was imported already, in ceremony {} at {when}", done.id));
        }
        let checked = response.check(now)?;
        let mut import = Import {
            title: response.title.clone(),
            digest,
            installation: response.installation.clone(),
            roots: Vec::new(),
            issuers: Vec::new(),
            lists: Vec::new(),
            revoked: Vec::new(),
        };
        for (id, root) in &checked.roots {
            if let Some(row) = self.check_root(&response, id, root, now)? {
                if !checked.lists.iter().any(|(listed, _)| listed == id) {
                    return refused(format!(
                        "root {id} is new here, and its list did not come along; have it signed too"
                    ));
                }
                import.roots.push(row);
            }
        }
        let asked = self.asked_for(&response).await?;
        for (id, parent, certificate) in &checked.certificates {
            let Some(row) = asked.iter().find(|row| row.issuer == *id) else {
                return refused(format!("the answer has a certificate for {id}, which the request did not ask for"));
            };
            self.check_answered(row, certificate).await?;
            let issuer = IssuerRow {
                id: id.clone(),
                tenant: row.tenant.clone(),
                parent: Some(parent.clone()),
                key: row.key,
                certificate: certificate.der().to_vec(),
                public_url: row.public_url.clone(),
                created_at: now,
            };
            import.issuers.push((issuer, row.clone()));
        }
        if let Some(left) = asked.iter().find(|row| !import.issuers.iter().any(|(issuer, _)| issuer.id == row.issuer)) {
            return refused(format!("the answer lacks the certificate for {}", left.issuer));
        }
        for (id, list) in &checked.lists {
            let record = self.check_list(id, list).await?;
            for (below, certificate) in self.below(id, &import) {
                let Some(entry) = Cert::from_der(&certificate).ok().and_then(|c| {
                    list.find(c.serial()).map(|entry| (c.serial().to_vec(), c.not_after(), entry.at, entry.reason))
                }) else {
                    continue;
                };
                let (serial, not_after, at, reason) = entry;
                if import.issuers.iter().any(|(row, _)| row.id == below) {
                    return refused(format!("the list of {id} revokes the very certificate that comes for {below}"));
                }
                let serial =
                    Serial::from_der_content(&serial).map_err(|_| Error::Damaged(format!("issuer {below}")))?;
                let known = matches!(self.issuer(&below)?.state, IssuerState::Revoked { .. });
                if !known {
                    let revocation = Revocation { at, reason, invalidity: None };
                    import.revoked.push((below, id.clone(), serial, revocation, not_after));
                }
            }
            import.lists.push((record, list.der().to_vec()));
        }
        Ok(import)
    }

    /// A root that is known, or the row of one that is not.
    fn check_root(
        &self,
        response: &Response,
        id: &IssuerId,
        root: &Cert,
        now: Instant,
    ) -> Result<Option<IssuerRow>, Error> {
        if let Ok(known) = self.issuer(id) {
            if known.certificate != root.der() {
                return refused(format!("an issuer here is called {id}, and it is not the root of the answer"));
            }
            if !matches!(known.state, IssuerState::Offline { .. }) {
                return refused(format!("{id} signs here; nothing of it is imported"));
            }
            return Ok(None);
        }
        let same_key = self.issuers().into_iter().find(|known| root.public_key().ok() == Some(&known.public_key));
        if let Some(known) = same_key {
            return refused(format!("the root {id} has the key of {}", known.id));
        }
        let url = response.root(id).map(|root| root.url.as_str().to_owned()).unwrap_or_default();
        Ok(Some(IssuerRow {
            id: id.clone(),
            tenant: TenantId::house(),
            parent: None,
            key: absent_key(root.spki()),
            certificate: root.der().to_vec(),
            public_url: url,
            created_at: now,
        }))
    }

    /// What this answer answers.
    async fn asked_for(&self, response: &Response) -> Result<Vec<AskedRow>, Error> {
        let Some(request) = response.request else {
            return if response.certificates.is_empty() {
                Ok(Vec::new())
            } else {
                refused("the answer has certificates, and does not say which request it answers".to_owned())
            };
        };
        let read = move |tx: &Tx<'_>| -> Result<_, Error> { Ok(store::asked(tx, Some(&request), None)?) };
        let asked = self.0.options.db.read(read).await?;
        if asked.is_empty() {
            return refused("the answer is to a request that this installation never made".to_owned());
        }
        if let Some(other) = asked.iter().find(|row| row.plan != response.plan) {
            return refused(format!("the request for {} was made for another plan than was carried out", other.issuer));
        }
        match asked.iter().find(|row| row.state != AskedState::Open) {
            Some(row) if row.state == AskedState::Answered => {
                refused(format!("the request for {} was answered already", row.issuer))
            }
            Some(row) => {
                refused(format!("a later request took the place of this one for {}; have that one signed", row.issuer))
            }
            None => Ok(asked),
        }
    }

    /// Whether a certificate is for exactly the key and name that were asked for.
    async fn check_answered(&self, row: &AskedRow, certificate: &Cert) -> Result<(), Error> {
        if self.issuer(&row.issuer).is_ok() {
            return Err(Error::IssuerExists(row.issuer.clone()));
        }
        let key = self.0.options.kms.record(row.key).await?;
        if certificate.spki() != key.spki {
            return refused(format!("the certificate for {} is for another key than the request", row.issuer));
        }
        if key.subject.as_deref() != Some(certificate.subject()) {
            return refused(format!("the certificate for {} is for another name than the request", row.issuer));
        }
        if let Some(old) = &row.follows
            && self.issuer(old)?.state != IssuerState::Active
        {
            return refused(format!("{old}, which {} is to follow, issues no more", row.issuer));
        }
        Ok(())
    }

    /// The record of a list that is newer than what is known.
    async fn check_list(&self, id: &IssuerId, list: &crypto_pool::path::Crl) -> Result<CrlRecord, Error> {
        let number = list.number().and_then(|octets| {
            let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
            if octets.len() > 8 {
                None
            } else {
                Some(octets.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet)))
            }
        });
        let (Some(number), Some(next_update)) = (number, list.next_update()) else {
            return refused(format!("the list of {id} has no number, or no end"));
        };
        let newest = self.newest_number(id).await?;
        if number <= newest {
            return refused(format!(
                "the list of {id} is number {number}, and number {newest} is known already: this answer is older"
            ));
        }
        Ok(CrlRecord {
            issuer: id.clone(),
            tenant: TenantId::house(),
            list: List::WHOLE,
            number,
            base: None,
            entries: u64::try_from(list.entries().count()).unwrap_or(u64::MAX),
            this_update: list.this_update(),
            next_update,
            as_of: -1,
            sm3: engine::sm3::hash(list.der()),
            size: u64::try_from(list.der().len()).unwrap_or(u64::MAX),
        })
    }

    /// Our issuers under a root: those there are, and those that come.
    fn below(&self, root: &IssuerId, import: &Import) -> Vec<(IssuerId, Vec<u8>)> {
        let known = self.issuers().into_iter().filter(|issuer| issuer.parent.as_ref() == Some(root));
        let known = known.map(|issuer| (issuer.id.clone(), issuer.certificate.clone()));
        let coming = import.issuers.iter().filter(|(row, _)| row.parent.as_ref() == Some(root));
        known.chain(coming.map(|(row, _)| (row.id.clone(), row.certificate.clone()))).collect()
    }

    /// Writes the newest list of an issuer that signs in ceremonies only once more, if its file is lost or another: from
    /// the answer that brought it or in which it went out. Nobody could sign a new one here.
    pub(in crate::service) async fn mend_list(&self, id: &IssuerId) -> Result<(), Error> {
        match self.list_file(id, List::WHOLE).await {
            Err(Error::CrlDiffers(_)) => {}
            // Served, or never made.
            _ => return Ok(()),
        }
        let Some(record) = self.newest(id).await? else { return Ok(()) };
        for row in self.ceremonies(&TenantId::house()).await? {
            let texts = [Some(row.source.as_str()), row.response.as_deref()];
            let answers = texts.into_iter().flatten().filter_map(|text| Response::read(text).ok());
            let found = answers.flat_map(|answer| answer.lists).find(|(_, der)| engine::sm3::hash(der) == record.sm3);
            if let Some((_, der)) = found {
                crl::write_durably(&self.list_path(id, List::WHOLE), &der)
                    .map_err(|error| Error::CrlFile { issuer: id.clone(), detail: error.to_string() })?;
                tracing::warn!(issuer = %id, "the file of a list that was signed in a ceremony was written again");
                return Ok(());
            }
        }
        Err(Error::CrlDiffers(id.clone()))
    }

    /// Takes an answer over.
    pub(super) async fn import(&self, auth: &Authorized, installation: &str, source: &str) -> Result<Outcomes, Error> {
        // Whatever happened since it was put forward counts.
        let import = Arc::new(self.check_import(installation, source).await?);
        let done = told(&import);
        let options = &self.0.options;
        let now = options.audit.ready()?;
        let (actor, audit, feeds) = (auth.actor().clone(), options.audit.clone(), options.feeds.clone());
        let (payload, kept) = (source.as_bytes().to_vec(), Arc::clone(&import));
        options
            .db
            .write(Importance::Essential, move |tx| -> Result<_, Error> {
                let seq = audit.next_seq(tx)?;
                let covers = write(tx, &kept, &actor, &feeds, now, seq)?;
                let object = hex(&kept.digest[..16]);
                let event = Event::IssuerImported;
                audit.append(tx, EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers })?;
                Ok(())
            })
            .await?;
        self.look_again().await?;
        for (record, der) in &import.lists {
            // A crash before this leaves a record without its file, which `mend_list` writes from the answer.
            crl::write_durably(&self.list_path(&record.issuer, List::WHOLE), der)
                .map_err(|error| Error::CrlFile { issuer: record.issuer.clone(), detail: error.to_string() })?;
            self.keep(Published { record: record.clone(), der: der.clone().into() });
        }
        for (below, ..) in &import.revoked {
            let key = self.issuer(below)?.key;
            // It still signs its own lists, and nothing else.
            if let Err(error) = options.kms.set_state(auth, key, KeyState::Retired).await {
                tracing::warn!(issuer = %below, %error, "the key of a revoked issuer was not retired");
            }
        }
        for (row, asked) in &import.issuers {
            match &asked.follows {
                Some(old) => self.publish_both(auth, old, &row.id).await,
                None => {
                    if let Err(error) = self.publish(auth.actor(), &row.id, List::WHOLE).await {
                        tracing::error!(issuer = %row.id, %error, "the first list of a new issuer was not published");
                    }
                }
            }
        }
        Ok(Outcomes { done, ..Outcomes::default() })
    }
}

/// Every row of an import. Asked again in the transaction: no other import came between.
fn write(
    tx: &Tx<'_>,
    import: &Import,
    actor: &Actor,
    feeds: &[Arc<dyn for<'a> StatusFeed<Tx<'a>>>],
    now: Instant,
    seq: Seq,
) -> Result<Vec<Cover>, Error> {
    let mut covers = Vec::new();
    for root in &import.roots {
        covers.push(root.put(tx, seq)?);
        covers.push(IssuerState::Offline { since: now }.put(tx, &root.id, &root.tenant, seq)?);
    }
    for (row, asked) in &import.issuers {
        let still = store::asked(tx, Some(&asked.request), Some(&asked.issuer))?;
        if !still.iter().any(|one| one.key == asked.key && one.state == AskedState::Open) {
            return refused(format!("the request for {} was dealt with meanwhile", asked.issuer));
        }
        covers.push(row.put(tx, seq)?);
        covers.push(AskedRow { state: AskedState::Answered, ..asked.clone() }.put(tx, seq)?);
        if let Some(old) = &asked.follows {
            covers.push(authority::roll(tx, old, &row.id, actor.tenant(), now, seq)?);
        }
    }
    for (record, _) in &import.lists {
        if store::newest_number(tx, &record.issuer)? >= record.number {
            return refused(format!("a newer list of {} was imported meanwhile", record.issuer));
        }
        covers.push(record.put(tx, seq)?);
    }
    for (below, root, serial, revocation, not_after) in &import.revoked {
        let state = IssuerState::Revoked { since: revocation.at, reason: revocation.reason.as_str().to_owned() };
        covers.push(state.put(tx, below, actor.tenant(), seq)?);
        let news = StatusChange {
            tenant: actor.tenant().clone(),
            issuer: root.clone(),
            serial: serial.clone(),
            not_after: *not_after,
            status: CertStatus::Revoked(*revocation),
        };
        feeds.iter().try_for_each(|feed| feed.apply(tx, &news).map_err(Error::Feed))?;
    }
    Ok(covers)
}

/// What the transcript says of it.
fn told(import: &Import) -> Vec<Done> {
    let mut done = Vec::new();
    for root in &import.roots {
        done.push(Done {
            what: format!("Took over root {} of installation {}.", root.id, import.installation),
            facts: facts(&root.certificate),
        });
    }
    for (row, asked) in &import.issuers {
        let follows = asked.follows.as_ref().map_or_else(String::new, |old| format!(" It takes over from {old}."));
        done.push(Done { what: format!("Issuer {} came to be.{follows}", row.id), facts: facts(&row.certificate) });
    }
    for (record, _) in &import.lists {
        done.push(Done { what: format!("Took over the list of {}.", record.issuer), facts: list_facts(record) });
    }
    for (below, root, serial, revocation, _) in &import.revoked {
        done.push(Done {
            what: format!("Issuer {below} is REVOKED by {root} and issues no more."),
            facts: vec![("Serial", serial.to_string()), ("Why", revocation.reason.to_string())],
        });
    }
    done
}
