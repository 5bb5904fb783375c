//! A list that is asked again and again: where each serial number stands.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tlv::{self, Reader};

/// A list is walked this often before it is put in order: ordering a million entries takes as long as some dozen walks.
const WALKS: u32 = 32;
/// Lists shorter than this are always walked. Unit: bytes.
const SHORT: usize = 16 * 1024;

/// Where the entries begin, in the order of their serial numbers. Four octets an entry, made when it pays.
#[derive(Default)]
pub(super) struct Index {
    asked: AtomicU32,
    order: OnceLock<Vec<u32>>,
}

impl Index {
    /// The bytes from the first entry of this serial number on; `None` if it is not listed.
    pub(super) fn find<'a>(&self, entries: &'a [u8], serial: &[u8]) -> Option<&'a [u8]> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.order.get().is_none() && (entries.len() < SHORT || asked < WALKS) {
            // Most lists are asked once: nothing is prepared for those.
            self.asked.fetch_min(WALKS, Ordering::Relaxed);
            let mut walk = Reader::new(entries);
            while let Ok(entry) = walk.expect(tlv::SEQUENCE, "CRL entry") {
                if serial_at(entry.whole) == Some(serial) {
                    return Some(entry.whole);
                }
            }
            return None;
        }
        let order = self.order.get_or_init(|| in_order(entries));
        let at = |place: &u32| entries.get(usize::try_from(*place).ok()?..);
        let first = order.partition_point(|place| at(place).and_then(serial_at) < Some(serial));
        order.get(first).and_then(at).filter(|entry| serial_at(entry) == Some(serial))
    }
}

fn in_order(entries: &[u8]) -> Vec<u32> {
    let mut order = Vec::new();
    let (mut walk, mut place) = (Reader::new(entries), 0_usize);
    while let Ok(entry) = walk.expect(tlv::SEQUENCE, "CRL entry") {
        // A list has at most 256 MiB.
        order.extend(u32::try_from(place));
        place += entry.whole.len();
    }
    let serial = |place: &u32| entries.get(usize::try_from(*place).unwrap_or(usize::MAX)..).and_then(serial_at);
    // Stable, so that of two entries of one number the first stays the first.
    order.sort_by(|one, other| serial(one).cmp(&serial(other)));
    order
}

/// The serial number of the entry these bytes begin with.
fn serial_at(bytes: &[u8]) -> Option<&[u8]> {
    let entry = Reader::new(bytes).expect(tlv::SEQUENCE, "CRL entry").ok()?;
    entry.inside().expect(tlv::INTEGER, "CRL entry serial").ok().map(|serial| serial.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_order_says_what_a_walk_says() {
        // Serial numbers of one and two octets, out of order, one of them twice with different dates.
        let entry = |serial: &[u8], day: u8| {
            let date = [b"2605".as_slice(), &[b'0' + day / 10, b'0' + day % 10], b"000000Z"].concat();
            tlv::write(tlv::SEQUENCE, &[&tlv::write(tlv::INTEGER, &[serial]), &tlv::write(tlv::UTC_TIME, &[&date])])
        };
        let mut entries = Vec::new();
        for n in (0..1200_u16).rev() {
            entries.extend(entry(&(n * 2 + 256).to_be_bytes(), 1));
        }
        entries.extend([entry(&[7], 3), entry(&[5], 2), entry(&[7], 4)].concat());
        assert!(entries.len() > SHORT);
        let index = Index::default();
        let asked: Vec<Vec<u8>> =
            (0..2700_u16).map(|n| n.to_be_bytes().to_vec()).chain([vec![7], vec![5], vec![6], vec![]]).collect();
        let walked: Vec<Option<Vec<u8>>> = asked
            .iter()
            .map(|serial| {
                Index::default().find(&entries, serial).map(|found| Reader::new(found).any().unwrap().whole.to_vec())
            })
            .collect();
        for (serial, walked) in asked.iter().zip(&walked) {
            let found = index.find(&entries, serial).map(|found| Reader::new(found).any().unwrap().whole.to_vec());
            assert_eq!(&found, walked, "{serial:?}");
        }
        assert!(index.order.get().is_some(), "it was put in order on the way");
        assert_eq!(walked.iter().flatten().count(), 1202);
        assert_eq!(walked[2700], Some(entry(&[7], 3)), "the first of two");
    }
}
