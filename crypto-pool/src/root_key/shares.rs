//! A secret in shares, so that some of its keepers together have it and fewer have nothing (Shamir's scheme, How
//! to share a secret, CACM 22/11, 1979), byte by byte over GF(2^8) with the polynomial of AES.
//!
//! A share is a line of text that can be printed, typed and read over a telephone. It says which set it is of, of
//! which generation, how many open it, and its own number; a checksum finds a mistyped character in that very
//! share, and a check value of the secret tells a set of right shares from one with a wrong share in it.
//!
//! ```text
//! share ::= "YXS1" "-" base32 of { set [4], generation u32, threshold u8, count u8, number u8,
//!                                  value [32], check [4], checksum [4] }, in groups of six
//! ```
//!
//! Base32 is Crockford's: without I, L, O, U; `i`, `l` and `o` are taken for 1, 1 and 0.

mod field;
#[cfg(test)]
mod tests;

use std::fmt;

use pki_config::Random;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;

/// Length of the secret. Unit: bytes.
pub const SECRET: usize = 32;
/// Most shares of a secret.
pub const MOST_SHARES: u8 = 16;
const PREFIX: &str = "YXS1";
/// How the text of every share begins.
const BEGINS: &str = "YXS1-";
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 4 + 4 + 3 + SECRET + 4 + 4;
const GROUP: usize = 6;

/// How many shares there are, and how many of them open the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    threshold: u8,
    count: u8,
}

impl Quorum {
    /// `threshold` of `count`: at least 2, at most all, at most [`MOST_SHARES`] in all.
    #[must_use]
    pub const fn new(threshold: u8, count: u8) -> Option<Self> {
        if threshold >= 2 && threshold <= count && count <= MOST_SHARES {
            Some(Self { threshold, count })
        } else {
            None
        }
    }

    /// How many open the secret.
    #[must_use]
    pub const fn threshold(self) -> u8 {
        self.threshold
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.count
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.threshold, self.count)
    }
}

impl std::str::FromStr for Quorum {
    type Err = BadShare;

    /// As `3-of-5`.
    fn from_str(text: &str) -> Result<Self, BadShare> {
        let (threshold, count) = text.split_once("-of-").ok_or(BadShare::Quorum)?;
        let number = |text: &str| text.parse().map_err(|_| BadShare::Quorum);
        Self::new(number(threshold)?, number(count)?).ok_or(BadShare::Quorum)
    }
}

/// Which secret, and how often it was shared anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareSet {
    /// Drawn when the secret was first shared.
    pub id: [u8; 4],
    /// From 1; each sharing makes the shares of the one before useless.
    pub generation: u32,
    /// How many shares there are and how many open it.
    pub quorum: Quorum,
}

/// One share. Wiped when dropped; shown only by [`Share::to_text`].
#[derive(Clone)]
pub struct Share {
    set: ShareSet,
    number: u8,
    value: Zeroizing<[u8; SECRET]>,
    check: [u8; 4],
}

/// Why shares do not give a secret. Nothing was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadShare {
    /// It is not `K-of-N` with 2 ≤ K ≤ N ≤ 16.
    Quorum,
    /// The text is not that of a share.
    Form,
    /// A character is wrong: the checksum does not fit.
    Checksum,
    /// It is of another secret.
    OtherSet,
    /// It is of an earlier or later sharing of this secret.
    Stale {
        /// Which it is of.
        generation: u32,
        /// Which counts.
        current: u32,
    },
    /// The same share twice.
    Twice {
        /// Its number.
        number: u8,
    },
    /// Fewer than the secret needs.
    TooFew {
        /// How many there are.
        given: u8,
        /// How many it needs.
        needed: u8,
    },
    /// It says it is of this set and is none of those that were given out.
    Forged {
        /// Its number.
        number: u8,
    },
    /// Each share reads, but together they do not give the secret: one was made up.
    Check,
}

