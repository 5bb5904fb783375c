//! What is done to sealed documents by those who would change them. Each of these is found by one check, which the
//! code names; without the check the test fails.

use eseal::core::finding::{Check, Outcome};
use eseal::core::job::{Limits, Refused};
use eseal::core::ofd;

use crate::paper::{codes, document, failures, on_first_page, order, pack, part, parts, read, replaced, sealed, with};

const SIGNATURE: &str = "Doc_0/Signs/Sign_0/Signature.xml";
const LIST: &str = "Doc_0/Signs/Signatures.xml";

fn victim() -> Vec<u8> {
    sealed(&document(), &order(on_first_page()))
}

#[test]
fn an_added_page_is_found() {
    let page = part(&victim(), "Doc_0/Pages/Page_0/Content.xml");
    // The page alone: nothing names it, but its name is that of pages.
    let alone = with(&victim(), "Doc_0/Pages/Page_9/Content.xml", |_| page.clone());
    assert_eq!(failures(&read(&alone)), [(Check::Coverage, "file-not-covered")]);
    // The page and its line in the document.
    let named = replaced(
        &alone,
        "Doc_0/Document.xml",
        "</ofd:Pages>",
        "<ofd:Page ID=\"999\" BaseLoc=\"Pages/Page_9/Content.xml\"/></ofd:Pages>",
    );
    assert_eq!(failures(&read(&named)), [(Check::References, "hash-differs"), (Check::Coverage, "file-not-covered")]);
}

#[test]
fn a_page_cannot_hide_behind_a_signature_that_is_none() {
    // A list that names the new page as the seal of a second signature, to have it excused.
    let package = with(&victim(), "Doc_0/Pages/Page_9/Content.xml", |_| b"<Page/>".to_vec());
    let false_one = "<Signature><SignedInfo><Seal><BaseLoc>Content.xml</BaseLoc></Seal></SignedInfo></Signature>";
    let package = with(&package, "Doc_0/Pages/Page_9/Signature.xml", |_| false_one.as_bytes().to_vec());
    let line = "<ofd:Signature ID=\"s009\" BaseLoc=\"/Doc_0/Pages/Page_9/Signature.xml\"/></ofd:Signatures>";
    let package = replaced(&package, LIST, "</ofd:Signatures>", line);
    let facts = read(&package);
    let coverage = facts.signatures[0].findings.iter().find(|finding| finding.check == Check::Coverage).unwrap();
    assert_eq!((coverage.outcome, coverage.code.as_str()), (Outcome::Fail, "file-not-covered"));
    assert!(coverage.en.contains("Page_9/Content.xml"), "{}", coverage.en);
}

#[test]
fn a_stray_file_is_reported() {
    let facts = read(&with(&victim(), "thumbs.db", |_| b"x".to_vec()));
    assert_eq!((failures(&facts), codes(&facts, Outcome::Warning)), (vec![], vec![(Check::Coverage, "stray-file")]));
}

#[test]
fn a_swapped_seal_is_found() {
    let facts = read(&with(&victim(), "Doc_0/Signs/Sign_0/Seal.esl", |_| b"other!".to_vec()));
    assert_eq!(failures(&facts), [(Check::References, "hash-differs")]);
    let gone: Vec<_> = parts(&victim()).into_iter().filter(|(name, _)| !name.ends_with("Seal.esl")).collect();
    assert_eq!(
        failures(&read(&pack(&gone))),
        [(Check::Structure, "seal-missing"), (Check::References, "file-missing")]
    );
}

#[test]
fn a_reference_out_of_the_package_is_found() {
    let first = "FileRef=\"/OFD.xml\"";
    for path in ["/../OFD.xml", "/Doc_0/../../etc/passwd", "..\\..\\..\\..\\a", "C:/OFD.xml", ""] {
        let facts = read(&replaced(&victim(), SIGNATURE, first, &format!("FileRef=\"{path}\"")));
        assert_eq!(failures(&facts)[0], (Check::References, "path-outside"), "{path}");
    }
}

#[test]
fn a_signature_that_protects_itself_is_found() {
    for name in ["Signature.xml", "SignedValue.dat"] {
        let line = format!(
            "<ofd:Reference FileRef=\"/Doc_0/Signs/Sign_0/{name}\"><ofd:CheckValue>AA==</ofd:CheckValue></ofd:Reference></ofd:References>"
        );
        let facts = read(&replaced(&victim(), SIGNATURE, "</ofd:References>", &line));
        assert_eq!(failures(&facts), [(Check::References, "refers-to-itself")], "{name}");
    }
}

