//! What officers ask of the centre, and what a second one decides.

use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::ports::HolderLookup;
use pki_config::role::{Authorized, Permission};
use pki_config::status::CertStatus;
use pki_config::{CentreKeyId, CentreOrderId, Event};

use super::{KeyCentre, demand, entry};
use crate::core::order::{self, Aim, Approved, Asked, OrderState, Refused, Words};
use crate::core::recipient::Recipient;
use crate::error::Error;
use crate::store::{self, KeyRow, KeyState, OrderQuery, OrderRow};

/// What an officer asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// For which key.
    pub key: CentreKeyId,
    /// What.
    pub aim: Aim,
    /// For whom: a certificate, DER. None for the end of a key.
    pub certificate: Option<Vec<u8>>,
    /// Why.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
}

impl KeyCentre {
    /// Files an order for another officer to decide. The recipient is checked now, so that who asks learns what is
    /// wrong with it, and again when it is approved. `holders` tells which certificates holders have now.
    ///
    /// # Errors
    /// [`Error::Refused`] for who had a part in the certificate, and for missing words; [`Error::Recipient`];
    /// [`Error::UnknownKey`]; [`Error::NotKept`].
    pub async fn ask(&self, by: &Authorized, ask: Ask, holders: &dyn HolderLookup) -> Result<OrderRow, Error> {
        demand(by, Permission::AskRecovery)?;
        let Ask { key: id, aim, certificate, reason, ground } = ask;
        let words = Words::new(&reason, &ground)?;
        let key = self.kept(by, id).await?;
        let order = CentreOrderId::draw(&*self.0.options.random)?;
        if let Err(refused) = Asked::by(by, order, aim, key.parties()) {
            return self.refuse_loudly(by, Event::CentreAsked, &key, refused).await;
        }
        self.recipient(aim, certificate.as_deref(), &key, holders).await?;
        let (actor, audit) = (by.actor().clone(), self.0.options.audit.clone());
        let now = self.0.options.clock.now();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                // Destroyed meanwhile.
                if store::key(tx, &key.tenant, key.id)?.is_none_or(|now| now.state != KeyState::Kept) {
                    return Err(Error::NotKept);
                }
                let seq = audit.next_seq(tx)?;
                let row = OrderRow {
                    id: order,
                    tenant: key.tenant.clone(),
                    key: key.id,
                    aim,
                    state: OrderState::Asked,
                    reason: words.reason,
                    ground: words.ground,
                    recipient: certificate,
                    asked_by: actor.person().to_owned(),
                    asked_at: now,
                    asked_seq: seq,
                    decided_by: None,
                    decided_at: None,
                    refusal: None,
                    envelope: None,
                };
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, entry(actor, Event::CentreAsked, &key, Outcome::Done, told(&row), covers))?;
                Ok(row)
            })
            .await
    }

    /// Approves what another officer asked: the key goes into a fresh envelope for its recipient, or is destroyed.
    ///
    /// # Errors
    /// [`Error::Refused`] for who asked and who had a part in the certificate, which is logged, and for what was decided
    /// already; [`Error::Recipient`] if it may not have the key any more; [`Error::NotKept`]; [`Error::Envelope`]; the
    /// pool's own. Nothing was handed out.
    pub async fn approve(
        &self,
        by: &Authorized,
        id: CentreOrderId,
        holders: &dyn HolderLookup,
    ) -> Result<OrderRow, Error> {
        demand(by, Permission::ApproveRecovery)?;
        let (order, key) = self.waiting(by, id).await?;
        let asked = Asked::restore(id, order.aim, key.parties(), order.asked_by.clone(), order.state)?;
        let approved = match asked.approve(by) {
            Ok(approved) => approved,
            Err(refused) => {
                let event = if order.aim == Aim::Destroy { Event::CentreDestroyed } else { Event::CentreRecovered };
                return self.refuse_loudly(by, event, &key, refused).await;
            }
        };
        let envelope = match self.recipient(order.aim, order.recipient.as_deref(), &key, holders).await? {
            Some(recipient) => Some(self.hand_over(by, &key, &recipient).await?),
            None => None,
        };
        self.carry_out(by, approved, envelope).await
    }

    /// The archived key for this recipient.
    async fn hand_over(&self, by: &Authorized, key: &KeyRow, recipient: &Recipient) -> Result<Vec<u8>, Error> {
        let archived = key.archived.as_deref().ok_or(Error::NotKept)?;
        let public = key.spki.last_chunk::<65>().ok_or(Error::Damaged("centre_key: a public key"))?;
        Ok(self.0.options.kms.hand_over(by, key.archive_key, archived, public, recipient.key()).await?)
    }

    /// One commit: the order is done, the key's row says so, the entry covers both. What was put into an envelope before
    /// a crash here was seen by nobody.
    async fn carry_out(
        &self,
        by: &Authorized,
        approved: Approved,
        envelope: Option<Vec<u8>>,
    ) -> Result<OrderRow, Error> {
        let (actor, audit, now) = (by.actor().clone(), self.0.options.audit.clone(), self.0.options.clock.now());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let (mut order, mut key) = order_and_key(tx, actor.tenant(), approved.id())?;
                // Compare and set: of two officers who decide at once, one is too late.
                if order.state != OrderState::Asked {
                    return Err(Refused::Decided(order.state).into());
                }
                if key.state != KeyState::Kept {
                    return Err(Error::NotKept);
                }
                order.state = OrderState::Done;
                order.decided_by = Some(approved.officer().to_owned());
                order.decided_at = Some(now);
                order.envelope = envelope;
                let event = match approved.aim() {
                    Aim::Holder | Aim::Court => {
                        key.recoveries = key.recoveries.saturating_add(1);
                        key.recovered_at = Some(now);
                        Event::CentreRecovered
                    }
                    Aim::Destroy => {
                        key.state = KeyState::Destroyed;
                        key.archived = None;
                        key.envelope = None;
                        Event::CentreDestroyed
                    }
                };
                let seq = audit.next_seq(tx)?;
                let covers = vec![order.put(tx, seq)?, key.put(tx, seq)?];
                audit.append(tx, entry(actor, event, &key, Outcome::Done, told(&order), covers))?;
                Ok(order)
            })
            .await
    }

    /// Refuses an order; who asked for it withdraws it so.
    ///
    /// # Errors
    /// [`Error::Refused`] if it was decided already or no reason is given; [`Error::UnknownOrder`].
    pub async fn refuse(&self, by: &Authorized, id: CentreOrderId, reason: &str) -> Result<OrderRow, Error> {
        demand(by, Permission::ApproveRecovery)?;
        let reason = order::bounded(reason, 500).ok_or(Refused::Reason)?;
        let (by, audit, now) = (by.clone(), self.0.options.audit.clone(), self.0.options.clock.now());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let (mut order, key) = order_and_key(tx, by.actor().tenant(), id)?;
                let asked = Asked::restore(id, order.aim, key.parties(), order.asked_by.clone(), order.state)?;
                order.decided_by = Some(asked.refuse(&by)?);
                order.decided_at = Some(now);
                order.state = OrderState::Refused;
                order.refusal = Some(reason);
                let seq = audit.next_seq(tx)?;
                let covers = vec![order.put(tx, seq)?];
                let actor = by.actor().clone();
                audit.append(tx, entry(actor, Event::CentreRefused, &key, Outcome::Done, told(&order), covers))?;
                Ok(order)
            })
            .await
    }

    /// One page of orders with their keys, newest first, and where the next begins.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ReadCentre`]; the database.
    pub async fn orders(
        &self,
        by: &Authorized,
        query: OrderQuery,
    ) -> Result<(Vec<(OrderRow, KeyRow)>, Option<u64>), Error> {
        demand(by, Permission::ReadCentre)?;
        let (tenant, limit) = (by.actor().tenant().clone(), query.limit.clamp(1, 500));
        let query = OrderQuery { limit: limit + 1, ..query };
        let mut rows = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let mut rows = Vec::new();
                for order in store::orders(tx, &tenant, &query)? {
                    let key = store::key(tx, &tenant, order.key)?.ok_or(Error::Damaged("centre_order: its key"))?;
                    rows.push((order, key));
                }
                Ok(rows)
            })
            .await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().map(|(order, _)| order.asked_seq).filter(|_| more);
        Ok((rows, next))
    }

    /// The envelope of an order that is done: every time the same bytes. Of use to its recipient only.
    ///
    /// # Errors
    /// [`Error::UnknownOrder`], also for another tenant's; [`Error::NoEnvelope`].
    pub async fn envelope(&self, by: &Authorized, id: CentreOrderId) -> Result<(OrderRow, KeyRow, Vec<u8>), Error> {
        demand(by, Permission::ReadCentre)?;
        let tenant = by.actor().tenant().clone();
        let found = self.0.options.db.read(move |tx| order_and_key(tx, &tenant, id)).await?;
        let (order, key) = found;
        let envelope = order.envelope.clone().ok_or(Error::NoEnvelope)?;
        Ok((order, key, envelope))
    }

    /// A key of this officer's tenant that is still there.
    async fn kept(&self, by: &Authorized, id: CentreKeyId) -> Result<KeyRow, Error> {
        let tenant = by.actor().tenant().clone();
        let found = self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::key(tx, &tenant, id)?) }).await?;
        let key = found.filter(|key| key.kept_seq.is_some()).ok_or(Error::UnknownKey)?;
        if key.state == KeyState::Kept { Ok(key) } else { Err(Error::NotKept) }
    }

    async fn waiting(&self, by: &Authorized, id: CentreOrderId) -> Result<(OrderRow, KeyRow), Error> {
        let tenant = by.actor().tenant().clone();
        let (order, key) = self.0.options.db.read(move |tx| order_and_key(tx, &tenant, id)).await?;
        if order.state == OrderState::Asked && key.state != KeyState::Kept {
            return Err(Error::NotKept);
        }
        Ok((order, key))
    }

    /// Checks for whom a key is asked. `None` where it is for nobody.
    async fn recipient(
        &self,
        aim: Aim,
        certificate: Option<&[u8]>,
        key: &KeyRow,
        holders: &dyn HolderLookup,
    ) -> Result<Option<Recipient>, Error> {
        let now = self.0.options.clock.now();
        match (aim, certificate) {
            (Aim::Destroy, None) => Ok(None),
            (Aim::Destroy, Some(_)) => Err(Error::CertificateExpected(false)),
            (_, None) => Err(Error::CertificateExpected(true)),
            (Aim::Court, Some(certificate)) => Ok(Some(Recipient::court(certificate, &key.spki, now)?)),
            (Aim::Holder, Some(certificate)) => {
                let status: Option<CertStatus> = if certificate.len() > crate::core::recipient::LONGEST {
                    None
                } else {
                    holders.held(&key.tenant, certificate).await.map_err(|no| Error::NoAnswer(no.0))?
                };
                Ok(Some(Recipient::holder(certificate, &key.subject, &key.spki, status, now)?))
            }
        }
    }

    /// An officer who may not do this tried to: the log says so before the answer does.
    async fn refuse_loudly<T>(&self, by: &Authorized, event: Event, key: &KeyRow, why: Refused) -> Result<T, Error> {
        let error = Error::from(why);
        let outcome = Outcome::Refused(error.code());
        let draft: EntryDraft =
            entry(by.actor().clone(), event, key, outcome, why.to_string().into_bytes(), Vec::new());
        self.0.options.audit.record(Importance::Normal, draft).await?;
        Err(error)
    }
}

fn order_and_key(tx: &Tx<'_>, tenant: &pki_config::TenantId, id: CentreOrderId) -> Result<(OrderRow, KeyRow), Error> {
    let order = store::order(tx, tenant, id)?.ok_or(Error::UnknownOrder)?;
    let key = store::key(tx, tenant, order.key)?.ok_or(Error::Damaged("centre_order: its key"))?;
    Ok((order, key))
}

/// What the log keeps of an order besides the digest of its row.
fn told(order: &OrderRow) -> Vec<u8> {
    let sm3 = |bytes: &[u8]| engine::sm3::hash(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut text = format!("order={} aim={} state={}", order.id, order.aim.as_str(), order.state.as_str());
    for (word, bytes) in [("recipient", &order.recipient), ("envelope", &order.envelope)] {
        if let Some(bytes) = bytes {
            text.push_str(&format!(" {word}_sm3={}", sm3(bytes)));
        }
    }
    text.push_str(&format!("\nreason: {}\nground: {}", order.reason, order.ground));
    if let Some(refusal) = &order.refusal {
        text.push_str(&format!("\nrefused: {refusal}"));
    }
    text.into_bytes()
}
