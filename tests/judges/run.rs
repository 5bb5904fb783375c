//! Runs a judge's program with a time limit and collects what it prints.

use std::fs::OpenOptions;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long one run of a judge may take. Generous: a CRL of a million entries is judged too, and
/// the machine may be busy.
const LIMIT: Duration = Duration::from_secs(300);

/// How a program ended, and what it printed.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` if a signal ended it, us included.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error; a line of ours added where it ran out of time.
    pub stderr: String,
}

impl Run {
    /// Both outputs.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs `command` without input. `Err` holds the reason why it could not be started.
pub fn capture(command: &mut Command) -> Result<Run, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("LC_ALL", "C.UTF-8");
    let mut child = command.spawn().map_err(|e| format!("{name}: {e}"))?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let (status, in_time) = wait(&mut child).map_err(|e| format!("{name}: {e}"))?;
    let text = |thread: Option<JoinHandle<Vec<u8>>>| {
        let bytes = thread.and_then(|t| t.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stdout, mut stderr) = (text(stdout), text(stderr));
    if !in_time {
        stderr.push_str(&format!("\nstopped after {} s\n", LIMIT.as_secs()));
    }
    Ok(Run { code: status.code(), stdout, stderr })
}

/// Read on a thread of its own: a program that fills one pipe while we read the other would wait
/// for us for ever.
fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child) -> std::io::Result<(ExitStatus, bool)> {
    let end = Instant::now() + LIMIT;
    let mut pause = Duration::from_millis(1);
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok((status, true));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    child.kill()?;
    Ok((child.wait()?, false))
}

/// Says that a check was left out, and tells `cargo gate`, which lists it at the end.
pub fn left_out(reason: &str) {
    eprintln!("left out: {reason}");
    let Some(file) = std::env::var_os("YINXIN_LEFT_OUT") else { return };
    let line = format!("{reason}\n");
    // One short append per line: several test processes write to the same file.
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file) {
        let _ = file.write_all(line.as_bytes());
    }
}
