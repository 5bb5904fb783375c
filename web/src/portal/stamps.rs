//! The officers' desk of time-stamps: the clock, and what was stamped.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use tsa::clock::{Health, Point};

use super::visitor::framed;
use super::{Visitor, page};
use crate::app::App;
use crate::edge::tsa::desk;
use crate::problem::Failure;

/// How the authority does, and what was found.
#[derive(Debug, Clone)]
pub struct TsaState {
    /// The clock.
    pub health: Health,
    /// Time-stamps of the last minute.
    pub last_minute: usize,
    /// Whether there were more than are counted.
    pub more: bool,
    /// What was searched for, to be shown again.
    pub search: Search,
    /// What was found, newest first.
    pub found: Vec<Stamp>,
    /// Where the next page begins.
    pub next: Option<u64>,
    /// What was searched for makes no sense.
    pub bad_search: bool,
}

/// What is searched for, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A serial number.
    pub serial: String,
    /// A digest, hexadecimal.
    pub digest: String,
    /// From when on.
    pub from: String,
    /// Until when.
    pub until: String,
    /// The next page begins here.
    pub after: Option<u64>,
}

/// A time-stamp in the list.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Its number.
    pub serial: String,
    /// Its time.
    pub time: String,
    /// Its policy.
    pub policy: String,
    /// The algorithm of its digest.
    pub hash: String,
    /// The digest, hexadecimal.
    pub digest: String,
    /// Its log entry.
    pub seq: u64,
}

#[derive(Template)]
#[template(path = "tsa.html")]
struct TsaPage<'a> {
    visitor: &'a Visitor,
    state: TsaState,
    chart: Chart,
}

framed!(TsaPage);

impl TsaPage<'_> {
    fn rate(&self) -> String {
        let per_second = self.state.last_minute as f64 / 60.0;
        let more = if self.state.more { "≥ " } else { "" };
        if per_second < 10.0 { format!("{more}{per_second:.1}") } else { format!("{more}{per_second:.0}") }
    }

    fn accuracy(&self) -> String {
        self.state.health.accuracy_micros.map_or_else(|| "–".to_owned(), |micros| told(i64::from(micros)))
    }

    fn offset(&self) -> String {
        let last = self.state.health.history.last().and_then(|point| point.offset_micros);
        last.map_or_else(|| "–".to_owned(), signed)
    }

    fn agreeing(&self) -> String {
        let sources = &self.state.health.sources;
        format!("{} / {}", sources.iter().filter(|source| source.agrees).count(), sources.len())
    }

    fn signed(&self, micros: &i64) -> String {
        signed(*micros)
    }

    fn told(&self, micros: &u64) -> String {
        told(i64::try_from(*micros).unwrap_or(i64::MAX))
    }

    /// Why the clock is unsure, in words of the page's language.
    fn why(&self, word: &str) -> &'static str {
        let (chinese, english) = match word {
            "settling" => ("正在积累足够的测量", "enough measurements are being gathered"),
            "sources-lost" => ("时间源应答不足", "too few time sources answer"),
            "sources-disagree" => ("时间源互相矛盾", "the time sources disagree"),
            "too-uncertain" => ("不确定度超过要求", "the uncertainty is above the limit"),
            "clock-stepped" => ("系统时钟被调整", "the machine's clock was set"),
            "clock-behind" => ("时钟早于最近签发的时间戳", "the clock is behind the newest time-stamp"),
            _ => ("闰秒临近", "a leap second is at hand"),
        };
        self.visitor.say(chinese, english)
    }

    /// The search as the query of the next page.
    fn next_page(&self, next: &u64) -> String {
        let search = &self.state.search;
        let mut query = format!("?after={next}");
        for (name, value) in [("digest", &search.digest), ("from", &search.from), ("until", &search.until)] {
            if !value.is_empty() {
                let value: String = value
                    .bytes()
                    .map(|byte| match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
                        other => format!("%{other:02X}"),
                    })
                    .collect();
                let _ = write!(query, "&{name}={value}");
            }
        }
        query
    }
}

/// Microseconds in the unit that people read best.
fn told(micros: i64) -> String {
    match micros.unsigned_abs() {
        small if small < 1000 => format!("{small} µs"),
        middle if middle < 1_000_000 => trimmed(middle as f64 / 1000.0, "ms"),
        large => trimmed(large as f64 / 1_000_000.0, "s"),
    }
}

