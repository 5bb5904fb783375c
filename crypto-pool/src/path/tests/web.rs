//! Paths that are not a line: crosses, loops, parallel chains, and how much they may cost.

use super::maker::{Draft, Key, authority, entry, list};
use super::*;

fn authority_of(subject: &str, key: u8, issuer: &str, by: u8) -> Cert {
    Draft::new(subject, &Key::new(key), issuer).serial(key).with(authority()).signed(&Key::new(by))
}

fn leaf_of(issuer: &str, by: u8) -> Cert {
    Draft::new("leaf", &Key::new(99), issuer).serial(9).signed(&Key::new(by))
}

fn judge(leaf: &Cert, given: &[Cert], anchors: &[Cert], options: &Options<'_>) -> Result<usize, Problem> {
    let anchors = Anchors::new(anchors.to_vec());
    let chain = validate(leaf, given, &anchors, at("2026-06-01T00:00:00Z"), options);
    chain.map(|chain| chain.certificates().len()).map_err(|error| error.problem)
}

fn plainly(leaf: &Cert, given: &[Cert], anchors: &[Cert]) -> Result<usize, Problem> {
    judge(leaf, given, anchors, &Options::default())
}

#[test]
fn a_cross_certificate_leads_to_another_root() {
    let (old, new) = (authority_of("old", 1, "old", 1), authority_of("new", 2, "new", 2));
    let cross = authority_of("new", 2, "old", 1);
    let leaf = leaf_of("new", 2);
    assert_eq!(plainly(&leaf, std::slice::from_ref(&cross), std::slice::from_ref(&old)), Ok(3));
    assert_eq!(plainly(&leaf, &[cross], std::slice::from_ref(&new)), Ok(2));
    assert_eq!(plainly(&leaf, &[new], &[old]), Err(Problem::NoIssuer));
}

#[test]
fn authorities_that_certify_each_other_lead_nowhere() {
    let given = [authority_of("a", 1, "b", 2), authority_of("b", 2, "a", 1), authority_of("b", 2, "b", 2)];
    let root = authority_of("root", 3, "root", 3);
    assert_eq!(plainly(&leaf_of("a", 1), &given, std::slice::from_ref(&root)), Err(Problem::NoIssuer));
    // With a way out, it is found whatever the order.
    let out = authority_of("b", 2, "root", 3);
    for turned in 0..4 {
        let mut given: Vec<Cert> = given.iter().chain([&out]).cloned().collect();
        given.rotate_left(turned);
        assert_eq!(plainly(&leaf_of("a", 1), &given, std::slice::from_ref(&root)), Ok(4), "turned by {turned}");
    }
}

#[test]
fn of_parallel_chains_one_that_is_sound_is_enough() {
    let root = authority_of("root", 1, "root", 1);
    let key = Key::new(2);
    let draft = || Draft::new("middle", &key, "root").with(authority());
    let sound = draft().serial(1).signed(&Key::new(1));
    let expired = draft().serial(2).valid(["20250101", "0101"]).signed(&Key::new(1));
    let no_authority = Draft::new("middle", &key, "root").serial(3).signed(&Key::new(1));
    let forged = draft().serial(4).signed(&Key::new(7));
    let leaf = leaf_of("middle", 2);
    let all = [forged.clone(), no_authority.clone(), expired.clone(), sound.clone()];
    assert_eq!(plainly(&leaf, &all, std::slice::from_ref(&root)), Ok(3));
    let crls = [list("root", &Key::new(1), ["0501", "20301231"], &[entry(1, "0502", 1, &[])], &[])];
    let options = Options { revocation: Revocation::WhereKnown, crls: &crls, ..Options::default() };
    let revoked = judge(&leaf, &all, std::slice::from_ref(&root), &options);
    assert!(revoked.is_err(), "the sound one is revoked: {revoked:?}");
    let other = draft().serial(5).signed(&Key::new(1));
    let all = [forged, no_authority, expired, sound, other];
    assert_eq!(judge(&leaf, &all, &[root], &options), Ok(3), "and another one is not");
}

#[test]
fn a_path_of_eight_is_sought_and_no_longer_one() {
    // Authority 1 is the root; authority n is certified by n - 1.
    let names: Vec<String> = (0..=9).map(|n| format!("authority {n}")).collect();
    let certified = |n: u8| {
        let by = n.saturating_sub(1).max(1);
        authority_of(&names[usize::from(n)], n, &names[usize::from(by)], by)
    };
    let line: Vec<Cert> = (1..=8).map(certified).collect();
    assert_eq!(plainly(&leaf_of(&names[7], 7), &line[1..], &line[..1]), Ok(8));
    assert_eq!(plainly(&leaf_of(&names[8], 8), &line[1..], &line[..1]), Err(Problem::NoIssuer));
}

#[test]
fn a_thicket_of_sound_signatures_is_left_after_sixty_four() {
    // Six floors of six certificates each; every certificate of a floor could have issued every one below, and did:
    // 6^6 paths, none of which reaches the anchor.
    let names: Vec<String> = (0..=7).map(|floor| format!("floor {floor}")).collect();
    let mut given = Vec::new();
    for floor in 1..=6_usize {
        for number in 0..6_u8 {
            // The same key all over a floor, so that every signature is right; other serials, so other certificates.
            let (key, above) = (Key::new(floor as u8), Key::new(floor as u8 + 1));
            let draft = Draft::new(&names[floor], &key, &names[floor + 1]).serial(number).with(authority());
            given.push(draft.signed(&above));
        }
    }
    let root = authority_of("root", 77, "root", 77);
    let spent = Cell::new(0);
    let (at, options) = (at("2026-06-01T00:00:00Z"), Options::default());
    let anchors = std::slice::from_ref(&root);
    let seeking = Seeking { intermediates: &given, anchors, at, until: at, options: &options, depth: 0, spent: &spent };
    let report = seeking.examine(&leaf_of(&names[1], 1));
    assert_eq!(report.findings[0].result, Err(Problem::TooLong));
    assert!(spent.get() <= 128, "{} signatures", spent.get());
}

#[test]
fn lists_nobody_signed_do_not_cost_without_bound() {
    let root = authority_of("root", 1, "root", 1);
    // Many lists under the root's name, and many signers under that name.
    let forged: Vec<Crl> = (0..200).map(|_| list("root", &Key::new(7), ["0501", "20301231"], &[], &[])).collect();
    let signers: Vec<Cert> = (10..60).map(|n| authority_of("root", n, "root", n)).collect();
    let spent = Cell::new(0);
    let at = at("2026-06-01T00:00:00Z");
    let options = Options { revocation: Revocation::Required, crls: &forged, ..Options::default() };
    let anchors = std::slice::from_ref(&root);
    let seeking =
        Seeking { intermediates: &signers, anchors, at, until: at, options: &options, depth: 0, spent: &spent };
    assert!(!seeking.examine(&leaf_of("root", 1)).is_valid());
    // What is asked for beyond the bound is counted and refused.
    assert!(spent.get() > 512, "{}", spent.get());
}
