//! OFD packages taken apart and put together again, as an attacker does.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Files of a package by name, in order.
pub type Files = Vec<(String, Vec<u8>)>;

pub fn files(package: &[u8]) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(package)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

pub fn package(files: &Files) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The one file whose name ends so.
pub fn find<'a>(files: &'a mut Files, ending: &str) -> &'a mut Vec<u8> {
    let mut found = files.iter_mut().filter(|(name, _)| name.ends_with(ending));
    let (Some((_, content)), None) = (found.next(), found.next()) else { panic!("not one {ending}") };
    content
}

/// Replaces a text in a file; it must be there.
pub fn replace(content: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(std::mem::take(content)).unwrap();
    assert!(text.contains(from), "no {from} in {text}");
    *content = text.replacen(from, to, 1).into_bytes();
}
