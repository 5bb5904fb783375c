//! The pool's queue: bounded, fair, taken from in batches.
//!
//! What waits is kept apart by purpose and, within a purpose, by owner. A worker takes a batch by deficit
//! round robin (Shreedhar and Varghese, 1995): purposes share by weight, owners of one purpose equally, and
//! what is counted is work, not requests: a large request is taken in parts. A purpose that had nothing
//! waiting goes first once, as in RFC 8290: a lone OCSP answer does not stand behind a flood of seals.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pki_config::TenantId;

use super::options::Shares;
use crate::error::Error;
use crate::key::Purpose;

/// Work that one share is worth in one turn. Unit: SM2 signatures.
const SHARE: i64 = 4;
/// Work of one owner in its turn among those of its purpose. Unit: SM2 signatures.
const OWNER_TURN: usize = 16;

/// What the queue must know of what waits in it.
pub(super) trait Waits: Sized {
    /// What its key is for.
    fn purpose(&self) -> Purpose;
    /// Whose its key is.
    fn owner(&self) -> &TenantId;
    /// How many signatures it is; at least one.
    fn count(&self) -> usize;
    /// What one of its signatures costs. Unit: SM2 signatures.
    fn cost(&self) -> usize;
    /// What it holds in memory to be signed. Unit: bytes.
    fn bytes(&self) -> usize;
    /// Splits off its first `count` signatures: at least one, and fewer than it has.
    fn split(&mut self, count: usize) -> Self;
}

/// Most that one owner may have waiting for one purpose. Unit: bytes. What a purpose may have is four times that.
const BYTES_OF_OWNER: usize = 64 << 20;

/// How much may wait. Unit: signatures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For one purpose.
    pub(super) purpose: usize,
    /// For one owner within a purpose.
    pub(super) owner: usize,
}

pub(super) struct Queue<J> {
    limits: Limits,
    waiting: Mutex<Waiting<J>>,
    changed: Condvar,
}

struct Waiting<J> {
    /// One for each of [`Purpose::ALL`].
    classes: Vec<Class<J>>,
    /// Classes that had nothing waiting until now: each goes first, once.
    fresh: VecDeque<usize>,
    /// Classes in their turn. One that is found empty leaves.
    ring: VecDeque<usize>,
    /// All that waits. Unit: signatures.
    signatures: usize,
    closed: bool,
}

struct Class<J> {
    listed: bool,
    /// Work it may still take in this turn; below zero it has borrowed from the next.
    credit: i64,
    turn: i64,
    signatures: usize,
    bytes: usize,
    owners: HashMap<TenantId, Owner<J>>,
    ring: VecDeque<TenantId>,
}

struct Owner<J> {
    jobs: VecDeque<J>,
    signatures: usize,
    bytes: usize,
    /// Work taken in its present turn.
    taken: usize,
}

