//! Archived encryption keys: what is wrapped under an archive key goes out again for one recipient, and never in clear.
//!
//! An archived key is an [`SM2EnvelopedKey`](crate::envelope::enveloped_key) for the public half of a key of
//! [`Purpose::KeyArchive`]. So archiving needs no secret, and only here, with the archive key unwrapped by its backend,
//! does an archived key open; what leaves is the same form for somebody else's key.

use engine::sm2::PublicKey;
use pki_config::role::Authorized;
use pki_config::{KeyId, Permission};

use super::{Kms, require};
use crate::envelope::enveloped_key;
use crate::error::Error;
use crate::key::{KeyState, Purpose};

impl Kms {
    /// An archived key for this recipient, in a fresh envelope: other random numbers each time.
    ///
    /// `public` (04 || X || Y) is the public half that the archive's record tells: an archived key that is another's
    /// is not handed out under its name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ApproveRecovery`]; [`Error::KeyPurpose`] for a key that archives
    /// nothing; [`Error::KeyState`] for one that is suspended, compromised or destroyed; [`Error::Sealed`];
    /// [`Error::KeyDamaged`] if what was archived does not open or is another key; [`Error::Random`].
    pub async fn hand_over(
        &self,
        by: &Authorized,
        archive_key: KeyId,
        archived: &[u8],
        public: &[u8],
        recipient: &PublicKey,
    ) -> Result<Vec<u8>, Error> {
        require(by, Permission::ApproveRecovery)?;
        let stored = self.stored(archive_key).await?;
        let record = &stored.record;
        if record.purpose != Purpose::KeyArchive {
            return Err(Error::KeyPurpose { key: archive_key, purpose: record.purpose });
        }
        // A retired archive key wraps nothing new, and still opens what it wrapped.
        if !matches!(record.state, KeyState::Active | KeyState::Retired) {
            return Err(Error::KeyState { key: archive_key, state: record.state });
        }
        let signer = self.signer(&stored)?;
        let secret = signer.sm2().ok_or(Error::Algorithm)?;
        let damaged = Error::KeyDamaged { key: archive_key };
        let key = enveloped_key::open(archived, secret).map_err(|_| damaged.clone())?;
        if key.public().as_sec1() != public {
            return Err(damaged);
        }
        enveloped_key::write(&key, recipient, &*self.random()).map_err(|_| pki_config::ports::RandomFailed.into())
    }
}
