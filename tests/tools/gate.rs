//! `cargo gate`: every check of the suite in one command.
//!
//! The same command runs on a developer's machine and in continuous integration. It needs nothing
//! but a Rust toolchain and installs what else it can; what it cannot, it leaves out and says so.
//! Only the standard library is used, so that it starts at once on a clean clone.

mod fuzz;
mod judges;
mod run;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use run::{Ended, finish};

/// What the whole gate may take. Steps have limits of their own below it, so nothing hangs for ever.
const WHOLE: Duration = Duration::from_secs(44 * 60);

/// One check.
struct Step {
    name: &'static str,
    title: &'static str,
    /// Unit: minutes.
    limit: u64,
    /// Whether `--quick` runs it.
    quick: bool,
    run: fn(&mut Gate) -> Outcome,
}

/// How a check came out.
enum Outcome {
    Passed,
    Failed(String),
    LeftOut(String),
}

const STEPS: [Step; 8] = [
    Step { name: "judges", title: "Install the outside judges", limit: 12, quick: true, run: judges::install },
    Step {
        name: "format",
        title: "Formatting",
        limit: 2,
        quick: true,
        run: |gate| gate.cargo(&["fmt", "--all", "--check"]),
    },
    Step { name: "clippy", title: "Clippy, warnings denied", limit: 15, quick: true, run: clippy },
    Step { name: "test", title: "All tests", limit: 30, quick: true, run: test },
    Step { name: "doc", title: "Documentation, warnings denied", limit: 10, quick: false, run: document },
    Step { name: "fuzz", title: "A short fuzz run of every parser", limit: 12, quick: false, run: fuzz::run },
    Step { name: "advisories", title: "Known faults in dependencies", limit: 5, quick: true, run: advisories },
    Step { name: "bench", title: "Build the benches", limit: 15, quick: false, run: benches },
];

/// What the steps share.
struct Gate {
    root: PathBuf,
    target: PathBuf,
    fuzz_seconds: u64,
    /// The end of the current step.
    deadline: Instant,
    /// Variables that tell the tests where the judges are.
    judges: Vec<(&'static str, String)>,
    left_out: Vec<String>,
}

/// What was asked for on the command line.
struct Options {
    names: Vec<&'static str>,
    fuzz_seconds: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let options = match parse(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("gate: {why}\nTry `cargo gate --help`.");
            return ExitCode::from(2);
        }
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    // This program lies in TARGET/debug/gate, wherever the configuration put TARGET.
    let target = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().nth(2).map(PathBuf::from))
        .unwrap_or_else(|| root.join("target"));
    let now = Instant::now();
    let mut gate = Gate {
        root,
        target,
        fuzz_seconds: options.fuzz_seconds,
        deadline: now,
        judges: Vec::new(),
        left_out: Vec::new(),
    };
    gate.run(&options.names, now + WHOLE.max(Duration::from_secs(options.fuzz_seconds * 60)))
}

/// `None`: the question was answered, there is nothing to run.
fn parse(arguments: &[&str]) -> Result<Option<Options>, String> {
    let mut names: Vec<&'static str> = Vec::new();
    let mut quick = false;
    let mut fuzz_seconds = 10;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--help" | "-h" => {
                help();
                return Ok(None);
            }
            "--list" => {
                STEPS.iter().for_each(|step| println!("{:<11} {}", step.name, step.title));
                return Ok(None);
            }
            "--quick" => quick = true,
            "--only" => {
                let wanted = words.next().ok_or("--only takes the name of a step")?;
                let step = STEPS.iter().find(|step| step.name == *wanted);
                names.push(step.ok_or(format!("there is no step '{wanted}'; see `cargo gate --list`"))?.name);
            }
            "--fuzz-seconds" => {
                let seconds = words.next().and_then(|word| word.parse().ok());
                fuzz_seconds = seconds.filter(|s| (1..=86_400).contains(s)).ok_or("--fuzz-seconds takes 1 to 86400")?;
            }
            other => return Err(format!("'{other}' is not an option")),
        }
    }
    if names.is_empty() {
        names = STEPS.iter().filter(|step| step.quick || !quick).map(|step| step.name).collect();
    }
    Ok(Some(Options { names, fuzz_seconds }))
}

fn help() {
    println!(
        "cargo gate: every check of the suite in one command.\n\n\
         cargo gate                    everything, under 45 minutes on 2 cores from a clean clone\n\
         cargo gate --quick            without documentation, fuzzing and benches: before each commit\n\
         cargo gate --only test        one step; may be given several times\n\
         cargo gate --only fuzz --fuzz-seconds 3600\n\
         {:30}every fuzz target for an hour instead of 10 seconds\n\
         cargo gate --list             the steps\n\n\
         All steps run even if one fails, each within a time limit. The exit status is 0 only if none\n\
         failed. What this machine cannot check is left out, named at the end, and no failure.\n\
         As root on Debian, missing judges (openssl, BouncyCastle, pkilint, browsers, nginx, GnuTLS) are installed; without\n\
         root only pkilint is. All else goes under target/.\n\n\
         Steps:",
        ""
    );
    STEPS.iter().for_each(|step| println!("  {:<11} {} (at most {} minutes)", step.name, step.title, step.limit));
}

