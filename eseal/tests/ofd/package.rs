//! Packages that are more than one document, or no package at all. Made octet by octet, since no library makes them.

use eseal::core::finding::Check;
use eseal::core::job::{Limits, Refused};
use eseal::core::ofd;

use crate::paper::{document, failures, on_first_page, order, parts, sealed};

/// An entry as it is to be written: what the local header says, what the directory says.
#[derive(Clone)]
struct Raw {
    local_name: String,
    name: String,
    data: Vec<u8>,
    flags: u16,
    method: u16,
    size: u32,
    /// Octets behind the data: a descriptor, or what should not be there.
    behind: Vec<u8>,
    /// Whether the directory names it.
    listed: bool,
}

fn raw(name: &str, data: &[u8]) -> Raw {
    let (local_name, name) = (name.to_owned(), name.to_owned());
    let size = data.len() as u32;
    Raw { local_name, name, data: data.to_vec(), flags: 0, method: 0, size, behind: Vec::new(), listed: true }
}

fn crc(data: &[u8]) -> u32 {
    // CRC-32 as in ISO 3309, bit by bit.
    !data.iter().fold(!0_u32, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn write(entries: &[Raw]) -> Vec<u8> {
    let (mut package, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for entry in entries {
        let offset = package.len() as u32;
        let head = |name: &str| {
            let mut head = vec![20, 0];
            head.extend(entry.flags.to_le_bytes());
            head.extend(entry.method.to_le_bytes());
            head.extend([0, 0, 0x21, 0]);
            head.extend(crc(&entry.data).to_le_bytes());
            head.extend((entry.data.len() as u32).to_le_bytes());
            head.extend(entry.size.to_le_bytes());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend([0, 0]);
            head
        };
        package.extend(b"PK\x03\x04");
        package.extend(head(&entry.local_name));
        package.extend(entry.local_name.as_bytes());
        package.extend(&entry.data);
        package.extend(&entry.behind);
        if entry.listed {
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(head(&entry.name));
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(entry.name.as_bytes());
            count += 1;
        }
    }
    let start = package.len() as u32;
    package.extend(&directory);
    package.extend(b"PK\x05\x06\0\0\0\0");
    package.extend(count.to_le_bytes());
    package.extend(count.to_le_bytes());
    package.extend((directory.len() as u32).to_le_bytes());
    package.extend(start.to_le_bytes());
    package.extend([0, 0]);
    package
}

fn entries() -> Vec<Raw> {
    let victim = sealed(&document(), &order(on_first_page()));
    parts(&victim).iter().map(|(name, data)| raw(name, data)).collect()
}

/// What the reader says of a package, and that no seal is put on it.
fn found(entries: &[Raw]) -> Vec<(Check, String)> {
    let package = write(entries);
    let facts = ofd::read(&package, &Limits::default()).unwrap();
    let found: Vec<_> = failures(&facts).into_iter().map(|(check, code)| (check, code.to_owned())).collect();
    let refused = ofd::prepare(&package, &order(on_first_page()), &Limits::default());
    assert_eq!(refused.is_err(), !found.is_empty(), "{refused:?} {found:?}");
    found
}

const PAGE: &str = "Doc_0/Pages/Page_0/Content.xml";

#[test]
fn a_package_written_octet_by_octet_is_sound() {
    assert_eq!(found(&entries()), []);
}

#[test]
fn two_files_of_one_name_are_found() {
    for name in [
        PAGE,
        "./Doc_0/Pages/Page_0/Content.xml",
        "Doc_0\\Pages\\Page_0\\Content.xml",
        "Doc_0/Pages/page_0/content.XML",
    ] {
        let mut entries = entries();
        entries.push(raw(name, b"<Page/>"));
        let found = found(&entries);
        assert!(found.contains(&(Check::Document, "duplicate-entry".to_owned())), "{name}: {found:?}");
    }
}

#[test]
fn a_file_that_the_directory_does_not_name_is_found() {
    // A program that reads from header to header shows this page.
    let mut entries = entries();
    entries.push(Raw { listed: false, ..raw(PAGE, b"<Page/>") });
    assert_eq!(found(&entries), [(Check::Document, "hidden-data".to_owned())]);
    let mut entries = self::entries();
    entries.insert(0, Raw { listed: false, ..raw(PAGE, b"<Page/>") });
    assert_eq!(found(&entries), [(Check::Document, "hidden-data".to_owned())]);
}

#[test]
fn a_file_with_two_names_is_found() {
    let mut entries = entries();
    let last = entries.iter_mut().find(|entry| entry.name == PAGE).unwrap();
    last.local_name = "Doc_0/Pages/Page_9/Content.xml".to_owned();
    assert_eq!(found(&entries), [(Check::Document, "headers-differ".to_owned())]);
}

#[test]
fn a_name_that_leads_out_of_the_package_is_found() {
    let mut entries = entries();
    entries.push(raw("Doc_0/../../evil", b"x"));
    assert!(found(&entries).contains(&(Check::Document, "entry-outside".to_owned())));
}

#[test]
fn descriptors_behind_the_data_are_understood_and_other_octets_are_not() {
    let mut sound = entries();
    for entry in &mut sound {
        entry.flags = 8;
        entry.behind = b"PK\x07\x08".to_vec();
        entry.behind.extend(crc(&entry.data).to_le_bytes());
        entry.behind.extend([entry.size.to_le_bytes(), entry.size.to_le_bytes()].concat());
    }
    assert_eq!(found(&sound), []);
    sound[0].behind[5] ^= 1;
    assert_eq!(found(&sound), [(Check::Document, "hidden-data".to_owned())]);
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    // Says that it holds more than is allowed.
    let mut large = entries();
    large.push(Raw { method: 8, size: u32::MAX - 1, ..raw("a", &[0; 100]) });
    let refused = ofd::read(&write(&large), &Limits::default()).unwrap_err();
    assert_eq!(refused, Refused::TooLarge("unpacked".to_owned()));
    // Says less than it holds: 64 KiB of zeros, deflated, said to be one octet.
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut deflater, &[0; 65_536]).unwrap();
    let mut lying = entries();
    let bomb = raw("OFD.xml", &deflater.finish().unwrap());
    lying.retain(|entry| entry.name != "OFD.xml");
    lying.push(Raw { method: 8, size: 1, ..bomb });
    assert!(matches!(ofd::read(&write(&lying), &Limits::default()), Err(Refused::Malformed(_))));
    // More entries than are allowed.
    let limits = Limits { entries: 5, ..Limits::default() };
    assert_eq!(ofd::read(&write(&entries()), &limits).unwrap_err(), Refused::TooLarge("entries".to_owned()));
    let limits = Limits { pages: 1, ..Limits::default() };
    assert_eq!(ofd::read(&write(&entries()), &limits).unwrap_err(), Refused::TooLarge("pages".to_owned()));
    let limits = Limits { signatures: 0, ..Limits::default() };
    assert_eq!(ofd::read(&write(&entries()), &limits).unwrap_err(), Refused::TooLarge("signatures".to_owned()));
}

#[test]
fn entries_that_lie_in_one_another_are_refused() {
    // The directory names the first file twice: one stretch of octets, two files (how a small file becomes a huge one).
    let mut package = write(&entries()[..1]);
    let start = package.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let end = package.len() - 22;
    let record = package[start..end].to_vec();
    package.splice(end..end, record.clone());
    let at = package.len() - 22;
    package[at + 8] = 2;
    package[at + 10] = 2;
    package[at + 12..at + 16].copy_from_slice(&(2 * record.len() as u32).to_le_bytes());
    let refused = ofd::read(&package, &Limits::default()).unwrap_err();
    assert!(matches!(&refused, Refused::Malformed(why) if why.contains("overlap")), "{refused:?}");
}

#[test]
fn a_password_is_named_as_such() {
    let mut entries = entries();
    entries[0].flags = 1;
    assert_eq!(ofd::read(&write(&entries), &Limits::default()).unwrap_err(), Refused::Encrypted);
}

#[test]
fn cut_and_changed_packages_are_refused_or_found_and_never_taken_for_sound() {
    let package = sealed(&document(), &order(on_first_page()));
    let limits = Limits::default();
    let sound = ofd::read(&package, &limits).unwrap();
    for length in (0..package.len()).step_by(41) {
        assert!(ofd::read(&package[..length], &limits).is_err(), "{length} octets");
    }
    for at in (0..package.len()).step_by(13) {
        let mut changed = package.clone();
        changed[at] ^= 0x20;
        // Times and attributes of entries may change: they are part of nothing that anybody shows.
        if let Ok(facts) = ofd::read(&changed, &limits) {
            let seen = facts != sound;
            assert!(seen || parts_are_same(&changed, &package), "octet {at}");
        }
    }
}

fn parts_are_same(one: &[u8], other: &[u8]) -> bool {
    parts(one) == parts(other)
}
