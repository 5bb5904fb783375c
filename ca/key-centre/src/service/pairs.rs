//! The authority's side: a key for a pair of certificates, kept in the transaction that issues them.

use ledger::{Cover, Tx};
use pki_config::ports::{KeyOwner, Later, MadeKey, NoKey, PairKeys};
use pki_config::{CentreKeyId, ErrorCode, RequestId};

use super::KeyCentre;
use crate::core::make::{self, NotMade};
use crate::error::Error;
use crate::store::{self, KeyRow, KeyState};

impl KeyCentre {
    async fn make_key(&self, sign_spki: &[u8]) -> Result<MadeKey, NoKey> {
        let no = |error: Error| NoKey { code: error.code(), why: error.to_string() };
        let archive = self.archive_key().await.map_err(no)?;
        // Without the root key nothing here could be opened again: no key is made for nobody.
        if !self.0.options.kms.root().is_open() {
            return Err(no(crypto_pool::Error::Sealed.into()));
        }
        let random = &*self.0.options.random;
        let made = make::make(sign_spki, &archive.spki, random).map_err(|why| NoKey {
            code: match why {
                NotMade::Random => ErrorCode::RandomFailed,
                NotMade::NoSm2 => ErrorCode::KeyRefused,
                NotMade::Trial => ErrorCode::Internal,
            },
            why: why.to_string(),
        })?;
        let id = CentreKeyId::draw(random).map_err(|why| no(why.into()))?;
        let make::Made { spki, archived, envelope } = made;
        Ok(MadeKey { id, spki, archived, archive_key: archive.id, envelope })
    }
}

impl PairKeys<Tx<'_>, Cover> for KeyCentre {
    fn make<'a>(&'a self, sign_spki: &'a [u8]) -> Later<'a, Result<MadeKey, NoKey>> {
        Box::pin(self.make_key(sign_spki))
    }

    fn intend(&self, tx: &Tx<'_>, key: &MadeKey, owner: &KeyOwner) -> Result<(), String> {
        KeyRow::intended(key, owner, self.0.options.clock.now()).insert_intent(tx).map_err(|error| error.to_string())
    }

    fn keep(&self, tx: &Tx<'_>, key: CentreKeyId, seq: u64) -> Result<Cover, String> {
        let found = store::stored_key(tx, key).map_err(|error| error.to_string())?;
        let mut row = found
            .filter(|row| row.state == KeyState::Intended)
            .ok_or_else(|| format!("the encryption key {key} is not intended any more"))?;
        row.state = KeyState::Kept;
        row.kept_seq = Some(seq);
        row.put(tx, seq).map_err(|error| error.to_string())
    }

    fn void(&self, tx: &Tx<'_>, request: RequestId, seq: u64) -> Result<Option<Cover>, String> {
        let found = store::key_of_request(tx, request).map_err(|error| error.to_string())?;
        // Kept: its certificates came after all.
        let Some(mut row) = found.filter(|row| row.state == KeyState::Intended) else { return Ok(None) };
        row.state = KeyState::Void;
        row.archived = None;
        row.envelope = None;
        row.put(tx, seq).map(Some).map_err(|error| error.to_string())
    }
}
