//! Who goes through the pages: a house with its administrator, and officers with browsers of their own.

use aws_lc_rs::hmac;
use serde_json::json;

use crate::clients::{Browser, Page, Service, WebDriver};
use crate::judges::Axe;

/// A house that was just set up, in browsers.
pub struct House {
    /// The administrator's, signed in.
    pub administrator: Browser,
    driver: WebDriver,
    pub service: Service,
}

impl House {
    /// Opens the first link, chooses a password and codes, and ends on the desk. `None` if there is no browser.
    pub fn set_up() -> Option<Self> {
        let service = Service::start();
        let driver = WebDriver::start(&service.scratch("browsers"), &service.root("ec-root"))?;
        let administrator = driver.browser("administrator")?;
        administrator.look(Page::DESKTOP);
        let link = std::fs::read_to_string(service.folder.path().join("data/admin-link.txt")).unwrap();
        administrator.open(link.trim());
        administrator.fill("#login", "wang");
        administrator.fill("#password", "一句只有我知道的话 1024");
        let code = code(&administrator.text("#totp"));
        administrator.fill("#code", &code);
        administrator.leave_by(|browser| browser.click("#password-form button"));
        well(&administrator);
        administrator.fill("input[name=organisation]", "示例认证中心");
        administrator.follow("form[action='/desk/welcome'] button");
        administrator.wait_for_words("示例认证中心");
        well(&administrator);
        Some(Self { administrator, driver, service })
    }

    /// Invites an officer, who signs in with a passkey in a browser of its own.
    pub fn invite(&self, name: &str, role: &str) -> Option<Browser> {
        let administrator = &self.administrator;
        administrator.open(&self.at("/desk/officers"));
        administrator.fill("input[name=name]", name);
        administrator.click(&format!("input[name=role][value='{role}']"));
        administrator.follow("form[action='/desk/officers'] button");
        let link = administrator.property("#link", "value").as_str().unwrap().to_owned();
        well(administrator);
        let officer = self.driver.browser(name)?;
        officer.look(Page::DESKTOP);
        officer.plug_in_passkey();
        officer.open(&link);
        officer.leave_by(|browser| browser.click("#passkey"));
        officer.wait_for("main h1");
        well(&officer);
        Some(officer)
    }

    /// Somebody who is not an officer.
    pub fn stranger(&self) -> Option<Browser> {
        let stranger = self.driver.browser("stranger")?;
        stranger.look(Page::DESKTOP);
        Some(stranger)
    }

    /// A page's whole address.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.service.https)
    }
}

/// Asserts that the page has nothing to complain of.
#[track_caller]
pub fn well(browser: &Browser) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{}: {complaints:#?}", browser.url());
}

/// Asserts that everybody can use the page: those who see badly and those with a telephone as well.
#[track_caller]
pub fn usable(browser: &Browser) {
    well(browser);
    if let Some(axe) = Axe::find() {
        let found = browser.judged_by_axe(axe.script());
        assert!(found.is_empty(), "{}: {found:#?}", browser.url());
    }
    browser.look(Page::PHONE);
    let wide = browser.overflows();
    browser.look(Page::DESKTOP);
    assert!(!wide, "{} is wider than a telephone", browser.url());
}

/// The code of RFC 6238 that an app on a telephone would show now for this secret in Base32.
fn code(secret: &str) -> String {
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut key = Vec::new();
    for letter in secret.bytes().filter(u8::is_ascii_alphanumeric) {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            other => panic!("{} is not of Base32", char::from(other)),
        };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits & 0xff) as u8);
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &(now / 30).to_be_bytes());
    let tag = tag.as_ref();
    let from = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Has the page itself send a form, as a caller would who pays no heed to which buttons are there. Gives the status.
pub fn send_anyway(browser: &Browser, path: &str) -> i64 {
    let script = "const done = arguments[1]; const csrf = document.querySelector('input[name=csrf]').value; \
                  fetch(arguments[0], { method: 'POST', body: new URLSearchParams({ csrf }) }).then((r) => done(r.status))";
    let status = browser.run_until_called(script, &[json!(path)]);
    // The refusal stands on the console too; it was wanted.
    browser.complaints();
    status.as_i64().unwrap()
}
