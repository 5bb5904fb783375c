//! NTP (RFC 5905) as a client needs it: one request, one answer, and what follows from the pair. Values in,
//! values out; 48 octets are read and extension fields behind them are ignored.
//!
//! The request says nothing of us: its transmit timestamp is random, so that an answer that gives it back was
//! made by somebody who saw the request (draft-ietf-ntp-data-minimization). Whoever stands on the way can
//! still delay an answer, which shows as uncertainty, or forge one; several sources on different ways are the
//! protection against that.

use std::fmt;
use std::time::Duration;

use super::decide::Nanos;
use super::select::{Leap, Sample};

/// Octets of a packet without extensions.
pub const PACKET: usize = 48;
/// Seconds from 1900 to 1970.
const ERA_OFFSET: i128 = 2_208_988_800;
const SECOND: Nanos = 1_000_000_000;
/// A root distance above this makes a server unfit (RFC 5905 7.2: MAXDIST is 1 s; generous, since the
/// distance counts as uncertainty anyway).
const MOST_DISTANCE: Duration = Duration::from_secs(16);

/// Why an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadAnswer {
    /// Shorter than a packet.
    Short,
    /// Not a server's answer of version 3 or 4.
    NotAnAnswer,
    /// It answers another request than ours.
    OtherRequest,
    /// The server says that it is not synchronised.
    Unsynchronised,
    /// The server wants not to be asked: its four letters, such as RATE or DENY.
    Kiss([u8; 4]),
    /// Times that contradict each other.
    Implausible,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the answer is too short",
            Self::NotAnAnswer => "this is no answer of an NTP server",
            Self::OtherRequest => "the answer belongs to another request",
            Self::Unsynchronised => "the server is not synchronised itself",
            Self::Kiss(code) => {
                f.write_str("the server refuses: ")?;
                return code.iter().try_for_each(|b| match b {
                    b'A'..=b'Z' | b'0'..=b'9' => write!(f, "{}", char::from(*b)),
                    _ => f.write_str("?"),
                });
            }
            Self::Implausible => "the times in the answer contradict each other",
        })
    }
}

impl std::error::Error for BadAnswer {}

/// What a server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// What it announces.
    pub leap: Leap,
    /// How many servers away from a reference clock, 1 to 15.
    pub stratum: u8,
    /// Round trip from the server to its reference.
    pub root_delay: Duration,
    /// What the server adds for its own uncertainty.
    pub root_dispersion: Duration,
    /// The grain of its clock.
    pub precision: Duration,
    /// When the request came, by the server's clock: seconds since 1900 and their 2^32nd parts.
    pub received: u64,
    /// When the answer left.
    pub sent: u64,
}

/// A request that will be recognised by `cookie`.
#[must_use]
pub fn request(cookie: u64) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    packet[0] = 4 << 3 | 3;
    packet[40..].copy_from_slice(&cookie.to_be_bytes());
    packet
}

fn u32_at(packet: &[u8; PACKET], place: usize) -> u32 {
    packet[place..place + 4].iter().fold(0, |sum, b| sum << 8 | u32::from(*b))
}

fn u64_at(packet: &[u8; PACKET], place: usize) -> u64 {
    packet[place..place + 8].iter().fold(0, |sum, b| sum << 8 | u64::from(*b))
}

/// Reads the answer to the request with this cookie.
///
/// # Errors
/// [`BadAnswer`] says why it is of no use.
pub fn answer(bytes: &[u8], cookie: u64) -> Result<Answer, BadAnswer> {
    let Some(packet) = bytes.first_chunk::<PACKET>() else { return Err(BadAnswer::Short) };
    let [leap, version, mode] = [packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7];
    if mode != 4 || !(3..=4).contains(&version) {
        return Err(BadAnswer::NotAnAnswer);
    }
    if u64_at(packet, 24) != cookie {
        return Err(BadAnswer::OtherRequest);
    }
    if packet[1] == 0 {
        return Err(BadAnswer::Kiss([packet[12], packet[13], packet[14], packet[15]]));
    }
    let leap = match leap {
        0 => Leap::None,
        1 => Leap::Insert,
        2 => Leap::Delete,
        _ => return Err(BadAnswer::Unsynchronised),
    };
    let (received, sent) = (u64_at(packet, 32), u64_at(packet, 40));
    if packet[1] > 15 || received == 0 || sent == 0 {
        return Err(BadAnswer::Unsynchronised);
    }
    // 2^precision seconds; a clock with a grain above a second or below a nanosecond is taken for those.
    let exponent = i32::from(packet[3].cast_signed()).clamp(-30, 0);
    let precision = Duration::from_nanos(1_000_000_000_u64 >> exponent.unsigned_abs());
    let answer = Answer {
        leap,
        stratum: packet[1],
        root_delay: short(u32_at(packet, 4)),
        root_dispersion: short(u32_at(packet, 8)),
        precision,
        received,
        sent,
    };
    if answer.root_delay / 2 + answer.root_dispersion > MOST_DISTANCE {
        return Err(BadAnswer::Unsynchronised);
    }
    Ok(answer)
}

/// An NTP short: seconds and their 2^16th parts, rounded up.
fn short(value: u32) -> Duration {
    Duration::from_nanos((u64::from(value) * 1_000_000_000).div_ceil(1 << 16))
}

/// An NTP timestamp as UTC, in the era (136 years long) that brings it nearest to `near`.
#[must_use]
pub fn utc(timestamp: u64, near: Nanos) -> Nanos {
    let era: Nanos = (1 << 32) * SECOND;
    let within = i128::from(timestamp >> 32) * SECOND + ((i128::from(timestamp & 0xffff_ffff) * SECOND) >> 32);
    let first = within - ERA_OFFSET * SECOND;
    first + (near - first + era / 2).div_euclid(era) * era
}

/// UTC as an NTP timestamp, for servers.
#[must_use]
pub fn timestamp(utc: Nanos) -> u64 {
    let since = utc + ERA_OFFSET * SECOND;
    let seconds = since.div_euclid(SECOND).rem_euclid(1 << 32);
    let fraction = (since.rem_euclid(SECOND) << 32) / SECOND;
    u64::try_from(seconds << 32 | fraction).unwrap_or(0)
}

/// What an answer says of the time.
///
/// `asked` and `heard` are moments of our steady clock; `near` is about now, to find the era. UTC is taken
/// for the moment `heard`, as if both ways had taken equally long; how long they took together is twice the
/// error that this can make.
///
/// # Errors
/// [`BadAnswer::Implausible`] if the server claims to have taken longer than the whole exchange.
pub fn sample(
    source: usize,
    answer: &Answer,
    asked: Duration,
    heard: Duration,
    near: Nanos,
) -> Result<Sample, BadAnswer> {
    let received = utc(answer.received, near);
    let sent = utc(answer.sent, near);
    let held = sent - received;
    let whole = i128::try_from(heard.saturating_sub(asked).as_nanos()).unwrap_or(i128::MAX);
    let grain = i128::try_from(answer.precision.as_nanos()).unwrap_or(SECOND);
    if held < -grain || held > whole + grain {
        return Err(BadAnswer::Implausible);
    }
    let travelled = (whole - held).max(0);
    let half = Duration::from_nanos(u64::try_from(travelled / 2 + 1).unwrap_or(u64::MAX));
    Ok(Sample {
        source,
        at: heard,
        utc: sent + travelled / 2,
        uncertainty: half + answer.root_delay / 2 + answer.root_dispersion + answer.precision,
        leap: answer.leap,
    })
}

#[cfg(test)]
mod tests;
