//! How people sign in: what the set-up page asks for.

use serde::{Deserialize, Serialize};

/// `officer/invited`: what the one-time link is for, before it is used.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    /// The secret at the end of the link.
    pub secret: String,
}

/// Who was invited, and what the page needs to offer each way of signing in. Asking changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitedInfo {
    /// Identifier.
    pub officer: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Until when the link works.
    pub until: String,
    /// A new secret for an app that makes codes, in base 32.
    pub totp: String,
    /// The picture an app reads it from: a square of this many modules, and the dark ones as the path of an SVG.
    pub totp_size: u32,
    /// See `totp_size`.
    pub totp_path: String,
    /// What a passkey has to sign, once, within five minutes.
    pub challenge: String,
}