impl fmt::Display for BadShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quorum => write!(f, "expected K-of-N such as 3-of-5, with 2 <= K <= N <= {MOST_SHARES}"),
            Self::Form => write!(f, "not a share: one begins with {PREFIX}- and has {} characters after it", digits()),
            Self::Checksum => f.write_str("a character of this share is wrong; compare it with its original"),
            Self::OtherSet => f.write_str("this share is of another installation's key"),
            Self::Stale { generation, current } => write!(
                f,
                "this share is of generation {generation}; the key was shared anew, only generation {current} opens it"
            ),
            Self::Forged { number } => {
                write!(f, "share {number} is not the one that was given out: it was changed or made up")
            }
            Self::Twice { number } => write!(f, "share {number} was given twice"),
            Self::TooFew { given, needed } => write!(f, "{given} of {needed} shares"),
            Self::Check => f.write_str("these shares do not give the key: at least one of them is forged"),
        }
    }
}

impl std::error::Error for BadShare {}

const fn digits() -> usize {
    (LENGTH * 8).div_ceil(5)
}

/// Shares a secret.
///
/// # Errors
/// [`Error::Random`].
pub fn split(secret: &[u8; SECRET], set: ShareSet, random: &dyn Random) -> Result<Vec<Share>, Error> {
    let degree = usize::from(set.quorum.threshold) - 1;
    let mut coefficients = Zeroizing::new(vec![0; degree * SECRET]);
    random.fill(&mut coefficients)?;
    let check = check_value(secret);
    let share = |number: u8| {
        let mut value = Zeroizing::new([0; SECRET]);
        for (at, (octet, constant)) in value.iter_mut().zip(secret).enumerate() {
            // Horner's rule, the highest coefficient first.
            let higher = coefficients.chunks_exact(SECRET).filter_map(|row| row.get(at));
            *octet = field::add(
                field::multiply(higher.fold(0, |sum, c| field::add(field::multiply(sum, number), *c)), number),
                *constant,
            );
        }
        Share { set, number, value, check }
    };
    Ok((1..=set.quorum.count).map(share).collect())
}

/// The secret of these shares. More than are needed are all held against each other.
///
/// # Errors
/// [`BadShare`].
pub fn combine(shares: &[Share]) -> Result<Zeroizing<[u8; SECRET]>, BadShare> {
    let Some(first) = shares.first() else { return Err(BadShare::TooFew { given: 0, needed: 2 }) };
    for (index, share) in shares.iter().enumerate() {
        share.belongs_to(&first.set)?;
        if shares.iter().take(index).any(|earlier| earlier.number == share.number) {
            return Err(BadShare::Twice { number: share.number });
        }
    }
    let needed = first.set.quorum.threshold;
    let given = u8::try_from(shares.len()).unwrap_or(u8::MAX);
    if given < needed {
        return Err(BadShare::TooFew { given, needed });
    }
    // Lagrange at zero over all shares given: one that does not lie on the polynomial spoils the secret.
    let mut secret = Zeroizing::new([0; SECRET]);
    for share in shares {
        let others = shares.iter().filter(|other| other.number != share.number);
        let weight = others.fold(1, |weight, other| {
            let below = field::invert(field::add(share.number, other.number));
            field::multiply(weight, field::multiply(other.number, below))
        });
        for (octet, value) in secret.iter_mut().zip(share.value.iter()) {
            *octet = field::add(*octet, field::multiply(weight, *value));
        }
    }
    if check_value(&secret) == first.check && shares.iter().all(|share| share.check == first.check) {
        Ok(secret)
    } else {
        Err(BadShare::Check)
    }
}

/// Four octets that a secret can be recognised by and that tell nothing else of it.
fn check_value(secret: &[u8; SECRET]) -> [u8; 4] {
    let mac = engine::sm3::hmac(secret, &[b"yinxin check value of a shared secret"]);
    let [a, b, c, d, ..] = mac;
    [a, b, c, d]
}

impl Share {
    /// Which set it is of.
    #[must_use]
    pub const fn set(&self) -> &ShareSet {
        &self.set
    }

    /// Its number in the set, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// Sixteen octets that this very share can be recognised by and that tell nothing of it.
    pub(super) fn mark(&self) -> [u8; 16] {
        let mac = engine::sm3::hmac(&*self.value, &[b"yinxin mark of a share", &[self.number]]);
        let (mark, _) = mac.split_first_chunk().unwrap_or((&[0; 16], &[]));
        *mark
    }

    /// Whether a text wants to be a share: then a passphrase it is not.
    #[must_use]
    pub fn looks_like_one(text: &str) -> bool {
        text.get(..BEGINS.len()).is_some_and(|head| head.eq_ignore_ascii_case(BEGINS))
    }

