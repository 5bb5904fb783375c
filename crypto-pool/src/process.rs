//! Keeps the memory of this process out of core dumps, away from other processes, and out of the swap space.

use std::fmt;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps (`RLIMIT_CORE` 0) and reading this process's memory through ptrace or /proc
/// (`PR_SET_DUMPABLE` 0). To be called first thing in a process that will hold keys.
///
/// # Errors
/// What the system says; the process should not hold keys then.
pub fn harden_process() -> std::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Whether memory with keys can get onto a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLock {
    /// Every page of this process, of now and later, stays in memory.
    Locked,
    /// The limit forbids it, but this machine has no swap space: there is nothing to write pages to.
    NoSwap,
    /// The limit forbids it, and this machine has swap space.
    Swappable {
        /// `RLIMIT_MEMLOCK`. Unit: bytes.
        limit: u64,
    },
}

impl fmt::Display for MemoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("locked: keys are never written to swap space"),
            Self::NoSwap => f.write_str("not locked, but this machine has no swap space"),
            Self::Swappable { limit } => write!(
                f,
                "keys can be written to swap space, because only {} KiB may be locked: set LimitMEMLOCK=infinity (see \
                 `yinxin systemd`), or encrypt the swap space",
                limit >> 10
            ),
        }
    }
}

/// Locks the memory of this process, what it has and what it will get, as it is used. Asked again, it looks again.
///
/// Only with no limit at all: under one, a later allocation would fail, and the service with it.
#[must_use]
pub fn lock_memory() -> MemoryLock {
    let limit = getrlimit(Resource::Memlock);
    // As far as this process may raise it itself.
    let raised = setrlimit(Resource::Memlock, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = if raised.is_ok() { limit.maximum } else { limit.current };
    let free = now.is_none() || may_lock(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if free && mlockall(flags).is_ok() {
        return MemoryLock::Locked;
    }
    match std::fs::read_to_string("/proc/swaps") {
        // A heading, and a line for each.
        Ok(swaps) if swaps.lines().count() <= 1 => MemoryLock::NoSwap,
        _ => MemoryLock::Swappable { limit: now.unwrap_or(u64::MAX) },
    }
}

/// Whether the limit does not count for this process: CAP_IPC_LOCK (bit 14) is among its effective rights.
fn may_lock(status: &str) -> bool {
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    rights.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).is_some_and(|rights| rights >> 14 & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::dumpable_behavior;

    #[test]
    fn a_hardened_process_leaves_no_core_and_cannot_be_read() {
        harden_process().unwrap();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }

    #[test]
    fn the_right_to_lock_is_bit_14() {
        assert!(may_lock("Name:\tyinxin\nCapEff:\t0000000000004000\n"));
        assert!(!may_lock("Name:\tyinxin\nCapEff:\t000001ffffffbfff\n"));
        assert!(!may_lock(""));
    }
}
