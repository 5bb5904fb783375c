//! Claims about the state machine, with hands that only the test moves.

use super::*;

/// A little before the end of June 2027: 2027-06-30T12:00:00Z is 1,814,356,800.
const NOON: Nanos = 1_814_356_800 * SECOND;
const SEC: Duration = Duration::from_secs(1);

fn rules() -> Rules {
    Rules { quorum: 2, healthy_polls: 2, holdover: Duration::from_secs(60), ..Rules::default() }
}

/// The true time, a settable clock and a steady one.
struct World {
    discipline: Discipline,
    truth: Nanos,
    wall: Nanos,
    steady: Duration,
}

impl World {
    fn new(basis: Basis) -> Self {
        let discipline = Discipline::new(basis, rules());
        Self { discipline, truth: NOON, wall: NOON, steady: Duration::from_secs(1000) }
    }

    /// With sources, and healthy.
    fn healthy() -> Self {
        let mut world = Self::new(Basis::Measured);
        for _ in 0..2 {
            world.poll(&[0, 0, 0]).unwrap();
            world.pass(SEC);
        }
        world
    }

    fn pass(&mut self, by: Duration) {
        self.truth += nanos(by);
        self.wall += nanos(by);
        self.steady += by;
    }

    fn hands(&self) -> Hands {
        Hands { wall: self.wall, steady: self.steady }
    }

    /// One round of sources that are off by these many milliseconds, known to 5 ms each.
    fn poll(&mut self, off_by_millis: &[i64]) -> Result<Selection, Unsure> {
        self.poll_with(off_by_millis, Leap::None)
    }

    fn poll_with(&mut self, off_by_millis: &[i64], leap: Leap) -> Result<Selection, Unsure> {
        let samples: Vec<Sample> = off_by_millis
            .iter()
            .enumerate()
            .map(|(source, off)| Sample {
                source,
                at: self.steady,
                utc: self.truth + i128::from(*off) * 1_000_000,
                uncertainty: Duration::from_millis(5),
                leap,
            })
            .collect();
        self.discipline.round(&samples, self.hands())
    }

    fn read(&mut self) -> Result<Estimate, Unsure> {
        self.discipline.read(self.hands())
    }

    /// The time given holds the truth within what it claims.
    fn assert_honest(&mut self) -> Estimate {
        let estimate = self.read().unwrap();
        let off = (estimate.utc - self.truth).unsigned_abs();
        assert!(off <= estimate.uncertainty.as_nanos(), "off by {off} ns of {:?}", estimate.uncertainty);
        estimate
    }
}

#[test]
fn no_time_is_given_before_enough_good_rounds() {
    let mut world = World::new(Basis::Measured);
    assert_eq!(world.read(), Err(Unsure::Settling { good: 0, needed: 2 }));
    world.poll(&[0, 1, -1]).unwrap();
    assert_eq!(world.read(), Err(Unsure::Settling { good: 1, needed: 2 }));
    world.poll(&[0, 1, -1]).unwrap();
    assert!(world.assert_honest().uncertainty < Duration::from_millis(6));
}

#[test]
fn a_machines_clock_that_is_wrong_does_not_make_the_time_wrong() {
    let mut world = World::new(Basis::Measured);
    world.wall -= 7 * 3600 * SECOND;
    for _ in 0..2 {
        world.poll(&[0, 0, 0]).unwrap();
    }
    world.assert_honest();
    assert_eq!(world.discipline.offset(world.hands()), Some(-7 * 3600 * SECOND));
}

#[test]
fn uncertainty_grows_by_the_drift_until_the_next_round() {
    let mut world = World::healthy();
    let before = world.assert_honest().uncertainty;
    world.pass(Duration::from_secs(40));
    // 40 s at 50 parts in a million.
    assert_eq!(world.assert_honest().uncertainty - before, Duration::from_millis(2));
    world.poll(&[0, 0, 0]).unwrap();
    assert!(world.assert_honest().uncertainty < Duration::from_millis(6));
}

#[test]
fn a_step_back_of_an_hour_stops_the_time_until_the_sources_confirm_it() {
    let mut world = World::healthy();
    let before = world.assert_honest();
    world.wall -= 3600 * SECOND;
    assert_eq!(world.read(), Err(Unsure::Stepped { by_millis: -3_600_000 }));
    world.pass(SEC);
    world.poll(&[0, 0, 0]).unwrap();
    assert!(matches!(world.read(), Err(Unsure::Stepped { .. })));
    world.pass(SEC);
    world.poll(&[0, 0, 0]).unwrap();
    assert!(world.assert_honest().utc > before.utc);
}

#[test]
fn a_step_forward_of_a_minute_is_noticed_by_the_round_too() {
    let mut world = World::healthy();
    world.wall += 60 * SECOND;
    world.pass(SEC);
    world.poll(&[0, 0, 0]).unwrap();
    assert_eq!(world.read(), Err(Unsure::Stepped { by_millis: 60_000 }));
}

#[test]
fn a_daemon_that_slews_the_machines_clock_is_no_step() {
    let mut world = World::healthy();
    for _ in 0..20 {
        world.pass(SEC);
        world.wall += SECOND / 1000;
        world.assert_honest();
    }
}

#[test]
fn sources_that_disagree_stop_the_time() {
    let mut world = World::healthy();
    world.assert_honest();
    assert_eq!(world.poll(&[0, 9000, -9000]), Err(Unsure::Disagreeing { agree: 1, needed: 2 }));
    assert_eq!(world.read(), Err(Unsure::Disagreeing { agree: 1, needed: 2 }));
    world.poll(&[0, 0, 9000]).unwrap();
    assert!(world.read().is_err());
    world.poll(&[0, 0, 9000]).unwrap();
    world.assert_honest();
}

