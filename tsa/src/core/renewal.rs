//! Evidence of archived tokens: many in one tree, stamped together, and stamped again before a certificate or
//! an algorithm ends.
//!
//! A *batch* is a run of archived tokens. Its first time-stamp is over the tree of their digests; each later one
//! is over the time-stamp before it, or, when the hash changes, over the tree of what RFC 4998 5.3 asks for of
//! every token. Nothing but those time-stamps is kept: the rest follows from the tokens, which the log holds.

use std::time::Duration;

use pki_config::Instant;
use pki_config::config::EvidenceConfig;

use super::digest;
use super::evidence::{BadRecord, EvidenceRecord, HashTree, Path};
use super::opened::OpenedToken;
use super::request::Hash;

/// In how many steps the tokens under a hash that ends are taken in: monthly, with the default of a year.
const STEPS: u32 = 12;

/// When evidence is renewed, and under which hash.
#[derive(Debug, Clone)]
pub struct Plan {
    hash: Hash,
    before: Duration,
    ends: Vec<(Hash, Instant)>,
}

impl Plan {
    /// As configured; `None` if a word or a date is none, which the configuration's own check refuses.
    #[must_use]
    pub fn new(config: &EvidenceConfig) -> Option<Self> {
        let end = |(word, at): (&String, &String)| Some((Hash::from_word(word)?, at.parse().ok()?));
        let ends = config.ends.iter().map(end).collect::<Option<Vec<_>>>()?;
        Some(Self { hash: Hash::from_word(&config.hash)?, before: config.before.duration(), ends })
    }

    /// With which hash it is stamped.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether what ends then is to be renewed now.
    #[must_use]
    pub fn is_due(&self, end: Instant, now: Instant) -> bool {
        end.minus(self.before) <= now
    }

    /// Whether this hash ends, so that its time-stamps need one with another.
    #[must_use]
    pub fn ends(&self, hash: Hash, now: Instant) -> bool {
        hash != self.hash && self.ends.iter().any(|(ending, end)| *ending == hash && self.is_due(*end, now))
    }

    /// Tokens made before this need evidence because a hash ends. It moves in twelve steps from when the end
    /// comes near to the end itself, and not with the clock: a moving limit would stamp its own stamps.
    #[must_use]
    pub fn limit(&self, now: Instant) -> Option<Instant> {
        let steps = |end: &Instant| {
            let (end, step) = (*end, self.before / STEPS);
            (0..=STEPS).map(move |left| end.minus(step * left))
        };
        self.ends.iter().flat_map(|(_, end)| steps(end)).filter(|moment| *moment <= now).max()
    }
}

/// One time-stamp over a batch.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Whether it began a new hash tree: the first does, and each that changes the hash.
    pub tree: bool,
    /// The time-stamp.
    pub token: OpenedToken,
}

/// What the next time-stamp over a batch must stamp under `hash`. `tokens` are the batch's, in their order.
///
/// # Errors
/// [`BadRecord`] if the generations do not fit the tokens, or there are no tokens.
pub fn next(tokens: &[Vec<u8>], generations: &[Generation], hash: Hash) -> Result<Vec<u8>, BadRecord> {
    let Some(newest) = generations.last() else { return root(hash, digests(hash, tokens)) };
    if newest.token.info.hash == Some(hash) {
        return Ok(digest::of(hash, newest.token.der()));
    }
    let records = records(tokens, generations, None)?;
    root(hash, leaves(hash, tokens, &records))
}

/// The record of the token at `place`, or of every token.
///
/// # Errors
/// [`BadRecord`] if the generations do not fit the tokens.
pub fn records(
    tokens: &[Vec<u8>],
    generations: &[Generation],
    place: Option<usize>,
) -> Result<Vec<EvidenceRecord>, BadRecord> {
    let (first, later) = generations.split_first().ok_or(BadRecord::Empty)?;
    let hash = first.token.info.hash.ok_or(BadRecord::UnknownHash)?;
    let digests = digests(hash, tokens);
    let tree = HashTree::new(hash, digests.clone()).ok_or(BadRecord::Empty)?;
    // A tree is over every record, so one record is enough only while there is no later tree.
    let alone = place.filter(|_| !later.iter().any(|generation| generation.tree));
    let places: Vec<usize> = alone.map_or_else(|| (0..tokens.len()).collect(), |place| vec![place]);
    let mut records = Vec::with_capacity(places.len());
    for place in &places {
        let digest = digests.get(*place).ok_or(BadRecord::Empty)?;
        records.push(EvidenceRecord::first(digest, tree.path(*place), first.token.clone())?);
    }
    for generation in later {
        if !generation.tree {
            for record in &mut records {
                record.renew(Path::default(), generation.token.clone())?;
            }
            continue;
        }
        let hash = generation.token.info.hash.ok_or(BadRecord::UnknownHash)?;
        let tree = HashTree::new(hash, leaves(hash, tokens, &records)).ok_or(BadRecord::Empty)?;
        for (at, (record, token)) in records.iter_mut().zip(tokens).enumerate() {
            record.renew_tree(&digest::of(hash, token), tree.path(at), generation.token.clone())?;
        }
    }
    match place.filter(|_| alone.is_none()) {
        Some(place) if place < records.len() => Ok(vec![records.swap_remove(place)]),
        Some(_) => Err(BadRecord::Empty),
        None => Ok(records),
    }
}

fn digests(hash: Hash, tokens: &[Vec<u8>]) -> Vec<Vec<u8>> {
    tokens.iter().map(|token| digest::of(hash, token)).collect()
}

