//! Anything that holds keys, certificates or signatures, told in words: bytes in, a tree of labelled facts out.
//!
//! Nothing is checked but the form: whether a signature holds and a chain leads to a root, `verify` tells. Nothing is
//! fetched, and no private key comes out. What is not DER is read all the same where it can be, and each rule it
//! breaks is remarked; fingerprints are over the bytes received.
//!
//! # Map
//!
//! `tree` is what comes out, `pem` takes texts apart, `kind` tells what bytes are; one file per kind; `read`, `names`
//! and `oids` read and name the small things that all of them hold.

mod certificate;
mod crl;
mod delivery;
mod envelope;
mod extensions;
mod identity;
mod key;
mod kind;
mod message;
mod names;
mod ocsp;
mod oids;
mod outline;
mod pem;
mod pkcs12;
mod read;
mod request;
mod revocation;
mod seal;
mod stamp;
mod tree;
mod words;

pub use tree::{Fact, Label, Remark, Thing, Value};

use crypto_pool::ber;
use read::Scope;

/// Longest input. Unit: bytes.
pub const LONGEST: usize = 64 << 20;
/// Most things of one file.
const MOST_THINGS: usize = 1_000;

/// What is asked beyond the bytes.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Opens what lies under a passphrase.
    pub passphrase: Option<&'a str>,
    /// Most entries of a list of revoked certificates.
    pub entries: usize,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Self { passphrase: None, entries: 20 }
    }
}

impl std::fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask").field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// Everything in these bytes: of a PEM text each section, else the one thing. What is not known is outlined and is of
/// the kind `unknown`.
#[must_use]
pub fn show(bytes: &[u8], ask: &Ask<'_>) -> Vec<Thing> {
    if bytes.len() > LONGEST {
        let mut thing = Thing::new(kind::UNKNOWN, bytes.len());
        thing.remark("too-long", &format!("more than {LONGEST} bytes"), &format!("超过 {LONGEST} 字节"));
        return vec![thing];
    }
    match pem::sections(bytes) {
        Some(sections) => sections.into_iter().take(MOST_THINGS).map(|section| section.show(ask)).collect(),
        None => match pem::bare_base64(bytes) {
            Some(der) => {
                let mut thing = binary(&der, ask);
                thing.remark(
                    "base64",
                    "it comes in base64 without the lines of PEM",
                    "内容为 Base64，但缺少 PEM 首尾行",
                );
                vec![thing]
            }
            None => vec![binary(bytes, ask)],
        },
    }
}

/// A Name in DER, in the form of RFC 4514, foreign attributes and kinds of string included.
#[must_use]
pub fn name(der: &[u8]) -> String {
    crypto_pool::tlv::Reader::new(der).any().map_or_else(|_| "?".to_owned(), names::distinguished)
}

/// One thing that is no text.
fn binary(bytes: &[u8], ask: &Ask<'_>) -> Thing {
    part(bytes, Scope { ask, depth: 0 })
}

/// One thing, perhaps within another.
fn part(bytes: &[u8], scope: Scope<'_>) -> Thing {
    let Some(scope) = scope.deeper() else { return Thing::new(kind::UNKNOWN, bytes.len()) };
    if let Some(thing) = kind::other_than_der(bytes) {
        return thing;
    }
    // Fields are read in a copy that is DER; digests are over what was received.
    let mut thing = match ber::joined(bytes).or_else(|| ber::joined(ber::first(bytes)?)) {
        Some(der) => kind::show(bytes, &der, scope),
        None => Thing::new(kind::UNKNOWN, bytes.len()),
    };
    for breach in ber::breaches(bytes) {
        let (en, zh) = words::breach(breach.rule);
        let at = breach.at;
        thing.remark(breach.rule.as_str(), &format!("octet {at}: {en}"), &format!("第 {at} 字节：{zh}"));
    }
    thing
}

#[cfg(test)]
mod tests;
