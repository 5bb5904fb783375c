//! What attackers do to sealed documents. Each attack is first shown to be one on a document that is valid.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::Value;

use crate::house::{House, troubles};
use crate::judged::{covered, value};
use crate::package::{Files, files, find, package, replace};
use crate::paper;

/// Verifies many changed documents in one go: how many, and those that are called valid with where their time is from.
fn unnoticed(
    house: &House,
    name: &str,
    changed: impl Iterator<Item = (String, Vec<u8>)>,
) -> (usize, Vec<(String, String)>) {
    std::fs::create_dir_all(house.path(name)).unwrap();
    let (mut line, mut told) = (String::new(), Vec::new());
    for (number, (what, document)) in changed.enumerate() {
        house.put(&format!("{name}/{number}"), &document);
        write!(line, "{name}/{number} ").unwrap();
        told.push(what);
    }
    let (code, items) = house.verify(&line);
    assert_ne!(code, 0);
    assert_eq!(items.len(), told.len());
    let time = |item: &Value| item["report"]["signatures"][0]["time_source"].as_str().unwrap_or_default().to_owned();
    let good = items.iter().zip(&told).filter(|(item, _)| item["good"] == true);
    (told.len(), good.map(|(item, what)| (what.clone(), time(item))).collect())
}

#[test]
fn any_octet_changed_in_a_sealed_pdf_is_found() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(2, ""));
    house.seal("c.pdf", "--at 1:120,200", "s.pdf");
    house.is_valid("s.pdf");
    let sealed = house.read("s.pdf");
    let (hole, value) = (covered(&sealed).1, value(&sealed));
    // Everything but the hole, and of the hole the value: what follows it there is padding.
    // Without its first octets it is no PDF, and nobody takes it for one.
    let places = (5..sealed.len()).filter(|at| *at <= hole.start + 2 * value.len() || *at >= hole.end - 1);
    let places: Vec<usize> = places.collect();
    // A prime step reaches every part; the last octets are all tried, and those of the token that nothing signs:
    // its head up to the content's, and where its signer is named.
    let tried = places.iter().copied().step_by(151).chain(places.iter().rev().take(8).copied());
    // The time-stamp is beside what is signed: whoever spoils it has taken it away, and the rest holds without it.
    let signed_data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let start = value.windows(signed_data.len()).rposition(|part| part == signed_data).unwrap();
    let signer_info = value.windows(4).rposition(|part| part == [0x02, 0x01, 0x01, 0x30]).unwrap();
    assert!(signer_info > start);
    let digits = |octets: Range<usize>| hole.start + 1 + 2 * octets.start..hole.start + 1 + 2 * octets.end;
    let unsigned = digits(start..start + 60).chain(digits(signer_info - 6..signer_info + 6));
    let token = digits(start - 20..value.len());
    let tried = tried.chain(unsigned);
    let (beside, within): (Vec<usize>, Vec<usize>) = tried.partition(|at| token.contains(at));
    let changed = |places: Vec<usize>| {
        let sealed = &sealed;
        places.into_iter().map(move |at| {
            let mut document = sealed.clone();
            // Another digit in the hole: another case of the same digit would say the same.
            document[at] = if document[at] == b'0' { b'1' } else { b'0' };
            (format!("octet {at} of {}", sealed.len()), document)
        })
    };
    let (tried, good) = unnoticed(&house, "within", changed(within));
    assert!(tried > 100, "{tried}");
    assert!(good.is_empty(), "{good:?}");
    let (tried, good) = unnoticed(&house, "beside", changed(beside));
    assert!(tried > 140 && good.iter().all(|(_, time)| time != "time-stamp"), "{good:?} of {tried}");
}

#[test]
fn any_octet_changed_in_a_covered_file_of_an_ofd_is_found() {
    let house = House::open();
    house.put_ofd("c.ofd");
    house.seal("c.ofd", "--at 1:120,200", "s.ofd");
    let sealed = files(&house.read("s.ofd"));
    house.put("again.ofd", &package(&sealed));
    house.is_valid("again.ofd");
    let mut changed = Vec::new();
    for (index, (name, content)) in sealed.iter().enumerate() {
        // The list of signatures grows with the next one: no signature covers it.
        if name.ends_with("Signatures.xml") || content.is_empty() {
            continue;
        }
        for at in [0, content.len() / 3, content.len() / 2, content.len() - 1] {
            let mut files = sealed.clone();
            files[index].1[at] ^= 1;
            changed.push((format!("{name}, octet {at}"), package(&files)));
        }
    }
    // What holds the signature itself may have lost its time-stamp, and nothing else.
    let (tried, good) = unnoticed(&house, "flipped", changed.into_iter());
    assert!(tried >= 20, "{tried}");
    let spoilt = |what: &str, time: &str| what.contains("SignedValue.dat") && time != "time-stamp";
    assert!(good.iter().all(|(what, time)| spoilt(what, time)), "{good:?}");
}

