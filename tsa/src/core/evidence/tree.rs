//! Hash trees (RFC 4998 4): many digests under one, and the few digests that lead from one to the root.

use crypto_pool::tlv::{BadDer, OCTET_STRING, SEQUENCE, Tlv, bad};

use crate::core::digest::Digester;
use crate::core::request::Hash;

/// Most lists in a path, and most digests in one.
const MOST: usize = 4096;

/// The hash lists that lead from one digest to the root (`reducedHashtree`). Empty if the digest is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<Vec<Vec<u8>>>);

impl Path {
    pub(super) fn lists(&self) -> &[Vec<Vec<u8>>] {
        &self.0
    }

    /// From `[2] SEQUENCE OF SEQUENCE OF OCTET STRING`.
    pub(super) fn read(whole: Tlv<'_>) -> Result<Self, BadDer> {
        let mut lists = Vec::new();
        let mut outer = whole.inside();
        while !outer.is_empty() {
            let mut inner = outer.expect(SEQUENCE, "hash list")?.inside();
            let mut list = Vec::new();
            while !inner.is_empty() {
                list.push(inner.expect(OCTET_STRING, "hash")?.value.to_vec());
                if list.len() > MOST {
                    return bad("too many hashes");
                }
            }
            lists.push(list);
            if lists.len() > MOST {
                return bad("too many hash lists");
            }
        }
        Ok(Self(lists))
    }

    /// Where the path leads from `digest`; `None` if it does not begin there (RFC 4998 4.3).
    #[must_use]
    pub fn root(&self, hash: Hash, digest: &[u8]) -> Option<Vec<u8>> {
        let Some((first, rest)) = self.0.split_first() else { return Some(digest.to_vec()) };
        if !first.iter().any(|one| one == digest) {
            return None;
        }
        let mut node = joined(hash, first.iter().map(Vec::as_slice));
        for list in rest {
            node = joined(hash, list.iter().map(Vec::as_slice).chain([node.as_slice()]));
        }
        Some(node)
    }
}

/// The digest of a node: its children in binary ascending order, one after the other.
fn joined<'a>(hash: Hash, children: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut children: Vec<&[u8]> = children.collect();
    children.sort_unstable();
    let mut digester = Digester::new(hash);
    children.iter().for_each(|child| digester.update(child));
    digester.finish()
}

/// A tree over digests, two children to a node.
#[derive(Debug, Clone)]
pub struct HashTree {
    /// From the leaves to the root.
    levels: Vec<Vec<Vec<u8>>>,
}

impl HashTree {
    /// Over these digests; `None` if there are none.
    #[must_use]
    pub fn new(hash: Hash, leaves: Vec<Vec<u8>>) -> Option<Self> {
        if leaves.is_empty() {
            return None;
        }
        let mut levels = vec![leaves];
        while let Some(last) = levels.last().filter(|last| last.len() > 1) {
            // One that is left over goes up as it is.
            let node = |pair: &[Vec<u8>]| match pair {
                [alone] => alone.clone(),
                pair => joined(hash, pair.iter().map(Vec::as_slice)),
            };
            let next: Vec<Vec<u8>> = last.chunks(2).map(node).collect();
            levels.push(next);
        }
        Some(Self { levels })
    }

    /// What is to be stamped.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        self.levels.last().and_then(|level| level.first()).map_or(&[], Vec::as_slice)
    }

    /// The path of the leaf at `place`; empty for a place that is none.
    #[must_use]
    pub fn path(&self, place: usize) -> Path {
        let mut lists: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut at = place;
        for level in &self.levels {
            if let (Some(one), Some(sibling)) = (level.get(at), level.get(at ^ 1)) {
                // The first list holds the leaf itself; a leaf that went up alone begins further up.
                let mut list =
                    if lists.is_empty() { vec![one.clone(), sibling.clone()] } else { vec![sibling.clone()] };
                list.sort_unstable();
                lists.push(list);
            }
            at /= 2;
        }
        Path(lists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::digest::of;

    fn leaf(n: u8) -> Vec<u8> {
        of(Hash::Sha256, &[n])
    }

    #[test]
    fn the_tree_of_three_is_that_of_rfc_4998_figure_1() {
        // h12 = H(h1, h2 sorted); root = H(h12, h3 sorted).
        let (h1, h2, h3) = (leaf(1), leaf(2), leaf(3));
        let mut pair = [h1.clone(), h2.clone()];
        pair.sort();
        let h12 = of(Hash::Sha256, &pair.concat());
        let mut top = [h12, h3.clone()];
        top.sort();
        let tree = HashTree::new(Hash::Sha256, vec![h1, h2, h3]).unwrap();
        assert_eq!(tree.root(), of(Hash::Sha256, &top.concat()));
    }

    #[test]
    fn every_path_of_every_tree_leads_to_its_root() {
        for count in 1..20_u8 {
            let leaves: Vec<Vec<u8>> = (0..count).map(leaf).collect();
            let tree = HashTree::new(Hash::Sha256, leaves.clone()).unwrap();
            for (place, leaf) in leaves.iter().enumerate() {
                let path = tree.path(place);
                assert_eq!(path.root(Hash::Sha256, leaf).as_deref(), Some(tree.root()), "{place} of {count}");
                let other = path.root(Hash::Sha256, &of(Hash::Sha256, b"other"));
                assert_ne!(other.as_deref(), Some(tree.root()), "{place} of {count}");
            }
        }
    }

    #[test]
    fn an_empty_tree_is_none() {
        assert!(HashTree::new(Hash::Sm3, Vec::new()).is_none());
    }
}
