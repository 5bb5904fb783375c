//! The short fuzz run: builds `tests/fuzz` with coverage counters and runs each target for some seconds.
//!
//! libFuzzer needs a nightly compiler (for the counters) and a C++ compiler (for libFuzzer itself).
//! Without them the step is left out; `tests/fuzz_smoke.rs` runs the same functions on the stable one.

use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{Ended, finish, quiet};
use crate::{Gate, Outcome};

/// What `cargo fuzz` passes too: edge counters, comparisons, program counters; the checks of a
/// debug build stay on, so an overflow is found as a panic.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions --cfg fuzzing";

/// The step `fuzz`.
pub fn run(gate: &mut Gate) -> Outcome {
    match prepare(gate) {
        Ok(program) => run_targets(gate, &program),
        Err(outcome) => outcome,
    }
}

/// Builds the program that holds all targets.
fn prepare(gate: &Gate) -> Result<std::path::PathBuf, Outcome> {
    let package = gate.root.join("tests/fuzz");
    if !package.join("Cargo.toml").exists() {
        return Err(Outcome::LeftOut("there is no tests/fuzz".into()));
    }
    let nightly = quiet(Command::new("rustup").args(["run", "nightly", "rustc", "-vV"]).env_remove("LD_LIBRARY_PATH"));
    let Ok(version) = nightly else {
        return Err(Outcome::LeftOut("no nightly toolchain (`rustup toolchain install nightly`)".into()));
    };
    if !["c++", "g++", "clang++"].iter().any(|name| quiet(Command::new(name).arg("--version")).is_ok()) {
        return Err(Outcome::LeftOut("no C++ compiler (Debian: g++)".into()));
    }
    let Some(host) = version.lines().find_map(|line| line.strip_prefix("host: ")) else {
        return Err(Outcome::Failed("rustc does not name its host".into()));
    };
    // The versions of the product; cargo adds libFuzzer's own to the copy.
    if let Err(why) = std::fs::copy(gate.root.join("Cargo.lock"), package.join("Cargo.lock")) {
        return Err(Outcome::Failed(format!("tests/fuzz/Cargo.lock: {why}")));
    }
    let target = gate.target.join("fuzz");
    let mut build = Command::new("rustup");
    build.args(["run", "nightly", "cargo", "build", "--release", "--target", host]);
    build.arg("--manifest-path").arg(package.join("Cargo.toml")).arg("--target-dir").arg(&target);
    // The variables of the cargo that started us would speak of another package and toolchain.
    for name in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "LD_LIBRARY_PATH"] {
        build.env_remove(name);
    }
    // With --target given, flags do not reach build scripts, which have no libFuzzer to link with.
    match finish(build.env("RUSTFLAGS", FLAGS), gate.deadline) {
        Ended::Well => Ok(target.join(host).join("release").join("targets")),
        Ended::Badly(why) | Ended::NotStarted(why) => Err(Outcome::Failed(why)),
    }
}

fn run_targets(gate: &Gate, program: &Path) -> Outcome {
    // Without a target named, the program lists them.
    let names = match quiet(Command::new(program).env("YINXIN_FUZZ", "list")) {
        Ok(names) => names,
        Err(why) => return Outcome::Failed(format!("the list of targets: {why}")),
    };
    // One to a processor: a target uses one, and its time is measured by the clock on the wall.
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(name) = names.lines().nth(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = run_target(gate, program, name) {
                println!("{name}: {why}");
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(work);
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner).as_slice() {
        [] if names.trim().is_empty() => Outcome::Failed("there are no targets".into()),
        [] => Outcome::Passed,
        some => Outcome::Failed(format!("{}; see target/fuzz/findings", some.join(", "))),
    }
}

fn run_target(gate: &Gate, program: &Path, name: &str) -> Result<(), String> {
    let home = gate.target.join("fuzz");
    // What earlier runs learned is kept with the target folder; the program writes the seeds into it.
    let (corpus, findings) = (home.join("corpus").join(name), home.join("findings").join(name));
    for folder in [&corpus, &findings] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let mut seeds = Command::new(program);
    quiet(seeds.env("YINXIN_FUZZ", name).env("YINXIN_FUZZ_SEEDS", &corpus))?;
    let log = findings.join("log");
    let file = std::fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut command = Command::new(program);
    command.env("YINXIN_FUZZ", name).arg(format!("-max_total_time={}", gate.fuzz_seconds)).stderr(file);
    command
        .args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"])
        .env("RUST_BACKTRACE", "0");
    command.arg(format!("-artifact_prefix={}/", findings.display())).arg(&corpus);
    let deadline = gate.deadline.min(Instant::now() + Duration::from_secs(gate.fuzz_seconds + 60));
    let ended = finish(&mut command, deadline);
    let said = std::fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    match ended {
        Ended::Well => {
            let inputs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
            println!("{name}: {} inputs in {} s", inputs.unwrap_or("?").trim(), gate.fuzz_seconds);
            Ok(())
        }
        Ended::Badly(why) | Ended::NotStarted(why) => {
            // The panic and the file it was written to stand in the last lines.
            let lines: Vec<&str> = said.lines().collect();
            lines[lines.len().saturating_sub(30)..].iter().for_each(|line| println!("  {line}"));
            Err(why)
        }
    }
}
