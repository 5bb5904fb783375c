//! Places on pages as they are typed.

use std::str::FromStr;

use eseal::core::place::{Pages, Place};

/// Most pages that a list names: more is a slip of the finger.
const MOST_PAGES: usize = 10_000;

/// Pages, from 1: `all`, `last`, or a list such as `1,3-5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageList {
    /// Every page.
    All,
    /// The last page, whichever it is.
    Last,
    /// These.
    These(Vec<u32>),
}

impl PageList {
    /// The pages of a document that has this many; they are asked for only if it matters.
    #[must_use]
    pub fn of(&self, last: Option<u32>) -> Pages {
        match self {
            Self::All => Pages::All,
            Self::Last => Pages::These(last.into_iter().collect()),
            Self::These(pages) => Pages::These(pages.clone()),
        }
    }
}

impl FromStr for PageList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => return Ok(Self::All),
            "last" => return Ok(Self::Last),
            _ => {}
        }
        let wrong = || format!("{text:?} names no pages; write all, last, 3, 2-5 or 1,3-5 (pages count from 1)");
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(wrong);
        let mut pages = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if last < first || (last - first) as usize >= MOST_PAGES - pages.len().min(MOST_PAGES - 1) {
                return Err(wrong());
            }
            pages.extend(first..=last);
        }
        pages.sort_unstable();
        pages.dedup();
        Ok(Self::These(pages))
    }
}

/// Two lengths, `X,Y`. Unit: mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no pair of lengths in mm such as 10,-5.5");
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(wrong);
        let (x, y) = text.split_once(',').ok_or_else(wrong)?;
        Ok(Self { x: number(x)?, y: number(y)? })
    }
}

/// A point on pages, `PAGE:X,Y`.
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    /// The pages.
    pub pages: PageList,
    /// The point.
    pub point: Shift,
}

impl At {
    /// The place itself, on a document that has this many pages.
    #[must_use]
    pub fn place(&self, last: Option<u32>) -> Place {
        Place::At { pages: self.pages.of(last), x: self.point.x, y: self.point.y }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no place; write PAGE:X,Y such as 1:150,230 (mm from the left and from the top)");
        let (pages, point) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Self { pages: pages.parse()?, point: point.parse().map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_page_and_a_point() {
        let at: At = "2:150,230.5".parse().unwrap();
        assert_eq!(at.place(None), Place::At { pages: Pages::These(vec![2]), x: 150.0, y: 230.5 });
        let everywhere: At = "all: 1 , 2".parse().unwrap();
        assert_eq!(everywhere.place(None), Place::At { pages: Pages::All, x: 1.0, y: 2.0 });
        let last: At = "last:1,2".parse().unwrap();
        assert_eq!(last.place(Some(7)), Place::At { pages: Pages::These(vec![7]), x: 1.0, y: 2.0 });
        for wrong in ["", "150,230", "1:150", "1:a,b", "0:1,2", "1:nan,2", "1:inf,2", "one:1,2", "1:1,2,3"] {
            assert!(wrong.parse::<At>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_are_counted_from_one_and_ranges_run_upwards() {
        assert_eq!("1,3-5,4".parse(), Ok(PageList::These(vec![1, 3, 4, 5])));
        assert_eq!("all".parse(), Ok(PageList::All));
        for wrong in ["", "0", "5-3", "1-", "-3", "1,,2", "1-4294967295", "ALL"] {
            assert!(wrong.parse::<PageList>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_shift_may_go_up_and_to_the_left() {
        assert_eq!("-10,-5.5".parse(), Ok(Shift { x: -10.0, y: -5.5 }));
        assert!("10".parse::<Shift>().is_err());
    }
}
