//! Putting the value of a signature into the place that was kept for it. Reads nothing foreign: it writes into what
//! was prepared.

use super::{Hole, Prepared, Refused};

/// What every entry of a package says of itself: version 2.0, names in UTF-8, stored, 1 January 1980.
const STORED: [u8; 10] = [20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];

impl Prepared {
    /// The document with the value of its signature.
    ///
    /// # Errors
    /// [`Refused::NoRoom`] if the value is longer than what was kept for it; [`Refused::TooLarge`] if a package
    /// would pass four gigabytes or 65,534 entries.
    pub fn finish(mut self, value: &[u8]) -> Result<Vec<u8>, Refused> {
        match self.hole {
            Hole::Pdf { start, digits } => {
                let end = start.checked_add(digits).ok_or(Refused::NoRoom)?;
                let hole = self.document.get_mut(start..end).ok_or(Refused::NoRoom)?;
                let (used, padding) =
                    hole.split_at_mut_checked(value.len().saturating_mul(2)).ok_or(Refused::NoRoom)?;
                for (pair, octet) in used.chunks_exact_mut(2).zip(value) {
                    pair.copy_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
                }
                padding.fill(b'0');
                Ok(self.document)
            }
            Hole::Ofd { name, directory, entries } => append(self.document, &name, value, directory, entries),
        }
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// One more stored entry, the directory and its end (APPNOTE.TXT 4.3).
fn append(
    mut package: Vec<u8>,
    name: &str,
    value: &[u8],
    mut directory: Vec<u8>,
    entries: u32,
) -> Result<Vec<u8>, Refused> {
    let large = || Refused::TooLarge("package".to_owned());
    let count = u16::try_from(entries.saturating_add(1)).ok().filter(|count| *count < u16::MAX).ok_or_else(large)?;
    let offset = u32::try_from(package.len()).map_err(|_| large())?;
    let length = u32::try_from(value.len()).map_err(|_| large())?;
    let name_length = u16::try_from(name.len()).map_err(|_| large())?;
    let mut same = STORED.to_vec();
    same.extend(crc32fast::hash(value).to_le_bytes());
    same.extend(length.to_le_bytes());
    same.extend(length.to_le_bytes());
    same.extend(name_length.to_le_bytes());
    same.extend([0, 0]);

    package.extend(b"PK\x03\x04");
    package.extend(&same);
    package.extend(name.as_bytes());
    package.extend(value);

    directory.extend(b"PK\x01\x02\x14\x00");
    directory.extend(&same);
    // No comment, first disk, no attributes.
    directory.extend([0; 10]);
    directory.extend(offset.to_le_bytes());
    directory.extend(name.as_bytes());

    let start = u32::try_from(package.len()).map_err(|_| large())?;
    let size = u32::try_from(directory.len()).map_err(|_| large())?;
    package.extend(directory);
    package.extend(b"PK\x05\x06\0\0\0\0");
    package.extend(count.to_le_bytes());
    package.extend(count.to_le_bytes());
    package.extend(size.to_le_bytes());
    package.extend(start.to_le_bytes());
    package.extend([0, 0]);
    if u32::try_from(package.len()).is_err() {
        return Err(large());
    }
    Ok(package)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::core::facts::Hash;

    fn prepared(hole: Hole, document: &[u8]) -> Prepared {
        let (digest, property, stamps) = (Vec::new(), String::new(), Vec::new());
        Prepared { hole, hash: Hash::Sm3, digest, property, stamps, document: document.to_vec() }
    }

    #[test]
    fn a_value_fills_its_digits_and_zeros_the_rest() {
        let hole = Hole::Pdf { start: 3, digits: 8 };
        assert_eq!(
            prepared(hole.clone(), b"a <xxxxxxxx> b").finish(&[0xde, 0x0a, 0x9f]),
            Ok(b"a <de0a9f00> b".to_vec())
        );
        assert_eq!(prepared(hole.clone(), b"a <xxxxxxxx> b").finish(&[1; 4]), Ok(b"a <01010101> b".to_vec()));
        assert_eq!(prepared(hole.clone(), b"a <xxxxxxxx> b").finish(&[1; 5]), Err(Refused::NoRoom));
        assert_eq!(prepared(hole, b"a <xxxx").finish(&[1]), Err(Refused::NoRoom));
    }

    #[test]
    fn a_package_gets_its_last_entry_and_its_directory() {
        let name = "Doc_0/Signs/Sign_0/签名.dat";
        let hole = Hole::Ofd { name: name.to_owned(), directory: Vec::new(), entries: 0 };
        let package = prepared(hole, b"").finish(b"the value").unwrap();
        let mut read = zip::ZipArchive::new(std::io::Cursor::new(package)).unwrap();
        assert_eq!(read.len(), 1);
        let mut value = Vec::new();
        read.by_name(name).unwrap().read_to_end(&mut value).unwrap();
        assert_eq!(value, b"the value");
    }

    #[test]
    fn a_package_with_too_many_entries_is_refused() {
        let hole = Hole::Ofd { name: "a".to_owned(), directory: Vec::new(), entries: 65_534 };
        assert_eq!(prepared(hole, b"").finish(b""), Err(Refused::TooLarge("package".to_owned())));
    }
}
