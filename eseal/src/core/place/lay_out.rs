//! From places to stamps.

use std::collections::BTreeSet;

use super::{BadPlace, Edge, LONGEST_MM, MOST_STAMPS, PageSize, Pages, Place, Rect, Stamp};
use crate::core::job::Refused;

/// Tells where a text stands on a page (from 0).
pub type Find<'a> = &'a mut dyn FnMut(u32, &str) -> Result<Vec<Rect>, Refused>;

/// A seal may stand over the edge of the page by this much, which rounding brings about. Unit: mm.
const ROUNDING: f64 = 0.05;

/// The stamps that these places ask for, of a picture `width` by `height` mm, place by place and page by page.
///
/// # Errors
/// [`Refused::Place`], or what `find` reports.
pub fn lay_out(
    places: &[Place],
    pages: &[PageSize],
    (width, height): (f64, f64),
    find: Find<'_>,
) -> Result<Vec<Stamp>, Refused> {
    if places.is_empty() {
        return Err(BadPlace::Nowhere.into());
    }
    let seal = Seal { width: size(width)?, height: size(height)? };
    let mut stamps = Vec::new();
    for place in places {
        match place {
            Place::At { pages: which, x, y } => {
                let (x, y) = (length(*x)?, length(*y)?);
                for page in chosen(which, pages.len())? {
                    stamps.push(seal.whole(page, x, y, pages)?);
                }
            }
            Place::Keyword { text, pages: which, occurrence, dx, dy } => {
                let moved = (length(*dx)?, length(*dy)?);
                let found = seal.over(text, &chosen(which, pages.len())?, moved, pages, find)?;
                let missing = || BadPlace::NoKeyword(text.clone());
                match occurrence {
                    None if found.is_empty() => return Err(missing().into()),
                    None => stamps.extend(found),
                    Some(nth) => {
                        let index = nth.checked_sub(1).and_then(|index| usize::try_from(index).ok());
                        stamps.push(index.and_then(|index| found.get(index)).copied().ok_or_else(missing)?);
                    }
                }
            }
            Place::Riding { pages: which, edge, along, margin, at_most } => {
                let ride = Ride { edge: *edge, along: along.map(length).transpose()?, margin: length(*margin)? };
                seal.ride(ride, &chosen(which, pages.len())?, *at_most, pages, &mut stamps)?;
            }
        }
        if stamps.len() > MOST_STAMPS {
            return Err(BadPlace::TooMany.into());
        }
    }
    Ok(stamps)
}

fn length(mm: f64) -> Result<f64, BadPlace> {
    (mm.is_finite() && mm.abs() <= LONGEST_MM).then_some(mm).ok_or(BadPlace::BadLength)
}

fn size(mm: f64) -> Result<f64, BadPlace> {
    length(mm).ok().filter(|mm| *mm > 0.0).ok_or(BadPlace::BadLength)
}

/// The chosen pages, from 0, each once and in order.
fn chosen(which: &Pages, count: usize) -> Result<Vec<u32>, BadPlace> {
    let count = u32::try_from(count).map_err(|_| BadPlace::TooMany)?;
    match which {
        Pages::All => Ok((0..count).collect()),
        Pages::These(pages) => {
            let pages: BTreeSet<u32> = pages.iter().copied().collect();
            let inside = |page: u32| match page.checked_sub(1) {
                Some(index) if index < count => Ok(index),
                _ => Err(BadPlace::NoSuchPage(page)),
            };
            pages.into_iter().map(inside).collect()
        }
    }
}

fn page_of(page: u32, pages: &[PageSize]) -> Result<PageSize, BadPlace> {
    let found = usize::try_from(page).ok().and_then(|page| pages.get(page));
    found.copied().ok_or(BadPlace::NoSuchPage(page.saturating_add(1)))
}

/// A riding seal's edge and place along it.
#[derive(Clone, Copy)]
struct Ride {
    edge: Edge,
    along: Option<f64>,
    margin: f64,
}

#[derive(Clone, Copy)]
struct Seal {
    width: f64,
    height: f64,
}

impl Seal {
    fn at(self, x: f64, y: f64) -> Rect {
        Rect { x, y, width: self.width, height: self.height }
    }

