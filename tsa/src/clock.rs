//! The time that is stamped: known, with how well, or refused.
//!
//! [`TrustedClock`] is asked for every stamp. Deciding is pure ([`decide`], [`select`]); what asks the sources
//! stands apart and feeds it. Without a source the machine's clock is taken at a stated accuracy, and that is
//! a trial: nothing was measured.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki_config::config::TsaClockConfig;
use pki_config::{Clock, Instant};

pub mod chrony;
pub mod decide;
mod health;
pub mod ntp;
pub mod nts;
mod poll;
pub mod select;

pub use decide::{Basis, Rules, Unsure};
pub use health::{Health, Point, SourceHealth};
pub use poll::Poller;

use decide::{Discipline, Estimate, Hands, Nanos};
use health::{Memory, micros, word};
use select::Sample;

/// The time, and how far it may be from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Unit: microseconds since 1970-01-01T00:00:00Z. Never less than in a reading before.
    unix_micros: i64,
    /// Unit: microseconds, rounded up.
    accuracy_micros: u32,
    measured: bool,
}

impl Reading {
    /// UTC in microseconds since 1970. Never less than in a reading before; may be the same.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.unix_micros
    }

    /// UTC, rounded down to milliseconds.
    #[must_use]
    pub fn time(self) -> Instant {
        Instant::from_unix_millis(self.unix_micros / 1000).unwrap_or(Instant::LAST)
    }

    /// The true time is no further away than this.
    #[must_use]
    pub const fn accuracy(self) -> Duration {
        Duration::from_micros(self.accuracy_micros as u64)
    }

    /// As [`Reading::accuracy`], in microseconds.
    #[must_use]
    pub const fn accuracy_micros(self) -> u32 {
        self.accuracy_micros
    }

    /// Whether the accuracy was measured; otherwise it is only stated.
    #[must_use]
    pub const fn is_measured(self) -> bool {
        self.measured
    }
}

/// The clock went from known to unsure, from one reason to another, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Why it is unsure now; `None` if the time is known again.
    pub now: Option<Unsure>,
    /// When, by the machine's clock.
    pub at: Instant,
}

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// The one source of the time that is stamped.
pub struct TrustedClock {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    listener: Option<Listener>,
}

struct State {
    discipline: Discipline,
    /// What was told last.
    told: Option<Unsure>,
    memory: Memory,
}

/// The accuracy that is stated for a machine's clock that nothing measures.
pub const STATED_ACCURACY: Duration = Duration::from_secs(1);

impl Default for Rules {
    fn default() -> Self {
        Self {
            quorum: 1,
            worst: Duration::from_secs(1),
            drift_ppm: 50,
            healthy_polls: 3,
            holdover: Duration::from_secs(900),
            step: Duration::from_secs(1),
            leap_guard: Duration::from_secs(2),
            settle: Duration::from_secs(30),
        }
    }
}

