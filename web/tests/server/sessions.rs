//! Signing in at the portal, and everything that ends it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;

use crate::browser::{Browser, HOST, PASSWORD, Person, code};
use crate::house::House;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[tokio::test]
async fn the_first_link_becomes_a_password_and_leads_to_the_desk() {
    let house = House::trial().await;
    let person = Person::by_link(&house, &house.link, "Admin").await;
    assert!(!house.data().join("admin-link.txt").exists());
    let desk = person.browser.get("/desk").await;
    assert_eq!(desk.status, 200);
    assert!(desk.text().contains("Administrator") && desk.text().contains("管理员"), "{}", desk.text());
    let welcome = person.browser.get("/desk/welcome").await.text();
    assert!(welcome.contains("机构名称"), "{welcome}");
    let saved = person.browser.post("/desk/welcome", &[("organisation", "示例 <b>公司")]).await;
    assert_eq!((saved.status.as_u16(), saved.location()), (303, "/desk/welcome?done=saved"));
    assert!(person.browser.get("/desk").await.text().contains("示例 &#60;b&#62;公司"));
    assert!(welcome.contains("<b>Administrator</b>"), "nobody gave a name");
    // It stands in the database, not only in memory.
    let Person { id, login, totp, browser } = person;
    drop(browser);
    let house = house.restart().await;
    let person = Person { id, login, totp, browser: Browser::new(&house) };
    house.clock.advance(minutes(1));
    assert_eq!(person.sign_in(&house, &person.browser, None, None).await.status, 303);
    assert!(person.browser.get("/desk").await.text().contains("示例 &#60;b&#62;公司"));
    // The name that was typed with a capital is one name.
    assert_eq!(person.login, "Admin");
}

#[tokio::test]
async fn a_link_that_was_refused_something_still_works_and_one_that_was_used_does_not() {
    let house = House::trial().await;
    let browser = Browser::new(&house);
    let secret = house.secret();
    let invited = browser.api("officer/invited", json!({"secret": secret})).await.json();
    let totp = invited["totp"].as_str().unwrap();
    let right = code(&house, totp);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let claim = |login: &'static str, password: &'static str, code: String| {
        let (browser, secret, totp) = (&browser, secret.clone(), totp.to_owned());
        async move {
            let fields = [
                ("secret", secret.as_str()),
                ("how", "password"),
                ("login", login),
                ("password", password),
                ("totp", &totp),
                ("code", &code),
            ];
            browser.bare_post("/setup/claim", &fields).await
        }
    };
    assert_eq!(claim("admin", "short", right.clone()).await.status, 400);
    assert_eq!(claim("a", PASSWORD, right.clone()).await.status, 400);
    assert_eq!(claim("admin", PASSWORD, wrong.to_owned()).await.status, 400);
    assert!(!browser.is_signed_in().await);
    assert_eq!(claim("admin", PASSWORD, right.clone()).await.status, 200);
    assert!(browser.is_signed_in().await);
    assert_eq!(claim("admin", PASSWORD, right).await.status, 410);
    assert_eq!(browser.api("officer/invited", json!({"secret": secret})).await.code(), "LINK_USED");
}

#[tokio::test]
async fn password_and_code_sign_in_and_each_code_once() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    let browser = Browser::new(&house);
    // The code was used to claim the link.
    assert_eq!(person.sign_in(&house, &browser, None, None).await.status, 401);
    house.clock.advance(minutes(1));
    let answer = person.sign_in(&house, &browser, None, None).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/desk/account"));
    assert!(browser.is_signed_in().await);
    assert_eq!(person.sign_in(&house, &Browser::new(&house), None, None).await.status, 401);
    let log = house.socket("audit/export", json!({"limit": 1000})).await.json();
    let events: Vec<_> = log["entries"].as_array().unwrap().iter().filter(|e| e["event"] == "session.begun").collect();
    assert_eq!(events.len(), 2, "the claim and the sign-in");
    assert!(events.iter().all(|e| e["object"] == json!(person.id)));
}

