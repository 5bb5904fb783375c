//! What follows when authorities changed: copies of new roots, responders, and who is told.

use ca::store::IssuerState;

use super::App;
use crate::data_dir::{DataDirError, write_durably};
use crate::edge::pem;
use crate::problem::Failure;

impl App {
    /// Heeds a change of authorities. What fails here is tried again by the schedules, and told.
    pub async fn heed_authorities(&self) {
        if let Err(error) = self.copy_roots() {
            tracing::error!(%error, "a copy of a root could not be written");
        }
        let outcome: Result<(), Failure> = self.renew_responders().await;
        if let Err(error) = outcome {
            tracing::warn!(code = %error.code(), "responders could not be renewed after a ceremony");
        }
    }

    /// Writes a copy of each root that has none.
    fn copy_roots(&self) -> Result<(), DataDirError> {
        for root in self.ca().issuers().iter().filter(|issuer| issuer.parent.is_none()) {
            let file = self.dir().roots().join(format!("{}.pem", root.id));
            if !file.exists() {
                write_durably(&file, pem("CERTIFICATE", &root.certificate).as_bytes(), 0o644)?;
            }
        }
        Ok(())
    }
}

/// Whether a responder of ours answers for this issuer: not for one that signs in ceremonies only, as its key would
/// have to certify the responder.
pub(super) fn is_answered_for(issuer: &ca::Issuer) -> bool {
    !matches!(issuer.state, IssuerState::Offline { .. })
}

/// Whether this issuer can certify a responder now.
pub(super) fn certifies_responders(issuer: &ca::Issuer) -> bool {
    matches!(issuer.state, IssuerState::Active | IssuerState::Rolled { .. })
}

/// Whether this is the issuer of that word, and revoked.
pub(super) fn is_revoked(issuer: &ca::Issuer, id: &pki_config::IssuerId) -> bool {
    issuer.id == *id && matches!(issuer.state, IssuerState::Revoked { .. })
}
