//! One certificate from its request to its revocation.

use serde_json::json;

use crate::clients::http;
use crate::judges::{OpenSsl, capture};
use crate::people::{House, send_anyway, usable, well};

/// The list of revoked certificates of an issuer, DER.
fn crl(house: &House, issuer: &str) -> Vec<u8> {
    let mut connection = http::Connection::open(house.service.http_address());
    connection.send(&http::get(&format!("/crl/{issuer}.crl"))).unwrap();
    connection.receive().unwrap().body
}

/// Whether a serial stands in a list: as the DER of an INTEGER, which says it as well as any reader could.
fn lists(crl: &[u8], serial: &str) -> bool {
    let octets: Vec<u8> =
        (0..serial.len()).step_by(2).map(|place| u8::from_str_radix(&serial[place..place + 2], 16).unwrap()).collect();
    let padded = if octets[0] & 0x80 == 0 { octets } else { [vec![0], octets].concat() };
    let integer = support_tlv(&padded);
    crl.windows(integer.len()).any(|window| window == integer)
}

fn support_tlv(content: &[u8]) -> Vec<u8> {
    crate::support::tlv(0x02, content)
}

#[test]
fn two_officers_issue_find_and_revoke_a_certificate_from_the_first_link_on() {
    let Some(house) = House::set_up() else { return };
    let Some(li) = house.invite("李雷", "ra-officer") else { return };
    let wang = &house.administrator;

    // The administrator files a request with a key made in the browser, and is told what is wrong while typing.
    wang.open(&house.at("/desk/requests/new"));
    usable(wang);
    wang.follow("a[href='/desk/requests/new?profile=tls-server']");
    wang.click("input[name=how][value=make]");
    wang.click("#make");
    wang.until("a request made from the key", |browser| {
        let csr = browser.property("#csr", "value");
        csr.as_str()?.starts_with("-----BEGIN CERTIFICATE REQUEST-----").then_some(())
    });
    assert!(wang.downloaded("key.pem").starts_with(b"-----BEGIN PRIVATE KEY-----"));
    wang.fill("#san\\.dns", "bad_name.example.cn");
    wang.wait_for("#checked li[data-field=sans]");
    wang.fill("#san\\.dns", "shop.example.cn");
    wang.wait_for("#checked li.fine");
    usable(wang);
    wang.follow("#compose button.main");
    wang.wait_for("#way");
    let request = wang.url().split('?').next().unwrap().to_owned();
    let path = request.strip_prefix(&house.service.https).unwrap().to_owned();

    // Nobody approves what they filed themselves: there is no button, and without it the answer is no.
    wang.wait_for("#obstacle");
    assert!(!wang.has("#approve"));
    usable(wang);
    let status = send_anyway(wang, &format!("{path}/approve"));
    assert_eq!(status, 403, "four eyes");

    // The other does.
    li.open(&house.at("/desk/requests"));
    usable(&li);
    li.follow(&format!("a[href='{path}']"));
    usable(&li);
    li.follow("#approve");
    li.wait_for("#receipt[data-checked=pass]");
    usable(&li);
    let address = li.url().split('?').next().unwrap().to_owned();
    let serial = address.rsplit('/').next().unwrap().to_owned();

    // What is downloaded is what was asked for, as another program reads it.
    li.click("a[href$='/cert.pem']");
    let pem = li.downloaded(&format!("{serial}.pem"));
    if OpenSsl::find().is_some() {
        let file = li.downloads.join(format!("{serial}.pem"));
        let mut command = std::process::Command::new("openssl");
        command.args(["x509", "-noout", "-text", "-in"]).arg(&file);
        let said = capture(&mut command).unwrap().output();
        assert!(said.contains("DNS:shop.example.cn") && said.contains("TLS Web Server Authentication"), "{said}");
    }
    assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));

    // It is found by a word of its name, and by the beginning of its serial.
    for search in ["name=shop.example", &format!("digits={}", &serial[..12])] {
        wang.open(&house.at(&format!("/desk/certificates?{search}")));
        wang.wait_for(&format!("a[href$='{serial}']"));
    }
    usable(wang);
    wang.open(&house.at("/desk/certificates?name=nothing-is-called-so"));
    assert!(!wang.has("tbody tr"));

    // It stands in the calendar on the day it expires, and the day leads to it.
    let until = li.run("return document.querySelector('.way li:last-child time').dateTime", &[]);
    let until = until.as_str().unwrap();
    wang.open(&house.at(&format!("/desk/calendar?month={}", &until[..7])));
    usable(wang);
    wang.follow(&format!("a[href*='expires_from={}']", &until[..10]));
    wang.wait_for(&format!("a[href$='{serial}']"));

    // Held, released, and then revoked for good, each after a page that says what it does.
    assert!(!lists(&crl(&house, "ec-issuing"), &serial));
    li.follow("a[href*='hold=1']");
    usable(&li);
    li.follow("#confirm");
    li.follow("form[action$='/release'] button");
    li.follow("a.harm[href^='/desk/certificates/revoke?one=']");
    usable(&li);
    li.choose("#reason", "keyCompromise");
    li.follow("#confirm");
    assert_eq!(li.text(".headline .state"), "已吊销");
    usable(&li);
    house.service.call("issuer/crl", &json!({ "issuer": "ec-issuing" }));
    assert!(lists(&crl(&house, "ec-issuing"), &serial), "the revoked certificate stands in the list");
    well(&li);
}
