//! Letters about certificates that end: which were written, so that none is written twice.

use ledger::{DbError, Tx};
use pki_config::{Instant, IssuerId, Serial, TenantId};

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// It is being handed over, or a crash hid whether it was.
    Sending,
    /// The mail server has it.
    Sent,
    /// It was not taken; another try may help.
    Failed,
    /// The mail server will never take it.
    Refused,
}

impl LetterState {
    const ALL: [Self; 4] = [Self::Sending, Self::Sent, Self::Failed, Self::Refused];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Which letter: about one certificate, so many days before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterKey {
    /// Whose certificate.
    pub tenant: TenantId,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
    /// How long before its end. Unit: days.
    pub days: u16,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Where it stands.
    pub state: LetterState,
    /// How often it was tried.
    pub tries: u32,
    /// When last.
    pub tried_at: Instant,
}

/// What became of a letter; `None` if it was never tried.
///
/// # Errors
/// The engine's, or a row that does not read back.
pub fn letter(tx: &Tx<'_>, key: &LetterKey) -> Result<Option<Letter>, DbError> {
    let row = tx.query_opt(
        "SELECT state, tries, tried_at FROM web_letter \
         WHERE tenant_id = $1 AND issuer_id = $2 AND serial = $3 AND days = $4",
        &[&key.tenant.as_str(), &key.issuer.as_str(), &key.serial.as_bytes(), &key.days],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    row.map(|(state, tries, tried_at)| {
        let state = LetterState::ALL.into_iter().find(|one| one.as_str() == state);
        let read = state.zip(Instant::from_unix_millis(tried_at).ok());
        let (state, tried_at) = read.ok_or_else(|| DbError::Damaged("a letter does not read back".into()))?;
        Ok(Letter { state, tries, tried_at })
    })
    .transpose()
}

/// Writes what became of a letter.
///
/// # Errors
/// As the engine reports.
pub fn put_letter(tx: &Tx<'_>, key: &LetterKey, letter: &Letter) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO web_letter (tenant_id, issuer_id, serial, days, state, tries, tried_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, issuer_id, serial, days) \
         DO UPDATE SET state = excluded.state, tries = excluded.tries, tried_at = excluded.tried_at",
        &[
            &key.tenant.as_str(),
            &key.issuer.as_str(),
            &key.serial.as_bytes(),
            &key.days,
            &letter.state.as_str(),
            &letter.tries,
            &letter.tried_at.unix_millis(),
        ],
    )
    .map(drop)
}
