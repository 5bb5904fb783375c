//! The Merkle tree: its growing edge in memory, and proofs from stored hashes.
//!
//! Hashes are stored in tiles of 256: tile (level, index) holds the nodes at height 8·level from
//! place 256·index on. A tile is stored when it is full; its root is a node of the next level.

use super::proof::{Hash, empty_root, node_hash};

/// How many levels of the tree a tile spans.
pub(super) const TILE_HEIGHT: u32 = 8;
/// Hashes in a tile.
pub(super) const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// A full tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) level: u32,
    pub(super) index: u64,
    pub(super) hashes: Vec<Hash>,
    pub(super) root: Hash,
}

/// Where hashes at the heights of tile levels come from.
pub(super) trait Hashes {
    type Error;

    /// The nodes at height 8·level from place `from` to before `to`; the range never crosses a tile.
    fn hashes(&self, level: u32, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error>;
}

/// The right edge of a tree: all that is needed to append and to tell the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    size: u64,
    /// Roots of the whole subtrees the tree is made of, the largest first: one for each 1 in `size`.
    peaks: Vec<Hash>,
    /// By level, the hashes of the tile that is not full yet.
    tiles: Vec<Vec<Hash>>,
}

impl Edge {
    /// Of a tree without leaves.
    pub(super) fn new() -> Self {
        Self { size: 0, peaks: Vec::new(), tiles: vec![Vec::new()] }
    }

    /// Of the tree of the first `size` leaves, from stored hashes.
    pub(super) fn load<S: Hashes>(size: u64, source: &S) -> Result<Self, S::Error> {
        let mut edge = Self { size, peaks: Vec::new(), tiles: Vec::new() };
        let mut level = 0;
        loop {
            let count = size >> (TILE_HEIGHT * level);
            let from = count - count % TILE_WIDTH;
            edge.tiles.push(if from == count { Vec::new() } else { source.hashes(level, from, count)? });
            level += 1;
            if count < TILE_WIDTH {
                break;
            }
        }
        for tile in edge.tiles.iter().rev() {
            let mut rest = &tile[..];
            while !rest.is_empty() {
                let (whole, after) = rest.split_at(1 << rest.len().ilog2());
                edge.peaks.push(fold(whole));
                rest = after;
            }
        }
        Ok(edge)
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// The root (RFC 9162 2.1.1).
    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Appends a leaf hash. Each tile it fills goes to `full`; after an error from there this edge is
    /// not to be used any more.
    pub(super) fn push<E>(&mut self, leaf: Hash, mut full: impl FnMut(Tile) -> Result<(), E>) -> Result<(), E> {
        self.tiles[0].push(leaf);
        let mut hash = leaf;
        let mut height = 0;
        while self.size >> height & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            height += 1;
            if height % TILE_HEIGHT == 0 {
                let level = height / TILE_HEIGHT;
                let below = level as usize - 1;
                let hashes = std::mem::replace(&mut self.tiles[below], Vec::with_capacity(TILE_WIDTH as usize));
                if self.tiles.len() == level as usize {
                    self.tiles.push(Vec::new());
                }
                self.tiles[level as usize].push(hash);
                full(Tile { level: level - 1, index: self.size >> height, hashes, root: hash })?;
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        Ok(())
    }
}

/// The root of a whole subtree, from its nodes of one height; their number is a power of two.
pub(super) fn fold(nodes: &[Hash]) -> Hash {
    match nodes {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            node_hash(&fold(left), &fold(right))
        }
    }
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The hash of the tree over leaves `from` to before `to`, with `from` a multiple of the next power of two.
pub(super) fn range_root<S: Hashes>(from: u64, to: u64, source: &S) -> Result<Hash, S::Error> {
    let n = to - from;
    if n == 0 {
        return Ok(empty_root());
    }
    if n.is_power_of_two() {
        let level = n.ilog2() / TILE_HEIGHT;
        let shift = level * TILE_HEIGHT;
        return Ok(fold(&source.hashes(level, from >> shift, to >> shift)?));
    }
    let middle = from + split(n);
    Ok(node_hash(&range_root(from, middle, source)?, &range_root(middle, to, source)?))
}

/// PATH(m, D_n) of RFC 9162 2.1.3.1; `place` is below `size`.
pub(super) fn inclusion_path<S: Hashes>(place: u64, size: u64, source: &S) -> Result<Vec<Hash>, S::Error> {
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if place < middle {
            path.push(range_root(middle, to, source)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, source)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// PROOF(m, D_n) of RFC 9162 2.1.4.1; empty if `old` is 0 or equals `new`; `old` is at most `new`.
pub(super) fn consistency_path<S: Hashes>(old: u64, new: u64, source: &S) -> Result<Vec<Hash>, S::Error> {
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    // While nothing was left out on the left, the verifier knows the old root itself.
    let mut known = true;
    let mut path = Vec::new();
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range_root(middle, to, source)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, source)?);
            from = middle;
            known = false;
        }
    }
    if !known {
        path.push(range_root(from, to, source)?);
    }
    path.reverse();
    Ok(path)
}

#[cfg(test)]
mod tests;
