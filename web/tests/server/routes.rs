//! Every page and every call, asked by every kind of caller: what the tables of rights say, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use pki_config::role::{Role, Setup, authorize};
use pki_config::{Actor, Channel, TenantId};
use serde_json::json;
use web::portal::table::{PageAccess, Row, rows};
use web::router::{Access, Door, calls_and_rights};
use web::serve::Peer;

use crate::browser::{Browser, Person};
use crate::house::{Answer, EC_CSR, House, address};

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    /// Sent to sign in, or told that nobody is known.
    Stranger,
    /// Told that the role does not allow it.
    Forbidden,
    /// Past the rights: shown, or stopped by what comes after them.
    Admitted,
}

fn met(answer: &Answer) -> Met {
    if answer.location().starts_with("/signin?next=") || answer.status == 401 {
        return Met::Stranger;
    }
    let text = answer.text();
    let forbidden = answer.status == 403 && (text.contains("<code>FORBIDDEN</code>") || answer.code() == "FORBIDDEN");
    if forbidden { Met::Forbidden } else { Met::Admitted }
}

/// A caller and the role that counts for them.
struct Caller {
    kind: &'static str,
    role: Option<Role>,
    browser: Browser,
}

/// Anonymous, every role, and everybody who was somebody once.
async fn callers(house: &House) -> Vec<Caller> {
    let mut callers = vec![Caller { kind: "anonymous", role: None, browser: Browser::new(house) }];
    let forged = Browser::new(house);
    forged.set_cookie("__Host-yinxin", "ys_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    callers.push(Caller { kind: "forged session", role: None, browser: forged });
    let expired = Person::of(house, "administrator").await;
    house.clock.advance(Duration::from_secs(12 * 3600 + 1));
    callers.push(Caller { kind: "expired session", role: None, browser: expired.browser });
    let disabled = Person::of(house, "administrator").await;
    assert!(disabled.browser.is_signed_in().await);
    house.socket("officer/disable", json!({"officer": disabled.id})).await;
    callers.push(Caller { kind: "disabled officer", role: None, browser: disabled.browser });
    let (good, _) = by_certificate(house, "administrator").await;
    let (revoked, serial) = by_certificate(house, "administrator").await;
    assert!(good.is_signed_in().await && revoked.is_signed_in().await);
    house.socket("cert/revoke", json!({"serial": serial, "reason": "keyCompromise"})).await;
    callers.push(Caller { kind: "certificate", role: Some(Role::Administrator), browser: good });
    callers.push(Caller { kind: "revoked certificate", role: None, browser: revoked });
    for role in Role::ACCOUNTS {
        let person = Person::of(house, role.as_str()).await;
        callers.push(Caller { kind: "session", role: Some(role), browser: person.browser });
    }
    callers
}

async fn by_certificate(house: &House, role: &str) -> (Browser, String) {
    let ask = json!({"name": "By certificate", "role": role, "credential": {"csr": EC_CSR}});
    let added = house.socket("officer/add", ask).await.json();
    let pem = added["certificate"].as_str().unwrap().to_owned();
    let end = "-----END CERTIFICATE-----\n";
    let (_, der) = der::pem::decode_vec(&pem.as_bytes()[..pem.find(end).unwrap() + end.len()]).unwrap();
    let list = house.socket("cert/list", json!({"limit": 1})).await.json();
    let serial = list["certificates"][0]["serial"].as_str().unwrap().to_owned();
    let peer = Peer::Https { address: address(), certificate: Some(Arc::new(der)) };
    (Browser::with_peer(house, peer), serial)
}

fn granted(role: Option<Role>, permission: pki_config::role::Permission, setup: Setup) -> Met {
    let Some(role) = role else { return Met::Stranger };
    let actor = Actor::new(TenantId::house(), "x", role, Channel::Https);
    if authorize(&actor, permission, setup).is_ok() { Met::Admitted } else { Met::Forbidden }
}

async fn ask_for(browser: &Browser, row: &Row) -> Answer {
    let path: String =
        row.path.split('/').map(|part| if part.starts_with('{') { "0" } else { part }).collect::<Vec<_>>().join("/");
    // Without its token a form is stopped after the rights and before anything is done.
    if row.method == Method::GET { browser.get(&path).await } else { browser.bare_post(&path, &[]).await }
}

async fn every_page(house: House, setup: Setup) {
    let callers = callers(&house).await;
    let mut seen = 0;
    for row in rows() {
        for caller in &callers {
            let answer = ask_for(&caller.browser, &row).await;
            let expected = match row.access {
                PageAccess::Open => Met::Admitted,
                PageAccess::SignedIn if caller.role.is_some() => Met::Admitted,
                PageAccess::SignedIn => Met::Stranger,
                PageAccess::Needs(permission) => granted(caller.role, permission, setup),
            };
            // An open form answers 401 to what is wrong in it.
            if row.access != PageAccess::Open {
                assert_eq!(met(&answer), expected, "{} {} by {} {:?}", row.method, row.path, caller.kind, caller.role);
            }
            assert_ne!(answer.status, 500, "{} {} by {}: {}", row.method, row.path, caller.kind, answer.text());
            assert!(answer.headers.contains_key("content-security-policy"), "{} {}", row.method, row.path);
            let closed = row.access != PageAccess::Open;
            if closed && row.method == Method::POST && caller.role.is_some() && expected == Met::Admitted {
                assert!(answer.text().contains("FORM_EXPIRED"), "{} without a token: {}", row.path, answer.status);
            }
            seen += 1;
        }
    }
    assert_eq!(seen, rows().len() * callers.len());
}

#[tokio::test]
async fn every_page_meets_every_caller_as_the_table_of_rights_says_in_a_trial() {
    every_page(House::trial().await, Setup::Trial).await;
}

/// In production some rights exist for nobody at this door, and the owner of the directory adds no officers: the
/// administrator of the first link invites one of each role.
#[tokio::test]
async fn every_page_meets_every_role_as_the_table_of_rights_says_in_production() {
    let house = House::production().await;
    let admin = Person::by_link(&house, &house.link, "admin").await;
    let mut people = vec![];
    for role in Role::ACCOUNTS {
        let page = admin.browser.post("/desk/officers", &[("name", "Somebody"), ("role", role.as_str())]).await.text();
        let link = page.split("autocomplete=\"off\" aria-label").nth(1).unwrap();
        let link = link.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned();
        people.push((role, Person::by_link(&house, &link, role.as_str()).await));
    }
    for row in rows().into_iter().filter(|row| row.access != PageAccess::Open) {
        for (role, person) in &people {
            let expected = match row.access {
                PageAccess::Needs(permission) => granted(Some(*role), permission, Setup::Production),
                PageAccess::Open | PageAccess::SignedIn => Met::Admitted,
            };
            let answer = ask_for(&person.browser, &row).await;
            assert_eq!(met(&answer), expected, "{} {} by {role}", row.method, row.path);
        }
    }
}

#[tokio::test]
async fn every_call_meets_every_session_as_the_table_of_rights_says() {
    let house = House::trial().await;
    for caller in callers(&house).await {
        for (call, access) in calls_and_rights() {
            let Access::Needs(permission) = access else { continue };
            // A body no call takes: who may call gets as far as being told that.
            let answer = caller.browser.api(call, json!({"nonsense": 1})).await;
            let expected = granted(caller.role, permission, Setup::Trial);
            assert_eq!(met(&answer), expected, "{call} by {} {:?}: {}", caller.kind, caller.role, answer.code());
        }
    }
}

#[tokio::test]
async fn plain_http_has_the_pages_that_are_open_everywhere_and_no_others() {
    use axum::body::Body;
    use axum::http::Request;
    let house = House::trial().await;
    for row in rows().into_iter().filter(|row| row.method == Method::GET && !row.path.contains('{')) {
        let peer = Peer::Http { address: address() };
        let request = Request::get(row.path).body(Body::empty()).unwrap();
        let answer = house.ask(Door::Http, peer, request).await;
        assert_eq!(answer.status != 404, row.at_http, "{}", row.path);
        assert!(!row.at_http || row.access == PageAccess::Open, "{}", row.path);
    }
}
