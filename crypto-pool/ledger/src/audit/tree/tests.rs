//! The tree against the definitions of RFC 9162 2.1, written down as they stand there.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::audit::leaf_hash;
use crate::audit::proof::{ConsistencyProof, InclusionProof, verify_consistency, verify_inclusion};

/// MTH(D_n) of RFC 9162 2.1.1.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => engine::sm3::hash(b""),
        [one] => *one,
        _ => {
            let k = largest_power_below(leaves.len());
            let both = [&[1][..], &mth(&leaves[..k]), &mth(&leaves[k..])].concat();
            engine::sm3::hash(&both)
        }
    }
}

/// PATH(m, D_n) of RFC 9162 2.1.3.1.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = largest_power_below(leaves.len());
    let (mut path, sibling) =
        if m < k { (path(m, &leaves[..k]), mth(&leaves[k..])) } else { (path(m - k, &leaves[k..]), mth(&leaves[..k])) };
    path.push(sibling);
    path
}

/// SUBPROOF(m, D_n, b) of RFC 9162 2.1.4.1.
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = largest_power_below(leaves.len());
    let (mut proof, sibling) = if m <= k {
        (subproof(m, &leaves[..k], whole), mth(&leaves[k..]))
    } else {
        (subproof(m - k, &leaves[k..], false), mth(&leaves[..k]))
    };
    proof.push(sibling);
    proof
}

