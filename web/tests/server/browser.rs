//! A browser as far as the portal can tell: keeps cookies, sends `Host` and `Origin`, puts the token into forms.

use std::sync::Mutex;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt as _;
use pki_config::Clock as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use web::router::Door;
use web::serve::Peer;

use crate::house::{Answer, House, stranger};

pub const HOST: &str = "localhost:8443";
pub const PASSWORD: &str = "eine lange Nacht 7";

pub struct Browser {
    router: Router,
    peer: Peer,
    cookies: Mutex<Vec<(String, String)>>,
}

impl Browser {
    pub fn new(house: &House) -> Self {
        Self::with_peer(house, stranger())
    }

    /// With a client certificate, say.
    pub fn with_peer(house: &House, peer: Peer) -> Self {
        Self { router: house.router(Door::Https), peer, cookies: Mutex::default() }
    }

    /// Another one with the same cookies, as if they had been copied.
    pub fn copied(&self) -> Self {
        let cookies = Mutex::new(self.cookies.lock().unwrap().clone());
        Self { router: self.router.clone(), peer: self.peer.clone(), cookies }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|(known, _)| known != name);
        if !value.is_empty() {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let text = self.cookies.lock().unwrap().iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
        if !text.is_empty() {
            request.headers_mut().insert(header::COOKIE, text.parse().unwrap());
        }
        request.extensions_mut().insert(self.peer.clone());
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite=") && line.starts_with("__Host-"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.set_cookie(name, value);
        }
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::HOST, HOST).body(Body::empty()).unwrap()).await
    }

    /// A form with these fields and nothing else.
    pub async fn bare_post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = fields.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect::<Vec<_>>().join("&");
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, format!("https://{HOST}"))
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A form as the page has it: with its token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let all: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.bare_post(path, &all).await
    }

    pub async fn csrf(&self) -> String {
        let page = self.get("/desk/account").await.text();
        page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("").to_owned()
    }

    /// A call of the interface, by a script of a page.
    pub async fn api(&self, call: &str, body: Value) -> Answer {
        let mut request = crate::house::api(call, body, None);
        request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
        request.headers_mut().insert(header::ORIGIN, format!("https://{HOST}").parse().unwrap());
        self.send(request).await
    }

    pub async fn is_signed_in(&self) -> bool {
        self.get("/desk").await.status == 200
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// RFC 6238 with the secret as people type it, at the house's time.
pub fn code(house: &House, totp: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = totp.chars().map(|c| format!("{:05b}", alphabet.find(c).unwrap())).collect();
    let key: Vec<u8> =
        bits.as_bytes().chunks(8).map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap()).collect();
    let step = house.clock.now().unix_seconds() / 30;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Somebody who came in by a link and set a password.
pub struct Person {
    pub id: String,
    pub login: String,
    pub totp: String,
    pub browser: Browser,
}

impl Person {
    /// An officer of this role, invited by the owner of the directory.
    pub async fn of(house: &House, role: &str) -> Self {
        let ask = json!({"name": format!("Test {role}"), "role": role, "credential": "link"});
        let added = house.socket("officer/add", ask).await.json();
        let link = added["link"].as_str().unwrap().to_owned();
        Self::by_link(house, &link, &format!("{role}.{}", &added["officer"].as_str().unwrap()[..6])).await
    }

    /// Whoever the link is for.
    pub async fn by_link(house: &House, link: &str, login: &str) -> Self {
        let browser = Browser::new(house);
        let secret = link.rsplit('#').next().unwrap();
        let invited = browser.api("officer/invited", json!({"secret": secret})).await;
        assert_eq!(invited.status, 200, "{}", invited.text());
        let invited = invited.json();
        let totp = invited["totp"].as_str().unwrap().to_owned();
        let now = code(house, &totp);
        let claimed = browser
            .bare_post(
                "/setup/claim",
                &[
                    ("secret", secret),
                    ("how", "password"),
                    ("login", login),
                    ("password", PASSWORD),
                    ("totp", &totp),
                    ("code", &now),
                ],
            )
            .await;
        assert_eq!(claimed.status, 200, "{}", claimed.text());
        Self { id: invited["officer"].as_str().unwrap().to_owned(), login: login.to_owned(), totp, browser }
    }

    /// Signs in in `browser` with what is right, but for what is given.
    pub async fn sign_in(
        &self,
        house: &House,
        browser: &Browser,
        password: Option<&str>,
        other_code: Option<&str>,
    ) -> Answer {
        let now = code(house, &self.totp);
        let fields = [
            ("login", self.login.as_str()),
            ("password", password.unwrap_or(PASSWORD)),
            ("code", other_code.unwrap_or(&now)),
            ("next", "/desk/account"),
        ];
        browser.bare_post("/signin", &fields).await
    }
}
