//! Network Time Security (RFC 8915): NTP answers that nobody on the way can forge. Values in, values out; the
//! connections are made elsewhere.
//!
//! A TLS connection agrees on two keys and hands out cookies ([`ke_request`], [`ke_answer`]). Each request then
//! carries one cookie, which tells the server the keys and is used once, and is authenticated as a whole; each
//! answer is, too, and brings a new cookie. Whoever stands on the way can still delay an answer, which shows as
//! uncertainty.
//!
//! ```text
//! record          ::= critical 1 bit, type 15 bits, length 16 bits, body            (RFC 8915 4)
//! extension field ::= type 16 bits, length 16 bits, whole, a multiple of 4; body    (RFC 7822)
//! ```

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes128Siv;
use zeroize::Zeroizing;

use super::ntp::{self, BadAnswer, PACKET};

/// The protocol's name within TLS (ALPN).
pub const ALPN: &[u8] = b"ntske/1";
/// The TCP port of key establishment.
pub const PORT: u16 = 4460;
/// The label of the exported keys (RFC 8915 5.1).
pub const EXPORTER: &[u8] = b"EXPORTER-network-time-security";
/// Longest answer of key establishment that is read. Unit: bytes. Eight cookies of 1 KiB fit.
pub const LONGEST: usize = 16 * 1024;
/// Cookies that are kept; servers hand out eight.
pub const COOKIES: usize = 8;
/// Longest cookie. Unit: bytes.
const LONGEST_COOKIE: usize = 1024;

/// `AEAD_AES_SIV_CMAC_256` (RFC 5297), which every server must know.
const AEAD: u16 = 15;
/// NTPv4.
const PROTOCOL: u16 = 0;

/// The synthetic initialisation vector before the text. Unit: bytes.
const TAG: usize = 16;

const END: u16 = 0;
const NEXT_PROTOCOL: u16 = 1;
const ERROR: u16 = 2;
const WARNING: u16 = 3;
const ALGORITHM: u16 = 4;
const COOKIE: u16 = 5;
const SERVER: u16 = 6;
const SERVER_PORT: u16 = 7;
const CRITICAL: u16 = 0x8000;

const UNIQUE_IDENTIFIER: u16 = 0x0104;
const NTS_COOKIE: u16 = 0x0204;
const COOKIE_PLACEHOLDER: u16 = 0x0304;
const AUTHENTICATOR: u16 = 0x0404;

/// The context of an exported key: protocol, algorithm, and whether it is the server's.
#[must_use]
pub const fn context(of_server: bool) -> [u8; 5] {
    let ([p0, p1], [a0, a1]) = (PROTOCOL.to_be_bytes(), AEAD.to_be_bytes());
    [p0, p1, a0, a1, of_server as u8]
}

/// What authenticates requests and answers.
pub struct Keys {
    /// Client to server.
    pub ours: Zeroizing<[u8; 32]>,
    /// Server to client.
    pub servers: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// Why keys were not agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAgreed {
    /// The records do not read, or end early.
    Records,
    /// A record that must be understood is not.
    Unknown(u16),
    /// The server reports this error (RFC 8915 4.1.3).
    Error(u16),
    /// It does not speak NTPv4 or the algorithm.
    Algorithm,
    /// It gave no cookie.
    NoCookie,
}

impl fmt::Display for NotAgreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records => f.write_str("its records do not read"),
            Self::Unknown(kind) => write!(f, "it insists on a record of type {kind}, which is not known here"),
            Self::Error(code) => write!(f, "it reports error {code}"),
            Self::Algorithm => f.write_str("it does not offer NTPv4 with AES-SIV"),
            Self::NoCookie => f.write_str("it gave no cookie"),
        }
    }
}

impl std::error::Error for NotAgreed {}

/// What key establishment gave, beside the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Cookies, at most [`COOKIES`].
    pub cookies: Vec<Vec<u8>>,
    /// Whom to ask, if it is another host.
    pub server: Option<String>,
    /// At which UDP port, if it is not 123.
    pub port: Option<u16>,
}

fn record(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend(kind.to_be_bytes());
    out.extend(u16::try_from(body.len()).unwrap_or(0).to_be_bytes());
    out.extend(body);
}

