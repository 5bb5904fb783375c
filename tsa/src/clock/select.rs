//! Which sources are believed: the interval in which most of them place the time (Marzullo's algorithm, as in
//! RFC 5905 11.2.1). A source that lies outside it is a falseticker and has no say.

use std::time::Duration;

use super::decide::{Nanos, Unsure};

/// Whether the last minute of the month has a second more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leap {
    /// 60 seconds.
    #[default]
    None,
    /// 61 seconds.
    Insert,
    /// 59 seconds.
    Delete,
}

/// What one source said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Which source, by its place in the configuration.
    pub source: usize,
    /// The moment of the steady clock that it is about.
    pub at: Duration,
    /// UTC then.
    pub utc: Nanos,
    /// How far off that may be: half the round trip, and what the source says of itself.
    pub uncertainty: Duration,
    /// What it announces.
    pub leap: Leap,
}

/// What the sources that agree say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// UTC at the moment asked for.
    pub utc: Nanos,
    /// How far off it may be.
    pub uncertainty: Duration,
    /// The sources that agree, in order.
    pub agreeing: Vec<usize>,
    /// What most of them announce.
    pub leap: Leap,
}

struct Interval {
    source: usize,
    low: Nanos,
    high: Nanos,
    half: Nanos,
    leap: Leap,
}

/// Finds the interval that the most samples share, as of the moment `steady`.
///
/// The uncertainty is never less than the best agreeing source's own: two wide intervals that only just
/// touch do not make a narrow truth.
///
/// # Errors
/// [`Unsure::TooFew`] if fewer than `quorum` sources answered, [`Unsure::Disagreeing`] if fewer agree, or no
/// majority of those that answered does.
pub fn select(samples: &[Sample], steady: Duration, drift_ppm: u32, quorum: usize) -> Result<Selection, Unsure> {
    let quorum = quorum.max(1);
    if samples.len() < quorum {
        return Err(Unsure::TooFew { answered: samples.len(), needed: quorum });
    }
    let intervals: Vec<Interval> = samples.iter().map(|sample| project(sample, steady, drift_ppm)).collect();
    // Every best overlap begins at somebody's low end.
    let mut best: Vec<&Interval> = Vec::new();
    for candidate in &intervals {
        let at = candidate.low;
        let sharing: Vec<&Interval> = intervals.iter().filter(|i| (i.low..=i.high).contains(&at)).collect();
        if sharing.len() > best.len() {
            best = sharing;
        }
    }
    let needed = quorum.max(samples.len() / 2 + 1);
    if best.len() < needed {
        return Err(Unsure::Disagreeing { agree: best.len(), needed });
    }
    let low = best.iter().map(|i| i.low).max().unwrap_or(0);
    let high = best.iter().map(|i| i.high).min().unwrap_or(0);
    let narrowest = best.iter().map(|i| i.half).min().unwrap_or(0);
    let utc = low + (high - low) / 2;
    let announced = |leap| best.iter().filter(|i| i.leap == leap).count() * 2 > best.len();
    let leap = [Leap::Insert, Leap::Delete].into_iter().find(|leap| announced(*leap)).unwrap_or_default();
    let mut agreeing: Vec<usize> = best.iter().map(|i| i.source).collect();
    agreeing.sort_unstable();
    let half = ((high - low) / 2 + 1).max(narrowest);
    let uncertainty = Duration::from_nanos(u64::try_from(half).unwrap_or(u64::MAX));
    Ok(Selection { utc, uncertainty, agreeing, leap })
}

/// Carries a sample on to the moment asked for, growing by the drift meanwhile.
fn project(sample: &Sample, steady: Duration, drift_ppm: u32) -> Interval {
    let age = steady.saturating_sub(sample.at).as_nanos();
    let grown = age / 1_000_000 * u128::from(drift_ppm) + u128::from(drift_ppm);
    let half = Nanos::try_from(sample.uncertainty.as_nanos() + grown).unwrap_or(i128::MAX / 4);
    let utc = sample.utc + Nanos::try_from(age).unwrap_or(0);
    Interval { source: sample.source, low: utc - half, high: utc + half, half, leap: sample.leap }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(source: usize, millis: i64, uncertainty: u64) -> Sample {
        Sample {
            source,
            at: Duration::ZERO,
            utc: i128::from(millis) * 1_000_000,
            uncertainty: Duration::from_millis(uncertainty),
            leap: Leap::None,
        }
    }

    fn of(samples: &[Sample], quorum: usize) -> Result<Selection, Unsure> {
        select(samples, Duration::ZERO, 0, quorum)
    }

    #[test]
    fn marzullos_own_example_gives_eleven_to_twelve() {
        // 8-12, 11-13, 14-15: the best overlap is 11-12, shared by two of three.
        let found = of(&[sample(0, 10, 2), sample(1, 12, 1), sample(2, 14, 0)], 2).unwrap();
        assert_eq!(found.agreeing, [0, 1]);
        assert_eq!(found.utc, 11_500_000);
    }

    #[test]
    fn a_falseticker_has_no_say() {
        let found = of(&[sample(0, 1000, 5), sample(1, 1002, 5), sample(2, 61_000, 1)], 2).unwrap();
        assert_eq!(found.agreeing, [0, 1]);
        assert_eq!(found.utc, 1_001_000_000);
    }

    #[test]
    fn two_camps_of_the_same_size_are_not_believed() {
        let camps = [sample(0, 1000, 5), sample(1, 1001, 5), sample(2, 9000, 5), sample(3, 9001, 5)];
        assert_eq!(of(&camps, 2), Err(Unsure::Disagreeing { agree: 2, needed: 3 }));
    }

    #[test]
    fn fewer_answers_than_the_quorum_are_too_few() {
        assert_eq!(of(&[sample(0, 1000, 5)], 2), Err(Unsure::TooFew { answered: 1, needed: 2 }));
        assert_eq!(of(&[], 0), Err(Unsure::TooFew { answered: 0, needed: 1 }));
    }

    #[test]
    fn a_narrow_overlap_of_wide_intervals_claims_no_narrow_truth() {
        let found = of(&[sample(0, 1000, 100), sample(1, 1199, 100)], 2).unwrap();
        assert!(found.uncertainty >= Duration::from_millis(100), "{found:?}");
    }

    #[test]
    fn an_old_sample_has_grown_by_the_drift() {
        // 100 s at 50 parts in a million are 5 ms.
        let found = select(&[sample(0, 0, 1)], Duration::from_secs(100), 50, 1).unwrap();
        assert_eq!(found.utc, 100_000_000_000);
        assert_eq!(found.uncertainty.as_millis(), 6);
    }

    #[test]
    fn a_leap_second_is_believed_from_a_majority_only() {
        let with = |leap, source| Sample { leap, ..sample(source, 0, 5) };
        let found = of(&[with(Leap::Insert, 0), with(Leap::None, 1), with(Leap::None, 2)], 2).unwrap();
        assert_eq!(found.leap, Leap::None);
        let found = of(&[with(Leap::Insert, 0), with(Leap::Insert, 1), with(Leap::None, 2)], 2).unwrap();
        assert_eq!(found.leap, Leap::Insert);
    }
}