    fn whole(self, page: u32, x: f64, y: f64, pages: &[PageSize]) -> Result<Stamp, BadPlace> {
        let size = page_of(page, pages)?;
        let inside = x >= -ROUNDING
            && y >= -ROUNDING
            && x + self.width <= size.width + ROUNDING
            && y + self.height <= size.height + ROUNDING;
        if !inside {
            return Err(BadPlace::OffPage(page.saturating_add(1)));
        }
        Ok(Stamp { page, boundary: self.at(x, y), clip: None })
    }

    /// Over each occurrence of a text, moved back onto the page where it would stand over its edge.
    fn over(
        self,
        text: &str,
        which: &[u32],
        (dx, dy): (f64, f64),
        pages: &[PageSize],
        find: Find<'_>,
    ) -> Result<Vec<Stamp>, Refused> {
        if text.is_empty() {
            return Err(BadPlace::NoKeyword(String::new()).into());
        }
        let mut stamps = Vec::new();
        for &page in which {
            let size = page_of(page, pages)?;
            for found in find(page, text)? {
                let x = found.x + found.width / 2.0 - self.width / 2.0 + dx;
                let y = found.y + found.height / 2.0 - self.height / 2.0 + dy;
                // A page smaller than the seal has no place for it.
                let x = x.min(size.width - self.width).max(0.0);
                let y = y.min(size.height - self.height).max(0.0);
                stamps.push(self.whole(page, x, y, pages)?);
                if stamps.len() > MOST_STAMPS {
                    return Err(BadPlace::TooMany.into());
                }
            }
        }
        Ok(stamps)
    }

    fn ride(
        self,
        ride: Ride,
        which: &[u32],
        at_most: u32,
        pages: &[PageSize],
        stamps: &mut Vec<Stamp>,
    ) -> Result<(), Refused> {
        if which.len() < 2 || at_most < 2 {
            return Err(BadPlace::TooFewPages.into());
        }
        if which.len().saturating_add(stamps.len()) > MOST_STAMPS {
            return Err(BadPlace::TooMany.into());
        }
        for group in groups(which, usize::try_from(at_most).unwrap_or(usize::MAX)) {
            let parts = f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX));
            for (slice, &page) in (0u32..).zip(group) {
                let size = page_of(page, pages)?;
                let stamp = self.slice(ride, f64::from(slice), parts, page, size);
                let (from, to, end) = match ride.edge {
                    Edge::Left | Edge::Right => (stamp.boundary.y, self.height, size.height),
                    Edge::Top | Edge::Bottom => (stamp.boundary.x, self.width, size.width),
                };
                if from < -ROUNDING || from + to > end + ROUNDING || ride.margin < 0.0 {
                    return Err(BadPlace::OffPage(page.saturating_add(1)).into());
                }
                stamps.push(stamp);
            }
        }
        Ok(())
    }

    /// The slice of one page: the whole picture lies so that its slice touches the edge.
    fn slice(self, ride: Ride, slice: f64, parts: f64, page: u32, size: PageSize) -> Stamp {
        let Ride { edge, along, margin } = ride;
        let (wide, high) = (self.width / parts, self.height / parts);
        let y = along.unwrap_or(size.height / 2.0) - self.height / 2.0;
        let x = along.unwrap_or(size.width / 2.0) - self.width / 2.0;
        // The first page lies on top: on the left and the top its slice is the last of the picture.
        let back = parts - 1.0 - slice;
        let (boundary, clip) = match edge {
            Edge::Right => (
                self.at(size.width - wide * (slice + 1.0) - margin, y),
                Rect { x: slice * wide, y: 0.0, width: wide, height: self.height },
            ),
            Edge::Left => {
                (self.at(margin - wide * back, y), Rect { x: back * wide, y: 0.0, width: wide, height: self.height })
            }
            Edge::Bottom => (
                self.at(x, size.height - high * (slice + 1.0) - margin),
                Rect { x: 0.0, y: slice * high, width: self.width, height: high },
            ),
            Edge::Top => {
                (self.at(x, margin - high * back), Rect { x: 0.0, y: back * high, width: self.width, height: high })
            }
        };
        Stamp { page, boundary, clip: Some(clip) }
    }
}

/// Pages in groups of at most so many; a last group of one joins the one before it.
fn groups(pages: &[u32], at_most: usize) -> Vec<&[u32]> {
    let whole = pages.len() / at_most;
    let cut = if pages.len() % at_most == 1 { whole.saturating_sub(1) * at_most } else { pages.len() };
    let (even, rest) = pages.split_at(cut.min(pages.len()));
    even.chunks(at_most).chain(Some(rest).filter(|rest| !rest.is_empty())).collect()
}
