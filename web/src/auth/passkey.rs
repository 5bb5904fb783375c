//! Passkeys (W3C WebAuthn Level 2): ES256 with user verification, on a name of this server.
//!
//! Only what a sign-in needs: no attestation is asked for (whose make an officer's key is says nothing to us), and the
//! key is read from the authenticator data in the one form that CTAP2 allows for ES256, so no CBOR reader is needed.

use aws_lc_rs::{digest, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longest input of each kind. Unit: bytes.
const LONGEST: usize = 4096;
/// WebAuthn 6.1: user present, user verified, attested credential data included.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;
/// rpIdHash, flags, signCount.
const HEAD: usize = 37;
/// COSE_Key in CTAP2 canonical form: kty EC2, alg ES256, crv P-256, x of 32 bytes; then y of 32 bytes.
const COSE_X: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const COSE_Y: &[u8] = &[0x22, 0x58, 0x20];

/// Why what a browser sent is not taken. Caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does not read.
    Malformed,
    /// It is for something else: another kind of call, another site, another challenge.
    Elsewhere,
    /// Nobody touched it, or nobody proved to be its owner.
    Unverified,
    /// The key is none of ES256.
    OtherKey,
    /// The signature is wrong.
    BadSignature,
}

/// A public key, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// The authenticator's name for it, 1 to 1,023 bytes.
    pub credential: Vec<u8>,
    /// SEC 1 uncompressed: 04, x, y.
    pub point: Vec<u8>,
}

/// Where a passkey is used: the domain it belongs to and the origin of the page.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// A DNS name; browsers take no IP address.
    pub domain: &'a str,
    /// `https://…`
    pub origin: &'a str,
}

/// What the browser collected (WebAuthn 5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

/// The challenge inside the client data, for whoever made it to say whether it counts.
///
/// # Errors
/// [`Refusal::Malformed`].
pub fn challenge_of(client_data: &[u8]) -> Result<String, Refusal> {
    Ok(read(client_data)?.challenge)
}

/// A new passkey (WebAuthn 7.1, without attestation).
///
/// # Errors
/// [`Refusal`].
pub fn register(client_data: &[u8], authenticator_data: &[u8], site: Site<'_>) -> Result<NewPasskey, Refusal> {
    check(client_data, authenticator_data, "webauthn.create", site)?;
    if authenticator_data[32] & ATTESTED == 0 {
        return Err(Refusal::Malformed);
    }
    // aaguid (16), length (2), credential, key; extensions may follow.
    let rest = authenticator_data.get(HEAD + 16..).ok_or(Refusal::Malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(Refusal::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(1..=1023).contains(&length) || rest.len() < length {
        return Err(Refusal::Malformed);
    }
    let (credential, key) = rest.split_at(length);
    let after = key.strip_prefix(COSE_X).ok_or(Refusal::OtherKey)?;
    let (x, after) = after.split_first_chunk::<32>().ok_or(Refusal::OtherKey)?;
    let y = after.strip_prefix(COSE_Y).and_then(|rest| rest.first_chunk::<32>()).ok_or(Refusal::OtherKey)?;
    let point: Vec<u8> = [&[4][..], x, y].concat();
    // A point that is not on the curve would make every later check fail.
    signature::ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, &point).map_err(|_| Refusal::OtherKey)?;
    Ok(NewPasskey { credential: credential.to_vec(), point })
}

/// A sign-in with a passkey (WebAuthn 7.2). The caller has looked at the challenge.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    client_data: &[u8],
    authenticator_data: &[u8],
    signed: &[u8],
    point: &[u8],
    site: Site<'_>,
) -> Result<(), Refusal> {
    check(client_data, authenticator_data, "webauthn.get", site)?;
    let hash = digest::digest(&digest::SHA256, client_data);
    let message = [authenticator_data, hash.as_ref()].concat();
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point)
        .verify(&message, signed)
        .map_err(|_| Refusal::BadSignature)
}

/// What both have in common.
fn check(client_data: &[u8], authenticator_data: &[u8], kind: &str, site: Site<'_>) -> Result<(), Refusal> {
    let collected = read(client_data)?;
    if collected.kind != kind || collected.origin != site.origin || collected.cross_origin {
        return Err(Refusal::Elsewhere);
    }
    if !(HEAD..=LONGEST).contains(&authenticator_data.len()) {
        return Err(Refusal::Malformed);
    }
    let domain = digest::digest(&digest::SHA256, site.domain.as_bytes());
    if authenticator_data[..32] != *domain.as_ref() {
        return Err(Refusal::Elsewhere);
    }
    if authenticator_data[32] & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
        return Err(Refusal::Unverified);
    }
    Ok(())
}

fn read(client_data: &[u8]) -> Result<ClientData, Refusal> {
    if client_data.len() > LONGEST {
        return Err(Refusal::Malformed);
    }
    serde_json::from_slice(client_data).map_err(|_| Refusal::Malformed)
}

/// Base64url without padding, as browsers' scripts send bytes; bounded.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST * 2 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests;
