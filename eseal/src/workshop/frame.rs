//! What goes through the pipes between us and a child process.
//!
//! ```text
//! asked:    length of the job (4 octets, big endian), length of the document (8), the job, the document
//! answered: length (8), the answer
//! ```
//!
//! Jobs and answers are written by postcard. What comes from a child that read a stranger's document is bounded, and
//! read like anything a stranger sent.

use serde::{Deserialize, Serialize};

use crate::core::job::{Done, Job, Limits, Refused};

/// What the parent says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) job: Job,
    pub(super) limits: Limits,
    /// How long it may take. Unit: seconds of processor time.
    pub(super) seconds: u64,
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answered {
    /// It is done.
    Done(Done),
    /// It is not done, and why.
    Refused(Refused),
    /// The program failed on it.
    Failed(String),
}

/// Longest job: an order with a seal and a picture. Unit: bytes.
pub(super) const LONGEST_JOB: usize = 64 << 20;

/// The octets before job and document.
pub(super) const HEAD: usize = 12;

/// Writes the head of a question.
pub(super) fn head(job: usize, document: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let (first, second) = head.split_at_mut(4);
    first.copy_from_slice(&u32::try_from(job).unwrap_or(u32::MAX).to_be_bytes());
    second.copy_from_slice(&(document as u64).to_be_bytes());
    head
}

/// Reads the head of a question.
pub(super) fn lengths(head: [u8; HEAD]) -> (usize, usize) {
    let [a, b, c, d, rest @ ..] = head;
    let job = u32::from_be_bytes([a, b, c, d]);
    let wide = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    (wide(u64::from(job)), wide(u64::from_be_bytes(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_both_lengths() {
        assert_eq!(lengths(head(3, 5 << 30)), (3, 5 << 30));
        assert_eq!(head(1, 2), [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn what_is_asked_and_answered_survives_the_pipe() {
        let asked = Asked { job: Job::Preview { page: 2, width: 3 }, limits: Limits::default(), seconds: 7 };
        let back: Asked = postcard::from_bytes(&postcard::to_allocvec(&asked).unwrap()).unwrap();
        assert_eq!((back.job, back.limits, back.seconds), (asked.job, asked.limits, 7));
        let bytes = postcard::to_allocvec(&Answered::Refused(Refused::Encrypted)).unwrap();
        assert!(matches!(postcard::from_bytes(&bytes).unwrap(), Answered::Refused(Refused::Encrypted)));
    }
}
