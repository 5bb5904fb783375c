//! When certificates expire: a month at a glance, each day leading to its certificates.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use pki_config::ErrorCode;
use pki_config::role::Permission;
use serde::Deserialize;

use super::words::worded;
use crate::api::calendar::Expiring;
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// The query of the page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    month: String,
}

/// A month of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month {
    year: u32,
    month: u32,
}

impl Month {
    /// From `2026-11`, or any text that begins with it.
    fn read(text: &str) -> Option<Self> {
        let (year, month) = (text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?);
        let good = text.as_bytes().get(4) == Some(&b'-') && (1..=12).contains(&month) && (1970..=9998).contains(&year);
        good.then_some(Self { year, month })
    }

    fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    fn before(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }

    fn days(self) -> u32 {
        match self.month {
            2 if self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400)) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// The weekday of its first day; Monday is 0.
    fn begins_on(self) -> u32 {
        // Zeller's congruence: January and February count as months 13 and 14 of the year before; Saturday is 0.
        let (year, month) = if self.month < 3 { (self.year - 1, self.month + 12) } else { (self.year, self.month) };
        let (century, rest) = (year / 100, year % 100);
        let saturday_first = (1 + 13 * (month + 1) / 5 + rest + rest / 4 + century / 4 + 5 * century) % 7;
        (saturday_first + 5) % 7
    }

    /// A day as `2026-11-21`; one past the last day is the first of the next month.
    fn day(self, day: u32) -> String {
        if day > self.days() { self.next().day(1) } else { format!("{:04}-{:02}-{day:02}", self.year, self.month) }
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A cell; those before the first and after the last day are empty.
#[derive(Default)]
struct Cell {
    day: u32,
    count: u64,
    href: String,
    today: bool,
}

#[derive(Template)]
#[template(path = "ra/calendar.html")]
struct CalendarPage<'a> {
    visitor: &'a Visitor,
    month: Month,
    weeks: Vec<Vec<Cell>>,
    total: u64,
    whole: String,
}

worded!(CalendarPage);

/// `GET /desk/calendar`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let now = app.clock().now().to_string();
    let month = if chosen.month.is_empty() { Month::read(&now) } else { Month::read(&chosen.month) };
    let month = month.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "expected a month such as 2026-11"))?;
    let by = visitor.by(Permission::ReadCertificates)?;
    let ask =
        Expiring { from: format!("{}T00:00:00Z", month.day(1)), before: format!("{}T00:00:00Z", month.next().day(1)) };
    let found = edge::expiring::expiring(app, by, ask).await?;
    let today = now.get(..10).unwrap_or_default();
    let cell = |day: u32| {
        let name = month.day(day);
        let count = found.days.iter().find(|one| one.day == name).map_or(0, |one| one.count);
        let href = format!("/desk/certificates?sort=expiry&expires_from={name}&expires_before={}", month.day(day + 1));
        Cell { day, count, href, today: name == today }
    };
    let empty = (0..month.begins_on()).map(|_| Cell::default());
    let mut cells: Vec<Cell> = empty.chain((1..=month.days()).map(cell)).collect();
    let mut weeks = Vec::new();
    while !cells.is_empty() {
        let rest = cells.split_off(cells.len().min(7));
        weeks.push(std::mem::replace(&mut cells, rest));
    }
    let first = format!("expires_from={}&expires_before={}", month.day(1), month.next().day(1));
    Ok(page(&CalendarPage {
        visitor: &visitor,
        month,
        weeks,
        total: found.days.iter().map(|one| one.count).sum(),
        whole: format!("/desk/certificates?sort=expiry&{first}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_the_days_and_first_weekdays_of_the_calendar() {
        // cal(1): Monday is 0.
        for (text, days, weekday) in [
            ("2026-11", 30, 6),
            ("2026-12", 31, 1),
            ("2027-01", 31, 4),
            ("2028-02", 29, 1),
            ("2100-02", 28, 0),
            ("2000-02", 29, 1),
        ] {
            let month = Month::read(text).unwrap();
            assert_eq!((month.days(), month.begins_on()), (days, weekday), "{text}");
        }
    }

    #[test]
    fn months_follow_each_other_over_the_year() {
        let december = Month::read("2026-12").unwrap();
        assert_eq!((december.next().to_string(), december.next().before()), ("2027-01".to_owned(), december));
        assert_eq!(december.day(32), "2027-01-01");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-13", "2026-00", "20261-1", "2026/11", "0000-01", "印信印信"] {
            assert_eq!(Month::read(text), None, "{text}");
        }
    }
}
