//! The pages about seals, without a browser: whose documents are shown to whom, and what is said of what cannot be used.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use web::serve::Peer;

use crate::browser::{Browser, HOST, Person};
use crate::house::{Answer, House};

/// One empty page of A4 (ISO 32000-1, 7.5), by hand.
fn pdf() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    ];
    let mut file = "%PDF-1.7\n".to_owned();
    let mut places = String::new();
    for (number, object) in (1..).zip(objects) {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = file.len();
    file += &format!(
        "xref\n0 4\n0000000000 65535 f \n{places}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}

async fn send(browser: &Browser, path: &str, csrf: &str, file: &[u8]) -> Answer {
    let mut body = format!("--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n").into_bytes();
    body.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../one.pdf\"\r\n");
    body.extend_from_slice(b"Content-Type: application/pdf\r\n\r\n");
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, HOST)
        .header(header::ORIGIN, format!("https://{HOST}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    browser.send(request.body(Body::from(body)).unwrap()).await
}

/// A seal in use, made in one step as a trial may.
async fn seal(house: &House) -> String {
    let ask = json!({"name": "示例公司公章", "picture": {"drawn": {"shape": "round"}}});
    house.socket("seal/create", ask).await.json()["id"].as_str().unwrap().to_owned()
}

fn from(address: &str) -> Peer {
    Peer::Https { address: address.parse::<SocketAddr>().unwrap(), certificate: None }
}

#[tokio::test]
async fn what_is_no_document_is_refused_above_the_form_and_nothing_is_kept() {
    let house = House::trial().await;
    let stranger = Browser::with_peer(&house, from("192.0.2.1:5000"));
    for (language, says) in [("zh", "验证文件"), ("en", "Verify the document")] {
        let path = format!("/verify?lang={language}");
        for file in [&b"no document at all"[..], b"%PDF-1.7\nbroken", b"PK\x03\x04broken", b""] {
            let answer = send(&stranger, &path, "", file).await;
            assert!(answer.status.is_client_error(), "{}", answer.status);
            assert!(answer.text().contains("role=\"alert\"") && answer.text().contains(says), "{}", answer.text());
            assert!(answer.location().is_empty());
        }
    }
}

#[tokio::test]
async fn a_report_is_shown_to_the_address_that_asked_for_it_and_to_no_other() {
    let house = House::trial().await;
    let order = json!({
        "seal": seal(&house).await, "places": [{"at": {"pages": "all", "x": 20.0, "y": 30.0}}],
    });
    let sealed = house.socket("seal/sign", json!({"order": order, "document": STANDARD.encode(pdf())})).await.json();
    let sealed = STANDARD.decode(sealed["document"].as_str().unwrap_or_else(|| panic!("{sealed}"))).unwrap();
    let (one, other) = (from("192.0.2.1:5000"), from("192.0.2.2:5000"));
    let (one, other) = (Browser::with_peer(&house, one), Browser::with_peer(&house, other));
    let answer = send(&one, "/verify", "", &sealed).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let report = answer.location().to_owned();
    let page = one.get(&report).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("data-verdict=\"valid\""), "{}", page.text());
    // The name came from outside: its folder is gone.
    assert!(page.text().contains("one.pdf") && !page.text().contains(".."));
    let json: Value = one.get(&format!("{report}/report.json")).await.json();
    assert_eq!(json["verdict"], "valid");
    assert_eq!(json["signatures"][0]["stamps"][0]["page"], 0);
    let picture = one.get(&format!("{report}/page-1.png")).await;
    assert!(picture.status == 200 && picture.body.starts_with(b"\x89PNG"));
    for gone in [report.clone(), format!("{report}/report.json"), format!("{report}/page-1.png")] {
        assert_eq!(other.get(&gone).await.status, 404, "{gone}");
    }
    for nothing in ["page-0.png", "page-2.png", "page-x.png", "other"] {
        let answer = one.get(&format!("{report}/{nothing}")).await;
        assert!(answer.status.is_client_error(), "{nothing}: {}", answer.status);
    }
}

#[tokio::test]
async fn an_officers_documents_are_shown_to_nobody_else() {
    let house = House::trial().await;
    let seal = seal(&house).await;
    let (one, other) = (Person::of(&house, "sealer").await, Person::of(&house, "administrator").await);
    let csrf = one.browser.csrf().await;
    let answer = send(&one.browser, &format!("/desk/seals/{seal}/use"), &csrf, &pdf()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let sheet = answer.location().to_owned();
    assert!(one.browser.get(&sheet).await.text().contains("one.pdf"));
    assert_eq!(one.browser.get(&format!("{sheet}/1.png")).await.status, 200);
    for path in [sheet.clone(), format!("{sheet}/1.png")] {
        assert_eq!(other.browser.get(&path).await.status, 404, "{path}");
    }
    // Where it would lie is told before it is made, and refused where there is no paper.
    let at = |x: &'static str| [("mode", "at"), ("pages", "1"), ("x", x), ("y", "30")];
    let places = one.browser.post(&format!("{sheet}/places"), &at("20")).await;
    assert_eq!(places.json()[0]["boundary"]["x"], 20.0, "{}", places.text());
    assert_eq!(one.browser.post(&format!("{sheet}/places"), &at("400")).await.status, 422);
    assert_eq!(other.browser.post(&format!("{sheet}/places"), &at("20")).await.status, 404);
    let refused = one.browser.post(&sheet, &at("400")).await;
    assert!(refused.status == 422 && refused.text().contains("value=\"400\""), "what was typed is kept");
    // The same order twice gives the same bytes and one use.
    let order = [("mode", "at"), ("pages", "1"), ("x", "20"), ("y", "30"), ("request", "abc")];
    let mut made = Vec::new();
    for _ in 0..2 {
        let done = one.browser.post(&sheet, &order).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let done = done.location().to_owned();
        assert_eq!(other.browser.get(&done).await.status, 404);
        let page = one.browser.get(&done).await.text();
        let link = page.split("download href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        made.push(one.browser.get(&link).await.body);
    }
    assert!(made[0].len() > pdf().len() && made[0] == made[1]);
    let uses = house.socket("seal/uses", json!({"seal": seal})).await.json();
    assert_eq!(uses["uses"].as_array().unwrap().len(), 1, "{uses}");
}