#[test]
fn what_is_appended_to_a_sealed_pdf_is_found() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(2, ""));
    house.seal("c.pdf", "--at 1:120,200", "s.pdf");
    house.is_valid("s.pdf");
    let sealed = house.read("s.pdf");
    let text = |words: &str| {
        String::from_utf8(paper::stream(format!("BT /F1 18 Tf 72 700 Td ({words}) Tj ET").as_bytes())).unwrap()
    };
    // The content of the first page, object 5, in a new revision: the digest still fits.
    house.put("shadow.pdf", &paper::appended(&sealed, &[(5, text("You owe me everything"))]));
    let item = house.is_invalid("shadow.pdf", "coverage");
    assert!(data_hash_holds(&item), "{}", troubles(&item));
    // A new page instead of the first.
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents 900 0 R>>";
    let page = paper::appended(&sealed, &[(4, page.to_owned()), (900, text("Another"))]);
    house.put("page.pdf", &page);
    house.is_invalid("page.pdf", "coverage");
    // A field laid over what was signed.
    let catalog = "<</Type/Catalog/Pages 2 0 R>>";
    house.put("catalog.pdf", &paper::appended(&sealed, &[(1, catalog.to_owned())]));
    let (code, items) = house.verify("catalog.pdf");
    assert_ne!(code, 0, "a catalog without the seal: {:#}", items[0]);
    // Octets after the end, which no revision explains.
    house.put("tail.pdf", &[&sealed[..], b"\n(hidden)\n"].concat());
    house.is_invalid("tail.pdf", "coverage");
}

/// Whether the digest is still that of what is covered: the attack needs more than it to be found.
fn data_hash_holds(item: &Value) -> bool {
    let checks = item["checks"].as_array().unwrap();
    checks.iter().any(|one| one["check"] == "data-hash" && one["result"] == "pass")
}

#[test]
fn what_is_hidden_in_the_gap_of_the_byte_range_is_found() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(1, ""));
    house.seal("c.pdf", "--at 1:120,200", "s.pdf");
    let mut sealed = house.read("s.pdf");
    let (before, hole) = covered(&sealed);
    // The string ends after the value; what was padding becomes a key with a value of its own.
    let evil = b">/Evil(instead)/More<";
    let at = hole.start + 1 + 2 * value(&sealed).len();
    assert!(sealed[at..at + evil.len()].iter().all(|byte| *byte == b'0'), "there is padding");
    sealed[at..at + evil.len()].copy_from_slice(evil);
    assert_eq!(covered(&sealed), (before, hole), "everything covered is as it was");
    house.put("gap.pdf", &sealed);
    house.is_invalid("gap.pdf", "references");
}

/// A sealed OFD with something done to its files.
fn attacked(house: &House, change: impl FnOnce(&mut Files)) -> Vec<u8> {
    house.put_ofd("c.ofd");
    if !house.path("s.ofd").exists() {
        house.seal("c.ofd", "--at 1:120,200", "s.ofd");
    }
    let mut files = files(&house.read("s.ofd"));
    change(&mut files);
    package(&files)
}

#[test]
fn what_is_added_to_or_exchanged_in_a_sealed_ofd_is_found() {
    let house = House::open();
    house.put("same.ofd", &attacked(&house, |_| {}));
    house.is_valid("same.ofd");

    let page = |files: &mut Files| {
        let content = find(files, "Content.xml").clone();
        files.push(("Doc_0/Pages/Page_9/Content.xml".to_owned(), content));
    };
    house.put("page.ofd", &attacked(&house, page));
    house.is_invalid("page.ofd", "coverage");

    house.json("seal make --name 另一公司 --drawn oval --out other.esl");
    let other = house.read("other.esl");
    house.put("seal.ofd", &attacked(&house, |files| *find(files, "Seal.esl") = other));
    house.is_invalid("seal.ofd", "references");

    let outside =
        |files: &mut Files| replace(find(files, "Signature.xml"), "FileRef=\"/", "FileRef=\"/../../etc/passwd/");
    house.put("outside.ofd", &attacked(&house, outside));
    house.is_invalid("outside.ofd", "references");

    let entities = |files: &mut Files| {
        let laughs =
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><ofd:Signature";
        replace(find(files, "Signature.xml"), "<ofd:Signature", laughs);
    };
    house.put("entities.ofd", &attacked(&house, entities));
    assert_eq!(house.verify("entities.ofd").0, 1);
}

#[test]
fn a_package_with_two_files_of_one_name_is_not_valid() {
    let house = House::open();
    // The library writes no such package: a name of the same length is changed afterwards, everywhere.
    let twice = |files: &mut Files| {
        let content = find(files, "Content.xml").clone();
        files.push(("Doc_0/Pages/Page_0/Contenu.xml".to_owned(), content));
    };
    let mut double = attacked(&house, twice);
    let (from, to) = (b"Doc_0/Pages/Page_0/Contenu.xml", b"Doc_0/Pages/Page_0/Content.xml");
    let places: Vec<usize> =
        (0..double.len() - from.len()).filter(|at| &double[*at..at + from.len()] == from).collect();
    assert_eq!(places.len(), 2, "its header and the directory");
    for at in places {
        double[at..at + to.len()].copy_from_slice(to);
    }
    house.put("double.ofd", &double);
    assert_eq!(house.verify("double.ofd").0, 1);
}

#[test]
fn a_package_that_grows_without_end_is_refused_and_not_unpacked() {
    let house = House::open();
    let bomb = |files: &mut Files| files.push(("Doc_0/Res/bomb.bin".to_owned(), vec![0; 260 << 20]));
    let bomb = attacked(&house, bomb);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    house.put("bomb.ofd", &bomb);
    assert_eq!(house.verify("bomb.ofd").0, 2, "it could not be judged");
    let apply = format!("seal apply bomb.ofd --seal {} --at 1:1,1 -o out.ofd", house.seal);
    assert!(crate::house::bad(house.run(&apply), 1).contains("DOCUMENT_REFUSED"));
}