/// What a client says.
#[must_use]
pub fn ke_request() -> Vec<u8> {
    let mut out = Vec::new();
    record(&mut out, CRITICAL | NEXT_PROTOCOL, &PROTOCOL.to_be_bytes());
    record(&mut out, CRITICAL | ALGORITHM, &AEAD.to_be_bytes());
    record(&mut out, CRITICAL | END, &[]);
    out
}

/// Reads what a server says; `Ok(None)` while the end is still to come.
///
/// # Errors
/// [`NotAgreed`].
pub fn ke_answer(mut bytes: &[u8]) -> Result<Option<Agreed>, NotAgreed> {
    let (mut agreed, mut protocol, mut algorithm) = (Agreed::default(), None, None);
    loop {
        let Some(([k0, k1, l0, l1], rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
        let (kind, length) = (u16::from_be_bytes([*k0, *k1]), usize::from(u16::from_be_bytes([*l0, *l1])));
        let Some((body, rest)) = rest.split_at_checked(length) else { return Ok(None) };
        bytes = rest;
        let number = || <[u8; 2]>::try_from(body).map(u16::from_be_bytes).map_err(|_| NotAgreed::Records);
        match kind & !CRITICAL {
            END => break,
            NEXT_PROTOCOL if protocol.is_none() => protocol = Some(number()?),
            ALGORITHM if algorithm.is_none() => algorithm = Some(number()?),
            ERROR => return Err(NotAgreed::Error(number()?)),
            WARNING => return Err(NotAgreed::Error(number()?)),
            COOKIE if !body.is_empty() && body.len() <= LONGEST_COOKIE => {
                agreed.cookies.push(body.to_vec());
                agreed.cookies.truncate(COOKIES);
            }
            SERVER if agreed.server.is_none() => {
                let name = std::str::from_utf8(body).map_err(|_| NotAgreed::Records)?;
                let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
                if name.is_empty() || name.len() > 253 || !plain {
                    return Err(NotAgreed::Records);
                }
                agreed.server = Some(name.to_owned());
            }
            SERVER_PORT if agreed.port.is_none() => {
                agreed.port = Some(number()?).filter(|port| *port != 0);
            }
            NEXT_PROTOCOL | ALGORITHM | COOKIE | SERVER | SERVER_PORT => return Err(NotAgreed::Records),
            other if kind & CRITICAL != 0 => return Err(NotAgreed::Unknown(other)),
            // RFC 8915 4: others are passed over.
            _ => {}
        }
    }
    if protocol != Some(PROTOCOL) || algorithm != Some(AEAD) {
        return Err(NotAgreed::Algorithm);
    }
    if agreed.cookies.is_empty() { Err(NotAgreed::NoCookie) } else { Ok(Some(agreed)) }
}

/// What makes one request unlike all others. Drawn anew for each.
#[derive(Debug, Clone, Copy)]
pub struct Unique {
    /// The transmit timestamp: random, as in plain NTP.
    pub timestamp: u64,
    /// The identifier that the answer repeats.
    pub identifier: [u8; 32],
    /// The nonce of the authentication.
    pub nonce: [u8; 16],
}

fn field(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    let padding = body.len().next_multiple_of(4) - body.len();
    out.extend(kind.to_be_bytes());
    out.extend(u16::try_from(4 + body.len() + padding).unwrap_or(0).to_be_bytes());
    out.extend(body);
    out.extend(std::iter::repeat_n(0, padding));
}

/// A request with this cookie that asks for `more` cookies beside the one every answer brings.
///
/// # Errors
/// [`NtsAnswer::Forged`] if it cannot be authenticated, which does not happen.
pub fn request(unique: &Unique, keys: &Keys, cookie: &[u8], more: usize) -> Result<Vec<u8>, NtsAnswer> {
    let mut packet = ntp::request(unique.timestamp).to_vec();
    field(&mut packet, UNIQUE_IDENTIFIER, &unique.identifier);
    field(&mut packet, NTS_COOKIE, cookie);
    // As long as the cookie that is to come, so that nobody is sent more than they sent.
    for _ in 0..more.min(COOKIES) {
        field(&mut packet, COOKIE_PLACEHOLDER, &vec![0; cookie.len()]);
    }
    let mut siv = Aes128Siv::new(&(*keys.ours).into());
    let sealed = siv.encrypt([&packet[..], &unique.nonce], &[]).map_err(|_| NtsAnswer::Forged)?;
    let mut body = Vec::with_capacity(4 + unique.nonce.len() + sealed.len());
    body.extend([0, 16, 0, u8::try_from(sealed.len()).unwrap_or(0)]);
    body.extend(unique.nonce);
    body.extend(&sealed);
    field(&mut packet, AUTHENTICATOR, &body);
    Ok(packet)
}

/// Why an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NtsAnswer {
    /// As in plain NTP. With the kiss `NTSN` the server no longer knows the cookie.
    Plain(BadAnswer),
    /// It is not authenticated, or not with the agreed key.
    Forged,
}

impl fmt::Display for NtsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(why) => why.fmt(f),
            Self::Forged => f.write_str("the answer is not authentic"),
        }
    }
}