#[test]
fn sources_that_move_together_are_not_followed_at_once() {
    let mut world = World::healthy();
    world.assert_honest();
    world.pass(SEC);
    world.poll(&[500, 500, 500]).unwrap();
    assert!(matches!(world.read(), Err(Unsure::Stepped { by_millis: 500 })), "{:?}", world.read());
}

#[test]
fn lost_sources_are_bridged_for_the_holdover_and_no_longer() {
    let mut world = World::healthy();
    world.pass(Duration::from_secs(50));
    assert_eq!(world.poll(&[0]), Err(Unsure::TooFew { answered: 1, needed: 2 }));
    world.assert_honest();
    world.pass(Duration::from_secs(11));
    assert_eq!(world.read(), Err(Unsure::TooFew { answered: 1, needed: 2 }));
    // One good round is not enough then.
    world.poll(&[0, 0]).unwrap();
    assert!(world.read().is_err());
}

#[test]
fn a_small_correction_is_worked_off_without_running_backwards() {
    let mut world = World::healthy();
    let mut last = world.assert_honest().utc;
    // The steady clock was 4 ms fast: the sources now say less.
    world.truth -= 4_000_000;
    world.poll(&[0, 0, 0]).unwrap();
    let corrected = world.assert_honest();
    assert!(corrected.uncertainty >= Duration::from_millis(9));
    for _ in 0..30 {
        world.pass(SEC);
        let estimate = world.assert_honest();
        assert!(estimate.utc > last);
        last = estimate.utc;
    }
    // 4 ms at 500 parts in a million take 8 s.
    assert!((last - world.truth).abs() < 1_000);
}

#[test]
fn an_uncertainty_above_the_limit_is_no_time() {
    let mut world = World::healthy();
    world.discipline.rules.worst = Duration::from_millis(6);
    world.pass(Duration::from_secs(40));
    assert!(matches!(world.read(), Err(Unsure::TooUncertain { .. })));
}

#[test]
fn no_time_is_given_around_an_announced_leap_second() {
    let mut world = World::healthy();
    // 2027-07-01T00:00:00Z is 43,200 s after noon.
    for second in [43_200 - 3, 43_200 - 1, 43_200 + 1] {
        world.pass(Duration::from_secs(second) - Duration::from_nanos((world.truth - NOON) as u64));
        world.poll_with(&[0, 0, 0], Leap::Insert).unwrap();
        let read = world.read();
        assert_eq!(read.is_err(), second != 43_200 - 3, "{second}: {read:?}");
    }
    world.pass(Duration::from_secs(5));
    world.poll(&[0, 0, 0]).unwrap();
    world.poll(&[0, 0, 0]).unwrap();
    world.assert_honest();
}

#[test]
fn without_a_leap_second_midnight_is_like_any_time() {
    let mut world = World::healthy();
    world.pass(Duration::from_secs(43_198));
    world.poll(&[0, 0, 0]).unwrap();
    world.assert_honest();
}

#[test]
fn days_of_the_month_are_those_of_the_calendar() {
    for (text, day) in [("1970-01-01", 1), ("2000-02-29", 29), ("2027-07-01", 1), ("2100-03-01", 1), ("2026-12-31", 31)]
    {
        let at: pki_config::Instant = format!("{text}T00:00:00Z").parse().unwrap();
        assert_eq!(day_of_month(i128::from(at.unix_seconds() / 86_400)), day, "{text}");
    }
}

#[test]
fn a_clock_without_sources_is_believed_at_once_with_its_stated_accuracy() {
    let mut world = World::new(Basis::Stated(SEC));
    assert_eq!(world.read(), Ok(Estimate { utc: NOON, uncertainty: SEC }));
}

#[test]
fn a_clock_without_sources_is_watched_after_a_step() {
    let mut world = World::new(Basis::Stated(SEC));
    world.read().unwrap();
    world.wall += 60 * SECOND;
    assert_eq!(world.read(), Err(Unsure::Stepped { by_millis: 60_000 }));
    world.pass(Duration::from_secs(29));
    assert!(world.read().is_err());
    world.pass(SEC);
    assert!(world.read().is_ok());
}

#[test]
fn a_clock_without_sources_that_went_back_waits_until_it_has_caught_up() {
    let mut world = World::new(Basis::Stated(SEC));
    world.read().unwrap();
    world.wall -= 3600 * SECOND;
    assert_eq!(world.read(), Err(Unsure::Stepped { by_millis: -3_600_000 }));
    world.pass(Duration::from_secs(31));
    assert!(matches!(world.read(), Err(Unsure::Behind { by_millis: 3_569_000 })), "{:?}", world.read());
    world.pass(Duration::from_secs(3570));
    assert!(world.read().is_ok());
}

#[test]
fn no_time_before_the_newest_stamp_is_given_after_a_restart() {
    let mut world = World::new(Basis::Stated(SEC));
    world.discipline.raise_floor(NOON + 3600 * SECOND);
    assert_eq!(world.read(), Err(Unsure::Behind { by_millis: 3_600_000 }));
    world.pass(Duration::from_secs(3600));
    assert!(world.read().is_ok());
}

#[test]
fn within_its_uncertainty_the_time_stands_still_rather_than_run_backwards() {
    let mut world = World::new(Basis::Stated(SEC));
    world.discipline.raise_floor(NOON + SECOND / 2);
    let held = world.read().unwrap();
    assert_eq!(held.utc, NOON + SECOND / 2);
    assert_eq!(held.uncertainty, Duration::from_millis(1500));
}
