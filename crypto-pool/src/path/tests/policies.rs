//! Certificate policies with SM2 paths; NIST's many cases are in `tests/pkits.rs`.

use super::maker::{Draft, Key, authority, extension, policies, sequence};
use super::*;

/// 1.2.3.n.
fn policy(n: u32) -> ObjectIdentifier {
    format!("1.2.3.{n}").parse().unwrap()
}

fn mappings(pairs: &[(ObjectIdentifier, ObjectIdentifier)]) -> Vec<u8> {
    let id = |id: ObjectIdentifier| tlv::write(tlv::OID, &[id.as_bytes()]);
    let pairs: Vec<Vec<u8>> = pairs.iter().map(|(from, to)| sequence(&[id(*from), id(*to)])).collect();
    extension(oid::POLICY_MAPPINGS, true, &sequence(&pairs))
}

/// A path below a root: for each certificate what it adds, from the top; the last one is the leaf's.
fn examine_path(levels: &[Vec<Vec<u8>>], asked: Policies<'_>) -> Report {
    let root = Draft::new("0", &Key::new(1), "0").with(authority()).signed(&Key::new(1));
    let names: Vec<String> = (0..=levels.len()).map(|n| n.to_string()).collect();
    let key = |n: usize| Key::new(u8::try_from(n).unwrap() + 1);
    let mut path: Vec<Cert> = (1..=levels.len())
        .map(|n| {
            let own = key(n);
            let draft = Draft::new(&names[n], &own, &names[n - 1]).with(authority());
            draft.with(levels[n - 1].iter().cloned()).signed(&key(n - 1))
        })
        .collect();
    let leaf = path.pop().unwrap();
    let options = Options { policies: asked, ..Options::default() };
    examine(&leaf, &path, &Anchors::new(vec![root]), at("2026-06-01T00:00:00Z"), &options)
}

fn verdict(levels: &[Vec<Vec<u8>>], asked: Policies<'_>) -> Result<Vec<ObjectIdentifier>, (usize, Problem)> {
    let report = examine_path(levels, asked);
    let failed = report.findings.iter().find_map(|one| Some((one.certificate, one.result.err()?)));
    failed.map_or(Ok(report.policies), Err)
}

#[test]
fn a_policy_that_is_demanded_must_be_in_every_certificate() {
    let asked = Policies { required: true, ..Policies::default() };
    let one = vec![policies(&[policy(1), policy(2)])];
    let two = vec![policies(&[policy(2), policy(3)])];
    assert_eq!(verdict(&[one.clone(), two.clone()], asked), Ok(vec![policy(2)]));
    assert_eq!(verdict(&[one.clone(), vec![policies(&[policy(3)])]], asked), Err((0, Problem::NoValidPolicy)));
    assert_eq!(verdict(&[vec![], two.clone()], asked), Err((1, Problem::NoValidPolicy)));
    assert_eq!(verdict(&[vec![], two.clone()], Policies::default()), Ok(vec![]));
    let acceptable = [policy(3)];
    let only_three = Policies { acceptable: &acceptable, ..asked };
    assert_eq!(verdict(&[one, two.clone()], only_three), Err((0, Problem::NoValidPolicy)));
    assert_eq!(verdict(&[vec![policies(&[oid::ANY_POLICY])], two], only_three), Ok(vec![policy(3)]));
}

#[test]
fn a_mapped_policy_is_known_by_its_name_at_the_top() {
    let top = vec![policies(&[policy(1)]), mappings(&[(policy(1), policy(7))])];
    let leaf = vec![policies(&[policy(7)])];
    let asked = Policies { required: true, ..Policies::default() };
    assert_eq!(verdict(&[top.clone(), leaf.clone()], asked), Ok(vec![policy(1)]));
    let inhibited = Policies { mapping_inhibited: true, ..asked };
    assert_eq!(verdict(&[top, leaf.clone()], inhibited), Err((0, Problem::NoValidPolicy)));
    let any = vec![policies(&[oid::ANY_POLICY]), mappings(&[(oid::ANY_POLICY, policy(7))])];
    assert_eq!(verdict(&[any, leaf], Policies::default()), Err((1, Problem::AnyPolicyMapped)));
}

#[test]
fn what_is_said_of_policies_must_be_readable() {
    let broken = vec![extension(oid::CERTIFICATE_POLICIES, false, &[0x30, 2, 5, 0])];
    assert_eq!(verdict(&[broken, vec![]], Policies::default()), Err((1, Problem::PolicyUnreadable)));
}

#[test]
fn mappings_of_everything_to_everything_do_not_grow() {
    // What made trees of 10^n nodes (CVE-2023-0464): ten policies, each mapped to all ten, on every level.
    let all: Vec<ObjectIdentifier> = (1..=10).map(policy).collect();
    let pairs: Vec<_> = all.iter().flat_map(|from| all.iter().map(|to| (*from, *to))).collect();
    let level = vec![policies(&all), mappings(&pairs)];
    let levels: Vec<Vec<Vec<u8>>> = (0..6).map(|_| level.clone()).chain([vec![policies(&all)]]).collect();
    let asked = Policies { required: true, ..Policies::default() };
    assert_eq!(verdict(&levels, asked), Ok(all));
}
