//! How the clock does, for the health page and the time-stamp desk: the sources, and the last hours.

use std::collections::VecDeque;
use std::time::Duration;

use pki_config::Instant;
use serde::Serialize;

use super::decide::{Nanos, Unsure};
use super::select::{Sample, Selection};

/// Most points that are kept: about three hours of polls every 16 s.
pub const MOST_POINTS: usize = 720;

/// The clock at one poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When, by the machine's clock. Unit: milliseconds since 1970.
    pub at_unix_millis: i64,
    /// How far the machine's clock was ahead of the measured time; absent if none was measured.
    pub offset_micros: Option<i64>,
    /// How well the time was known; absent if it was not.
    pub uncertainty_micros: Option<u32>,
    /// Why it was not known.
    pub unsure: Option<&'static str>,
}

/// One source at its last poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceHealth {
    /// As it stands in the configuration.
    pub name: String,
    /// When it answered last, by the machine's clock. Unit: milliseconds since 1970.
    pub answered_unix_millis: Option<i64>,
    /// How far the source was ahead of what the sources said together.
    pub offset_micros: Option<i64>,
    /// How far off it may be.
    pub uncertainty_micros: Option<u64>,
    /// Whether it is one of those that agree.
    pub agrees: bool,
    /// Why its last answer was of no use.
    pub fault: Option<String>,
}

/// How the clock does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether the accuracy is only stated.
    pub trial: bool,
    /// How well the time is known now. Unit: microseconds.
    pub accuracy_micros: Option<u32>,
    /// Why it is not known, in a word.
    pub unsure: Option<&'static str>,
    /// The same as a sentence.
    pub sentence: Option<String>,
    /// The most uncertainty with which the time counts as known. Unit: microseconds.
    pub worst_micros: u64,
    /// How many sources must agree.
    pub quorum: usize,
    /// Each source.
    pub sources: Vec<SourceHealth>,
    /// The last polls, oldest first.
    pub history: Vec<Point>,
}

/// What is remembered of polls.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) sources: Vec<SourceHealth>,
    pub(super) points: VecDeque<Point>,
}

pub(super) fn micros(nanos: Nanos) -> i64 {
    i64::try_from(nanos / 1000).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

impl Memory {
    pub(super) fn of(names: Vec<String>) -> Self {
        let source = |name| SourceHealth {
            name,
            answered_unix_millis: None,
            offset_micros: None,
            uncertainty_micros: None,
            agrees: false,
            fault: None,
        };
        Self { sources: names.into_iter().map(source).collect(), points: VecDeque::new() }
    }

    /// Notes what each source said at `at`; `steady` is the moment the selection is about.
    pub(super) fn heard(
        &mut self,
        samples: &[Sample],
        faults: Vec<(usize, String)>,
        selection: Option<&Selection>,
        (at, steady): (Instant, Duration),
    ) {
        for sample in samples {
            let Some(source) = self.sources.get_mut(sample.source) else { continue };
            let age = i128::try_from(steady.saturating_sub(sample.at).as_nanos()).unwrap_or(0);
            source.answered_unix_millis = Some(at.unix_millis());
            source.uncertainty_micros = Some(u64::try_from(sample.uncertainty.as_micros()).unwrap_or(u64::MAX));
            source.offset_micros = selection.map(|selection| micros(sample.utc + age - selection.utc));
            source.agrees = selection.is_some_and(|selection| selection.agreeing.contains(&sample.source));
            source.fault = None;
        }
        for (place, fault) in faults {
            if let Some(source) = self.sources.get_mut(place) {
                source.agrees = false;
                source.fault = Some(fault);
            }
        }
    }

    pub(super) fn note(&mut self, point: Point) {
        if self.points.len() == MOST_POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }
}

/// The word of a reason, absent for none.
pub(super) fn word(unsure: Option<Unsure>) -> Option<&'static str> {
    unsure.map(Unsure::as_str)
}