fn largest_power_below(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// Leaves, and the nodes above them where tiles begin, worked out by definition.
struct Reference {
    levels: Vec<Vec<Hash>>,
}

impl Reference {
    fn new(size: usize) -> Self {
        let mut levels = vec![(0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect::<Vec<_>>()];
        while let Some(below) = levels.last().filter(|below| below.len() >= 256) {
            let above = below.chunks_exact(256).map(mth).collect();
            levels.push(above);
        }
        Self { levels }
    }

    fn leaves(&self, size: usize) -> &[Hash] {
        &self.levels[0][..size]
    }
}

impl Hashes for Reference {
    type Error = Infallible;

    fn hashes(&self, level: u32, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
        assert_eq!(from / 256, (to - 1) / 256, "a range never crosses a tile");
        Ok(self.levels[level as usize][from as usize..to as usize].to_vec())
    }
}

/// Sizes at which something changes: small ones, and around tile borders.
fn sizes(most: usize) -> impl Iterator<Item = usize> {
    (0..=70).chain([127, 128, 129, 255, 256, 257, 511, 512, 513, 767, 1000]).filter(move |size| *size <= most)
}

#[test]
fn every_edge_has_the_root_of_the_definition() {
    let reference = Reference::new(66_000);
    let mut edge = Edge::new();
    let mut tiles = Vec::new();
    for (size, leaf) in (0_usize..).zip(reference.leaves(66_000)) {
        if size <= 600 || [65_535, 65_536, 65_537, 65_791, 65_792, 65_793].contains(&size) {
            assert_eq!(edge.root(), mth(reference.leaves(size)), "{size}");
            assert_eq!(Edge::load(size as u64, &reference), Ok(edge.clone()), "{size}");
        }
        edge.push(*leaf, |tile| {
            tiles.push(tile);
            Ok::<_, Infallible>(())
        })
        .unwrap();
    }
    assert_eq!(edge.size(), 66_000);
    assert_eq!(tiles.len(), 66_000 / 256 + 1, "257 tiles of leaves and one above");
    for tile in tiles {
        let (level, index) = (tile.level as usize, tile.index as usize);
        assert_eq!(tile.hashes, reference.levels[level][index * 256..][..256]);
        assert_eq!(tile.root, reference.levels[level + 1][index]);
    }
}

#[test]
fn an_edge_that_was_loaded_grows_like_one_that_was_not() {
    let reference = Reference::new(1100);
    for start in [0, 1, 255, 256, 257, 511, 700] {
        let mut edge = Edge::load(start, &reference).unwrap();
        for leaf in &reference.leaves(1100)[start as usize..] {
            edge.push(*leaf, |_| Ok::<_, Infallible>(())).unwrap();
        }
        assert_eq!(edge.root(), mth(reference.leaves(1100)), "{start}");
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_definition_and_verify() {
    let reference = Reference::new(1000);
    for size in sizes(1000).skip(1) {
        let leaves = reference.leaves(size);
        let root = mth(leaves);
        let places: Vec<usize> =
            if size <= 70 { (0..size).collect() } else { vec![0, 1, size / 2, size - 2, size - 1] };
        for place in places {
            let proof = inclusion_path(place as u64, size as u64, &reference).unwrap();
            assert_eq!(proof, path(place, leaves), "{place} of {size}");
            let proof = InclusionProof { seq: place as u64, size: size as u64, path: proof };
            assert!(verify_inclusion(&leaves[place], &proof, &root), "{place} of {size}");
        }
    }
}

#[test]
fn consistency_proofs_are_those_of_the_definition_and_verify() {
    let reference = Reference::new(1000);
    for new in sizes(1000) {
        let root = mth(reference.leaves(new));
        for old in sizes(new) {
            let old_root = mth(reference.leaves(old));
            let path = consistency_path(old as u64, new as u64, &reference).unwrap();
            if old > 0 {
                assert_eq!(path, subproof(old, reference.leaves(new), true), "{old} to {new}");
            }
            let proof = ConsistencyProof { old: old as u64, new: new as u64, path };
            assert!(verify_consistency(&proof, &old_root, &root), "{old} to {new}");
        }
    }
}

#[test]
fn a_proof_for_another_place_size_or_root_is_refused() {
    let reference = Reference::new(70);
    for size in 1..=70_u64 {
        let leaves = reference.leaves(size as usize);
        let root = mth(leaves);
        for seq in 0..size {
            let path = inclusion_path(seq, size, &reference).unwrap();
            for other in (0..size).filter(|other| *other != seq) {
                let moved = InclusionProof { seq: other, size, path: path.clone() };
                assert!(!verify_inclusion(&leaves[seq as usize], &moved, &root), "{seq} as {other} of {size}");
            }
            let mut longer = InclusionProof { seq, size, path: path.clone() };
            longer.path.push([0; 32]);
            assert!(!verify_inclusion(&leaves[seq as usize], &longer, &root));
            let outside = InclusionProof { seq: size, size, path: path.clone() };
            assert!(!verify_inclusion(&leaves[seq as usize], &outside, &root));
            if !path.is_empty() {
                let shorter = InclusionProof { seq, size, path: path[1..].to_vec() };
                assert!(!verify_inclusion(&leaves[seq as usize], &shorter, &root));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_consistency_proof_with_a_bit_flipped_is_refused(old in 1_u64..300, more in 1_u64..300, bit in any::<usize>()) {
        let new = old + more;
        let reference = Reference::new(new as usize);
        let roots = [mth(reference.leaves(old as usize)), mth(reference.leaves(new as usize))];
        let mut proof = ConsistencyProof { old, new, path: consistency_path(old, new, &reference).unwrap() };
        prop_assert!(verify_consistency(&proof, &roots[0], &roots[1]));
        prop_assert!(!verify_consistency(&proof, &roots[1], &roots[0]));
        let bit = bit % (proof.path.len() * 256);
        proof.path[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify_consistency(&proof, &roots[0], &roots[1]));
    }

    #[test]
    fn arbitrary_proofs_never_panic(seq in any::<u64>(), size in any::<u64>(), length in 0_usize..70) {
        let path = vec![[7; 32]; length];
        let _ = verify_inclusion(&[1; 32], &InclusionProof { seq, size, path: path.clone() }, &[2; 32]);
        let proof = ConsistencyProof { old: seq.min(size), new: seq.max(size), path };
        prop_assert!(!verify_consistency(&proof, &[1; 32], &[2; 32]));
    }
}