impl TrustedClock {
    /// The machine's clock without a source: accuracy [`STATED_ACCURACY`], for trials.
    #[must_use]
    pub fn system(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, Basis::Stated(STATED_ACCURACY), Rules::default(), Vec::new())
    }

    /// The clock that a configuration describes. With sources it knows no time until a [`Poller`] fed it.
    #[must_use]
    pub fn from_config(config: &TsaClockConfig, clock: Arc<dyn Clock>) -> Self {
        let millis = |count: u32| Duration::from_millis(u64::from(count));
        let rules = Rules {
            quorum: config.agreeing(),
            worst: millis(config.worst_accuracy_ms),
            drift_ppm: config.drift_ppm,
            healthy_polls: config.healthy_polls,
            holdover: config.holdover.duration(),
            step: millis(config.step_ms),
            leap_guard: config.leap_guard.duration(),
            settle: config.settle.duration(),
        };
        let basis = if config.sources() == 0 { Basis::Stated(STATED_ACCURACY) } else { Basis::Measured };
        let mut names: Vec<String> = config.ntp_servers.iter().chain(&config.nts_servers).cloned().collect();
        if config.chrony {
            names.push("chronyd".to_owned());
        }
        Self::new(clock, basis, rules, names)
    }

    /// A clock of this kind; `names` are its sources.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, basis: Basis, rules: Rules, names: Vec<String>) -> Self {
        let state = State { discipline: Discipline::new(basis, rules), told: None, memory: Memory::of(names) };
        Self { clock, state: Mutex::new(state), listener: None }
    }

    /// Tells `listener` of every change between known and unsure, to be logged and alarmed. It is called
    /// from whoever noticed and must not block.
    #[must_use]
    pub fn on_change(mut self, listener: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Whether the accuracy is only stated: stamps are then made under a trial policy.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.with(|state, _| matches!(state.discipline.basis(), Basis::Stated(_)))
    }

    /// No time before `last` will be given: the newest stamp that was made, told at start.
    pub fn raise_floor(&self, last_unix_micros: i64) {
        self.with(|state, _| state.discipline.raise_floor(Nanos::from(last_unix_micros) * 1000));
    }

    /// The time.
    ///
    /// # Errors
    /// [`Unsure`] says why it is not known; a stamp must then be refused (`timeNotAvailable`).
    pub fn now(&self) -> Result<Reading, Unsure> {
        let (result, news) = self.with(|state, hands| {
            let measured = state.discipline.basis() == Basis::Measured;
            let result = state.discipline.read(hands).map(|estimate| reading(estimate, measured));
            // Progress within one reason is no news.
            let news = word(state.told) != word(result.err());
            state.told = result.err();
            (result, news)
        });
        if let (true, Some(listener)) = (news, &self.listener) {
            listener(&Change { now: result.err(), at: self.clock.now() });
        }
        result
    }

    /// The time, if it is known at least this well.
    ///
    /// # Errors
    /// [`Unsure`], also if it is known less well.
    pub fn now_within(&self, limit: Duration) -> Result<Reading, Unsure> {
        let reading = self.now()?;
        if reading.accuracy() > limit {
            return Err(Unsure::TooUncertain { uncertainty: reading.accuracy(), limit });
        }
        Ok(reading)
    }

    /// Takes in what the sources said in one round, and which of them said nothing of use, and why.
    pub fn feed(&self, samples: &[Sample], faults: Vec<(usize, String)>) {
        let at = self.clock.now();
        self.with(|state, hands| {
            let selection = state.discipline.round(samples, hands).ok();
            state.memory.heard(samples, faults, selection.as_ref(), (at, hands.steady));
        });
        self.look();
    }

    /// Looks at the clock without giving the time to anybody: notices, tells and remembers what it is like.
    pub fn look(&self) {
        let result = self.now();
        self.with(|state, hands| {
            let point = Point {
                at_unix_millis: i64::try_from(hands.wall / 1_000_000).unwrap_or(0),
                offset_micros: state.discipline.offset(hands).map(micros),
                uncertainty_micros: result.ok().map(Reading::accuracy_micros),
                unsure: word(result.err()),
            };
            state.memory.note(point);
        });
    }

    /// Whether the time is not known yet, so that sources should be asked in quick succession.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.with(|state, _| state.discipline.is_hurried())
    }

    /// How it does.
    #[must_use]
    pub fn health(&self) -> Health {
        let result = self.now();
        self.with(|state, _| Health {
            trial: state.discipline.basis() != Basis::Measured,
            accuracy_micros: result.ok().map(Reading::accuracy_micros),
            unsure: word(result.err()),
            sentence: result.err().map(|why| why.to_string()),
            worst_micros: u64::try_from(state.discipline.rules().worst.as_micros()).unwrap_or(u64::MAX),
            quorum: state.discipline.rules().quorum,
            sources: state.memory.sources.clone(),
            history: state.memory.points.iter().copied().collect(),
        })
    }

    fn hands(&self) -> Hands {
        Hands { wall: Nanos::from(self.clock.now().unix_millis()) * 1_000_000, steady: self.clock.steady() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, Hands) -> T) -> T {
        // Under the lock, so that the hands of two callers are seen in the order they were read in.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut state, self.hands())
    }
}

fn reading(estimate: Estimate, measured: bool) -> Reading {
    // Rounded down to a microsecond, which the accuracy then covers.
    let micros = estimate.uncertainty.as_nanos().div_ceil(1000) + 1;
    Reading {
        unix_micros: i64::try_from(estimate.utc.div_euclid(1000)).unwrap_or(i64::MAX),
        accuracy_micros: if measured {
            u32::try_from(micros).unwrap_or(u32::MAX)
        } else {
            u32::try_from(estimate.uncertainty.as_micros()).unwrap_or(u32::MAX)
        },
        measured,
    }
}

impl fmt::Debug for TrustedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedClock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
