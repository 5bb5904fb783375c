//! `yinxin ocsp staple --watch`: a fresh answer is in the file long before the old one ends.

use std::process::Stdio;
use std::time::Duration;

use pki_config::Instant;

use super::{About, fetch, now};
use crate::cli::args::OcspStaple;
use crate::cli::console::Console;
use crate::cli::failure::Failure;

/// First wait after a failure; doubled each time, up to [`LONGEST_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// Longest wait after a failure.
const LONGEST_RETRY: Duration = Duration::from_secs(600);
/// Shortest wait after an answer, however short it lives.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest a reload command may take.
const RELOAD: Duration = Duration::from_secs(60);

/// Fetches, reloads, waits, until SIGINT or SIGTERM. Where no answer lies yet the first must
/// come: who starts this wants to know.
///
/// # Errors
/// The first answer could not be had, or signals cannot be waited for.
pub(super) async fn run(console: Console, about: &About, args: &OcspStaple) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|e| Failure::Here(format!("Signals cannot be waited for: {e}.")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (mut failures, mut first) = (0_u32, true);
    loop {
        let wait = match fetch(about, &args.out).await {
            Ok((told, believed)) => {
                (failures, first) = (0, false);
                console.answer(&told, || {
                    let until = told.next_update.as_deref().unwrap_or_default();
                    format!("{}  good until {until}, written to {}", now(), args.out.display())
                })?;
                if let Some(command) = &args.reload {
                    reload(console, command).await;
                }
                let end = believed.next_update.unwrap_or(believed.this_update);
                until_refresh(believed.this_update, end, now())
            }
            Err(failure) if first && !args.out.exists() => return Err(failure),
            Err(failure) => {
                failures += 1;
                // The file keeps its old answer, which counts for another half of its time.
                console.failed(&failure);
                FIRST_RETRY.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_RETRY)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

/// How long an answer is left alone: to four tenths of its time, so that a second try still comes before half.
/// One that is past that already was kept by somebody; the next is looked for after a twentieth of its time.
fn until_refresh(from: Instant, until: Instant, now: Instant) -> Duration {
    let life = until.since(from);
    let due = from.plus(life * 4 / 10);
    let wait = if due > now { due.since(now) } else { (life / 20).min(LONGEST_RETRY) };
    wait.max(SHORTEST)
}

/// Runs the command. Its failure is told and changes nothing: the answer is in place.
async fn reload(console: Console, command: &str) {
    let command = command.to_owned();
    let run = tokio::task::spawn_blocking(move || {
        let mut child = std::process::Command::new("sh").args(["-c", &command]).stdin(Stdio::null()).spawn()?;
        let end = std::time::Instant::now() + RELOAD;
        loop {
            match child.try_wait()? {
                Some(status) => return Ok(Some(status)),
                None if std::time::Instant::now() >= end => {
                    child.kill()?;
                    child.wait()?;
                    return Ok(None);
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    });
    let outcome: std::io::Result<_> = run.await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
    match outcome {
        Ok(Some(status)) if status.success() => {}
        Ok(Some(status)) => console.hint(&format!("The reload command ended with {status}.")),
        Ok(None) => console.hint(&format!("The reload command was stopped after {} seconds.", RELOAD.as_secs())),
        Err(error) => console.hint(&format!("The reload command could not be run: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_is_replaced_before_half_of_its_time_is_over() {
        let (from, until) = (at("2026-11-21T08:00:00Z"), at("2026-11-21T18:00:00Z"));
        assert_eq!(until_refresh(from, until, from), Duration::from_secs(4 * 3600));
        assert_eq!(until_refresh(from, until, at("2026-11-21T11:00:00Z")), Duration::from_secs(3600));
    }

    #[test]
    fn an_old_answer_from_a_cache_is_not_asked_for_without_a_pause() {
        let (from, until) = (at("2026-11-21T08:00:00Z"), at("2026-11-21T18:00:00Z"));
        assert_eq!(until_refresh(from, until, at("2026-11-21T17:00:00Z")), Duration::from_secs(600));
        assert_eq!(until_refresh(from, from, from), SHORTEST);
    }
}