fn trimmed(number: f64, unit: &str) -> String {
    let text = if number < 10.0 { format!("{number:.2}") } else { format!("{number:.1}") };
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn signed(micros: i64) -> String {
    format!("{}{}", if micros < 0 { "−" } else { "+" }, told(micros))
}

/// Offset and uncertainty over time, ready to be drawn.
#[derive(Debug, Clone, Default)]
struct Chart {
    /// Outline of the uncertainty, both sides of zero, a path for each unbroken stretch.
    bands: Vec<String>,
    /// The offset of the machine's clock, likewise.
    lines: Vec<String>,
    /// Where the time was not known: left edge and width.
    gaps: Vec<(i64, i64)>,
    /// What the top of the chart stands for.
    top: String,
    /// First and last moment, hours and minutes.
    from: String,
    until: String,
}

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
const MIDDLE: i64 = HEIGHT / 2;

impl Chart {
    fn of(points: &[Point]) -> Self {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Self::default() };
        let span = (last.at_unix_millis - first.at_unix_millis).max(1);
        let widest = points.iter().filter_map(|point| point.uncertainty_micros).max().map_or(0, i64::from);
        let furthest = points.iter().filter_map(|point| point.offset_micros).map(i64::abs).max().unwrap_or(0);
        // A machine's clock that is hours off would flatten everything else.
        let scale = furthest.min(widest.saturating_mul(4).max(1000)).max(widest).max(100) * 11 / 10;
        let x = |at: i64| (at - first.at_unix_millis).clamp(0, span) * WIDTH / span;
        let y = |micros: i64| MIDDLE - micros.clamp(-scale, scale) * (MIDDLE - 2) / scale;
        let mut chart = Self {
            top: told(scale),
            from: clock_time(first.at_unix_millis),
            until: clock_time(last.at_unix_millis),
            ..Self::default()
        };
        for stretch in points.chunk_by(|a, b| a.uncertainty_micros.is_some() == b.uncertainty_micros.is_some()) {
            let known: Vec<(i64, i64)> = stretch
                .iter()
                .filter_map(|point| Some((x(point.at_unix_millis), i64::from(point.uncertainty_micros?))))
                .collect();
            if known.is_empty() {
                let (left, right) = (x(stretch[0].at_unix_millis), x(stretch[stretch.len() - 1].at_unix_millis));
                chart.gaps.push((left, (right - left).max(2)));
            } else {
                let upper = known.iter().map(|(at, micros)| (*at, y(*micros)));
                let lower = known.iter().rev().map(|(at, micros)| (*at, y(-*micros)));
                chart.bands.push(line(upper.chain(lower)) + "Z");
            }
        }
        for stretch in points.chunk_by(|a, b| a.offset_micros.is_some() == b.offset_micros.is_some()) {
            let known = stretch.iter().filter_map(|point| Some((x(point.at_unix_millis), y(point.offset_micros?))));
            let drawn = line(known);
            if !drawn.is_empty() {
                chart.lines.push(drawn);
            }
        }
        chart
    }
}

fn line(points: impl Iterator<Item = (i64, i64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let _ = write!(path, "{}{x} {y}", if path.is_empty() { 'M' } else { 'L' });
    }
    path
}

fn clock_time(unix_millis: i64) -> String {
    let minutes = unix_millis.div_euclid(60_000).rem_euclid(1440);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `GET /desk/tsa`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let state = desk::state(&app, desk::searched(query.as_deref())).await?;
    let chart = Chart::of(&state.health.history);
    Ok(page(&TsaPage { visitor: &visitor, state, chart }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, offset: Option<i64>, uncertainty: Option<u32>) -> Point {
        Point { at_unix_millis: second * 1000, offset_micros: offset, uncertainty_micros: uncertainty, unsure: None }
    }

    #[test]
    fn microseconds_are_told_in_the_unit_that_fits() {
        assert_eq!(told(999), "999 µs");
        assert_eq!(told(1_250), "1.25 ms");
        assert_eq!(told(500_000), "500 ms");
        assert_eq!(told(1_000_000), "1 s");
        assert_eq!(signed(-40), "−40 µs");
    }

    #[test]
    fn a_stretch_of_unknown_time_breaks_the_chart() {
        let points = [
            point(0, Some(0), Some(1000)),
            point(10, Some(100), Some(1000)),
            point(20, Some(100), None),
            point(30, Some(100), None),
            point(40, Some(0), Some(2000)),
        ];
        let chart = Chart::of(&points);
        assert_eq!((chart.bands.len(), chart.gaps.len(), chart.lines.len()), (2, 1, 1));
        // A tenth of head-room over 2 ms; 20 s of 40 s are half the width.
        assert_eq!(chart.top, "2.2 ms");
        assert_eq!(chart.gaps[0], (320, 160));
        assert_eq!(Chart::of(&[]).bands.len(), 0);
    }

    #[test]
    fn a_clock_that_is_hours_off_does_not_flatten_the_chart() {
        let points = [point(0, Some(3_600_000_000), Some(1000)), point(10, Some(3_600_000_000), Some(1000))];
        assert_eq!(Chart::of(&points).top, "4.4 ms");
    }
}
