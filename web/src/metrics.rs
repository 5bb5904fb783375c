//! Measurements, and how Prometheus reads them: its text format, version 0.0.4.
//!
//! Counting is one addition to an atomic number, so that it can be done on the way of every answer.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets. Unit: microseconds. From a cached answer to one nobody waits for.
const ENDS: [u64; 12] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 1_000_000];

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each end, and one for what is beyond.
    buckets: [AtomicU64; ENDS.len() + 1],
    /// Unit: nanoseconds.
    sum: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = ENDS.iter().position(|end| micros <= *end).unwrap_or(ENDS.len());
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The end of the bucket below which `share` (0 to 1) of all lie; `None` if nothing was counted, or if
    /// that is beyond the last end.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        let mut seen = 0;
        for (count, end) in counts.iter().zip(ENDS) {
            seen += count;
            if all > 0 && seen as f64 >= share * all as f64 {
                return Some(Duration::from_micros(end));
            }
        }
        None
    }
}

/// How often something happens, over the last minute.
#[derive(Debug)]
pub struct Rate {
    /// One for each of 64 seconds: which second it is (upper 32 bits), and how often (lower 32 bits).
    seconds: [AtomicU64; 64],
}

impl Default for Rate {
    fn default() -> Self {
        Self { seconds: [const { AtomicU64::new(0) }; 64] }
    }
}

impl Rate {
    /// Counts one, in this second of whatever count of seconds.
    pub fn record(&self, second: u64) {
        let slot = &self.seconds[usize::try_from(second % 64).unwrap_or_default()];
        let stamp = second << 32;
        // The second may be new; whoever comes first in it begins again from none.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            Some(if now >> 32 == second & 0xffff_ffff { now.wrapping_add(1) } else { stamp | 1 })
        });
    }

    /// How often a second, over the 60 whole seconds before this one, or those since `since` if they are fewer.
    #[must_use]
    pub fn per_second(&self, second: u64, since: u64) -> f64 {
        let first = second.saturating_sub(60).max(since.min(second));
        let slots = self.seconds.iter().map(|slot| slot.load(Ordering::Relaxed));
        let all: u64 =
            slots.filter(|slot| (first..second).contains(&(slot >> 32))).map(|slot| slot & 0xffff_ffff).sum();
        if second > first { all as f64 / (second - first) as f64 } else { 0.0 }
    }
}

/// A page of measurements.
#[derive(Debug, Default)]
pub struct Page(String);

/// What kind of number a family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until a restart.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Page {
    /// Begins a family of samples. `help` is one sentence.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample of the family begun last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        self.labels(labels);
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample without labels.
    pub fn one(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A histogram as a family of its own. Unit of what is written: seconds.
    pub fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut all = 0;
        for (place, bucket) in histogram.buckets.iter().enumerate() {
            all += bucket.load(Ordering::Relaxed);
            let end = ENDS.get(place).map_or_else(|| "+Inf".to_owned(), |end| (*end as f64 / 1e6).to_string());
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{end}\"}} {all}");
        }
        let sum = histogram.sum.load(Ordering::Relaxed) as f64 / 1e9;
        let _ = writeln!(self.0, "{name}_sum {sum}\n{name}_count {all}");
    }

    fn labels(&mut self, labels: &[(&str, &str)]) {
        for (place, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{name}=\"", if place == 0 { '{' } else { ',' });
            for letter in value.chars() {
                match letter {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_as_prometheus_documents_it() {
        // https://prometheus.io/docs/instrumenting/exposition_formats/: label values escape \, " and line feed.
        let mut page = Page::default();
        page.family("http_requests_total", Kind::Counter, "The total number of HTTP requests.");
        page.sample("http_requests_total", &[("method", "post"), ("code", "200")], 1027.0);
        page.sample("http_requests_total", &[("path", "C:\\DIR\n\"x\"")], 3.5);
        page.one("up", Kind::Gauge, "Whether it is.", 1.0);
        assert_eq!(
            page.into_text(),
            "# HELP http_requests_total The total number of HTTP requests.\n\
             # TYPE http_requests_total counter\n\
             http_requests_total{method=\"post\",code=\"200\"} 1027\n\
             http_requests_total{path=\"C:\\\\DIR\\n\\\"x\\\"\"} 3.5\n\
             # HELP up Whether it is.\n# TYPE up gauge\nup 1\n"
        );
    }

    #[test]
    fn a_rate_is_that_of_the_last_minute() {
        let rate = Rate::default();
        for second in 100..220 {
            (0..second % 7).for_each(|_| rate.record(second));
        }
        // Of the seconds 160 to 219.
        let sum: u64 = (160..220).map(|second| second % 7).sum();
        assert_eq!(rate.per_second(220, 0), sum as f64 / 60.0);
        assert_eq!(rate.per_second(400, 0), 0.0, "long ago");
        let young = Rate::default();
        (0..30).for_each(|_| young.record(5));
        assert_eq!(young.per_second(7, 4), 10.0, "three seconds after the start");
    }

    #[test]
    fn the_buckets_of_a_histogram_add_up() {
        let histogram = Histogram::default();
        for micros in [40, 60, 60, 2_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.count(), 4);
        assert_eq!(histogram.quantile(0.5), Some(Duration::from_micros(100)));
        assert_eq!(histogram.quantile(0.99), None, "beyond the last end");
        let mut page = Page::default();
        page.histogram("t_seconds", "x.", &histogram);
        let text = page.into_text();
        assert!(text.contains("t_seconds_bucket{le=\"0.00005\"} 1\n"), "{text}");
        assert!(text.contains("t_seconds_bucket{le=\"0.0001\"} 3\n"), "{text}");
        assert!(text.contains("t_seconds_bucket{le=\"+Inf\"} 4\n"), "{text}");
        assert!(text.ends_with("t_seconds_sum 2.00016\nt_seconds_count 4\n"), "{text}");
    }
}
