//! Whether the time is known, and how well: a pure state machine over what the sources said.
//!
//! Time is carried by the *steady* clock, which nobody can set: a round of measurements says what UTC was at
//! one moment of the steady clock, and from there on UTC is that plus what the steady clock has run. So a
//! step of the machine's settable clock never moves a stamp. It is noticed all the same, and stamping stops
//! until the sources have confirmed the time again.
//!
//! The uncertainty grows between rounds by the drift bound, and a correction is not made at once: it is
//! worked in slowly, and what is still missing of it counts as uncertainty. Time never runs backwards.

use std::fmt;
use std::time::Duration;

use super::select::{Leap, Sample, Selection, select};

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Nanos = i128;

const SECOND: Nanos = 1_000_000_000;
const DAY: Nanos = 86_400 * SECOND;
/// How fast a correction is worked in: 500 parts in a million.
const SLEW_PPM: Nanos = 500;
/// How far the settable clock may run from the steady one without having been set. Parts in a million.
const WALL_DRIFT_PPM: Nanos = 500;

/// What is demanded of the time before it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How many sources must agree.
    pub quorum: usize,
    /// Largest uncertainty with which the time still counts as known.
    pub worst: Duration,
    /// How far the steady clock may be off its rate. Parts in a million.
    pub drift_ppm: u32,
    /// How many good rounds in a row make the time known again after a trouble, and at start.
    pub healthy_polls: u32,
    /// How long the time is carried on without a good round.
    pub holdover: Duration,
    /// A change of the settable clock against the steady one that counts as a step.
    pub step: Duration,
    /// How long before and after a leap second no time is given.
    pub leap_guard: Duration,
    /// How long after a step a clock without sources is watched before it is believed again.
    pub settle: Duration,
}

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The machine's clock alone, with an accuracy that is claimed and not measured.
    Stated(Duration),
    /// Sources that are measured.
    Measured,
}

/// Why the time is not known. The operator's to mend; a stamp is answered `timeNotAvailable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsure {
    /// Good rounds are being gathered, after start or after a trouble.
    Settling {
        /// How many there are.
        good: u32,
        /// How many it takes.
        needed: u32,
    },
    /// Too few sources have answered for too long.
    TooFew {
        /// How many answered last.
        answered: usize,
        /// How many must agree.
        needed: usize,
    },
    /// Sources answered, and too few of them agree.
    Disagreeing {
        /// How many agree at most.
        agree: usize,
        /// How many must.
        needed: usize,
    },
    /// The time is known less well than is demanded.
    TooUncertain {
        /// How well it is known.
        uncertainty: Duration,
        /// How well it must be.
        limit: Duration,
    },
    /// The machine's clock was set.
    Stepped {
        /// By how much, forwards positive. Unit: milliseconds.
        by_millis: i64,
    },
    /// The time lies before a stamp that was given already.
    Behind {
        /// By how much. Unit: milliseconds.
        by_millis: i64,
    },
    /// A leap second is at hand.
    LeapSecond,
}

impl Unsure {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settling { .. } => "settling",
            Self::TooFew { .. } => "sources-lost",
            Self::Disagreeing { .. } => "sources-disagree",
            Self::TooUncertain { .. } => "too-uncertain",
            Self::Stepped { .. } => "clock-stepped",
            Self::Behind { .. } => "clock-behind",
            Self::LeapSecond => "leap-second",
        }
    }
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settling { good, needed } => write!(f, "{good} of {needed} good measurements are gathered"),
            Self::TooFew { answered, needed } => {
                write!(f, "{answered} time sources answered and {needed} must agree")
            }
            Self::Disagreeing { agree, needed } => {
                write!(f, "the time sources disagree: {agree} agree and {needed} must")
            }
            Self::TooUncertain { uncertainty, limit } => {
                write!(f, "the time is known to {} ms and must be to {} ms", uncertainty.as_millis(), limit.as_millis())
            }
            Self::Stepped { by_millis } => write!(f, "the machine's clock was set by {by_millis} ms"),
            Self::Behind { by_millis } => write!(f, "the clock is {by_millis} ms behind the last stamp"),
            Self::LeapSecond => f.write_str("a leap second is at hand"),
        }
    }
}

impl std::error::Error for Unsure {}

/// UTC as it was at one moment of the steady clock.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Duration,
    utc: Nanos,
    uncertainty: Duration,
    /// What the time shown is ahead of `utc`, still to be worked off.
    residual: Nanos,
}