#[tokio::test]
async fn a_wrong_name_password_or_code_gets_the_same_answer() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    house.clock.advance(minutes(1));
    let browser = Browser::new(&house);
    let right = code(&house, &person.totp);
    let other = if right == "123456" { "123457" } else { "123456" };
    let password = person.sign_in(&house, &browser, Some("eine kurze Nacht 7"), None).await;
    let code = person.sign_in(&house, &browser, None, Some(other)).await;
    let nobody = Person { login: "nobody".to_owned(), browser: Browser::new(&house), ..person };
    let name = nobody.sign_in(&house, &browser, None, None).await;
    for answer in [&password, &code, &name] {
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("登录名、密码或验证码不对"), "{}", answer.text());
    }
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn after_five_failures_an_account_waits_wherever_they_came_from() {
    use axum::http::StatusCode;
    use web::serve::Peer;
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    house.clock.advance(minutes(1));
    for last in 1..=5 {
        let address = format!("198.51.100.{last}:1").parse().unwrap();
        let browser = Browser::with_peer(&house, Peer::Https { address, certificate: None });
        assert_eq!(person.sign_in(&house, &browser, Some("wrong wrong wrong"), None).await.status, 401);
    }
    assert_eq!(person.sign_in(&house, &Browser::new(&house), None, None).await.status, StatusCode::TOO_MANY_REQUESTS);
    house.clock.advance(minutes(1));
    assert_eq!(person.sign_in(&house, &Browser::new(&house), None, None).await.status, 303);
}

#[tokio::test]
async fn a_session_ends_when_left_alone_and_after_a_working_day() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    let idle = person.browser.copied();
    for _ in 0..3 {
        house.clock.advance(minutes(29));
        assert!(person.browser.is_signed_in().await);
    }
    house.clock.advance(minutes(31));
    assert!(!idle.is_signed_in().await);
    house.clock.advance(minutes(1));
    assert_eq!(person.sign_in(&house, &person.browser, None, None).await.status, 303);
    for _ in 0..24 {
        assert!(person.browser.is_signed_in().await);
        house.clock.advance(minutes(29));
    }
    assert!(person.browser.is_signed_in().await, "after 11 h 36 min");
    house.clock.advance(minutes(25));
    assert!(!person.browser.is_signed_in().await, "after 12 h 1 min, though never idle");
}

#[tokio::test]
async fn signing_out_ends_the_session_for_whoever_copied_the_cookie() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    let thief = person.browser.copied();
    assert!(thief.is_signed_in().await);
    let out = person.browser.post("/signout", &[]).await;
    assert_eq!(out.location(), "/signin?done=signed-out");
    assert!(person.browser.cookie("__Host-yinxin").is_none());
    assert!(!thief.is_signed_in().await);
}

#[tokio::test]
async fn a_disabled_officer_is_signed_out_everywhere_and_cannot_come_back() {
    let house = House::trial().await;
    let admin = Person::by_link(&house, &house.link, "admin").await;
    let person = Person::of(&house, "auditor").await;
    assert!(person.browser.is_signed_in().await);
    let page = format!("/desk/officers/{}/disable", person.id);
    assert!(admin.browser.get(&page).await.text().contains("不能恢复"));
    assert_eq!(admin.browser.post(&page, &[]).await.location(), "/desk/officers?done=disabled");
    assert!(!person.browser.is_signed_in().await);
    house.clock.advance(minutes(1));
    assert_eq!(person.sign_in(&house, &Browser::new(&house), None, None).await.status, 401);
}

