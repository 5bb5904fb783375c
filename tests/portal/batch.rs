//! A hundred requests from one file, three of them bad.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::{KeyAlgorithm, OsRandom};

use crate::people::{House, usable};
use crate::support;

/// A hundred rows; lines 11, 51 and 101 of the file are bad, each in its own way.
fn file() -> String {
    let random = OsRandom::open().unwrap();
    let mut text = "subject,sans,csr,profile,method\r\n".to_owned();
    for row in 1..=100 {
        let (csr, _) = support::csr(KeyAlgorithm::Sm2, &random);
        let csr = STANDARD.encode(csr);
        let (host, csr, profile) = match row {
            10 => (format!("under_score{row}.example.cn"), csr, "tls-server"),
            50 => (format!("host{row}.example.cn"), csr, "no-such-profile"),
            100 => (format!("host{row}.example.cn"), "AAAA".to_owned(), "tls-server"),
            _ => (format!("host{row}.example.cn"), csr, "tls-server"),
        };
        write!(text, "CN={host},dns:{host},{csr},{profile},domain-dns\r\n").unwrap();
    }
    text
}

#[test]
fn a_batch_of_a_hundred_with_three_bad_rows_files_the_others_and_another_officer_issues_them() {
    let Some(house) = House::set_up() else { return };
    let Some(li) = house.invite("李雷", "ra-officer") else { return };
    let wang = &house.administrator;
    let path = house.service.scratch("batch").join("hosts.csv");
    std::fs::write(&path, file()).unwrap();

    wang.open(&house.at("/desk/batch"));
    usable(wang);
    wang.keys("#file", path.to_str().unwrap());
    wang.fill("#name", "新机房");
    wang.follow("form[action='/desk/batch'] button");
    let counts = (wang.text("#good"), wang.text("#bad"));
    assert_eq!(counts, ("97".to_owned(), "3".to_owned()), "{}", wang.words());
    let lines = wang.texts("tr.bad td:first-child");
    assert_eq!(lines, ["11", "51", "101"], "the lines of the file that are bad");
    usable(wang);
    wang.follow("#submit");
    assert_eq!(wang.texts("tbody tr a[href^='/desk/requests/']").len(), 97);

    li.open(&house.at("/desk/batch"));
    li.follow("tbody a[href^='/desk/batch/']");
    li.follow("#approve");
    li.wait_for(".done");
    let issued = li.texts("tbody .state.good");
    assert_eq!(issued.len(), 97, "{issued:?}");
    usable(&li);
    li.open(&house.at("/desk/certificates?name=host7.example.cn"));
    li.wait_for("a[href*='/desk/certificates/sm2-issuing/']");
}