#[test]
fn a_signature_without_references_protects_nothing() {
    let package = with(&victim(), SIGNATURE, |octets| {
        let text = String::from_utf8(octets).unwrap();
        let (start, end) = (text.find("<ofd:Reference ").unwrap(), text.find("</ofd:References>").unwrap());
        [&text[..start], &text[end..]].concat().into_bytes()
    });
    assert_eq!(
        failures(&read(&package)),
        [(Check::References, "no-references"), (Check::Coverage, "file-not-covered")]
    );
}

#[test]
fn weak_and_unknown_hash_functions_are_named() {
    let method = "CheckMethod=\"1.2.156.10197.1.401\"";
    let unknown = read(&replaced(&victim(), SIGNATURE, method, "CheckMethod=\"CRC32\""));
    assert_eq!(codes(&unknown, Outcome::Unknown), [(Check::References, "hash-unknown")]);
    // Without a name it is MD5, whose digests these are not.
    let absent = read(&replaced(&victim(), SIGNATURE, method, ""));
    assert_eq!(codes(&absent, Outcome::Warning), [(Check::References, "weak-hash")]);
    assert!(failures(&absent).iter().all(|found| *found == (Check::References, "hash-differs")));
    let same = read(&replaced(&victim(), SIGNATURE, method, "CheckMethod=\"SM3\""));
    assert_eq!(failures(&same), []);
}

#[test]
fn what_must_be_said_once_is_not_said_twice() {
    let twice = replaced(&victim(), SIGNATURE, "</ofd:SignedInfo>", "<ofd:References/></ofd:SignedInfo>");
    assert_eq!(failures(&read(&twice)), [(Check::Structure, "ambiguous")]);
}

#[test]
fn entities_and_document_types_are_refused() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    for name in ["OFD.xml", "Doc_0/Document.xml"] {
        let package = replaced(&document(), name, "<ofd:", &format!("{bomb}<ofd:"));
        let refused = ofd::read(&package, &Limits::default()).unwrap_err();
        assert!(matches!(&refused, Refused::Malformed(why) if why.contains("document type")), "{refused:?}");
        assert!(ofd::inspect(&package, &Limits::default()).is_err(), "{name}");
        assert!(ofd::prepare(&package, &order(on_first_page()), &Limits::default()).is_err(), "{name}");
    }
    let list = replaced(&victim(), LIST, "<ofd:", &format!("{bomb}<ofd:"));
    assert_eq!(failures(&read(&list)), [(Check::Document, "malformed")]);
    let signature = replaced(&victim(), SIGNATURE, "<ofd:", &format!("{bomb}<ofd:"));
    assert_eq!(failures(&read(&signature)), [(Check::Structure, "signature-unreadable")]);
    let entity = replaced(&victim(), SIGNATURE, "FileRef=\"/OFD.xml\"", "FileRef=\"&file;\"");
    assert_eq!(failures(&read(&entity)), [(Check::Structure, "signature-unreadable")]);
}

#[test]
fn every_changed_octet_of_a_covered_file_is_found() {
    let victim = victim();
    let all = parts(&victim);
    let mut tried = 0;
    for (number, (name, octets)) in all.iter().enumerate() {
        if name == LIST || name.ends_with("SignedValue.dat") || name == SIGNATURE {
            continue;
        }
        // Some octets of every file, other ones in each.
        for at in (number..octets.len()).step_by(97) {
            let mut changed = all.clone();
            changed[number].1[at] ^= 1;
            let found = ofd::read(&pack(&changed), &Limits::default());
            let seen = match &found {
                Ok(facts) => !failures(facts).is_empty(),
                Err(refused) => matches!(refused, Refused::Malformed(_)),
            };
            assert!(seen, "octet {at} of {name}");
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn a_changed_signature_has_another_digest() {
    // Signature.xml is what the value signs: a change of any octet of it shows in the digest.
    let package = victim();
    let before = read(&package).signatures[0].digests.clone();
    let after =
        read(&with(&package, SIGNATURE, |octets| [octets, b"\n".to_vec()].concat())).signatures[0].digests.clone();
    assert!(before.iter().zip(&after).all(|(one, other)| one.0 == other.0 && one.1 != other.1));
}

#[test]
fn a_signature_that_is_not_there_is_found() {
    let gone = with(&victim(), LIST, |_| {
        b"<Signatures><Signature ID=\"1\" BaseLoc=\"/Doc_0/none.xml\"/><Signature ID=\"2\" BaseLoc=\"../../../x\"/></Signatures>".to_vec()
    });
    let unreadable = (Check::Structure, "signature-unreadable");
    assert_eq!(failures(&read(&gone)).iter().filter(|found| **found == unreadable).count(), 2);
}
