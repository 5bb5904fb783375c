//! Keeps the memory of this process out of core dumps and away from other processes.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{dumpable_behavior, getrlimit};

    #[test]
    fn a_hardened_process_leaves_no_core_and_cannot_be_read() {
        harden_process().unwrap();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
