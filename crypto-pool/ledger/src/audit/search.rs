//! Searching the log: by time, event, person, object and outcome, the newest first.
//!
//! A page costs a bounded number of rows, however large the log and however rare what is sought. Where the bound
//! ends a page early, the page says how far it came, and the next one goes on from there.
//!
//! One index does most of the work, because every index is paid for by each entry ever written:
//! `(event, person, seq, outcome)`. Events are a short catalogue and few people do any one of them, so a search for
//! only one of the two reads the newest of each pair and merges them. Time has no index at all: entries stand in
//! the order of time (but where an operator overruled the clock), so a time is found by halving.

use pki_config::{Event, Instant};
use rusqlite::Row;

use super::{InTx, Seq, damaged, store, stored};
use crate::db::{DbError, Tx};

/// Most entries of a page.
pub const MOST_FOUND: u32 = 500;

/// Rows of an index that one page may look at. A few milliseconds.
const LOOK_AT: u32 = 10_000;

/// As above where the table itself must be read.
const LOOK_AT_ENTRIES: u32 = 4_000;

/// How what was asked came out, as far as a search tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Done.
    Done,
    /// Done by one person in one step.
    DoneInOneStep,
    /// Refused, with whatever code.
    Refused,
}

impl Came {
    fn is(self, outcome: &str) -> bool {
        match self {
            Self::Done => outcome == "done",
            Self::DoneInOneStep => outcome == "one-step",
            Self::Refused => outcome.starts_with("refused:"),
        }
    }
}

/// What is sought. Whatever is `None` does not matter; all the others must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// At this time or later.
    pub since: Option<Instant>,
    /// Before this time.
    pub until: Option<Instant>,
    /// This event, by its word.
    pub event: Option<String>,
    /// By this person, by identifier.
    pub person: Option<String>,
    /// On exactly one of these objects; on whatever object if there are none. A few: each is looked up by itself.
    pub objects: Vec<String>,
    /// That came out like this.
    pub came: Option<Came>,
    /// Only entries before this position: the `next` of the page before.
    pub before: Option<Seq>,
    /// At most this many, 1 to [`MOST_FOUND`].
    pub limit: u32,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Position and DER leaf, the newest first.
    pub entries: Vec<(Seq, Vec<u8>)>,
    /// Where to go on. A page may hold few entries or none and yet have a `next`.
    pub next: Option<Seq>,
}

/// Positions from `from` to before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: Seq,
    to: Seq,
}

/// What a look at some rows gave.
#[derive(Default)]
struct Looked {
    fits: Vec<Seq>,
    /// Rows below this position were not looked at.
    floor: Option<Seq>,
}

/// The columns a search can be decided by.
struct Line {
    seq: i64,
    event: String,
    person: String,
    outcome: String,
}

/// Runs a search in one consistent view.
pub(super) fn run(tx: &Tx<'_>, search: &Search) -> InTx<Found> {
    let limit = search.limit.clamp(1, MOST_FOUND);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut fits, mut floor) = (Vec::new(), None);
    for range in ranges(tx, search)? {
        let looked = look(tx, search, range, limit)?;
        fits.extend(looked.fits);
        floor = looked.floor;
        if fits.len() >= most || floor.is_some() {
            // Older ranges wait for the next page.
            floor = floor.or(Some(range.from));
            break;
        }
    }
    let next = if fits.len() > most {
        fits.truncate(most);
        fits.last().copied()
    } else {
        floor.filter(|floor| *floor > 0)
    };
    let mut entries = Vec::with_capacity(fits.len());
    for seq in fits {
        let leaf = store::leaf(tx, seq)?.ok_or_else(|| damaged(format!("entry {seq} is missing")))?;
        entries.push((seq, leaf));
    }
    Ok(Found { entries, next })
}