    /// Refuses a share of another secret or another generation.
    ///
    /// # Errors
    /// [`BadShare::OtherSet`], [`BadShare::Stale`].
    pub fn belongs_to(&self, set: &ShareSet) -> Result<(), BadShare> {
        if self.set.id != set.id {
            return Err(BadShare::OtherSet);
        }
        if self.set.generation != set.generation {
            return Err(BadShare::Stale { generation: self.set.generation, current: set.generation });
        }
        if self.set.quorum == set.quorum { Ok(()) } else { Err(BadShare::OtherSet) }
    }

    /// The line to print and to keep.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let octets = self.octets();
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + digits() + digits() / GROUP + 2));
        text.push_str(PREFIX);
        for index in 0..digits() {
            if index % GROUP == 0 {
                text.push('-');
            }
            let five = (0..5).fold(0, |five, bit| {
                let at = index * 5 + bit;
                let octet = octets.get(at / 8).copied().unwrap_or(0);
                five << 1 | usize::from(octet >> (7 - at % 8) & 1)
            });
            text.push(char::from(DIGITS.get(five).copied().unwrap_or(b'0')));
        }
        text
    }

    /// A share from its text; spaces and dashes are ignored, and so is the case of letters.
    ///
    /// # Errors
    /// [`BadShare::Form`], [`BadShare::Checksum`].
    pub fn parse(text: &str) -> Result<Self, BadShare> {
        let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c.to_ascii_uppercase() {
            'I' | 'L' => '1',
            'O' => '0',
            other => other,
        });
        let plain = Zeroizing::new(plain.collect::<String>());
        let body = plain.strip_prefix(PREFIX).ok_or(BadShare::Form)?;
        if body.len() != digits() {
            return Err(BadShare::Form);
        }
        let mut octets = Zeroizing::new([0_u8; LENGTH]);
        for (index, character) in body.bytes().enumerate() {
            let five = value_of(character).ok_or(BadShare::Form)?;
            for bit in 0..5 {
                let at = index * 5 + bit;
                let set = five >> (4 - bit) & 1;
                match octets.get_mut(at / 8) {
                    Some(octet) => *octet |= set << (7 - at % 8),
                    None if set == 0 => {}
                    None => return Err(BadShare::Form),
                }
            }
        }
        Self::from_octets(&octets)
    }

    fn octets(&self) -> Zeroizing<Vec<u8>> {
        let mut octets = Zeroizing::new(Vec::with_capacity(LENGTH));
        octets.extend(self.set.id);
        octets.extend(self.set.generation.to_be_bytes());
        octets.extend([self.set.quorum.threshold, self.set.quorum.count, self.number]);
        octets.extend(self.value.iter());
        octets.extend(self.check);
        let sum = checksum(&octets);
        octets.extend(sum);
        octets
    }

    fn from_octets(octets: &[u8; LENGTH]) -> Result<Self, BadShare> {
        let (body, sum) = octets.split_at(LENGTH - 4);
        if checksum(body) != sum {
            return Err(BadShare::Checksum);
        }
        let (id, body) = body.split_first_chunk().ok_or(BadShare::Form)?;
        let (generation, body) = body.split_first_chunk().ok_or(BadShare::Form)?;
        let ([threshold, count, number], body) = body.split_first_chunk().ok_or(BadShare::Form)?;
        let (value, check) = body.split_first_chunk().ok_or(BadShare::Form)?;
        let quorum = Quorum::new(*threshold, *count).ok_or(BadShare::Form)?;
        if *number == 0 || number > count {
            return Err(BadShare::Form);
        }
        let set = ShareSet { id: *id, generation: u32::from_be_bytes(*generation), quorum };
        let check = check.try_into().map_err(|_| BadShare::Form)?;
        Ok(Self { set, number: *number, value: Zeroizing::new(*value), check })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} {}, generation {})", self.number, self.set.quorum, self.set.generation)
    }
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let mut hash = engine::sm3::hash(body);
    let [a, b, c, d, ..] = hash;
    hash.zeroize();
    [a, b, c, d]
}

fn value_of(character: u8) -> Option<u8> {
    DIGITS.iter().position(|digit| *digit == character).and_then(|at| u8::try_from(at).ok())
}
