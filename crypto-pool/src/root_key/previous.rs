//! The root key before, kept in the sealed file under the new one while the new one takes its place. Whoever opens
//! the new one has both; whoever had the old one alone gains nothing.

use engine::sm4::Gcm;
use pki_config::Random;
use zeroize::Zeroizing;

use super::RootKey;
use crate::error::Error;
use crate::hex;

const LABEL: &str = "key around the root key before";
const AAD: &[u8] = b"yinxin root key before, version 1";

/// The field of the file: nonce and text in hexadecimal; `None` if this key carries none.
pub(super) fn wrap(root: &RootKey, random: &dyn Random) -> Result<Option<String>, Error> {
    let Some(before) = root.previous() else { return Ok(None) };
    let mut nonce = [0; 12];
    random.fill(&mut nonce)?;
    let text = Gcm::new(&root.derive::<16>(LABEL)).seal(&nonce, AAD, before.as_bytes());
    Ok(Some(hex::of(&[&nonce[..], &text].concat())))
}

/// The root key with the one before it. `None` if the field does not open.
pub(super) fn unwrap(root: RootKey, field: Option<&str>) -> Option<RootKey> {
    let Some(field) = field else { return Some(root) };
    let octets = hex::read(field)?;
    let (nonce, text) = octets.split_first_chunk()?;
    let before = Gcm::new(&root.derive::<16>(LABEL)).open(nonce, AAD, text).ok()?;
    let before = RootKey::from_bytes(Zeroizing::new(before.to_vec()))?;
    Some(root.in_place_of(&before))
}
