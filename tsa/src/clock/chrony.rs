//! What the `chronyd` of this machine says of the machine's clock: one line of `chronyc -c tracking`.
//!
//! `chronyd` bounds the error of the clock as `|system time offset| + root dispersion + root delay / 2`
//! (chronyc(1), tracking). The offset is taken off here, the rest is the uncertainty.

use std::time::Duration;

use super::decide::{Hands, Nanos};
use super::select::{Leap, Sample};

/// A line longer than this is not looked at. Unit: bytes.
const LONGEST: usize = 1024;

/// What the line says as of `hands`.
///
/// Fields (chrony 4): reference id, its name, stratum, reference time, system time, last offset, RMS offset,
/// frequency, residual frequency, skew, root delay, root dispersion, update interval, leap status. A
/// *positive* system time means that the clock is slow by it.
///
/// # Errors
/// A sentence, if the line is none of these or `chronyd` is not synchronised.
pub fn sample(source: usize, line: &str, hands: Hands) -> Result<Sample, &'static str> {
    if line.len() > LONGEST {
        return Err("chronyc said too much");
    }
    let fields: Vec<&str> = line.trim().split(',').collect();
    let [_, _, stratum, _, offset, _, _, _, _, _, delay, dispersion, _, leap] = fields[..] else {
        return Err("chronyc did not say what was expected");
    };
    let leap = match leap {
        "Normal" => Leap::None,
        "Insert second" => Leap::Insert,
        "Delete second" => Leap::Delete,
        _ => return Err("chronyd is not synchronised"),
    };
    // A local reference (stratum 0 or 16) is chronyd's word for having nobody to ask.
    if !stratum.parse::<u8>().is_ok_and(|stratum| (1..=15).contains(&stratum)) {
        return Err("chronyd is not synchronised");
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e6);
    let (Some(offset), Some(delay), Some(dispersion)) = (number(offset), number(delay), number(dispersion)) else {
        return Err("chronyc said something that is no number");
    };
    // Below 1e15 nanoseconds, so nothing is lost.
    let nanos = |seconds: f64| (seconds * 1e9).round() as i64;
    let distance = nanos(dispersion.abs() + delay.abs() / 2.0).unsigned_abs();
    // The machine's clock is read in whole milliseconds.
    let grain = Duration::from_millis(1);
    Ok(Sample {
        source,
        at: hands.steady,
        utc: hands.wall + Nanos::from(nanos(offset)),
        uncertainty: Duration::from_nanos(distance) + grain,
        leap,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "C0A80001,192.168.0.1,3,1795248000.123456789,-0.000250000,0.000011,0.000021,-8.1,0.001,0.05,\
                        0.004000000,0.000500000,64.3,Normal\n";

    fn of(line: &str) -> Result<Sample, &'static str> {
        sample(2, line, Hands { wall: 10_000_000_000, steady: Duration::from_secs(3) })
    }

    #[test]
    fn a_fast_clock_is_set_back_and_the_distance_is_uncertain() {
        let found = of(LINE).unwrap();
        assert_eq!(found.utc, 10_000_000_000 - 250_000);
        // 0.5 ms + 4 ms / 2 + 1 ms grain.
        assert_eq!(found.uncertainty, Duration::from_micros(3500));
        assert_eq!((found.source, found.at, found.leap), (2, Duration::from_secs(3), Leap::None));
    }

    #[test]
    fn an_unsynchronised_chronyd_is_no_source() {
        assert!(of(&LINE.replace("Normal", "Not synchronised")).is_err());
        assert!(of(&LINE.replace(",3,", ",0,")).is_err());
    }

    #[test]
    fn a_coming_leap_second_is_heard() {
        assert_eq!(of(&LINE.replace("Normal", "Insert second")).unwrap().leap, Leap::Insert);
    }

    #[test]
    fn other_lines_are_refused() {
        for bad in ["", "506 Cannot talk to daemon", "a,b,c", &LINE.replace("-0.000250000", "nan"), &"1,".repeat(900)] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
