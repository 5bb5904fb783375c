//! A pair of certificates from its order to its delivery, and its key recovered by two officers.

use crypto_pool::envelope::csr_response::CsrResponse;
use crypto_pool::envelope::{self, private_key, skf};
use crypto_pool::{KeyAlgorithm, OsRandom};

use crate::people::{House, usable, well};
use crate::seal::shot;

/// A certificate's subject public key, from its PEM.
fn spki(pem: &str) -> Vec<u8> {
    let end = pem.find("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----\n".len();
    let (_, der) = der::pem::decode_vec(&pem.as_bytes()[..end]).unwrap();
    crypto_pool::path::Cert::from_der(&der).unwrap().spki().to_vec()
}

#[test]
fn a_pair_is_ordered_approved_and_delivered_and_its_key_recovered_by_two() {
    let Some(house) = House::set_up() else { return };
    let (Some(li), Some(first), Some(second)) =
        (house.invite("李雷", "ra-officer"), house.invite("赵一", "key-officer"), house.invite("钱二", "key-officer"))
    else {
        return;
    };
    let wang = &house.administrator;
    let random = OsRandom::open().unwrap();
    let folder = house.service.scratch("pair");
    let (csr, pkcs8) = crate::support::csr(KeyAlgorithm::Sm2, &random);
    let signing = private_key::read(&pkcs8).unwrap();

    // Ordered by one, approved by another, as any request.
    wang.open(&house.at("/desk/requests/new?profile=dual-person"));
    wang.wait_for("#pair-note");
    usable(wang);
    wang.fill("#csr", &crate::support::pem("CERTIFICATE REQUEST", &csr));
    wang.fill("#subject\\.CN", "韩梅梅");
    wang.wait_for("#checked li.fine");
    wang.choose("#method", "face-to-face");
    wang.fill("#note", "身份证原件已核对");
    shot(wang, "pair-order");
    wang.follow("#compose button.main");
    wang.wait_for("#way");
    let request = wang.url().split('?').next().unwrap().to_owned();
    li.open(&request);
    li.follow("#approve");
    li.wait_for("#pair-of");
    usable(&li);
    shot(&li, "pair");

    // The halves lead to each other; the delivery opens with the key to sign with, whole and in each shape.
    let serial = li.url().split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    li.follow("a.twin");
    li.wait_for("#pair-of");
    let encryption = li.url().split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_ne!(serial, encryption);
    li.click("#both");
    let both = String::from_utf8(li.downloaded(&format!("{encryption}-pair.pem"))).unwrap();
    let own = spki(&both[both.find("-----END CERTIFICATE-----").unwrap() + 26..]);
    li.click("#response");
    let response = li.downloaded(&format!("{encryption}-csrresponse.der"));
    let opened = CsrResponse::read(&response).unwrap().open(&signing).unwrap().unwrap();
    assert_eq!(private_key::public_of_spki(&own).unwrap().as_sec1(), opened.public().as_sec1());
    li.click("#envelope-skf");
    let blob = li.downloaded(&format!("{encryption}.skf"));
    assert_eq!(*skf::open(&blob, &signing).unwrap().to_bytes(), *opened.to_bytes());
    assert!(envelope::open(&blob, &opened).is_err(), "the envelope is for the key to sign with");
    well(&li);

    // The key centre: asked by one key officer, who cannot approve it, for the holder's next key to sign with.
    let leaf = house.service.issue("next.example.cn", KeyAlgorithm::Sm2);
    first.open(&house.at("/desk/centre"));
    usable(&first);
    shot(&first, "centre");
    first.follow("tbody a[href^='/desk/centre/']");
    let key = first.url().strip_prefix(&house.service.https).unwrap().to_owned();
    first.click("details:has(#ask) summary");
    first.click("input[name=aim][value=court]");
    first.keys("#file", leaf.cert().to_str().unwrap());
    first.fill("#ground", "（2026）京 01 调证 123 号");
    first.fill("#reason", "法院调取与案件有关的加密邮件");
    usable(&first);
    shot(&first, "centre-ask");
    first.follow("#send");
    first.wait_for("article[data-state=asked] #obstacle");
    assert!(!first.has("#approve"));
    usable(&first);
    let address = key.split('?').next().unwrap();
    let script = "const done = arguments[1]; const csrf = document.querySelector('input[name=csrf]').value; \
                  const order = document.querySelector('article[data-state=asked]').id.slice('order-'.length); \
                  fetch(arguments[0], { method: 'POST', body: new URLSearchParams({ csrf, order }) })\
                  .then((r) => done(r.status))";
    let status = first.run_until_called(script, &[serde_json::json!(format!("{address}/approve"))]);
    first.complaints();
    assert_eq!(status, 403, "four eyes");

    // Approved by another, and fetched.
    second.open(&house.at("/desk/centre/orders?state=asked"));
    usable(&second);
    shot(&second, "centre-orders");
    second.follow("tbody a[href^='/desk/centre/']");
    usable(&second);
    shot(&second, "centre-approve");
    assert!(second.words().contains("赵一"), "officers are called by their names");
    second.follow("#approve");
    second.wait_for("article[data-state=done]");
    usable(&second);
    shot(&second, "centre-done");
    second.click("a[href$='/envelope.key']");
    let fresh = second.downloaded("recovered.key");
    std::fs::write(folder.join("recovered.key"), &fresh).unwrap();
    let recipient = std::fs::read_to_string(leaf.key()).unwrap();
    let (_, recipient) = der::pem::decode_vec(recipient.as_bytes()).unwrap();
    let recipient = private_key::read(&recipient).unwrap();
    assert_eq!(*envelope::open(&fresh, &recipient).unwrap().to_bytes(), *opened.to_bytes());
    assert!(envelope::open(&fresh, &signing).is_err(), "a fresh envelope is for its recipient alone");
    well(&second);

    // Revoked for itself, the half leaves the other as it is.
    li.open(&house.at(&format!("/desk/certificates/sm2-issuing/{encryption}")));
    li.follow(&format!("#pair-of a[href$='one=sm2-issuing/{encryption}']"));
    li.choose("#reason", "superseded");
    li.follow("#confirm");
    assert_eq!(li.text(".headline .state"), "已吊销");
    assert_eq!(li.texts("#pair-of .state"), ["有效", "已吊销"]);
    usable(&li);
    shot(&li, "pair-revoked");
}
