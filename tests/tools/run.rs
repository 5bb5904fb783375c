//! Runs a command to its end or to a deadline, with everything it started.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// With exit status 0.
    Well,
    /// With another status, by a signal, or stopped at the deadline.
    Badly(String),
    /// There is no such program, or it may not be run.
    NotStarted(String),
}

/// Runs a command whose output goes where ours goes.
pub fn finish(command: &mut Command, deadline: Instant) -> Ended {
    let name = command.get_program().to_string_lossy().into_owned();
    let name = Path::new(&name).file_name().map_or(name.clone(), |n| n.to_string_lossy().into_owned());
    let began = Instant::now();
    let mut child = match command.stdin(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(why) => return Ended::NotStarted(format!("{name} cannot be started: {why}")),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ended::Well,
            Ok(Some(status)) => return Ended::Badly(format!("{name} ended with {status}")),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                stop(&mut child);
                return Ended::Badly(format!("{name} was stopped after {} s", began.elapsed().as_secs()));
            }
            Err(why) => return Ended::Badly(format!("{name}: {why}")),
        }
    }
}

/// Runs a command that answers at once and gives its standard output, or why there is none.
pub fn quiet(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Ends a command and what it started. Not a process group of their own, which Ctrl-C would not
/// reach: so the descendants are looked up, and the lookup repeated for what they start meanwhile.
fn stop(child: &mut Child) {
    for _ in 0..3 {
        let mut family = descendants(child.id());
        family.push(child.id());
        let _ =
            Command::new("kill").arg("-KILL").args(family.iter().map(u32::to_string)).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The processes that descend from `ancestor`, by the parents that /proc tells of.
fn descendants(ancestor: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            Some((id, parent(&std::fs::read_to_string(entry.path().join("stat")).ok()?)?))
        })
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&of) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// The fourth field of a line of /proc/N/stat; the second may hold spaces and parentheses.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn soon(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[test]
    fn a_status_of_zero_is_well_and_any_other_is_not() {
        assert_eq!(finish(&mut shell("exit 0"), soon(10_000)), Ended::Well);
        assert!(matches!(finish(&mut shell("exit 3"), soon(10_000)), Ended::Badly(why) if why.contains('3')));
        assert!(matches!(finish(&mut Command::new("/nonexistent/tool"), soon(1)), Ended::NotStarted(_)));
    }

    #[test]
    fn a_command_that_hangs_is_stopped_with_all_it_started() {
        let marker = format!("{}.5", 70_000 + std::process::id());
        let began = Instant::now();
        // Two generations: the shell, a shell in it, and the sleeper.
        let ended = finish(&mut shell(&format!("sh -c 'sleep {marker}; true'; true")), soon(300));
        assert!(matches!(ended, Ended::Badly(why) if why.contains("stopped")));
        assert!(began.elapsed() < Duration::from_secs(20));
        let sleeping = std::fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.starts_with(b"sleep\0") && line.windows(marker.len()).any(|w| w == marker.as_bytes())
        });
        assert!(!sleeping, "the sleeper outlived its deadline");
    }

    #[test]
    fn the_parent_is_read_behind_a_name_with_parentheses() {
        assert_eq!(parent("42 (a) b (c) S 17 42 42 0"), Some(17));
        assert_eq!(parent(""), None);
    }
}
