//! What a search of the log finds, and that it finds nothing else and leaves nothing out.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use ledger::audit::{Came, Entry, Found, Search};
use ledger::{EntryDraft, Importance, Outcome, Seq};
use pki_config::{Actor, Channel, ErrorCode, Event, Instant, Role, TenantId};
use support::{House, block_on, draft, noon};

fn by(person: &str) -> Actor {
    Actor::new(TenantId::house(), person, Role::RaOfficer, Channel::Https)
}

fn append(house: &House, drafts: Vec<EntryDraft>) {
    let log = house.log.clone();
    house
        .db
        .write_blocking(Importance::Normal, move |tx| {
            drafts.into_iter().try_for_each(|draft| log.append(tx, draft).map(|_| ()))
        })
        .unwrap();
}

fn page(house: &House, search: &Search) -> Found {
    block_on(house.log.search(search.clone())).unwrap()
}

/// Every page, one after another.
fn all(house: &House, search: &Search) -> Vec<Seq> {
    let (mut search, mut seqs) = (search.clone(), Vec::new());
    for _ in 0..1000 {
        let found = page(house, &search);
        for (seq, leaf) in &found.entries {
            assert_eq!(Entry::from_der(leaf).unwrap().seq, *seq);
        }
        seqs.extend(found.entries.iter().map(|(seq, _)| *seq));
        match found.next {
            Some(next) => assert!(search.before.replace(next).is_none_or(|before| next < before), "it goes on"),
            None => return seqs,
        }
    }
    panic!("the search does not end");
}

/// What the search should find, by reading the whole log.
fn expected(house: &House, search: &Search) -> Vec<Seq> {
    let mut seqs = Vec::new();
    house
        .log
        .export(0, |stored| {
            let entry = Entry::from_der(&stored.leaf).unwrap();
            let came = match entry.outcome.as_str() {
                "done" => Came::Done,
                "one-step" => Came::DoneInOneStep,
                _ => Came::Refused,
            };
            let fits = search.since.is_none_or(|since| entry.time >= since)
                && search.until.is_none_or(|until| entry.time < until)
                && search.event.as_ref().is_none_or(|event| *event == entry.event)
                && search.person.as_ref().is_none_or(|person| *person == entry.person)
                && (search.objects.is_empty() || search.objects.contains(&entry.object))
                && search.came.is_none_or(|wanted| wanted == came);
            if fits {
                seqs.push(entry.seq);
            }
            Ok::<_, ledger::AuditError>(())
        })
        .unwrap();
    seqs.reverse();
    seqs
}

/// A log of all kinds of entries, a second apart, with one place where an operator took the clock back.
fn varied(count: u64) -> House {
    let house = House::new();
    let events = [Event::CertificateIssued, Event::CertificateRevoked, Event::CrlPublished, Event::AccessDenied];
    // Of no pattern, and the same each time (a linear congruence; Knuth's constants).
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for turn in 0..count {
        house.clock.advance(Duration::from_secs(1));
        if turn == count / 2 {
            house.clock.set(noon().plus(Duration::from_secs(count / 4)));
            block_on(house.log.accept_clock(by("p-0"), b"the clock was ahead".to_vec())).unwrap();
            continue;
        }
        let event = events[usize::try_from(draw(4)).unwrap()];
        let outcome = match draw(5) {
            0 => Outcome::Refused(ErrorCode::Forbidden),
            1 => Outcome::DoneInOneStep,
            _ => Outcome::Done,
        };
        let actor = by(&format!("p-{}", draw(6)));
        let object = format!("object-{}", draw(9));
        append(&house, vec![EntryDraft { actor, event, outcome, ..draft(&object) }]);
    }
    house
}

#[test]
fn a_search_finds_exactly_what_reading_everything_finds() {
    let house = varied(300);
    let at = |second: u64| Some(noon().plus(Duration::from_secs(second)));
    let times: [(Option<Instant>, Option<Instant>); 5] =
        [(None, None), (at(100), None), (None, at(250)), (at(160), at(290)), (at(5000), None)];
    for limit in [9, 500] {
        for (since, until) in times {
            for event in [None, Some("cert.revoked"), Some("clock.accepted"), Some("no.such")] {
                for person in [None, Some("p-0"), Some("p-5"), Some("nobody")] {
                    for objects in [&[][..], &["object-3"], &["object-3", "clock", "object-1", "object-3"]] {
                        for came in [None, Some(Came::Done), Some(Came::DoneInOneStep), Some(Came::Refused)] {
                            let text = |word: Option<&str>| word.map(str::to_owned);
                            let (event, person) = (text(event), text(person));
                            let objects = objects.iter().map(|object| (*object).to_owned()).collect();
                            let search = Search { since, until, event, person, objects, came, before: None, limit };
                            assert_eq!(all(&house, &search), expected(&house, &search), "{search:?}");
                        }
                    }
                }
            }
        }
    }
    assert!(
        !expected(&house, &Search { person: Some("p-5".into()), came: Some(Came::Refused), ..Search::default() })
            .is_empty()
    );
}

#[test]
fn a_page_that_found_little_says_where_to_go_on() {
    let house = House::new();
    append(&house, vec![EntryDraft { outcome: Outcome::DoneInOneStep, ..draft("the one") }]);
    house.fill(9_000);
    let search = Search { came: Some(Came::DoneInOneStep), limit: 50, ..Search::default() };
    let first = page(&house, &search);
    assert!(first.entries.is_empty());
    assert_eq!(first.next, Some(9_001 - 4_000));
    assert_eq!(all(&house, &search), [0]);
}

#[test]
fn a_search_in_an_empty_log_finds_nothing() {
    let house = House::new();
    let nothing = Found { entries: vec![], next: None };
    assert_eq!(page(&house, &Search { limit: 50, ..Search::default() }), nothing);
    assert_eq!(page(&house, &Search { since: Some(noon()), limit: 50, ..Search::default() }), nothing);
    assert_eq!(block_on(house.log.events()).unwrap(), Vec::<String>::new());
}

#[test]
fn no_page_is_longer_than_the_most() {
    let house = House::new();
    house.fill(600);
    assert_eq!(page(&house, &Search { limit: u32::MAX, ..Search::default() }).entries.len(), 500);
    assert_eq!(page(&house, &Search { limit: 0, ..Search::default() }).entries.len(), 1);
}

#[test]
fn the_events_of_the_log_are_told_in_order() {
    let house = varied(60);
    let events = block_on(house.log.events()).unwrap();
    assert_eq!(events, ["access.denied", "cert.issued", "cert.revoked", "clock.accepted", "crl.published"]);
}

#[test]
fn entries_before_a_time_are_counted_also_where_the_clock_went_back() {
    let house = varied(300);
    let times: Vec<Instant> = [0, 1, 150, 200, 299, 301, 9000].map(|s| noon().plus(Duration::from_secs(s))).to_vec();
    let by_reading = times.iter().map(|until| {
        let search = Search { until: Some(*until), ..Search::default() };
        expected(&house, &search).len() as u64
    });
    let by_reading: Vec<u64> = by_reading.collect();
    assert_eq!(block_on(house.log.counts_before(times)).unwrap(), by_reading);
    assert_eq!(by_reading[0], 0);
    assert_eq!(by_reading[6], 300);
}
