//! A person's way through the pages, in a real browser.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "judges/mod.rs"]
mod judges;
mod support;

use clients::{Page, Service, WebDriver};
use judges::Axe;

#[test]
fn the_public_pages_load_without_a_complaint_and_fit_a_phone() {
    let service = Service::start();
    let Some(driver) = WebDriver::start(&service.scratch("browser"), &service.root("ec-root")) else { return };
    let Some(browser) = driver.browser("stranger") else { return };
    for page in [Page::DESKTOP, Page::PHONE, Page::DESKTOP.dark()] {
        browser.look(page);
        browser.open(&format!("{}/verify", service.https));
        browser.wait_for("h1");
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{page:?}");
        assert!(!browser.overflows(), "{page:?}");
        if let Some(axe) = Axe::find() {
            assert_eq!(browser.judged_by_axe(axe.script()), Vec::<String>::new(), "{page:?}");
        }
    }
}

#[test]
fn the_judge_of_pages_refuses_a_picture_without_words_and_the_watch_sees_what_a_policy_forbids() {
    let service = Service::start();
    let Some(driver) = WebDriver::start(&service.scratch("browser"), &service.root("ec-root")) else { return };
    let (Some(browser), Some(axe)) = (driver.browser("stranger"), Axe::find()) else { return };
    browser.open(&format!("{}/verify", service.https));
    browser.run("document.querySelector('main').append(document.createElement('img'))", &[]);
    let found = browser.judged_by_axe(axe.script());
    assert!(found.iter().any(|line| line.starts_with("image-alt:")), "{found:?}");
    // A frame from elsewhere, which the policy of every page forbids.
    browser
        .run("const f = document.createElement('iframe'); f.src = 'http://127.0.0.1:9/'; document.body.append(f)", &[]);
    browser.until("a complaint", |browser| {
        browser.complaints().iter().any(|line| line.contains("frame-src")).then_some(())
    });
}