impl<J: Waits> Queue<J> {
    pub(super) fn new(limits: Limits, shares: &Shares) -> Self {
        let class = |purpose: &Purpose| Class {
            listed: false,
            credit: 0,
            turn: i64::from(shares.of(*purpose).max(1)) * SHARE,
            signatures: 0,
            bytes: 0,
            owners: HashMap::new(),
            ring: VecDeque::new(),
        };
        let waiting = Waiting {
            classes: Purpose::ALL.iter().map(class).collect(),
            fresh: VecDeque::new(),
            ring: VecDeque::new(),
            signatures: 0,
            closed: false,
        };
        Self { limits, waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request.
    ///
    /// # Errors
    /// [`Error::Busy`] if its owner or its purpose has too much waiting already; [`Error::Stopping`].
    pub(super) fn push(&self, job: J) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Error::Stopping);
        }
        waiting.push(job, self.limits)?;
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes no more; the workers finish what is there and stop.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Has every waiting worker ask `leave` again.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits for work and takes a batch of it: this worker's part of what waits for `workers`, at least
    /// `least` and at most `most` signatures' worth. `false`: the worker is to stop, because `leave` says so
    /// or because the queue is closed and empty.
    pub(super) fn take(
        &self,
        batch: &mut Vec<J>,
        [least, most]: [usize; 2],
        workers: impl Fn() -> usize,
        leave: impl Fn() -> bool,
    ) -> bool {
        let mut waiting = self.lock();
        while waiting.signatures == 0 {
            if waiting.closed || leave() {
                return false;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if leave() {
            // What woke this worker was work; somebody else must do it.
            self.changed.notify_one();
            return false;
        }
        let part = waiting.signatures.div_ceil(workers().max(1)).clamp(least, most);
        waiting.take(part, batch);
        let more = waiting.signatures > 0;
        drop(waiting);
        if more {
            self.changed.notify_one();
        }
        true
    }
}

impl<J: Waits> Waiting<J> {
    fn push(&mut self, job: J, limits: Limits) -> Result<(), Error> {
        let Some(index) = Purpose::ALL.iter().position(|p| *p == job.purpose()) else { return Err(Error::Busy) };
        let (count, bytes, class) = (job.count(), job.bytes(), &mut self.classes[index]);
        let (of_owner, its_bytes) = class.owners.get(job.owner()).map_or((0, 0), |o| (o.signatures, o.bytes));
        let too_many = class.signatures + count > limits.purpose || of_owner + count > limits.owner;
        // What comes alone is taken, however large: its size is bounded where it is checked.
        let too_much = class.bytes + bytes > 4 * BYTES_OF_OWNER || its_bytes + bytes > BYTES_OF_OWNER;
        if too_many || (too_much && of_owner > 0) {
            return Err(Error::Busy);
        }
        if of_owner == 0 {
            class.ring.push_back(job.owner().clone());
        }
        let none = || Owner { jobs: VecDeque::new(), signatures: 0, bytes: 0, taken: 0 };
        let owner = class.owners.entry(job.owner().clone()).or_insert_with(none);
        owner.signatures += count;
        owner.bytes += bytes;
        owner.jobs.push_back(job);
        class.signatures += count;
        class.bytes += bytes;
        self.signatures += count;
        if !class.listed {
            class.listed = true;
            class.credit = class.turn;
            self.fresh.push_back(index);
        }
        Ok(())
    }

    /// Takes work worth `room` signatures, or all there is.
    fn take(&mut self, room: usize, batch: &mut Vec<J>) {
        let mut room = room;
        while room > 0 && self.signatures > 0 {
            let fresh = !self.fresh.is_empty();
            let list = if fresh { &mut self.fresh } else { &mut self.ring };
            let Some(index) = list.front().copied() else { return };
            let class = &mut self.classes[index];
            while room > 0 && class.credit > 0 && class.signatures > 0 {
                let most = room.min(usize::try_from(class.credit).unwrap_or(1));
                let Some(job) = class.take(most) else { break };
                let (count, cost) = (job.count(), job.count() * job.cost());
                self.signatures -= count;
                class.credit -= i64::try_from(cost).unwrap_or(i64::MAX);
                room = room.saturating_sub(cost);
                batch.push(job);
            }
            if class.credit > 0 && class.signatures > 0 {
                return;
            }
            list.pop_front();
            if class.signatures == 0 && !fresh {
                class.listed = false;
            } else {
                // Spent, or fresh and served: behind the others. Had a fresh one left here, it could come
                // back as fresh with every request and starve those that wait.
                if class.credit <= 0 {
                    class.credit += class.turn;
                }
                self.ring.push_back(index);
            }
        }
    }
}

impl<J: Waits> Class<J> {
    /// The next job, or as much of it as is worth `most`; at least one signature.
    fn take(&mut self, most: usize) -> Option<J> {
        // One dear signature may have cost its owner several turns: those it sits out.
        while self.owners.get(self.ring.front()?)?.taken >= OWNER_TURN {
            let owner = self.owners.get_mut(self.ring.front()?)?;
            owner.taken -= OWNER_TURN;
            self.ring.rotate_left(1);
        }
        let owner = self.owners.get_mut(self.ring.front()?)?;
        let first = owner.jobs.front_mut()?;
        let fits = (most.min(OWNER_TURN - owner.taken) / first.cost().max(1)).max(1);
        let job = if first.count() > fits { first.split(fits) } else { owner.jobs.pop_front()? };
        let bytes = job.bytes();
        owner.signatures -= job.count();
        owner.bytes = owner.bytes.saturating_sub(bytes);
        owner.taken += job.count() * job.cost();
        self.signatures -= job.count();
        self.bytes = self.bytes.saturating_sub(bytes);
        if owner.jobs.is_empty() {
            let name = self.ring.pop_front()?;
            self.owners.remove(&name);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests;
