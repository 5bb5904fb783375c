//! Letters to holders whose certificates end: who is due, and that each is written to once.
//!
//! A letter is remembered as being sent before it is, and as sent once the mail server has it. A crash in between may
//! send it a second time, under the same Message-ID, by which mail programs know a double; it never loses one.

use std::time::Duration;

use ca::store::Ending;
use ledger::Importance;
use pki_config::config::MailConfig;
use pki_config::name::AltName;
use pki_config::{Instant, TenantId};

use super::letter::{self, About};
use super::message::domain;
use super::{MailError, Mailer, Message};
use crate::app::App;
use crate::edge::hex;
use crate::problem::Failure;
use crate::store::mail::{Letter, LetterKey, LetterState, letter, put_letter};

const DAY: Duration = Duration::from_secs(86_400);
/// Certificates looked at in one reading.
const PAGE: u32 = 200;
/// Letters of one round; the next round writes the others.
const ROUND: usize = 500;
/// Tries of one letter.
const TRIES: u32 = 8;
/// A letter is tried again after this, then after twice this, and so on.
const AGAIN: Duration = Duration::from_secs(600);

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expiring {
    /// Letters the mail server took.
    pub sent: usize,
    /// Letters it did not take.
    pub failed: usize,
}

impl App {
    /// Writes to every holder who is due. Nothing happens where no mail server is configured.
    ///
    /// # Errors
    /// The database, or the mail server does not speak to us at all; whoever was not written to stays due.
    pub async fn write_to_holders(&self) -> Result<Expiring, Failure> {
        let config = &self.config().mail;
        let Some(longest) = config.expiry_days.first().filter(|_| config.server.is_some()) else {
            return Ok(Expiring::default());
        };
        let mailer = Mailer::new(config)?;
        let now = self.clock().now();
        let until = now.plus(DAY * u32::from(*longest));
        let (mut done, mut after) = (Expiring::default(), (now, 0));
        loop {
            let page = self.ca().ending(&TenantId::house(), after, until, PAGE).await?;
            for ending in &page {
                if self.write_about(&mailer, ending, now, &mut done).await? && done.sent + done.failed >= ROUND {
                    return Ok(done);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = (last.validity.not_after(), last.issue_seq),
                _ => return Ok(done),
            }
        }
    }

    /// Writes about one certificate, if that is due. True if it was tried.
    async fn write_about(
        &self,
        mailer: &Mailer,
        ending: &Ending,
        now: Instant,
        done: &mut Expiring,
    ) -> Result<bool, Failure> {
        let config = &self.config().mail;
        // What the suite certified for itself it also renews.
        if ending.requester == "system" {
            return Ok(false);
        }
        let Some(days) = stage(config, ending, now) else { return Ok(false) };
        let Some((to, to_holder)) = address(config, ending) else { return Ok(false) };
        let key =
            LetterKey { tenant: TenantId::house(), issuer: ending.issuer.clone(), serial: ending.serial.clone(), days };
        let asked = key.clone();
        let before = self.db().read(move |tx| letter(tx, &asked)).await?;
        if before.is_some_and(|before| !is_due(&before, now)) {
            return Ok(false);
        }
        let mut state = Letter { state: LetterState::Sending, tries: before.map_or(0, |b| b.tries) + 1, tried_at: now };
        self.keep_letter(&key, state).await?;
        let message = self.message(mailer, ending, &key, &to, to_holder, now);
        let outcome = mailer.send(&to, &message).await;
        state.state = match &outcome {
            Ok(()) => LetterState::Sent,
            Err(MailError::Refused { for_good: true, .. }) => LetterState::Refused,
            Err(_) => LetterState::Failed,
        };
        self.keep_letter(&key, state).await?;
        match outcome {
            Ok(()) => done.sent += 1,
            Err(error) if error.is_about_the_letter() => {
                // The address is personal data; the serial tells an operator where to look.
                tracing::warn!(serial = %ending.serial, %error, "a holder could not be written to");
                done.failed += 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    async fn keep_letter(&self, key: &LetterKey, state: Letter) -> Result<(), Failure> {
        let key = key.clone();
        Ok(self.db().write(Importance::Normal, move |tx| put_letter(tx, &key, &state)).await?)
    }

    fn message(
        &self,
        mailer: &Mailer,
        ending: &Ending,
        key: &LetterKey,
        to: &str,
        to_holder: bool,
        now: Instant,
    ) -> Message {
        let left = ending.validity.not_after().since(now);
        let (serial, ends) = (ending.serial.to_string(), ending.validity.not_after().to_string());
        let about = About {
            installation: self.installation(),
            days: left.as_secs().div_ceil(DAY.as_secs()).max(1),
            subject: &ending.subject,
            sans: &ending.sans,
            serial: &serial,
            issuer: ending.issuer.as_str(),
            ends: &ends.replace('T', " ").replace('Z', ""),
            to_holder,
        };
        let (subject, text) = letter::ending(&about, self.config().mail.language);
        let named = format!("{} {} {serial} {}", self.installation(), key.issuer, key.days);
        let id = hex(&engine::sm3::hash(named.as_bytes())[..16]).to_ascii_lowercase();
        let id = format!("{id}@{}", domain(mailer.from()));
        Message { from: mailer.from().to_owned(), to: to.to_owned(), subject, text, id, date: now }
    }
}

/// Which of the configured letters is due: the last whose time has come, and no longer than half of the
/// certificate's life.
fn stage(config: &MailConfig, ending: &Ending, now: Instant) -> Option<u16> {
    let (left, life) = (ending.validity.not_after().since(now), ending.validity.length());
    let due = |days: &u16| left <= DAY * u32::from(*days) && DAY * u32::from(*days) * 2 <= life;
    config.expiry_days.iter().copied().filter(due).min()
}

/// Where the letter goes: to the address its request gave, else the first one in the certificate itself, else the
/// configured one. And whether that is the holder's.
fn address(config: &MailConfig, ending: &Ending) -> Option<(String, bool)> {
    let own = ending.sans.split(',').find_map(|name| name.trim().strip_prefix("email:"));
    match ending.contact.as_deref().or(own).filter(|address| AltName::email(address).is_ok()) {
        Some(own) => Some((own.to_owned(), true)),
        None => config.otherwise_to.clone().map(|address| (address, false)),
    }
}

/// Whether a letter that was tried before is to be tried again.
fn is_due(before: &Letter, now: Instant) -> bool {
    let wait = AGAIN * 2_u32.saturating_pow(before.tries.saturating_sub(1).min(8));
    match before.state {
        LetterState::Sent | LetterState::Refused => false,
        LetterState::Sending | LetterState::Failed => before.tries < TRIES && now >= before.tried_at.plus(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki_config::time::Validity;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn ending(days: u64, sans: &str) -> Ending {
        Ending {
            issuer: "ec-issuing".parse().unwrap(),
            serial: "4F".parse().unwrap(),
            profile: "person".into(),
            subject: "CN=a".into(),
            sans: sans.into(),
            validity: Validity::starting(at("2026-01-01T00:00:00Z"), DAY * u32::try_from(days).unwrap()),
            issue_seq: 1,
            requester: "zhang".into(),
            contact: None,
        }
    }

    #[test]
    fn the_last_letter_whose_time_has_come_is_the_one_that_is_due() {
        let config = MailConfig::default();
        // 90 days: until 2026-03-31T23:59:59Z.
        let due = |now: &str| stage(&config, &ending(90, ""), at(now));
        assert_eq!(due("2026-03-01T23:59:58Z"), None, "a second more than thirty days");
        assert_eq!(due("2026-03-01T23:59:59Z"), Some(30));
        assert_eq!(due("2026-03-24T23:59:58Z"), Some(30));
        assert_eq!(due("2026-03-24T23:59:59Z"), Some(7));
        assert_eq!(due("2026-03-31T12:00:00Z"), Some(1), "after days without mail only the last is written");
    }

    #[test]
    fn a_short_life_has_no_letter_longer_than_half_of_it() {
        let config = MailConfig::default();
        let due = |days, now: &str| stage(&config, &ending(days, ""), at(now));
        assert_eq!(due(10, "2026-01-05T00:00:00Z"), None);
        assert_eq!(due(10, "2026-01-10T00:00:00Z"), Some(1));
        assert_eq!(due(1, "2026-01-01T01:00:00Z"), None);
    }

    #[test]
    fn the_holders_own_address_comes_first_and_none_is_made_up() {
        let mut config = MailConfig::default();
        assert_eq!(address(&config, &ending(90, "dns:a.cn")), None);
        config.otherwise_to = Some("ra@example.cn".into());
        assert_eq!(address(&config, &ending(90, "dns:a.cn")), Some(("ra@example.cn".into(), false)));
        let own = ending(90, "dns:a.cn,email:zhang@example.cn,email:li@example.cn");
        assert_eq!(address(&config, &own), Some(("zhang@example.cn".into(), true)));
        let told = Ending { contact: Some("wang@example.cn".into()), ..own };
        assert_eq!(address(&config, &told), Some(("wang@example.cn".into(), true)));
    }

    #[test]
    fn a_letter_that_failed_is_tried_again_later_and_not_for_ever() {
        let tried_at = at("2026-01-01T00:00:00Z");
        let due = |state, tries, now: &str| is_due(&Letter { state, tries, tried_at }, at(now));
        assert!(!due(LetterState::Failed, 1, "2026-01-01T00:09:59Z"));
        assert!(due(LetterState::Failed, 1, "2026-01-01T00:10:00Z"));
        assert!(!due(LetterState::Failed, 2, "2026-01-01T00:10:00Z"), "the second wait is twice the first");
        assert!(due(LetterState::Sending, 1, "2026-01-01T00:10:00Z"), "a crash hid whether it was taken");
        assert!(!due(LetterState::Failed, TRIES, "2027-01-01T00:00:00Z"));
        assert!(!due(LetterState::Sent, 1, "2027-01-01T00:00:00Z"));
        assert!(!due(LetterState::Refused, 1, "2027-01-01T00:00:00Z"));
    }
}
