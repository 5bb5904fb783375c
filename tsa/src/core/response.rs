//! The answer: a `TimeStampResp`, with a token or with the reason why there is none.
//!
//! ```text
//! TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
//! PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL,
//!                              failInfo BIT STRING OPTIONAL }
//! ```
//!
//! Source: RFC 3161 2.4.2.

use std::fmt;

use crypto_pool::tlv::{self, BIT_STRING, BadDer, INTEGER, SEQUENCE};

const UTF8_STRING: u8 = 0x0c;

/// Why there is no token, as a program acts on it: `PKIFailureInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailInfo {
    /// `badAlg` (0): the hash algorithm is not accepted.
    BadAlg,
    /// `badRequest` (2): not permitted, or another version.
    BadRequest,
    /// `badDataFormat` (5): the bytes are no request.
    BadDataFormat,
    /// `timeNotAvailable` (14): the clock is not sure enough.
    TimeNotAvailable,
    /// `unacceptedPolicy` (15): the policy asked for is not one of ours.
    UnacceptedPolicy,
    /// `unacceptedExtension` (16).
    UnacceptedExtension,
    /// `addInfoNotAvailable` (17): what was asked for besides, such as certificates, is not to be had.
    AddInfoNotAvailable,
    /// `systemFailure` (25): the fault is ours.
    SystemFailure,
}

impl FailInfo {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BadAlg,
        Self::BadRequest,
        Self::BadDataFormat,
        Self::TimeNotAvailable,
        Self::UnacceptedPolicy,
        Self::UnacceptedExtension,
        Self::AddInfoNotAvailable,
        Self::SystemFailure,
    ];

    /// The number of its bit.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::BadAlg => 0,
            Self::BadRequest => 2,
            Self::BadDataFormat => 5,
            Self::TimeNotAvailable => 14,
            Self::UnacceptedPolicy => 15,
            Self::UnacceptedExtension => 16,
            Self::AddInfoNotAvailable => 17,
            Self::SystemFailure => 25,
        }
    }

    /// The name in the standard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadAlg => "badAlg",
            Self::BadRequest => "badRequest",
            Self::BadDataFormat => "badDataFormat",
            Self::TimeNotAvailable => "timeNotAvailable",
            Self::UnacceptedPolicy => "unacceptedPolicy",
            Self::UnacceptedExtension => "unacceptedExtension",
            Self::AddInfoNotAvailable => "addInfoNotAvailable",
            Self::SystemFailure => "systemFailure",
        }
    }
}

impl fmt::Display for FailInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is no token: for the program, and in one sentence for whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// For the program.
    pub info: FailInfo,
    /// For people. Never tells anything of the inside.
    pub text: &'static str,
}

impl Rejection {
    /// A rejection.
    #[must_use]
    pub const fn new(info: FailInfo, text: &'static str) -> Self {
        Self { info, text }
    }

    /// The `TimeStampResp` that says so.
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        let text = tlv::write(SEQUENCE, &[&tlv::write(UTF8_STRING, &[self.text.as_bytes()])]);
        let bit = self.info.bit();
        // A named bit list ends with its last set bit (X.690 11.2.2).
        let mut bits = vec![0; usize::from(bit / 8) + 2];
        bits[0] = 7 - bit % 8;
        if let Some(last) = bits.last_mut() {
            *last = 0x80 >> (bit % 8);
        }
        let status = tlv::write(SEQUENCE, &[&[INTEGER, 1, REJECTION], &text, &tlv::write(BIT_STRING, &[&bits])]);
        tlv::write(SEQUENCE, &[&status])
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.info, self.text)
    }
}

impl std::error::Error for Rejection {}

impl From<BadDer> for Rejection {
    fn from(why: BadDer) -> Self {
        Self::new(FailInfo::BadDataFormat, why.what)
    }
}

const REJECTION: u8 = 2;
/// PKIStatusInfo with the status granted (0) and nothing else.
const GRANTED: &[u8] = &[SEQUENCE, 3, INTEGER, 1, 0];

/// The `TimeStampResp` that carries a token.
#[must_use]
pub fn granted(token: &[u8]) -> Vec<u8> {
    tlv::write(SEQUENCE, &[GRANTED, token])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_reads_as_rfc_3161_writes_it() {
        // By hand: SEQUENCE { SEQUENCE { INTEGER 2, SEQUENCE { UTF8String "no" }, BIT STRING bit 0 } }.
        let der = Rejection::new(FailInfo::BadAlg, "no").to_der();
        assert_eq!(der, b"\x30\x0f\x30\x0d\x02\x01\x02\x30\x04\x0c\x02no\x03\x02\x07\x80");
        // Bit 25 is the second of the fourth octet: six bits unused.
        let der = Rejection::new(FailInfo::SystemFailure, "no").to_der();
        assert!(der.ends_with(b"\x03\x05\x06\x00\x00\x00\x40"), "{der:x?}");
        let der = Rejection::new(FailInfo::UnacceptedPolicy, "no").to_der();
        assert!(der.ends_with(b"\x03\x03\x00\x00\x01"), "{der:x?}");
    }

    #[test]
    fn a_granted_answer_holds_the_token_as_it_is() {
        assert_eq!(granted(b"\x30\x01x"), b"\x30\x08\x30\x03\x02\x01\x00\x30\x01x");
    }
}