impl Gate {
    fn run(&mut self, names: &[&str], end: Instant) -> ExitCode {
        let start = Instant::now();
        let mut report = Vec::new();
        let (mut passed, mut failed) = (0, 0);
        for step in STEPS.iter().filter(|step| names.contains(&step.name)) {
            println!("\n=== {}: {}", step.name, step.title);
            let began = Instant::now();
            self.deadline = end.min(began + self.limit(step));
            let outcome = if began < end { (step.run)(self) } else { Outcome::Failed("no time left".into()) };
            let line = match outcome {
                Outcome::Passed => {
                    passed += 1;
                    "passed".to_owned()
                }
                Outcome::Failed(why) => {
                    failed += 1;
                    format!("FAILED: {why}")
                }
                Outcome::LeftOut(why) => {
                    self.left_out.push(format!("{}: {why}", step.name));
                    format!("left out: {why}")
                }
            };
            let line = format!("{:<11} {:>6.1} s  {line}", step.name, began.elapsed().as_secs_f64());
            println!("--- {line}");
            report.push(line);
        }
        println!("\n=== summary after {:.0} s", start.elapsed().as_secs_f64());
        report.iter().for_each(|line| println!("{line}"));
        self.left_out.sort();
        self.left_out.dedup();
        self.left_out.iter().for_each(|reason| println!("left out: {reason}"));
        println!("gate: {passed} passed, {failed} failed, {} left out", self.left_out.len());
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn limit(&self, step: &Step) -> Duration {
        let fuzzing = if step.name == "fuzz" { self.fuzz_seconds.saturating_sub(10) * 60 } else { 0 };
        Duration::from_secs(step.limit * 60 + fuzzing)
    }

    /// A cargo command in the workspace.
    fn cargo_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// Runs a cargo command to its end.
    fn cargo(&self, arguments: &[&str]) -> Outcome {
        self.outcome(&mut self.cargo_command(arguments))
    }

    /// Runs a command to its end or to the step's.
    fn outcome(&self, command: &mut Command) -> Outcome {
        match finish(command, self.deadline) {
            Ended::Well => Outcome::Passed,
            Ended::Badly(why) | Ended::NotStarted(why) => Outcome::Failed(why),
        }
    }
}

fn clippy(gate: &mut Gate) -> Outcome {
    gate.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--keep-going", "--", "-D", "warnings"])
}

fn test(gate: &mut Gate) -> Outcome {
    // Passing tests print nothing, so what they leave out comes through this file.
    let left_out = gate.target.join("judges").join("left-out.txt");
    let _ = std::fs::create_dir_all(gate.target.join("judges"));
    let _ = std::fs::remove_file(&left_out);
    let mut command = gate.cargo_command(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    command.env("YINXIN_LEFT_OUT", &left_out).envs(gate.judges.iter().map(|(name, value)| (name, value)));
    let outcome = gate.outcome(&mut command);
    let reasons = std::fs::read_to_string(&left_out).unwrap_or_default();
    gate.left_out.extend(reasons.lines().map(str::to_owned));
    outcome
}

fn document(gate: &mut Gate) -> Outcome {
    let mut command = gate.cargo_command(&["doc", "--workspace", "--no-deps", "--locked"]);
    gate.outcome(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Licences are checked by `tests/licences.rs`; known faults need a database, so a tool that has one.
fn advisories(gate: &mut Gate) -> Outcome {
    let has = |tool: &str| run::quiet(gate.cargo_command(&[tool, "--version"]).env_remove("RUSTFLAGS")).is_ok();
    if has("deny") {
        gate.cargo(&["deny", "--locked", "check"])
    } else if has("audit") {
        gate.cargo(&["audit"])
    } else {
        Outcome::LeftOut("neither cargo-deny nor cargo-audit is installed".into())
    }
}

fn benches(gate: &mut Gate) -> Outcome {
    let benches = std::fs::read_dir(gate.root.join("benches")).into_iter().flatten().flatten();
    if !benches.into_iter().any(|entry| entry.path().extension().is_some_and(|e| e == "rs")) {
        return Outcome::LeftOut("there are no benches".into());
    }
    // Those of the package `suite` alone: the libraries have none. In the profile of the tests, whose dependencies are
    // there already: what is asked is whether they still build, not how fast they are.
    gate.cargo(&["bench", "--package", "suite", "--bench", "*", "--no-run", "--profile", "dev", "--locked"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        parse(arguments).ok().flatten().map(|options| options.names).unwrap_or_default()
    }

    #[test]
    fn without_options_every_step_runs_in_order() {
        assert_eq!(names(&[]), ["judges", "format", "clippy", "test", "doc", "fuzz", "advisories", "bench"]);
    }

    #[test]
    fn quick_leaves_out_what_takes_long() {
        assert_eq!(names(&["--quick"]), ["judges", "format", "clippy", "test", "advisories"]);
    }

    #[test]
    fn only_takes_the_names_of_steps_and_no_others() {
        assert_eq!(names(&["--only", "doc", "--only", "format"]), ["doc", "format"]);
        assert!(parse(&["--only", "everything"]).is_err());
        assert!(parse(&["--only"]).is_err());
    }

    #[test]
    fn unknown_options_and_impossible_times_are_refused() {
        assert!(parse(&["--fast"]).is_err());
        assert!(parse(&["--fuzz-seconds", "0"]).is_err());
        assert!(parse(&["--fuzz-seconds", "x"]).is_err());
        assert!(matches!(parse(&["--fuzz-seconds", "60"]), Ok(Some(Options { fuzz_seconds: 60, .. }))));
    }
}
