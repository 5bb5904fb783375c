//! Where answers go: one JSON value, or words for people.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::language::Language;

/// How this run talks.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// Exactly one JSON value on standard output.
    pub json: bool,
    /// For people.
    pub language: Language,
}

impl Console {
    /// As asked, in the language of the locale.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, language: Language::from_environment() }
    }

    /// Prints the answer: `value` with `--json`, else `text`.
    ///
    /// # Errors
    /// Standard output cannot be written. A reader that went away is no error.
    pub fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let mut out = if self.json {
            serde_json::to_string_pretty(value).map_err(|e| Failure::Here(format!("The answer is no JSON: {e}.")))?
        } else {
            text()
        };
        if !out.ends_with('\n') {
            out.push('\n');
        }
        write_out(out.as_bytes())
    }

    /// Prints a hint for people to standard error; nothing with `--json`.
    pub fn hint(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints why it failed.
    pub fn failed(&self, failure: &Failure) {
        if failure.is_printed() {
            return;
        }
        if self.json {
            let problem = serde_json::to_string_pretty(&failure.to_problem()).unwrap_or_default();
            let _ = write_out(format!("{problem}\n").as_bytes());
        } else {
            let _ = writeln!(std::io::stderr(), "{}", failure.to_text(self.language));
        }
    }

    /// Waits for long work, telling on a terminal that it goes on and for how long.
    pub async fn waiting<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        if self.json || !std::io::stderr().is_terminal() {
            return work.await;
        }
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(120));
        tokio::pin!(work);
        let mut turn = 0_usize;
        loop {
            tokio::select! {
                answer = &mut work => {
                    // Back to the start of the line, and erase it.
                    let _ = write!(std::io::stderr(), "\r\x1b[K");
                    return answer;
                }
                _ = tick.tick() => {
                    // A quick answer needs no spinner.
                    if started.elapsed() > Duration::from_millis(300) {
                        let sign = ['|', '/', '-', '\\'][turn % 4];
                        let _ = write!(std::io::stderr(), "\r{sign} {what} {} s\x1b[K", started.elapsed().as_secs());
                    }
                    turn += 1;
                }
            }
        }
    }
}

/// Writes to standard output. A reader that went away (`| head`) is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Here(format!("Standard output cannot be written: {e}.")))
        }
        _ => Ok(()),
    }
}
