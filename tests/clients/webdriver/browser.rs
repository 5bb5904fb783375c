//! One person's browser.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PATIENCE, wire};

/// The word under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser; closed with this value.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    session: String,
    /// Where its downloads go.
    pub downloads: PathBuf,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Unit: CSS pixels.
    pub width: u32,
    /// Of the window; a picture holds the whole page. Unit: CSS pixels.
    pub height: u32,
    pub phone: bool,
    pub dark: bool,
}

impl Page {
    /// An ordinary screen.
    pub const DESKTOP: Self = Self { width: 1280, height: 900, phone: false, dark: false };
    /// The narrowest phones in use.
    pub const PHONE: Self = Self { width: 360, height: 740, phone: true, dark: false };

    /// The same, for those who like it dark.
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = wire::ask(self.port, "DELETE", &format!("/session/{}", self.session), None);
    }
}

impl Browser {
    pub(super) fn new(port: u16, session: String, downloads: PathBuf) -> Self {
        let browser = Self { port, session, downloads };
        // What the policy of a page forbade, kept across its own scripts; a page of before has taken its own away.
        let watch = "window.__forbidden = []; document.addEventListener('securitypolicyviolation', (e) => \
                     window.__forbidden.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": watch }));
        browser
    }

    fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        wire::ask(self.port, method, &format!("/session/{}/{path}", self.session), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        match self.try_ask(method, path, body) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("{path}: {error}")),
        }
    }

    /// Chromium's own protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "goog/cdp/execute", Some(&json!({ "cmd": command, "params": parameters })))
    }

    /// Opens an address and waits until the page is there.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.ask("POST", "url", Some(&json!({ "url": url })));
    }

    /// The address of the page.
    #[track_caller]
    pub fn url(&self) -> String {
        self.ask("GET", "url", None).as_str().unwrap_or_default().to_owned()
    }

    /// The title of the page.
    #[track_caller]
    pub fn title(&self) -> String {
        self.ask("GET", "title", None).as_str().unwrap_or_default().to_owned()
    }

    /// Runs the body of a function in the page, with `arguments`. The policy of the page does not apply to it.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.ask("POST", "execute/sync", Some(&json!({ "script": script, "args": arguments })))
    }

    /// The same for a script that ends by calling its last argument.
    #[track_caller]
    pub fn run_until_called(&self, script: &str, arguments: &[Value]) -> Value {
        self.ask("POST", "execute/async", Some(&json!({ "script": script, "args": arguments })))
    }

    /// Waits until `what` is so, and gives what it gave.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut is: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = is(self) {
                return found;
            }
            if Instant::now() > end {
                self.fail(&format!("waited for {what}"));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Ends the test with what the page shows.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let get = |path: &str| self.try_ask("GET", path, None).ok().and_then(|v| v.as_str().map(str::to_owned));
        let script = json!({ "script": "return document.body.innerText", "args": [] });
        let shown = self.try_ask("POST", "execute/sync", Some(&script)).ok();
        let shown = shown.as_ref().and_then(Value::as_str).unwrap_or_default();
        panic!("{why}\nat {}\nthe page shows:\n{shown}", get("url").unwrap_or_default());
    }

    fn find(&self, css: &str) -> Option<String> {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.try_ask("POST", "element", Some(&by)).ok()?;
        found[ELEMENT].as_str().map(str::to_owned)
    }

    /// Whether it is on the page now.
    pub fn has(&self, css: &str) -> bool {
        self.find(css).is_some()
    }

    /// Waits for an element.
    #[track_caller]
    pub fn wait_for(&self, css: &str) {
        self.until(css, |browser| browser.find(css).map(|_| ()));
    }

    /// Waits until the page shows these words.
    #[track_caller]
    pub fn wait_for_words(&self, words: &str) {
        self.until(words, |browser| browser.words().contains(words).then_some(()));
    }

    /// All words that the page shows. Empty while another page is being loaded.
    pub fn words(&self) -> String {
        let script = json!({ "script": "return document.body ? document.body.innerText : ''", "args": [] });
        let words = self.try_ask("POST", "execute/sync", Some(&script)).ok();
        words.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The words of the first such element.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        self.until(css, |browser| {
            let element = browser.find(css)?;
            browser.try_ask("GET", &format!("element/{element}/text"), None).ok()?.as_str().map(str::to_owned)
        })
    }

    /// The words of every such element.
    #[track_caller]
    pub fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())";
        let found = self.run(script, &[json!(css)]);
        found.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// A property of an element, such as `value` or `href`.
    #[track_caller]
    pub fn property(&self, css: &str, name: &str) -> Value {
        self.wait_for(css);
        self.run("return document.querySelector(arguments[0])[arguments[1]]", &[json!(css), json!(name)])
    }

    /// Clicks as a person would: it must be there, in view and not covered.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.act(css, "click", &json!({}));
    }

    /// Empties a field and types into it.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        self.act(css, "clear", &json!({}));
        self.act(css, "value", &json!({ "text": text }));
    }

    /// Presses keys in a field, or gives a file field the path of a file.
    #[track_caller]
    pub fn keys(&self, css: &str, text: &str) {
        self.act(css, "value", &json!({ "text": text }));
    }

    /// Takes an option of a list by its value, as a person would, so that the page hears of it.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]"));
    }

    #[track_caller]
    fn act(&self, css: &str, verb: &str, body: &Value) {
        let mut last = "it is not there".to_owned();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(element) = self.find(css) {
                match self.try_ask("POST", &format!("element/{element}/{verb}"), Some(body)) {
                    Ok(_) => return,
                    // A page that was just replaced, or something that moves in front.
                    Err(error) => last = error,
                }
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        self.fail(&format!("{verb} {css}: {last}"));
    }

    /// Takes the middle of an element with the mouse and lets go of it where `to` says: the share of another element's
    /// width and height, from its upper left corner. Both must be in view.
    #[track_caller]
    pub fn drag(&self, css: &str, onto: &str, to: (f64, f64)) {
        let middle = |css: &str, (x, y): (f64, f64)| {
            let script = "const b = document.querySelector(arguments[0]).getBoundingClientRect(); \
                          return [b.left + b.width * arguments[1], b.top + b.height * arguments[2]]";
            let found = self.run(script, &[json!(css), json!(x), json!(y)]);
            json!({
                "type": "pointerMove", "duration": 60, "origin": "viewport",
                "x": found[0].as_f64().unwrap().round() as i64, "y": found[1].as_f64().unwrap().round() as i64,
            })
        };
        let (from, end) = (middle(css, (0.5, 0.5)), middle(onto, to));
        let steps = json!([
            from, { "type": "pointerDown", "button": 0 },
            { "type": "pointerMove", "duration": 60, "origin": "pointer", "x": -9, "y": -7 },
            end, { "type": "pointerUp", "button": 0 },
        ]);
        let mouse =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": steps });
        self.ask("POST", "actions", Some(&json!({ "actions": [mouse] })));
    }

    /// Does what leads to another page and waits for that page.
    #[track_caller]
    pub fn leave_by(&self, does: impl FnOnce(&Self)) {
        self.run("window.__left = false", &[]);
        does(self);
        let script =
            json!({ "script": "return document.readyState === 'complete' && window.__left === undefined", "args": [] });
        self.until("the next page", |browser| {
            let answer = browser.try_ask("POST", "execute/sync", Some(&script)).ok()?;
            (answer == true).then_some(())
        });
    }

    /// Clicks a link or button that leads to another page.
    #[track_caller]
    pub fn follow(&self, css: &str) {
        self.leave_by(|browser| browser.click(css));
    }

    /// Waits for a file among the downloads and gives its content.
    #[track_caller]
    pub fn downloaded(&self, name: &str) -> Vec<u8> {
        let path = self.downloads.join(name);
        self.until(name, |_| std::fs::read(&path).ok().filter(|bytes| !bytes.is_empty()))
    }

    /// What went wrong on the page: errors on its console, and what its policy forbade.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", "se/log", Some(&json!({ "type": "browser" })));
        let lines = log.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        let forbidden = self.run("return window.__forbidden || []", &[]);
        let forbidden = forbidden.as_array().into_iter().flatten().map(|line| format!("forbidden: {line}"));
        lines.map(|line| line["message"].to_string()).chain(forbidden).collect()
    }

    /// Looks at pages this way from now on.
    #[track_caller]
    pub fn look(&self, page: Page) {
        let size = json!({
            "width": page.width, "height": page.height, "deviceScaleFactor": 1, "mobile": page.phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if page.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// A picture of the whole page, PNG.
    #[track_caller]
    pub fn picture(&self, file: &Path) {
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png", "captureBeyondViewport": true }));
        let png = STANDARD.decode(shot["data"].as_str().unwrap_or_default()).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, png).unwrap();
    }

    /// Whether the page is wider than the window, so that a reader would have to push it from side to side.
    #[track_caller]
    pub fn overflows(&self) -> bool {
        let script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        self.run(script, &[]) == true
    }

    /// What axe-core finds serious or worse on the page, a line each. `script` is axe itself.
    #[track_caller]
    pub fn judged_by_axe(&self, script: &str) -> Vec<String> {
        // The driver wraps scripts into functions; a name of the page's own is what the next call looks for.
        self.run(&format!("{script}; window.axe = axe || window.axe;"), &[]);
        let run = "const done = arguments[arguments.length - 1]; \
                   axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
                   .then((r) => done(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)) \
                   .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`)), \
                   (e) => done([`axe failed: ${e}`]))";
        let found = self.run_until_called(run, &[]);
        found.as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)).collect()
    }

    /// A passkey in place of one that a person would touch. It answers every question by itself.
    #[track_caller]
    pub fn plug_in_passkey(&self) {
        let authenticator = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        self.ask("POST", "webauthn/authenticator", Some(&authenticator));
    }
}
