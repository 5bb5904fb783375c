//! Every page, in both languages, wide and narrow, light and dark.

use std::path::PathBuf;

use crate::clients::{Browser, Page};
use crate::people::{House, usable, well};

/// What officers open from the navigation, and what everybody may see.
const PAGES: [(&str, &str); 27] = [
    ("overview", "/desk"),
    ("requests", "/desk/requests"),
    ("request-profiles", "/desk/requests/new"),
    ("request-new", "/desk/requests/new?profile=tls-server"),
    ("request-person", "/desk/requests/new?profile=person"),
    ("batch", "/desk/batch"),
    ("certificates", "/desk/certificates"),
    ("calendar", "/desk/calendar"),
    ("convert", "/desk/convert"),
    ("centre", "/desk/centre"),
    ("centre-orders", "/desk/centre/orders"),
    ("pair-new", "/desk/requests/new?profile=dual-person"),
    ("branches", "/desk/branches"),
    ("seals", "/desk/seals"),
    ("seal-uses", "/desk/seals/uses"),
    ("seal-new", "/desk/seals/new"),
    ("profiles", "/desk/profiles"),
    ("issuers", "/desk/issuers"),
    ("ceremonies", "/desk/ceremonies"),
    ("audit", "/desk/audit"),
    ("officers", "/desk/officers"),
    ("account", "/desk/account"),
    ("system", "/desk/system"),
    ("ocsp", "/desk/ocsp"),
    ("time-stamps", "/desk/tsa"),
    ("verify", "/verify"),
    ("pickup", "/pickup"),
];

pub fn pictures() -> Option<PathBuf> {
    std::env::var_os("YINXIN_SCREENSHOTS")?;
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    Some(target.parent().unwrap().join("screenshots"))
}

/// Looks at a page every way, and leaves pictures if they are wanted.
fn seen(browser: &Browser, name: &str, address: &str) {
    for language in ["zh", "en"] {
        let mark = if address.contains('?') { '&' } else { '?' };
        browser.open(&format!("{address}{mark}lang={language}"));
        browser.wait_for("main h1, main h2");
        if language == "zh" {
            usable(browser);
        }
        well(browser);
        let words = browser.words();
        assert!(words.contains("印信"), "{address} names the product");
        let Some(folder) = pictures() else { continue };
        for (look, page) in [("desktop", Page::DESKTOP), ("phone", Page::PHONE), ("dark", Page::DESKTOP.dark())] {
            browser.look(page);
            browser.picture(&folder.join(format!("{name}-{language}-{look}.png")));
        }
        browser.look(Page::DESKTOP);
    }
    browser.open(&format!("{address}{}lang=zh", if address.contains('?') { '&' } else { '?' }));
}

#[test]
fn every_page_is_usable_by_everybody_in_both_languages() {
    let Some(house) = House::set_up() else { return };
    let service = &house.service;
    let good = service.issue("www.example.cn", crypto_pool::KeyAlgorithm::Sm2);
    let revoked = service.issue("old.example.cn", crypto_pool::KeyAlgorithm::P256);
    service.revoke(&revoked);
    let (csr, _) = crate::support::csr(crypto_pool::KeyAlgorithm::Sm2, &crypto_pool::OsRandom::open().unwrap());
    let csr = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, csr);
    let ask = serde_json::json!({ "csr": csr, "subject": "CN=new.example.cn", "sans": ["dns:new.example.cn"] });
    let waiting = service.call("cert/submit", &ask);

    for (name, shape) in
        [("示例科技有限公司公章", "round"), ("示例科技有限公司发票专用章", "oval"), ("王芳名章", "personal")]
    {
        let ask = serde_json::json!({ "name": name, "picture": { "drawn": { "shape": shape } } });
        service.call("seal/create", &ask);
    }
    let seals = service.call("seal/list", &serde_json::json!({}));
    let seal = seals["seals"][0]["id"].as_str().unwrap();

    let browser = &house.administrator;
    for (name, path) in PAGES {
        seen(browser, name, &house.at(path));
    }
    for (name, path) in [
        ("certificate", format!("/desk/certificates/{}/{}", good.issuer, good.serial)),
        ("certificate-revoked", format!("/desk/certificates/{}/{}", revoked.issuer, revoked.serial)),
        ("certificate-renew", format!("/desk/certificates/{}/{}/change/renew", good.issuer, good.serial)),
        ("certificate-reissue", format!("/desk/certificates/{}/{}/change/reissue", good.issuer, good.serial)),
        ("revoke", format!("/desk/certificates/revoke?one={}/{}", good.issuer, good.serial)),
        ("convert-certificate", format!("/desk/convert?issuer={}&serial={}", good.issuer, good.serial)),
        ("seal", format!("/desk/seals/{seal}")),
        ("seal-use", format!("/desk/seals/{seal}/use")),
        ("seal-status", format!("/seal/{seal}")),
        ("request", format!("/desk/requests/{}", waiting["request"].as_str().unwrap())),
    ] {
        seen(browser, name, &house.at(&path));
    }
    let Some(stranger) = house.stranger() else { return };
    for (name, path) in [("sign-in", "/signin"), ("setup", "/setup")] {
        seen(&stranger, name, &house.at(path));
    }
    for (name, path) in [("public", "/"), ("public-find", "/find"), ("public-trust", "/trust")] {
        seen(&stranger, name, &format!("{}{path}", service.http));
    }
}
