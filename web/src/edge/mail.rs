//! `system/mail-test`: a letter to try the way to the mail server.

use ledger::{EntryDraft, Importance, Outcome};
use pki_config::name::AltName;
use pki_config::role::Authorized;
use pki_config::{ErrorCode, Event};

use crate::api::mail::{MailTest, MailTested};
use crate::app::App;
use crate::mail::{self, MailError, Mailer};
use crate::problem::Failure;

/// `system/mail-test`.
pub async fn test(app: App, by: Authorized, ask: MailTest) -> Result<MailTested, Failure> {
    AltName::email(&ask.to)?;
    let config = &app.config().mail;
    let mailer = Mailer::new(config)?;
    let now = app.clock().now();
    let letter = mail::trial(mailer.from(), &ask.to, app.installation(), now, app.random());
    let sent = mailer.send(&ask.to, &letter.ok_or(ErrorCode::RandomFailed)?).await;
    // Whoever could write to anybody leaves a trace; the address itself is personal data and stays out of the log.
    let draft = EntryDraft {
        actor: by.actor().clone(),
        event: Event::MailTested,
        object: app.installation().to_owned(),
        outcome: if sent.is_ok() { Outcome::Done } else { Outcome::Refused(ErrorCode::MailFailed) },
        payload: Vec::new(),
        covers: Vec::new(),
    };
    app.audit().record(Importance::Normal, draft).await?;
    sent?;
    let server = config.server.clone().unwrap_or_default();
    Ok(MailTested { server, from: mailer.from().to_owned(), to: ask.to })
}

impl From<MailError> for Failure {
    /// Whoever may see this runs the installation, and what the mail server said is what helps.
    fn from(error: MailError) -> Self {
        Self::telling(ErrorCode::MailFailed, error)
    }
}