impl std::error::Error for NtsAnswer {}

impl From<BadAnswer> for NtsAnswer {
    fn from(why: BadAnswer) -> Self {
        Self::Plain(why)
    }
}

/// The extension field at the front: its type, its body, and what follows. `None` if it does not read.
fn next_field(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let ([k0, k1, l0, l1], _) = bytes.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    let (whole, rest) = bytes.split_at_checked(length).filter(|_| length >= 4 && length % 4 == 0)?;
    Some((u16::from_be_bytes([*k0, *k1]), &whole[4..], rest))
}

/// Reads the answer to the request that was unique in this way, with the new cookies it brings.
///
/// # Errors
/// [`NtsAnswer`]. Nothing of an answer that is not authentic is used, a kiss of death aside.
pub fn answer(bytes: &[u8], unique: &Unique, keys: &Keys) -> Result<(ntp::Answer, Vec<Vec<u8>>), NtsAnswer> {
    let plain = ntp::answer(bytes, unique.timestamp);
    if let Err(why @ (BadAnswer::Short | BadAnswer::NotAnAnswer | BadAnswer::OtherRequest)) = plain {
        return Err(why.into());
    }
    let (mut rest, mut ours, mut cookies, mut authentic) =
        (bytes.get(PACKET..).unwrap_or(&[]), false, Vec::new(), false);
    while !rest.is_empty() {
        let before = &bytes[..bytes.len() - rest.len()];
        let Some((kind, body, after)) = next_field(rest) else { break };
        rest = after;
        match kind {
            UNIQUE_IDENTIFIER => ours = body == unique.identifier,
            AUTHENTICATOR => {
                let inside = opened(before, body, keys).ok_or(NtsAnswer::Forged)?;
                authentic = true;
                let mut inside = &inside[..];
                while let Some((kind, body, after)) = next_field(inside) {
                    inside = after;
                    if kind == NTS_COOKIE && (1..=LONGEST_COOKIE).contains(&body.len()) && cookies.len() < COOKIES {
                        cookies.push(body.to_vec());
                    }
                }
                // What follows is not authenticated (RFC 8915 5.7).
                break;
            }
            _ => {}
        }
    }
    if !ours {
        return Err(BadAnswer::OtherRequest.into());
    }
    match plain {
        // A server that does not know the cookie cannot authenticate that it does not.
        Err(why @ BadAnswer::Kiss(_)) => Err(why.into()),
        _ if !authentic => Err(NtsAnswer::Forged),
        Err(why) => Err(why.into()),
        Ok(answer) => Ok((answer, cookies)),
    }
}

/// What an authenticator holds, if it is over what came before with the server's key.
fn opened(before: &[u8], body: &[u8], keys: &Keys) -> Option<Vec<u8>> {
    let ([n0, n1, c0, c1], rest) = body.split_first_chunk::<4>()?;
    let nonce = usize::from(u16::from_be_bytes([*n0, *n1]));
    let sealed = usize::from(u16::from_be_bytes([*c0, *c1]));
    let (nonce, rest) = rest.split_at_checked(nonce.next_multiple_of(4)).map(|(n, rest)| (&n[..nonce], rest))?;
    let sealed = rest.get(..sealed).filter(|sealed| sealed.len() >= TAG)?;
    if nonce.is_empty() {
        return None;
    }
    Aes128Siv::new(&(*keys.servers).into()).decrypt([before, nonce], sealed).ok()
}

#[cfg(test)]
mod tests;
