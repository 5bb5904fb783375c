//! Proofs and how a stranger checks them: pure functions over SM3 hashes, no database.
//!
//! Source: RFC 9162 2.1, with SM3 as HASH.

use engine::sm3;

use super::Seq;

/// A hash in the tree.
pub type Hash = [u8; 32];

/// That an entry is in the log of a checkpoint (RFC 9162 2.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's position.
    pub seq: Seq,
    /// The size of the tree.
    pub size: u64,
    /// Sibling hashes, leaf upwards.
    pub path: Vec<Hash>,
}

/// That a log only grew from one size to another (RFC 9162 2.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub old: u64,
    /// The larger size.
    pub new: u64,
    /// The hashes of RFC 9162 2.1.4.1.
    pub path: Vec<Hash>,
}

/// The root of a tree without leaves: the hash of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sm3::hash(b"")
}

/// The hash of a node: SM3(01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sm3::hash(&node(left, right))
}

fn node(left: &Hash, right: &Hash) -> [u8; 65] {
    let mut node = [1; 65];
    node[1..33].copy_from_slice(left);
    node[33..].copy_from_slice(right);
    node
}

/// The root of the tree over these leaf hashes (RFC 9162 2.1.1). A node without a sibling moves up as it is,
/// which gives the tree of the standard: its left half is the largest power of two below the whole.
#[must_use]
pub fn tree_root(leaves: &[Hash]) -> Hash {
    if leaves.is_empty() {
        return empty_root();
    }
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        // As `node_hash`, many at a time.
        let pairs = level.chunks_exact(2);
        let alone = pairs.remainder().first().copied();
        let nodes: Vec<[u8; 65]> = pairs.map(|pair| node(&pair[0], &pair[1])).collect();
        level = sm3::hash_many(&nodes.iter().map(<[u8; 65]>::as_slice).collect::<Vec<_>>());
        level.extend(alone);
    }
    level[0]
}

/// Whether the proof leads from this leaf hash to this root (RFC 9162 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, proof: &InclusionProof, root: &Hash) -> bool {
    if proof.seq >= proof.size {
        return false;
    }
    let (mut place, mut last) = (proof.seq, proof.size - 1);
    let mut hash = *leaf;
    for sibling in &proof.path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // At the right edge, go up to where this node has a right sibling again or is a right child.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the proof shows that the tree of `new_root` begins with that of `old_root` (RFC 9162 2.1.4.2).
///
/// From size 0 every log has grown; of two equal sizes the roots must be equal; both with an empty path.
#[must_use]
pub fn verify_consistency(proof: &ConsistencyProof, old_root: &Hash, new_root: &Hash) -> bool {
    if proof.old > proof.new {
        return false;
    }
    if proof.old == 0 {
        return proof.path.is_empty() && *old_root == empty_root();
    }
    if proof.old == proof.new {
        return proof.path.is_empty() && old_root == new_root;
    }
    // A whole old tree is itself the first node.
    let mut path = proof.path.iter();
    let first = if proof.old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut place, mut last) = (proof.old - 1, proof.new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*first, *first);
    for hash in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}