/// What a new tree stands on: for each token its digest under the new hash with all older time-stamps.
fn leaves(hash: Hash, tokens: &[Vec<u8>], records: &[EvidenceRecord]) -> Vec<Vec<u8>> {
    let leaf = |(token, record): (&Vec<u8>, &EvidenceRecord)| record.tree_renewal(hash, &digest::of(hash, token));
    tokens.iter().zip(records).map(leaf).collect()
}

fn root(hash: Hash, leaves: Vec<Vec<u8>>) -> Result<Vec<u8>, BadRecord> {
    Ok(HashTree::new(hash, leaves).ok_or(BadRecord::Empty)?.root().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki_config::config::Seconds;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn plan(ends: &[(&str, &str)]) -> Plan {
        let ends = ends.iter().map(|(hash, end)| ((*hash).to_owned(), (*end).to_owned())).collect();
        Plan::new(&EvidenceConfig { hash: "sm3".to_owned(), before: Seconds(30 * 86_400), ends }).unwrap()
    }

    #[test]
    fn what_ends_within_the_time_before_is_due() {
        let plan = plan(&[]);
        assert!(plan.is_due(at("2030-01-31T00:00:00Z"), at("2030-01-01T00:00:00Z")));
        assert!(!plan.is_due(at("2030-01-31T00:00:01Z"), at("2030-01-01T00:00:00Z")));
    }

    #[test]
    fn a_hash_that_ends_moves_the_limit_in_steps_and_not_with_the_clock() {
        // 30 days before, in steps of two and a half.
        let plan = plan(&[("sha256", "2030-01-31T00:00:00Z")]);
        for (now, limit) in [
            ("2029-12-31T00:00:00Z", None),
            ("2030-01-01T00:00:00Z", Some("2030-01-01T00:00:00Z")),
            ("2030-01-03T11:59:59Z", Some("2030-01-01T00:00:00Z")),
            ("2030-01-03T12:00:00Z", Some("2030-01-03T12:00:00Z")),
            ("2030-01-30T23:00:00Z", Some("2030-01-28T12:00:00Z")),
            ("2040-01-01T00:00:00Z", Some("2030-01-31T00:00:00Z")),
        ] {
            assert_eq!(plan.limit(at(now)), limit.map(at), "{now}");
        }
        assert!(plan.ends(Hash::Sha256, at("2030-01-02T00:00:00Z")));
        assert!(
            !plan.ends(Hash::Sha256, at("2029-12-31T00:00:00Z"))
                && !plan.ends(Hash::Sha512, at("2040-01-01T00:00:00Z"))
        );
    }

    // Two files, stamped by OpenSSL (tests/data/renewals.sh): a tree, a renewal, and a new tree of the first alone.
    fn files() -> Vec<Vec<u8>> {
        vec![include_bytes!("../../tests/data/data.txt").to_vec(), b"another file\n".to_vec()]
    }

    fn generations() -> Vec<Generation> {
        let token = |der: &[u8]| OpenedToken::from_der(der).unwrap();
        vec![
            Generation { tree: true, token: token(include_bytes!("../../tests/data/tree.token")) },
            Generation { tree: false, token: token(include_bytes!("../../tests/data/renewal.token")) },
        ]
    }

    #[test]
    fn the_record_of_a_batch_is_the_one_made_by_hand() {
        let expected: &[u8] = include_bytes!("../../tests/data/data.txt.er");
        let one = records(&files(), &generations(), Some(0)).unwrap();
        assert_eq!((one.len(), one[0].to_der()), (1, expected.to_vec()));
        let all = records(&files(), &generations(), None).unwrap();
        assert_eq!((all.len(), all[0].to_der()), (2, expected.to_vec()));
        // The lowest list of hashes holds both, so the record of the second is the same.
        assert_eq!(all[1].to_der(), expected);
    }

    #[test]
    fn generations_that_do_not_fit_the_tokens_are_refused() {
        let other = vec![b"other".to_vec(), files()[1].clone()];
        assert_eq!(records(&other, &generations(), Some(0)).unwrap_err(), BadRecord::OtherImprint);
        assert_eq!(records(&files(), &generations(), Some(2)).unwrap_err(), BadRecord::Empty);
        assert_eq!(records(&files(), &generations()[1..], Some(0)).unwrap_err(), BadRecord::OtherImprint);
        assert_eq!(records(&files(), &[], Some(0)).unwrap_err(), BadRecord::Empty);
        assert_eq!(next(&[], &[], Hash::Sm3).unwrap_err(), BadRecord::Empty);
    }

    #[test]
    fn what_is_stamped_next_is_what_was_stamped_by_hand() {
        let all = generations();
        for count in 0..all.len() {
            let next = next(&files(), &all[..count], Hash::Sha256).unwrap();
            assert_eq!(next, all[count].token.info.digest, "generation {count}");
        }
        // The new tree of both: its first leaf is what OpenSSL stamped for the first file alone.
        let alone = OpenedToken::from_der(include_bytes!("../../tests/data/sha512.token")).unwrap();
        let second = &records(&files(), &all, Some(1)).unwrap()[0];
        let second = second.tree_renewal(Hash::Sha512, &digest::of(Hash::Sha512, &files()[1]));
        let mut leaves = [alone.info.digest, second];
        leaves.sort();
        assert_eq!(next(&files(), &all, Hash::Sha512).unwrap(), digest::of(Hash::Sha512, &leaves.concat()));
    }
}
