//! Many messages at once, of whatever lengths: the longest first, each in a lane of its own; a lane that has
//! finished a message takes the next one.

use zeroize::Zeroize;

use super::compress::IV;
use super::lanes::{self, Avx512, FRESH, LANES};
use super::{BLOCK, DIGEST_LENGTH, Sm3, Units, compress_blocks, padding, to_bytes};
use crate::detect::Features;

/// From so many lanes on, all sixteen at once are quicker than one after another.
const WORTH_IT: usize = 3;

/// The digest of each message, in their order.
#[must_use]
pub fn hash_many(messages: &[&[u8]]) -> Vec<[u8; DIGEST_LENGTH]> {
    hash_many_with(Features::detect(), messages)
}

/// As [`hash_many`], with the instruction sets of `features` at most; for tests and measurements.
#[must_use]
pub fn hash_many_with(features: Features, messages: &[&[u8]]) -> Vec<[u8; DIGEST_LENGTH]> {
    let mut digests = vec![[0; DIGEST_LENGTH]; messages.len()];
    let avx512 = Avx512::detect().filter(|_| features.avx512);
    if avx512.is_none() || messages.len() < WORTH_IT {
        for (digest, message) in digests.iter_mut().zip(messages) {
            let mut hasher = Sm3::with_features(features);
            hasher.update(message);
            *digest = hasher.finalize();
        }
        return digests;
    }
    // Longest first, so that the lanes come to their ends together.
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_unstable_by_key(|&number| std::cmp::Reverse(messages[number].len()));
    Lanes::new(avx512, messages, &order).run(&mut digests);
    digests
}

/// A lane at work: whole blocks of the message, then its padded end.
struct Lane<'a> {
    /// Which message; none when there is no more work.
    message: Option<usize>,
    /// Whole blocks not yet taken in.
    blocks: &'a [[u8; BLOCK]],
    end: [[u8; BLOCK]; 2],
    /// How many blocks of `end` count, and how many of them were taken in.
    end_count: usize,
    end_done: usize,
}

impl<'a> Lane<'a> {
    const IDLE: Self = Self { message: None, blocks: &[], end: [[0; BLOCK]; 2], end_count: 0, end_done: 0 };

    fn start(&mut self, number: usize, message: &'a [u8]) {
        let (blocks, rest) = message.as_chunks();
        self.end_count = padding(&mut self.end, rest, message.len() as u64);
        (self.message, self.blocks, self.end_done) = (Some(number), blocks, 0);
    }

    /// The blocks that come next.
    fn next(&self) -> &[[u8; BLOCK]] {
        if self.blocks.is_empty() { &self.end[self.end_done..self.end_count] } else { self.blocks }
    }

    /// Steps over `count` of [`Self::next`]; says whether the message is at its end.
    fn advance(&mut self, count: usize) -> bool {
        if self.blocks.is_empty() {
            self.end_done += count;
        } else {
            self.blocks = &self.blocks[count..];
        }
        self.blocks.is_empty() && self.end_done == self.end_count
    }
}

struct Lanes<'a> {
    avx512: Option<Avx512>,
    messages: &'a [&'a [u8]],
    waiting: std::slice::Iter<'a, usize>,
    lanes: [Lane<'a>; LANES],
    states: lanes::States,
    /// How many lanes have a message.
    busy: usize,
}

impl<'a> Lanes<'a> {
    fn new(avx512: Option<Avx512>, messages: &'a [&'a [u8]], order: &'a [usize]) -> Self {
        let mut all =
            Self { avx512, messages, waiting: order.iter(), lanes: [Lane::IDLE; LANES], states: FRESH, busy: 0 };
        (0..LANES).for_each(|lane| all.refill(lane));
        all
    }

    fn refill(&mut self, lane: usize) {
        if let Some(&number) = self.waiting.next() {
            self.lanes[lane].start(number, self.messages[number]);
            lanes::set_column(&mut self.states, lane, &IV);
            self.busy += 1;
        }
    }

    fn run(mut self, digests: &mut [[u8; DIGEST_LENGTH]]) {
        while self.busy >= WORTH_IT {
            // Idle lanes repeat the work of a busy one.
            let Some(run) =
                self.lanes.iter().filter(|lane| lane.message.is_some()).map(Lane::next).min_by_key(|r| r.len())
            else {
                break;
            };
            let count = run.len();
            let runs = self.lanes.each_ref().map(|lane| if lane.message.is_some() { lane.next() } else { run });
            lanes::compress_runs(self.avx512, &mut self.states, &runs);
            for lane in 0..LANES {
                let Some(number) = self.lanes[lane].message else { continue };
                if self.lanes[lane].advance(count) {
                    digests[number] = to_bytes(&lanes::column(&self.states, lane));
                    self.lanes[lane].message = None;
                    self.busy -= 1;
                    self.refill(lane);
                }
            }
        }
        // The few that are left go alone.
        let units = Units::detect();
        for (number, lane) in self.lanes.iter().enumerate() {
            if let Some(message) = lane.message {
                let mut state = lanes::column(&self.states, number);
                compress_blocks(units, &mut state, lane.blocks);
                compress_blocks(units, &mut state, &lane.end[lane.end_done..lane.end_count]);
                digests[message] = to_bytes(&state);
            }
        }
    }
}

impl Drop for Lanes<'_> {
    fn drop(&mut self) {
        // A message may be a secret.
        self.states.zeroize();
        self.lanes.iter_mut().for_each(|lane| lane.end.zeroize());
    }
}
