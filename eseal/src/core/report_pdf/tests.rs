use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::core::finding::Check;
use crate::core::place::{Rect, Stamp};

fn at(seconds: i64) -> Instant {
    Instant::from_unix_seconds(seconds).unwrap()
}

fn party(subject: &str) -> Party {
    let issuer = "CN=某某根证书,C=CN".to_owned();
    Party { subject: subject.to_owned(), issuer, serial: "0a1b".to_owned(), from: at(0), until: at(9), der: Vec::new() }
}

fn report(signatures: usize) -> Report {
    let found = |check, outcome, code: &str, en: &str, zh: &str| Finding::new(check, outcome, code, en, zh);
    let findings = vec![
        found(Check::Structure, Outcome::Pass, "ok", "The structure is that of GB/T 38540.", "结构符合 GB/T 38540。"),
        found(Check::SealSignature, Outcome::Pass, "ok", "The seal is signed by its maker.", "印章由制章者签名。"),
        found(Check::SignerRevocation, Outcome::Unknown, "no-crl", "No status is known.", "没有证书状态信息。"),
        found(Check::TimeStamp, Outcome::NotChecked, "none", "There is no time-stamp.", "没有时间戳。"),
        found(Check::DataHash, Outcome::Fail, "hash-differs", "The document was changed.", "文档已被改动。"),
        found(Check::Coverage, Outcome::Warning, "added", "Something was added later.", "签章后有新增内容。"),
    ];
    let seal = SealParty {
        id: "31010000000001".to_owned(),
        name: "上海某某有限公司".to_owned(),
        version: crate::core::ses::Version::V4,
        kind: 1,
        from: at(0),
        until: at(99),
        width: 40,
        height: 40,
        picture_kind: "PNG".to_owned(),
        picture: b"not a picture: must not be read".to_vec(),
    };
    let boundary = Rect { x: 1.0, y: 1.0, width: 40.0, height: 40.0 };
    let one = SignatureReport {
        verdict: Verdict::Invalid,
        name: "sign1".to_owned(),
        form: SignatureForm::SealSignature,
        seal: Some(seal),
        maker: Some(party("CN=制章")),
        signer: Some(party("CN=张三,O=上海某某有限公司,C=CN")),
        time: at(1_795_000_000),
        time_source: TimeSource::Signer,
        time_stamp_authority: None,
        stamps: [0, 1, 2, 6].map(|page| Stamp { page, boundary, clip: None }).to_vec(),
        findings,
    };
    Report {
        verdict: Verdict::Invalid,
        subject: Subject::Ofd,
        pages: 7,
        at: at(1_795_000_300),
        signatures: vec![one; signatures],
        findings: vec![found(Check::Document, Outcome::Pass, "ok", "It opens.", "可以打开。")],
    }
}

/// What another program makes of a PDF; `None` (and a line) if it is not there.
fn told(program: &str, arguments: &[&str], pdf: &[u8]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pdf).unwrap();
    let path = file.path().to_string_lossy().into_owned();
    let arguments = arguments.iter().map(|a| if *a == "FILE" { path.as_str() } else { a });
    let Ok(child) = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        println!("LEFT OUT: the report read by {program}: it is not installed");
        return None;
    };
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_report_says_what_was_found() {
    let pdf = write(&report(2), "合同（终稿）.ofd", &[0xab; 32]).unwrap();
    assert!(pdf.starts_with(b"%PDF-1."));
    if let Some(text) = told("pdftotext", &["-layout", "FILE", "-"], &pdf) {
        for expected in [
            "电子签章验证报告",
            "结论：无效",
            "合同（终稿）.ofd",
            &"ab".repeat(32),
            "上海某某有限公司",
            "hash-differs",
            "文档已被改动。",
            "The document was changed.",
            "签章 2",
            "1-3, 7",
            // 1,795,000,300 s after the epoch, by `date -u -d @1795000300`.
            "2026-11-18 11:11:40 UTC",
            "不通过 fail",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
    if let Some(words) = told("qpdf", &["--check", "FILE"], &pdf) {
        assert!(words.contains("No syntax or stream encoding errors"), "{words}");
    }
}

#[test]
fn the_same_report_gives_the_same_octets() {
    let (one, other) = (write(&report(1), "a.pdf", &[1; 32]).unwrap(), write(&report(1), "a.pdf", &[1; 32]).unwrap());
    assert_eq!(one, other);
    assert_ne!(one, write(&report(1), "b.pdf", &[1; 32]).unwrap());
}

#[test]
fn strange_texts_are_shown_and_do_no_harm() {
    let mut strange = report(1);
    let name = "\u{202e}fdp.exe\0㐀 \u{1f600}";
    strange.signatures[0].name = name.to_owned();
    strange.signatures[0].findings[0].en = "长".repeat(100_000);
    strange.findings[0].zh = "w".repeat(3_000);
    let pdf = write(&strange, "", &[0; 32]).unwrap();
    if let Some(text) = told("pdftotext", &["-layout", "FILE", "-"], &pdf) {
        assert!(text.contains("[U+202E]fdp.exe[U+0000][U+3400] [U+1F600]"), "{text}");
    }
}

#[test]
fn a_long_report_ends_and_says_so() {
    let mut long = report(0);
    let finding = long.findings[0].clone();
    long.findings = vec![finding; 6_000];
    let mut sheets = Sheets::new(3);
    long.findings.iter().for_each(|one| super::finding(&mut sheets, one));
    let mut document = Document::new();
    sheets.draw(&mut document).unwrap();
    let pdf = document.finish().unwrap();
    if let Some(text) = told("pdftotext", &["-layout", "FILE", "-"], &pdf) {
        assert!(text.contains("Page 3 of 3") && text.contains("the rest is left out"), "{text}");
        assert_eq!(text.matches("the rest is left out").count(), 1);
    }
}

#[test]
fn the_upper_right_is_free_for_a_seal() {
    let pdf = write(&report(1), &"很长的文件名".repeat(40), &[7; 32]).unwrap();
    // Words of the first page with their places, in points.
    if let Some(text) = told("pdftotext", &["-bbox", "-l", "1", "FILE", "-"], &pdf) {
        let number = |line: &str, key: &str| {
            line.split(&format!("{key}=\"")).nth(1).and_then(|rest| rest.split('"').next()?.parse::<f64>().ok())
        };
        let mut words = 0;
        for line in text.lines().filter(|line| line.contains("<word")) {
            words += 1;
            let (right, top) =
                (number(line, "xMax").unwrap() * 25.4 / 72.0, number(line, "yMin").unwrap() * 25.4 / 72.0);
            assert!(right <= ROOM.x || top >= ROOM.y + ROOM.height, "{line}");
        }
        assert!(words > 20, "{text}");
    }
}
