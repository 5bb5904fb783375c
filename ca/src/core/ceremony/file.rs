//! The frame of requests and responses: a line with the digest of everything after it, then TOML.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BadCeremony, hex, unhex};

/// The longest file that is read. Unit: octets.
pub(super) const LONGEST: usize = 256 * 1024;

/// A file's text and its digest.
pub(super) fn write(body: &impl Serialize) -> Result<(String, [u8; 32]), BadCeremony> {
    let body = toml::to_string(body).map_err(BadCeremony::because)?;
    let digest = engine::sm3::hash(body.as_bytes());
    let text = format!("sm3 = \"{}\"\n{body}", hex(&digest));
    if text.len() > LONGEST {
        return Err(BadCeremony(format!("the file would be longer than {LONGEST} octets; make it in two ceremonies")));
    }
    Ok((text, digest))
}

/// What a file says, and its digest. A copy that went through a mailer with other line ends reads the same.
pub(super) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<(T, [u8; 32]), BadCeremony> {
    if text.len() > LONGEST {
        return Err(BadCeremony(format!("the {what} is longer than {LONGEST} octets")));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let no_digest = || {
        BadCeremony(format!(
            "this is no ceremony {what}: its first line should be sm3 = \"…\"; take the file as it was written"
        ))
    };
    let (first, body) = text.split_once('\n').ok_or_else(no_digest)?;
    let told = first.strip_prefix("sm3 = \"").and_then(|rest| rest.trim_end().strip_suffix('"'));
    let told = told.and_then(unhex).ok_or_else(no_digest)?;
    let digest = engine::sm3::hash(body.as_bytes());
    if told != digest {
        return Err(BadCeremony(format!(
            "the {what} was changed on its way: its digest does not fit; carry it over again"
        )));
    }
    let read = toml::from_str(body).map_err(|why| BadCeremony(format!("the {what} cannot be read: {why}")))?;
    Ok((read, digest))
}
