//! What the portal remembers while it runs and never writes down.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::sm3::HmacKey;
use pki_config::Random;
use pki_config::ports::RandomFailed;
use zeroize::Zeroizing;

use super::Known;

/// The key of the forms' tokens, drawn at every start: a form from before a restart is loaded again.
pub struct Gate {
    forms: HmacKey,
}

impl Gate {
    /// With a new key.
    ///
    /// # Errors
    /// The random source failed.
    pub fn new(random: &dyn Random) -> Result<Self, RandomFailed> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut *key)?;
        Ok(Self { forms: HmacKey::new(&*key) })
    }

    /// What this visitor's forms carry. Bound to the session or certificate, so that a token seen in one login is
    /// worth nothing in another.
    #[must_use]
    pub fn csrf(&self, known: &Known) -> String {
        URL_SAFE_NO_PAD.encode(self.forms.mac(&[b"csrf", &known.binding]))
    }
}