/// Looks for what fits within a range, the newest first, in the way that reads the fewest rows.
fn look(tx: &Tx<'_>, search: &Search, range: Range, limit: u32) -> InTx<Looked> {
    let (from, to) = (stored(range.from), stored(range.to));
    if !search.objects.is_empty() {
        let sql = "SELECT seq, event, person, outcome FROM audit_entry INDEXED BY audit_entry_object
                   WHERE object = $1 AND seq >= $2 AND seq < $3 ORDER BY seq DESC LIMIT $4";
        let cap = share(LOOK_AT_ENTRIES, search.objects.len(), limit);
        let each = search.objects.iter().map(|object| -> InTx<Looked> {
            Ok(looked(search, tx.query_all(sql, &[object, &from, &to, &cap], line)?, cap))
        });
        return merged(each);
    }
    if search.came == Some(Came::Refused) {
        let sql = "SELECT seq, event, person, outcome FROM audit_entry INDEXED BY audit_entry_refused
                   WHERE outcome >= 'refused:' AND seq >= $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
        let cap = if search.event.is_none() && search.person.is_none() { limit + 1 } else { LOOK_AT };
        return Ok(looked(search, tx.query_all(sql, &[&from, &to, &cap], line)?, cap));
    }
    let pairs = match (&search.event, &search.person) {
        (None, None) => {
            let sql = "SELECT seq, event, person, outcome FROM audit_entry
                       WHERE seq >= $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
            let cap = if search.came.is_none() { limit + 1 } else { LOOK_AT_ENTRIES };
            return Ok(looked(search, tx.query_all(sql, &[&from, &to, &cap], line)?, cap));
        }
        (Some(event), Some(person)) => vec![(event.clone(), person.clone())],
        (Some(event), None) => persons_of(tx, event)?.into_iter().map(|person| (event.clone(), person)).collect(),
        (None, Some(person)) => events(tx)?.into_iter().map(|event| (event, person.clone())).collect(),
    };
    // With nothing left to sort out, every row that is looked at fits.
    let cap = if search.came.is_none() { limit + 1 } else { share(LOOK_AT, pairs.len(), limit) };
    merged(pairs.iter().map(|(event, person)| {
        let sql = "SELECT seq, event, person, outcome FROM audit_entry INDEXED BY audit_entry_event
                   WHERE event = $1 AND person = $2 AND seq >= $3 AND seq < $4 ORDER BY seq DESC LIMIT $5";
        Ok(looked(search, tx.query_all(sql, &[event, person, &from, &to, &cap], line)?, cap))
    }))
}

/// How many rows each of `parts` looks may look at; enough for a page in any case.
fn share(rows: u32, parts: usize, limit: u32) -> u32 {
    let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
    (rows / parts).max(limit + 1)
}

/// Puts what several looks found in order, as far down as all of them looked.
fn merged(each: impl Iterator<Item = InTx<Looked>>) -> InTx<Looked> {
    let mut all = Looked::default();
    for one in each {
        let one = one?;
        all.fits.extend(one.fits);
        // Below the highest floor some part was not looked at, so nothing there can be put in order.
        all.floor = all.floor.max(one.floor);
    }
    all.fits.retain(|seq| all.floor.is_none_or(|floor| *seq >= floor));
    all.fits.sort_unstable_by(|a, b| b.cmp(a));
    all.fits.dedup();
    Ok(all)
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line { seq: row.get(0)?, event: row.get(1)?, person: row.get(2)?, outcome: row.get(3)? })
}

/// Sorts out what does not fit. `cap` rows were asked for: as many came if there may be more.
fn looked(search: &Search, lines: Vec<Line>, cap: u32) -> Looked {
    let full = u32::try_from(lines.len()).is_ok_and(|count| count == cap);
    let floor = lines.last().filter(|_| full).map(|line| line.seq.unsigned_abs());
    let fits = |line: &Line| {
        search.event.as_ref().is_none_or(|event| *event == line.event)
            && search.person.as_ref().is_none_or(|person| *person == line.person)
            && search.came.is_none_or(|came| came.is(&line.outcome))
    };
    Looked { fits: lines.iter().filter(|line| fits(line)).map(|line| line.seq.unsigned_abs()).collect(), floor }
}