#[tokio::test]
async fn another_password_ends_other_sessions_and_the_old_one_is_worth_nothing() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    let elsewhere = person.browser.copied();
    house.clock.advance(minutes(1));
    let here = Browser::new(&house);
    assert_eq!(person.sign_in(&house, &here, None, None).await.status, 303);
    let new = "ein noch laengerer Tag";
    let change = |present: &'static str| {
        let here = &here;
        async move { here.post("/desk/account/password", &[("present", present), ("new", new), ("again", new)]).await }
    };
    assert_eq!(change("wrong wrong wrong").await.status, 400);
    assert_eq!(change(PASSWORD).await.location(), "/desk/account?done=saved");
    assert!(here.is_signed_in().await && !elsewhere.is_signed_in().await);
    house.clock.advance(minutes(1));
    assert_eq!(person.sign_in(&house, &Browser::new(&house), None, None).await.status, 401);
    assert_eq!(
        person.sign_in(&house, &Browser::new(&house), Some(new), None).await.status,
        303,
        "the app stays the same"
    );
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_does_nothing() {
    let house = House::trial().await;
    let admin = Person::by_link(&house, &house.link, "admin").await;
    let other = Person::of(&house, "administrator").await;
    let invite = [("name", "Mallory"), ("role", "auditor")];
    let bare = admin.browser.bare_post("/desk/officers", &invite).await;
    assert!(bare.status == 403 && bare.text().contains("FORM_EXPIRED"));
    let stolen = other.browser.csrf().await;
    let foreign = [invite[0], invite[1], ("csrf", stolen.as_str())];
    assert!(admin.browser.bare_post("/desk/officers", &foreign).await.text().contains("FORM_EXPIRED"));
    let csrf = admin.browser.csrf().await;
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://localhost:8443")] {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/desk/officers")
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(Body::from(format!("name=Mallory&role=auditor&csrf={csrf}"))).unwrap();
        let answer = admin.browser.send(request).await;
        assert!(answer.status == 403 && answer.text().contains("FOREIGN_ORIGIN"), "{origin:?}");
    }
    assert!(!admin.browser.get("/desk/officers").await.text().contains("Mallory"));
    let done = admin.browser.post("/desk/officers", &invite).await;
    assert!(done.status == 200 && done.text().contains("/setup#yl_"), "{}", done.text());
    assert!(admin.browser.get("/desk/officers").await.text().contains("Mallory"));
}

#[tokio::test]
async fn another_name_that_leads_here_is_refused_whatever_it_asks_for() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    for path in ["/desk", "/signin", "/setup", "/health", "/api/v1/error/list", "/assets/desk.js"] {
        let ask = |host: &str| Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
        let answer = person.browser.send(ask("evil.example:8443")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (421, "WRONG_HOST"), "{path}");
        assert_ne!(person.browser.send(ask("[::1]:8443")).await.status, 421, "{path}");
    }
}

#[tokio::test]
async fn a_session_counts_for_calls_of_our_own_pages_only() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    assert_eq!(person.browser.api("officer/list", json!({})).await.status, 200);
    assert_eq!(person.browser.api("officer/add", json!({})).await.code(), "FORBIDDEN");
    let mut request = crate::house::api("officer/list", json!({}), None);
    request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
    assert_eq!(person.browser.send(request).await.code(), "UNAUTHENTICATED", "no Origin");
    let mut request = crate::house::api("officer/list", json!({}), None);
    request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
    request.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    assert_eq!(person.browser.send(request).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_language_is_kept_and_signing_in_leads_nowhere_else() {
    let house = House::trial().await;
    let browser = Browser::new(&house);
    assert!(browser.get("/signin").await.text().contains("lang=\"zh-CN\""));
    assert!(browser.get("/signin?lang=en").await.text().contains("<html lang=\"en\""));
    assert!(browser.get("/signin").await.text().contains("<html lang=\"en\""));
    browser.get("/signin?lang=zh").await;
    let page = browser.get("/signin?next=https://evil.example/").await.text();
    assert!(page.contains("name=\"next\" value=\"/desk\""), "{page}");
    let to = browser.get("/desk/officers").await;
    assert_eq!((to.status.as_u16(), to.location()), (303, "/signin?next=/desk/officers"));
}

#[tokio::test]
async fn no_password_code_or_session_is_stored_itself() {
    let house = House::trial().await;
    let person = Person::of(&house, "auditor").await;
    let cookie = person.browser.cookie("__Host-yinxin").unwrap();
    let data = house.data();
    house.app.close().await;
    for entry in std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
        let bytes = std::fs::read(&entry).unwrap();
        for secret in [PASSWORD, person.totp.as_str(), &cookie[3..]] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", entry.display());
        }
    }
}