/// The time, and how far off it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// UTC.
    pub utc: Nanos,
    /// Half the width of the interval that holds the true time.
    pub uncertainty: Duration,
}

/// What the machine's two clocks say at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Hands {
    /// The settable clock.
    pub wall: Nanos,
    /// The steady one.
    pub steady: Duration,
}

/// The state machine.
#[derive(Debug)]
pub struct Discipline {
    rules: Rules,
    basis: Basis,
    anchor: Option<Anchor>,
    /// Good rounds in a row.
    good: u32,
    /// Why there are not enough of them.
    trouble: Option<Unsure>,
    /// Where the two clocks stood when they were last compared.
    compared: Option<Hands>,
    /// Since when a clock without sources is watched.
    watched: Option<Duration>,
    /// No time before this is given.
    floor: Nanos,
    leap: Leap,
    answered: usize,
}

fn nanos(duration: Duration) -> Nanos {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

fn span(nanos: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

fn millis(nanos: Nanos) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

fn parts_per_million(of: Nanos, ppm: Nanos) -> Nanos {
    of / 1_000_000 * ppm + of % 1_000_000 * ppm / 1_000_000
}

impl Anchor {
    /// What is left of the correction after `age`.
    fn residual(&self, age: Nanos) -> Nanos {
        let worked_off = parts_per_million(age, SLEW_PPM);
        self.residual.signum() * (self.residual.abs() - worked_off).max(0)
    }

    fn estimate(&self, steady: Duration, drift_ppm: u32) -> Estimate {
        let age = nanos(steady.saturating_sub(self.at));
        let residual = self.residual(age);
        let grown = parts_per_million(age, Nanos::from(drift_ppm));
        Estimate { utc: self.utc + age + residual, uncertainty: self.uncertainty + span(grown + residual.abs()) }
    }
}

impl Discipline {
    /// A state that knows nothing yet.
    #[must_use]
    pub const fn new(basis: Basis, rules: Rules) -> Self {
        Self {
            rules,
            basis,
            anchor: None,
            good: 0,
            trouble: None,
            compared: None,
            watched: None,
            floor: 0,
            leap: Leap::None,
            answered: 0,
        }
    }

    /// Where the time comes from.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// What is demanded.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Gives no time before `utc` from now on.
    pub fn raise_floor(&mut self, utc: Nanos) {
        self.floor = self.floor.max(utc);
    }

    /// How many good rounds there are in a row.
    #[must_use]
    pub const fn good_rounds(&self) -> u32 {
        self.good
    }

    /// Whether measurements should be made in quick succession.
    #[must_use]
    pub const fn is_hurried(&self) -> bool {
        matches!(self.basis, Basis::Measured) && self.good < self.rules.healthy_polls
    }

    /// How far the settable clock is ahead of the measured time; `None` if none was measured.
    #[must_use]
    pub fn offset(&self, hands: Hands) -> Option<Nanos> {
        let anchor = self.anchor?;
        Some(hands.wall - anchor.estimate(hands.steady, self.rules.drift_ppm).utc)
    }

    /// Takes in what the sources said in one round; `hands` are of now.
    ///
    /// # Errors
    /// [`Unsure`] if the round was no good one.
    pub fn round(&mut self, samples: &[Sample], hands: Hands) -> Result<Selection, Unsure> {
        self.compare(hands);
        self.compared = Some(hands);
        self.answered = samples.len();
        let selection = select(samples, hands.steady, self.rules.drift_ppm, self.rules.quorum);
        let selection = match selection {
            Ok(selection) => selection,
            // Silence alone is no reason to doubt: the time is carried on until the holdover ends.
            Err(why @ Unsure::TooFew { .. }) => return Err(why),
            Err(why) => return Err(self.fall(why)),
        };
        let utc = selection.utc;
        self.leap = selection.leap;
        if selection.uncertainty > self.rules.worst {
            let why = Unsure::TooUncertain { uncertainty: selection.uncertainty, limit: self.rules.worst };
            return Err(self.fall(why));
        }
        let shown = self.anchor.map(|anchor| anchor.estimate(hands.steady, self.rules.drift_ppm));
        let residual = match shown {
            // Within what both claim: the difference is worked off slowly.
            Some(shown) if span((shown.utc - utc).abs()) <= shown.uncertainty + selection.uncertainty => {
                if self.good < self.rules.healthy_polls { 0 } else { shown.utc - utc }
            }
            Some(shown) => {
                let why = Unsure::Stepped { by_millis: millis(utc - shown.utc) };
                self.fall(why);
                0
            }
            None => 0,
        };
        self.anchor = Some(Anchor { at: hands.steady, utc, uncertainty: selection.uncertainty, residual });
        self.good = self.good.saturating_add(1);
        if self.good >= self.rules.healthy_polls {
            self.trouble = None;
        }
        Ok(selection)
    }

    /// The time now.
    ///
    /// # Errors
    /// [`Unsure`] says why it is not known.
    pub fn read(&mut self, hands: Hands) -> Result<Estimate, Unsure> {
        self.compare(hands);
        let estimate = match self.basis {
            Basis::Stated(accuracy) => self.watch(hands, accuracy)?,
            Basis::Measured => self.carry(hands)?,
        };
        self.hold(estimate)
    }

    /// Notices that the settable clock was set.
    fn compare(&mut self, hands: Hands) {
        let Some(last) = self.compared else {
            self.compared = Some(hands);
            return;
        };
        let ran = nanos(hands.steady.saturating_sub(last.steady));
        let stepped = hands.wall - last.wall - ran;
        let allowed = nanos(self.rules.step) + parts_per_million(ran, WALL_DRIFT_PPM);
        if stepped.abs() > allowed {
            self.compared = Some(hands);
            self.watched = Some(hands.steady);
            self.fall(Unsure::Stepped { by_millis: millis(stepped) });
        }
    }

    /// Begins to gather good rounds anew, for this reason.
    fn fall(&mut self, why: Unsure) -> Unsure {
        self.good = 0;
        self.trouble = Some(why);
        why
    }

    /// The machine's clock, unless it was set a moment ago.
    fn watch(&mut self, hands: Hands, accuracy: Duration) -> Result<Estimate, Unsure> {
        if let Some(since) = self.watched {
            if hands.steady.saturating_sub(since) < self.rules.settle {
                return Err(self.trouble.unwrap_or(Unsure::Stepped { by_millis: 0 }));
            }
            self.watched = None;
            self.trouble = None;
        }
        Ok(Estimate { utc: hands.wall, uncertainty: accuracy })
    }

    /// The time carried on from the last good round.
    fn carry(&mut self, hands: Hands) -> Result<Estimate, Unsure> {
        let needed = self.rules.healthy_polls;
        if self.good < needed {
            return Err(self.trouble.unwrap_or(Unsure::Settling { good: self.good, needed }));
        }
        let Some(anchor) = self.anchor else { return Err(Unsure::Settling { good: 0, needed }) };
        if hands.steady.saturating_sub(anchor.at) > self.rules.holdover {
            return Err(self.fall(Unsure::TooFew { answered: self.answered, needed: self.rules.quorum }));
        }
        let estimate = anchor.estimate(hands.steady, self.rules.drift_ppm);
        if self.leap != Leap::None && near_leap(estimate.utc, nanos(self.rules.leap_guard)) {
            return Err(self.fall(Unsure::LeapSecond));
        }
        if estimate.uncertainty > self.rules.worst {
            return Err(Unsure::TooUncertain { uncertainty: estimate.uncertainty, limit: self.rules.worst });
        }
        Ok(estimate)
    }

    /// Stands still rather than run backwards, as far as the uncertainty allows.
    fn hold(&mut self, mut estimate: Estimate) -> Result<Estimate, Unsure> {
        if estimate.utc < self.floor {
            let behind = self.floor - estimate.utc;
            // Standing still this long would make the stamp wrong by more than it says.
            if span(behind) > estimate.uncertainty {
                return Err(Unsure::Behind { by_millis: millis(behind).max(1) });
            }
            estimate.utc = self.floor;
            estimate.uncertainty += span(behind);
        }
        self.floor = estimate.utc;
        Ok(estimate)
    }
}

/// Whether the end of a month, where leap seconds are put, is nearer than `guard`.
fn near_leap(utc: Nanos, guard: Nanos) -> bool {
    let midnight = (utc + DAY / 2).div_euclid(DAY) * DAY;
    if (utc - midnight).abs() > guard {
        return false;
    }
    let days = midnight / DAY;
    day_of_month(days) == 1
}

/// The day of the month of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn day_of_month(days: i128) -> i128 {
    let z = days + 719_468;
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    day_of_year - (153 * month + 2) / 5 + 1
}

#[cfg(test)]
mod tests;
