//! A new key for an issuer: a successor of the same name and parent.
//!
//! The old key keeps signing its own lists, at its own address, until its last certificate has expired, and certifies
//! its own responder; every new certificate is the successor's. Both lists are published side by side, each naming its
//! key and its address, so that nobody takes one for the other. Chains are served by issuer, so each certificate
//! comes with the key that signed it.

use crypto_pool::kms::Ceremony;
use pki_config::IssuerId;
use pki_config::role::Authorized;

use super::issue::Persons;
use super::issuers::Making;
use super::{Ca, Certificate, NewIssuer};
use crate::core::ceremony::BadCeremony;
use crate::core::crl::List;
use crate::error::Error;
use crate::store::IssuerState;

impl Ca {
    /// Makes the successor. From the commit of its certificate on, new certificates are its own.
    pub(super) async fn roll_issuer(
        &self,
        auth: &Authorized,
        persons: &Persons,
        ceremony: &Ceremony,
        old: &IssuerId,
        new: IssuerId,
        days: Option<u32>,
    ) -> Result<Certificate, Error> {
        let issuer = self.issuer(old)?;
        if issuer.state != IssuerState::Active {
            return Err(Error::IssuerAtRest { issuer: old.clone(), state: issuer.state.as_str() });
        }
        let Some(parent) = issuer.parent.clone() else {
            let why = format!("{old} is a root; make a new root, and cross-certify it under {old}");
            return Err(BadCeremony(why).into());
        };
        let new = NewIssuer {
            id: new,
            parent: Some(parent),
            subject: issuer.subject.clone(),
            algorithm: issuer.algorithm,
            public_url: issuer.public_url.clone(),
        };
        let making = Making {
            days,
            path_length: issuer.facts.path_length.unwrap_or(0),
            constraints: issuer.facts.limits.names.clone(),
            rolls: Some(old.clone()),
            offline: false,
        };
        let id = new.id.clone();
        let made = self.make_issuer(auth, Some(persons), ceremony, new, making).await?;
        self.publish_both(auth, old, &id).await;
        Ok(made)
    }

    /// Publishes the lists of both keys now, so that they overlap from the first moment. A failure is the schedule's
    /// to mend.
    pub(super) async fn publish_both(&self, auth: &Authorized, old: &IssuerId, new: &IssuerId) {
        for id in [old, new] {
            if let Err(error) = self.publish(auth.actor(), id, List::WHOLE).await {
                tracing::error!(issuer = %id, %error, "a list was not published after a new key was made");
            }
        }
    }
}