/// Every event the log has. One look into the index for each.
pub(super) fn events(tx: &Tx<'_>) -> Result<Vec<String>, DbError> {
    let sql = "SELECT event FROM audit_entry INDEXED BY audit_entry_event WHERE event > $1 ORDER BY event LIMIT 1";
    let mut all: Vec<String> = Vec::new();
    loop {
        let last = all.last().map_or("", String::as_str);
        match tx.query_opt(sql, &[&last], |row| row.get(0))? {
            Some(event) => all.push(event),
            None => return Ok(all),
        }
    }
}

/// Everybody who did it.
fn persons_of(tx: &Tx<'_>, event: &str) -> Result<Vec<String>, DbError> {
    // From before the empty text, which is a text too.
    let mut next: Option<String> = tx.query_opt(
        "SELECT person FROM audit_entry INDEXED BY audit_entry_event WHERE event = $1 ORDER BY person LIMIT 1",
        &[&event],
        |row| row.get(0),
    )?;
    let mut all = Vec::new();
    while let Some(person) = next {
        next = tx.query_opt(
            "SELECT person FROM audit_entry INDEXED BY audit_entry_event
             WHERE event = $1 AND person > $2 ORDER BY person LIMIT 1",
            &[&event, &person],
            |row| row.get(0),
        )?;
        all.push(person);
    }
    Ok(all)
}

/// How many entries are from before each of these times, in the order of the times given.
pub(super) fn counts_before(tx: &Tx<'_>, times: &[Instant]) -> InTx<Vec<u64>> {
    let edges = edges(tx, store::size(tx)?)?;
    let count = |time: &Instant| {
        edges
            .iter()
            .zip(edges.iter().skip(1))
            .try_fold(0, |sum, (from, to)| first_at(tx, *time, *from, *to).map(|first| sum + (first - from)))
    };
    times.iter().map(count).collect()
}

/// Where the time may go back: the start, the entries by which an operator overruled the clock, the end.
fn edges(tx: &Tx<'_>, size: u64) -> InTx<Vec<Seq>> {
    let sql = "SELECT seq FROM audit_entry INDEXED BY audit_entry_event WHERE event = $1 ORDER BY seq";
    let overruled = tx.query_all(sql, &[&Event::ClockAccepted.as_str()], |row| row.get::<_, i64>(0))?;
    let within = overruled.into_iter().map(i64::unsigned_abs).filter(|seq| *seq > 0 && *seq < size);
    Ok(std::iter::once(0).chain(within).chain([size]).collect())
}

/// The positions the search's times and its `before` allow, the newest first. More than one only where an operator
/// overruled the clock: there time went back, and on both sides it only grows.
fn ranges(tx: &Tx<'_>, search: &Search) -> InTx<Vec<Range>> {
    let size = store::size(tx)?;
    let end = search.before.map_or(size, |before| before.min(size));
    if search.since.is_none() && search.until.is_none() {
        return Ok(if end == 0 { vec![] } else { vec![Range { from: 0, to: end }] });
    }
    let edges = edges(tx, size)?;
    let mut ranges = Vec::new();
    for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
        let from = search.since.map_or(Ok(*from), |since| first_at(tx, since, *from, *to))?;
        let to = search.until.map_or(Ok(*to), |until| first_at(tx, until, from.min(*to), *to))?.min(end);
        if from < to {
            ranges.push(Range { from, to });
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The first position from `from` on whose time is not before `time`; `to` if there is none. Time only grows in
/// between.
fn first_at(tx: &Tx<'_>, time: Instant, mut from: Seq, mut to: Seq) -> InTx<Seq> {
    let sql = "SELECT time FROM audit_entry WHERE seq >= $1 ORDER BY seq LIMIT 1";
    while from < to {
        let middle = from + (to - from) / 2;
        let at: Option<i64> = tx.query_opt(sql, &[&stored(middle)], |row| row.get(0))?;
        if at.is_none_or(|at| at >= time.unix_millis()) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    Ok(from)
}
